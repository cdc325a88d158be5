/* How far the numbers of an inter-model matrix could have come out otherwise, had other
 * images been drawn. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/inter_model.h"

/* All numbers of a resample in one row: the matrix, mu, and the arrays of a fit in the
 * order of worker_inter_fit_new(). */
enum {
    FIT_ARRAYS = 5
};

static size_t row_length(uint32_t models)
{
    return (size_t)models * models + 1 + FIT_ARRAYS * (size_t)models;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

/* Of n sorted values, between neighbours in proportion. */
static double percentile(const double *sorted, uint32_t n, double share)
{
    const double   at = share * (n - 1.0);
    const uint32_t low = (uint32_t)at, high = low + 1 < n ? low + 1 : low;

    return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

static int one_resample(const float *areas, uint32_t models, uint32_t images, bool insertion,
                        struct mx_rng *rng, uint32_t *counts, double *row, struct mx_err *err)
{
    double                 *arrays = row + (size_t)models * models + 1;
    struct worker_inter_fit fit = {.map = arrays,
                                   .scorer = arrays + models,
                                   .self = arrays + 2 * (size_t)models,
                                   .row = arrays + 3 * (size_t)models,
                                   .carries = arrays + 4 * (size_t)models};

    memset(counts, 0, images * sizeof *counts);
    for (uint32_t i = 0; i < images; i++)
        counts[mx_rng_below(rng, images)]++;
    worker_inter_matrix(areas, models, images, counts, row);
    if (worker_inter_fit(row, models, insertion, &fit, err))
        return -1;
    row[(size_t)models * models] = fit.mean;
    return 0;
}

/* Number k of a row to where an interval keeps it. */
static double *place_of(struct worker_inter_interval *interval, uint32_t models, size_t k)
{
    const size_t cells = (size_t)models * models;

    if (k < cells)
        return &interval->matrix[k];
    if (k == cells)
        return &interval->fit.mean;
    {
        double *const arrays[FIT_ARRAYS] = {interval->fit.map, interval->fit.scorer,
                                            interval->fit.self, interval->fit.row,
                                            interval->fit.carries};

        return &arrays[(k - cells - 1) / models][(k - cells - 1) % models];
    }
}

int worker_inter_bootstrap(const float *areas, uint32_t models, uint32_t images, bool insertion,
                           uint32_t resamples, struct mx_stream stream,
                           struct worker_inter_interval *low, struct worker_inter_interval *high,
                           struct mx_err *err)
{
    const size_t length = row_length(models);
    double      *rows = malloc((resamples + 1) * length * sizeof *rows);
    double      *column = malloc((resamples + 1) * sizeof *column);
    uint32_t    *counts = malloc((images + 1) * sizeof *counts);
    int          result = -1;

    if (!rows || !column || !counts) {
        mx_fail(err, MX_ENOMEM, "no memory for %u resamples of %u models", resamples, models);
        goto done;
    }
    if (images == 0 || resamples == 0) {
        mx_fail(err, MX_EINVAL, "resampling takes images and resamples: %u and %u", images,
                resamples);
        goto done;
    }
    for (uint32_t b = 0; b < resamples; b++) {
        struct mx_rng rng = mx_rng_at(stream, b, 0, 0);

        if (one_resample(areas, models, images, insertion, &rng, counts, rows + b * length, err))
            goto done;
    }
    for (size_t k = 0; k < length; k++) {
        for (uint32_t b = 0; b < resamples; b++)
            column[b] = rows[b * length + k];
        qsort(column, resamples, sizeof *column, compare);
        *place_of(low, models, k) = percentile(column, resamples, 0.025);
        *place_of(high, models, k) = percentile(column, resamples, 0.975);
    }
    result = 0;

done:
    free(rows);
    free(column);
    free(counts);
    return result;
}
