/* What becomes of curves, against exact cases; the curves themselves: test_curve.c. */
#include <criterion/criterion.h>
#include <math.h>

#include "worker/curve.h"

Test(curve_numbers, steps_are_the_ceiling_of_a_share_of_the_pixels)
{
    static const uint32_t sides[] = {28, 32, 224}, expected[] = {28, 37, 1792};

    for (int s = 0; s < 3; s++)
        cr_expect_eq(worker_curve_pixels_a_step(sides[s] * sides[s], 28), expected[s]);
}

Test(curve_numbers, normalised_areas_are_ratios_of_means)
{
    const float  curves[] = {.8f, .4f, .0f, .2f, .2f, .2f};
    const double shares[] = {0, .5, 1};

    /* means .5 .3 .1: area .3; over .5 at the start, over .1 at the end */
    cr_expect(fabs(worker_curve_normalised(curves, 2, 3, shares, false) - .6) <= 1e-6);
    cr_expect(fabs(worker_curve_normalised(curves, 2, 3, shares, true) - 3) <= 1e-6);
    cr_expect(isnan(worker_curve_normalised((float[]){0, 1}, 1, 2, (double[]){0, 1}, false)));
}

Test(curve_numbers, gains_are_differences_and_shares)
{
    const float high[] = {.9f, .7f}, low[] = {.3f, .1f};

    cr_expect(fabs(worker_symmetric_gain(high, low, 2) - .6) <= 1e-6);
    cr_expect(fabs(worker_random_order_gain(high, low, 2) - 1.2 / 1.6) <= 1e-6);
    cr_expect(isnan(worker_random_order_gain((float[]){0}, low, 1)));
}
