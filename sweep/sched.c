#include "sweep/sched.h"

#include <math.h>
#include <stdlib.h>

#include "sweep/sched_core.h"

const char *const mx_state_names[MX_STATES] = {
    [MX_STATE_PENDING] = "pending",
    [MX_STATE_RUNNING] = "running",
    [MX_STATE_DONE] = "done",
    [MX_STATE_FAILED] = "failed",
    [MX_STATE_QUARANTINED] = "quarantined",
    [MX_STATE_STOPPED] = "stopped",
};

const char *const mx_reason_names[MX_REASONS] = {
    [MX_REASON_NONE] = "",
    [MX_REASON_DIVERGED] = "diverged",
    [MX_REASON_OUT_OF_MEMORY] = "out_of_memory",
    [MX_REASON_CRASHED] = "crashed",
    [MX_REASON_TIMED_OUT] = "timed_out",
    [MX_REASON_STALLED] = "stalled",
    [MX_REASON_DATA_ERROR] = "data_error",
    [MX_REASON_EARLY_STOP] = "early_stop",
    [MX_REASON_CELL_QUARANTINED] = "cell_quarantined",
};

static const double most_batch_s = 1e9;

/* In whole nanoseconds, so that what is added can be taken away again. */
static uint64_t batch_ns(double batch_s)
{
    return batch_s > 0 ? (uint64_t)(1e9 * fmin(batch_s, most_batch_s)) : 0;
}

struct mx_sched *mx_sched_new(const struct mx_sched_stage *stages, uint32_t nstages,
                              const struct mx_sched_trial *trials, uint32_t ntrials,
                              const struct mx_sched_options *options, struct mx_err *err)
{
    struct mx_sched *sched = calloc(1, sizeof *sched);

    if (!sched) {
        mx_fail(err, MX_ENOMEM, "no memory for the scheduler");
        return NULL;
    }
    sched->options = *options;
    sched->nstages = nstages;
    sched->ntrials = ntrials;
    sched->idle = sched->running = sched->ended = mx_chain_empty;
    sched->unheld = sched->held = mx_chain_empty;
    sched->refill = MX_NOBODY;
    sched->batch_ns = batch_ns(options->batch_seconds);
    sched->now_s = -INFINITY;
    if (mx_sched_build(sched, stages, trials, err) || mx_sched_early_new(sched, stages, err)) {
        mx_sched_free(sched);
        return NULL;
    }
    for (uint32_t i = 0; i < nstages; i++)
        if (sched->stages[i].nwait == 0)
            mx_sched_make_ready(sched, i, nstages);
    /* Last first: when a stage goes, its inputs may go as well. */
    for (uint32_t i = nstages; i-- > 0;)
        if (sched->stages[i].needs == 0 && sched->stages[i].state <= MX_STAGE_READY)
            mx_sched_settle(sched, i, MX_STAGE_FAILED, MX_REASON_NONE);
    return sched;
}

static void free_edges(struct mx_edges *edges)
{
    free(edges->first);
    free(edges->to);
}

void mx_sched_free(struct mx_sched *sched)
{
    if (!sched)
        return;
    mx_early_free(sched->early);
    free_edges(&sched->inputs);
    free_edges(&sched->dependents);
    free_edges(&sched->uses);
    free_edges(&sched->parts);
    free_edges(&sched->members);
    free(sched->stages);
    free(sched->trials);
    free(sched->cells);
    free(sched->executors);
    free(sched->stage_links);
    free(sched->group_links);
    free(sched->held_links);
    free(sched->executor_links);
    free(sched->ended_links);
    free(sched->todo);
    free(sched);
}

static bool settled(const struct mx_sched *sched, uint32_t stage)
{
    return sched->stages[stage].state >= MX_STAGE_DONE;
}

void mx_sched_restore_done(struct mx_sched *sched, uint32_t stage)
{
    if (!settled(sched, stage))
        mx_sched_settle(sched, stage, MX_STAGE_DONE, MX_REASON_NONE);
}

void mx_sched_restore_failed(struct mx_sched *sched, uint32_t stage, enum mx_reason reason)
{
    if (!settled(sched, stage))
        mx_sched_settle(sched, stage, MX_STAGE_FAILED,
                        reason == MX_REASON_NONE ? MX_REASON_CRASHED : reason);
}

void mx_sched_restore_attempts(struct mx_sched *sched, uint32_t stage, unsigned attempts)
{
    sched->stages[stage].failures = attempts;
}

void mx_sched_restored(struct mx_sched *sched)
{
    mx_sched_restore_early(sched);
    mx_sched_break_cells(sched);
}

void mx_sched_set_incarnation(struct mx_sched *sched, unsigned incarnation)
{
    sched->last_lease = (uint64_t)incarnation << 40;
}

void mx_actions_free(struct mx_actions *actions)
{
    free(actions->list);
    *actions = (struct mx_actions){0};
}

void mx_sched_counts(const struct mx_sched *sched, struct mx_sched_counts *counts)
{
    for (size_t k = 0; k < MX_STATES; k++)
        counts->by_state[k] = sched->by_state[k];
    counts->planned = sched->ntrials;
}

enum mx_state mx_sched_trial_state(const struct mx_sched *sched, uint32_t trial)
{
    return sched->trials[trial].state;
}

enum mx_reason mx_sched_trial_reason(const struct mx_sched *sched, uint32_t trial)
{
    return sched->trials[trial].reason;
}

bool mx_sched_stage_failed(const struct mx_sched *sched, uint32_t stage)
{
    return sched->stages[stage].state == MX_STAGE_FAILED;
}

unsigned mx_sched_stage_attempts(const struct mx_sched *sched, uint32_t stage)
{
    const struct mx_stage_node *node = &sched->stages[stage];

    return node->failures + (node->state == MX_STAGE_RUNNING || node->state == MX_STAGE_DONE);
}

static struct mx_lease describe(const struct mx_sched *sched, uint32_t stage)
{
    const struct mx_stage_node    *node = &sched->stages[stage];
    const struct mx_executor_node *executor = &sched->executors[node->executor];

    return (struct mx_lease){
        .lease = node->lease,
        .stage = stage,
        .executor = node->executor,
        .attempt = node->failures + 1,
        .started_s = executor->queue.head == stage ? executor->started_s : NAN,
        .overdue = executor->overdue,
    };
}

bool mx_sched_lease(const struct mx_sched *sched, uint32_t stage, uint64_t lease,
                    struct mx_lease *out)
{
    if (stage >= sched->nstages || lease == 0 || sched->stages[stage].lease != lease)
        return false;
    *out = describe(sched, stage);
    return true;
}

bool mx_sched_held(const struct mx_sched *sched, uint32_t executor, uint64_t lease,
                   struct mx_lease *out)
{
    uint32_t stage =
        executor < sched->nexecutors ? mx_queue_find(sched, executor, lease) : MX_NOBODY;

    if (stage == MX_NOBODY)
        return false;
    *out = describe(sched, stage);
    return true;
}

bool mx_sched_current(const struct mx_sched *sched, uint32_t executor, struct mx_lease *out)
{
    if (executor >= sched->nexecutors || sched->executors[executor].nheld == 0)
        return false;
    *out = describe(sched, sched->executors[executor].queue.head);
    return true;
}

bool mx_sched_final(const struct mx_sched *sched, uint32_t stage, enum mx_reason reason)
{
    const struct mx_stage_node *node = &sched->stages[stage];

    return mx_sched_deterministic(reason) || node->failures >= sched->options.retries ||
           node->needs == 0;
}

bool mx_sched_late(const struct mx_sched *sched)
{
    return sched->late;
}

bool mx_sched_finished(const struct mx_sched *sched)
{
    return sched->nleases == 0 && (sched->draining || sched->nunsettled == 0);
}

double mx_sched_deadline(const struct mx_sched *sched)
{
    if (!(sched->options.trial_timeout_s > 0) || sched->running.head == MX_NOBODY)
        return INFINITY;
    return sched->executors[sched->running.head].started_s + sched->options.trial_timeout_s;
}
