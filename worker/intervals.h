/* intervals.h - how far accuracies and scores might be off, were the images others. */
#ifndef MX_WORKER_INTERVALS_H
#define MX_WORKER_INTERVALS_H

#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "worker/features.h"
#include "worker/resamples.h"
#include "worker/stage.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_interval {
    double low, high;
};

/* The 2.5 and 97.5 percentiles of what n resamples gave, between order statistics by linear
 * interpolation; NaNs are left out. NaN for none. Reorders the values. */
struct worker_interval worker_interval_of(double *values, uint32_t n);

/* Append the ends under a metric's name with _low and _high behind its word:
 * test.deletion_low.gradcam.zero. Returns 0, or -1 with MX_ENOMEM. */
int worker_interval_add(struct worker_result *result, const char *name,
                        struct worker_interval interval, struct mx_err *err);

/* 95 % intervals of accuracy and of the worst group's accuracy, by resampling
 * images with replacement (percentiles, between order statistics by linear
 * interpolation). hits (n): 1 where the image is right; groups (n) or NULL.
 * The resamples do not depend on the head: cells of one repeat are compared on the
 * same ones, and `kept` (NULL: nothing is kept) holds them. Groups without
 * an image in a resample are not the worst of it. NaN without groups, images or
 * resamples. Returns 0, or -1 with MX_ENOMEM. */
struct worker_intervals {
    struct worker_interval accuracy, worst_group;
};
int worker_bootstrap(const uint8_t *hits, const uint32_t *groups, uint32_t n, uint32_t ngroups,
                     uint32_t resamples, struct mx_stream stream, enum worker_feature_part part,
                     struct worker_resamples *kept, struct worker_intervals *intervals,
                     struct mx_err *err);

/* Which images of a split are right. Lent. */
struct worker_hits {
    const uint8_t  *hit;    /* (n): 1 or 0 */
    const uint32_t *groups; /* (n), or NULL */
    uint32_t        n, ngroups;
};

/* Append SPLIT.accuracy_low and _high and, with groups, SPLIT.worst_group_accuracy_low and
 * _high to the result, from score.bootstrap resamples of the job's bootstrap stream. Returns 0, or
 * -1 with MX_ENOMEM. */
int worker_intervals_report(const struct worker_job *job, const struct worker_hits *hits,
                            enum worker_feature_part part, struct worker_resamples *kept,
                            struct worker_result *result, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
