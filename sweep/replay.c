#include "sweep/replay.h"

#include <math.h>
#include <stdlib.h>

#include "sweep/cross.h"

static struct mx_hash128 key_of_stage(const void *plan, uint32_t stage)
{
    return ((const struct mx_plan *)plan)->stages[stage].key;
}

int mx_replay_begin(struct mx_replay *replay, const struct mx_plan *plan, struct mx_err *err)
{
    replay->plan = plan;
    replay->index = (struct mx_plan_index){.key_of = key_of_stage, .user = plan};
    replay->done = calloc((size_t)plan->nstages + 1, sizeof *replay->done);
    replay->failed = calloc((size_t)plan->nstages + 1, sizeof *replay->failed);
    replay->reasons = calloc((size_t)plan->nstages + 1, sizeof *replay->reasons);
    replay->turns = calloc((size_t)plan->nstages + 1, sizeof *replay->turns);
    replay->lost = calloc((size_t)plan->nstages + 1, sizeof *replay->lost);
    if (!replay->done || !replay->failed || !replay->reasons || !replay->turns || !replay->lost)
        return mx_fail(err, MX_ENOMEM, "no memory for %u stages", plan->nstages);
    for (uint32_t i = 0; i < plan->nstages; i++)
        if (mx_plan_index_add(&replay->index, i, err))
            return -1;
    return 0;
}

void mx_replay_end(struct mx_replay *replay)
{
    mx_plan_index_free(&replay->index);
    free(replay->done);
    free(replay->failed);
    free(replay->reasons);
    free(replay->turns);
    free(replay->lost);
    replay->done = replay->failed = replay->lost = NULL;
    replay->turns = NULL;
    replay->reasons = NULL;
}

struct mx_run_info mx_replay_info(const struct mx_record *record)
{
    return (struct mx_run_info){
        .attempts = record->attempt,
        .host = record->host,
        .device = record->device,
        .text = record->text,
        .rank = record->rank,
        .executor = record->executor,
        .started_utc_s = record->started_utc_s,
        .ended_utc_s = record->ended_utc_s,
        .seconds = record->seconds,
        .gpu = record->gpu,
    };
}

/* One who raises schedule.retries and resumes gets new attempts. */
static void take_failure(struct mx_replay *replay, uint32_t stage, const struct mx_record *record)
{
    mx_sched_restore_attempts(replay->sched, stage, record->attempt - 1);
    replay->failed[stage] = record->final && mx_sched_final(replay->sched, stage, record->reason);
    mx_sched_restore_attempts(replay->sched, stage, record->attempt);
    replay->done[stage] = false;
    replay->reasons[stage] = (uint8_t)record->reason;
}

/* A training waits, and has no result. */
static int take_reached(struct mx_replay *replay, uint32_t stage, const struct mx_record *record,
                        struct mx_err *err)
{
    struct mx_run_info info = mx_replay_info(record);

    info.goes_on = true;
    mx_sched_restore_reached(replay->sched, stage, record->epoch,
                             record->nmetrics > 0 ? record->metrics[0].value : NAN);
    return mx_results_stage(replay->results, stage, NULL, 0, &info, err);
}

static void forget(struct mx_replay *replay, uint32_t stage)
{
    mx_sched_restore_anew(replay->sched, stage);
    replay->done[stage] = replay->failed[stage] = false;
    mx_sched_restore_attempts(replay->sched, stage, 0);
    mx_results_forget(replay->results, stage);
}

static int take(struct mx_replay *replay, uint32_t stage, const struct mx_record *record,
                struct mx_err *err)
{
    struct mx_run_info info = mx_replay_info(record);

    switch (record->kind) {
    case MX_RECORD_DONE:
        /* Others give the same whenever they are done; a comparison, what there was then. */
        if (!replay->done[stage] || mx_cross_kind(replay->plan->stages[stage].kind))
            replay->turns[stage] = replay->nturns++;
        replay->done[stage] = true;
        replay->failed[stage] = false;
        return mx_results_stage(replay->results, stage, record->metrics, record->nmetrics, &info,
                                err);
    case MX_RECORD_FAILED:
        take_failure(replay, stage, record);
        return mx_results_stage(replay->results, stage, NULL, 0, &info, err);
    case MX_RECORD_RETRY:
        forget(replay, stage);
        return 0;
    case MX_RECORD_REACHED:
        return take_reached(replay, stage, record, err);
    case MX_RECORD_DECIDED:
        mx_sched_restore_decided(replay->sched, stage, record->epoch, record->go_on);
        return 0;
    default:
        return 0;
    }
}

int mx_replay_record(void *user, const struct mx_record *record, struct mx_err *err)
{
    struct mx_replay *replay = user;
    uint32_t          stage;

    mx_gpu_use_add(&replay->used, &record->gpu);
    if (record->kind == MX_RECORD_INCARNATION || record->kind == MX_RECORD_HOST ||
        !mx_plan_index_find(&replay->index, record->key, &stage))
        return 0;
    if (take(replay, stage, record, err))
        return -1;
    return replay->each ? replay->each(replay->user, stage, record, err) : 0;
}

/* Inputs stand before their readers in the plan. */
void mx_replay_forget_partial(struct mx_replay *replay)
{
    const struct mx_plan *plan = replay->plan;

    for (uint32_t s = 0; s < plan->nstages; s++) {
        const struct mx_stage *stage = &plan->stages[s];

        replay->lost[s] = replay->failed[s] || mx_sched_stage_stopped(replay->sched, s);
        for (uint32_t i = 0; i < stage->ninputs; i++) {
            const uint32_t input = plan->inputs[stage->first_input + i];
            const bool came_later = replay->done[input] ? replay->turns[input] > replay->turns[s]
                                                        : !replay->lost[input];

            replay->lost[s] |= replay->lost[input] && !mx_cross_goes_on(stage->kind);
            if (came_later && mx_cross_kind(stage->kind))
                replay->done[s] = false;
        }
    }
}

void mx_replay_settle(struct mx_replay *replay)
{
    for (uint32_t s = 0; s < replay->plan->nstages; s++)
        if (replay->done[s])
            mx_sched_restore_done(replay->sched, s);
        else if (replay->failed[s])
            mx_sched_restore_failed(replay->sched, s, (enum mx_reason)replay->reasons[s]);
    mx_sched_restored(replay->sched);
    for (uint32_t t = 0; t < replay->plan->ntrials; t++)
        mx_results_trial(replay->results, t, mx_sched_trial_state(replay->sched, t),
                         mx_sched_trial_reason(replay->sched, t));
}
