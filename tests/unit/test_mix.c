#include <criterion/criterion.h>
#include <math.h>

#include "mix_draws.h"

static struct worker_shape square(uint32_t side)
{
    return (struct worker_shape){1, side, side, 2, 0};
}

/* Probability of each clipped length of [c - low, c - low + length) on `side`
 * pixels, c uniform: a count of centres by length. */
static void count_lengths(uint32_t side, uint32_t low, uint32_t length, double *chance)
{
    for (uint32_t l = 0; l <= side; l++)
        chance[l] = 0;
    for (int64_t c = 0; c < side; c++) {
        int64_t first = c - low, last = first + length;

        first = first < 0 ? 0 : first;
        last = last > side ? side : last;
        chance[last - first] += 1.0 / side;
    }
}

struct expected {
    double lambda, below_half; /* E[lambda], P(lambda < 1/2) */
};

/* Exact: at alpha 1 the side is int(S sqrt(u)), u uniform, so side k has the
 * chance ((k+1)^2 - k^2) / S^2. */
static struct expected cutmix_expected(uint32_t side)
{
    struct expected sum = {0, 0};
    double          chance[225];

    for (uint32_t k = 0; k < side; k++) {
        double p = (2.0 * k + 1) / side / side;

        count_lengths(side, k / 2, k / 2 * 2, chance);
        for (uint32_t h = 0; h <= side; h++)
            for (uint32_t w = 0; w <= side; w++) {
                double lambda = 1 - (double)h * w / side / side;

                sum.lambda += p * chance[h] * chance[w] * lambda;
                sum.below_half += lambda < 0.5 ? p * chance[h] * chance[w] : 0;
            }
    }
    return sum;
}

/* Sampled mean and standard error of the share left, and the rest of it. */
struct sampled {
    double mean, error, below_half;
};

static struct sampled sample(const struct worker_params *params, const struct worker_shape *shape,
                             uint32_t n)
{
    struct mix_drawer drawer = mix_drawer_make(params, shape);
    double            sum = 0, squares = 0;
    uint32_t          below = 0;

    for (uint32_t b = 0; b < n; b++) {
        double share = mix_draw(&drawer, b, false).share;

        sum += share;
        squares += share * share;
        below += share < 0.5;
    }
    mix_drawer_free(&drawer);
    return (struct sampled){.mean = sum / n,
                            .error = sqrt((squares / n - sum / n * (sum / n)) / n),
                            .below_half = (double)below / n};
}

Test(mix, cutmix_has_the_published_means_at_each_size)
{
    static const struct {
        uint32_t side;
        double   lambda, below_half;
    } rows[] = {{28, .704, .147}, {32, .701, .145}, {64, .690, .165}, {224, .682, .174}};
    struct worker_params params = mix_params(WORKER_MIX_CUTMIX);

    for (int k = 0; k < 4; k++) {
        struct worker_shape shape = square(rows[k].side);
        struct expected     exact = cutmix_expected(rows[k].side);
        struct sampled      got = sample(&params, &shape, 40000);
        double              p = exact.below_half;

        cr_expect(fabs(exact.lambda - rows[k].lambda) <= 0.0005, "%g", exact.lambda);
        cr_expect(fabs(exact.below_half - rows[k].below_half) <= 0.0005, "%g", p);
        cr_expect(fabs(got.mean - exact.lambda) <= 4 * got.error, "mean %g of %g at %u", got.mean,
                  exact.lambda, rows[k].side);
        cr_expect(fabs(got.below_half - p) <= 4 * sqrt(p * (1 - p) / 40000), "%g of %g at %u",
                  got.below_half, p, rows[k].side);
    }
}

Test(mix, cutout_hides_its_published_share)
{
    static const uint32_t sides[] = {28, 32, 64, 224};
    struct worker_params  params = mix_params(WORKER_MIX_CUTOUT);

    for (int k = 0; k < 4; k++) {
        const uint32_t      side = sides[k];
        struct worker_shape shape = square(side);
        struct sampled      got = sample(&params, &shape, 40000);
        double              chance[225], mean_length = 0;

        count_lengths(side, side / 4, side / 2, chance);
        for (uint32_t l = 0; l <= side; l++)
            mean_length += chance[l] * l;
        cr_expect(fabs(mean_length * mean_length / side / side - .191) <= .0005);
        cr_expect(fabs(1 - got.mean - mean_length * mean_length / side / side) <= 4 * got.error);
    }
}

Test(mix, mixup_has_the_variance_of_its_alpha)
{
    struct worker_params params = mix_params(WORKER_MIX_MIXUP);
    struct worker_shape  shape = square(8);
    struct sampled       got;

    params.mix_alpha = 0.2;
    got = sample(&params, &shape, 200000);
    cr_expect(fabs(got.mean - .5) <= 4 * got.error);
    cr_expect(fabs(got.error * got.error * 200000 - 0.1786) <= 0.002, "%g",
              got.error * got.error * 200000);
}

Test(mix, weight_follows_the_pixels_left_after_clipping)
{
    const struct worker_shape shape = square(8);
    struct worker_mix_draw    draw;
    uint32_t                  side = (uint32_t)(8 * sqrt(1 - 0.75));
    uint32_t                  sides[2] = {side, side}, corner[2] = {0, 0}, end[2] = {7, 7};

    cr_assert_eq(side, 4);
    cr_expect_eq(worker_mix_clip(&shape, corner, sides, sides, &draw), 0.9375);
    cr_expect_eq(draw.y0 + draw.x0, 0);
    cr_expect_eq(draw.y1, 2);
    cr_expect_eq(draw.x1, 2);
    cr_expect_eq(worker_mix_clip(&shape, end, sides, sides, &draw), 1 - 9.0 / 64);
    cr_expect_eq(draw.y0, 5);
    cr_expect_eq(draw.y1, 8);
}

Test(mix, height_and_width_keep_their_own_sides)
{
    const struct worker_shape shape = {3, 5, 11, 2, 0};
    const uint32_t            centre[2] = {4, 0}, side[2] = {3, 7}, length[2] = {2, 6};
    struct worker_mix_draw    draw;

    cr_expect_eq(worker_mix_clip(&shape, centre, side, length, &draw), 1 - 2 * 3 / 55.0);
    cr_expect_eq(draw.y0, 3);
    cr_expect_eq(draw.y1, 5);
    cr_expect_eq(draw.x0, 0);
    cr_expect_eq(draw.x1, 3);
}

/* Small lambda, large box; each axis has its own side. */
Test(mix, cutmix_pastes_a_box_of_its_lambda)
{
    const struct worker_shape  shape = {1, 40, 100, 2, 0};
    const struct worker_params params = mix_params(WORKER_MIX_CUTMIX);
    struct mix_drawer          drawer = mix_drawer_make(&params, &shape);
    int                        whole = 0;

    for (uint32_t b = 0; b < 300; b++) {
        struct worker_mix_place place = {drawer.stream, 0, b, 0};
        double                  r = sqrt(1 - worker_mix_lambda(&params, &place));
        struct worker_mix_draw  draw = mix_draw(&drawer, b, false);

        if (draw.y0 > 0 && draw.y1 < 40 && draw.x0 > 0 && draw.x1 < 100) {
            cr_expect_eq(draw.y1 - draw.y0, (uint32_t)(40 * r) / 2 * 2);
            cr_expect_eq(draw.x1 - draw.x0, (uint32_t)(100 * r) / 2 * 2);
            whole++;
        }
    }
    cr_expect_gt(whole, 30);
    mix_drawer_free(&drawer);
}

/* The largest sides of a box in many draws. */
static void widest_box(const struct worker_params *params, const struct worker_shape *shape,
                       uint32_t widest[2])
{
    struct mix_drawer drawer = mix_drawer_make(params, shape);

    widest[0] = widest[1] = 0;
    for (uint32_t b = 0; b < 200; b++) {
        struct worker_mix_draw draw = mix_draw(&drawer, b, false);

        widest[0] = draw.y1 - draw.y0 > widest[0] ? draw.y1 - draw.y0 : widest[0];
        widest[1] = draw.x1 - draw.x0 > widest[1] ? draw.x1 - draw.x0 : widest[1];
        if (params->mix_strategy == WORKER_MIX_CUTMIX && draw.x0 > 0 && draw.x1 < shape->width)
            cr_expect_eq((draw.x1 - draw.x0) % 2, 0);
    }
    mix_drawer_free(&drawer);
}

Test(mix, odd_sides_follow_the_strategy)
{
    const struct worker_shape shape = square(64);
    struct worker_params      params = mix_params(WORKER_MIX_CUTOUT);
    uint32_t                  widest[2];

    params.mix_size = 7;
    widest_box(&params, &shape, widest);
    cr_expect_eq(widest[1], 7); /* cutout's square has the side asked for */
    params.mix_strategy = WORKER_MIX_CUTMIX;
    widest_box(&params, &shape, widest); /* cutmix's box loses a pixel */
}

Test(mix, cutout_hides_a_square_of_half_the_shorter_side)
{
    const struct worker_shape shape = {1, 9, 60, 2, 0};
    struct worker_params      params = mix_params(WORKER_MIX_CUTOUT);
    uint32_t                  widest[2];

    widest_box(&params, &shape, widest);
    cr_expect_eq(widest[0], 4);
    cr_expect_eq(widest[1], 4);
}

Test(mix, a_square_larger_than_the_image_hides_it_all)
{
    const struct worker_shape shape = {1, 3, 9, 2, 0};
    struct worker_params      params = mix_params(WORKER_MIX_CUTOUT);
    struct mix_drawer         drawer;

    params.mix_size = INT64_MAX;
    drawer = mix_drawer_make(&params, &shape);
    for (uint32_t b = 0; b < 50; b++)
        cr_assert_eq(mix_draw(&drawer, b, false).share, 0);
    mix_drawer_free(&drawer);
}

Test(mix, alpha_0_mixes_nothing_and_a_tiny_one_takes_either_image)
{
    const struct worker_shape shape = square(8);
    struct worker_params      params = mix_params(WORKER_MIX_MIXUP);
    struct mix_drawer         drawer = mix_drawer_make(&params, &shape);
    int                       whole = 0;

    drawer.params.mix_alpha = 0;
    cr_expect_eq(mix_draw(&drawer, 0, false).share, 1);
    drawer.params.mix_alpha = 1e-6;
    for (uint32_t b = 0; b < 100; b++) {
        double share = mix_draw(&drawer, b, false).share;

        whole += share > 0.5;
        cr_assert(share < 1e-3 || share > 1 - 1e-3);
    }
    cr_expect(whole > 25 && whole < 75);
    mix_drawer_free(&drawer);
}

Test(mix, lambda_is_shared_by_strategies_and_differs_between_places)
{
    struct worker_params    params = mix_params(WORKER_MIX_MIXUP);
    struct worker_mix_place a = {mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), 3, 4, 5}, b = a;

    cr_expect_eq(worker_mix_lambda(&params, &a), worker_mix_lambda(&params, &b));
    for (int k = 0; k < 3; k++) {
        b = a;
        *(uint32_t *[]){&b.epoch, &b.batch, &b.slot}[k] += 1;
        cr_expect_neq(worker_mix_lambda(&params, &a), worker_mix_lambda(&params, &b));
    }
}

Test(mix, whether_happens_as_often_as_asked)
{
    struct mx_stream     stream = mx_stream_make(5, 0, MX_PURPOSE_MIX, 0);
    struct worker_params params = mix_params(WORKER_MIX_CUTMIX);

    for (int k = 0; k <= 5; k++) {
        int mixed = 0;

        params.mix_prob = k / 5.0;
        for (uint32_t b = 0; b < 10000; b++)
            mixed += worker_mix_whether(&params, stream, 0, b);
        cr_expect(abs(mixed - 2000 * k) <= (k % 5 ? 200 : 0), "%d at %g", mixed, params.mix_prob);
    }
}

Test(mix, the_chance_rises_over_the_ramp_and_ends_before_the_last_epochs)
{
    struct mx_stream     stream = mx_stream_make(5, 0, MX_PURPOSE_MIX, 0);
    struct worker_params params = mix_params(WORKER_MIX_CUTMIX);
    static const double  chance[10] = {0, .2, .4, .6, .8, .8, .8, .8, 0, 0};

    params.train_epochs = 10;
    params.mix_prob = 0.8;
    params.mix_ramp_epochs = 4;
    params.mix_off_epochs = 2;
    for (uint32_t epoch = 0; epoch < 10; epoch++) {
        int mixed = 0;

        for (uint32_t b = 0; b < 10000; b++)
            mixed += worker_mix_whether(&params, stream, epoch, b);
        cr_expect(fabs(mixed - 10000 * chance[epoch]) <= (chance[epoch] > 0 ? 200 : 0),
                  "%d in epoch %u", mixed, epoch);
    }
    params.mix_off_epochs = 10; /* all of them */
    params.mix_ramp_epochs = 0;
    for (uint32_t epoch = 0; epoch < 10; epoch++)
        cr_expect_not(worker_mix_whether(&params, stream, epoch, 0));
}
