/* link_group.c - the reduction over executors of GPUs, by NCCL, driven from rank 0.
 *
 * One executor of each card takes part, the first that computed something and has lived since; others
 * of its card give it what they computed. A try: one of those that take part names a group, while the
 * others of the GPUs give their numbers; all join, each contributes, the first gives the
 * sum. If one dies, fails or is silent, the others are told to leave; those that cannot, and those
 * whose part failed, are ended, since nothing else surely ends a call of NCCL; and those that are
 * left try again.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "reduce/patterns.h"
#include "sweep/link_group.h"

enum {
    TRIES = 3,
};

/* In rank_timeouts: that a try may take; that members have to leave it. */
static const double try_timeouts = 2, leave_timeouts = 0.5;

static struct group_member *member_of(const struct link_group *group, uint32_t executor)
{
    for (unsigned i = 0; i < group->n; i++)
        if (group->members[i].executor == executor)
            return &group->members[i];
    return NULL;
}

static int ask(struct link_group *group, uint32_t executor, const struct worker_group_order *order,
               struct mx_err *err)
{
    struct worker_message message = {.type = WORKER_MESSAGE_GROUP, .stage = group->round};
    struct mx_buf         bytes = {0};
    int                   rc;

    worker_group_put(&bytes, order);
    message.bytes = bytes.data;
    message.len = bytes.len;
    rc = mx_buf_ok(&bytes) ? link_order(group->job->link, executor, &message, err)
                           : mx_fail(err, MX_ENOMEM, "no memory for the reduction");
    mx_buf_free(&bytes);
    return rc;
}

/* Those that share a GPU with one that takes part give it what they computed. */
static int ask_to_hand(struct link_group *group, unsigned number, struct mx_err *err)
{
    struct group_member            *member = &group->members[number];
    const struct worker_group_order order = group_order(group, number);

    if (!(member->handed = reduce_slots_new(err)))
        return -1;
    member->state = MEMBER_ASKED;
    return ask(group, member->executor, &order, err);
}

static int ask_for_sum(struct link_group *group, unsigned number, struct mx_err *err)
{
    struct worker_group_order order = group_order(group, number);
    struct mx_buf             handed = {0};
    int                       rc = group_put_handed(group, number, &handed, err);

    /* Ours ends first: who is silent is then to blame, and not all. */
    order.seconds = (try_timeouts + leave_timeouts) * group->job->link->rank_timeout_s;
    order.handed = handed.data;
    order.nhanded = handed.len;
    if (rc == 0) {
        group->members[number].state = MEMBER_ASKED;
        rc = ask(group, group->members[number].executor, &order, err);
    }
    mx_buf_free(&handed);
    return rc;
}

static void take_answer(struct link_group *group, struct group_member *member,
                        const struct worker_message *message)
{
    if (message->stage != group->round || member->state != MEMBER_ASKED)
        return; /* of a try that was given up */
    if (message->type == WORKER_MESSAGE_PART) {
        reduce_sum_take(message->bytes, message->len,
                        group->job->table->nstages * group->job->nnames, group->round,
                        member->handed ? member->handed : group->sum, &group->broken);
        return;
    }
    member->state = message->code == MX_OK ? MEMBER_DONE : MEMBER_FAILED;
    member->failure.code = message->code;
    snprintf(member->failure.text, sizeof member->failure.text, "%s", message->text);
    if (message->code == MX_EINTERNAL)
        group->broken = member->failure;
    if (message->code == MX_OK && message->len == sizeof group->id)
        memcpy(group->id, message->bytes, sizeof group->id);
}

static void heed(struct link_group *group, const struct mx_link_event *event)
{
    struct group_member *member = member_of(group, event->executor);

    if (!member || event->kind == MX_LINK_RANK_LOST)
        return;
    if (event->kind == MX_LINK_GROUP)
        take_answer(group, member, event->group);
    if (event->kind == MX_LINK_LOST && member->state != MEMBER_LOST) {
        member->state = MEMBER_LOST;
        group->ended[member->executor] = true;
        mx_fail(&member->failure, MX_EGPU, "%s", event->text);
    }
}

static bool any(const struct link_group *group, enum group_member_state state)
{
    for (unsigned i = 0; i < group->n; i++)
        if (group->members[i].state == state)
            return true;
    return false;
}

/* Until all have answered, at most until a time. `all`: also those behind the first failure. */
static int await(struct link_group *group, double until_s, bool all, struct mx_err *err)
{
    struct mx_link_event event;
    double               left_s;

    while (any(group, MEMBER_ASKED) && (left_s = until_s - mx_clock_monotonic_s()) > 0) {
        int rc = mx_link_poll(group->job->link, left_s, -1, &event, err);

        if (rc < 0)
            return -1;
        if (rc > 0)
            heed(group, &event);
        if (group->broken.code != MX_OK)
            return 0;
        if (!all && (any(group, MEMBER_FAILED) || any(group, MEMBER_LOST)))
            return 0;
    }
    return 0;
}

static bool is_whole(const struct link_group *group)
{
    return group->broken.code == MX_OK && !any(group, MEMBER_ASKED) && !any(group, MEMBER_FAILED) &&
           !any(group, MEMBER_LOST);
}

/* One of those that take part makes the identifier, and whoever does not gives its numbers. */
static int name_group(struct link_group *group, struct mx_err *err)
{
    const struct worker_group_order order = {.task = WORKER_GROUP_NAME};

    for (unsigned i = 1; i < group->npart; i++)
        group->members[i].state = MEMBER_DONE;
    group->members[0].state = MEMBER_ASKED;
    if (ask(group, group->members[0].executor, &order, err))
        return -1;
    for (unsigned i = group->npart; i < group->n; i++)
        if (ask_to_hand(group, i, err))
            return -1;
    return await(group, group->deadline_s, false, err);
}

/* The first that died, or that failed for a reason of its own. NULL: none has. */
static const struct group_member *culprit_of(const struct link_group *group)
{
    for (unsigned i = 0; i < group->n; i++) {
        const struct group_member *member = &group->members[i];

        if (member->state == MEMBER_LOST ||
            (member->state == MEMBER_FAILED && member->failure.code != MX_EINTERRUPTED))
            return member;
    }
    return NULL;
}

static void tell_try(const struct link_group *group, unsigned number,
                     const struct group_member *culprit, struct mx_buf *told)
{
    mx_buf_printf(told,
                  "the sum over %u GPUs by NCCL did not come about (try %u of %d): ", group->npart,
                  number, (int)TRIES);
    if (culprit)
        mx_buf_printf(told, "executor %u: %s\n", (unsigned)culprit->executor,
                      culprit->state == MEMBER_ASKED ? "it hangs, and was ended"
                                                     : culprit->failure.text);
    else
        mx_buf_text(told, "it did not come to its end in time\n");
}

static void end_member(struct link_group *group, const struct group_member *member,
                       enum mx_reason reason)
{
    group->ended[member->executor] = true;
    mx_link_kill(group->job->link, member->executor, reason);
}

/* Break a try off: whoever still answers leaves, all others are ended. */
static int give_up(struct link_group *group, unsigned number, struct mx_buf *told,
                   struct mx_err *err)
{
    static const struct worker_message leave = {.type = WORKER_MESSAGE_LEAVE};
    struct mx_link                    *link = group->job->link;
    const struct group_member         *culprit = culprit_of(group);

    for (unsigned i = 0; i < group->n; i++)
        if (group->members[i].state == MEMBER_ASKED &&
            link_order(link, group->members[i].executor, &leave, err))
            return -1;
    if (await(group, mx_clock_monotonic_s() + leave_timeouts * link->rank_timeout_s, true, err))
        return -1;
    for (unsigned i = 0; i < group->n; i++) {
        const struct group_member *member = &group->members[i];

        if (member->state == MEMBER_ASKED)
            end_member(group, member, MX_REASON_STALLED);
        else if (member->state == MEMBER_FAILED && member->failure.code != MX_EINTERRUPTED)
            end_member(group, member, MX_REASON_CRASHED);
        if (!culprit && group->ended[member->executor])
            culprit = member;
    }
    tell_try(group, number, culprit, told);
    return 0;
}

/* One try. 1 if the sum is there, 0 if not, -1. */
static int try_once(struct link_group *group, unsigned number, struct mx_buf *told,
                    struct mx_err *err)
{
    group->round = ++group->job->link->round;
    group->deadline_s = mx_clock_monotonic_s() + try_timeouts * group->job->link->rank_timeout_s;
    reduce_slots_free(group->sum);
    if (!(group->sum = reduce_slots_new(err)) || name_group(group, err))
        return -1;
    if (is_whole(group)) {
        for (unsigned i = 0; i < group->npart; i++)
            if (ask_for_sum(group, i, err))
                return -1;
        if (await(group, group->deadline_s, false, err))
            return -1;
    }
    if (group->broken.code != MX_OK) {
        *err = group->broken;
        return -1;
    }
    return is_whole(group) ? 1 : give_up(group, number, told, err);
}

static int try_again_and_again(struct link_group *group, struct mx_link_reduced *reduced,
                               struct mx_err *err)
{
    int rc = 0;

    for (unsigned number = 1; number <= TRIES && rc == 0; number++) {
        group_choose(group);
        if (group->npart < 2)
            break;
        rc = try_once(group, number, &reduced->told, err);
    }
    if (rc < 0 && (err->code == MX_EINTERNAL || err->code == MX_ENOMEM))
        return -1;
    if (rc < 0)
        mx_buf_printf(&reduced->told, "the sum over GPUs by NCCL did not come about: %s\n",
                      err->text);
    if (rc <= 0 && reduced->told.len > 0)
        mx_buf_text(&reduced->told,
                    "the sum over GPUs by NCCL is given up; the numbers are summed over the "
                    "processes\n");
    return rc > 0;
}

static uint64_t words_of(uint64_t nslots)
{
    const uint64_t whole = nslots / REDUCE_PIECE_SLOTS, rest = nslots % REDUCE_PIECE_SLOTS;

    return whole * reduce_piece_words(REDUCE_PIECE_SLOTS) +
           (rest > 0 ? reduce_piece_words((size_t)rest) : 0);
}

int link_reduce_by_group(struct link_job *job, struct reduce_slots **sum,
                         struct mx_link_reduced *reduced, struct mx_err *err)
{
    struct link_group group = {.job = job};
    int               rc;

    if (!reduce_group_built() || job->table->nstages * job->nnames == 0)
        return 0;
    rc = group_open(&group, err) ? -1 : try_again_and_again(&group, reduced, err);
    if (rc > 0 && group_add_journal(&group, err))
        rc = -1;
    if (rc > 0) {
        reduced->path = "nccl";
        reduced->ranks = group.npart;
        reduced->bytes =
            group.npart * words_of(job->table->nstages * job->nnames) * sizeof(uint64_t);
        *sum = group.sum;
        group.sum = NULL;
    }
    group_close(&group);
    return rc;
}
