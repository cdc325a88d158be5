/* sobol.h - a sequence of points that fill a cube evenly.
 *
 * Sobol (1967) with the direction numbers of Joe and Kuo (SIAM J. Sci. Comput.
 * 30, 2008), in the order of Gray's code (Antonov and Saleev 1979): any first
 * 2^k points have one in each of 2^k equal slices of every dimension.
 */
#ifndef MX_SWEEP_SOBOL_H
#define MX_SWEEP_SOBOL_H

#include <stdint.h>

enum {
    MX_SOBOL_DIMS = 21
};

struct mx_sobol {
    unsigned dims;
    uint32_t next; /* number of the next point */
    uint32_t direction[MX_SOBOL_DIMS][32];
    uint32_t x[MX_SOBOL_DIMS];
};

/* Begin at point 0, with all coordinates 0. 1 <= dims <= MX_SOBOL_DIMS. */
void mx_sobol_begin(struct mx_sobol *sobol, unsigned dims);

/* The next point: x[k] / 2^32 is coordinate k. 2^32 - 1 points, then the
 * sequence is at its end and stays there. */
void mx_sobol_next(struct mx_sobol *sobol, uint32_t *x);

#endif
