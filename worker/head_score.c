#include "worker/head_score.h"

#include <math.h>
#include <stdbool.h>

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
