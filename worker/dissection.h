/* dissection.h - network dissection (Bau and others 2017): which concept each channel of a layer
 * tells, of those that people marked in the images.
 *
 * A unit is a channel. Its threshold is the 99.5 % quantile of all that it says, at every place of
 * the layer and in every image: at most 0.5 % of these values are above it. Enlarged to the image's
 * size (bilinear, align_corners false), its values above the threshold are compared with the pixels
 * of each concept:
 *
 *     IoU = sum over images |above and concept| / sum over images |above or concept|
 *
 * A unit tells the concept of its largest IoU, of equal ones the first, and is a detector of it
 * where that is above 0.04. Two passes over the same images in the same order: first every image is
 * shown, then every image is compared.
 */
#ifndef MX_WORKER_DISSECTION_H
#define MX_WORKER_DISSECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_dissection;

/* Sizes of a layer, of the images, and how many of these there will be. */
struct worker_dissection_sizes {
    uint32_t units, height, width;
    uint32_t to_height, to_width;
    uint32_t images;
};

/* Returns it, to be released with worker_dissection_free(); or NULL with MX_ENOMEM. */
struct worker_dissection *worker_dissection_new(const struct worker_dissection_sizes *sizes,
                                                struct mx_err                        *err);
void worker_dissection_free(struct worker_dissection *dissection); /* NULL is allowed */

/* First pass: what the layer says of one image (units, height, width). Returns 0, or -1 with
 * MX_EDIVERGED if a value is not finite. */
int worker_dissection_show(struct worker_dissection *dissection, const float *values,
                           struct mx_err *err);

/* Second pass: the same again, and the number of the concept of each pixel (to_height, to_width), 0
 * for none. */
void worker_dissection_compare(struct worker_dissection *dissection, const float *values,
                               const uint8_t *concepts);

/* What became of a unit. */
struct worker_dissection_unit {
    double threshold, iou;
    uint32_t concept; /* 0: it is above its threshold on none */
    bool detects;
};
struct worker_dissection_unit worker_dissection_unit(const struct worker_dissection *dissection,
                                                     uint32_t                        unit);

/* How many units are detectors, and of how many concepts. */
void worker_dissection_count(const struct worker_dissection *dissection, uint32_t *detectors,
                             uint32_t *concepts);

#ifdef __cplusplus
}
#endif

#endif
