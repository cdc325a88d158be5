/* link_reduce.c - the reduction, driven from rank 0. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sweep/link_reduce.h"

/* A round in which nothing moves for so many rank_timeouts does not end. */
static const double stuck_timeouts = 4;

static const double pause_s = 100e-6; /* between two looks at MPI */

static void free_job(struct link_job *job)
{
    free(job->names);
    reduce_slots_free(job->expected);
    free(job->ranks);
    free(job->ours);
    free(job->kept);
}

static int prepare(struct link_job *job, struct mx_err *err)
{
    const struct worker_contributions *journal = job->table->journal;

    job->nnames = worker_contributions_nnames(journal);
    job->names = calloc(job->nnames + 1, sizeof *job->names);
    job->ranks = calloc(job->link->nranks, sizeof *job->ranks);
    job->ours = calloc(job->table->nstages + 1, sizeof *job->ours);
    job->kept = calloc(job->table->nstages + 1, sizeof *job->kept);
    if (!job->names || !job->ranks || !job->ours || !job->kept)
        return mx_fail(err, MX_ENOMEM, "no memory for the reduction");
    for (size_t i = 0; i < job->nnames; i++)
        job->names[i] = worker_contributions_name(journal, i);
    if (!(job->expected = reduce_slots_new(err)))
        return -1;
    return worker_contributions_slots(journal, job->names, job->nnames, NULL, job->expected, err);
}

/* Who contributes a stage: the rank that computed it, if it lives; else rank 0,
 * from the journal. */
static struct reduce_slots *our_slots(struct link_job *job, struct mx_err *err)
{
    const struct mx_link *link = job->link;
    struct reduce_slots  *slots = reduce_slots_new(err);

    for (uint64_t s = 0; s < job->table->nstages; s++) {
        const uint32_t executor = job->table->makers[s].executor;
        const uint32_t rank = executor < link->workers ? link->rank_of[executor] : UINT32_MAX;

        job->ours[s] = rank == 0;
        job->kept[s] = rank >= link->nranks || link->ranks[rank].state != LINK_RANK_LIVE;
    }
    if (slots &&
        (worker_contributions_slots(link->own, job->names, job->nnames, job->ours, slots, err) ||
         worker_contributions_slots(job->table->journal, job->names, job->nnames, job->kept, slots,
                                    err))) {
        reduce_slots_free(slots);
        return NULL;
    }
    return slots;
}

/* Ask all who live. */
static int begin_round(struct link_job *job, struct mx_err *err)
{
    struct mx_link      *link = job->link;
    struct mx_buf        order = {0};
    struct reduce_slots *slots;
    int                  rc = 0;

    job->round = (struct mx_reduction_round){.round = ++link->round,
                                             .nslots = job->table->nstages * job->nnames,
                                             .names = job->names,
                                             .nnames = job->nnames,
                                             .ranks = job->ranks};
    for (unsigned r = 0; r < link->nranks; r++)
        if (link->ranks[r].state == LINK_RANK_LIVE)
            job->ranks[job->round.nranks++] = r;
    mx_reduction_ask(&order, &job->round);
    if (!mx_buf_ok(&order))
        rc = mx_fail(err, MX_ENOMEM, "no memory for the reduction");
    for (size_t i = 1; i < job->round.nranks && rc == 0; i++)
        rc = mx_comm_send(link->comm, job->ranks[i], order.data, order.len, err);
    mx_buf_free(&order);
    if (rc || !(slots = our_slots(job, err)))
        return -1;
    return mx_reduction_begin(link->reduction, &job->round, slots, err);
}

/* Whether all who take part in the round still live. */
static bool all_live(const struct link_job *job)
{
    for (size_t i = 0; i < job->round.nranks; i++)
        if (job->link->ranks[job->ranks[i]].state != LINK_RANK_LIVE)
            return false;
    return true;
}

/* Carry a round to its end. 1 when summed, 0 if somebody was lost, -1. */
static int run_round(struct link_job *job, struct mx_err *err)
{
    struct mx_link      *link = job->link;
    struct mx_link_event event;
    uint64_t             moved = 0;
    double               moved_s = mx_clock_monotonic_s();

    while (!mx_reduction_finished(link->reduction)) {
        uint64_t now = reduce_part_bytes(mx_reduction_part(link->reduction));

        if (link_tend_ranks(link, err))
            return -1;
        while (link_next_remote(link, &event, NULL) == 1)
            ; /* nothing runs any more: at most that a rank is lost */
        if (link->reduce_err.code != MX_OK) {
            *err = link->reduce_err;
            return -1;
        }
        if (!all_live(job))
            return 0;
        if (now != moved)
            moved_s = mx_clock_monotonic_s();
        else if (mx_clock_monotonic_s() - moved_s > stuck_timeouts * link->rank_timeout_s)
            return mx_fail(err, MX_EIO, "the reduction does not come to its end");
        else
            mx_clock_sleep_s(pause_s);
        moved = now;
    }
    return 1;
}

static void compare(const struct link_job *job, const struct reduce_part *part,
                    struct mx_link_reduced *reduced)
{
    uint64_t slot = 0;

    reduced->matches = reduce_part_compare(part, job->expected, &slot, &reduced->sum,
                                           &reduced->journal, &reduced->there) == 0;
    reduced->slots = reduce_slots_count(job->expected);
    if (reduced->matches)
        return;
    reduced->stage = slot / job->nnames;
    snprintf(reduced->metric, sizeof reduced->metric, "%s", job->names[slot % job->nnames]);
}

/* Over the ranks, in rounds. */
static int reduce_by_tree(struct link_job *job, struct mx_link_reduced *reduced, struct mx_err *err)
{
    const struct reduce_part *part;
    int                       rc = 0;

    while (rc == 0)
        rc = begin_round(job, err) ? -1 : run_round(job, err);
    if (rc < 0)
        return -1;
    part = mx_reduction_part(job->link->reduction);
    reduced->path = "tree";
    reduced->ranks = (unsigned)job->round.nranks;
    reduced->bytes = reduce_part_bytes(part);
    compare(job, part, reduced);
    return 0;
}

/* Over the executors of GPUs. 1 if that was done, 0, or -1. */
static int reduce_by_group(struct link_job *job, struct mx_link_reduced *reduced,
                           struct mx_err *err)
{
    struct reduce_slots *sum = NULL;
    struct reduce_part  *part;
    int                  rc = link_reduce_by_group(job, &sum, reduced, err);

    if (rc <= 0)
        return rc;
    if ((part = reduce_part_new(sum, job->table->nstages * job->nnames, 0, 1, 1, err)))
        compare(job, part, reduced);
    rc = part ? 1 : -1;
    reduce_part_free(part);
    reduce_slots_free(sum);
    return rc;
}

int mx_link_reduce(struct mx_link *link, const struct mx_link_table *table,
                   struct mx_link_reduced *reduced, struct mx_err *err)
{
    struct link_job job = {.link = link, .table = table};
    double          start_s = mx_clock_monotonic_s();
    int             rc;

    *reduced = (struct mx_link_reduced){0};
    rc = prepare(&job, err) ? -1 : reduce_by_group(&job, reduced, err);
    if (rc == 0)
        rc = reduce_by_tree(&job, reduced, err);
    reduced->seconds = mx_clock_monotonic_s() - start_s;
    free_job(&job);
    return rc < 0 ? -1 : 0;
}
