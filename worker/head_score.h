/* head_score.h - what a head says of the rows of a split. */
#ifndef MX_WORKER_HEAD_SCORE_H
#define MX_WORKER_HEAD_SCORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "worker/features.h"
#include "worker/resamples.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Logits (n, classes) of a split under the head w (classes, dims), b (classes),
 * in the features' precision: with WORKER_F32 w and b are rounded to floats,
 * sums are floats', and what is written holds floats' values. The order of
 * summation is fixed, so a row has the same bits alone and in company. */
void worker_head_logits(const struct worker_features *features, enum worker_feature_part part,
                        const double *w, const double *b, double *logits);

/* The class with the largest logit, the first of equals. */
uint32_t worker_head_predicted(const double *logits, uint32_t classes);

/* Accuracies of a split from its logits: plain, and of the worst group, or
 * without groups of the worst class; by_part gets those of each group or class
 * (as many as worker_head_parts() says). Parts without samples are NaN and
 * never the worst; a row with a NaN is never right. It is what methods select by,
 * and what a row of epochs.csv says. */
struct worker_head_accuracy {
    double plain, worst;
};
uint32_t                    worker_head_parts(const struct worker_features *features);
struct worker_head_accuracy worker_head_accuracy(const struct worker_features *features,
                                                 enum worker_feature_part      part,
                                                 const double *logits, double *by_part);

/* 95 % intervals of accuracy and of the worst group's accuracy, by resampling
 * images with replacement (percentiles, between order statistics by linear
 * interpolation). hits (n): 1 where the image is right; groups (n) or NULL.
 * The resamples do not depend on the head: cells of one repeat are compared on the
 * same ones, and `kept` (NULL: nothing is kept) holds them. Groups without
 * an image in a resample are not the worst of it. NaN without groups, images or
 * resamples. Returns 0, or -1 with MX_ENOMEM. */
struct worker_head_interval {
    double low, high;
};
struct worker_head_intervals {
    struct worker_head_interval accuracy, worst_group;
};
int worker_head_bootstrap(const uint8_t *hits, const uint32_t *groups, uint32_t n, uint32_t ngroups,
                          uint32_t resamples, struct mx_stream stream,
                          enum worker_feature_part part, struct worker_resamples *kept,
                          struct worker_head_intervals *intervals, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
