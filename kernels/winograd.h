/* winograd.h - 3x3 convolutions with fewer multiplications.
 *
 * Winograd's F(2x2, 3x3), as Lavin and Gray have it ("Fast algorithms for
 * convolutional neural networks", 2016): 16 products make 2x2 outputs of a channel
 * where the definition takes 36. Stride 1, padding 1; images in blocks of 8 channels,
 * (n, channels / 8, height, width, 8), weights in blocks of 8 x 8, (out / 8, in / 8, 3, 3,
 * 8 in, 8 out). Single precision loses no more than in the definition's sums. An
 * image has the same bits alone and in company. Allocates nothing.
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

/* True if it can be done here, and pays: even sides, 32 or more channels in and out, in
 * sixteens, and a machine with AVX2 and FMA. */
bool kern_winograd_fits(const struct kern_winograd *shape);

/* Floats of room that both passes need, aligned to 64 bytes. */
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

#ifdef __cplusplus
}
#endif

#endif
