#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "worker/choices.h"
#include "worker/synthetic.h"

static struct worker_params synthetic(uint32_t n, uint32_t classes)
{
    return (struct worker_params){.data_set = WORKER_DATA_SYNTHETIC,
                                  .data_val_fraction = 0.1,
                                  .data_spurious_rate = 0.9,
                                  .data_synthetic_n = n,
                                  .data_synthetic_classes = classes,
                                  .data_synthetic_noise = 0.1};
}

static struct worker_images make(const struct worker_params *params, uint64_t seed, uint32_t half,
                                 uint32_t n)
{
    struct worker_images images;
    struct worker_shape  shape;

    cr_assert_eq(worker_dataset_shape(params, &shape, NULL), 0);
    cr_assert_eq(worker_synthetic_make(params, seed, half, &shape, n, &images, NULL), 0);
    return images;
}

Test(synthetic, an_image_depends_on_its_seed_half_and_row_only)
{
    struct worker_params params = synthetic(100, 10);
    struct worker_images few = make(&params, 1, WORKER_SYNTHETIC_TRAIN, 10);
    struct worker_images many = make(&params, 1, WORKER_SYNTHETIC_TRAIN, 30);
    struct worker_images other = make(&params, 2, WORKER_SYNTHETIC_TRAIN, 10);
    struct worker_images test = make(&params, 1, WORKER_SYNTHETIC_TEST, 10);
    size_t               bytes = 10 * 3 * 32 * 32;

    cr_expect_arr_eq(few.pixels, many.pixels, bytes);
    cr_expect_arr_eq(few.groups, many.groups, 10 * sizeof(uint32_t));
    cr_expect(memcmp(few.pixels, other.pixels, bytes) != 0);
    cr_expect(memcmp(few.pixels, test.pixels, bytes) != 0);
    worker_images_free(&few);
    worker_images_free(&many);
    worker_images_free(&other);
    worker_images_free(&test);
}

Test(synthetic, classes_take_turns_and_attributes_follow_the_rate)
{
    struct worker_params params = synthetic(1000, 7);

    for (uint32_t half = 0; half < 2; half++) {
        struct worker_images images = make(&params, 5, half, 2000);
        double               agree = 0, rate = half == WORKER_SYNTHETIC_TRAIN ? 0.9 : 0.5;

        for (uint32_t i = 0; i < images.n; i++) {
            cr_assert_eq(images.labels[i], i % 7);
            cr_assert_eq(images.groups[i] / 2, images.labels[i]);
            agree += images.groups[i] % 2 == images.labels[i] % 2;
        }
        cr_expect(fabs(agree / 2000 - rate) <= 4 * sqrt(rate * (1 - rate) / 2000));
        worker_images_free(&images);
    }
}

/* With the ground's stripes in only one direction, sums along that direction vary. */
static double roughness(const uint8_t *plane, uint32_t size, bool lying)
{
    double sum = 0;

    for (uint32_t k = 0; k + 1 < size; k++) {
        double line = 0, next = 0;

        for (uint32_t j = 0; j < size; j++) {
            line += plane[lying ? k * size + j : j * size + k];
            next += plane[lying ? (k + 1) * size + j : j * size + k + 1];
        }
        sum += fabs(line - next);
    }
    return sum;
}

Test(synthetic, stripes_show_the_attribute_even_when_flipped)
{
    struct worker_params params = synthetic(100, 2);
    struct worker_images images = make(&params, 3, WORKER_SYNTHETIC_TEST, 100);
    int                  right = 0;

    for (uint32_t i = 0; i < images.n; i++) {
        const uint8_t *plane = images.pixels + (size_t)i * 3 * 1024;

        right += (roughness(plane, 32, true) < roughness(plane, 32, false)) == images.groups[i] % 2;
    }
    cr_expect_geq(right, 95);
    worker_images_free(&images);
}

Test(synthetic, the_shape_lies_in_its_box_and_nowhere_else)
{
    struct worker_params params = synthetic(12, 12);
    struct worker_images plain;

    params.data_synthetic_noise = 0;
    params.data_size = 40;
    params.data_channels = 1;
    plain = make(&params, 4, WORKER_SYNTHETIC_TEST, 48);
    for (uint32_t i = 0; i < plain.n; i++) {
        struct worker_box box = worker_synthetic_box(4, WORKER_SYNTHETIC_TEST, i, 40);
        const uint8_t    *plane = plain.pixels + (size_t)i * 1600;
        int               beyond = 0, distinct = 0;

        cr_assert(box.bottom <= 40 && box.right <= 40 &&
                  box.bottom - box.top == box.right - box.left);
        cr_assert(box.bottom - box.top >= 20 && box.bottom - box.top <= 30);
        /* Ground and stripes repeat: a whole line of one level along the stripes. */
        for (uint32_t y = 0; y < 40; y++)
            for (uint32_t x = 0; x < 40; x++) {
                bool     in = y >= box.top && y < box.bottom && x >= box.left && x < box.right;
                uint32_t edge_y = plain.groups[i] % 2 ? (box.top > 0 ? 0 : 39) : y;
                uint32_t edge_x = plain.groups[i] % 2 ? x : (box.left > 0 ? 0 : 39);
                bool     ground = plane[y * 40 + x] == plane[edge_y * 40 + edge_x];

                beyond += !in && !ground;
                distinct += in && !ground;
            }
        cr_expect_eq(beyond, 0, "image %u", i);
        cr_expect_gt(distinct, 40, "image %u", i);
    }
    worker_images_free(&plain);
}

Test(synthetic, no_two_shapes_cover_the_same)
{
    enum {
        GRID = 16
    };
    bool cover[WORKER_SYNTHETIC_CLASSES][GRID * GRID];

    for (uint32_t c = 0; c < WORKER_SYNTHETIC_CLASSES; c++) {
        for (int k = 0; k < GRID * GRID; k++)
            cover[c][k] = worker_synthetic_covers(c, (2 * (k / GRID) + 1.0) / GRID - 1,
                                                  (2 * (k % GRID) + 1.0) / GRID - 1);
        for (uint32_t other = 0; other < c; other++) {
            int differ = 0;

            for (int k = 0; k < GRID * GRID; k++)
                differ += cover[c][k] != cover[other][k];
            cr_expect_gt(differ, GRID * GRID / 8, "%u and %u: %d", c, other, differ);
        }
    }
}

/* What noise added to the first image of a half, far from black and white. */
static void grain_of(uint32_t half, int grain[3 * 1024])
{
    struct worker_params params = synthetic(20, 2);
    struct worker_images clean, noisy;

    params.data_synthetic_noise = 0;
    clean = make(&params, 1, half, 1);
    params.data_synthetic_noise = 0.02;
    noisy = make(&params, 1, half, 1);
    for (size_t k = 0; k < 3 * 1024; k++)
        grain[k] = noisy.pixels[k] - clean.pixels[k];
    worker_images_free(&clean);
    worker_images_free(&noisy);
}

Test(synthetic, halves_do_not_share_their_noise)
{
    int train[3 * 1024], test[3 * 1024], near = 0;

    grain_of(WORKER_SYNTHETIC_TRAIN, train);
    grain_of(WORKER_SYNTHETIC_TEST, test);
    for (int k = 0; k < 3 * 1024; k++)
        near += abs(train[k] - test[k]) <= 1; /* 8 in 100 by chance, at a deviation of 5 */
    cr_expect_lt(near, 3 * 1024 / 2);
}

Test(synthetic, noise_has_the_deviation_asked_for)
{
    struct worker_params params = synthetic(20, 2);
    struct worker_images clean, noisy;
    double               sum = 0, squares = 0, n = 20 * 3 * 1024;

    params.data_synthetic_noise = 0;
    clean = make(&params, 1, 0, 20);
    params.data_synthetic_noise = 0.04;
    noisy = make(&params, 1, 0, 20);
    for (size_t k = 0; k < 20 * 3 * 1024; k++) {
        double d = (noisy.pixels[k] - clean.pixels[k]) / 255.0;

        sum += d;
        squares += d * d;
    }
    cr_expect(fabs(sum / n) <= 4 * 0.04 / sqrt(n));
    cr_expect(fabs(sqrt(squares / n) - 0.04) <= 0.0005, "%g", sqrt(squares / n));
    worker_images_free(&clean);
    worker_images_free(&noisy);
}

Test(synthetic, opens_as_a_set_with_groups_and_its_own_constants)
{
    struct worker_params   params = synthetic(200, 4);
    struct worker_dataset *set = worker_dataset_open(&params, 1, NULL);
    uint64_t               fingerprint = 1, train, test;

    cr_assert_not_null(set);
    cr_expect_eq(set->shape.groups, 8);
    cr_expect_eq(set->train.n, 180);
    cr_expect_eq(set->val.n, 20);
    cr_expect_eq(set->test.n, 50);
    for (uint32_t k = 0; k < set->val.n; k++)
        cr_expect_eq(set->val.groups[k] / 2, set->val.labels[k]);
    cr_expect(set->mean[0] > 0.3f && set->mean[0] < 0.7f && set->sd[2] > 0.05f);
    cr_assert_eq(worker_dataset_probe(&params, &fingerprint, NULL), 0);
    cr_expect_eq(fingerprint, 0);
    cr_assert_eq(worker_dataset_counts(&params, &train, &test, NULL), 0);
    cr_expect_eq(train, 200);
    cr_expect_eq(test, 50);
    worker_dataset_free(set);
}

Test(synthetic, refuses_shapes_and_sizes_that_it_cannot_make)
{
    static const struct {
        int64_t     n, classes, size;
        const char *text;
    } rows[] = {
        {100, 13, 0, "data.synthetic.classes is 13: give 2 to 12"},
        {100, 1, 0, "data.synthetic.classes is 1: give 2 to 12"},
        {100, 4, 7, "data.size is 7: synthetic images have 8 to 1024 pixels"},
        {3, 4, 0, "data.synthetic.n is 3: give at least one image a class"},
    };

    for (int k = 0; k < 4; k++) {
        struct worker_params params = synthetic(0, 0);
        struct mx_err        err = {0};

        params.data_synthetic_n = rows[k].n;
        params.data_synthetic_classes = rows[k].classes;
        params.data_size = rows[k].size;
        cr_expect_null(worker_dataset_open(&params, 1, &err));
        cr_expect_eq(err.code, MX_EINVAL);
        cr_expect_str_eq(err.text, rows[k].text);
    }
}
