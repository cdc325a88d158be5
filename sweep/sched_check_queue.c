/* sched_check_queue.c - the invariants of queues and groups, from scratch. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "sweep/sched_core.h"

#define CHECK MX_SCHED_CHECK

/* How long a chain is; SIZE_MAX if it does not end or its links back are wrong. */
static size_t chain_length(const struct mx_chain *chain, const struct mx_link_pair *links,
                           size_t most)
{
    uint32_t last = MX_NOBODY;
    size_t   n = 0;

    for (uint32_t i = chain->head; i != MX_NOBODY; last = i, i = links[i].next)
        if (links[i].prev != last || n++ == most)
            return SIZE_MAX;
    return chain->tail == last ? n : SIZE_MAX;
}

static int check_queue(const struct mx_sched *sched, uint32_t x, struct mx_err *err)
{
    const struct mx_executor_node *node = &sched->executors[x];
    uint64_t                       last_lease = 0, expected_ns = 0;

    CHECK(chain_length(&node->queue, sched->stage_links, sched->nstages) == node->nheld,
          "the queue of executor %" PRIu32 " is not of %" PRIu32 " stages", x, node->nheld);
    CHECK(node->up || node->nheld == 0, "executor %" PRIu32 " is down and holds leases", x);
    CHECK(node->up || !node->overdue, "executor %" PRIu32 " is down and overdue", x);
    for (uint32_t i = node->queue.head; i != MX_NOBODY; i = sched->stage_links[i].next) {
        const struct mx_stage_node *stage = &sched->stages[i];

        CHECK(stage->state == MX_STAGE_RUNNING && stage->executor == x,
              "stage %" PRIu32 " is in the queue of executor %" PRIu32 " and not held by it", i, x);
        CHECK(stage->lease > last_lease, "lease %" PRIu64 " is out of turn", stage->lease);
        last_lease = stage->lease;
        expected_ns += stage->expected_ns;
    }
    CHECK(expected_ns == node->expected_ns,
          "executor %" PRIu32 " expects %" PRIu64 " ns of work, counted %" PRIu64, x, expected_ns,
          node->expected_ns);
    CHECK(node->nheld <= 1 ||
              (node->nheld <= sched->options.batch_max && expected_ns <= sched->batch_ns),
          "executor %" PRIu32 " holds %" PRIu32 " leases of %" PRIu64 " ns, too many", x,
          node->nheld, expected_ns);
    return 0;
}

/* Every executor that may be given work is idle or has a clock that runs. */
static int check_executors(const struct mx_sched *sched, struct mx_err *err)
{
    uint32_t nidle = 0, nrunning = 0, nheld = 0, nusable = 0;
    double   last_s = -INFINITY;

    for (uint32_t x = 0; x < sched->nexecutors; x++) {
        const struct mx_executor_node *node = &sched->executors[x];

        if (check_queue(sched, x, err))
            return -1;
        nidle += mx_sched_usable(node) && node->nheld == 0;
        nrunning += mx_sched_timed(node) && node->nheld > 0;
        nusable += mx_sched_usable(node);
        nheld += node->nheld;
    }
    CHECK(nheld == sched->nleases, "queues hold %" PRIu32 " of %" PRIu32 " leases", nheld,
          sched->nleases);
    CHECK(nusable == sched->nusable, "%" PRIu32 " executors can be given work, counted %" PRIu32,
          nusable, sched->nusable);
    CHECK(chain_length(&sched->idle, sched->executor_links, sched->nexecutors) == nidle &&
              chain_length(&sched->running, sched->executor_links, sched->nexecutors) == nrunning,
          "%" PRIu32 " executors are idle and %" PRIu32 " run, not in their chains", nidle,
          nrunning);
    for (uint32_t x = sched->idle.head; x != MX_NOBODY; x = sched->executor_links[x].next)
        CHECK(mx_sched_usable(&sched->executors[x]) && sched->executors[x].nheld == 0,
              "executor %" PRIu32 " is not idle", x);
    for (uint32_t x = sched->running.head; x != MX_NOBODY; x = sched->executor_links[x].next) {
        CHECK(mx_sched_timed(&sched->executors[x]) && sched->executors[x].nheld > 0 &&
                  sched->executors[x].started_s >= last_s,
              "executor %" PRIu32 " is out of turn", x);
        last_s = sched->executors[x].started_s;
    }
    CHECK(sched->draining || !sched->started || nidle == 0 || sched->nready == 0,
          "%" PRIu32 " executors idle beside %" PRIu32 " ready stages", nidle, sched->nready);
    return 0;
}

/* The open groups of one chain are all held by `holder`; *nready grows by the
 * stages in them. */
static int check_groups(const struct mx_sched *sched, const struct mx_chain *groups,
                        uint32_t holder, uint32_t *nready, struct mx_err *err)
{
    CHECK(chain_length(groups, sched->group_links, sched->nstages) != SIZE_MAX,
          "a chain of groups is broken");
    for (uint32_t g = groups->head; g != MX_NOBODY; g = sched->group_links[g].next) {
        size_t n = chain_length(&sched->stages[g].ready, sched->stage_links, sched->nstages);

        CHECK(n > 0 && n != SIZE_MAX, "group %" PRIu32 " is not open", g);
        CHECK(mx_group_holder(sched, g) == holder,
              "group %" PRIu32 " is in the chain of another executor than its holder", g);
        CHECK(sched->stages[g].state >= MX_STAGE_DONE,
              "group %" PRIu32 " is open before its stage ended", g);
        *nready += (uint32_t)n;
    }
    return 0;
}

static int check_placement(const struct mx_sched *sched, struct mx_err *err)
{
    const struct mx_chain *loose = &sched->stages[sched->nstages].ready;
    size_t   n = chain_length(loose, sched->stage_links, sched->nstages), nheld = 0, in_held;
    uint32_t nready = (uint32_t)n;

    CHECK(n != SIZE_MAX, "the chain of loose stages is broken");
    if (check_groups(sched, &sched->unheld, MX_NOBODY, &nready, err))
        return -1;
    for (uint32_t x = 0; x < sched->nexecutors; x++) {
        if (check_groups(sched, &sched->executors[x].groups, x, &nready, err))
            return -1;
        nheld += chain_length(&sched->executors[x].groups, sched->group_links, sched->nstages);
    }
    in_held = chain_length(&sched->held, sched->held_links, sched->nstages);
    CHECK(in_held == nheld, "%zu groups are held, %zu in the chain of those", nheld, in_held);
    CHECK(nready == sched->nready, "groups have %" PRIu32 " ready stages of %" PRIu32, nready,
          sched->nready);
    return 0;
}

/* Together with the counts above: each ready stage hangs in its group. */
static int check_hanging(const struct mx_sched *sched, struct mx_err *err)
{
    for (uint32_t g = 0; g <= sched->nstages; g++)
        for (uint32_t i = sched->stages[g].ready.head; i != MX_NOBODY;
             i = sched->stage_links[i].next)
            CHECK(sched->stages[i].state == MX_STAGE_READY && sched->stages[i].group == g,
                  "stage %" PRIu32 " hangs in group %" PRIu32 " and is not of it", i, g);
    return 0;
}

int mx_sched_check_queues(const struct mx_sched *sched, struct mx_err *err)
{
    for (size_t k = 0; k < MX_SCHED_KINDS; k++)
        CHECK(sched->mean_s[k] >= 0 && isfinite(sched->mean_s[k]),
              "the mean duration of kind %zu is %g", k, sched->mean_s[k]);
    CHECK(!sched->started || sched->draining || sched->refill == MX_NOBODY,
          "executor %" PRIu32 " was not given more", sched->refill);
    if (mx_hosts_check(sched, err) || check_executors(sched, err) || check_placement(sched, err))
        return -1;
    return check_hanging(sched, err);
}
