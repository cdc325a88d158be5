#include <criterion/criterion.h>
#include <math.h>

#include "reduce/summary.h"

/* Published tables of Student's t, three decimals. */
Test(summary, student_quantiles_equal_the_published_table)
{
    static const struct {
        double p, dof, t;
    } table[] = {
        {0.975, 1, 12.706}, {0.975, 2, 4.303},  {0.975, 3, 3.182},   {0.975, 4, 2.776},
        {0.975, 5, 2.571},  {0.975, 9, 2.262},  {0.975, 10, 2.228},  {0.975, 19, 2.093},
        {0.975, 30, 2.042}, {0.975, 60, 2.000}, {0.975, 120, 1.980}, {0.95, 1, 6.314},
        {0.95, 5, 2.015},   {0.95, 30, 1.697},  {0.995, 2, 9.925},   {0.995, 10, 3.169},
        {0.9, 3, 1.638},    {0.5, 7, 0.000},
    };

    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
        double t = reduce_student_quantile(table[k].p, table[k].dof);

        cr_expect(!!(fabs(t - table[k].t) <= 0.0005001), "t(%g, %g) = %.6f, not %.3f", table[k].p,
                  table[k].dof, t, table[k].t);
    }
}

/* dof 1 and 2 have closed forms; many degrees of freedom are the normal. */
Test(summary, student_quantiles_equal_the_closed_forms)
{
    static const double p[] = {0.6, 0.9, 0.975, 0.9995};

    for (size_t k = 0; k < sizeof p / sizeof p[0]; k++) {
        double u = 2 * p[k] - 1, one = tan(M_PI * u / 2), two = u * sqrt(2 / (1 - u * u));

        cr_expect(fabs(reduce_student_quantile(p[k], 1) / one - 1) <= 1e-11);
        cr_expect(fabs(reduce_student_quantile(p[k], 2) / two - 1) <= 1e-11);
    }
    cr_expect(fabs(reduce_student_quantile(0.975, 1e7) - 1.959964) <= 1e-5);
}

Test(summary, gives_mean_spread_and_interval)
{
    static const double   values[] = {0.5, 0.7, 0.6};
    struct reduce_summary s = reduce_summarise(values, 3, 4.302652729911275);

    cr_expect_eq(s.n, 3);
    cr_expect(fabs(s.mean - 0.6) <= 1e-15);
    cr_expect(fabs(s.sd - 0.1) <= 1e-15);
    cr_expect(fabs(s.high - s.mean - 4.302652729911275 * 0.1 / sqrt(3)) <= 1e-15);
    cr_expect(fabs(s.low + s.high - 2 * s.mean) <= 1e-15);
}

Test(summary, says_nothing_that_it_does_not_know)
{
    static const double   one[] = {0.25}, infinite[] = {0.5, INFINITY};
    struct reduce_summary s = reduce_summarise(one, 0, 0);

    cr_expect(isnan(s.mean) && isnan(s.sd) && isnan(s.low));
    s = reduce_summarise(one, 1, NAN);
    cr_expect_eq(s.mean, 0.25);
    cr_expect(isnan(s.sd) && isnan(s.low) && isnan(s.high));
    s = reduce_summarise(infinite, 2, 12.7);
    cr_expect_eq(s.mean, INFINITY);
    cr_expect(isnan(s.sd) && isnan(s.high));
}
