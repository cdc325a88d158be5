/* summary.h - repeats of one cell as mean, spread and interval. */
#ifndef REDUCE_SUMMARY_H
#define REDUCE_SUMMARY_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What can not be told is NaN: mean of none; sd, low and high of fewer than
 * two, or where a value is infinite. */
struct reduce_summary {
    size_t n;
    double mean, sd;  /* sd with n - 1 */
    double low, high; /* 95 % interval of the mean, Student's t */
};

/* Quantile p of Student's t, dof >= 1 degrees of freedom, 0.5 <= p < 1: the t
 * with I(dof / 2, 1 / 2; dof / (dof + t^2)) = 2 (1 - p), by bisection;
 * incomplete beta by its continued fraction (DLMF 8.17.22). */
double reduce_student_quantile(double p, double dof);

/* The probability of |T| > |t|. */
double reduce_student_tails(double t, double dof);

/* Summary of values[0..n), none of them NaN, added in their order. t: the 0.975
 * quantile for n - 1 degrees of freedom; it may be anything for n < 2. */
struct reduce_summary reduce_summarise(const double *values, size_t n, double t);

#ifdef __cplusplus
}
#endif

#endif
