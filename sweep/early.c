#include "sweep/early.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/early_core.h"

static const double mean_bound = 1e300; /* infinities on both sides would make no mean */

uint32_t mx_early_until(const struct mx_early *early, uint32_t i)
{
    const struct training *training = &early->all[i];

    if (early_passed(training) >= training->nrungs)
        return 0;
    return (uint32_t)early_rung_epoch(&early->rule, early->pools[training->pool].bracket,
                                      early_passed(training));
}

bool mx_early_waits(const struct mx_early *early, uint32_t i)
{
    return early_waits(&early->all[i]);
}

uint32_t mx_early_reached_count(const struct mx_early *early, uint32_t i)
{
    return early->all[i].reached;
}

bool mx_early_is_stopped(const struct mx_early *early, uint32_t i)
{
    return early->all[i].stopped;
}

/* See that a rung is looked at. Each is in the list once at most: there is room for all. */
static void look_again(struct mx_early *early, uint32_t pool, uint32_t rung)
{
    struct rung *it = &early->pools[pool].rungs[rung];

    it->scanned = 0;
    if (it->in_todo)
        return;
    it->in_todo = true;
    early->todo[early->ntodo++] = (struct place){pool, rung};
}

/* It will not come to the rungs from `rung` on. */
static void comes_no_more(struct mx_early *early, const struct training *training, uint32_t rung)
{
    for (uint32_t k = rung; k < training->nrungs; k++) {
        early->pools[training->pool].rungs[k].coming--;
        look_again(early, training->pool, k);
    }
}

/* Values as the rule sees them: larger is better. */
static double seen(const struct mx_early *early, double value)
{
    if (isnan(value))
        return -INFINITY;
    return early->rule.smaller ? -value : value;
}

static double bounded(double value)
{
    return fmax(-mean_bound, fmin(mean_bound, value));
}

/* Before which of those that are ranked a training comes. */
static uint32_t place_of(const struct rung *rung, double value, uint32_t training)
{
    uint32_t low = 0, high = rung->n;

    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;

        if (rung->ranked[mid].value > value ||
            (rung->ranked[mid].value == value && rung->ranked[mid].training < training))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

bool mx_early_reached(struct mx_early *early, uint32_t i, uint32_t epoch, double value)
{
    struct training *training = &early->all[i];
    struct rung     *rung;
    uint32_t         at;

    if (early_waits(training) || training->stopped || training->gone ||
        mx_early_until(early, i) != epoch || epoch == 0)
        return false;
    rung = &early->pools[training->pool].rungs[training->reached];
    value = seen(early, value);
    if (early->values)
        early->values[early->first[i] + training->reached] = value;
    at = place_of(rung, value, i);
    memmove(&rung->ranked[at + 1], &rung->ranked[at], (rung->n - at) * sizeof rung->ranked[0]);
    rung->ranked[at] = (struct ranked){value, i};
    rung->n++;
    rung->coming--;
    rung->waiting++;
    look_again(early, training->pool, training->reached);
    training->reached++;
    training->behind = true;
    early->nmeans = 0;
    return true;
}

/* It waits at a rung no more. */
static void decide(struct mx_early *early, struct training *training, bool go_on)
{
    const uint32_t k = training->reached - 1;

    early->pools[training->pool].rungs[k].waiting--;
    if (go_on) {
        training->behind = false;
        return;
    }
    training->stopped = true;
    comes_no_more(early, training, k + 1);
}

bool mx_early_decided(struct mx_early *early, uint32_t i, uint32_t epoch, bool go_on)
{
    struct training *training = &early->all[i];

    if (!early_waits(training) || mx_early_until(early, i) != epoch)
        return false;
    decide(early, training, go_on);
    return true;
}

void mx_early_gone(struct mx_early *early, uint32_t i)
{
    struct training *training = &early->all[i];
    struct pool     *pool = &early->pools[training->pool];

    if (training->nrungs == 0 || training->gone || training->stopped)
        return;
    training->gone = true;
    if (training->behind) {
        pool->rungs[training->reached - 1].waiting--;
        look_again(early, training->pool, training->reached - 1);
    } else if (training->reached < training->nrungs) {
        pool->rungs[training->reached].lost++;
    }
    comes_no_more(early, training, training->reached);
}

void mx_early_forget(struct mx_early *early, uint32_t i)
{
    struct training *training = &early->all[i];
    struct pool     *pool = &early->pools[training->pool];
    const bool       open = !training->gone && !training->stopped;

    if (training->nrungs == 0)
        return;
    if (early_waits(training))
        pool->rungs[training->reached - 1].waiting--;
    if (training->gone && !training->behind && training->reached < training->nrungs)
        pool->rungs[training->reached].lost--;
    for (uint32_t k = 0; k < training->nrungs; k++) {
        struct rung *rung = &pool->rungs[k];

        if (k < training->reached) {
            const uint32_t at = place_of(rung, early->values[early->first[i] + k], i);

            rung->n--;
            memmove(&rung->ranked[at], &rung->ranked[at + 1],
                    (rung->n - at) * sizeof rung->ranked[0]);
        }
        if (k < training->reached || !open)
            rung->coming++;
        look_again(early, training->pool, k);
    }
    early->nmeans = 0;
    training->reached = 0;
    training->behind = training->stopped = training->gone = false;
}

/* How many of a rung go on, by sha and asha. */
static uint32_t share(const struct mx_early *early, const struct rung *rung, bool closed)
{
    const uint32_t most = (rung->n + rung->lost) / early->rule.reduction;

    return closed && most == 0 ? 1 : most;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double mean_of(const struct mx_early *early, uint32_t i, uint32_t rung)
{
    const uint32_t reached = early->all[i].reached, n = reached < rung + 1 ? reached : rung + 1;
    double         sum = 0;

    for (uint32_t k = 0; k < n; k++)
        sum += bounded(early->values[early->first[i] + k]);
    return sum / n;
}

/* The median of `n` sorted numbers but the one at `out`. */
static double median_without(const double *sorted, uint32_t n, uint32_t out)
{
    const uint32_t rest = n - 1, low = (rest - 1) / 2, high = rest / 2;

    return (sorted[low + (low >= out)] + sorted[high + (high >= out)]) / 2;
}

/* The means of all that came to some rung, sorted, are kept until another one comes. */
static void sort_means(struct mx_early *early, uint32_t p, uint32_t rung)
{
    const struct pool *pool = &early->pools[p];
    uint32_t           n = 0;

    if (early->nmeans > 0 && early->means_of.pool == p && early->means_of.rung == rung)
        return;
    for (uint32_t m = pool->first; m < pool->first + pool->count; m++)
        if (early->all[early->members[m]].reached > 0)
            early->means[n++] = mean_of(early, early->members[m], rung);
    qsort(early->means, n, sizeof early->means[0], by_value);
    early->nmeans = n;
    early->means_of = (struct place){p, rung};
}

/* Where a number stands among sorted ones. */
static uint32_t find(const double *sorted, uint32_t n, double x)
{
    uint32_t low = 0, high = n;

    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;

        if (sorted[mid] < x)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Whether a training has been better than the median of the others, once. */
static bool keeps_up(const struct mx_early *early, uint32_t i, uint32_t rung)
{
    const uint32_t n = early->nmeans;
    const double  *values = &early->values[early->first[i]];
    double         best = values[0], mean = mean_of(early, i, rung);

    if (n <= LEAST_OTHERS)
        return true;
    for (uint32_t k = 1; k <= rung; k++)
        best = fmax(best, values[k]);
    return bounded(best) >= median_without(early->means, n, find(early->means, n, mean));
}

/* Decides about the next one that waits at a rung, the best first; false if there
 * is none, or none can be decided about yet. */
static bool look_at(struct mx_early *early, uint32_t p, uint32_t k,
                    struct mx_early_decision *decision)
{
    struct rung   *rung = &early->pools[p].rungs[k];
    const bool     closed = rung->coming == 0, median = early->rule.rule == MX_EARLY_STOP_MEDIAN;
    const uint32_t most = median ? 0 : share(early, rung, closed);
    const uint32_t last = closed || most > rung->n ? rung->n : most;

    if (rung->waiting == 0 || (!closed && early->rule.rule != MX_EARLY_STOP_ASHA))
        return false;
    if (median)
        sort_means(early, p, k);
    while (rung->scanned < last) {
        const uint32_t   at = rung->scanned++, i = rung->ranked[at].training;
        struct training *training = &early->all[i];

        if (!early_waits(training) || early_passed(training) != k)
            continue;
        *decision = (struct mx_early_decision){
            .training = i,
            .rung = k,
            .epoch = mx_early_until(early, i),
            .go_on = median ? keeps_up(early, i, k) : at < most,
        };
        decide(early, training, decision->go_on);
        return true;
    }
    return false;
}

bool mx_early_next(struct mx_early *early, struct mx_early_decision *decision)
{
    while (early->ntodo > 0) {
        const struct place place = early->todo[early->ntodo - 1];

        if (look_at(early, place.pool, place.rung, decision))
            return true;
        early->pools[place.pool].rungs[place.rung].in_todo = false;
        early->ntodo--;
    }
    return false;
}

void mx_early_let_go(struct mx_early *early)
{
    for (uint32_t p = 0; p < early->npools; p++)
        for (uint32_t k = 0; k < early->pools[p].nrungs; k++) {
            struct rung *rung = &early->pools[p].rungs[k];

            if (rung->coming > 0 || rung->waiting > 0)
                continue;
            free(rung->ranked);
            rung->ranked = NULL;
        }
    if (early->rule.rule == MX_EARLY_STOP_MEDIAN)
        return;
    free(early->values);
    free(early->first);
    early->values = NULL;
    early->first = NULL;
}

size_t mx_early_bytes(const struct mx_early *early)
{
    size_t bytes = sizeof *early + early->count * sizeof early->all[0] +
                   early->nmembers * sizeof early->members[0] +
                   early->npools * sizeof early->pools[0] + early->nrungs * sizeof early->todo[0];

    if (early->rule.rule == MX_EARLY_STOP_MEDIAN)
        bytes += early->nmembers * sizeof early->means[0];
    if (early->values)
        bytes += early->count * sizeof early->first[0] + early->nvalues * sizeof early->values[0];
    for (uint32_t p = 0; p < early->npools; p++)
        for (uint32_t k = 0; k < early->pools[p].nrungs; k++) {
            const struct rung *rung = &early->pools[p].rungs[k];

            bytes += sizeof *rung + (rung->ranked ? rung->room * sizeof rung->ranked[0] : 0);
        }
    return bytes;
}
