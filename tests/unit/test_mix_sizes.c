/* Every strategy's draws at 28, 32, 64 and 224 pixels against closed forms: those of
 * saliencymix, puzzlemix, mixup and manifold_mixup here; cutmix and cutout in
 * test_mix.c, resizemix and gridmix in test_mix_strategies.c, fmix in
 * test_fourier.c, recursivemix in test_recursivemix.c. */
#include <criterion/criterion.h>
#include <math.h>

#include "mix_sets.h"

static const uint32_t sides[] = {28, 32, 64, 224};

enum {
    SIDES = sizeof sides / sizeof sides[0]
};

struct moments {
    double n, sum, squares;
};

static void add(struct moments *m, double x)
{
    m->n++;
    m->sum += x;
    m->squares += x * x;
}

static double mean_of(const struct moments *m)
{
    return m->sum / m->n;
}

static double variance_of(const struct moments *m)
{
    return m->squares / m->n - mean_of(m) * mean_of(m);
}

static double error_of(const struct moments *m)
{
    return sqrt(variance_of(m) / m->n);
}

/* Pixels of [c - k/2, c + k/2) that lie on the image. */
static double length_at(uint32_t c, uint32_t k, uint32_t side)
{
    uint32_t half = k / 2, low = c < half ? 0 : c - half;
    uint32_t high = c + half > side ? side : c + half;

    return high - low;
}

/* E[lambda] of a box around (y, x) at alpha 1: its side is k with the chance
 * ((k + 1)^2 - k^2) / side^2. */
static double expected_around(uint32_t y, uint32_t x, uint32_t side)
{
    double sum = 0, pixels = (double)side * side;

    for (uint32_t k = 0; k < side; k++)
        sum +=
            (2.0 * k + 1) / pixels * (1 - length_at(y, k, side) * length_at(x, k, side) / pixels);
    return sum;
}

/* Whether the two images of batch b meet each other, and not themselves. */
static bool meet(uint32_t b)
{
    const struct worker_mix_place place = {mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), 0, b, 0};
    struct mx_rng                 rng = worker_mix_rng(&place, WORKER_DRAW_PARTNER);
    uint32_t                      order[2];

    mx_rng_permutation(&rng, order, 2);
    return order[0] == 1;
}

/* Image 0 is black, image 1 has one white pixel: a box lies around it. */
static void check_saliencymix(uint32_t side, uint32_t y, uint32_t x, uint32_t draws)
{
    const struct worker_shape shape = {1, side, side, 2, 0};
    struct worker_params      params = mix_params(WORKER_MIX_SALIENCYMIX);
    struct mix_set            set = mix_set_make(&params, &shape, 2, false);
    const double              expected = expected_around(y, x, side);
    struct moments            lambda = {0};

    memset(set.pixels, 0, 2 * set.image);
    set.pixels[set.image + (size_t)y * side + x] = 255;
    for (uint32_t b = 0; lambda.n < draws; b++) {
        if (!meet(b))
            continue;
        mix_set_train(&set, 2, 0, b);
        add(&lambda, (double)set.batch->lambda[0]);
    }
    cr_expect(fabs(mean_of(&lambda) - expected) <= 4 * error_of(&lambda), "%g of %g at %u",
              mean_of(&lambda), expected, side);
    mix_set_free(&set);
}

Test(mix_sizes, saliencymix_has_the_mean_of_a_box_around_its_peak)
{
    for (int k = 0; k < SIDES; k++) {
        const uint32_t side = sides[k], draws = side > 100 ? 60 : 400;

        check_saliencymix(side, side / 4, side - 3, draws);
        if (side < 100)
            check_saliencymix(side, 0, 0, draws);
    }
}

/* Where all pixels are alike the prior alone decides, the same for each block: all of
 * the base where lambda > 2/3, half of it above 1/3, else nothing. At alpha 1 each
 * third is as likely as any; so is each number of blocks that divides the side. */
Test(mix_sizes, puzzlemix_follows_its_prior_where_nothing_stands_out)
{
    for (int k = 0; k < SIDES; k++) {
        const struct worker_shape shape = {1, sides[k], sides[k], 2, 0};
        const int                 draws = sides[k] > 100 ? 60 : 300;
        const int                 grids = sides[k] == 28 ? 2 : 4;
        struct worker_params      params = mix_params(WORKER_MIX_PUZZLEMIX);
        struct mix_set            set = mix_set_make(&params, &shape, 2, false);
        int                       seen[3] = {0}, blocks[17] = {0};

        memset(set.pixels, 100, 2 * set.image);
        for (int b = 0; b < draws; b++) {
            struct worker_mix_place place = {mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), 0,
                                             (uint32_t)b, 0};
            double                  lambda = worker_mix_lambda(&params, &place);

            set.set.train = (struct worker_split){2, set.pixels, set.labels, NULL, set.rows, NULL};
            worker_batch_train(set.batch, &params, &set.set, set.order, 2,
                               mx_stream_make(1, 0, MX_PURPOSE_AUGMENT, 0), place.stream, 0,
                               (uint32_t)b, NULL);
            cr_assert_eq(set.batch->lambda[0],
                         lambda > 2 / 3.0   ? 1.0f
                         : lambda > 1 / 3.0 ? 0.5f
                                            : 0.0f,
                         "%g of %g", (double)set.batch->lambda[0], lambda);
            seen[(int)(2 * set.batch->lambda[0])]++;
            blocks[set.batch->samples[0].blocks]++;
        }
        for (int third = 0; third < 3; third++)
            cr_expect(abs(seen[third] - draws / 3) <= 4 * sqrt(draws * 2 / 9.0), "%d at %u",
                      seen[third], sides[k]);
        for (int grid = 0; grid < grids; grid++)
            cr_expect(abs(blocks[2 << grid] - draws / grids) <=
                          4 * sqrt(draws * (grids - 1.0) / grids / grids),
                      "%d of %d blocks at %u", blocks[2 << grid], 2 << grid, sides[k]);
        mix_set_free(&set);
    }
}

/* The mean of Beta(a, a) is 1/2, its variance 1 / (4 (2a + 1)), whatever the image. */
static void check_beta(unsigned strategy, double alpha, uint32_t side)
{
    const struct worker_shape shape = {1, side, side, 2, 0};
    struct worker_params      params = mix_params(strategy);
    struct mix_drawer         drawer;
    struct moments            lambda = {0};

    params.mix_alpha = alpha;
    drawer = mix_drawer_make(&params, &shape);
    for (uint32_t b = 0; b < 40000; b++) {
        struct worker_mix_draw draw = mix_draw(&drawer, b, false);

        cr_assert_eq(draw.share, draw.drawn);
        add(&lambda, draw.share);
    }
    cr_expect(fabs(mean_of(&lambda) - 0.5) <= 4 * error_of(&lambda));
    cr_expect(fabs(variance_of(&lambda) - 1 / (4 * (2 * alpha + 1))) <= 0.0025, "%g at alpha %g",
              variance_of(&lambda), alpha);
    mix_drawer_free(&drawer);
}

Test(mix_sizes, mixup_and_manifold_mixup_have_the_moments_of_beta)
{
    for (int k = 0; k < SIDES; k++) {
        check_beta(WORKER_MIX_MIXUP, 1, sides[k]);
        check_beta(WORKER_MIX_MANIFOLD_MIXUP, 2, sides[k]);
    }
    check_beta(WORKER_MIX_MIXUP, 0.01, 8);
    check_beta(WORKER_MIX_MIXUP, 100, 8);
}

/* With a tiny alpha lambda is 0 or 1 to many digits: boxes have no area, masks are all
 * of one image. What is left alone is left alone to the bit. */
static void check_extremes(unsigned strategy, unsigned granularity)
{
    enum {
        N = 4
    };
    const struct worker_shape shape = {3, 14, 16, 2, 0};
    const bool                masks = worker_mixes[strategy].traits & WORKER_MIX_MASKS;
    struct worker_params      params = mix_params(strategy);
    struct mix_set            set, clean;
    int                       base = 0, partner = 0;

    params.mix_alpha = 1e-6;
    params.mix_granularity = granularity;
    params.mix_scale = (struct worker_list){2, {0, 0}}; /* of resizemix */
    set = mix_set_make(&params, &shape, N, true);
    params.mix_strategy = WORKER_MIX_NONE;
    clean = mix_set_make(&params, &shape, N, true);
    mix_set_train(&clean, N, 0, 0);
    for (uint32_t b = 0; b < 40; b++) {
        mix_set_train(&set, N, 0, b);
        for (uint32_t i = 0; i < N; i++) {
            const float    area = set.batch->area[i];
            const uint32_t shown = area > 0 ? i : set.batch->partner[i];

            cr_assert_eq(set.batch->lambda[i], area);
            cr_assert(!masks || area == 0 || area == 1);
            base += area == 1;
            partner += area == 0;
            if (area == 0 || area == 1)
                cr_assert_arr_eq(set.batch->images + i * set.image,
                                 clean.batch->images + shown * set.image, set.image * sizeof(float),
                                 "%s", worker_strategies[strategy].word);
        }
    }
    cr_expect_gt(base, 40, "%s: %d", worker_strategies[strategy].word, base);
    cr_expect(!masks || partner > 40, "%s: %d", worker_strategies[strategy].word, partner);
    mix_set_free(&set);
    mix_set_free(&clean);
}

Test(mix_sizes, boxes_of_no_area_and_full_masks_leave_an_image_as_it_was)
{
    static const unsigned strategies[] = {WORKER_MIX_CUTMIX, WORKER_MIX_SALIENCYMIX,
                                          WORKER_MIX_RESIZEMIX, WORKER_MIX_FMIX,
                                          WORKER_MIX_GRIDMIX};

    for (size_t s = 0; s < sizeof strategies / sizeof strategies[0]; s++)
        for (unsigned granularity = 0; granularity < 2; granularity++)
            check_extremes(strategies[s], granularity);
}
