/* early_check.c - the invariants of early stopping, from scratch. */
#include <inttypes.h>

#include "sweep/early_core.h"

#define CHECK(holds, ...)                                                                          \
    do {                                                                                           \
        if (!(holds))                                                                              \
            return mx_fail(err, MX_EINTERNAL, "early stopping: " __VA_ARGS__);                     \
    } while (0)

static int check_training(const struct mx_early *early, uint32_t i, struct mx_err *err)
{
    const struct training *t = &early->all[i];

    CHECK(t->reached <= t->nrungs && (t->reached > 0 || !t->behind),
          "training %" PRIu32 " came to %" PRIu32 " rungs of %" PRIu32 "%s", i, t->reached,
          t->nrungs, t->behind ? ", and waits at the last" : "");
    CHECK(!t->stopped || (t->behind && !t->gone),
          "training %" PRIu32 " is stopped where it was not judged", i);
    return 0;
}

/* Whether a training may still come to a rung. */
static bool may_come(const struct training *t, uint32_t k)
{
    return !t->stopped && !t->gone && t->reached <= k && k < t->nrungs;
}

static int check_rung(const struct mx_early *early, const struct pool *pool, uint32_t k,
                      struct mx_err *err)
{
    const struct rung *rung = &pool->rungs[k];
    uint32_t           coming = 0, waiting = 0, n = 0, lost = 0;

    for (uint32_t m = pool->first; m < pool->first + pool->count; m++) {
        const struct training *t = &early->all[early->members[m]];

        coming += may_come(t, k);
        waiting += early_waits(t) && early_passed(t) == k;
        n += t->reached > k;
        lost += t->gone && !t->behind && t->reached == k && k < t->nrungs;
    }
    CHECK(coming == rung->coming && waiting == rung->waiting && n == rung->n && lost == rung->lost,
          "at rung %" PRIu32 " are %" PRIu32 " and %" PRIu32 " of them wait, %" PRIu32
          " are to come and %" PRIu32 " lost, counted %" PRIu32 ", %" PRIu32 ", %" PRIu32
          ", %" PRIu32,
          k, n, waiting, coming, lost, rung->n, rung->waiting, rung->coming, rung->lost);
    for (uint32_t at = 1; rung->ranked && at < rung->n; at++)
        CHECK(rung->ranked[at - 1].value > rung->ranked[at].value ||
                  (rung->ranked[at - 1].value == rung->ranked[at].value &&
                   rung->ranked[at - 1].training < rung->ranked[at].training),
              "rung %" PRIu32 " is not in order", k);
    CHECK(rung->ranked || coming + waiting == 0, "rung %" PRIu32 " was let go and is not decided",
          k);
    CHECK(early->ntodo > 0 || waiting == 0 || coming > 0,
          "rung %" PRIu32 " is closed and %" PRIu32 " wait there", k, waiting);
    return 0;
}

int mx_early_check(const struct mx_early *early, struct mx_err *err)
{
    for (uint32_t i = 0; i < early->count; i++)
        if (check_training(early, i, err))
            return -1;
    for (uint32_t p = 0; p < early->npools; p++)
        for (uint32_t k = 0; k < early->pools[p].nrungs; k++)
            if (check_rung(early, &early->pools[p], k, err))
                return -1;
    return 0;
}
