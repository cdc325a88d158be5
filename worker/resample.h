/* resample.h - bilinear resizing of planes of bytes, antialiased where it shrinks.
 *
 * An output pixel is the mean of the source pixels under a triangle around its
 * centre, as wide as the shrinking factor, at least one pixel to each side, cut
 * at the borders. First along rows, then along columns, each rounded to a byte.
 * Weights are whole numbers of 1 / 2^22, so that the bytes are the same on every
 * machine, and those of Pillow (Image.resize, BILINEAR, first along rows).
 */
#ifndef MX_WORKER_RESAMPLE_H
#define MX_WORKER_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A part of a plane: `height` rows of `width` bytes, `stride` bytes apart. */
struct worker_window {
    const uint8_t *bytes;
    size_t         stride;
    uint32_t       height, width; /* 1 or more */
};

struct worker_resampler; /* weights and memory for one change of size */

/* For windows up to (height, width) and results up to (to_height, to_width). Returns it,
 * to be released with worker_resampler_free(), or NULL with MX_ENOMEM. */
struct worker_resampler *worker_resampler_new(uint32_t height, uint32_t width, uint32_t to_height,
                                              uint32_t to_width, struct mx_err *err);
void worker_resampler_free(struct worker_resampler *resampler); /* NULL is allowed */

/* Room for such changes, too. Returns 0; or -1 with MX_ENOMEM, and it can only be released. */
int worker_resampler_room(struct worker_resampler *resampler, uint32_t height, uint32_t width,
                          uint32_t to_height, uint32_t to_width, struct mx_err *err);

/* Make the weights for a change of size that there is room for. */
void worker_resampler_aim(struct worker_resampler *resampler, uint32_t height, uint32_t width,
                          uint32_t to_height, uint32_t to_width);

/* The same, for the middle `size` x `size` pixels of the result alone. */
void worker_resampler_aim_at_centre(struct worker_resampler *resampler, uint32_t height,
                                    uint32_t width, uint32_t to_height, uint32_t to_width,
                                    uint32_t size);

/* Resize a window of the size aimed at into out, (to_height, to_width) or (size, size). */
void worker_resampler_run(struct worker_resampler *resampler, struct worker_window window,
                          uint8_t *out);

#ifdef __cplusplus
}
#endif

#endif
