/* How far the scores of maps might be off, were the images others: what each is worth on resamples
 * of the images, which all scores of a stage, and all cells of one repeat, share. */
#include <math.h>
#include <stdlib.h>

#include "worker/intervals.h"
#include "worker/score_parts.h"

enum {
    TICK = 256 /* resamples between signs of life */
};

/* The mean over the images as often as they are drawn, without those that have no number. */
static double mean_of(struct score_column column, const uint8_t *drawn, uint32_t n)
{
    double   sum = 0;
    uint64_t weight = 0;

    for (uint32_t i = 0; column.values && i < n; i++) {
        const float value = column.values[i * column.stride];

        if (!isnan(value)) {
            sum += (double)value * drawn[i];
            weight += drawn[i];
        }
    }
    return weight > 0 ? sum / (double)weight : NAN;
}

/* What the score is worth on each resample. */
static int resample(struct scoring *s, const struct score_sample *sample, double *values,
                    struct mx_err *err)
{
    const uint32_t         resamples = (uint32_t)s->job.params.score_bootstrap, n = s->n;
    const struct mx_stream stream =
        mx_stream_make(s->job.seed, s->job.repeat, MX_PURPOSE_BOOTSTRAP, s->job.stream_extra);
    const uint8_t *all =
        worker_resamples_get(s->resamples, stream, WORKER_FEATURES_TEST, n, resamples);
    uint8_t *own = malloc((size_t)n + 1);
    int      rc = own ? 0 : mx_fail(err, MX_ENOMEM, "no memory to resample %u images", n);

    for (uint32_t r = 0; r < resamples && rc == 0; r++) {
        const uint8_t *drawn = all ? all + (size_t)r * n : own;

        if (!all)
            worker_resample(stream, WORKER_FEATURES_TEST, r, n, own);
        values[r] =
            sample->number(mean_of(sample->of[0], drawn, n), mean_of(sample->of[1], drawn, n));
        if (r % TICK == 0)
            rc = score_tick(s, err);
    }
    free(own);
    return rc;
}

int score_add_interval(struct scoring *s, const char *word, const char *fill,
                       const struct score_sample *sample, struct mx_err *err)
{
    const uint32_t resamples = s->n > 0 ? (uint32_t)s->job.params.score_bootstrap : 0;
    double        *values;
    char           name[SCORE_NAME_SIZE];
    int            rc;

    if (!score_wanted(s, WORKER_SCORE_BIT(MAP_INTERVALS)))
        return 0;
    if (!(values = malloc(((size_t)resamples + 1) * sizeof *values)))
        return mx_fail(err, MX_ENOMEM, "no memory for %u resamples", resamples);
    rc = resamples > 0 ? resample(s, sample, values, err) : 0;
    score_name(s, word, fill, name);
    if (rc == 0)
        rc = worker_interval_add(s->result, name, worker_interval_of(values, resamples), err);
    free(values);
    return rc;
}
