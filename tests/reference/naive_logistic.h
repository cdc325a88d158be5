/* naive_logistic.h - logistic regression by the plainest means, in double:
 * gradient steps with soft thresholds for L1, Newton's method with the whole
 * Hessian for L2. The intercept is a feature that is always 1, and penalised. */
#ifndef TESTS_NAIVE_LOGISTIC_H
#define TESTS_NAIVE_LOGISTIC_H

#include <stdint.h>

struct naive_logistic {
    const double *x; /* (n, d), standardised */
    const int    *y; /* (n): 1 or -1 */
    uint32_t      n, d;
    double        c;
};

/* Write the optimum to w (d + 1), the intercept last; return the objective. */
double naive_logistic_l1(const struct naive_logistic *problem, double *w);
double naive_logistic_l2(const struct naive_logistic *problem, double *w);

/* The objective at w. */
double naive_objective_l1(const struct naive_logistic *problem, const double *w);
double naive_objective_l2(const struct naive_logistic *problem, const double *w);

#endif
