/* early_build.c - pools of trainings, and their rungs. */
#include <inttypes.h>
#include <stdlib.h>

#include "sweep/early_core.h"

uint64_t early_rung_epoch(const struct mx_early_rule *rule, uint32_t bracket, uint32_t rung)
{
    uint64_t epoch = rule->min_epochs;

    if (rule->rule == MX_EARLY_STOP_MEDIAN)
        return epoch * ((uint64_t)rung + 1);
    for (uint32_t k = 0; k < bracket + rung && epoch < UINT32_MAX; k++)
        epoch *= rule->reduction;
    return epoch;
}

uint32_t mx_early_rungs(const struct mx_early_rule *rule, const struct mx_early_training *training,
                        uint32_t most, uint32_t *epochs)
{
    uint32_t n = 0;
    uint64_t epoch;

    if (rule->rule == MX_EARLY_STOP_NONE)
        return 0;
    for (; (epoch = early_rung_epoch(rule, training->bracket, n)) < training->epochs; n++)
        if (n < most)
            epochs[n] = (uint32_t)epoch;
    return n;
}

static int by_pool(const void *a, const void *b)
{
    const struct pool_key *x = a, *y = b;

    if (x->repeat != y->repeat)
        return x->repeat < y->repeat ? -1 : 1;
    if (x->bracket != y->bracket)
        return x->bracket < y->bracket ? -1 : 1;
    return x->training < y->training ? -1 : x->training > y->training;
}

static int make_rungs(struct mx_early *early, struct mx_err *err)
{
    const bool median = early->rule.rule == MX_EARLY_STOP_MEDIAN;
    size_t     nrungs = 0;

    for (uint32_t p = 0; p < early->npools; p++) {
        struct pool *pool = &early->pools[p];

        nrungs += pool->nrungs;
        pool->rungs = calloc((size_t)pool->nrungs + 1, sizeof pool->rungs[0]);
        if (!pool->rungs)
            return mx_fail(err, MX_ENOMEM, "no memory for %" PRIu32 " rungs", pool->nrungs);
        for (uint32_t m = pool->first; m < pool->first + pool->count; m++)
            for (uint32_t k = 0; k < early->all[early->members[m]].nrungs; k++)
                pool->rungs[k].coming++;
        for (uint32_t k = 0; k < pool->nrungs; k++) {
            pool->rungs[k].room = pool->rungs[k].coming;
            pool->rungs[k].ranked = calloc(pool->rungs[k].coming, sizeof pool->rungs[k].ranked[0]);
            if (!pool->rungs[k].ranked)
                return mx_fail(err, MX_ENOMEM, "no memory for a rung of %" PRIu32 " trainings",
                               pool->rungs[k].coming);
        }
    }
    early->todo = calloc(nrungs + 1, sizeof early->todo[0]);
    early->nrungs = nrungs;
    early->means = calloc((median ? (size_t)early->nmembers : 0) + 1, sizeof early->means[0]);
    return early->todo && early->means ? 0
                                       : mx_fail(err, MX_ENOMEM, "no memory for %zu rungs", nrungs);
}

static bool begins_pool(const struct pool_key *keys, uint32_t m)
{
    return m == 0 || keys[m].repeat != keys[m - 1].repeat || keys[m].bracket != keys[m - 1].bracket;
}

static size_t count_pools(const struct pool_key *keys, uint32_t n)
{
    size_t count = 0;

    for (uint32_t m = 0; m < n; m++)
        count += begins_pool(keys, m);
    return count;
}

/* Trainings that are judged, pool after pool. */
static int make_pools(struct mx_early *early, const struct mx_early_training *list,
                      struct mx_err *err)
{
    struct pool_key *keys = calloc((size_t)early->count + 1, sizeof keys[0]);
    uint32_t         n = 0;

    for (uint32_t i = 0; keys && i < early->count; i++)
        if (early->all[i].nrungs > 0)
            keys[n++] = (struct pool_key){list[i].repeat, list[i].bracket, i};
    if (keys)
        qsort(keys, n, sizeof keys[0], by_pool);
    early->nmembers = n;
    early->members = calloc((size_t)n + 1, sizeof early->members[0]);
    early->pools = calloc(count_pools(keys, n) + 1, sizeof early->pools[0]);
    if (!keys || !early->members || !early->pools) {
        free(keys);
        return mx_fail(err, MX_ENOMEM, "no memory to judge %" PRIu32 " trainings", early->count);
    }
    for (uint32_t m = 0; m < n; m++) {
        struct training *training = &early->all[keys[m].training];
        struct pool     *pool;

        if (begins_pool(keys, m))
            early->pools[early->npools++] = (struct pool){.first = m, .bracket = keys[m].bracket};
        pool = &early->pools[early->npools - 1];
        pool->count++;
        if (training->nrungs > pool->nrungs)
            pool->nrungs = training->nrungs;
        training->pool = early->npools - 1;
        early->members[m] = keys[m].training;
    }
    free(keys);
    return make_rungs(early, err);
}

struct mx_early *mx_early_new(const struct mx_early_rule     *rule,
                              const struct mx_early_training *list, uint32_t count,
                              struct mx_err *err)
{
    struct mx_early *early = calloc(1, sizeof *early);
    size_t           nvalues = 0;

    if (!early || !(early->all = calloc((size_t)count + 1, sizeof early->all[0])) ||
        !(early->first = calloc((size_t)count + 1, sizeof early->first[0]))) {
        mx_early_free(early);
        mx_fail(err, MX_ENOMEM, "no memory to judge %" PRIu32 " trainings", count);
        return NULL;
    }
    early->rule = *rule;
    early->count = count;
    for (uint32_t i = 0; i < count; i++) {
        early->first[i] = nvalues;
        early->all[i].nrungs = mx_early_rungs(rule, &list[i], 0, NULL);
        nvalues += early->all[i].nrungs;
    }
    early->nvalues = nvalues;
    if (nvalues > MOST_VALUES) {
        mx_fail(err, MX_ERANGE,
                "schedule.early_stop: trainings would be judged %zu times, more than %d; raise "
                "schedule.min_epochs",
                nvalues, MOST_VALUES);
        goto fail;
    }
    if (!(early->values = calloc(nvalues + 1, sizeof early->values[0]))) {
        mx_fail(err, MX_ENOMEM, "no memory to judge %" PRIu32 " trainings", count);
        goto fail;
    }
    if (make_pools(early, list, err))
        goto fail;
    return early;
fail:
    mx_early_free(early);
    return NULL;
}

void mx_early_free(struct mx_early *early)
{
    if (!early)
        return;
    for (uint32_t p = 0; p < early->npools; p++) {
        for (uint32_t k = 0; early->pools[p].rungs && k < early->pools[p].nrungs; k++)
            free(early->pools[p].rungs[k].ranked);
        free(early->pools[p].rungs);
    }
    free(early->pools);
    free(early->members);
    free(early->all);
    free(early->values);
    free(early->first);
    free(early->todo);
    free(early->means);
    free(early);
}
