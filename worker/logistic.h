/* logistic.h - logistic regression on frozen features, to the optimum.
 *
 * Minimises, in double precision and without randomness,
 *
 *   L1:  |w|_1 + |b|         + C sum_i log(1 + exp(-y_i (w x_i + b)))
 *   L2:  (|w|^2 + b^2) / 2   + C sum_i log(1 + exp(-y_i (w x_i + b)))
 *
 * as liblinear states them (Fan et al. 2008): the intercept is penalised like
 * any other weight. More than two classes: one against the rest.
 *
 * L1 is solved by Newton steps whose quadratic model is minimised coordinate
 * by coordinate (Yuan, Ho and Lin 2012), L2 by Newton steps whose equations
 * are solved by conjugate gradients (Lin, Weng and Keerthi 2008), both with a
 * line search, from zero, until the gradient is 1e-9 of what it was: what the
 * optimum is then no longer depends on the solver
 * (docs/decisions/010-logistic-regression.md).
 */
#ifndef MX_WORKER_LOGISTIC_H
#define MX_WORKER_LOGISTIC_H

#include <stdint.h>

#include "base/err.h"
#include "worker/rows.h"

#ifdef __cplusplus
extern "C" {
#endif

enum worker_penalty {
    WORKER_L1,
    WORKER_L2,
};

/* Mean and 1 / population standard deviation of each feature; 1 where a
 * feature does not vary. A zeroed struct is empty. */
struct worker_scale {
    double *mean, *inverse; /* (dims) */
};

/* Measure them on rows (1 or more). Returns 0, or -1 with MX_ENOMEM and *scale empty. */
int  worker_scale_measure(const struct worker_rows *rows, struct worker_scale *scale,
                          struct mx_err *err);
void worker_scale_free(struct worker_scale *scale);

struct worker_logistic {
    enum worker_penalty        penalty;
    double                     c;       /* the inverse strength C, above 0 */
    uint32_t                   classes; /* 2 or more */
    const struct worker_scale *scale;   /* features are standardised by it; NULL: as they are */
};

/* Fit it to rows and write w (classes, dims) and b (classes), the
 * standardisation folded in, so that they are used on features as they are. Of
 * two classes each gets half of the one hyperplane's numbers, with opposite
 * signs: their difference is its logit.
 *
 * L2 needs memory for a few numbers a row and a feature; L1 for a copy of the
 * rows as doubles.
 *
 * Returns 0, or -1: MX_EDATA if a class has no row, or all rows; MX_EDIVERGED
 * if the optimum was not reached (features too far from standardised); MX_ENOMEM. */
int worker_logistic_fit(const struct worker_logistic *logistic, const struct worker_rows *rows,
                        double *w, double *b, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
