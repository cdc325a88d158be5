/* Mean and variance of channels, to the last bit. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "kernels/statistics.h"

/* Images of which no place holds anything but their elements and NaN. */
struct images {
    struct kern_channels where;
    size_t               floats;
    float               *x;
};

static float *place(const struct images *images, uint32_t i, uint32_t c, uint32_t p)
{
    const struct kern_channels *w = &images->where;

    return images->x + i * w->image + c / w->block * w->group + p * w->point + c % w->block;
}

static struct images images_new(struct kern_channels where, size_t floats, double mean, double sd)
{
    struct images images = {where, floats, malloc(floats * sizeof(float))};
    struct mx_rng rng = mx_rng_at(mx_stream_make(2, 0, MX_PURPOSE_DATA, 0), where.block, 0, 0);

    for (size_t k = 0; k < floats; k++)
        images.x[k] = NAN;
    for (uint32_t i = 0; i < where.n; i++)
        for (uint32_t c = 0; c < where.channels; c++)
            for (uint32_t p = 0; p < where.points; p++)
                *place(&images, i, c, p) = (float)(mean + (c + 1) * sd * mx_rng_normal(&rng));
    return images;
}

/* The definition, in two passes. */
static void expect_definition(const struct images *images, const float *mean, const float *variance)
{
    const struct kern_channels *w = &images->where;

    for (uint32_t c = 0; c < w->channels; c++) {
        double count = (double)w->n * w->points, sum = 0, squares = 0;

        for (uint32_t i = 0; i < w->n; i++)
            for (uint32_t p = 0; p < w->points; p++)
                sum += *place(images, i, c, p);
        for (uint32_t i = 0; i < w->n; i++)
            for (uint32_t p = 0; p < w->points; p++)
                squares += pow(*place(images, i, c, p) - sum / count, 2);
        cr_expect(fabs(mean[c] - sum / count) <= 1e-7 * fabs(sum / count) + 1e-12,
                  "channel %u: mean %.9g, not %.9g", c, (double)mean[c], sum / count);
        cr_expect(fabs(variance[c] - squares / count) <= 1e-7 * squares / count,
                  "channel %u: variance %.9g, not %.9g", c, (double)variance[c], squares / count);
    }
}

/* n, channels, points, block, image, group, point; floats in all. */
static const struct {
    const char          *name;
    struct kern_channels where;
    size_t               floats;
} orders[] = {
    {"row-major", {3, 5, 7, 1, 35, 7, 1}, 105},
    {"blocks of 8", {3, 16, 7, 8, 112, 56, 8}, 336},
    {"blocks of 16", {2, 32, 5, 16, 160, 80, 16}, 320},
    {"blocks of 8, the last not full", {3, 11, 7, 8, 112, 56, 8}, 336},
    {"channels last", {3, 5, 7, 5, 35, 0, 5}, 105},
    {"channels last, of eights", {3, 24, 7, 24, 168, 0, 24}, 504},
};

Test(statistics, follow_the_definition_in_every_order)
{
    for (size_t k = 0; k < sizeof orders / sizeof orders[0]; k++) {
        struct images images = images_new(orders[k].where, orders[k].floats, 0.3, 1);
        float         mean[32], variance[32];

        kern_channel_statistics(images.x, &images.where, mean, variance);
        expect_definition(&images, mean, variance);
        free(images.x);
    }
}

/* A batch of a thousand images, and a mean far from 0: what single precision loses. */
Test(statistics, keep_their_digits_over_large_batches)
{
    const struct kern_channels where = {1080, 8, 144, 8, 1152, 1152, 8};
    static const double        means[] = {0.5, 300};

    for (int k = 0; k < 2; k++) {
        struct images images = images_new(where, (size_t)1080 * 1152, means[k], 0.2);
        float         mean[8], variance[8];

        kern_channel_statistics(images.x, &images.where, mean, variance);
        expect_definition(&images, mean, variance);
        free(images.x);
    }
}

/* The order of sums is part of the promise that results repeat on other machines. */
Test(statistics, sum_points_of_an_image_and_then_images)
{
    struct images images = images_new(orders[1].where, orders[1].floats, 0.3, 1);
    float         mean[16], variance[16];

    kern_channel_statistics(images.x, &images.where, mean, variance);
    for (uint32_t c = 0; c < 16; c++) {
        double sum = 0, squares = 0, count = 21;

        for (uint32_t i = 0; i < 3; i++) {
            double part = 0, part_squares = 0;

            for (uint32_t p = 0; p < 7; p++) {
                double x = *place(&images, i, c, p);

                part += x;
                part_squares += x * x;
            }
            sum += part;
            squares += part_squares;
        }
        cr_expect_eq(mean[c], (float)(sum / count));
        cr_expect_eq(variance[c], (float)(squares / count - sum / count * (sum / count)));
    }
    free(images.x);
}

Test(statistics, of_a_constant_have_no_negative_variance)
{
    const struct kern_channels where = {3, 8, 7, 8, 56, 56, 8};
    struct images              images = images_new(where, 168, 0.1, 0);
    float                      mean[8], variance[8];

    kern_channel_statistics(images.x, &images.where, mean, variance);
    for (int c = 0; c < 8; c++) {
        cr_expect_eq(mean[c], 0.1f);
        cr_expect(variance[c] >= 0 && variance[c] <= 1e-15f);
    }
    free(images.x);
}

Test(statistics, of_what_is_not_a_number_are_not_numbers)
{
    struct images images = images_new(orders[1].where, orders[1].floats, 0, 1);
    float         mean[16], variance[16];

    *place(&images, 1, 3, 2) = NAN;
    kern_channel_statistics(images.x, &images.where, mean, variance);
    cr_expect(isnan(mean[3]));
    cr_expect(isnan(variance[3]));
    cr_expect(isfinite(mean[4]));
    free(images.x);
}
