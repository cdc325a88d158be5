#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/wide.h"
#include "worker/images.h"
#include "worker/resample_parts.h"

enum {
    MOST = 300,
    CASES = 600,
};

static struct mx_rng numbers(uint32_t i)
{
    return mx_rng_at(mx_stream_make(1, 0, MX_PURPOSE_DATA, 0), i, 0, 0);
}

static uint32_t from_one_to(struct mx_rng *rng, uint32_t most)
{
    return 1 + (uint32_t)mx_rng_below(rng, most);
}

/* Every third of pixels that are all as light as can be: no sum may go beyond. */
static void fill(struct mx_rng *rng, uint32_t i, uint8_t *bytes, size_t n)
{
    for (size_t k = 0; k < n; k++)
        bytes[k] = i % 3 == 0 ? 255 : (uint8_t)mx_rng_u32(rng);
}

/* A plane of its own, so that reading behind it is found. */
static uint8_t *plane_of(struct mx_rng *rng, uint32_t i, uint32_t height, uint32_t width)
{
    uint8_t *plane = malloc((size_t)height * width);

    cr_assert_not_null(plane);
    fill(rng, i, plane, (size_t)height * width);
    return plane;
}

Test(resample, wide_vectors_give_the_same_bytes)
{
    struct worker_resampler *resampler = worker_resampler_new(1, 1, 1, 1, NULL);
    uint8_t                 *wide = malloc(MOST * MOST), *plain = malloc(MOST * MOST);

    cr_assert(resampler && wide && plain);
    for (uint32_t i = 0; i < CASES && kern_has_wide_vectors(); i++) {
        struct mx_rng  rng = numbers(i);
        const uint32_t most = i % 4 == 0 ? MOST : 40;
        const uint32_t height = from_one_to(&rng, most), width = from_one_to(&rng, most);
        const uint32_t to_height = from_one_to(&rng, most), to_width = from_one_to(&rng, most);
        const uint32_t size = from_one_to(&rng, to_height < to_width ? to_height : to_width);
        uint8_t       *plane = plane_of(&rng, i, height, width);
        const struct worker_window window = {plane, width, height, width};
        const size_t               n = i % 2 ? (size_t)size * size : (size_t)to_height * to_width;

        cr_assert_eq(worker_resampler_room(resampler, height, width, to_height, to_width, NULL), 0);
        if (i % 2)
            worker_resampler_aim_at_centre(resampler, height, width, to_height, to_width, size);
        else
            worker_resampler_aim(resampler, height, width, to_height, to_width);
        memset(wide, 1, n);
        memset(plain, 2, n);
        resample_wide(resampler, &window, wide);
        resample_plain(resampler, &window, plain);
        cr_assert_arr_eq(wide, plain, n, "%u x %u to %u x %u", width, height, to_width, to_height);
        free(plane);
    }
    worker_resampler_free(resampler);
    free(wide);
    free(plain);
}

Test(resample, one_resampler_serves_images_of_many_sizes)
{
    static const uint32_t sides[][2] = {{30, 40}, {40, 30}, {7, 90}, {16, 16}, {90, 7}, {30, 40}};
    struct worker_resampler *kept = worker_resampler_new(1, 1, 1, 1, NULL);
    uint8_t                  with[3 * 24 * 24], without[3 * 24 * 24];

    for (uint32_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        struct mx_rng  rng = numbers(i);
        const uint32_t height = sides[i][0], width = sides[i][1];
        uint8_t       *planes = plane_of(&rng, 1, 3 * height, width);

        cr_assert_eq(worker_fit_planes(kept, planes, 3, height, width, with, 16, NULL), 0);
        cr_assert_eq(worker_fit_planes(NULL, planes, 3, height, width, without, 16, NULL), 0);
        cr_expect_arr_eq(with, without, 3 * 16 * 16, "%u", i);
        cr_assert_eq(worker_resize_planes(kept, planes, 3, height, width, with, 24, 20, NULL), 0);
        cr_assert_eq(worker_resize_planes(NULL, planes, 3, height, width, without, 24, 20, NULL),
                     0);
        cr_expect_arr_eq(with, without, 3 * 24 * 20, "%u", i);
        free(planes);
    }
    worker_resampler_free(kept);
}

Test(resample, sums_of_pixels_are_exact)
{
    static const size_t plane_sizes[] = {1, 31, 32, 33, 1023, 1024, 8192 * 32 + 97, 3000001};

    for (uint32_t i = 0; i < sizeof plane_sizes / sizeof *plane_sizes; i++) {
        const size_t          n = plane_sizes[i];
        struct mx_rng         rng = numbers(i);
        uint8_t              *plane = plane_of(&rng, i, 1, (uint32_t)n);
        struct worker_moments moments = {0};
        uint64_t              sum = 0, squares = 0;

        for (size_t k = 0; k < n; k++) {
            sum += plane[k];
            squares += (uint64_t)plane[k] * plane[k];
        }
        worker_moments_add(&moments, plane, 1, 1, n);
        cr_expect_eq(moments.sum[0], sum, "%zu", n);
        cr_expect_eq(moments.squares[0], squares, "%zu", n);
        cr_expect_eq(moments.pixels, n);
        free(plane);
    }
}
