/* Random resized crops and colour jitter: the draws, Pillow's and torchvision's numbers for
 * fixed ones (tests/reference/torch/augment.py), and whole batches by definition. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mix_sets.h"
#include "tests/reference/naive_augment.h"
#include "worker/augment.h"
#include "worker/images.h"
#include "worker/resample.h"

enum {
    MOST = 4096 /* values of one image */
};

static void fill(uint8_t *bytes, size_t n)
{
    for (size_t k = 0; k < n; k++)
        bytes[k] = (uint8_t)((uint32_t)(k * 2654435761u + 12345u) >> 24);
}

static void numbers(FILE *file, double *out, int n)
{
    for (int k = 0; k < n; k++)
        cr_assert_eq(fscanf(file, "%lf", &out[k]), 1);
}

static void check_resize(FILE *file)
{
    double                   v[8], pillow;
    uint8_t                  plane[MOST], out[MOST];
    struct worker_resampler *resampler;
    uint32_t                 n[8];

    numbers(file, v, 8);
    for (int k = 0; k < 8; k++)
        n[k] = (uint32_t)v[k];
    fill(plane, (size_t)n[0] * n[1]);
    resampler = worker_resampler_new(n[0], n[1], n[6], n[7], NULL);
    cr_assert_not_null(resampler);
    worker_resampler_aim(resampler, n[4], n[5], n[6], n[7]);
    worker_resampler_run(
        resampler, (struct worker_window){plane + (size_t)n[2] * n[1] + n[3], n[1], n[4], n[5]},
        out);
    worker_resampler_free(resampler);
    for (uint32_t k = 0; k < n[6] * n[7]; k++) {
        numbers(file, &pillow, 1);
        cr_assert_eq(out[k], pillow, "%u x %u to %u x %u, pixel %u: %d, not %g", n[4], n[5], n[6],
                     n[7], k, out[k], pillow);
    }
}

static void check_jitter(FILE *file)
{
    double               v[11], torch, naive[MOST];
    uint8_t              image[MOST];
    float                values[MOST];
    struct worker_jitter jitter;
    uint32_t             channels;
    size_t               plane;

    numbers(file, v, 11);
    channels = (uint32_t)v[0];
    plane = (size_t)(v[1] * v[2]);
    for (int j = 0; j < 4; j++) {
        jitter.order[j] = (uint32_t)v[3 + j];
        jitter.factor[j] = (float)v[7 + j];
        jitter.used[j] = true;
    }
    fill(image, channels * plane);
    naive_jitter(image, channels, plane, jitter.order, v + 7, naive);
    worker_jitter_apply(&jitter, image, channels, plane, values);
    for (size_t k = 0; k < channels * plane; k++) {
        numbers(file, &torch, 1);
        cr_assert(fabs(naive[k] - torch) <= 2e-6, "value %zu: %.10g by definition, %.10g", k,
                  naive[k], torch);
        cr_assert(fabs((double)values[k] - torch) <= 2e-6, "value %zu: %g, not %g", k,
                  (double)values[k], torch);
        cr_assert(fabs(image[k] - 255 * torch) <= 0.501, "value %zu: %d, not %g", k, image[k],
                  255 * torch);
    }
}

Test(augment, has_the_bytes_of_pillow_and_the_colours_of_torchvision)
{
    FILE    *file = fopen(MX_SOURCE_DIR "/tests/reference/torch/augment.txt", "r");
    char     word[16];
    unsigned resizes = 0, jitters = 0;

    cr_assert_not_null(file);
    while (fscanf(file, "%15s", word) == 1) {
        if (strcmp(word, "resize") == 0) {
            check_resize(file);
            resizes++;
        } else {
            cr_assert_str_eq(word, "jitter");
            check_jitter(file);
            jitters++;
        }
    }
    fclose(file);
    cr_expect(resizes == 11 && jitters == 8);
}

/* At widths around those of vectors, larger and smaller. */
Test(augment, the_centre_alone_has_the_bytes_of_the_whole)
{
    static const uint32_t sizes[][3] = {{9, 13, 7},  {40, 33, 33},  {50, 61, 20},  {8, 64, 8},
                                        {17, 5, 11}, {100, 70, 31}, {64, 200, 64}, {3, 3, 1}};

    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        const uint32_t height = sizes[k][0], width = sizes[k][1], size = sizes[k][2];
        const uint32_t shorter = height < width ? height : width;
        const uint32_t to_height = height * size / shorter, to_width = width * size / shorter;
        uint8_t       *plane = malloc((size_t)height * width), *whole, *out;

        whole = malloc((size_t)to_height * to_width);
        out = malloc((size_t)size * size);
        cr_assert(plane && whole && out);
        fill(plane, (size_t)height * width);
        cr_assert_eq(worker_resize(plane, height, width, whole, to_height, to_width, NULL), 0);
        cr_assert_eq(worker_fit_plane(plane, height, width, out, size, NULL), 0);
        for (uint32_t p = 0; p < size * size; p++) {
            const uint32_t y = p / size + (to_height - size) / 2;
            const uint32_t x = p % size + (to_width - size) / 2;

            cr_assert_eq(out[p], whole[y * to_width + x], "%u x %u to %u", height, width, size);
        }
        free(plane);
        free(whole);
        free(out);
    }
}

static struct worker_params params_of(unsigned augment)
{
    struct worker_params params = mix_params(WORKER_MIX_NONE);

    params.data_augment = augment;
    params.data_random_resized_crop_scale = (struct worker_list){2, {0.08, 1}};
    params.data_random_resized_crop_ratio = (struct worker_list){2, {0.75, 4.0 / 3}};
    params.data_jitter_brightness = params.data_jitter_contrast = 0.4;
    params.data_jitter_saturation = 0.4;
    params.data_jitter_hue = 0.1;
    return params;
}

static struct mx_rng rng_of(uint32_t row)
{
    return mx_rng_at(mx_stream_make(5, 0, MX_PURPOSE_AUGMENT, 0), 0, row, WORKER_AUGMENT_BOX);
}

/* Uniform over .08 to 1, but for boxes that do not fit, most of them large. torchvision's own draws
 * give a mean of .478, and .278 of them are below .3. */
Test(augment, boxes_have_the_area_the_ratio_and_the_place_that_are_said)
{
    const struct worker_params params = params_of(WORKER_AUGMENT_RANDOM_RESIZED_CROP);
    double                     area = 0, small = 0, wide = 0, left = 0;

    for (uint32_t row = 0; row < 20000; row++) {
        struct mx_rng      rng = rng_of(row);
        struct worker_crop crop;
        double             ratio;

        worker_crop_draw(&params, 200, 200, &rng, &crop);
        cr_assert(crop.height >= 1 && crop.width >= 1);
        cr_assert(crop.y + crop.height <= 200 && crop.x + crop.width <= 200);
        ratio = (double)crop.width / crop.height;
        cr_assert(ratio > 0.73 && ratio < 1.37, "%u x %u", crop.width, crop.height);
        area += crop.height * crop.width / 40000.0 / 20000;
        small += crop.height * crop.width < 0.3 * 40000 ? 1.0 / 20000 : 0;
        wide += crop.width > crop.height ? 1.0 / 20000 : 0;
        left += crop.width < 200 ? crop.x / (200.0 - crop.width) / 20000 : 0.5 / 20000;
    }
    cr_expect(fabs(area - 0.478) <= 0.006, "%g", area);
    cr_expect(small > 0.268 && small < 0.288, "%g", small);
    cr_expect(fabs(wide - 0.5) <= 0.015, "%g", wide);
    cr_expect(fabs(left - 0.5) <= 0.01, "%g", left);
}

/* No box of a tenth of that ratio fits into a strip: the middle is shown. */
Test(augment, an_image_that_no_box_fits_into_shows_its_middle)
{
    const struct worker_params params = params_of(WORKER_AUGMENT_RANDOM_RESIZED_CROP);
    struct mx_rng              rng = rng_of(0);
    struct worker_crop         crop;

    worker_crop_draw(&params, 4, 1000, &rng, &crop);
    cr_expect(crop.height == 4 && crop.width == 5 && crop.y == 0 && crop.x == 497);
    rng = rng_of(1);
    worker_crop_draw(&params, 1000, 4, &rng, &crop);
    cr_expect(crop.width == 4 && crop.height == 5 && crop.x == 0 && crop.y == 497);
    rng = rng_of(2);
    worker_crop_draw(&params, 1, 1, &rng, &crop);
    cr_expect(crop.width == 1 && crop.height == 1 && crop.x == 0 && crop.y == 0);
}

Test(augment, jitter_draws_orders_and_factors_evenly)
{
    struct worker_params params = params_of(WORKER_AUGMENT_FLIP_JITTER);
    unsigned             first[4] = {0};
    double               mean[4] = {0}, low[4], high[4];

    params.data_jitter_saturation = 2; /* from 0, not below it */
    for (int j = 0; j < 4; j++)
        low[j] = 10, high[j] = -10;
    for (uint32_t row = 0; row < 4000; row++) {
        struct mx_rng        rng = rng_of(row);
        struct worker_jitter jitter;

        worker_jitter_draw(&params, &rng, &jitter);
        first[jitter.order[0]]++;
        for (int j = 0; j < 4; j++) {
            cr_assert(jitter.used[j]);
            mean[j] += (double)jitter.factor[j] / 4000;
            low[j] = fmin(low[j], (double)jitter.factor[j]);
            high[j] = fmax(high[j], (double)jitter.factor[j]);
        }
    }
    for (int j = 0; j < 4; j++)
        cr_expect(first[j] > 900 && first[j] < 1100);
    cr_expect(fabs(mean[0] - 1) <= 0.02 && low[0] >= 0.6 && low[0] < 0.61 && high[0] > 1.39);
    cr_expect(fabs(mean[2] - 1.5) <= 0.05 && low[2] >= 0 && low[2] < 0.01 && high[2] > 2.98);
    cr_expect(fabs(mean[3]) <= 0.005 && low[3] >= -0.1 && low[3] < -0.099 && high[3] > 0.099);
    params.data_jitter_hue = params.data_jitter_contrast = 0;
    for (uint32_t row = 0; row < 2; row++) {
        struct mx_rng        rng = rng_of(row);
        struct worker_jitter jitter;

        worker_jitter_draw(&params, &rng, &jitter);
        cr_expect(jitter.used[0] && !jitter.used[1] && jitter.used[2] && !jitter.used[3]);
    }
}

/* Image `row` of a set as augmentation and normalisation (byte / 255) define it. */
static void by_definition(const struct mix_set *set, uint32_t i, uint32_t epoch, double *out)
{
    const struct worker_shape *shape = &set->set.shape;
    const struct mx_stream     stream = mx_stream_make(1, 0, MX_PURPOSE_AUGMENT, 0);
    struct mx_rng              box = mx_rng_at(stream, epoch, set->rows[i], WORKER_AUGMENT_BOX);
    struct mx_rng        colour = mx_rng_at(stream, epoch, set->rows[i], WORKER_AUGMENT_COLOUR);
    const size_t         plane = (size_t)shape->height * shape->width;
    uint8_t              resized[MOST];
    struct worker_crop   crop;
    struct worker_jitter jitter;
    double               factors[4];

    worker_crop_draw(&set->params, shape->height, shape->width, &box, &crop);
    for (uint32_t c = 0; c < shape->channels; c++) {
        naive_resize(set->pixels + i * set->image + c * plane + crop.y * shape->width + crop.x,
                     shape->width, crop.height, crop.width, out, shape->height, shape->width);
        for (size_t k = 0; k < plane; k++)
            resized[c * plane + k] = (uint8_t)floor(out[k] + 0.5);
    }
    worker_jitter_draw(&set->params, &colour, &jitter);
    for (int j = 0; j < 4; j++)
        factors[j] = (double)jitter.factor[j];
    naive_jitter(resized, shape->channels, plane, jitter.order, factors, out);
}

/* Means that lie between two bytes may be rounded either way before the colours change. */
Test(augment, a_batch_is_the_definition_of_each_of_its_images)
{
    const struct worker_params params = params_of(WORKER_AUGMENT_RANDOM_RESIZED_CROP_JITTER);
    const struct worker_shape  shapes[] = {{3, 16, 16, 0, 0}, {1, 9, 14, 0, 0}};

    for (int s = 0; s < 2; s++) {
        const uint32_t width = shapes[s].width;
        struct mix_set set = mix_set_make(&params, &shapes[s], 6, true);

        mix_set_train(&set, 6, 3, 0);
        for (uint32_t i = 0; i < 6; i++) {
            const float *image = set.batch->images + i * set.image;
            double       exact[MOST];
            unsigned     apart = 0;

            by_definition(&set, i, 3, exact);
            for (uint32_t k = 0; k < set.image; k++) {
                const uint32_t x = k % width;
                const uint32_t at = set.batch->samples[i].flip ? k - x + width - 1 - x : k;
                const double   off = fabs(255 * ((double)image[k] - exact[at]));

                cr_assert(off <= 3, "image %u, value %u: off by %g", i, k, off);
                apart += off > 0.51;
            }
            cr_expect(apart <= set.image / 10, "%u values of image %u", apart, i);
        }
        mix_set_free(&set);
    }
}

/* An image changes alike whatever batch it is in, and otherwise in each epoch. */
Test(augment, depends_on_epoch_and_image_only)
{
    const struct worker_params params = params_of(WORKER_AUGMENT_RANDOM_RESIZED_CROP_JITTER);
    const struct worker_shape  shape = {3, 8, 8, 0, 0};
    struct mix_set             a = mix_set_make(&params, &shape, 8, true);
    struct mix_set             b = mix_set_make(&params, &shape, 8, true);

    for (uint32_t i = 0; i < 8; i++)
        b.order[i] = 7 - i;
    mix_set_train(&a, 8, 2, 0);
    mix_set_train(&b, 5, 2, 9);
    for (uint32_t i = 0; i < 5; i++)
        cr_expect_arr_eq(b.batch->images + i * a.image, a.batch->images + (7 - i) * a.image,
                         a.image * sizeof(float));
    mix_set_train(&b, 8, 3, 0);
    for (uint32_t i = 0; i < 8; i++)
        cr_expect(memcmp(b.batch->images + i * a.image, a.batch->images + (7 - i) * a.image,
                         a.image * sizeof(float)) != 0);
    mix_set_free(&a);
    mix_set_free(&b);
}

/* Every strategy mixes what augmentation made: all white stays all white. */
Test(augment, strategies_mix_the_changed_images)
{
    for (unsigned s = WORKER_MIX_NONE; s < WORKER_MIXES; s++) {
        struct worker_params      params = params_of(WORKER_AUGMENT_RANDOM_RESIZED_CROP);
        const struct worker_shape shape = {3, 16, 16, 0, 0};
        struct mix_set            set;

        params.mix_strategy = s;
        set = mix_set_make(&params, &shape, 4, true);
        memset(set.pixels, 255, 4 * set.image);
        for (uint32_t b = 0; b < 3; b++) {
            mix_set_train(&set, 4, 0, b);
            for (size_t k = 0; k < 4 * set.image; k++) {
                const double value = (double)set.batch->images[k];

                cr_assert(fabs(value - 1) <= 1e-6 || (s == WORKER_MIX_CUTOUT && value == 0),
                          "strategy %u: %g", s, value);
            }
        }
        mix_set_free(&set);
    }
}

Test(augment, needs_memory_where_bytes_change_only)
{
    const struct worker_shape shape = {3, 10, 20, 5, 0};

    for (unsigned a = WORKER_AUGMENT_NONE; a <= WORKER_AUGMENT_RANDOM_RESIZED_CROP_JITTER; a++) {
        const struct worker_params params = params_of(a);
        const bool                 changes = a >= WORKER_AUGMENT_RANDOM_RESIZED_CROP;

        cr_expect_eq(worker_augmenter_bytes(&params, &shape, 7), changes ? 600 * 7 + 2400 : 0);
        cr_expect_eq(worker_batch_bytes(&params, &shape, 7),
                     600 * 7 * 4 + (changes ? 600 * 7 + 2400 : 0));
    }
}
