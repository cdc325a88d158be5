/* Inter-model numbers against a dense least-squares solution and exact cases. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/inter_model.h"

enum {
    ROOM = 9 /* models, at most */
};

/* Solve a (n, n) x = b in place by elimination with pivots. */
static void solve(uint32_t n, double *a, double *b)
{
    for (uint32_t k = 0; k < n; k++) {
        uint32_t pivot = k;

        for (uint32_t r = k; r < n; r++)
            pivot = fabs(a[r * n + k]) > fabs(a[pivot * n + k]) ? r : pivot;
        for (uint32_t c = 0; c < n; c++) {
            const double swapped = a[k * n + c];

            a[k * n + c] = a[pivot * n + c];
            a[pivot * n + c] = swapped;
        }
        {
            const double swapped = b[k];

            b[k] = b[pivot];
            b[pivot] = swapped;
        }
        for (uint32_t r = 0; r < n; r++) {
            const double factor = r == k ? 0 : a[r * n + k] / a[k * n + k];

            for (uint32_t c = k; c < n; c++)
                a[r * n + c] -= factor * a[k * n + c];
            b[r] -= factor * b[k];
        }
    }
    for (uint32_t k = 0; k < n; k++)
        b[k] /= a[k * n + k];
}

/* Columns of the design: mu, map 0 .. n-2, scorer 0 .. n-2; the last ones are minus the
 * sum of the others. */
static double design(uint32_t n, uint32_t i, uint32_t j, uint32_t column)
{
    const uint32_t which = column > n - 1, k = which ? column - n : column - 1;
    const uint32_t own = which ? j : i;

    if (column == 0)
        return 1;
    return own == k ? 1 : own == n - 1 ? -1 : 0;
}

static void dense_fit(const double *matrix, uint32_t n, double *mean, double *map, double *scorer)
{
    const uint32_t columns = 2 * n - 1;
    double         a[(2 * ROOM - 1) * (2 * ROOM - 1)] = {0}, b[2 * ROOM - 1] = {0};

    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            for (uint32_t r = 0; i != j && r < columns; r++) {
                b[r] += design(n, i, j, r) * matrix[i * n + j];
                for (uint32_t c = 0; c < columns; c++)
                    a[r * columns + c] += design(n, i, j, r) * design(n, i, j, c);
            }
    solve(columns, a, b);
    *mean = b[0];
    map[n - 1] = scorer[n - 1] = 0;
    for (uint32_t k = 0; k + 1 < n; k++) {
        map[k] = b[1 + k];
        scorer[k] = b[n + k];
        map[n - 1] -= map[k];
        scorer[n - 1] -= scorer[k];
    }
}

static struct worker_inter_fit new_fit(uint32_t models)
{
    struct worker_inter_fit fit;

    cr_assert_eq(worker_inter_fit_new(models, &fit, NULL), 0);
    return fit;
}

Test(inter_model, fits_as_dense_least_squares_do)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(1, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    for (uint32_t n = 3; n <= ROOM; n++) {
        struct worker_inter_fit fit = new_fit(n);
        double matrix[ROOM * ROOM], mean, map[ROOM], scorer[ROOM], sums[2] = {0, 0};

        for (uint32_t k = 0; k < n * n; k++)
            matrix[k] = mx_rng_normal(&rng);
        cr_assert_eq(worker_inter_fit(matrix, n, false, &fit, NULL), 0);
        dense_fit(matrix, n, &mean, map, scorer);
        cr_expect(fabs(fit.mean - mean) <= 1e-12);
        for (uint32_t k = 0; k < n; k++) {
            cr_expect(fabs(fit.map[k] - map[k]) <= 1e-12, "%u models: %g, not %g", n, fit.map[k],
                      map[k]);
            cr_expect(fabs(fit.scorer[k] - scorer[k]) <= 1e-12);
            cr_expect(fabs(fit.self[k] - (matrix[k * n + k] - mean - map[k] - scorer[k])) <= 1e-12);
            cr_expect_eq(fit.carries[k], -fit.map[k]);
            sums[0] += fit.map[k];
            sums[1] += fit.scorer[k];
        }
        cr_expect(fabs(sums[0]) <= 1e-12 && fabs(sums[1]) <= 1e-12);
        free(fit.map);
    }
}

/* map -.1 0 .1, scorer .2 -.2 0, mean .5; what is on the diagonal is in `self` alone. */
Test(inter_model, gives_back_what_a_matrix_was_made_of)
{
    static const double     map[] = {-.1, 0, .1}, scorer[] = {.2, -.2, 0}, self[] = {-.3, 0, .05};
    struct worker_inter_fit fit = new_fit(3);
    double                  matrix[9];

    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            matrix[3 * i + j] = .5 + map[i] + scorer[j] + (i == j ? self[i] : 0);
    cr_assert_eq(worker_inter_fit(matrix, 3, true, &fit, NULL), 0);
    cr_expect(fabs(fit.mean - .5) <= 1e-14);
    for (int k = 0; k < 3; k++) {
        cr_expect(fabs(fit.map[k] - map[k]) <= 1e-14);
        cr_expect(fabs(fit.scorer[k] - scorer[k]) <= 1e-14);
        cr_expect(fabs(fit.self[k] - self[k]) <= 1e-14);
        cr_expect_eq(fit.carries[k], fit.map[k]);
    }
    cr_expect(fabs(fit.row[0] - (.4 + (-.2 + 0) / 2)) <= 1e-14);
    free(fit.map);
}

/* Model 1's maps are the better ones for everybody, but it withstands occlusion: by the
 * diagonal it is last. */
Test(inter_model, ranks_a_robust_model_by_its_maps)
{
    static const double     map[] = {0, -.1, .1}, robust[] = {-.15, .3, -.15};
    struct worker_inter_fit fit = new_fit(3);
    double                  matrix[9];

    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            matrix[3 * i + j] = .4 + map[i] + robust[j];
    cr_assert_eq(worker_inter_fit(matrix, 3, false, &fit, NULL), 0);
    cr_expect(matrix[4] > matrix[0] && matrix[4] > matrix[8]);
    cr_expect(fit.carries[1] > fit.carries[0] && fit.carries[0] > fit.carries[2]);
    free(fit.map);
}

Test(inter_model, needs_three_models)
{
    const double            matrix[] = {1, 2, 3, 4};
    struct worker_inter_fit fit = new_fit(2);
    struct mx_err           err;

    cr_expect_eq(worker_inter_fit(matrix, 2, false, &fit, &err), -1);
    cr_expect_str_eq(err.text, "comparing maps across models takes three models, not 2 (lower "
                               "score.inter_model.min_accuracy, or run more cells or repeats)");
    free(fit.map);
}

Test(inter_model, leaves_out_models_far_below_the_best)
{
    const double accuracy[] = {.9, .45, .44, NAN, .6};
    bool         taken[5];

    cr_expect_eq(worker_inter_select(accuracy, 5, .5, taken), 3);
    cr_expect(taken[0] && taken[1] && !taken[2] && !taken[3] && taken[4]);
}

/* Rows are models; the third does not take part, so its misses cost nothing. */
Test(inter_model, counts_what_each_model_costs)
{
    const bool correct[] = {true,  true,  false, false, true, /* misses 2, 3 */
                            true,  false, false, true,  true, /* misses 1, 2 */
                            false, false, false, false, false};
    const bool taken[] = {true, true, false};
    bool       common[5];
    uint32_t   alone[3], wrong[3];

    cr_expect_eq(worker_inter_common(correct, 3, 5, taken, common, alone, wrong), 2);
    cr_expect(common[0] && !common[1] && !common[2] && !common[3] && common[4]);
    cr_expect(alone[0] == 1 && alone[1] == 1 && alone[2] == 0);
    cr_expect(wrong[0] == 2 && wrong[1] == 2 && wrong[2] == 0);
    cr_expect_eq(worker_inter_common(correct, 3, 5, taken, common, NULL, NULL), 2);
}

Test(inter_model, areas_are_of_a_curve_by_its_own_value)
{
    const float  curve[] = {.5f, .25f, .125f};
    const double shares[] = {0, .5, 1};

    cr_expect(fabs(worker_inter_area(curve, shares, 3, false) - .5625) <= 1e-12);
    cr_expect(fabs(worker_inter_area(curve, shares, 3, true) - 2.25) <= 1e-12);
}

Test(inter_model, a_matrix_is_the_mean_over_images_as_often_as_they_are_drawn)
{
    const float    areas[] = {1, 2, 3, 10, 20, 60, 0, 0, 3, 4, 4, 4};
    const uint32_t counts[] = {0, 1, 2};
    double         matrix[4];

    worker_inter_matrix(areas, 2, 3, NULL, matrix);
    cr_expect(matrix[0] == 2 && matrix[1] == 30 && matrix[2] == 1 && matrix[3] == 4);
    worker_inter_matrix(areas, 2, 3, counts, matrix);
    cr_expect(fabs(matrix[0] - 8.0 / 3) <= 1e-12 && fabs(matrix[1] - 140.0 / 3) <= 1e-12);
}

static struct worker_inter_interval new_interval(uint32_t models)
{
    struct worker_inter_interval interval = {
        .matrix = calloc((size_t)models * models, sizeof(double)), .fit = new_fit(models)};

    return interval;
}

static void free_interval(struct worker_inter_interval *interval)
{
    free(interval->matrix);
    free(interval->fit.map);
}

/* Areas that do not depend on the image have no interval; those that do have the one of
 * a mean: 1.96 sd / sqrt(images) on each side. */
Test(inter_model, bootstrap_intervals_are_those_of_a_mean)
{
    enum {
        MODELS = 3,
        IMAGES = 400
    };
    struct mx_rng                rng = mx_rng_at(mx_stream_make(2, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct mx_stream             stream = mx_stream_make(2, 0, MX_PURPOSE_BOOTSTRAP, 0);
    struct worker_inter_interval low = new_interval(MODELS), high = new_interval(MODELS);
    struct worker_inter_interval again = new_interval(MODELS), other = new_interval(MODELS);
    static float                 areas[MODELS * MODELS * IMAGES];
    double                       matrix[MODELS * MODELS], half = 1.96 / sqrt(IMAGES);
    struct worker_inter_fit      fit = new_fit(MODELS);

    for (int k = 0; k < MODELS * MODELS * IMAGES; k++)
        areas[k] = k < IMAGES ? .5f : (float)mx_rng_normal(&rng);
    cr_assert_eq(
        worker_inter_bootstrap(areas, MODELS, IMAGES, false, 500, stream, &low, &high, NULL), 0);
    worker_inter_matrix(areas, MODELS, IMAGES, NULL, matrix);
    cr_assert_eq(worker_inter_fit(matrix, MODELS, false, &fit, NULL), 0);
    cr_expect(fabs(low.matrix[0] - .5) <= 1e-12 && fabs(high.matrix[0] - .5) <= 1e-12);
    for (int k = 1; k < MODELS * MODELS; k++) {
        cr_expect(fabs(low.matrix[k] - (matrix[k] - half)) <= .3 * half, "%g", low.matrix[k]);
        cr_expect(fabs(high.matrix[k] - (matrix[k] + half)) <= .3 * half, "%g", high.matrix[k]);
    }
    cr_expect(low.fit.mean < fit.mean && fit.mean < high.fit.mean);
    for (int k = 0; k < MODELS; k++) {
        cr_expect(low.fit.map[k] < fit.map[k] && fit.map[k] < high.fit.map[k]);
        cr_expect(low.fit.self[k] < fit.self[k] && fit.self[k] < high.fit.self[k]);
        cr_expect(fabs(low.fit.carries[k] + high.fit.map[k]) <= 1e-12);
    }
    cr_assert_eq(
        worker_inter_bootstrap(areas, MODELS, IMAGES, false, 500, stream, &again, &other, NULL), 0);
    cr_expect_arr_eq(again.matrix, low.matrix, sizeof matrix);
    free_interval(&low);
    free_interval(&high);
    free_interval(&again);
    free_interval(&other);
    free(fit.map);
}

Test(inter_model, the_ceiling_is_between_seeds_of_one_recipe)
{
    const double   matrix[] = {9, 1, 5, 3, 9, 5, 5, 5, 9};
    const uint32_t recipe[] = {7, 7, 8}, all_differ[] = {1, 2, 3};

    cr_expect_eq(worker_inter_ceiling(matrix, 3, recipe), 2);
    cr_expect(isnan(worker_inter_ceiling(matrix, 3, all_differ)));
}
