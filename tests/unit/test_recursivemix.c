/* Strategies whose batches are more than two images of one batch: recursivemix,
 * manifold_mixup, and several strategies in one training. */
#include <criterion/criterion.h>
#include <math.h>

#include "mix_sets.h"

enum {
    N = 6
};

static const struct worker_shape shape = {1, 20, 28, 2, 0};

static struct mix_set set_of(const struct worker_params *params)
{
    return mix_set_make(params, &shape, N, false);
}

/* The mean of a black or white image is its label's parity, and stays so however
 * often images are pasted into each other: targets must say the same. */
static double white_share(const struct worker_batch *batch, uint32_t i)
{
    double sum = 0;

    for (uint32_t c = 0; c < N; c++)
        sum += c % 2 * (double)batch->targets[i * N + c];
    return sum;
}

/* The share of a box that lies over white pixels depends on what is under it:
 * only flat second images keep mean and label in step, so the first mixed batch
 * is checked, whose second images are flat. */
Test(recursivemix, the_first_mix_of_an_epoch_weighs_as_its_pixels)
{
    struct worker_params params = mix_params(WORKER_MIX_RECURSIVEMIX);
    int                  checked = 0;

    params.mix_granularity = WORKER_GRANULARITY_SAMPLE;
    for (uint32_t epoch = 0; epoch < 20; epoch++) {
        struct mix_set set = set_of(&params);

        mix_set_train(&set, N, epoch, 0);
        cr_assert_eq(set.batch->mixed, 0);
        cr_assert_null(set.batch->targets);
        mix_set_train(&set, N, epoch, 1);
        cr_assert_eq(set.batch->mixed, N);
        for (uint32_t i = 0; i < N; i++) {
            cr_assert(fabs(mix_set_mean(&set, i) - white_share(set.batch, i)) <= 1e-5);
            checked += set.batch->lambda[i] < 1 && i % 2 != set.batch->partner[i] % 2;
        }
        mix_set_free(&set);
    }
    cr_expect_gt(checked, 30);
}

Test(recursivemix, targets_are_the_labels_of_all_images_that_went_in)
{
    const struct worker_params params = mix_params(WORKER_MIX_RECURSIVEMIX);
    struct mix_set             set = set_of(&params);
    double                     expected[N][N], before[N][N];

    for (uint32_t b = 0; b < 8; b++) {
        mix_set_train(&set, N, 3, b);
        memcpy(before, expected, sizeof before);
        for (uint32_t i = 0; i < N; i++) {
            double lambda = b ? (double)set.batch->area[i] : 1, sum = 0;

            for (uint32_t c = 0; c < N; c++) {
                expected[i][c] =
                    lambda * (c == i) + (b ? (1 - lambda) * before[set.batch->partner[i]][c] : 0);
                sum += expected[i][c];
                if (b)
                    cr_assert(fabs((double)set.batch->targets[i * N + c] - expected[i][c]) <= 1e-6);
            }
            cr_assert(fabs(sum - 1) <= 1e-6);
            cr_assert_eq(set.batch->y_a[i], i);
        }
    }
    mix_set_free(&set);
}

/* What is pasted is the mixed image of the batch before, shrunk. */
Test(recursivemix, pastes_images_of_the_batch_before_as_they_were_mixed)
{
    const struct worker_params params = mix_params(WORKER_MIX_RECURSIVEMIX);
    struct mix_set             set = mix_set_make(&params, &shape, N, true);
    float                     *before = malloc(N * set.image * sizeof *before);
    int                        compared = 0;

    for (uint32_t b = 0; b < 20; b++) {
        mix_set_train(&set, N, 0, b);
        for (uint32_t i = 0; b > 0 && i < N; i++) {
            const struct kern_batch_sample *sample = &set.batch->samples[i];
            double                          mean = 0, patch = 0;

            if (sample->patch_y < 0 || sample->patch_x < 0 || sample->patch_height < 4 ||
                sample->y1 - sample->y0 < sample->patch_height ||
                sample->x1 - sample->x0 < sample->patch_width)
                continue; /* clipped */
            for (size_t k = 0; k < set.image; k++)
                mean += (double)before[set.batch->partner[i] * set.image + k] / (double)set.image;
            for (uint32_t y = sample->y0; y < sample->y1; y++)
                for (uint32_t x = sample->x0; x < sample->x1; x++)
                    patch += (double)set.batch->images[i * set.image + y * shape.width + x] /
                             (sample->patch_height * sample->patch_width);
            cr_assert(fabs(mean - patch) <= 0.05, "%g of %g", patch, mean);
            compared++;
        }
        memcpy(before, set.batch->images, N * set.image * sizeof *before);
    }
    cr_expect_gt(compared, 20);
    free(before);
    mix_set_free(&set);
}

Test(recursivemix, an_epoch_starts_anew_and_a_batch_out_of_turn_is_not_mixed)
{
    const struct worker_params params = mix_params(WORKER_MIX_RECURSIVEMIX);
    struct mix_set             set = set_of(&params);

    mix_set_train(&set, N, 0, 0);
    mix_set_train(&set, N, 0, 1);
    cr_expect_eq(set.batch->mixed, N);
    mix_set_train(&set, N, 1, 0); /* another epoch */
    cr_expect_eq(set.batch->mixed, 0);
    mix_set_train(&set, N, 0, 1);
    mix_set_train(&set, N, 1, 2); /* the next number, but of another epoch */
    cr_expect_eq(set.batch->mixed, 0);
    mix_set_train(&set, N, 1, 0);
    mix_set_train(&set, N, 1, 2); /* 1 was left out */
    cr_expect_eq(set.batch->mixed, 0);
    mix_set_train(&set, 2, 1, 3); /* a smaller last batch */
    cr_expect_eq(set.batch->mixed, 2);
    mix_set_train(&set, N, 1, 4); /* and one larger than that before */
    cr_expect_eq(set.batch->mixed, N);
    for (uint32_t i = 0; i < N; i++)
        cr_expect_lt(set.batch->partner[i], 2);
    mix_set_free(&set);
}

/* Whoever has the same place in the batch before is another image. */
Test(recursivemix, nobody_meets_itself)
{
    const struct worker_params params = mix_params(WORKER_MIX_RECURSIVEMIX);
    struct mix_set             set = set_of(&params);
    int                        same = 0;

    for (uint32_t b = 0; b < 30; b++) {
        mix_set_train(&set, N, 0, b);
        for (uint32_t i = 0; b > 0 && i < N; i++)
            same += set.batch->partner[i] == i;
        cr_expect_eq(set.batch->self_pairs, 0);
    }
    cr_expect_gt(same, 5);
    mix_set_free(&set);
}

/* P(side < x): the area is uniform in [0, 1/2). */
Test(recursivemix, covers_its_published_share_at_each_size)
{
    static const struct {
        uint32_t side;
        double   share;
    } rows[] = {{28, .174}, {32, .175}, {64, .180}, {224, .183}};
    const struct worker_params params = mix_params(WORKER_MIX_RECURSIVEMIX);

    for (int k = 0; k < 4; k++) {
        const struct worker_shape square = {1, rows[k].side, rows[k].side, 2, 0};
        struct mix_drawer         drawer = mix_drawer_make(&params, &square);
        const int                 n = 40000;
        double                    sum = 0, squares = 0, mean;

        for (int b = 0; b < n; b++) {
            double share = 1 - mix_draw(&drawer, (uint32_t)b, false).share;

            sum += share;
            squares += share * share;
        }
        mean = sum / n;
        cr_expect(fabs(mean - rows[k].share) <= .0005 + 4 * sqrt((squares / n - mean * mean) / n),
                  "%g at %u", mean, rows[k].side);
        mix_drawer_free(&drawer);
    }
}

Test(manifold_mixup, layers_are_equally_likely_and_pixels_mix_at_the_input_only)
{
    struct worker_params params = mix_params(WORKER_MIX_MANIFOLD_MIXUP);
    struct mix_set       set;
    int                  seen[3] = {0};

    params.mix_granularity = WORKER_GRANULARITY_SAMPLE;
    set = set_of(&params);
    for (uint32_t b = 0; b < 3000; b++) {
        mix_set_train(&set, N, 0, b);
        seen[set.batch->layer]++;
        for (uint32_t i = 0; b < 100 && i < N; i++) {
            double lambda = (double)set.batch->lambda[i], own = i % 2;
            double other = set.batch->partner[i] % 2;
            double mean = set.batch->layer ? own : lambda * own + (1 - lambda) * other;

            cr_assert(fabs(mix_set_mean(&set, i) - mean) <= 2e-6);
            cr_assert_eq(set.batch->y_b[i], set.batch->partner[i]);
            cr_assert_eq(set.batch->area[i], set.batch->lambda[i]);
        }
    }
    for (int layer = 0; layer < 3; layer++)
        cr_expect(abs(seen[layer] - 1000) <= 120, "%d at layer %d", seen[layer], layer);
    worker_batch_plain(set.batch, &set.set, &set.set.train, 0, 2);
    cr_expect_eq(set.batch->layer, WORKER_LAYER_INPUT);
    mix_set_free(&set);
}

Test(manifold_mixup, rules_change_the_labels_and_host_the_share)
{
    struct worker_params params = mix_params(WORKER_MIX_MANIFOLD_MIXUP);

    params.mix_layers = (struct worker_list){1, {WORKER_LAYER_STAGE2}};
    for (unsigned rule = WORKER_LABELS_DOMINANT; rule <= WORKER_LABELS_HOST; rule++) {
        struct mix_set set;

        params.mix_labels = rule;
        set = set_of(&params);
        for (uint32_t b = 0; b < 50; b++) {
            mix_set_train(&set, N, 0, b);
            for (uint32_t i = 0; i < N; i++) {
                bool base = set.batch->area[i] >= 0.5f;

                cr_assert(base || rule == WORKER_LABELS_DOMINANT);
                cr_assert_eq(set.batch->y_a[i], base ? i : set.batch->partner[i]);
                cr_assert_eq(set.batch->lambda[i], 1);
                cr_assert_eq(set.batch->layer, WORKER_LAYER_STAGE2);
            }
        }
        mix_set_free(&set);
    }
}

Test(choices, each_entry_has_the_same_chance_and_an_epoch_its_own_draws)
{
    struct worker_params params = mix_params(WORKER_MIX_CHOICES);
    struct mx_stream     stream = mx_stream_make(1, 0, MX_PURPOSE_MIX, 0);
    unsigned             seen[WORKER_MIXES] = {0}, changed = 0;

    params.mix_choices = (struct worker_list){
        4, {WORKER_MIX_CUTMIX, WORKER_MIX_CUTMIX, WORKER_MIX_MIXUP, WORKER_MIX_NONE}};
    for (uint32_t b = 0; b < 4000; b++) {
        seen[worker_mix_strategy(&params, stream, 0, b)]++;
        changed += worker_mix_strategy(&params, stream, 0, b) !=
                   worker_mix_strategy(&params, stream, 1, b);
    }
    cr_expect(abs((int)seen[WORKER_MIX_CUTMIX] - 2000) <= 140, "%u", seen[WORKER_MIX_CUTMIX]);
    cr_expect(abs((int)seen[WORKER_MIX_MIXUP] - 1000) <= 120, "%u", seen[WORKER_MIX_MIXUP]);
    cr_expect(abs((int)seen[WORKER_MIX_NONE] - 1000) <= 120, "%u", seen[WORKER_MIX_NONE]);
    cr_expect(abs((int)changed - 2500) <= 200, "%u", changed); /* 1 - (1/4 + 2/16) */
}

/* All strategies in one training, each with its own memory; what a batch shows is
 * what its strategy alone would have shown. */
Test(choices, a_batch_is_that_of_its_strategy_alone)
{
    struct worker_params      params = mix_params(WORKER_MIX_CHOICES);
    const struct worker_shape even = {3, 16, 24, 2, 0};
    struct mix_set            set;
    uint32_t                  seen = 0;

    for (unsigned s = 0; s < WORKER_MIX_RECURSIVEMIX; s++)
        params.mix_choices.items[params.mix_choices.count++] = s;
    set = mix_set_make(&params, &even, N, true);
    for (uint32_t b = 0; b < 60; b++) {
        unsigned which =
            worker_mix_strategy(&params, mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), 0, b);
        struct worker_params alone = mix_params(which);
        struct mix_set       other = mix_set_make(&alone, &even, N, true);

        mix_set_train(&set, N, 0, b);
        mix_set_train(&other, N, 0, b);
        cr_assert_arr_eq(set.batch->images, other.batch->images, N * set.image * sizeof(float));
        cr_assert_arr_eq(set.batch->lambda, other.batch->lambda, N * sizeof(float));
        cr_assert_eq(set.batch->layer, other.batch->layer);
        seen |= 1u << which;
        mix_set_free(&other);
    }
    cr_expect_eq(seen, (1u << WORKER_MIX_RECURSIVEMIX) - 1);
    mix_set_free(&set);
}

/* The batch before may be mixed in any way: its labels come along as a
 * distribution. */
Test(choices, recursivemix_takes_what_another_strategy_mixed)
{
    struct worker_params params = mix_params(WORKER_MIX_CHOICES);
    struct mix_set       set;
    int                  checked = 0;
    float                before[N] = {0};
    bool                 was_mixup = false;

    params.mix_choices = (struct worker_list){2, {WORKER_MIX_MIXUP, WORKER_MIX_RECURSIVEMIX}};
    set = set_of(&params);
    for (uint32_t b = 0; b < 60; b++) {
        mix_set_train(&set, N, 0, b);
        for (uint32_t i = 0; was_mixup && set.batch->targets && i < N; i++) {
            /* mixed flat images are flat: mean and targets agree once more */
            cr_assert(fabs(mix_set_mean(&set, i) - white_share(set.batch, i)) <= 1e-5);
            checked += before[set.batch->partner[i]] > 0 && before[set.batch->partner[i]] < 1;
        }
        was_mixup = set.batch->targets == NULL && set.batch->mixed > 0;
        memcpy(before, set.batch->lambda, sizeof before);
    }
    cr_expect_gt(checked, 20);
    mix_set_free(&set);
}
