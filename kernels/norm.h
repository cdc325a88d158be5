/* norm.h - batch norm with what stands around it: the sum of two norms, or of a
 * norm and something else, then ReLU, as one operation.
 *
 * It goes through memory by groups of channels: statistics and outputs of a group,
 * then the next one, so that a group is still near when it is read again. Sums are
 * in double precision, over the points of an image and then over the images, in
 * their order: the bits are the same whatever the width of a machine's vectors.
 * Elements are where struct kern_channels says; padding channels that are 0 stay
 * 0. Outputs may be the very arrays that are read. Allocates nothing.
 */
#ifndef KERN_NORM_H
#define KERN_NORM_H

#include <stdbool.h>

#include "kernels/statistics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A norm of x: (x - mean) / sqrt(variance + epsilon) scale + shift. Vectors have an
 * element a channel. */
struct kern_norm {
    const float *x, *scale, *shift;
    float       *mean, *variance; /* biased; written by the forward pass, unless fixed: then read */
    double       epsilon;
    bool         fixed;           /* ... and constants to the backward pass */
    float       *dx;              /* backward: gradient of x */
    float       *dscale, *dshift; /* backward: written; NULL: not wanted */
};

/* y = norms[0] + norms[1] + rest, then max(0, .) if relu; norms[1] and rest may be
 * NULL. */
struct kern_norm_sum {
    struct kern_channels    where; /* of all arrays */
    const struct kern_norm *norms[2];
    const float            *rest;
    float                  *y;
    bool                    relu;
};

void kern_norm_forward(const struct kern_norm_sum *sum);

/* The gradient of y is a (+ b, if not NULL), before the ReLU. With one norm and no
 * rest, the ReLU is decided from x; else from sum->y, and the gradient that went
 * through it is left in `through` (NULL: not wanted; for one norm, never left).
 * masked: a has been through the ReLU. */
struct kern_norm_gradient {
    const float *a, *b;
    bool         masked;
    float       *through; /* may be a or b */
};

void kern_norm_backward(const struct kern_norm_sum *sum, const struct kern_norm_gradient *gradient);

#ifdef __cplusplus
}
#endif

#endif
