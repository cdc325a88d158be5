/* sched_queue.c - executors and the leases that they hold. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "sweep/sched_core.h"

enum {
    MAX_EXECUTORS = 1 << 20
};

static const double newest_share = 0.125; /* of the last duration in the mean of its kind */

/* Make executors [0 .. executor] known. */
int mx_queue_know(struct mx_sched *sched, uint32_t executor, struct mx_err *err)
{
    uint32_t                 room = sched->nexecutors ? sched->nexecutors : 8;
    struct mx_executor_node *executors;
    struct mx_link_pair     *links;

    if (executor < sched->nexecutors)
        return 0;
    if (executor >= MAX_EXECUTORS)
        return mx_fail(err, MX_EINVAL, "executor %" PRIu32 " is beyond the %d that are possible",
                       executor, MAX_EXECUTORS);
    while (room <= executor)
        room *= 2;
    if (!(executors = realloc(sched->executors, room * sizeof executors[0])))
        goto nomem;
    sched->executors = executors;
    if (!(links = realloc(sched->executor_links, room * sizeof links[0])))
        goto nomem;
    sched->executor_links = links;
    for (uint32_t x = sched->nexecutors; x < room; x++)
        executors[x] = (struct mx_executor_node){.queue = mx_chain_empty, .groups = mx_chain_empty};
    sched->nexecutors = room;
    return 0;
nomem:
    return mx_fail(err, MX_ENOMEM, "no memory for executor %" PRIu32, executor);
}

/* Leases that an executor may hold: not so many that others go without. */
static uint32_t most_held(const struct mx_sched *sched)
{
    uint32_t share = sched->nusable > 0 ? sched->nready / sched->nusable : 0;

    if (share > sched->options.batch_max)
        share = sched->options.batch_max;
    return share > 1 ? share : 1;
}

/* What a stage will take: as its kind did so far. One that would fill a queue
 * alone, or of which nothing is known, counts as the whole of it. */
static uint64_t expect_ns(const struct mx_sched *sched, uint32_t stage)
{
    double mean_ns = 1e9 * sched->mean_s[sched->stages[stage].kind];

    if (!(mean_ns > 0) || mean_ns >= (double)sched->batch_ns)
        return sched->batch_ns > 0 ? sched->batch_ns : 1;
    return mean_ns >= 1 ? (uint64_t)mean_ns : 1;
}

/* Whether an executor can take a stage. What has just failed here does not wait
 * here. */
bool mx_queue_fits(const struct mx_sched *sched, uint32_t executor, uint32_t stage)
{
    const struct mx_executor_node *node = &sched->executors[executor];

    return node->nheld == 0 ||
           (!mx_hosts_avoids(sched, stage, executor) && node->nheld < most_held(sched) &&
            node->expected_ns + expect_ns(sched, stage) <= sched->batch_ns);
}

/* Whether a queue is to be filled again: not before half of it is done, so that
 * orders go out in batches. */
bool mx_queue_is_low(const struct mx_sched *sched, uint32_t executor)
{
    const struct mx_executor_node *node = &sched->executors[executor];

    return mx_sched_usable(node) && node->nheld <= most_held(sched) / 2 &&
           node->expected_ns <= sched->batch_ns / 2;
}

/* The first of the queue begins. */
static void start_clock(struct mx_sched *sched, uint32_t executor)
{
    sched->executors[executor].started_s = sched->now_s;
    if (mx_sched_timed(&sched->executors[executor]))
        mx_chain_push(&sched->running, sched->executor_links, executor);
}

void mx_queue_lease(struct mx_sched *sched, uint32_t executor, uint32_t i)
{
    struct mx_executor_node *node = &sched->executors[executor];
    struct mx_stage_node    *stage = &sched->stages[i];

    mx_group_take(sched, stage->group, executor);
    mx_sched_begin_stage(sched, i);
    stage->executor = executor;
    stage->life = node->life;
    stage->lease = ++sched->last_lease;
    stage->expected_ns = expect_ns(sched, i);
    sched->nleases++;
    mx_chain_push(&node->queue, sched->stage_links, i);
    node->expected_ns += stage->expected_ns;
    if (node->nheld++ == 0) {
        mx_chain_remove(&sched->idle, sched->executor_links, executor);
        start_clock(sched, executor);
    }
}

/* Take the lease away from whoever holds the stage. */
static void end_lease(struct mx_sched *sched, uint32_t i)
{
    struct mx_stage_node    *stage = &sched->stages[i];
    uint32_t                 executor = stage->executor;
    struct mx_executor_node *node = &sched->executors[executor];
    bool                     was_first = node->queue.head == i;

    mx_chain_remove(&node->queue, sched->stage_links, i);
    node->nheld--;
    node->expected_ns -= stage->expected_ns;
    stage->lease = 0;
    sched->nleases--;
    mx_sched_leave_stage(sched, i);
    if (!was_first)
        return;
    if (mx_sched_timed(node))
        mx_chain_remove(&sched->running, sched->executor_links, executor);
    if (node->nheld > 0)
        start_clock(sched, executor);
    else if (mx_sched_usable(node))
        mx_chain_push(&sched->idle, sched->executor_links, executor);
}

static void learn(struct mx_sched *sched, uint32_t stage, double seconds)
{
    const unsigned kind = sched->stages[stage].kind;
    double        *mean_s = &sched->mean_s[kind];

    if (!(seconds > 0) || !isfinite(seconds))
        return;
    sched->kinds[kind].timed++;
    sched->kinds[kind].timed_s += seconds;
    if (*mean_s > 0)
        *mean_s += newest_share * (seconds - *mean_s);
    else
        *mean_s = seconds;
}

void mx_queue_done(struct mx_sched *sched, uint32_t stage, double seconds)
{
    sched->refill = sched->stages[stage].executor;
    learn(sched, stage, seconds);
    end_lease(sched, stage);
    mx_hosts_done(sched, sched->refill);
    mx_sched_settle(sched, stage, MX_STAGE_DONE, MX_REASON_NONE);
    mx_sched_rest_users(sched, stage);
}

/* It ends for now: who decides whether it goes on is asked after this. */
void mx_queue_paused(struct mx_sched *sched, uint32_t stage, double seconds)
{
    sched->refill = sched->stages[stage].executor;
    learn(sched, stage, seconds);
    end_lease(sched, stage);
    mx_hosts_done(sched, sched->refill);
    sched->stages[stage].state = MX_STAGE_PAUSED;
    mx_sched_drop_unneeded(sched, stage);
    mx_sched_rest_users(sched, stage);
}

/* An attempt failed: again, or for good. */
void mx_queue_failed(struct mx_sched *sched, uint32_t i, enum mx_reason reason)
{
    struct mx_stage_node *stage = &sched->stages[i];
    bool                  final;

    if (reason == MX_REASON_NONE)
        reason = MX_REASON_CRASHED;
    sched->refill = stage->executor;
    final = mx_stage_final(sched, i, reason);
    end_lease(sched, i);
    stage->failures++;
    stage->avoid = stage->executor;
    if (!mx_sched_deterministic(reason))
        mx_hosts_failed(sched, i, stage->executor);
    if (final)
        mx_sched_settle(sched, i, MX_STAGE_FAILED, reason);
    else
        mx_sched_make_ready(sched, i, sched->nstages);
    mx_sched_rest_users(sched, i);
}

/* A lease ends as if it had never been. */
static void give_back(struct mx_sched *sched, uint32_t i)
{
    end_lease(sched, i);
    sched->stages[i].state = MX_STAGE_READY;
    mx_group_add(sched, i, true);
    mx_sched_drop_unneeded(sched, i);
    mx_sched_rest_users(sched, i);
}

/* An executor is given nothing more in this life. */
static void retire(struct mx_sched *sched, uint32_t executor)
{
    const struct mx_executor_node *node = &sched->executors[executor];

    if (node->nheld > 0)
        mx_chain_remove(&sched->running, sched->executor_links, executor);
    else if (mx_sched_usable(node))
        mx_chain_remove(&sched->idle, sched->executor_links, executor);
    if (!mx_sched_usable(node))
        return;
    mx_group_release(sched, executor);
    sched->nusable--;
}

/* The stage that an executor holds under a lease, or MX_NOBODY. */
uint32_t mx_queue_find(const struct mx_sched *sched, uint32_t executor, uint64_t lease)
{
    uint32_t i = sched->executors[executor].queue.head;

    while (i != MX_NOBODY && sched->stages[i].lease != lease)
        i = sched->stage_links[i].next;
    return i;
}

void mx_queue_lost(struct mx_sched *sched, uint32_t executor, uint64_t lease, enum mx_reason reason)
{
    struct mx_executor_node *node;
    uint32_t                 blamed;

    if (executor >= sched->nexecutors || !sched->executors[executor].up)
        return;
    node = &sched->executors[executor];
    if (node->overdue)
        reason = MX_REASON_TIMED_OUT;
    else
        retire(sched, executor);
    node->up = node->overdue = false;
    if ((blamed = mx_queue_find(sched, executor, lease)) != MX_NOBODY)
        mx_queue_failed(sched, blamed, reason);
    while (node->queue.tail != MX_NOBODY)
        give_back(sched, node->queue.tail);
}

/* One that was up and says so again was replaced meanwhile. */
void mx_queue_up(struct mx_sched *sched, uint32_t executor)
{
    struct mx_executor_node *node = &sched->executors[executor];

    mx_queue_lost(sched, executor, 0, MX_REASON_NONE);
    node->up = true;
    node->life++;
    node->helps = MX_NOBODY;
    if (node->barred)
        return;
    sched->nusable++;
    mx_chain_push(&sched->idle, sched->executor_links, executor);
}

/* What it holds it may end. */
void mx_queue_bar(struct mx_sched *sched, uint32_t executor, bool barred)
{
    struct mx_executor_node *node = &sched->executors[executor];

    if (mx_sched_timed(node) && barred) {
        mx_group_release(sched, executor);
        sched->nusable--;
        if (node->nheld == 0)
            mx_chain_remove(&sched->idle, sched->executor_links, executor);
    } else if (mx_sched_timed(node)) {
        node->life++; /* groups that opened meanwhile, of what it had run, are nobody's */
        sched->nusable++;
        if (node->nheld == 0)
            mx_chain_push(&sched->idle, sched->executor_links, executor);
    }
    node->barred = barred;
}

/* The first of the queue overran its time: the executor dies of it. */
void mx_queue_overdue(struct mx_sched *sched, uint32_t executor)
{
    retire(sched, executor);
    sched->executors[executor].overdue = true;
}
