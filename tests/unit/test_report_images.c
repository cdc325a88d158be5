#include <criterion/criterion.h>
#include <math.h>

#include "sweep/report_images.h"
#include "worker/resamples.h"

enum {
    IMAGES = 40,
    RESAMPLES = 1000
};

static uint8_t drawn[RESAMPLES * IMAGES];

static void draw(void)
{
    const struct mx_stream stream = mx_stream_make(7, 0, MX_PURPOSE_BOOTSTRAP, 0);

    for (uint32_t k = 0; k < RESAMPLES; k++)
        worker_resample(stream, 2, k, IMAGES, drawn + (size_t)k * IMAGES);
}

TestSuite(report_images, .init = draw);

static double score_of(const double *over, const double *under)
{
    double sum = 0, of = 0;

    for (size_t i = 0; i < IMAGES; i++)
        if (!isnan(over[i])) {
            sum += over[i];
            of += under ? under[i] : 1;
        }
    return sum / of;
}

static struct report_difference compare(double *a, double *b, double *under_a, double *under_b)
{
    const struct report_image_values x = {IMAGES, a, under_a, score_of(a, under_a)};
    const struct report_image_values y = {IMAGES, b, under_b, score_of(b, under_b)};

    return report_image_compare(&x, &y, drawn, RESAMPLES);
}

/* Far apart themselves, the same step apart from each other. */
Test(report_images, a_difference_that_every_image_has_is_sure_however_much_images_differ)
{
    double                   a[IMAGES], b[IMAGES];
    struct report_difference d;

    for (size_t i = 0; i < IMAGES; i++) {
        b[i] = (double)i;
        a[i] = b[i] + 0.25;
    }
    d = compare(a, b, NULL, NULL);
    cr_expect(fabs(d.value - 0.25) <= 1e-12 && fabs(d.low - 0.25) <= 1e-12 &&
              fabs(d.high - 0.25) <= 1e-12);
    cr_expect_eq(d.p, 2.0 / (RESAMPLES + 1));
}

/* Differences +1 and -1, and a mean of 0.1: 22 images above, 18 below. The mean of 40 such has a
 * standard deviation of sqrt(1 - .01) / sqrt(40) = .157, and the interval ends near .1 -+ .308. */
Test(report_images, an_interval_is_as_wide_as_the_differences_of_images_make_it)
{
    double                   a[IMAGES], b[IMAGES];
    struct report_difference d;

    for (size_t i = 0; i < IMAGES; i++) {
        b[i] = 100 * (double)(i % 7);
        a[i] = b[i] + (i < 22 ? 1 : -1);
    }
    d = compare(a, b, NULL, NULL);
    cr_expect(fabs(d.value - 0.1) <= 1e-12);
    cr_expect(fabs(d.low - (0.1 - 0.308)) <= 0.05 && fabs(d.high - (0.1 + 0.308)) <= 0.05,
              "%g to %g", d.low, d.high);
    /* Two sides of a normal at .1 / .157: .52. */
    cr_expect(fabs(d.p - 0.52) <= 0.1, "%g", d.p);
}

Test(report_images, an_image_without_a_number_in_one_counts_in_neither)
{
    double                   a[IMAGES], b[IMAGES];
    struct report_difference d;

    for (size_t i = 0; i < IMAGES; i++) {
        b[i] = i == 3 ? 1e6 : 1;
        a[i] = i == 3 ? NAN : 2;
    }
    d = compare(a, b, NULL, NULL);
    cr_expect(d.low == 1 && d.high == 1, "%g to %g", d.low, d.high);
}

/* Sums over sums: 2/4 against 1/4 whatever is drawn, though no image has that ratio alone. */
Test(report_images, a_ratio_is_of_means_over_the_same_resample)
{
    double                   a[IMAGES], b[IMAGES], under[IMAGES];
    struct report_difference d;

    for (size_t i = 0; i < IMAGES; i++) {
        under[i] = 1 + (double)(i % 5);
        a[i] = under[i] / 2;
        b[i] = under[i] / 4;
    }
    d = compare(a, b, under, under);
    cr_expect(fabs(d.low - 0.25) <= 1e-12 && fabs(d.high - 0.25) <= 1e-12, "%g to %g", d.low,
              d.high);
}
