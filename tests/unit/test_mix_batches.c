/* What holds for every strategy, on batches as the network gets them. */
#include <criterion/criterion.h>
#include <math.h>

#include "mix_sets.h"

static const struct worker_shape shapes[] = {
    {1, 28, 28, 2, 0}, {3, 32, 32, 2, 0}, {1, 5, 9, 2, 0},   {2, 33, 17, 2, 0},
    {1, 1, 1, 2, 0},   {1, 2, 64, 2, 0},  {3, 64, 64, 2, 0}, {1, 224, 224, 2, 0},
};

enum {
    SHAPES = sizeof shapes / sizeof shapes[0],
    STRATEGIES = WORKER_MIXES,
    N = 6
};

static bool is_built(unsigned strategy)
{
    return worker_mixes[strategy].draw != NULL;
}

static bool is_paired(unsigned strategy)
{
    return worker_mixes[strategy].traits & WORKER_MIX_PAIRS;
}

/* Second images of the batch before, and mixing within the network, have tests
 * of their own. */
static bool is_of_pixels(unsigned strategy)
{
    return is_paired(strategy) &&
           !(worker_mixes[strategy].traits & (WORKER_MIX_HISTORY | WORKER_MIX_HIDDEN));
}

static bool fits(unsigned strategy, const struct worker_shape *shape)
{
    return strategy != WORKER_MIX_PUZZLEMIX || (shape->height % 2 == 0 && shape->width % 2 == 0);
}

/* On black and white images the mean pixel is the white image's weight. */
static uint32_t check_weights(struct mix_set *set, uint32_t batches)
{
    uint32_t checked = 0;

    for (uint32_t b = 0; b < batches; b++) {
        mix_set_train(set, N, 0, b);
        for (uint32_t i = 0; i < N; i++) {
            uint32_t partner = set->batch->partner[i];
            double   lambda = (double)set->batch->lambda[i];
            double   mean = lambda * (i % 2) + (1 - lambda) * (partner % 2);

            cr_assert_eq(set->batch->y_a[i], i);
            cr_assert_eq(set->batch->y_b[i], partner);
            cr_assert_eq(set->batch->area[i], set->batch->lambda[i]);
            cr_assert(fabs(mix_set_mean(set, i) - mean) <= 2e-6, "%s: %g of %g",
                      worker_strategies[set->params.mix_strategy].word, mix_set_mean(set, i), mean);
            checked += i % 2 != partner % 2 && lambda > 0 && lambda < 1;
        }
    }
    return checked;
}

Test(mix_batches, lambda_is_the_share_of_the_base_image_s_pixels_in_every_strategy_and_shape)
{
    for (unsigned s = 0; s < STRATEGIES; s++)
        for (int k = 0; is_of_pixels(s) && k < SHAPES; k++)
            for (unsigned granularity = 0; granularity < 2 && fits(s, &shapes[k]); granularity++) {
                struct worker_params params = mix_params(s);
                struct mix_set       set;
                uint32_t             checked;

                params.mix_granularity = granularity;
                set = mix_set_make(&params, &shapes[k], N, false);
                checked = check_weights(&set, shapes[k].height > 60 ? 2 : 15);
                cr_expect(checked > 0 || shapes[k].height < 5 || shapes[k].height > 60,
                          "%s at %u x %u", worker_strategies[s].word, shapes[k].height,
                          shapes[k].width);
                mix_set_free(&set);
            }
}

/* A larger lambda shows more of the base in every strategy that draws one: symmetric draws would
 * hide that it was taken the wrong way round. */
Test(mix_batches, what_is_shown_of_the_base_grows_with_the_lambda_that_was_drawn)
{
    const struct worker_shape shape = {1, 16, 24, 2, 0};

    for (unsigned s = 0; s < STRATEGIES; s++) {
        struct worker_params params = mix_params(s);
        struct mix_set       set;
        double               mean[2] = {0, 0};
        int                  n[2] = {0, 0};

        if (!is_of_pixels(s))
            continue;
        params.mix_granularity = WORKER_GRANULARITY_SAMPLE;
        set = mix_set_make(&params, &shape, N, true);
        for (uint32_t b = 0; b < 100; b++) {
            mix_set_train(&set, N, 0, b);
            for (uint32_t i = 0; i < N; i++) {
                const int large = set.batch->drawn[i] > 0.5f;

                mean[large] += (double)set.batch->area[i];
                n[large]++;
            }
        }
        cr_expect(mean[1] / n[1] > mean[0] / n[0] + 0.15, "%s: %g and %g",
                  worker_strategies[s].word, mean[0] / n[0], mean[1] / n[1]);
        mix_set_free(&set);
    }
}

/* Two objects of different room that meet the batches in different order. */
Test(mix_batches, a_batch_depends_on_its_name_alone)
{
    const struct worker_shape shape = {3, 20, 24, 2, 0};

    for (unsigned s = 0; s < STRATEGIES; s++)
        for (unsigned granularity = 0; is_built(s) && granularity < 2; granularity++) {
            struct worker_params params = mix_params(s);
            struct mix_set       set, other;

            params.mix_granularity = granularity;
            params.mix_prob = 0.7;
            params.data_augment = WORKER_AUGMENT_FLIP_CROP;
            set = mix_set_make(&params, &shape, N, true);
            other = mix_set_make(&params, &shape, N, true);
            worker_batch_free(other.batch);
            other.batch = worker_batch_new(&params, &other.set.shape, 2 * N, NULL);
            for (uint32_t b = 0; b < 12; b++)
                mix_set_train(&other, N, 1, 11 - b);
            for (uint32_t b = 0; b < 12; b++) {
                mix_set_train(&set, N, 2, b);
                mix_set_train(&other, N, 2, b);
                cr_assert_arr_eq(set.batch->images, other.batch->images,
                                 N * set.image * sizeof(float), "%s, batch %u",
                                 worker_strategies[s].word, b);
                cr_assert_arr_eq(set.batch->lambda, other.batch->lambda, N * sizeof(float));
                cr_assert_arr_eq(set.batch->y_b, other.batch->y_b, N * sizeof(uint32_t));
            }
            mix_set_free(&set);
            mix_set_free(&other);
        }
}

static void check_all_sizes(unsigned strategy, unsigned rule)
{
    const struct worker_shape odd = {1, 5, 9, 2, 0}, even = {1, 6, 10, 2, 0};
    struct worker_params      params = mix_params(strategy);
    struct mix_set            set;

    params.mix_labels = rule;
    params.mix_granularity = WORKER_GRANULARITY_SAMPLE;
    params.data_augment = WORKER_AUGMENT_FLIP_CROP;
    set = mix_set_make(&params, fits(strategy, &odd) ? &odd : &even, N, true);
    for (uint32_t n = 1; n <= N; n++) {
        bool first = worker_mixes[strategy].traits & WORKER_MIX_HISTORY && n == 1;

        mix_set_train(&set, n, 0, n);
        cr_assert_eq(set.batch->n, n);
        cr_assert_eq(set.batch->mixed, first || (n == 1 && is_paired(strategy)) ? 0 : n);
        for (uint32_t i = 0; i < n; i++) {
            cr_assert(set.batch->lambda[i] >= 0 && set.batch->lambda[i] <= 1);
            cr_assert(set.batch->partner[i] < n && set.batch->y_a[i] < n && set.batch->y_b[i] < n);
        }
        for (size_t k = 0; k < n * set.image; k++)
            cr_assert(set.batch->images[k] >= 0 && set.batch->images[k] <= 1);
    }
    mix_set_free(&set);
}

Test(mix_batches, every_size_from_1_works_for_every_strategy_and_rule)
{
    for (unsigned s = WORKER_MIX_MIXUP; s < STRATEGIES; s++)
        for (unsigned rule = 0; is_built(s) && rule <= WORKER_LABELS_ONLY; rule++)
            check_all_sizes(s, rule);
}

Test(mix_batches, only_shows_clean_images_under_the_labels_of_the_mix)
{
    const struct worker_shape shape = {1, 12, 10, 2, 0};

    for (unsigned s = WORKER_MIX_MIXUP; s < STRATEGIES; s++) {
        struct worker_params params = mix_params(s);
        struct mix_set       mixed, only, clean;

        if (!is_of_pixels(s))
            continue;
        mixed = mix_set_make(&params, &shape, N, true);
        params.mix_labels = WORKER_LABELS_ONLY;
        only = mix_set_make(&params, &shape, N, true);
        params.mix_strategy = WORKER_MIX_NONE;
        clean = mix_set_make(&params, &shape, N, true);
        for (uint32_t b = 0; b < 10; b++) {
            mix_set_train(&mixed, N, 0, b);
            mix_set_train(&only, N, 0, b);
            mix_set_train(&clean, N, 0, b);
            cr_assert_arr_eq(only.batch->images, clean.batch->images,
                             N * only.image * sizeof(float), "%s", worker_strategies[s].word);
            cr_assert_arr_eq(only.batch->lambda, mixed.batch->lambda, N * sizeof(float));
            cr_assert_arr_eq(only.batch->y_b, mixed.batch->y_b, N * sizeof(uint32_t));
        }
        mix_set_free(&mixed);
        mix_set_free(&only);
        mix_set_free(&clean);
    }
}

/* lambda near 0 or 1: boxes of no area, boxes and masks of the whole image. */
Test(mix_batches, tiny_and_huge_alphas_are_as_good_as_any)
{
    static const double       alphas[] = {0.01, 100};
    const struct worker_shape shape = {1, 14, 16, 2, 0};

    for (unsigned s = WORKER_MIX_MIXUP; s < STRATEGIES; s++)
        for (int a = 0; is_built(s) && a < 2; a++) {
            struct worker_params params = mix_params(s);
            struct mix_set       set;

            params.mix_alpha = alphas[a];
            set = mix_set_make(&params, &shape, N, false);
            if (is_of_pixels(s))
                check_weights(&set, 20);
            mix_set_free(&set);
        }
}

/* Counted beside the images: masks and moves, a gradient, a batch to look back at. */
Test(mix_batches, the_estimate_of_memory_knows_what_each_strategy_keeps)
{
    const struct worker_shape shape = {3, 32, 32, 10, 0};
    const uint64_t            image = 3 * 32 * 32 * sizeof(float), mask = 32 * 32 + 2 * KERN_MOVES;
    struct worker_params      params = mix_params(WORKER_MIX_CHOICES);

    params.mix_choices = (struct worker_list){2, {WORKER_MIX_FMIX, WORKER_MIX_RECURSIVEMIX}};
    cr_expect_eq(worker_batch_bytes(&params, &shape, 7), 7 * (2 * image + mask + 2 * 40));
    params.mix_strategy = WORKER_MIX_PUZZLEMIX;
    cr_expect_eq(worker_batch_bytes(&params, &shape, 7), 7 * (2 * image + mask));
    params.mix_strategy = WORKER_MIX_CUTMIX;
    cr_expect_eq(worker_batch_bytes(&params, &shape, 7), 7 * image);
}
