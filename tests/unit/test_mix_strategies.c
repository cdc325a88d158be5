/* The draws of single strategies against their closed forms. Those of mixup,
 * cutmix and cutout are in test_mix.c. */
#include <criterion/criterion.h>
#include <math.h>

#include "mix_draws.h"

/* Mean number of pixels of [c - length/2, c - length/2 + length) that lie on
 * `side` pixels, c uniform. */
static double mean_length(uint32_t side, uint32_t length)
{
    double sum = 0;

    for (int64_t c = 0; c < side; c++) {
        int64_t first = c - length / 2, last = first + length;

        sum += (double)((last > side ? side : last) - (first < 0 ? 0 : first));
    }
    return sum / side;
}

/* Mean share of a clipped square of side int(S x), x of the given distribution. */
static double mean_square(uint32_t side, double (*below)(double x))
{
    double sum = 0;

    for (uint32_t k = 0; k <= side; k++) {
        double chance = below((k + 1.0) / side) - below((double)k / side);
        double length = mean_length(side, k);

        sum += chance * length * length;
    }
    return sum / side / side;
}

/* P(x' < x) of a resizemix patch's side, U(0.1, 0.8). */
static double resizemix_below(double x)
{
    return fmin(fmax((x - 0.1) / 0.7, 0), 1);
}

struct spread {
    double mean, error;
};

static struct spread hidden(const struct mix_drawer *drawer, uint32_t n)
{
    double sum = 0, squares = 0;

    for (uint32_t b = 0; b < n; b++) {
        double share = 1 - mix_draw(drawer, b, false).share;

        sum += share;
        squares += share * share;
    }
    return (struct spread){sum / n, sqrt((squares / n - sum / n * (sum / n)) / n)};
}

Test(resizemix, hides_its_published_share_at_each_size)
{
    static const struct {
        uint32_t side;
        double   share;
    } rows[] = {{28, .166}, {32, .167}, {64, .172}, {224, .175}};
    const struct worker_params params = mix_params(WORKER_MIX_RESIZEMIX);

    for (int k = 0; k < 4; k++) {
        const struct worker_shape shape = {1, rows[k].side, rows[k].side, 2, 0};
        struct mix_drawer         drawer = mix_drawer_make(&params, &shape);
        double                    exact = mean_square(rows[k].side, resizemix_below);
        struct spread             got = hidden(&drawer, 40000);

        cr_expect(fabs(exact - rows[k].share) <= .0005, "%g at %u", exact, rows[k].side);
        cr_expect(fabs(got.mean - exact) <= 4 * got.error, "%g of %g at %u", got.mean, exact,
                  rows[k].side);
        mix_drawer_free(&drawer);
    }
}

Test(resizemix, shows_the_whole_partner_where_its_patch_lies_inside)
{
    const struct worker_shape  shape = {1, 40, 100, 2, 0};
    const struct worker_params params = mix_params(WORKER_MIX_RESIZEMIX);
    struct mix_drawer          drawer = mix_drawer_make(&params, &shape);
    int                        whole = 0, clipped = 0;

    for (uint32_t b = 0; b < 400; b++) {
        struct worker_mix_draw draw = mix_draw(&drawer, b, false);
        int32_t                end[2] = {draw.corner[0] + (int32_t)draw.patch[0],
                                         draw.corner[1] + (int32_t)draw.patch[1]};

        cr_assert(draw.patch[0] >= 4 && draw.patch[0] < 32);
        cr_assert(draw.patch[1] >= 10 && draw.patch[1] < 80);
        cr_assert(fabs((double)draw.patch[0] / 40 - draw.patch[1] / 100.0) <= 1 / 40.0);
        cr_assert_eq((int32_t)draw.y0, draw.corner[0] < 0 ? 0 : draw.corner[0]);
        cr_assert_eq((int32_t)draw.x1, end[1] > 100 ? 100 : end[1]);
        if (draw.corner[0] < 0 || draw.corner[1] < 0 || end[0] > 40 || end[1] > 100)
            clipped++;
        else
            whole++;
    }
    cr_expect(whole > 30 && clipped > 30, "%d and %d", whole, clipped);
    mix_drawer_free(&drawer);
}

Test(resizemix, a_patch_without_pixels_mixes_nothing)
{
    const struct worker_shape shape = {1, 8, 8, 2, 0};
    struct worker_params      params = mix_params(WORKER_MIX_RESIZEMIX);
    struct mix_drawer         drawer;

    params.mix_scale = (struct worker_list){2, {0, 0.1}};
    drawer = mix_drawer_make(&params, &shape);
    for (uint32_t b = 0; b < 20; b++) {
        struct worker_mix_draw draw = mix_draw(&drawer, b, false);

        cr_assert_eq(draw.share, 1);
        cr_assert(draw.y1 == draw.y0 && draw.x1 == draw.x0);
    }
    mix_drawer_free(&drawer);
}

/* With lambda uniform, every number of cells from the base is equally likely:
 * 0 to 16, each 1/17. */
Test(gridmix, the_number_of_base_cells_is_uniform_at_alpha_1)
{
    static const uint32_t      sides[] = {28, 32, 64, 224};
    const struct worker_params params = mix_params(WORKER_MIX_GRIDMIX);
    enum {
        DRAWS = 3400
    };

    for (int k = 0; k < 4; k++) {
        const struct worker_shape shape = {1, sides[k], sides[k], 2, 0};
        struct mix_drawer         drawer = mix_drawer_make(&params, &shape);
        double                    squares = 0;
        unsigned                  seen[17] = {0};

        for (uint32_t b = 0; b < DRAWS; b++) {
            double cells = 16 * mix_draw(&drawer, b, false).share;

            cr_assert_eq(cells, floor(cells));
            seen[(int)cells]++;
        }
        for (int c = 0; c <= 16; c++)
            squares += (seen[c] - DRAWS / 17.0) * (seen[c] - DRAWS / 17.0) / (DRAWS / 17.0);
        cr_expect(squares < 39.3, "%g at %u", squares, sides[k]); /* 16 degrees, 0.1 % */
        mix_drawer_free(&drawer);
    }
}

/* Each cell is the base's with the chance lambda that was drawn, not 1 - lambda. */
Test(gridmix, cells_follow_the_lambda_of_their_draw)
{
    static const double       alphas[] = {0.2, 1, 100};
    const struct worker_shape shape = {1, 28, 28, 2, 0};

    for (int a = 0; a < 3; a++) {
        struct worker_params params = mix_params(WORKER_MIX_GRIDMIX);
        struct mix_drawer    drawer;
        double               sum = 0, variance = 0;

        params.mix_alpha = alphas[a];
        drawer = mix_drawer_make(&params, &shape);
        for (uint32_t b = 0; b < 3000; b++) {
            struct worker_mix_draw draw = mix_draw(&drawer, b, false);

            /* Weighted, or the symmetry of Beta would make either chance look right. */
            sum += (draw.share - draw.drawn) * (draw.drawn - 0.5);
            variance += draw.drawn * (1 - draw.drawn) / 16 * pow(draw.drawn - 0.5, 2);
        }
        cr_expect(fabs(sum) <= 4 * sqrt(variance), "%g of %g at alpha %g", sum, sqrt(variance),
                  alphas[a]);
        mix_drawer_free(&drawer);
    }
}

Test(gridmix, cells_are_of_one_image_each_and_differ_by_a_pixel_at_most)
{
    const struct worker_shape shape = {1, 10, 7, 2, 0};
    struct worker_params      params = mix_params(WORKER_MIX_GRIDMIX);
    static const uint32_t     rows[] = {0, 3, 6, 10}, columns[] = {0, 2, 4, 7};
    struct mix_drawer         drawer;

    params.mix_cells = 3;
    drawer = mix_drawer_make(&params, &shape);
    for (uint32_t b = 0; b < 100; b++) {
        mix_draw(&drawer, b, false);
        for (int r = 0; r < 3; r++)
            for (int c = 0; c < 3; c++)
                for (uint32_t y = rows[r]; y < rows[r + 1]; y++)
                    for (uint32_t x = columns[c]; x < columns[c + 1]; x++)
                        cr_assert_eq(drawer.mask[y * 7 + x], drawer.mask[rows[r] * 7 + columns[c]]);
    }
    mix_drawer_free(&drawer);
}

/* More cells than pixels: some cells are empty, and each pixel has its own. */
Test(gridmix, more_cells_than_pixels_are_allowed)
{
    const struct worker_shape shape = {1, 5, 8, 2, 0};
    struct worker_params      params = mix_params(WORKER_MIX_GRIDMIX);
    struct mix_drawer         drawer;
    int                       differ = 0;

    params.mix_cells = 64;
    drawer = mix_drawer_make(&params, &shape);
    for (uint32_t b = 0; b < 50; b++) {
        mix_draw(&drawer, b, false);
        for (int p = 0; p < 40; p++) {
            cr_assert(drawer.mask[p] == 0 || drawer.mask[p] == 2);
            differ += drawer.mask[p] != drawer.mask[0];
        }
    }
    cr_expect_gt(differ, 100);
    mix_drawer_free(&drawer);
}
