/* sched_hosts.c - hosts on which different cells fail one after the other. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/sched_core.h"

enum {
    MAX_HOSTS = 1 << 20
};

int mx_hosts_know(struct mx_sched *sched, uint32_t host, struct mx_err *err)
{
    struct mx_host_node *more;

    if (host < sched->nhosts)
        return 0;
    if (host >= MAX_HOSTS)
        return mx_fail(err, MX_EINVAL, "host %" PRIu32 " is beyond the %d that are possible", host,
                       MAX_HOSTS);
    if (!(more = realloc(sched->hosts, ((size_t)host + 1) * sizeof more[0])))
        return mx_fail(err, MX_ENOMEM, "no memory for host %" PRIu32, host);
    memset(more + sched->nhosts, 0, (host + 1 - sched->nhosts) * sizeof more[0]);
    sched->hosts = more;
    sched->nhosts = host + 1;
    return 0;
}

void mx_hosts_up(struct mx_sched *sched, uint32_t executor, uint32_t host)
{
    struct mx_executor_node *node = &sched->executors[executor];

    if (node->known && !node->gone)
        return;
    node->known = true;
    node->gone = false;
    node->host = host;
    node->barred = sched->hosts[host].barred;
    sched->hosts[host].nliving++;
    sched->review_hosts = true;
}

void mx_hosts_gone(struct mx_sched *sched, uint32_t executor)
{
    struct mx_executor_node *node;

    if (executor >= sched->nexecutors)
        return;
    node = &sched->executors[executor];
    if (!node->known || node->gone)
        return;
    node->gone = true;
    sched->hosts[node->host].nliving--;
    sched->review_hosts = true;
}

static void forgive(struct mx_sched *sched, uint32_t host, uint32_t strike)
{
    struct mx_host_node *node = &sched->hosts[host];
    uint32_t             n = 0;

    for (uint32_t k = 0; k < node->nstrikes; k++)
        if (node->strikes[k] != strike)
            node->strikes[n++] = node->strikes[k];
    node->nstrikes = n;
    sched->review_hosts = true;
}

static void count(struct mx_host_node *node, uint32_t strike)
{
    for (uint32_t k = 0; k < node->nstrikes; k++)
        if (node->strikes[k] == strike)
            return;
    if (node->nstrikes < MX_BREAKER_CELLS)
        node->strikes[node->nstrikes++] = strike;
}

/* A shared stage stands for the cell of its first user; one without users says
 * nothing about hosts. */
void mx_hosts_failed(struct mx_sched *sched, uint32_t stage, uint32_t executor)
{
    const uint32_t       host = sched->executors[executor].host;
    struct mx_cell_node *cell;

    if (sched->uses.first[stage] == sched->uses.first[stage + 1])
        return;
    cell = &sched->cells[sched->trials[sched->uses.to[sched->uses.first[stage]]].cell];
    if (cell->own_fault)
        return;
    if (cell->failed_on != MX_NOBODY && cell->failed_on != host) {
        cell->own_fault = true;
        forgive(sched, cell->failed_on, cell->strike);
        return;
    }
    if (cell->failed_on == MX_NOBODY)
        cell->strike = ++sched->last_strike;
    cell->failed_on = host;
    count(&sched->hosts[host], cell->strike);
    sched->review_hosts = true;
}

void mx_hosts_done(struct mx_sched *sched, uint32_t executor)
{
    struct mx_host_node *node = &sched->hosts[sched->executors[executor].host];

    if (node->barred) /* what it had begun before */
        return;
    node->nstrikes = 0;
    node->warned = false;
}

static bool works(const struct mx_host_node *node)
{
    return node->nliving > 0 && !node->barred;
}

static uint32_t count_working(const struct mx_sched *sched)
{
    uint32_t n = 0;

    for (uint32_t h = 0; h < sched->nhosts; h++)
        n += works(&sched->hosts[h]);
    return n;
}

static void bar(struct mx_sched *sched, uint32_t host, bool barred)
{
    sched->hosts[host].barred = barred;
    sched->hosts[host].warned = false;
    for (uint32_t x = 0; x < sched->nexecutors; x++)
        if (sched->executors[x].known && sched->executors[x].host == host)
            mx_queue_bar(sched, x, barred);
}

/* What is to become of a host: true, with the action, if something is. One that is
 * released since nobody else is left has a clean slate, or it would go at once. */
static bool review(struct mx_sched *sched, uint32_t h, struct mx_action *action)
{
    struct mx_host_node *node = &sched->hosts[h];
    const bool           broken = node->nstrikes >= MX_BREAKER_CELLS;
    uint32_t             working;

    if (node->nliving == 0 || !(broken || node->barred))
        return false;
    working = count_working(sched);
    *action = (struct mx_action){.kind = MX_ACTION_HOST, .host = h};
    if (node->barred && (!broken || working == 0)) {
        action->go_on = true;
        action->last = broken;
        node->nstrikes = broken ? 0 : node->nstrikes;
        bar(sched, h, false);
        return true;
    }
    if (node->barred)
        return false;
    if (working > 1) {
        bar(sched, h, true);
        return true;
    }
    action->last = action->go_on = !node->warned;
    node->warned = true;
    return action->last;
}

int mx_hosts_review(struct mx_sched *sched, struct mx_actions *actions, struct mx_err *err)
{
    struct mx_action action;

    for (uint32_t h = 0; sched->review_hosts && h < sched->nhosts; h++) {
        if (mx_sched_reserve(actions, err))
            return -1;
        if (review(sched, h, &action))
            actions->list[actions->count++] = action;
    }
    sched->review_hosts = false;
    return 0;
}

bool mx_hosts_avoids(const struct mx_sched *sched, uint32_t stage, uint32_t executor)
{
    const uint32_t avoid = sched->stages[stage].avoid;

    return avoid == executor ||
           (avoid != MX_NOBODY && sched->executors[avoid].host == sched->executors[executor].host &&
            count_working(sched) > 1);
}

bool mx_sched_host_quarantined(const struct mx_sched *sched, uint32_t host)
{
    return host < sched->nhosts && sched->hosts[host].barred;
}

int mx_hosts_check(const struct mx_sched *sched, struct mx_err *err)
{
    uint32_t living = 0;

    for (uint32_t h = 0; h < sched->nhosts; h++) {
        const struct mx_host_node *node = &sched->hosts[h];
        uint32_t                   nliving = 0;

        for (uint32_t x = 0; x < sched->nexecutors; x++) {
            const struct mx_executor_node *executor = &sched->executors[x];

            nliving += executor->known && !executor->gone && executor->host == h;
            MX_SCHED_CHECK(!executor->known || executor->host != h ||
                               executor->barred == node->barred,
                           "executor %" PRIu32 " works and its host does not, or the other way", x);
        }
        MX_SCHED_CHECK(nliving == node->nliving,
                       "host %" PRIu32 " has %" PRIu32 " executors, counted %" PRIu32, h, nliving,
                       node->nliving);
        living += nliving;
    }
    MX_SCHED_CHECK(living == 0 || count_working(sched) > 0, "no host is left that may work");
    return 0;
}
