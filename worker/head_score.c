#include "worker/head_score.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    LANES = 16
};

/* Sums of products in a fixed order: lane l takes every sixteenth, then the
 * lanes are added up in pairs. */
#define DOT(name, real)                                                                            \
    static real name(const real *x, const double *w, uint32_t n)                                   \
    {                                                                                              \
        real     lane[LANES] = {0};                                                                \
        uint32_t i = 0;                                                                            \
                                                                                                   \
        for (; i + LANES <= n; i += LANES)                                                         \
            for (uint32_t l = 0; l < LANES; l++)                                                   \
                lane[l] += x[i + l] * (real)w[i + l];                                              \
        for (uint32_t l = 0; i + l < n; l++)                                                       \
            lane[l] += x[i + l] * (real)w[i + l];                                                  \
        for (uint32_t half = LANES / 2; half > 0; half /= 2)                                       \
            for (uint32_t l = 0; l < half; l++)                                                    \
                lane[l] += lane[l + half];                                                         \
        return lane[0];                                                                            \
    }

DOT(dot_f32, float)
DOT(dot_f64, double)

void worker_head_logits(const struct worker_features *features, enum worker_feature_part part,
                        const double *w, const double *b, double *logits)
{
    const struct worker_feature_split *split = &features->split[part];
    const size_t                       dims = features->dims;

    for (uint32_t i = 0; i < split->n; i++)
        for (uint32_t c = 0; c < features->classes; c++) {
            const double *row = w + c * dims;
            double       *out = &logits[(size_t)i * features->classes + c];

            if (features->precision == WORKER_F32)
                *out = (double)(dot_f32(split->x32 + i * dims, row, features->dims) + (float)b[c]);
            else
                *out = dot_f64(split->x64 + i * dims, row, features->dims) + b[c];
        }
}

uint32_t worker_head_predicted(const double *logits, uint32_t classes)
{
    uint32_t best = 0;

    for (uint32_t c = 1; c < classes; c++)
        if (logits[c] > logits[best])
            best = c;
    return best;
}

static bool is_right(const double *logits, uint32_t classes, uint32_t label)
{
    for (uint32_t c = 0; c < classes; c++)
        if (isnan(logits[c]))
            return false;
    return worker_head_predicted(logits, classes) == label;
}

uint32_t worker_head_parts(const struct worker_features *features)
{
    return features->groups > 0 ? features->groups : features->classes;
}

struct worker_head_accuracy worker_head_accuracy(const struct worker_features *features,
                                                 enum worker_feature_part      part,
                                                 const double *logits, double *by_part)
{
    const struct worker_feature_split *split = &features->split[part];
    const uint32_t                     nparts = worker_head_parts(features);
    const uint32_t                    *parts = features->groups ? split->groups : split->labels;
    struct worker_head_accuracy        result = {NAN, NAN};
    uint64_t                           hits = 0;

    for (uint32_t p = 0; p < nparts; p++) {
        uint64_t n = 0, right = 0;

        for (uint32_t i = 0; i < split->n; i++)
            if (parts[i] == p) {
                n++;
                right += is_right(logits + (size_t)i * features->classes, features->classes,
                                  split->labels[i]);
            }
        by_part[p] = n > 0 ? (double)right / (double)n : NAN;
        if (n > 0 && !(by_part[p] >= result.worst))
            result.worst = by_part[p];
        hits += right;
    }
    if (split->n > 0)
        result.plain = (double)hits / split->n;
    return result;
}

/* Images in the order of their groups. */
struct sorted {
    uint8_t  *hits;   /* (n) */
    uint32_t *starts; /* (ngroups + 1) */
    uint8_t  *drawn;  /* (n): how often, in the present resample */
};

static int sort(struct sorted *sorted, const uint8_t *hits, const uint32_t *groups, uint32_t n,
                uint32_t ngroups, struct mx_err *err)
{
    uint32_t at = 0;

    sorted->hits = malloc((size_t)n + 1);
    sorted->drawn = malloc((size_t)n + 1);
    sorted->starts = calloc((size_t)ngroups + 1, sizeof *sorted->starts);
    if (!sorted->hits || !sorted->drawn || !sorted->starts)
        return mx_fail(err, MX_ENOMEM, "no memory to resample %u images", n);
    for (uint32_t g = 0; g < ngroups; g++) {
        sorted->starts[g] = at;
        for (uint32_t i = 0; i < n; i++)
            if (!groups || groups[i] == g)
                sorted->hits[at++] = hits[i];
    }
    sorted->starts[ngroups] = at;
    return 0;
}

struct sums {
    uint32_t n, right;
};

static struct sums add_up(const struct sorted *sorted, const uint8_t *drawn, uint32_t group)
{
    struct sums sums = {0, 0};

    for (uint32_t i = sorted->starts[group]; i < sorted->starts[group + 1]; i++) {
        sums.n += drawn[i];
        sums.right += sorted->hits[i] ? drawn[i] : 0u;
    }
    return sums;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double quantile(const double *sorted, uint32_t n, double share)
{
    double   at = share * (n - 1), low = floor(at);
    uint32_t i = (uint32_t)low;

    return i + 1 < n ? sorted[i] + (at - low) * (sorted[i + 1] - sorted[i]) : sorted[i];
}

static struct worker_head_interval interval(double *values, uint32_t n)
{
    qsort(values, n, sizeof *values, rising);
    return (struct worker_head_interval){quantile(values, n, 0.025), quantile(values, n, 0.975)};
}

int worker_head_bootstrap(const uint8_t *hits, const uint32_t *groups, uint32_t n, uint32_t ngroups,
                          uint32_t resamples, struct mx_stream stream,
                          enum worker_feature_part part, struct worker_resamples *kept,
                          struct worker_head_intervals *intervals, struct mx_err *err)
{
    const uint32_t nparts = groups ? ngroups : 1;
    const uint8_t *all = worker_resamples_get(kept, stream, part, n, resamples);
    struct sorted  sorted = {0};
    double        *plain = calloc(resamples + 1, sizeof *plain);
    double        *worst = calloc(resamples + 1, sizeof *worst);
    int            rc = -1;

    *intervals = (struct worker_head_intervals){{NAN, NAN}, {NAN, NAN}};
    if (!plain || !worst) {
        mx_fail(err, MX_ENOMEM, "no memory for %u resamples", resamples);
        goto done;
    }
    rc = n == 0 || resamples == 0 ? 0 : sort(&sorted, hits, groups, n, nparts, err);
    if (rc || n == 0 || resamples == 0)
        goto done;
    for (uint32_t r = 0; r < resamples; r++) {
        const uint8_t *drawn = all ? all + (size_t)r * n : sorted.drawn;
        uint64_t       right = 0;

        if (!all)
            worker_resample(stream, part, r, n, sorted.drawn);
        worst[r] = 2;
        for (uint32_t g = 0; g < nparts; g++) {
            struct sums sums = add_up(&sorted, drawn, g);

            right += sums.right;
            if (sums.n > 0)
                worst[r] = fmin(worst[r], (double)sums.right / sums.n);
        }
        plain[r] = (double)right / n;
    }
    intervals->accuracy = interval(plain, resamples);
    if (groups)
        intervals->worst_group = interval(worst, resamples);
done:
    free(plain);
    free(worst);
    free(sorted.hits);
    free(sorted.drawn);
    free(sorted.starts);
    return rc;
}
