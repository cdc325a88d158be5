#include "worker/intervals.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

struct worker_interval worker_interval_of(double *values, uint32_t n)
{
    uint32_t left = 0;

    for (uint32_t r = 0; r < n; r++)
        if (!isnan(values[r]))
            values[left++] = values[r];
    if (left == 0)
        return (struct worker_interval){NAN, NAN};
    qsort(values, left, sizeof *values, rising);
    return (struct worker_interval){quantile(values, left, 0.025), quantile(values, left, 0.975)};
}

int worker_bootstrap(const uint8_t *hits, const uint32_t *groups, uint32_t n, uint32_t ngroups,
                     uint32_t resamples, struct mx_stream stream, enum worker_feature_part part,
                     struct worker_resamples *kept, struct worker_intervals *intervals,
                     struct mx_err *err)
{
    const uint32_t nparts = groups ? ngroups : 1;
    const uint8_t *all = worker_resamples_get(kept, stream, part, n, resamples);
    struct sorted  sorted = {0};
    double        *plain = calloc(resamples + 1, sizeof *plain);
    double        *worst = calloc(resamples + 1, sizeof *worst);
    int            rc = -1;

    *intervals = (struct worker_intervals){{NAN, NAN}, {NAN, NAN}};
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
    intervals->accuracy = worker_interval_of(plain, resamples);
    if (groups)
        intervals->worst_group = worker_interval_of(worst, resamples);
done:
    free(plain);
    free(worst);
    free(sorted.hits);
    free(sorted.drawn);
    free(sorted.starts);
    return rc;
}

int worker_interval_add(struct worker_result *result, const char *name,
                        struct worker_interval interval, struct mx_err *err)
{
    const char *split = strchr(name, '.');
    const int   word = (int)(split + 1 - name + (ptrdiff_t)strcspn(split + 1, "."));
    char        end[WORKER_METRIC_NAME_SIZE];

    snprintf(end, sizeof end, "%.*s_low%s", word, name, name + word);
    if (worker_result_add(result, end, interval.low, err))
        return -1;
    snprintf(end, sizeof end, "%.*s_high%s", word, name, name + word);
    return worker_result_add(result, end, interval.high, err);
}

static int add(struct worker_result *result, enum worker_feature_part part, const char *word,
               struct worker_interval interval, struct mx_err *err)
{
    char name[WORKER_METRIC_NAME_SIZE];

    snprintf(name, sizeof name, "%s.%s", worker_feature_parts[part], word);
    return worker_interval_add(result, name, interval, err);
}

int worker_intervals_report(const struct worker_job *job, const struct worker_hits *hits,
                            enum worker_feature_part part, struct worker_resamples *kept,
                            struct worker_result *result, struct mx_err *err)
{
    const struct mx_stream stream =
        mx_stream_make(job->seed, job->repeat, MX_PURPOSE_BOOTSTRAP, job->stream_extra);
    struct worker_intervals found;

    if (worker_bootstrap(hits->hit, hits->groups, hits->n, hits->ngroups,
                         (uint32_t)job->params.score_bootstrap, stream, part, kept, &found, err) ||
        add(result, part, "accuracy", found.accuracy, err))
        return -1;
    return hits->ngroups > 0 ? add(result, part, "worst_group_accuracy", found.worst_group, err)
                             : 0;
}
