/* linear_head.h - a last layer that is trained by gradient steps on frozen features.
 *
 * Sums and losses are in double. With float features the weights are rounded
 * to floats after each step, so that the head is one of float32.
 */
#ifndef MX_WORKER_LINEAR_HEAD_H
#define MX_WORKER_LINEAR_HEAD_H

#include <stdint.h>

#include "base/err.h"
#include "worker/rows.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A zeroed struct is empty. */
struct worker_linear {
    const struct worker_features *features;                /* lent: sizes and precision */
    double                       *w, *b;                   /* (classes, dims), (classes) */
    double                       *gradient_w, *gradient_b; /* as large */
    double                       *share;                   /* (classes): of one row */
};

/* Weights and intercepts of 0. Returns 0, or -1 with MX_ENOMEM and *linear empty. */
int  worker_linear_new(const struct worker_features *features, struct worker_linear *linear,
                       struct mx_err *err);
void worker_linear_free(struct worker_linear *linear);

/* Weights of 0 again; or those of the head that came with the features. */
void worker_linear_reset(struct worker_linear *linear);
void worker_linear_take_erm(struct worker_linear *linear);

/* Cross-entropy of a row; and, if not NULL, the probability of each class (classes). */
double worker_linear_loss(const struct worker_linear *linear, const struct worker_rows *rows,
                          uint32_t i, double *probability);

/* Sum over rows of weight[i] times cross-entropy (weight NULL: 1 / n each), its
 * gradient in gradient_w and gradient_b. */
double worker_linear_gradient(struct worker_linear *linear, const struct worker_rows *rows,
                              const double *weight);

/* w -= lr gradient, b too. */
void worker_linear_descend(struct worker_linear *linear, double lr);

/* One step of Adam (Kingma and Ba 2015: .9, .999, 1e-8). The moments hold
 * classes (dims + 1) numbers each, 0 at first; step counts from 1. */
struct worker_linear_adam {
    double  *mean, *square;
    uint64_t step;
};
int  worker_linear_adam_new(const struct worker_features *features, struct worker_linear_adam *adam,
                            struct mx_err *err);
void worker_linear_adam_free(struct worker_linear_adam *adam);
void worker_linear_adam_step(struct worker_linear *linear, struct worker_linear_adam *adam,
                             double lr);

#ifdef __cplusplus
}
#endif

#endif
