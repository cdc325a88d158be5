/* Numbers of a map by hand. */
#include <criterion/criterion.h>
#include <math.h>

#include "worker/map_numbers.h"

static double gini(const float *map, size_t n)
{
    double value;

    cr_assert_eq(worker_map_gini(map, n, &value, NULL), 0);
    return value;
}

static double spearman(const float *a, const float *b, size_t n)
{
    double value;

    cr_assert_eq(worker_map_spearman(a, b, n, &value, NULL), 0);
    return value;
}

Test(map_numbers, gini_goes_from_all_alike_to_one_pixel)
{
    const float alike[] = {2, -2, 2, 2, -2}, one[] = {0, 0, -7, 0, 0}, zero[5] = {0};
    const float some[] = {3, -1, 2, 0}; /* 0 1 2 3: sum (2k - 3) x = -1 + 2 + 9 of 4 x 6 */

    cr_expect(fabs(gini(alike, 5)) <= 1e-12);
    cr_expect(fabs(gini(one, 5) - .8) <= 1e-12);
    cr_expect_eq(gini(zero, 5), 0);
    cr_expect(fabs(gini(some, 4) - 10.0 / 24) <= 1e-12);
}

Test(map_numbers, entropy_goes_from_one_pixel_to_all_alike)
{
    const float alike[] = {2, -2, 2, 2, -2}, one[] = {0, 0, -7, 0, 0}, zero[5] = {0};
    const float some[] = {1, -3};

    cr_expect(fabs(worker_map_entropy(alike, 5) - log(5)) <= 1e-12);
    cr_expect_eq(worker_map_entropy(one, 5), 0);
    cr_expect(isnan(worker_map_entropy(zero, 5)));
    cr_expect(fabs(worker_map_entropy(some, 2) + .25 * log(.25) + .75 * log(.75)) <= 1e-12);
}

Test(map_numbers, no_positive_factor_changes_them)
{
    float map[40], scaled[40];

    for (int k = 0; k < 40; k++) {
        map[k] = (float)sin(k * k);
        scaled[k] = 1024 * map[k];
    }
    cr_expect(fabs(gini(map, 40) - gini(scaled, 40)) <= 1e-12);
    cr_expect(fabs(worker_map_entropy(map, 40) - worker_map_entropy(scaled, 40)) <= 1e-12);
}

Test(map_numbers, spearman_is_of_ranks_and_shares_those_of_ties)
{
    const float a[] = {1, 2, 3, 4, 100}, up[] = {-5, 0, 1, 2, 2.5f}, down[] = {9, 8, 1, 0, -1};
    const float ties[] = {1, 1, 2}, other[] = {1, 2, 3}, flat[] = {4, 4, 4};

    cr_expect(fabs(spearman(a, up, 5) - 1) <= 1e-12);
    cr_expect(fabs(spearman(a, down, 5) + 1) <= 1e-12);
    /* ranks .5 .5 2 and 0 1 2: (.5 x 1 - .5 x 0 + 1 x 1) / sqrt(1.5 x 2) */
    cr_expect(fabs(spearman(ties, other, 3) - 1.5 / sqrt(3)) <= 1e-12);
    cr_expect(isnan(spearman(flat, other, 3)));
}
