/* metrics.h - classification scores from logits (methods.md 3). */
#ifndef MX_WORKER_METRICS_H
#define MX_WORKER_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/stage.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Adds up over batches, in double and in row order. */
struct worker_metrics;

/* groups 0: no group metrics; train_group_counts (groups) weighs the adjusted
 * average and may be NULL without groups. Returns NULL with MX_ENOMEM. */
struct worker_metrics *worker_metrics_new(uint32_t classes, uint32_t groups,
                                          const uint64_t *train_group_counts, struct mx_err *err);
void                   worker_metrics_free(struct worker_metrics *metrics); /* NULL is allowed */

/* Note of each sample from now on whether it is right, 1 or 0, in hits, which has room for
 * them. */
void worker_metrics_record(struct worker_metrics *metrics, uint8_t *hits);

/* Count n more samples: logits (n, classes), labels (n), group ids (n) or NULL. */
void worker_metrics_add(struct worker_metrics *metrics, const float *logits, const uint32_t *labels,
                        const uint32_t *group_ids, uint32_t n);

/* The same from logits in double precision. */
void worker_metrics_add_f64(struct worker_metrics *metrics, const double *logits,
                            const uint32_t *labels, const uint32_t *group_ids, uint32_t n);

/* Plain mean accuracy and mean cross-entropy so far; NaN without samples. */
double worker_metrics_accuracy(const struct worker_metrics *metrics);
double worker_metrics_cross_entropy(const struct worker_metrics *metrics);

/* Append every score to result under "SPLIT.": accuracy, top5_accuracy (NaN up
 * to 5 classes, where every answer is a hit), cross_entropy, calibration_error
 * (15 bins (lo, hi]), confidence, worst_class_accuracy, and with groups
 * worst_group_accuracy, adjusted_average_accuracy (weights: training shares of
 * the groups that have samples), group_gap (ours: best minus worst group),
 * group_accuracy.G, group_count.G (the samples behind it). Classes and groups without samples are NaN and never the
 * worst. Of equal logits the first is predicted; a row with a NaN is never
 * right. Returns 0, or -1 with MX_ENOMEM. */
int worker_metrics_report(const struct worker_metrics *metrics, const char *split,
                          struct worker_result *result, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
