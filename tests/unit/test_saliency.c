#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "mix_sets.h"
#include "tests/reference/naive_mix.h"
#include "worker/saliency.h"

static const struct {
    uint32_t height, width;
} sizes[] = {{1, 1}, {1, 9}, {7, 1}, {5, 9}, {28, 28}, {31, 33}, {64, 40}};

Test(saliency, equals_sums_over_windows)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(1, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    for (int k = 0; k < 7; k++) {
        uint32_t                height = sizes[k].height, width = sizes[k].width;
        struct worker_saliency *saliency = worker_saliency_new(height, width, NULL);
        size_t                  pixels = (size_t)height * width;
        double                 *exact = malloc(pixels * sizeof *exact);
        const double           *map;
        uint8_t                *image = worker_saliency_image(saliency);

        for (size_t p = 0; p < pixels; p++)
            image[p] = (uint8_t)mx_rng_u32(&rng);
        map = worker_saliency_map(saliency);
        naive_saliency(image, height, width, worker_saliency_sizes, WORKER_SALIENCY_SIZES, exact);
        for (size_t p = 0; p < pixels; p++)
            cr_assert(fabs(map[p] - exact[p]) <= 1e-9, "%u x %u, pixel %zu: %g of %g", height,
                      width, p, map[p], exact[p]);
        free(exact);
        worker_saliency_free(saliency);
    }
}

/* Those that the page of the strategies tells. */
Test(saliency, looks_at_surrounds_of_12_to_112_pixels)
{
    static const uint32_t told[] = {12, 24, 28, 48, 56, 112};

    cr_assert_eq(WORKER_SALIENCY_SIZES, 6);
    cr_expect_arr_eq(worker_saliency_sizes, told, sizeof told);
}

/* All but one pixel grey: that one, lighter or darker, differs most. */
Test(saliency, peaks_at_the_odd_pixel_out_lighter_or_darker)
{
    struct worker_saliency *saliency = worker_saliency_new(20, 30, NULL);
    uint8_t                *image = worker_saliency_image(saliency);

    for (size_t p = 0; p < 600; p++) {
        memset(image, 100, 600);
        image[p] = p % 2 ? 255 : 0;
        cr_assert_eq(worker_saliency_peak(saliency), p);
    }
    worker_saliency_free(saliency);
}

Test(saliency, of_equal_peaks_the_first_in_raster_order_counts)
{
    static const size_t     twins[][2] = {{0, 599}, {29, 570}, {35, 564}, {5, 24}};
    struct worker_saliency *saliency = worker_saliency_new(20, 30, NULL);
    uint8_t                *image = worker_saliency_image(saliency);

    memset(image, 77, 600);
    cr_expect_eq(worker_saliency_peak(saliency), 0);
    for (int k = 0; k < 4; k++) { /* mirror images of each other: equal to the last bit */
        const double *map;

        memset(image, 100, 600);
        image[twins[k][0]] = image[twins[k][1]] = 200;
        cr_expect_eq(worker_saliency_peak(saliency), twins[k][0]);
        map = worker_saliency_map(saliency);
        cr_expect_eq(map[twins[k][0]], map[twins[k][1]]);
    }
    worker_saliency_free(saliency);
}

Test(saliency, luminance_weighs_green_most_and_white_stays_white)
{
    static const uint8_t white[3] = {255, 255, 255}, red[3] = {255, 0, 0}, green[3] = {0, 255, 0},
                         blue[3] = {0, 0, 255};

    cr_expect_eq(worker_luminance(white, 1, 3), 255);
    cr_expect_eq(worker_luminance(red, 1, 3), 76);    /* 76.245 */
    cr_expect_eq(worker_luminance(green, 1, 3), 150); /* 149.685 */
    cr_expect_eq(worker_luminance(blue, 1, 3), 29);   /* 29.07 */
    cr_expect_eq(worker_luminance(green + 1, 1, 1), 255);
}

/* Images of 8 x 8 black pixels but one white one, (1, 1) and (6, 6) by turns. */
static struct mix_set dotted(unsigned granularity, unsigned augment)
{
    const struct worker_shape shape = {1, 8, 8, 2, 0};
    struct worker_params      params = mix_params(WORKER_MIX_SALIENCYMIX);
    struct mix_set            set;

    params.mix_granularity = granularity;
    params.data_augment = augment;
    set = mix_set_make(&params, &shape, 8, false);
    memset(set.pixels, 0, 8 * set.image);
    for (uint32_t i = 0; i < 8; i++)
        set.pixels[i * set.image + (i % 2 ? 54 : 9)] = 255;
    return set;
}

/* The box lies around `centre` (row and column): cutmix's, of even sides. */
static void expect_around(const struct kern_batch_sample *sample, uint32_t centre)
{
    cr_assert(sample->y0 <= centre && sample->x0 <= centre);
    if (sample->y1 > sample->y0 && sample->y1 < 8)
        cr_assert_eq(sample->y1 - centre, centre - (uint32_t)sample->patch_y);
    cr_assert_eq(sample->y0, sample->x0);
    cr_assert_eq(sample->y1, sample->x1);
}

Test(saliencymix, each_sample_has_its_box_around_the_partner_s_peak)
{
    struct mix_set set = dotted(WORKER_GRANULARITY_SAMPLE, WORKER_AUGMENT_NONE);

    for (uint32_t b = 0; b < 50; b++) {
        mix_set_train(&set, 8, 0, b);
        for (uint32_t i = 0; i < 8; i++)
            expect_around(&set.batch->samples[i], set.batch->partner[i] % 2 ? 6 : 1);
    }
    mix_set_free(&set);
}

Test(saliencymix, the_first_pair_s_box_serves_a_whole_batch)
{
    struct mix_set set = dotted(WORKER_GRANULARITY_BATCH, WORKER_AUGMENT_NONE);

    for (uint32_t b = 0; b < 50; b++) {
        mix_set_train(&set, 8, 0, b);
        for (uint32_t i = 0; i < 8; i++) {
            expect_around(&set.batch->samples[i], set.batch->partner[0] % 2 ? 6 : 1);
            cr_assert_eq(set.batch->area[i], set.batch->area[0]);
        }
    }
    mix_set_free(&set);
}

/* The peak is looked for where the partner is seen: cropped, then flipped. */
Test(saliencymix, follows_crop_and_flip_of_the_partner)
{
    struct mix_set set = dotted(WORKER_GRANULARITY_SAMPLE, WORKER_AUGMENT_FLIP_CROP);
    int            checked = 0;

    for (uint32_t b = 0; b < 200; b++) {
        mix_set_train(&set, 8, 0, b);
        for (uint32_t i = 0; i < 8; i++) {
            uint32_t                        partner = set.batch->partner[i];
            const struct kern_batch_sample *of = &set.batch->samples[partner];
            const struct kern_batch_sample *sample = &set.batch->samples[i];
            int32_t                         at = partner % 2 ? 6 : 1, y = at - of->shift_y;
            int32_t                         x = at - of->shift_x;

            x = of->flip ? 7 - x : x;
            if (y < 0 || y > 7 || x < 0 || x > 7 || sample->y1 == sample->y0)
                continue; /* cropped away, or no box */
            cr_assert(sample->y0 <= (uint32_t)y && sample->y1 > (uint32_t)y - 1);
            cr_assert(sample->x0 <= (uint32_t)x && sample->x1 > (uint32_t)x - 1);
            cr_assert_eq(y - sample->patch_y, x - sample->patch_x);
            checked++;
        }
    }
    cr_expect(checked > 300);
    mix_set_free(&set);
}
