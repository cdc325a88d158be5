/* statistics.h - mean and variance of the channels of images.
 *
 * In double precision, where the square of a float is exact. Sums go over the
 * points of an image and then over the images, in their order, on every
 * machine: the bits are the same whatever the width of its vectors.
 */
#ifndef KERN_STATISTICS_H
#define KERN_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where the elements of n images lie: x[i image + (c / block) group + p point + c % block]
 * for point p of channel c of image i. Covers row-major images (block 1, point 1),
 * channels in blocks, and channels last (block = channels). */
struct kern_channels {
    uint32_t n, channels, points, block;
    size_t   image, group, point; /* floats */
};

/* Mean of each channel over images and points, and its (biased) variance. */
void kern_channel_statistics(const float *x, const struct kern_channels *where, float *mean,
                             float *variance);

#ifdef __cplusplus
}
#endif

#endif
