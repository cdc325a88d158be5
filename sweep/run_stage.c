/* run_stage.c - what happens when a stage starts, ends or fails. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/num.h"
#include "sweep/cross.h"
#include "sweep/run_state.h"
#include "sweep/smoke_data.h"

static const char *trial_of_stage(const struct run *run, uint32_t stage,
                                  char out[MX_TRIAL_NAME_SIZE])
{
    return mx_trial_name(&run->plan->trials[run->plan->stages[stage].first_trial], out);
}

/* A trial of a stage on an executor, for the log. */
static struct mx_console_about about(const struct run *run, uint32_t executor, const char *trial)
{
    unsigned r = 0;

    while (r + 1 < run->ranks && executor - run->nodes[r].first >=
                                     run->nodes[r].workers) /* unsigned: below is far above */
        r++;
    return (struct mx_console_about){run->nodes[r].host, (int)r, trial};
}

/* The start of a brief stage says nothing that its end will not say at once. */
static int note_start(struct run *run, const struct mx_action *action, struct mx_err *err)
{
    const struct mx_stage *stage = &run->plan->stages[action->stage];
    struct mx_record       record = {.kind = MX_RECORD_STARTED,
                                     .key = stage->key,
                                     .attempt = action->attempt,
                                     .executor = action->executor};
    char                   trial[MX_TRIAL_NAME_SIZE];

    if (mx_console_wants(run->console))
        mx_console_tell(run->console, MX_LOG_DEBUG,
                        about(run, action->executor, trial_of_stage(run, action->stage, trial)),
                        "%s starts on executor %u, attempt %u", worker_kinds[stage->kind].word,
                        (unsigned)action->executor, action->attempt);
    if (action->brief)
        return 0;
    record.started_utc_s = mx_clock_utc_s();
    return mx_journal_append(run->journal, &record, err);
}

/* What a comparison has to do without. */
static void tell_failed_inputs(struct run *run, uint32_t stage)
{
    const struct mx_stage *row = &run->plan->stages[stage];

    for (uint32_t i = 0; i < row->ninputs && mx_cross_goes_on(row->kind); i++)
        run->job.inputs[i].failed =
            mx_sched_stage_failed(run->sched, run->plan->inputs[row->first_input + i]);
}

static int make_job(struct run *run, const struct mx_action *action, struct mx_err *err)
{
    const uint32_t before = run->job_stage, stage = action->stage;

    run->job_stage = UINT32_MAX;
    if (before == UINT32_MAX
            ? mx_plan_job(run->plan, run->config, stage, &run->job, err)
            : mx_plan_next_job(run->plan, run->config, before, stage, &run->job, err))
        return -1;
    run->job_stage = stage;
    tell_failed_inputs(run, stage);
    mx_smoke_use(run->smoke_data, &run->job.params);
    run->job.until_epoch = action->epoch;
    run->job.checkpoint_s = run->config->base[KEY_SCHEDULE_CHECKPOINT_EVERY].real;
    run->job.empty = run->options->empty_stages;
    return run->job.empty ? 0 : run_place_job(run, stage, &run->job, err);
}

/* Nobody goes past a rung before it is durable that it does: what it leaves on disk would
 * be of a time that the next incarnation knows nothing of. */
static int start_stage(struct run *run, const struct mx_action *action, struct mx_err *err)
{
    if (run->undecided_on_disk && mx_journal_sync(run->journal, err))
        return -1;
    run->undecided_on_disk = false;
    if (make_job(run, action, err) || note_start(run, action, err))
        return -1;
    return mx_link_start(run->link, action->executor, action->lease, action->stage, &run->job, err);
}

static void end_trial(struct run *run, const struct mx_action *action)
{
    char name[MX_TRIAL_NAME_SIZE];

    mx_results_trial(run->results, action->trial, action->state, action->reason);
    if (action->state == MX_STATE_FAILED || action->state == MX_STATE_QUARANTINED)
        mx_console_log(run->console, MX_LOG_WARNING,
                       mx_trial_name(&run->plan->trials[action->trial], name), "%s: %s",
                       mx_state_names[action->state], mx_reason_names[action->reason]);
}

/* What a training that waited is told, for the journal. */
static int note_decision(struct run *run, const struct mx_action *action, struct mx_err *err)
{
    struct mx_record record = {.kind = MX_RECORD_DECIDED,
                               .key = run->plan->stages[action->stage].key,
                               .epoch = action->epoch,
                               .rung = action->rung,
                               .go_on = action->go_on,
                               .started_utc_s = mx_clock_utc_s()};
    char             trial[MX_TRIAL_NAME_SIZE];

    if (mx_console_wants(run->console))
        mx_console_log(run->console, MX_LOG_DEBUG, trial_of_stage(run, action->stage, trial),
                       "%s at rung %u, after %u epochs", action->go_on ? "goes on" : "is stopped",
                       action->rung, action->epoch);
    run->undecided_on_disk = true;
    if (mx_journal_append(run->journal, &record, err))
        return -1;
    return action->go_on ? 0 : run_drop_checkpoints(run, action->stage, err);
}

static int apply_actions(struct run *run, struct mx_err *err)
{
    for (size_t i = 0; i < run->actions.count; i++) {
        const struct mx_action *action = &run->actions.list[i];
        char                    name[MX_TRIAL_NAME_SIZE];

        switch (action->kind) {
        case MX_ACTION_START:
            if (start_stage(run, action, err))
                return -1;
            break;
        case MX_ACTION_KILL:
            mx_console_tell(run->console, MX_LOG_WARNING,
                            about(run, action->executor, trial_of_stage(run, action->stage, name)),
                            "executor %u is ended: %s", (unsigned)action->executor,
                            mx_reason_names[action->reason]);
            mx_link_kill(run->link, action->executor, action->reason);
            break;
        case MX_ACTION_TRIAL_ENDED:
            end_trial(run, action);
            break;
        case MX_ACTION_HOST:
            if (run_note_host(run, action, err))
                return -1;
            break;
        case MX_ACTION_DECIDED:
            if (note_decision(run, action, err))
                return -1;
            break;
        }
    }
    return 0;
}

int run_feed(struct run *run, struct mx_event event, struct mx_err *err)
{
    event.now_s = mx_clock_monotonic_s();
    if (mx_sched_event(run->sched, &event, &run->actions, err))
        return -1;
    return apply_actions(run, err);
}

/* The record of an attempt that has just ended. One that died has told no time:
 * it ran since its lease was the first of its executor. */
static struct mx_record end_record(const struct run *run, enum mx_record_kind kind,
                                   const struct mx_link_event *event, const struct mx_lease *lease)
{
    struct mx_record record = {
        .kind = kind,
        .key = run->plan->stages[lease->stage].key,
        .attempt = lease->attempt,
        .executor = event->executor,
        .rank = event->rank,
        .ended_utc_s = mx_clock_utc_s(),
        .seconds = event->kind == MX_LINK_LOST ? mx_clock_monotonic_s() - lease->started_s
                                               : event->seconds,
        .gpu = event->gpu,
    };

    if (!(record.seconds >= 0)) /* it waited behind one whose answer did not come */
        record.seconds = 0;
    record.started_utc_s = record.ended_utc_s - record.seconds;
    memcpy(record.host, event->host, sizeof record.host);
    memcpy(record.device, event->device, sizeof record.device);
    memcpy(record.text, event->text, strnlen(event->text, sizeof record.text - 1));
    return record;
}

/* What an attempt took counts for its node and for the sweep, whatever came of it. */
static void count_work(struct run *run, const struct mx_record *record)
{
    struct run_node *node = &run->nodes[record->rank];

    node->busy_s += record->seconds;
    mx_gpu_use_add(&node->gpu, &record->gpu);
    mx_gpu_use_add(&run->replay.used, &record->gpu);
}

/* Whether the lease that a report speaks of is still held; a late report is
 * dropped, so that nothing is counted twice. */
static bool is_current(struct run *run, const struct mx_link_event *event, struct mx_lease *lease)
{
    if (mx_sched_lease(run->sched, event->stage, event->lease, lease))
        return true;
    mx_console_log(run->console, MX_LOG_DEBUG, NULL,
                   "a late report of executor %u is dropped: its lease is no longer held",
                   (unsigned)event->executor);
    return false;
}

/* What a stage itself had to tell. That a training goes on where it waited is nothing new. */
static void log_note(const struct run *run, const struct mx_link_event *event)
{
    char              trial[MX_TRIAL_NAME_SIZE];
    enum mx_log_level level =
        mx_sched_stage_rungs(run->sched, event->stage) > 0 ? MX_LOG_DEBUG : MX_LOG_INFO;

    if (event->note && *event->note)
        mx_console_tell(run->console, strstr(event->note, "warning: ") ? MX_LOG_WARNING : level,
                        about(run, event->executor, trial_of_stage(run, event->stage, trial)),
                        "%s: %s", worker_kinds[run->plan->stages[event->stage].kind].word,
                        event->note);
}

/* The one number that a training is judged by; NaN if it was not measured. */
static const struct worker_metric *judged(const struct run *run, const struct worker_result *result)
{
    const char *name = run->config->base[KEY_SEARCH_METRIC].text;

    for (size_t k = 0; name && k < result->nmetrics; k++)
        if (strcmp(result->metrics[k].name, name) == 0)
            return &result->metrics[k];
    return NULL;
}

/* A training waits at a rung. */
static int on_paused(struct run *run, const struct mx_link_event *event,
                     const struct mx_lease *lease, struct mx_err *err)
{
    const struct worker_metric *metric = judged(run, event->result);
    struct mx_record            record = end_record(run, MX_RECORD_REACHED, event, lease);
    char                        value[MX_NUM_SIZE] = "not measured";
    struct mx_run_info          info;

    if (metric)
        mx_num_format(metric->value, value);
    record.epoch = event->result->paused_epoch;
    record.metrics = metric;
    record.nmetrics = metric != NULL;
    record.rung = mx_sched_stage_rungs(run->sched, event->stage);
    snprintf(record.text, sizeof record.text, "rung %u, after %u epochs: %s %s", record.rung,
             record.epoch, run->config->base[KEY_SEARCH_METRIC].text, value);
    info = mx_replay_info(&record);
    info.goes_on = true;
    count_work(run, &record);
    log_note(run, event);
    if (mx_journal_append(run->journal, &record, err) ||
        mx_results_stage(run->results, event->stage, NULL, 0, &info, err))
        return -1;
    return run_feed(run,
                    (struct mx_event){.kind = MX_EVENT_STAGE_PAUSED,
                                      .executor = event->executor,
                                      .lease = event->lease,
                                      .stage = event->stage,
                                      .seconds = event->seconds,
                                      .epoch = record.epoch,
                                      .value = metric ? metric->value : NAN},
                    err);
}

static int on_done(struct run *run, const struct mx_link_event *event, struct mx_err *err)
{
    struct mx_record   record;
    struct mx_run_info info;
    struct mx_lease    lease;
    char               trial[MX_TRIAL_NAME_SIZE];

    if (!is_current(run, event, &lease))
        return mx_link_reject(run->link, event, err);
    if (event->result->paused_epoch > 0)
        return on_paused(run, event, &lease, err);
    record = end_record(run, MX_RECORD_DONE, event, &lease);
    info = mx_replay_info(&record);
    record.metrics = event->result->metrics;
    record.nmetrics = event->result->nmetrics;
    run->nodes[event->rank].done++;
    count_work(run, &record);
    run->makers[event->stage] = (struct mx_link_maker){event->executor, event->life};
    log_note(run, event);
    if (mx_console_wants(run->console))
        mx_console_tell(run->console, MX_LOG_DEBUG,
                        about(run, event->executor, trial_of_stage(run, event->stage, trial)),
                        "%s done on executor %u in %.1f s",
                        worker_kinds[run->plan->stages[event->stage].kind].word,
                        (unsigned)event->executor, event->seconds);
    if (mx_journal_append(run->journal, &record, err) ||
        mx_results_stage(run->results, event->stage, record.metrics, record.nmetrics, &info, err) ||
        run_release_inputs(run, event->stage, err))
        return -1;
    return run_feed(run,
                    (struct mx_event){.kind = MX_EVENT_STAGE_DONE,
                                      .executor = event->executor,
                                      .lease = event->lease,
                                      .stage = event->stage,
                                      .seconds = event->seconds},
                    err);
}

static enum mx_reason reason_of(enum mx_code code)
{
    switch (code) {
    case MX_EDIVERGED:
        return MX_REASON_DIVERGED;
    case MX_ENOMEM:
        return MX_REASON_OUT_OF_MEMORY;
    case MX_EDATA:
        return MX_REASON_DATA_ERROR;
    default:
        return MX_REASON_CRASHED;
    }
}

/* An attempt failed, by its own word or by the death of its executor. */
static int attempt_failed(struct run *run, struct mx_event scheduled,
                          const struct mx_link_event *event, const struct mx_lease *lease,
                          struct mx_err *err)
{
    const struct mx_stage *stage = &run->plan->stages[lease->stage];
    struct mx_record       record = end_record(run, MX_RECORD_FAILED, event, lease);
    struct mx_run_info     info = mx_replay_info(&record);
    char                   trial[MX_TRIAL_NAME_SIZE];

    record.reason = scheduled.reason;
    record.final = mx_sched_final(run->sched, lease->stage, scheduled.reason);
    mx_console_tell(run->console, MX_LOG_WARNING,
                    about(run, event->executor, trial_of_stage(run, lease->stage, trial)),
                    "attempt %u of stage %s failed: %s", record.attempt,
                    worker_kinds[stage->kind].word, event->text);
    run->nodes[event->rank].failed++;
    count_work(run, &record);
    run_note_failure(run, stage->first_trial, scheduled.reason, record.attempt, event->text);
    if (mx_journal_append(run->journal, &record, err) ||
        mx_results_stage(run->results, lease->stage, NULL, 0, &info, err))
        return -1;
    return run_feed(run, scheduled, err);
}

static int on_failed(struct run *run, const struct mx_link_event *event, struct mx_err *err)
{
    struct mx_event scheduled = {.kind = MX_EVENT_STAGE_FAILED,
                                 .executor = event->executor,
                                 .lease = event->lease,
                                 .stage = event->stage,
                                 .reason = reason_of(event->code)};
    struct mx_lease lease;

    if (!is_current(run, event, &lease))
        return 0;
    log_note(run, event);
    /* A disk that is full is no fault of the trial: the sweep ends, resumable. */
    if (event->code == MX_EIO)
        return mx_fail(err, MX_EIO, "%s", event->text);
    return attempt_failed(run, scheduled, event, &lease, err);
}

static int on_lost(struct run *run, const struct mx_link_event *event, struct mx_err *err)
{
    struct mx_event scheduled = {.kind = MX_EVENT_EXECUTOR_LOST,
                                 .executor = event->executor,
                                 .lease = event->lease,
                                 .reason = event->reason};
    struct mx_lease lease;

    if (mx_sched_held(run->sched, event->executor, event->lease, &lease)) {
        scheduled.reason = lease.overdue ? MX_REASON_TIMED_OUT : event->reason;
        return attempt_failed(run, scheduled, event, &lease, err);
    }
    if (!run->nodes[event->rank].lost)
        mx_console_tell(run->console, MX_LOG_WARNING, about(run, event->executor, NULL),
                        "executor %u died while idle: %s", (unsigned)event->executor, event->text);
    return run_feed(run, scheduled, err);
}

int run_link_event(struct run *run, const struct mx_link_event *event, struct mx_err *err)
{
    switch (event->kind) {
    case MX_LINK_UP:
        return run_feed(run,
                        (struct mx_event){.kind = MX_EVENT_EXECUTOR_UP,
                                          .executor = event->executor,
                                          .host = run->nodes[event->rank].host_number},
                        err);
    case MX_LINK_LOST:
        return on_lost(run, event, err);
    case MX_LINK_DONE:
        return on_done(run, event, err);
    case MX_LINK_FAILED:
        return on_failed(run, event, err);
    case MX_LINK_GROUP: /* nobody waits for it any more */
        return 0;
    case MX_LINK_GONE:
        return run_lose_executor(run, event, err);
    case MX_LINK_RANK_LOST:
        run->nodes[event->rank].lost = true;
        mx_console_tell(
            run->console, MX_LOG_WARNING,
            (struct mx_console_about){run->nodes[event->rank].host, (int)event->rank, NULL},
            "the rank %s", event->text);
        return run_lose_rank(run, event->rank, err);
    }
    return 0;
}
