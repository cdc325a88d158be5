#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "mix_draws.h"

enum {
    N = 12,
    HEIGHT = 5,
    WIDTH = 9,
    IMAGE = HEIGHT * WIDTH
};

/* Twelve images of one channel; image k has class k and every pixel the byte
 * level(k). Rows are numbered from 100, so that they are not their places. */
struct fixture {
    uint8_t               pixels[N * IMAGE];
    uint32_t              labels[N], rows[N], order[N];
    struct worker_dataset set;
    struct worker_params  params;
    struct worker_batch  *batch;
};

static struct fixture fixture_make(uint8_t (*level)(int image))
{
    struct fixture f = {.params = mix_params(WORKER_MIX_NONE)};

    for (int k = 0; k < N; k++) {
        memset(f.pixels + k * IMAGE, level(k), IMAGE);
        f.labels[k] = (uint32_t)k;
        f.rows[k] = 100 + (uint32_t)k;
        f.order[k] = (uint32_t)k;
    }
    f.set.shape = (struct worker_shape){1, HEIGHT, WIDTH, N, 0};
    f.set.sd[0] = 1;
    f.batch = worker_batch_new(&f.params, &f.set.shape, N, NULL);
    cr_assert_not_null(f.batch);
    return f;
}

static void train(struct fixture *f, uint32_t first, uint32_t n, uint32_t epoch, uint32_t number)
{
    f->set.train = (struct worker_split){N, f->pixels, f->labels, NULL, f->rows, NULL};
    worker_batch_train(f->batch, &f->params, &f->set, f->order + first, n,
                       mx_stream_make(1, 0, MX_PURPOSE_AUGMENT, 0),
                       mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), epoch, number, NULL);
}

static uint8_t one_or_zero(int image)
{
    return image % 2 ? 255 : 0;
}

static uint8_t own_level(int image)
{
    return (uint8_t)(20 * image);
}

static double mean_pixel(const struct worker_batch *batch, uint32_t i)
{
    double sum = 0;

    for (int k = 0; k < IMAGE; k++)
        sum += (double)batch->images[i * IMAGE + (uint32_t)k];
    return sum / IMAGE;
}

/* The weight belongs to the base image, whatever was drawn. */
Test(batch, pixels_of_a_mix_weigh_what_its_label_says)
{
    struct fixture f = fixture_make(one_or_zero);
    int            checked = 0;

    f.params.mix_granularity = WORKER_GRANULARITY_SAMPLE;
    for (uint32_t b = 0; b < 200; b++) {
        f.params.mix_strategy = b % 2 ? WORKER_MIX_MIXUP : WORKER_MIX_CUTMIX;
        train(&f, 0, N, 0, b);
        for (uint32_t i = 0; i < N; i++) {
            uint32_t partner = f.batch->partner[i];
            double   own = i % 2, other = partner % 2, lambda = (double)f.batch->lambda[i];

            cr_expect_eq(f.batch->y_a[i], i);
            cr_expect_eq(f.batch->y_b[i], partner);
            cr_expect(fabs(mean_pixel(f.batch, i) - (lambda * own + (1 - lambda) * other)) <= 1e-6);
            checked += own != other;
        }
    }
    cr_expect(checked > 1000);
    worker_batch_free(f.batch);
}

Test(batch, only_shows_clean_images_under_mixed_labels)
{
    struct fixture f = fixture_make(own_level), g = fixture_make(own_level);

    f.params.mix_strategy = g.params.mix_strategy = WORKER_MIX_CUTMIX;
    f.params.mix_labels = WORKER_LABELS_ONLY;
    g.params.mix_labels = WORKER_LABELS_MIXED;
    for (uint32_t b = 0; b < 20; b++) {
        train(&f, 0, N, 0, b);
        train(&g, 0, N, 0, b);
        cr_expect_arr_eq(f.batch->lambda, g.batch->lambda, N * sizeof(float));
        cr_expect_arr_eq(f.batch->y_b, g.batch->y_b, N * sizeof(uint32_t));
        for (uint32_t i = 0; i < N; i++)
            cr_expect(fabs(mean_pixel(f.batch, i) - 20 * i / 255.0) <= 1e-6);
    }
    worker_batch_free(f.batch);
    worker_batch_free(g.batch);
}

Test(batch, every_size_from_1_works_for_every_strategy_and_rule)
{
    struct fixture f = fixture_make(own_level);

    for (unsigned s = WORKER_MIX_NONE; s <= WORKER_MIX_CUTOUT; s++)
        for (unsigned rule = 0; rule <= WORKER_LABELS_ONLY; rule++)
            for (uint32_t n = 1; n <= N; n++) {
                f.params.mix_strategy = s;
                f.params.mix_labels = rule;
                f.params.data_augment = WORKER_AUGMENT_FLIP_CROP;
                train(&f, 0, n, n, rule);
                cr_assert_eq(f.batch->n, n);
                for (uint32_t i = 0; i < n; i++) {
                    cr_assert(f.batch->lambda[i] >= 0 && f.batch->lambda[i] <= 1);
                    cr_assert(f.batch->partner[i] < n && f.batch->y_a[i] < n);
                    cr_assert(f.batch->y_b[i] < n);
                }
            }
    worker_batch_free(f.batch);
}

Test(batch, one_image_passes_unmixed_with_weight_1)
{
    struct fixture f = fixture_make(own_level);

    for (unsigned s = WORKER_MIX_MIXUP; s <= WORKER_MIX_CUTMIX; s++) {
        f.params.mix_strategy = s;
        train(&f, 3, 1, 0, 0);
        cr_expect_eq(f.batch->mixed, 0);
        cr_expect_eq(f.batch->lambda[0], 1);
        cr_expect_eq(f.batch->y_a[0], 3);
        cr_expect_eq(f.batch->y_b[0], 3);
        cr_expect(fabs(mean_pixel(f.batch, 0) - 60 / 255.0) <= 1e-6);
    }
    f.params.mix_strategy = WORKER_MIX_CUTOUT; /* needs no second image */
    train(&f, 3, 1, 0, 0);
    cr_expect_eq(f.batch->mixed, 1);
    cr_expect_lt(f.batch->area[0], 1);
    cr_expect_eq(f.batch->lambda[0], 1);
    cr_expect(fabs(mean_pixel(f.batch, 0) - (double)f.batch->area[0] * 60 / 255.0) <= 1e-6);
    worker_batch_free(f.batch);
}

Test(batch, counts_images_that_met_themselves)
{
    struct fixture f = fixture_make(own_level);
    uint32_t       total = 0;

    f.params.mix_strategy = WORKER_MIX_MIXUP;
    for (uint32_t b = 0; b < 500; b++) {
        uint32_t own = 0;

        train(&f, 0, 5, 0, b);
        for (uint32_t i = 0; i < 5; i++)
            own += f.batch->partner[i] == i;
        cr_assert_eq(f.batch->self_pairs, own);
        total += own;
    }
    cr_expect(total > 400 && total < 600); /* one a permutation, on average */
    f.params.mix_strategy = WORKER_MIX_CUTOUT;
    train(&f, 0, 5, 0, 0);
    cr_expect_eq(f.batch->self_pairs, 0);
    worker_batch_free(f.batch);
}

Test(batch, probability_0_and_one_fifth_leave_batches_alone)
{
    struct fixture f = fixture_make(own_level);
    uint32_t       mixed = 0;

    f.params.mix_strategy = WORKER_MIX_CUTMIX;
    f.params.mix_prob = 0.2;
    for (uint32_t b = 0; b < 1000; b++) {
        train(&f, 0, N, 0, b);
        cr_assert(f.batch->mixed == 0 || f.batch->mixed == N);
        mixed += f.batch->mixed / N;
        if (f.batch->mixed == 0)
            for (uint32_t i = 0; i < N; i++)
                cr_assert(f.batch->lambda[i] == 1 && f.batch->y_b[i] == i &&
                          f.batch->partner[i] == i);
    }
    cr_expect(mixed > 150 && mixed < 250);
    f.params.mix_prob = 0;
    for (uint32_t b = 0; b < 100; b++) {
        train(&f, 0, N, 0, b);
        cr_assert_eq(f.batch->mixed, 0);
    }
    worker_batch_free(f.batch);
}

/* How image `row` was cropped and flipped in each of its batches. */
static void note_crops(struct fixture *f, uint32_t batch_size, uint32_t epoch, int32_t seen[N][3])
{
    for (uint32_t first = 0; first < N; first += batch_size) {
        train(f, first, batch_size, epoch, first / batch_size);
        for (uint32_t i = 0; i < batch_size; i++) {
            const struct kern_batch_sample *sample = &f->batch->samples[i];
            int32_t                        *to = seen[sample->image];

            to[0] = sample->shift_y;
            to[1] = sample->shift_x;
            to[2] = (int32_t)sample->flip;
        }
    }
}

Test(batch, a_crop_depends_on_epoch_and_image_only)
{
    struct fixture f = fixture_make(own_level);
    int32_t        threes[N][3], fours[N][3], later[N][3];

    f.params.data_augment = WORKER_AUGMENT_FLIP_CROP;
    note_crops(&f, 3, 0, threes);
    for (uint32_t k = 0; k < N; k++)
        f.order[k] = N - 1 - k;
    note_crops(&f, 4, 0, fours);
    note_crops(&f, 4, 1, later);
    cr_expect_arr_eq(threes, fours, sizeof threes);
    cr_expect(memcmp(threes, later, sizeof threes) != 0);
    worker_batch_free(f.batch);
}

Test(batch, crops_reach_4_pixels_each_way_and_half_are_flipped)
{
    struct fixture f = fixture_make(own_level);
    unsigned       down[9] = {0}, right[9] = {0}, flips = 0, moved = 0;

    f.params.data_augment = WORKER_AUGMENT_FLIP_CROP;
    for (uint32_t epoch = 0; epoch < 300; epoch++) {
        train(&f, 0, N, epoch, 0);
        for (uint32_t i = 0; i < N; i++) {
            down[f.batch->samples[i].shift_y + 4]++;
            right[f.batch->samples[i].shift_x + 4]++;
            flips += f.batch->samples[i].flip;
        }
    }
    for (int k = 0; k < 9; k++)
        cr_expect(down[k] > 300 && down[k] < 500 && right[k] > 300 && right[k] < 500);
    cr_expect(flips > 1680 && flips < 1920, "%u of 3600", flips);
    f.params.data_augment = WORKER_AUGMENT_FLIP;
    train(&f, 0, N, 299, 0);
    for (uint32_t i = 0; i < N; i++)
        moved += f.batch->samples[i].shift_y != 0 || f.batch->samples[i].shift_x != 0;
    cr_expect_eq(moved, 0);
    worker_batch_free(f.batch);
}

static uint8_t white(int image)
{
    (void)image;
    return 255;
}

Test(batch, padding_is_byte_0_before_normalisation)
{
    struct fixture f = fixture_make(white);
    int            padded = 0;

    f.set.mean[0] = 0.25f;
    f.set.sd[0] = 0.5f;
    f.params.data_augment = WORKER_AUGMENT_FLIP_CROP;
    train(&f, 0, N, 0, 0);
    for (int k = 0; k < N * IMAGE; k++) {
        cr_assert(f.batch->images[k] == 1.5f || f.batch->images[k] == -0.5f);
        padded += f.batch->images[k] == -0.5f;
    }
    cr_expect_gt(padded, N * IMAGE / 4);
    worker_batch_free(f.batch);
}

Test(batch, mixing_does_not_depend_on_the_images_of_the_batch)
{
    struct fixture f = fixture_make(own_level), g = fixture_make(own_level);

    f.params.mix_strategy = g.params.mix_strategy = WORKER_MIX_CUTMIX;
    f.params.mix_granularity = g.params.mix_granularity = WORKER_GRANULARITY_SAMPLE;
    for (uint32_t k = 0; k < N; k++)
        g.order[k] = (5 * k + 2) % N;
    train(&f, 0, N, 2, 7);
    train(&g, 0, N - 1, 2, 7); /* nor on how many there are, but for the partners */
    for (uint32_t i = 0; i < N - 1; i++) {
        cr_expect_eq(f.batch->area[i], g.batch->area[i]);
        cr_expect_eq(f.batch->samples[i].x0, g.batch->samples[i].x0);
        cr_expect_eq(f.batch->samples[i].y1, g.batch->samples[i].y1);
    }
    worker_batch_free(f.batch);
    worker_batch_free(g.batch);
}

Test(batch, granularity_says_whose_the_draw_is)
{
    struct fixture f = fixture_make(own_level);
    unsigned       alike = 0;

    f.params.mix_strategy = WORKER_MIX_MIXUP;
    train(&f, 0, N, 0, 0);
    for (uint32_t i = 1; i < N; i++)
        cr_expect_eq(f.batch->lambda[i], f.batch->lambda[0]);
    f.params.mix_granularity = WORKER_GRANULARITY_SAMPLE;
    train(&f, 0, N, 0, 0);
    for (uint32_t i = 0; i < N; i++)
        for (uint32_t j = 0; j < i; j++)
            alike += f.batch->lambda[i] == f.batch->lambda[j];
    cr_expect_eq(alike, 0);
    worker_batch_free(f.batch);
}

Test(batch, every_draw_differs_between_epochs)
{
    struct fixture f = fixture_make(own_level);
    float          lambda[20];
    uint32_t       partner[20][N];

    f.params.mix_strategy = WORKER_MIX_MIXUP;
    for (uint32_t epoch = 0; epoch < 20; epoch++) {
        train(&f, 0, N, epoch, 0);
        lambda[epoch] = f.batch->lambda[0];
        memcpy(partner[epoch], f.batch->partner, sizeof partner[epoch]);
        for (uint32_t before = 0; before < epoch; before++) {
            cr_expect_neq(lambda[epoch], lambda[before]);
            cr_expect(memcmp(partner[epoch], partner[before], sizeof partner[0]) != 0);
        }
    }
    worker_batch_free(f.batch);
}

Test(batch, a_plain_batch_is_normalised_and_nothing_else)
{
    struct fixture      f = fixture_make(own_level);
    struct worker_split split = {N, f.pixels, f.labels, NULL, f.rows, NULL};

    f.set.mean[0] = 0.1307f;
    f.set.sd[0] = 0.3081f;
    f.params.mix_strategy = WORKER_MIX_MIXUP;
    train(&f, 0, N, 0, 0);
    worker_batch_plain(f.batch, &f.set, &split, 4, 7);
    cr_assert_eq(f.batch->n, 7);
    cr_expect_eq((uintptr_t)f.batch->images % 64, 0);
    cr_expect_eq(f.batch->mixed + f.batch->self_pairs, 0);
    for (uint32_t i = 0; i < 7; i++) {
        double exact = (20.0 * (4 + i) / 255 - (double)0.1307f) / (double)0.3081f;

        cr_expect_eq(f.batch->y_a[i], 4 + i);
        cr_expect_eq(f.batch->lambda[i], 1);
        for (uint32_t k = 0; k < IMAGE; k++)
            cr_assert(fabs((double)f.batch->images[i * IMAGE + k] - exact) <= 1e-7 * fabs(exact));
    }
    worker_batch_free(f.batch);
    worker_batch_free(NULL);
}

/* Every byte, in rows long enough for wide vectors; one batch for all constants, one after the other. */
Test(batch, values_are_the_same_floats_under_any_constants)
{
    enum {
        SIDE = 32,
        CHANNELS = 3,
        CONSTANTS = 500,
    };
    static uint8_t        pixels[CHANNELS * SIDE * SIDE];
    uint32_t              label = 0, row = 0;
    struct worker_params  params = mix_params(WORKER_MIX_NONE);
    struct worker_split   split = {1, pixels, &label, NULL, &row, NULL};
    struct worker_dataset set = {.shape = {CHANNELS, SIDE, SIDE, 2, 0}};
    struct worker_batch  *batch = worker_batch_new(&params, &set.shape, 1, NULL);
    struct mx_rng         rng = mx_rng_at(mx_stream_make(3, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    cr_assert_not_null(batch);
    for (uint32_t k = 0; k < CHANNELS * SIDE * SIDE; k++)
        pixels[k] = (uint8_t)(k * 7);
    for (uint32_t i = 0; i < CONSTANTS; i++) {
        for (uint32_t c = 0; c < CHANNELS; c++) {
            set.mean[c] = i ? (float)mx_rng_uniform(&rng) : 127.0f / 255.0f;
            set.sd[c] = i ? (float)(0.01 + 0.5 * mx_rng_uniform(&rng)) : 128.0f / 255.0f;
        }
        worker_batch_plain(batch, &set, &split, 0, 1);
        for (uint32_t k = 0; k < CHANNELS * SIDE * SIDE; k++) {
            const uint32_t c = k / (SIDE * SIDE);
            const double   exact = (pixels[k] / 255.0 - (double)set.mean[c]) / (double)set.sd[c];

            cr_assert_eq(batch->images[k], (float)exact, "%u: byte %d", i, pixels[k]);
        }
    }
    worker_batch_free(batch);
}
