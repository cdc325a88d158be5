#include <criterion/criterion.h>
#include <math.h>

#include "reduce/paired.h"
#include "reduce/summary.h"

static void expect_near(double got, double want, double tolerance)
{
    cr_expect(!!(fabs(got - want) <= tolerance), "%.12g, not %.12g", got, want);
}

/* Gosset (1908), the additional hours of sleep of ten patients: t 4.0621, p 0.0028329. */
Test(paired, equals_the_sleep_of_ten_patients)
{
    static const double  d[] = {1.2, 2.4, 1.3, 1.3, 0, 1, 1.8, 0.8, 4.6, 1.4};
    struct reduce_paired p = reduce_paired(d, 10);

    cr_expect_eq(p.n, 10);
    expect_near(p.mean, 1.58, 1e-12);
    expect_near(p.p, 0.00283289, 5e-9);
    expect_near(p.low, 0.7001142, 5e-8);
    expect_near(p.high, 2.4598858, 5e-8);
}

Test(paired, tails_of_one_and_two_degrees_have_closed_forms)
{
    expect_near(reduce_student_tails(1, 1), 0.5, 1e-14);
    expect_near(reduce_student_tails(-1, 1), 0.5, 1e-14);
    expect_near(reduce_student_tails(3, 2), 1 - 3 / sqrt(11), 1e-14);
    expect_near(reduce_student_tails(0, 7), 1, 1e-14);
}

Test(paired, what_cannot_be_told_is_nan)
{
    static const double  one[] = {0.5}, same[] = {0.25, 0.25, 0.25}, zero[] = {0, 0};
    struct reduce_paired p = reduce_paired(NULL, 0);

    cr_expect(isnan(p.mean) && isnan(p.low) && isnan(p.p));
    p = reduce_paired(one, 1);
    cr_expect(p.mean == 0.5 && isnan(p.low) && isnan(p.high) && isnan(p.p));
    p = reduce_paired(same, 3);
    cr_expect(p.p == 0 && p.low == 0.25 && p.high == 0.25);
    cr_expect(reduce_paired(zero, 2).p == 1);
}

/* By hand: sorted .01 .02 .03 .04 of four; 4 x .01, 3 x .02, then never below the one before. */
Test(paired, holm_multiplies_by_how_many_are_left_and_never_falls)
{
    double p[] = {0.03, 0.01, NAN, 0.04, 0.02}, large[] = {0.9, 0.8};

    cr_assert_eq(reduce_holm(p, 5), 0);
    expect_near(p[1], 0.04, 1e-15);
    expect_near(p[4], 0.06, 1e-15);
    expect_near(p[0], 0.06, 1e-15);
    expect_near(p[3], 0.06, 1e-15);
    cr_expect(isnan(p[2]));
    cr_assert_eq(reduce_holm(large, 2), 0);
    cr_expect(large[0] == 1 && large[1] == 1);
    cr_expect_eq(reduce_holm(NULL, 0), 0);
}
