#include "sweep/sched.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    sched->ntrials = sched->nplanned = ntrials;
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

void mx_sched_free_graph(struct mx_sched *sched)
{
    free_edges(&sched->inputs);
    free_edges(&sched->dependents);
    free_edges(&sched->uses);
    free_edges(&sched->parts);
    free_edges(&sched->members);
    free(sched->stages);
    free(sched->trials);
    free(sched->cells);
    free(sched->stage_links);
    free(sched->group_links);
    free(sched->held_links);
    free(sched->ended_links);
    free(sched->todo);
}

void mx_sched_free(struct mx_sched *sched)
{
    if (!sched)
        return;
    mx_sched_free_graph(sched);
    mx_early_free(sched->early);
    free(sched->stage_names.inside);
    free(sched->stage_names.outside);
    free(sched->trial_names.inside);
    free(sched->trial_names.outside);
    free(sched->executors);
    free(sched->hosts);
    free(sched->executor_links);
    free(sched);
}

static size_t edge_bytes(const struct mx_edges *edges, size_t n)
{
    return (n + 1) * sizeof edges->first[0] + (edges->first[n] + 1) * sizeof edges->to[0];
}

static size_t name_bytes(const struct mx_names *names, size_t n)
{
    return (names->inside ? names->count + 1 : 0) * sizeof names->inside[0] +
           (names->outside ? n + 1 : 0) * sizeof names->outside[0];
}

size_t mx_sched_bytes(const struct mx_sched *sched)
{
    const size_t stage =
        sizeof sched->stages[0] + 3 * sizeof sched->stage_links[0] + sizeof sched->todo[0];
    const size_t trial = sizeof sched->trials[0] + sizeof sched->ended_links[0];
    const size_t executor = sizeof sched->executors[0] + sizeof sched->executor_links[0];

    return sizeof *sched + (sched->early ? mx_early_bytes(sched->early) : 0) +
           (sched->nstages + (size_t)1) * stage + (sched->ntrials + (size_t)1) * trial +
           (sched->ncells + (size_t)1) * sizeof sched->cells[0] + sched->nexecutors * executor +
           edge_bytes(&sched->inputs, sched->nstages) +
           edge_bytes(&sched->dependents, sched->nstages) +
           edge_bytes(&sched->uses, sched->nstages) + edge_bytes(&sched->parts, sched->ntrials) +
           edge_bytes(&sched->members, sched->ncells) +
           name_bytes(&sched->stage_names, sched->nstages) +
           name_bytes(&sched->trial_names, sched->ntrials);
}

/* The number inside, MX_NOBODY if there is none. */
static uint32_t stage_inside(const struct mx_sched *sched, uint32_t stage)
{
    uint32_t i = mx_names_inside(&sched->stage_names, stage);

    return i < sched->nstages ? i : MX_NOBODY;
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
    mx_sched_compact(sched);
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
    counts->planned = sched->nplanned;
}

void mx_sched_kinds(const struct mx_sched *sched, struct mx_sched_kind kinds[MX_SCHED_KINDS])
{
    memcpy(kinds, sched->kinds, sizeof sched->kinds);
}

enum mx_state mx_sched_trial_state(const struct mx_sched *sched, uint32_t trial)
{
    const uint32_t t = mx_names_inside(&sched->trial_names, trial);

    return t == MX_NOBODY ? (enum mx_state)mx_names_gone(&sched->trial_names, trial).state
                          : sched->trials[t].state;
}

enum mx_reason mx_sched_trial_reason(const struct mx_sched *sched, uint32_t trial)
{
    const uint32_t t = mx_names_inside(&sched->trial_names, trial);

    return t == MX_NOBODY ? mx_names_gone(&sched->trial_names, trial).reason
                          : sched->trials[t].reason;
}

bool mx_sched_stage_failed(const struct mx_sched *sched, uint32_t stage)
{
    const uint32_t i = mx_names_inside(&sched->stage_names, stage);
    const unsigned state = i == MX_NOBODY ? mx_names_gone(&sched->stage_names, stage).state
                                          : (unsigned)sched->stages[i].state;

    return state == MX_STAGE_FAILED;
}

unsigned mx_sched_stage_attempts(const struct mx_sched *sched, uint32_t stage)
{
    const uint32_t       i = mx_names_inside(&sched->stage_names, stage);
    const struct mx_gone told = i == MX_NOBODY
                                    ? mx_names_gone(&sched->stage_names, stage)
                                    : (struct mx_gone){.state = (unsigned)sched->stages[i].state,
                                                       .failures = sched->stages[i].failures};

    return told.failures + (told.state == MX_STAGE_RUNNING || told.state == MX_STAGE_DONE);
}

static struct mx_lease describe(const struct mx_sched *sched, uint32_t stage)
{
    const struct mx_stage_node    *node = &sched->stages[stage];
    const struct mx_executor_node *executor = &sched->executors[node->executor];

    return (struct mx_lease){
        .lease = node->lease,
        .stage = mx_names_outside(&sched->stage_names, stage),
        .executor = node->executor,
        .attempt = node->failures + 1,
        .started_s = executor->queue.head == stage ? executor->started_s : NAN,
        .overdue = executor->overdue,
    };
}

bool mx_sched_lease(const struct mx_sched *sched, uint32_t stage, uint64_t lease,
                    struct mx_lease *out)
{
    const uint32_t i = stage_inside(sched, stage);

    if (i == MX_NOBODY || lease == 0 || sched->stages[i].lease != lease)
        return false;
    *out = describe(sched, i);
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

bool mx_stage_final(const struct mx_sched *sched, uint32_t i, enum mx_reason reason)
{
    const struct mx_stage_node *node = &sched->stages[i];

    return mx_sched_deterministic(reason) || node->failures >= sched->options.retries ||
           node->needs == 0;
}

bool mx_sched_final(const struct mx_sched *sched, uint32_t stage, enum mx_reason reason)
{
    const uint32_t i = stage_inside(sched, stage);

    return i == MX_NOBODY || mx_stage_final(sched, i, reason);
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
