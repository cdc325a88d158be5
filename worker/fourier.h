/* fourier.h - the real inverse Fourier transform of an image of any size.
 *
 *     g(y, x) = Re sum over v, u of F(v, u) exp(2 pi i (v y / height + u x / width))
 *
 * where only the columns u = 0 .. width / 2 of F are given: the others are those
 * that make g real, F(-v, -u) = conj F(v, u). Not divided by height width. In
 * single precision, by kissfft.
 */
#ifndef MX_WORKER_FOURIER_H
#define MX_WORKER_FOURIER_H

#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_fourier; /* plans and memory for one size */

/* Returns memory to be released with worker_fourier_free(), or NULL with MX_ENOMEM. */
struct worker_fourier *worker_fourier_new(uint32_t height, uint32_t width, struct mx_err *err);
void                   worker_fourier_free(struct worker_fourier *fourier); /* NULL is allowed */

/* F, to be filled before each transform: (height, width / 2 + 1) numbers, each
 * its real and its imaginary part. */
float *worker_fourier_spectrum(struct worker_fourier *fourier);

/* g, (height, width), which stays the memory's own. */
const float *worker_fourier_inverse(struct worker_fourier *fourier);

#ifdef __cplusplus
}
#endif

#endif
