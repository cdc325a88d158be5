/* logistic_parts.h - one against the rest: what the two solvers share. */
#ifndef MX_WORKER_LOGISTIC_PARTS_H
#define MX_WORKER_LOGISTIC_PARTS_H

#include <stdbool.h>

#include "worker/logistic.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Two sides of one hyperplane; the answer has dims weights and the intercept. */
struct worker_two_sided {
    const struct worker_rows  *rows;
    const struct worker_scale *scale; /* NULL: as they are */
    double                     c;
    const bool                *positive; /* (rows->n) */
};

/* What a solver works on between the classes of one fit. */
struct worker_logistic_l1;
struct worker_logistic_l2;

struct worker_logistic_l1 *worker_logistic_l1_new(const struct worker_rows  *rows,
                                                  const struct worker_scale *scale,
                                                  struct mx_err             *err);
void                       worker_logistic_l1_free(struct worker_logistic_l1 *l1);
struct worker_logistic_l2 *worker_logistic_l2_new(const struct worker_rows *rows,
                                                  struct mx_err            *err);
void                       worker_logistic_l2_free(struct worker_logistic_l2 *l2);

/* Write the optimum of standardised features to w (dims + 1), the intercept
 * last. Returns 0, or -1 with MX_EDIVERGED. */
int worker_logistic_l1_solve(struct worker_logistic_l1 *l1, const struct worker_two_sided *problem,
                             double *w, struct mx_err *err);
int worker_logistic_l2_solve(struct worker_logistic_l2 *l2, const struct worker_two_sided *problem,
                             double *w, struct mx_err *err);

/* Loss of one row whose logit is z; 1 / (1 + exp(-z)). Neither overflows. */
double worker_logistic_loss(double z, bool positive);
double worker_sigmoid(double z);

#ifdef __cplusplus
}
#endif

#endif
