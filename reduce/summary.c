#include "reduce/summary.h"

#include <math.h>

enum {
    MAX_TERMS = 10000, /* of the fraction; far fewer are needed */
    HALVINGS = 120
};

/* Lentz's algorithm keeps away from zero denominators. */
static double away_from_zero(double x)
{
    return fabs(x) < 1e-300 ? 1e-300 : x;
}

/* The continued fraction of I(a, b; x); converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), value = d;

    for (int m = 1; m < MAX_TERMS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double step;

        d = 1 / away_from_zero(1 + even * d);
        c = away_from_zero(1 + even / c);
        value *= d * c;
        d = 1 / away_from_zero(1 + odd * d);
        c = away_from_zero(1 + odd / c);
        step = d * c;
        value *= step;
        if (fabs(step - 1) < 1e-16)
            break;
    }
    return value;
}

static double log_gamma(double x)
{
    int sign;

    return lgamma_r(x, &sign);
}

/* The regularised incomplete beta function I(a, b; x). */
static double incomplete_beta(double a, double b, double x)
{
    double front;

    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double reduce_student_tails(double t, double dof)
{
    return incomplete_beta(dof / 2, 0.5, dof / (dof + t * t));
}

double reduce_student_quantile(double p, double dof)
{
    double low = 0, high = 1, wanted = 2 * (1 - p);

    while (reduce_student_tails(high, dof) > wanted && high < 1e300)
        high *= 2;
    for (int k = 0; k < HALVINGS; k++) {
        double middle = low + (high - low) / 2;

        if (reduce_student_tails(middle, dof) > wanted)
            low = middle;
        else
            high = middle;
    }
    return high;
}

struct reduce_summary reduce_summarise(const double *values, size_t n, double t)
{
    struct reduce_summary summary = {n, NAN, NAN, NAN, NAN};
    double                sum = 0, squares = 0, half;

    if (n == 0)
        return summary;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    summary.mean = sum / (double)n;
    if (n < 2 || !isfinite(summary.mean))
        return summary;
    for (size_t i = 0; i < n; i++)
        squares += (values[i] - summary.mean) * (values[i] - summary.mean);
    summary.sd = sqrt(squares / (double)(n - 1));
    half = t * summary.sd / sqrt((double)n);
    summary.low = summary.mean - half;
    summary.high = summary.mean + half;
    return summary;
}
