/* naive_augment.h - random changes of training images by definition: double
 * precision, plain loops, no tables.
 */
#ifndef MX_NAIVE_AUGMENT_H
#define MX_NAIVE_AUGMENT_H

#include <stddef.h>
#include <stdint.h>

/* A box of a plane (of rows of `stride` bytes) brought to (to_height, to_width): an output
 * pixel is the mean of the box under a triangle around its centre, max(1, from / to) to
 * each side; first along rows, then along columns. Not rounded: `out` has numbers from 0 to
 * 255; those along rows are rounded to bytes between. */
void naive_resize(const uint8_t *plane, size_t stride, uint32_t height, uint32_t width, double *out,
                  uint32_t to_height, uint32_t to_width);

/* Colour jitter of an image (channels, plane) of bytes into values from 0 to 1: `order` of
 * brightness 0, contrast 1, saturation 2, hue 3, each with its factor. Hue by way of hue,
 * saturation and value of each pixel. */
void naive_jitter(const uint8_t *image, uint32_t channels, size_t plane, const uint32_t order[4],
                  const double factor[4], double *out);

#endif
