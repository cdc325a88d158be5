#include <criterion/criterion.h>

#include "sweep/sobol.h"

/* Points 1000 and 2047 of scipy.stats.qmc.Sobol(21, scramble=False, bits=32). */
static const uint32_t at_1000[MX_SOBOL_DIMS] = {
    0x38400000, 0x18c00000, 0x84c00000, 0xad400000, 0x47c00000, 0xe8400000, 0x0bc00000,
    0xe6400000, 0x80400000, 0x11c00000, 0x15c00000, 0x41400000, 0x29400000, 0x62400000,
    0x24c00000, 0x5ec00000, 0xb8400000, 0x58400000, 0xfdc00000, 0xb9c00000, 0x85c00000};
static const uint32_t at_2047[MX_SOBOL_DIMS] = {
    0x00200000, 0xa0a00000, 0xee600000, 0x59e00000, 0xa1600000, 0xa8600000, 0x1e200000,
    0x08200000, 0xea200000, 0x72200000, 0x7fa00000, 0xe2a00000, 0x95a00000, 0xfce00000,
    0x7d200000, 0xada00000, 0x8aa00000, 0xd2e00000, 0x1c200000, 0x09600000, 0x5ba00000};

static void point(unsigned number, uint32_t *x)
{
    struct mx_sobol sobol;

    mx_sobol_begin(&sobol, MX_SOBOL_DIMS);
    for (unsigned n = 0; n <= number; n++)
        mx_sobol_next(&sobol, x);
}

Test(sobol, gives_the_published_points)
{
    uint32_t x[MX_SOBOL_DIMS];

    point(0, x);
    for (unsigned d = 0; d < MX_SOBOL_DIMS; d++)
        cr_expect_eq(x[d], 0);
    point(1000, x);
    for (unsigned d = 0; d < MX_SOBOL_DIMS; d++)
        cr_expect_eq(x[d], at_1000[d], "dimension %u", d);
    point(2047, x);
    for (unsigned d = 0; d < MX_SOBOL_DIMS; d++)
        cr_expect_eq(x[d], at_2047[d], "dimension %u", d);
}

Test(sobol, has_one_point_in_each_slice_of_every_dimension)
{
    static bool     hit[MX_SOBOL_DIMS][1024];
    struct mx_sobol sobol;
    uint32_t        x[MX_SOBOL_DIMS];

    mx_sobol_begin(&sobol, MX_SOBOL_DIMS);
    for (unsigned n = 0; n < 1024; n++) {
        mx_sobol_next(&sobol, x);
        for (unsigned d = 0; d < MX_SOBOL_DIMS; d++) {
            cr_assert_not(hit[d][x[d] >> 22], "dimension %u, point %u", d, n);
            hit[d][x[d] >> 22] = true;
        }
    }
}
