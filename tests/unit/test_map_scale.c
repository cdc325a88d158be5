/* What is done to a map after it was made. */
#include <criterion/criterion.h>
#include <math.h>

#include "worker/explain.h"

Test(map_scale, a_flat_map_gives_zeros_and_says_so)
{
    const float twos[4 * 5] = {[0 ... 19] = -2}, zeros[4 * 5] = {0};
    float       out[4 * 5];

    cr_expect_eq(worker_map_scaled(twos, 20, false, out), WORKER_MAP_FLAT);
    for (int k = 0; k < 20; k++)
        cr_expect_eq(out[k], 0);
    cr_expect_eq(worker_map_scaled(zeros, 20, true, out), WORKER_MAP_ZERO);
    for (int k = 0; k < 20; k++)
        cr_expect_eq(out[k], 0);
    cr_expect_eq(worker_map_state(zeros, 0), WORKER_MAP_ZERO);
}

Test(map_scale, no_positive_factor_changes_a_scaled_map)
{
    static const double factors[] = {1e-8, 1e-40, 1e30};
    float               map[16], small[16], scaled[16], other[16];

    for (int k = 0; k < 16; k++)
        map[k] = (float)(k + 1);
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        cr_expect_eq(worker_map_scaled(map, 16, is_signed, scaled), WORKER_MAP_VARIED);
        for (size_t f = 0; f < sizeof factors / sizeof factors[0]; f++) {
            for (int k = 0; k < 16; k++)
                small[k] = (float)(map[k] * factors[f]);
            cr_expect_eq(worker_map_scaled(small, 16, is_signed, other), WORKER_MAP_VARIED);
            for (int k = 0; k < 16; k++)
                cr_expect(fabsf(other[k] - scaled[k]) <= 1e-5f, "factor %g: %g, not %g", factors[f],
                          (double)other[k], (double)scaled[k]);
        }
    }
    cr_expect_eq(scaled[15], 1);
}

Test(map_scale, parts_are_scaled_before_signs_are_dropped)
{
    const float map[] = {-4, -1, 2, 1}, expected[] = {1, .25f, 1, .5f};
    float       out[4];

    cr_expect_eq(worker_map_scaled(map, 4, true, out), WORKER_MAP_VARIED);
    for (int k = 0; k < 4; k++)
        cr_expect_eq(out[k], expected[k]);
}

Test(map_scale, a_map_with_a_nan_is_not_flat)
{
    const float map[] = {1, NAN, 1}, first[] = {NAN, 1, 1};

    cr_expect_eq(worker_map_state(map, 3), WORKER_MAP_VARIED);
    cr_expect_eq(worker_map_state(first, 3), WORKER_MAP_VARIED);
}

Test(map_scale, a_peak_stays_in_its_corner)
{
    float  map[3 * 5] = {0}, out[6 * 10];
    size_t best = 0;

    map[4] = 1;
    worker_map_resize(map, 3, 5, out, 6, 10);
    for (size_t k = 0; k < 60; k++)
        best = out[k] > out[best] ? k : best;
    cr_expect_eq(best, 9);
    cr_expect_eq(out[9], 1);
    cr_expect_eq(out[59], 0);
}

/* (0, 4) to five pixels: places -0.3 .. 1.3, by the edges' rule. */
Test(map_scale, resizing_is_bilinear_between_centres)
{
    const float row[] = {0, 4}, expected[] = {0, 0.4f, 2, 3.6f, 4};
    float       out[5];

    worker_map_resize(row, 1, 2, out, 1, 5);
    for (int k = 0; k < 5; k++)
        cr_expect(fabsf(out[k] - expected[k]) <= 1e-6f, "%d: %g", k, (double)out[k]);
    worker_map_resize(row, 2, 1, out, 5, 1);
    for (int k = 0; k < 5; k++)
        cr_expect(fabsf(out[k] - expected[k]) <= 1e-6f, "%d: %g", k, (double)out[k]);
}

Test(map_scale, a_part_of_a_larger_map_is_that_part)
{
    float                          map[6] = {3, 1, 4, 1, 5, 9}, whole[8 * 9], part[3 * 4];
    const struct worker_map_cutout cut = {8, 9, 2, 5, 3, 4};

    worker_map_resize(map, 2, 3, whole, 8, 9);
    worker_map_cut(map, 2, 3, &cut, part);
    for (uint32_t y = 0; y < 3; y++)
        for (uint32_t x = 0; x < 4; x++)
            cr_expect_eq(part[y * 4 + x], whole[(y + 2) * 9 + x + 5]);
}
