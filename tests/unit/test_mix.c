#include <criterion/criterion.h>
#include <math.h>

#include "worker/choices.h"
#include "worker/mix.h"

static struct worker_params params_of(enum worker_strategy strategy)
{
    return (struct worker_params){.mix_strategy = strategy, .mix_alpha = 1, .mix_prob = 1};
}

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
    const struct worker_mix *strategy = &worker_mixes[params->mix_strategy];
    struct worker_mix_place  place = {mx_stream_make(11, 0, MX_PURPOSE_MIX, 0), 0, 0, 0};
    double                   sum = 0, squares = 0;
    uint32_t                 below = 0;

    for (place.batch = 0; place.batch < n; place.batch++) {
        struct worker_mix_draw draw;

        strategy->draw(params, shape, &place, false, &draw);
        sum += draw.share;
        squares += draw.share * draw.share;
        below += draw.share < 0.5;
    }
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
    struct worker_params params = params_of(WORKER_MIX_CUTMIX);

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
    struct worker_params params = params_of(WORKER_MIX_CUTOUT);

    for (uint32_t side = 28; side <= 32; side += 4) {
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
    struct worker_params params = params_of(WORKER_MIX_MIXUP);
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
    const struct worker_shape shape = {1, 40, 100, 2, 0};
    struct worker_params      params = params_of(WORKER_MIX_CUTMIX);
    struct worker_mix_place   place = {mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), 0, 0, 0};
    int                       whole = 0;

    for (place.batch = 0; place.batch < 300; place.batch++) {
        double                 r = sqrt(1 - worker_mix_lambda(&params, &place));
        struct worker_mix_draw draw;

        worker_mix_draw_cutmix(&params, &shape, &place, false, &draw);
        if (draw.y0 > 0 && draw.y1 < 40 && draw.x0 > 0 && draw.x1 < 100) {
            cr_expect_eq(draw.y1 - draw.y0, (uint32_t)(40 * r) / 2 * 2);
            cr_expect_eq(draw.x1 - draw.x0, (uint32_t)(100 * r) / 2 * 2);
            whole++;
        }
    }
    cr_expect_gt(whole, 30);
}

Test(mix, odd_sides_follow_the_strategy)
{
    const struct worker_shape shape = square(64);
    struct worker_params      params = params_of(WORKER_MIX_CUTOUT);
    uint32_t                  widest = 0;

    params.mix_size = 7;
    for (uint32_t b = 0; b < 200; b++) {
        struct worker_mix_place place = {mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), 0, b, 0};
        struct worker_mix_draw  draw;

        worker_mix_draw_cutout(&params, &shape, &place, false, &draw);
        widest = draw.x1 - draw.x0 > widest ? draw.x1 - draw.x0 : widest;
        worker_mix_draw_cutmix(&params, &shape, &place, false, &draw);
        if (draw.x0 > 0 && draw.x1 < 64)
            cr_expect_eq((draw.x1 - draw.x0) % 2, 0);
    }
    cr_expect_eq(widest, 7); /* cutout's square has the side asked for */
}

Test(mix, cutout_hides_a_square_of_half_the_shorter_side)
{
    const struct worker_shape shape = {1, 9, 60, 2, 0};
    struct worker_params      params = params_of(WORKER_MIX_CUTOUT);
    struct worker_mix_place   place = {mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), 0, 0, 0};
    uint32_t                  high = 0, wide = 0;

    for (place.batch = 0; place.batch < 100; place.batch++) {
        struct worker_mix_draw draw;

        worker_mix_draw_cutout(&params, &shape, &place, false, &draw);
        high = draw.y1 - draw.y0 > high ? draw.y1 - draw.y0 : high;
        wide = draw.x1 - draw.x0 > wide ? draw.x1 - draw.x0 : wide;
    }
    cr_expect_eq(high, 4);
    cr_expect_eq(wide, 4);
}

Test(mix, a_square_larger_than_the_image_hides_it_all)
{
    const struct worker_shape shape = {1, 3, 9, 2, 0};
    struct worker_params      params = params_of(WORKER_MIX_CUTOUT);
    struct worker_mix_place   place = {mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), 0, 0, 0};
    struct worker_mix_draw    draw;

    params.mix_size = INT64_MAX;
    for (place.batch = 0; place.batch < 50; place.batch++) {
        worker_mix_draw_cutout(&params, &shape, &place, false, &draw);
        cr_assert_eq(draw.share, 0);
    }
}

Test(mix, alpha_0_mixes_nothing_and_a_tiny_one_takes_either_image)
{
    const struct worker_shape shape = square(8);
    struct worker_params      params = params_of(WORKER_MIX_MIXUP);
    struct worker_mix_place   place = {mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), 0, 0, 0};
    struct worker_mix_draw    draw;
    int                       whole = 0;

    params.mix_alpha = 0;
    worker_mix_draw_mixup(&params, &shape, &place, false, &draw);
    cr_expect_eq(draw.share, 1);
    params.mix_alpha = 1e-6;
    for (place.batch = 0; place.batch < 100; place.batch++) {
        worker_mix_draw_mixup(&params, &shape, &place, false, &draw);
        whole += draw.share > 0.5;
        cr_assert(draw.share < 1e-3 || draw.share > 1 - 1e-3);
    }
    cr_expect(whole > 25 && whole < 75);
}

Test(mix, lambda_is_shared_by_strategies_and_differs_between_places)
{
    struct worker_params    params = params_of(WORKER_MIX_MIXUP);
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
    struct worker_params params = params_of(WORKER_MIX_CUTMIX);

    for (int k = 0; k <= 5; k++) {
        int mixed = 0;

        params.mix_prob = k / 5.0;
        for (uint32_t b = 0; b < 10000; b++)
            mixed += worker_mix_whether(&params, stream, 0, b);
        cr_expect(abs(mixed - 2000 * k) <= (k % 5 ? 200 : 0), "%d at %g", mixed, params.mix_prob);
    }
}

/* What each label rule makes of a draw: images of 4 x 4 grey pixels, the base
 * all 0 of class 4, the partner all 1 of class 7. */
struct rule_row {
    enum worker_strategy   strategy;
    enum worker_label_rule rule;
    double                 share;
    uint32_t               y_a, y_b;
    float                  lambda;
    float                  outside, inside; /* pixels beyond and in the box (1, 1)-(3, 3) */
};

static const struct rule_row rule_rows[] = {
    {WORKER_MIX_MIXUP, WORKER_LABELS_MIXED, 0.25, 4, 7, 0.25f, 0.75f, 0.75f},
    {WORKER_MIX_MIXUP, WORKER_LABELS_DOMINANT, 0.25, 7, 7, 1, 0.75f, 0.75f},
    {WORKER_MIX_MIXUP, WORKER_LABELS_DOMINANT, 0.5, 4, 4, 1, 0.5f, 0.5f},
    {WORKER_MIX_MIXUP, WORKER_LABELS_HOST, 0.75, 4, 4, 1, 0.25f, 0.25f},
    {WORKER_MIX_MIXUP, WORKER_LABELS_ONLY, 0.25, 4, 7, 0.25f, 0, 0},
    {WORKER_MIX_CUTMIX, WORKER_LABELS_MIXED, 0.75, 4, 7, 0.75f, 0, 1},
    {WORKER_MIX_CUTMIX, WORKER_LABELS_DOMINANT, 0.75, 4, 4, 1, 0, 1},
    {WORKER_MIX_CUTMIX, WORKER_LABELS_HOST, 0.75, 4, 4, 1, 0, 1},
    {WORKER_MIX_CUTMIX, WORKER_LABELS_ONLY, 0.75, 4, 7, 0.75f, 0, 0},
    {WORKER_MIX_CUTOUT, WORKER_LABELS_MIXED, 0.75, 4, 4, 1, 0, 0},
    {WORKER_MIX_CUTOUT, WORKER_LABELS_ONLY, 0.75, 4, 4, 1, 0, 0},
};

static struct worker_mix_draw draw_of(const struct rule_row *row)
{
    struct worker_mix_draw draw = {.share = row->share, .y0 = 1, .x0 = 1, .y1 = 3, .x1 = 3};

    draw.outside[0] = row->strategy == WORKER_MIX_MIXUP ? (float)row->share : 1;
    draw.outside[1] = 1 - draw.outside[0];
    draw.inside[0] = row->strategy == WORKER_MIX_MIXUP ? (float)row->share : 0;
    draw.inside[1] = row->strategy == WORKER_MIX_CUTOUT ? 0 : 1 - draw.inside[0];
    return draw;
}

static void check_rule(const struct rule_row *row, struct worker_batch *batch)
{
    static const uint8_t   pixels[2][16] = {{0}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}};
    struct worker_mix_draw draw = draw_of(row);
    struct kern_batch_args args = {
        2, 1, 4, 4, pixels[0], batch->table, batch->samples, batch->images};

    for (uint32_t i = 0; i < 2; i++) {
        batch->samples[i] = (struct kern_batch_sample){
            .image = i, .partner = 1 - i, .outside = {1, 0}, .inside = {1, 0}};
        batch->lambda[i] = 1;
        batch->y_a[i] = batch->y_b[i] = i ? 7 : 4;
    }
    batch->table[1] = 1;
    worker_mix_apply(batch, 0, &worker_mixes[row->strategy], &draw, row->rule, 7);
    kern_cpu()->batch(kern_cpu(), &args, NULL);
    cr_expect_eq(batch->y_a[0], row->y_a);
    cr_expect_eq(batch->y_b[0], row->y_b);
    cr_expect_eq(batch->lambda[0], row->lambda);
    cr_expect_eq(batch->area[0], (float)row->share);
    for (int k = 0; k < 16; k++) {
        bool in = k / 4 % 3 != 0 && k % 4 % 3 != 0;

        cr_expect_eq(batch->images[k], in ? row->inside : row->outside, "pixel %d: %g", k,
                     (double)batch->images[k]);
    }
}

Test(mix, label_rules_equal_a_batch_worked_out_by_hand)
{
    struct worker_shape  shape = square(4);
    struct worker_batch *batch = worker_batch_new(&shape, 2, NULL);

    for (size_t k = 0; k < sizeof rule_rows / sizeof rule_rows[0]; k++)
        check_rule(&rule_rows[k], batch);
    worker_batch_free(batch);
}

Test(mix, host_gives_the_base_at_least_half_under_mixup)
{
    const struct worker_shape shape = square(4);
    struct worker_params      params = params_of(WORKER_MIX_MIXUP);
    struct worker_mix_place   place = {mx_stream_make(1, 0, MX_PURPOSE_MIX, 0), 0, 0, 0};
    int                       replaced = 0;

    for (place.batch = 0; place.batch < 100; place.batch++) {
        struct worker_mix_draw plain, host;

        worker_mix_draw_mixup(&params, &shape, &place, false, &plain);
        worker_mix_draw_mixup(&params, &shape, &place, true, &host);
        cr_expect_eq(host.share, fmax(plain.share, 1 - plain.share));
        cr_expect_eq(host.outside[0], (float)host.share);
        replaced += plain.share < 0.5;
    }
    cr_expect(replaced > 25 && replaced < 75);
}
