/* link_members.c - who takes part in a sum over GPUs, and what each contributes. */
#include <stdlib.h>
#include <string.h>

#include "reduce/patterns.h"
#include "sweep/link_group.h"

int group_open(struct link_group *group, struct mx_err *err)
{
    const size_t n = group->job->link->workers, nstages = group->job->table->nstages;

    group->members = calloc(n, sizeof *group->members);
    group->ended = calloc(n, sizeof *group->ended);
    group->made = calloc(n, sizeof *group->made);
    group->given = calloc(nstages, sizeof *group->given);
    group->runs = calloc(nstages, sizeof *group->runs);
    return group->members && group->ended && group->made && group->given && group->runs
               ? 0
               : mx_fail(err, MX_ENOMEM, "no memory for the reduction");
}

static void forget(struct link_group *group)
{
    for (unsigned i = 0; i < group->n; i++)
        reduce_slots_free(group->members[i].handed);
    group->n = group->npart = 0;
}

void group_close(struct link_group *group)
{
    forget(group);
    reduce_slots_free(group->sum);
    free(group->members);
    free(group->ended);
    free(group->made);
    free(group->given);
    free(group->runs);
}

/* Whether the process that computed a stage still lives. */
static bool still_there(const struct link_group *group, uint64_t stage)
{
    const struct mx_link_maker *maker = &group->job->table->makers[stage];
    const struct mx_link       *link = group->job->link;

    return maker->executor < link->workers && link->up[maker->executor] &&
           maker->life == link->lives[maker->executor];
}

/* Has numbers to contribute. */
static bool is_able(const struct link_group *group, uint32_t executor)
{
    return group->made[executor] > 0 && !group->ended[executor];
}

/* The member that takes part with a card; npart if none does. */
static unsigned find_part(const struct link_group *group, const char *card)
{
    unsigned part = 0;

    while (part < group->npart && strcmp(group->members[part].card, card) != 0)
        part++;
    return part;
}

/* Those of one GPU: the first of a card takes part, the others give it what they have. NCCL takes one
 * rank a card, of one that is divided as well. */
static void add_of_gpu(struct link_group *group, const struct link_rank *rank, size_t first,
                       size_t step, const char *card, bool others)
{
    for (size_t i = first; i < rank->workers; i += step) {
        const uint32_t executor = rank->first + (uint32_t)i;
        const unsigned part = find_part(group, card);

        if (!is_able(group, executor) || (part < group->npart) != others ||
            (others && group->members[part].executor == executor))
            continue;
        group->members[group->n++] =
            (struct group_member){.executor = executor, .card = card, .to = part};
        if (!others)
            group->npart = group->n;
    }
}

/* Executor i of a rank has GPU i % n of its n. */
static void add_members(struct link_group *group, bool others)
{
    const struct mx_link *link = group->job->link;

    for (unsigned r = 0; r < link->nranks; r++) {
        const struct mx_gpu_hand *hand = &link->hands[r];

        for (size_t k = 0; link->ranks[r].state == LINK_RANK_LIVE && k < hand->n; k++)
            add_of_gpu(group, &link->ranks[r], k, hand->n,
                       mx_gpu_card(&link->gpus[r].list[hand->gpus[k]]), others);
    }
}

void group_choose(struct link_group *group)
{
    const struct link_job *job = group->job;

    memset(group->made, 0, job->link->workers * sizeof *group->made);
    memset(group->given, 0, job->table->nstages * sizeof *group->given);
    for (uint64_t s = 0; s < job->table->nstages; s++)
        if (still_there(group, s))
            group->made[job->table->makers[s].executor]++;
    forget(group);
    add_members(group, false);
    if (group->npart > 1) /* else there will be no group */
        add_members(group, true);
}

static bool computed(const struct link_group *group, uint64_t stage, uint32_t executor)
{
    return group->job->table->makers[stage].executor == executor && still_there(group, stage);
}

/* Which stages an executor computed. Returns the number of runs. */
static size_t list_stages(struct link_group *group, uint32_t executor)
{
    size_t n = 0;

    for (uint32_t s = 0; s < group->job->table->nstages; s++) {
        if (!computed(group, s, executor))
            continue;
        group->given[s] = true;
        if (n > 0 && group->runs[n - 1].first + group->runs[n - 1].count == s)
            group->runs[n - 1].count++;
        else
            group->runs[n++] = (struct worker_group_stages){s, 1};
    }
    return n;
}

struct worker_group_order group_order(struct link_group *group, unsigned number)
{
    const struct link_job    *job = group->job;
    const bool                gives = number >= group->npart;
    struct worker_group_order order = {.task = gives ? WORKER_GROUP_HAND : WORKER_GROUP_REDUCE,
                                       .round = group->round,
                                       .position = number,
                                       .count = gives ? group->n : group->npart,
                                       .nstages = job->table->nstages,
                                       .names = job->names,
                                       .nnames = job->nnames,
                                       .stages = group->runs};

    order.nruns = list_stages(group, group->members[number].executor);
    memcpy(order.id, group->id, sizeof order.id);
    return order;
}

/* Its numbers are the journal's all the same. The runs are those of the order that is being written. */
static void take_back(struct link_group *group, uint32_t executor)
{
    for (uint64_t s = 0; s < group->job->table->nstages; s++)
        if (computed(group, s, executor))
            group->given[s] = false;
}

int group_put_handed(struct link_group *group, unsigned number, struct mx_buf *out,
                     struct mx_err *err)
{
    const uint64_t nslots = group->job->table->nstages * group->job->nnames;
    struct mx_buf  bytes = {0};
    int            rc = 0;

    for (unsigned i = group->npart; i < group->n && rc == 0; i++) {
        uint64_t block = 0;

        if (group->members[i].to != number)
            continue;
        mx_buf_clear(&bytes);
        rc = reduce_sum_emit(group->members[i].handed, nslots, group->round, &block, SIZE_MAX,
                             &bytes, err);
        if (bytes.len + out->len <= group->job->link->handed_bytes)
            mx_put_bytes(out, bytes.data, bytes.len);
        else
            take_back(group, group->members[i].executor);
    }
    mx_buf_free(&bytes);
    if (rc == 0 && !mx_buf_ok(out))
        rc = mx_fail(err, MX_ENOMEM, "no memory for the reduction");
    return rc;
}

int group_add_journal(struct link_group *group, struct mx_err *err)
{
    struct link_job     *job = group->job;
    struct reduce_slots *rest = reduce_slots_new(err);
    int                  rc = -1;

    for (uint64_t s = 0; s < job->table->nstages; s++)
        job->kept[s] = !group->given[s];
    if (rest && worker_contributions_slots(job->table->journal, job->names, job->nnames, job->kept,
                                           rest, err) == 0)
        rc = reduce_slots_join(group->sum, rest, err);
    reduce_slots_free(rest);
    return rc;
}
