/* head_score.h - what a head says of the rows of a split. */
#ifndef MX_WORKER_HEAD_SCORE_H
#define MX_WORKER_HEAD_SCORE_H

#include <stdint.h>

#include "worker/features.h"

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

#ifdef __cplusplus
}
#endif

#endif
