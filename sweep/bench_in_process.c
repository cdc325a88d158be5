/* bench_in_process.c - scheduler, journal and results without processes and
 * messages: what is left of a trial's cost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "sweep/bench_dispatch.h"
#include "sweep/journal.h"
#include "sweep/plan_sched.h"
#include "sweep/results.h"

enum {
    EXECUTORS = 2,
    BATCH_MAX = 256,
};

struct sweep {
    struct mx_config  *config;
    struct mx_grid    *grid;
    struct mx_plan    *plan;
    struct mx_sched   *sched;
    struct mx_results *results;
    struct mx_journal *journal;
    struct mx_actions  actions;
    struct worker_job  job;
    uint32_t           job_stage; /* UINT32_MAX: none yet */
    struct mx_event   *ends;      /* a ring of (nstages): of what was started */
    uint32_t           first, count;
};

int mx_dispatch_no_data(void *user, const struct worker_params *params, uint64_t *fingerprint,
                        struct mx_err *err)
{
    (void)user;
    (void)params;
    (void)err;
    *fingerprint = 0;
    return 0;
}

int mx_dispatch_no_record(void *user, const struct mx_record *record, struct mx_err *err)
{
    (void)user;
    (void)record;
    (void)err;
    return 0;
}

static int open_sweep(struct sweep *s, const char *file, const char *directory, struct mx_err *err)
{
    struct mx_config_report  config_report = {{0}, 0, 0};
    struct mx_journal_report journal_report;

    s->config = mx_config_read(file, NULL, 0, false, &config_report, err);
    mx_buf_free(&config_report.text);
    if (!s->config || !(s->grid = mx_grid_new(s->config, err)) ||
        !(s->plan = mx_plan_new(s->config, s->grid, mx_dispatch_no_data, NULL, err)))
        return -1;
    s->sched = mx_plan_sched(
        s->plan, &(struct mx_sched_options){.batch_seconds = 0.1, .batch_max = BATCH_MAX}, err);
    if (!s->sched || !(s->results = mx_results_new(s->config, s->plan, err)) ||
        mx_dir_make(directory, err))
        return -1;
    if (!(s->ends = calloc(s->plan->nstages, sizeof *s->ends)))
        return mx_fail(err, MX_ENOMEM, "no memory for %u stages", s->plan->nstages);
    s->journal = mx_journal_open(directory, mx_dispatch_no_record, NULL, &journal_report, err);
    return s->journal ? 0 : -1;
}

static void close_sweep(struct sweep *s)
{
    mx_journal_close(s->journal);
    mx_results_free(s->results);
    mx_sched_free(s->sched);
    mx_plan_free(s->plan);
    mx_grid_free(s->grid);
    mx_config_free(s->config);
    mx_actions_free(&s->actions);
    free(s->ends);
}

/* "Run" a stage: its end comes when it is its turn. */
static int start(struct sweep *s, const struct mx_action *action, struct mx_err *err)
{
    uint32_t at = (s->first + s->count++) % s->plan->nstages;

    if (s->job_stage == UINT32_MAX
            ? mx_plan_job(s->plan, s->config, action->stage, &s->job, err)
            : mx_plan_next_job(s->plan, s->config, s->job_stage, action->stage, &s->job, err))
        return -1;
    s->job_stage = action->stage;
    s->ends[at] = (struct mx_event){.kind = MX_EVENT_STAGE_DONE,
                                    .executor = action->executor,
                                    .lease = action->lease,
                                    .stage = action->stage,
                                    .seconds = 1e-6};
    return 0;
}

static int feed(struct sweep *s, struct mx_event event, struct mx_err *err)
{
    event.now_s = mx_clock_monotonic_s();
    if (mx_sched_event(s->sched, &event, &s->actions, err))
        return -1;
    for (size_t i = 0; i < s->actions.count; i++) {
        const struct mx_action *action = &s->actions.list[i];

        if (action->kind == MX_ACTION_TRIAL_ENDED)
            mx_results_trial(s->results, action->trial, action->state, action->reason);
        else if (action->kind == MX_ACTION_START && start(s, action, err))
            return -1;
    }
    return 0;
}

/* A stage has ended: into the journal, into the results, to the scheduler. */
static int end(struct sweep *s, const struct mx_event *event, struct mx_err *err)
{
    const struct worker_metric metrics[] = {{"val.accuracy", 0.1 + 0.2}, {"test.accuracy", 0.7}};
    const size_t               n = sizeof metrics / sizeof metrics[0];
    struct mx_record           record = {.kind = MX_RECORD_DONE,
                                         .key = s->plan->stages[event->stage].key,
                                         .attempt = 1,
                                         .executor = event->executor,
                                         .host = "bench",
                                         .device = "none",
                                         .ended_utc_s = mx_clock_utc_s(),
                                         .seconds = event->seconds,
                                         .metrics = metrics,
                                         .nmetrics = n};
    struct mx_run_info         info;

    record.started_utc_s = record.ended_utc_s - record.seconds;
    info = (struct mx_run_info){.attempts = record.attempt,
                                .host = record.host,
                                .device = record.device,
                                .text = record.text,
                                .executor = record.executor,
                                .started_utc_s = record.started_utc_s,
                                .ended_utc_s = record.ended_utc_s,
                                .seconds = record.seconds};
    if (mx_journal_append(s->journal, &record, err) ||
        mx_results_stage(s->results, event->stage, metrics, n, &info, err) || feed(s, *event, err))
        return -1;
    return mx_clock_monotonic_s() < mx_journal_due_s(s->journal) ? 0
                                                                 : mx_journal_sync(s->journal, err);
}

static int run(struct sweep *s, const char *directory, struct mx_err *err)
{
    for (uint32_t x = 0; x < EXECUTORS; x++)
        if (feed(s, (struct mx_event){.kind = MX_EVENT_EXECUTOR_UP, .executor = x}, err))
            return -1;
    while (s->count > 0) {
        const struct mx_event event = s->ends[s->first];

        s->first = (s->first + 1) % s->plan->nstages;
        s->count--;
        if (end(s, &event, err))
            return -1;
    }
    if (!mx_sched_finished(s->sched))
        return mx_fail(err, MX_EINTERNAL, "the scheduler came to no end");
    return mx_journal_sync(s->journal, err) || mx_results_write(s->results, directory, err) ? -1
                                                                                            : 0;
}

int mx_dispatch_in_process(const char *config, const char *directory, struct mx_err *err)
{
    struct sweep sweep = {.job_stage = UINT32_MAX};
    int          rc = open_sweep(&sweep, config, directory, err);

    if (rc == 0)
        rc = run(&sweep, directory, err);
    close_sweep(&sweep);
    return rc;
}
