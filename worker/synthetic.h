/* synthetic.h - images made from a seed: shapes on textured ground.
 *
 * The class is a shape in a box that is known, the attribute (0 or 1) is the
 * direction of stripes behind it, lying or standing. In training images the attribute agrees with
 * the class's parity at the spurious rate, in test images half of the time;
 * group = 2 class + attribute. Classes take turns, so they are balanced.
 *
 * Image i of a half depends on (seed, half, i) only: more images leave the
 * first ones as they are. Only +, -, *, / on doubles and whole numbers are
 * used, so every machine makes the same bytes. The noise is the sum of four
 * uniform bytes, scaled to the standard deviation asked for.
 */
#ifndef MX_WORKER_SYNTHETIC_H
#define MX_WORKER_SYNTHETIC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/align.h"
#include "worker/images.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_SYNTHETIC_CLASSES = 12, /* shapes there are */
    WORKER_SYNTHETIC_SIZE = 32,    /* pixels a side, by default */
    WORKER_SYNTHETIC_CHANNELS = 3,
    WORKER_SYNTHETIC_TRAIN = 0, /* halves: enter the random numbers */
    WORKER_SYNTHETIC_TEST = 1,
};

/* The box of image `row` of a half, from the names alone. `size` >= 8. */
struct worker_box worker_synthetic_box(uint64_t seed, uint32_t half, uint32_t row, uint32_t size);

/* True if the shape of a class covers the point (y, x) of its box, both from
 * -1 (top, left) to 1. */
bool worker_synthetic_covers(uint32_t class_, double y, double x);

/* Which pixels a class's shape in a box covers by half or more. mask: (size, size). */
void worker_synthetic_mask(const struct worker_box *box, uint32_t class_, uint32_t size,
                           bool *mask);

/* Make one half: n images of (channels, size, size). Returns 0, or -1 with
 * MX_ENOMEM. */
int worker_synthetic_make(const struct worker_params *params, uint64_t seed, uint32_t half,
                          const struct worker_shape *shape, uint32_t n,
                          struct worker_images *images, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
