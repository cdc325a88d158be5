/* saliency.h - which pixel of an image stands out, by the fine-grained static
 * saliency of Montabone and Soto (2010).
 *
 *     S(p) = sum over s of |I(p) - mean of the surround of size s|
 *
 * I is an 8-bit luminance; the surround of size s is the square of 2 s + 1
 * pixels a side around p, without p, cut at the image's border; s is one of
 * worker_saliency_sizes. On-centre (I above the mean) and off-centre
 * differences count alike. Means come from an integral image.
 */
#ifndef MX_WORKER_SALIENCY_H
#define MX_WORKER_SALIENCY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_SALIENCY_SIZES = 6
};
extern const uint32_t worker_saliency_sizes[WORKER_SALIENCY_SIZES]; /* pixels */

struct worker_saliency; /* memory for images of one size */

/* Returns memory to be released with worker_saliency_free(), or NULL with MX_ENOMEM. */
struct worker_saliency *worker_saliency_new(uint32_t height, uint32_t width, struct mx_err *err);
void worker_saliency_free(struct worker_saliency *saliency); /* NULL is allowed */

/* The image to be filled, (height, width), before asking for its saliency. */
uint8_t *worker_saliency_image(struct worker_saliency *saliency);

/* The saliency of every pixel, (height, width); it stays the memory's own. */
const double *worker_saliency_map(struct worker_saliency *saliency);

/* The place of the largest saliency, the first in raster order of equal ones. */
size_t worker_saliency_peak(struct worker_saliency *saliency);

/* The 8-bit luminance of a pixel whose channels lie `plane` bytes apart: of
 * three channels .299 R + .587 G + .114 B, rounded; else the first. */
uint8_t worker_luminance(const uint8_t *pixel, size_t plane, uint32_t channels);

#ifdef __cplusplus
}
#endif

#endif
