/* kernel_args.h - what the kernels of a GPU take: one structure each, by value.
 *
 * KERN_KERNELS lists them all. For each NAME there are struct kern_NAME_args here, its body in
 * one of kernels/NAME_body.h's kin (kernels/network_body.h), mx_kernel_NAME() and kern_launch_NAME() in
 * kernels/kernels_cuda.cu, and for tests a driver of the same body on the CPU. Pointers are the
 * device's. No structure has gaps, which nobody would set: `unused` fills them. Images are row-major: element i belongs to channel i / points % channels.
 */
#ifndef MX_KERN_KERNEL_ARGS_H
#define MX_KERN_KERNEL_ARGS_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/map_args.h"
#include "kernels/optimizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* EACH(name): every element of args.n alone. BLOCK(name): args.blocks groups of KERN_BLOCK_LANES
 * lanes that fold what they found (a struct kern_part each). */
// clang-format off
#define KERN_KERNELS(EACH, BLOCK)                                                                  \
    EACH(add) EACH(relu) EACH(relu_backward) EACH(dropout) EACH(add_backward) EACH(running)        \
    EACH(mix_rows) EACH(mix_rows_backward) EACH(sgd) EACH(adamw) EACH(average)                     \
    BLOCK(norm_statistics) BLOCK(norm_finish) EACH(norm_apply)                                     \
    BLOCK(norm_sums) BLOCK(norm_slope) EACH(norm_spread)                                           \
    EACH(finish) BLOCK(channel_sum) BLOCK(square_sum) EACH(clip)   \
    BLOCK(softmax_norm) BLOCK(softmax_loss) EACH(softmax_gradient)                                 \
    EACH(mean_pool) EACH(mean_pool_backward) EACH(max_pool) EACH(max_pool_backward) EACH(pad)  \
    KERN_MAP_KERNELS(EACH, BLOCK)
// clang-format on

enum {
    KERN_BLOCK_LANES = 256 /* a power of two */
};

/* What a lane of a block found. */
struct kern_part {
    double a, b, c;
};

struct kern_add_args {
    size_t       n;
    float       *out;
    const float *a, *b;
    int          relu;
    uint32_t     unused;
};

struct kern_relu_args {
    size_t       n;
    float       *out;
    const float *in;
    float        cap; /* 0: none */
    uint32_t     unused;
};

struct kern_relu_backward_args {
    size_t       n;
    float       *gradient;
    const float *y;
    float        cap, drop;
};

struct kern_dropout_args {
    size_t   n;
    float   *data;
    float    drop;
    uint32_t key[2], counter[4]; /* of the generator, at its first number */
    uint32_t unused;

    const struct kern_now *now; /* not NULL: the last words of the counter are its steps */
};

struct kern_add_backward_args {
    size_t       n;
    float       *out;
    const float *a, *b, *y; /* b, y may be NULL */
};

struct kern_running_args {
    size_t       n;
    float       *running;
    const float *batch;
    double       rate, scale;
};

struct kern_mix_rows_args {
    size_t          n; /* rows times width */
    float          *out;
    const float    *in;
    const float    *share;   /* (rows) */
    const uint32_t *partner; /* (rows) */
    uint32_t        rows, unused;
    size_t          width;
};

/* in: the gradient of out's rows. */
struct kern_mix_rows_backward_args {
    struct kern_mix_rows_args rows;
    size_t                    n;
};

struct kern_sgd_args {
    size_t       n;
    float       *weights, *buffer; /* buffer NULL: no momentum */
    const float *gradient;
    float        lr, momentum, decay, scale;
    int          nesterov, first;

    const struct kern_now *now; /* may be NULL: lr and scale are those above */
};

struct kern_adamw_args {
    size_t       n;
    float       *weights, *mean, *square;
    const float *gradient;
    float        keep, beta1, beta2, rest1, rest2, epsilon, step, root, scale;
    int          decays;

    const struct kern_now *now; /* may be NULL: keep, step, root and scale are those above */
};

struct kern_average_args {
    size_t       n;
    float       *average;
    const float *value;
    float        rest;
    uint32_t     unused;
};

/* One norm of a sum, vectors of (channels). */
struct kern_norm_of {
    const float *x, *scale, *shift;
    float       *mean, *variance;         /* fixed: given; else written by the forward pass */
    float       *factor, *slope, *offset; /* y = (x - mean) factor + shift; dx = factor dy +
                                             ((x - mean) slope + offset) */
    float       *dx, *dscale, *dshift;    /* backward; dscale, dshift, dx may be NULL */
    double       epsilon;
    int          fixed;
    uint32_t     unused;
};

/* A sum of one or two norms, as kernels/norm.h has it. A channel's elements are shared out over
 * `parts` blocks, of which block k channels + c is the k-th of channel c. */
struct kern_norm_args {
    size_t              n;
    uint32_t            images, channels, points, norms;
    uint32_t            parts;
    int                 aligned; /* points and arrays are, to KERN_FOUR elements */
    struct kern_norm_of of[2];
    const float        *rest;
    float              *y;
    int                 relu;
    uint32_t            unused;
    /* Backward: the gradient is a (+ b), let through where y is above 0 (by_y), or where the norm
     * of x is (by_x). */
    const float        *a, *b;
    int                 by_y, by_x;
    float              *through; /* may be NULL */
    struct kern_part   *found;   /* (parts, channels): sums of the gradient, of its products with
                                    x - mean of each norm */
};

/* Sums of values and of their squares. */
struct kern_norm_statistics_args {
    size_t            blocks; /* parts times channels */
    const float      *x;
    uint32_t          images, channels, points, parts;
    struct kern_part *found; /* (parts, channels) */
    int               aligned;
    uint32_t          unused;
};
struct kern_norm_finish_args {
    size_t                  blocks; /* channels */
    const struct kern_part *found;  /* (parts, channels), unless of is fixed */
    double                  count;  /* of elements of a channel */
    uint32_t                parts, unused;
    struct kern_norm_of     of;
};
struct kern_norm_slope_args {
    size_t                blocks; /* channels */
    struct kern_norm_args norm;
};
struct kern_norm_apply_args {
    size_t                n; /* fours: KERN_FOUR elements each, the last as many as are left */
    struct kern_norm_args norm;
};
struct kern_norm_spread_args {
    size_t                n; /* as of norm_apply */
    struct kern_norm_args norm;
};
struct kern_norm_sums_args {
    size_t                blocks; /* parts times channels */
    struct kern_norm_args norm;
};

/* y = y + bias of its channel (bias may be NULL), then ReLU, at most cap if that is above 0. */
struct kern_finish_args {
    size_t       n;
    float       *y;
    const float *bias;
    uint32_t     channels, points;
    int          relu;
    float        cap;
};

/* Sums of a channel over images and points. */
struct kern_channel_sum_args {
    size_t       blocks; /* channels */
    const float *x;
    uint32_t     images, channels, points, unused;
    float       *sum;
};

/* Sums of squares of every blocks-th element. */
struct kern_square_sum_args {
    size_t       blocks;
    const float *x;
    size_t       n;
    double      *sum; /* (blocks) */
};

/* n = 1: from sums of squares by what to multiply a gradient, so that its norm is at most `most`. */
struct kern_clip_args {
    size_t           n, parts;
    const double    *squares; /* (parts) */
    double           most, epsilon;
    struct kern_now *now; /* its scale is written */
};

/* The loss of rows of logits, as kernels/device.h has it. */
struct kern_softmax_args {
    const float    *logits; /* (n, classes) */
    const uint32_t *y_a, *y_b;
    const float    *lambda;  /* NULL: 1 */
    const float    *targets; /* NULL: labels */
    uint32_t        n, classes;
    double          keep, blank;
    double         *norm; /* (n): log of the sum of exp */
    double         *loss; /* (n) */
    float          *gradient;
    double          divisor; /* of the gradient */
};
struct kern_softmax_norm_args {
    size_t                   blocks; /* rows */
    struct kern_softmax_args of;
};
struct kern_softmax_loss_args {
    size_t                   blocks; /* rows */
    struct kern_softmax_args of;
};
struct kern_softmax_gradient_args {
    size_t                   n; /* rows times classes */
    struct kern_softmax_args of;
};

/* Windows over planes of in_height x in_width, of which there are n / out (forward) or n / in.
 * kernel 0: windows that share out height and width, as kernels/pool.h has them. */
struct kern_pool_args {
    const float *x, *dy;
    float       *y, *dx;
    uint32_t     in_height, in_width, out_height, out_width, kernel, stride, pad, unused;
};
struct kern_mean_pool_args {
    size_t                n; /* elements of y */
    struct kern_pool_args of;
};
struct kern_mean_pool_backward_args {
    size_t                n; /* elements of dx */
    struct kern_pool_args of;
};
struct kern_max_pool_args {
    size_t                n;
    struct kern_pool_args of;
};
struct kern_max_pool_backward_args {
    size_t                n;
    struct kern_pool_args of;
};

/* out is `in` with above rows and left columns of 0 in front, and such behind; or, where they are
 * negative, without as many. */
struct kern_pad_args {
    size_t       n; /* elements of out */
    const float *in;
    float       *out;
    int32_t      above, left;
    uint32_t     in_height, in_width, out_height, out_width;
};

#ifdef __cplusplus
}
#endif

#endif
