#include "sweep/sobol.h"

#include <string.h>

/* Dimension 0 has all ones. Of the others: degree of the primitive polynomial,
 * its inner coefficients as bits, and the first direction numbers. */
static const struct {
    uint8_t  degree, inner;
    uint16_t first[7];
} table[MX_SOBOL_DIMS - 1] = {
    {1, 0, {1}},
    {2, 1, {1, 3}},
    {3, 1, {1, 3, 1}},
    {3, 2, {1, 1, 1}},
    {4, 1, {1, 1, 3, 3}},
    {4, 4, {1, 3, 5, 13}},
    {5, 2, {1, 1, 5, 5, 17}},
    {5, 4, {1, 1, 5, 5, 5}},
    {5, 7, {1, 1, 7, 11, 19}},
    {5, 11, {1, 1, 5, 1, 1}},
    {5, 13, {1, 1, 1, 3, 11}},
    {5, 14, {1, 3, 5, 5, 31}},
    {6, 1, {1, 3, 3, 9, 7, 49}},
    {6, 13, {1, 1, 1, 15, 21, 21}},
    {6, 16, {1, 3, 1, 13, 27, 49}},
    {6, 19, {1, 1, 1, 15, 7, 5}},
    {6, 22, {1, 3, 1, 15, 13, 25}},
    {6, 25, {1, 1, 5, 5, 19, 61}},
    {7, 1, {1, 3, 7, 11, 23, 15, 103}},
    {7, 4, {1, 3, 7, 13, 13, 15, 69}},
};

static void fill(uint32_t direction[32], unsigned dim)
{
    const unsigned degree = dim > 0 ? table[dim - 1].degree : 0;

    for (unsigned k = 0; k < 32; k++) {
        if (dim == 0) {
            direction[k] = UINT32_C(1) << (31 - k);
        } else if (k < degree) {
            direction[k] = (uint32_t)table[dim - 1].first[k] << (31 - k);
        } else {
            direction[k] = direction[k - degree] ^ direction[k - degree] >> degree;
            for (unsigned i = 1; i < degree; i++)
                if (table[dim - 1].inner >> (degree - 1 - i) & 1)
                    direction[k] ^= direction[k - i];
        }
    }
}

void mx_sobol_begin(struct mx_sobol *sobol, unsigned dims)
{
    memset(sobol, 0, sizeof *sobol);
    sobol->dims = dims;
    for (unsigned d = 0; d < dims; d++)
        fill(sobol->direction[d], d);
}

void mx_sobol_next(struct mx_sobol *sobol, uint32_t *x)
{
    memcpy(x, sobol->x, sobol->dims * sizeof *x);
    if (sobol->next == UINT32_MAX - 1)
        return;
    /* The bit in which Gray's codes of this number and the next differ. */
    for (unsigned d = 0; d < sobol->dims; d++)
        sobol->x[d] ^= sobol->direction[d][__builtin_ctz(~sobol->next)];
    sobol->next++;
}
