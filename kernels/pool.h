/* pool.h - the mean of images over windows that share out height and width evenly,
 * whatever they are, as PyTorch's AdaptiveAvgPool2d does.
 *
 * Row i of `out` rows is the mean of rows floor(i in / out) to ceil((i + 1) in / out) - 1,
 * columns likewise: windows overlap where `out` does not divide `in`, and repeat where it
 * is larger. Sums are in double precision, row by row, and go over one image and one
 * channel only: the bits of an image are the same alone and in company. Elements are where
 * struct kern_channels says; padding channels are written as 0. Allocates nothing.
 */
#ifndef KERN_POOL_H
#define KERN_POOL_H

#include "kernels/statistics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Images of height x width points, row by row. */
struct kern_planes {
    struct kern_channels where;
    uint32_t             height, width;
};

/* x to y: as many images and channels in both, in whatever orders. */
void kern_pool_forward(const struct kern_planes *in, const float *x, const struct kern_planes *out,
                       float *y);

/* From the gradient of y to that of x, which is written. */
void kern_pool_backward(const struct kern_planes *in, float *dx, const struct kern_planes *out,
                        const float *dy);

#ifdef __cplusplus
}
#endif

#endif
