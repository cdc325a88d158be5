/* winograd.h - 3x3 convolutions with fewer multiplications.
 *
 * Winograd's F(4x4, 3x3), as Lavin and Gray have it ("Fast algorithms for
 * convolutional neural networks", 2016): 36 products make 4x4 outputs of a channel
 * where the definition takes 144. Stride 1, padding 1; images in blocks of 8 channels,
 * (n, channels / 8, height, width, 8), weights in blocks of 8 x 8, (out / 8, in / 8, 3, 3,
 * 8 in, 8 out). In outputs and gradients of inputs, single precision is off by two to
 * five times as much as in the definition's sums (5e-7 of their norm with 16 channels, 1e-6
 * with 128); in gradients of weights, where long sums are the larger part, by less than
 * that. An image has the same bits alone and in company. Allocates nothing.
 */
#ifndef KERN_WINOGRAD_H
#define KERN_WINOGRAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kern_winograd {
    uint32_t n, in, out, height, width;
};

/* True if it can be done here, and pays: channels in sixteens, sides of 4 or more, of which
 * tiles of 4x4 are at least half full, and a machine with AVX2 and FMA. (In smaller images
 * a tap of the window sees so few points that its gradient can be 0 by the definition; what
 * rounding makes of that here would be a step of AdamW's.) */
bool kern_winograd_fits(const struct kern_winograd *shape);

/* Floats of room that each pass needs, aligned to 64 bytes. */
size_t kern_winograd_room(uint32_t in, uint32_t out);

/* What becomes of an output: plus bias (out; NULL: none), plus what y holds if sum, then
 * max(0, .) if relu, at most cap if that is above 0. */
struct kern_winograd_after {
    const float *bias;
    bool         sum, relu;
    float        cap;
};

void kern_winograd_forward(const struct kern_winograd *shape, const float *x, const float *weights,
                           const struct kern_winograd_after *after, float *y, float *room);

/* The gradient of x from that of y. */
void kern_winograd_backward(const struct kern_winograd *shape, const float *dy,
                            const float *weights, float *dx, float *room);

/* The gradient of the weights from that of y. Its sums over the tiles are in single precision,
 * block by block. */
void kern_winograd_weights(const struct kern_winograd *shape, const float *x, const float *dy,
                           float *dweights, float *room);

#ifdef __cplusplus
}
#endif

#endif
