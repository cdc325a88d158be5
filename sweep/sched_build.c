#include <inttypes.h>
#include <stdlib.h>

#include "sweep/sched_core.h"

/* Turn first[i + 1] = count of i into first[i] = place of i, and make room. */
static int edges_seal(struct mx_edges *edges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        edges->first[i + 1] += edges->first[i];
    edges->to = calloc(edges->first[n] + 1, sizeof edges->to[0]);
    return edges->to ? 0 : -1;
}

static int edges_begin(struct mx_edges *edges, size_t n)
{
    edges->first = calloc(n + 1, sizeof edges->first[0]);
    return edges->first ? 0 : -1;
}

/* Reverse: an edge from -> to becomes to -> from, in the order of `from`. */
static int edges_reverse(const struct mx_edges *edges, size_t n, struct mx_edges *reversed,
                         size_t m)
{
    size_t *at;

    if (edges_begin(reversed, m))
        return -1;
    for (size_t e = 0; e < edges->first[n]; e++)
        reversed->first[edges->to[e] + 1]++;
    if (edges_seal(reversed, m) || !(at = calloc(m + 1, sizeof at[0])))
        return -1;
    for (size_t i = 0; i < n; i++)
        for (size_t e = edges->first[i]; e < edges->first[i + 1]; e++) {
            uint32_t to = edges->to[e];

            reversed->to[reversed->first[to] + at[to]++] = (uint32_t)i;
        }
    free(at);
    return 0;
}

static int check_graph(const struct mx_sched_stage *stages, uint32_t nstages,
                       const struct mx_sched_trial *trials, uint32_t ntrials, struct mx_err *err)
{
    for (uint32_t i = 0; i < nstages; i++) {
        if (stages[i].kind >= MX_SCHED_KINDS)
            return mx_fail(err, MX_EINVAL, "stage %" PRIu32 " is of kind %u of %d", i,
                           stages[i].kind, MX_SCHED_KINDS);
        for (size_t k = 0; k < stages[i].ninputs; k++)
            if (stages[i].inputs[k] >= i)
                return mx_fail(err, MX_EINVAL,
                               "stage %" PRIu32 " has input %" PRIu32
                               ", which does not come before it",
                               i, stages[i].inputs[k]);
    }
    for (uint32_t t = 0; t < ntrials; t++) {
        if (trials[t].nstages == 0)
            return mx_fail(err, MX_EINVAL, "trial %" PRIu32 " has no stages", t);
        for (size_t k = 0; k < trials[t].nstages; k++)
            if (trials[t].stages[k] >= nstages)
                return mx_fail(err, MX_EINVAL,
                               "trial %" PRIu32 " lists stage %" PRIu32 " of %" PRIu32, t,
                               trials[t].stages[k], nstages);
    }
    return 0;
}

static int build_stage_edges(struct mx_sched *sched, const struct mx_sched_stage *stages)
{
    if (edges_begin(&sched->inputs, sched->nstages))
        return -1;
    for (uint32_t i = 0; i < sched->nstages; i++)
        sched->inputs.first[i + 1] = stages[i].ninputs;
    if (edges_seal(&sched->inputs, sched->nstages))
        return -1;
    for (uint32_t i = 0; i < sched->nstages; i++)
        for (size_t k = 0; k < stages[i].ninputs; k++)
            sched->inputs.to[sched->inputs.first[i] + k] = stages[i].inputs[k];
    return edges_reverse(&sched->inputs, sched->nstages, &sched->dependents, sched->nstages);
}

static int build_trial_edges(struct mx_sched *sched, const struct mx_sched_trial *trials)
{
    if (edges_begin(&sched->parts, sched->ntrials))
        return -1;
    for (uint32_t t = 0; t < sched->ntrials; t++)
        sched->parts.first[t + 1] = trials[t].nstages;
    if (edges_seal(&sched->parts, sched->ntrials))
        return -1;
    for (uint32_t t = 0; t < sched->ntrials; t++)
        for (size_t k = 0; k < trials[t].nstages; k++)
            sched->parts.to[sched->parts.first[t] + k] = trials[t].stages[k];
    return edges_reverse(&sched->parts, sched->ntrials, &sched->uses, sched->nstages);
}

struct cell_of {
    uint64_t cell;
    uint32_t trial;
};

static int by_cell(const void *a, const void *b)
{
    const struct cell_of *x = a, *y = b;

    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    return x->trial < y->trial ? -1 : x->trial > y->trial;
}

static int build_cells(struct mx_sched *sched, const struct mx_sched_trial *trials)
{
    struct cell_of *order = calloc((size_t)sched->ntrials + 1, sizeof order[0]);

    if (!order || edges_begin(&sched->members, sched->ntrials))
        goto fail;
    for (uint32_t t = 0; t < sched->ntrials; t++)
        order[t] = (struct cell_of){trials[t].cell, t};
    qsort(order, sched->ntrials, sizeof order[0], by_cell);
    for (uint32_t k = 0; k < sched->ntrials; k++) {
        if (k == 0 || order[k].cell != order[k - 1].cell)
            sched->ncells++;
        sched->trials[order[k].trial].cell = sched->ncells - 1;
        sched->members.first[sched->ncells]++;
    }
    if (edges_seal(&sched->members, sched->ncells))
        goto fail;
    for (uint32_t k = 0; k < sched->ntrials; k++)
        sched->members.to[k] = order[k].trial;
    free(order);
    free(sched->cells); /* room for none */
    if (!(sched->cells = calloc((size_t)sched->ncells + 1, sizeof sched->cells[0])))
        return -1;
    for (uint32_t c = 0; c < sched->ncells; c++)
        sched->cells[c].failed_on = MX_NOBODY;
    return 0;
fail:
    free(order);
    return -1;
}

int mx_sched_allocate(struct mx_sched *sched)
{
    size_t nstages = (size_t)sched->nstages + 1, ntrials = (size_t)sched->ntrials + 1;

    sched->stages = calloc(nstages, sizeof sched->stages[0]);
    sched->trials = calloc(ntrials, sizeof sched->trials[0]);
    sched->cells = calloc((size_t)sched->ncells + 1, sizeof sched->cells[0]);
    sched->stage_links = calloc(nstages, sizeof sched->stage_links[0]);
    sched->group_links = calloc(nstages, sizeof sched->group_links[0]);
    sched->held_links = calloc(nstages, sizeof sched->held_links[0]);
    sched->ended_links = calloc(ntrials, sizeof sched->ended_links[0]);
    sched->todo = calloc(nstages, sizeof sched->todo[0]);
    return sched->stages && sched->trials && sched->cells && sched->stage_links &&
                   sched->group_links && sched->held_links && sched->ended_links && sched->todo
               ? 0
               : -1;
}

static void set_counts(struct mx_sched *sched, const struct mx_sched_stage *stages)
{
    for (uint32_t i = 0; i < sched->nstages; i++) {
        struct mx_stage_node *stage = &sched->stages[i];
        size_t                nuses = sched->uses.first[i + 1] - sched->uses.first[i];
        size_t ndependents = sched->dependents.first[i + 1] - sched->dependents.first[i];

        stage->partial_ok = stages[i].partial_ok;
        stage->resumable = stages[i].resumable;
        stage->kind = stages[i].kind;
        sched->kinds[stage->kind].open++;
        stage->nwait = (uint32_t)stages[i].ninputs;
        stage->needs = (uint32_t)(nuses + ndependents);
        stage->executor = stage->avoid = MX_NOBODY;
        stage->ready = mx_chain_empty;
    }
    sched->stages[sched->nstages].ready = mx_chain_empty; /* the loose group */
    for (uint32_t t = 0; t < sched->ntrials; t++)
        sched->trials[t].nopen = (uint32_t)(sched->parts.first[t + 1] - sched->parts.first[t]);
    sched->by_state[MX_STATE_PENDING] = sched->ntrials;
    sched->nunsettled = sched->nstages;
}

int mx_sched_build(struct mx_sched *sched, const struct mx_sched_stage *stages,
                   const struct mx_sched_trial *trials, struct mx_err *err)
{
    if (check_graph(stages, sched->nstages, trials, sched->ntrials, err))
        return -1;
    if (mx_sched_allocate(sched) || build_stage_edges(sched, stages) ||
        build_trial_edges(sched, trials) || build_cells(sched, trials))
        return mx_fail(err, MX_ENOMEM, "no memory to schedule %" PRIu32 " trials", sched->ntrials);
    set_counts(sched, stages);
    return 0;
}
