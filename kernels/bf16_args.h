/* bf16_args.h - what the kernels take that compute a network in bfloat16.
 *
 * Images there are channels-last, (n, height, width, channels), with channels up to a multiple of KERN_EIGHT: what is
 * behind the last one is 0 in every output. So every array is a number of eights, which a lane takes as one;
 * numbers are rounded where they are stored and float32 in between, sums in double precision. As of kernels/kernel_args.h: KERN_BF16_KERNELS
 * lists them, bodies are in kernels/bf16_body.h and bf16_pool_body.h, pointers are the device's, `unused` fills gaps.
 */
#ifndef MX_KERN_BF16_ARGS_H
#define MX_KERN_BF16_ARGS_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/kernel_args.h"

#ifdef __cplusplus
#define KERN_ALIGNED(n) alignas(n)
extern "C" {
#else
#define KERN_ALIGNED(n) _Alignas(n)
#endif

// clang-format off
#define KERN_BF16_KERNELS(EACH, BLOCK)                                                             \
    EACH(bf16_add) EACH(bf16_relu) EACH(bf16_relu_backward) EACH(bf16_dropout)                     \
    EACH(bf16_add_backward) EACH(bf16_mix_rows) EACH(bf16_mix_rows_backward)                       \
    EACH(bf16_norm_look) BLOCK(bf16_norm_finish) EACH(bf16_norm_apply)                             \
    EACH(bf16_norm_gather) BLOCK(bf16_norm_slope) EACH(bf16_norm_spread)                           \
    EACH(bf16_finish) BLOCK(bf16_channel_sum)                                                      \
    EACH(bf16_mean_pool) EACH(bf16_mean_pool_backward)                                             \
    EACH(bf16_max_pool) EACH(bf16_max_pool_backward)                                               \
    EACH(bf16_narrow) EACH(bf16_widen) EACH(bf16_pad) EACH(bf16_weights) EACH(bf16_gradient)
// clang-format on

enum {
    KERN_EIGHT = 8
};

typedef uint16_t kern_bf16; /* the upper half of a float32 */

struct kern_eight {
    KERN_ALIGNED(16) kern_bf16 at[KERN_EIGHT];
};

/* n: eights, unless said otherwise. */
struct kern_bf16_add_args {
    size_t                   n;
    struct kern_eight       *out;
    const struct kern_eight *a, *b;
    int                      relu;
    uint32_t                 unused;
};

struct kern_bf16_relu_args {
    size_t                   n;
    struct kern_eight       *out;
    const struct kern_eight *in;
    float                    cap; /* 0: none */
    uint32_t                 unused;
};

struct kern_bf16_relu_backward_args {
    size_t                   n;
    struct kern_eight       *gradient;
    const struct kern_eight *y;
    float                    cap, drop;
};

struct kern_bf16_dropout_args {
    size_t                   n;
    struct kern_eight       *data;
    struct kern_dropout_args of; /* without its data */
};

struct kern_bf16_add_backward_args {
    size_t                   n;
    struct kern_eight       *out;
    const struct kern_eight *a, *b, *y; /* b, y may be NULL */
};

struct kern_bf16_mix_rows_args {
    size_t                   n; /* rows times width */
    struct kern_eight       *out;
    const struct kern_eight *in;
    const float             *share;   /* (rows) */
    const uint32_t          *partner; /* (rows) */
    uint32_t                 rows, unused;
    size_t                   width; /* eights */
};
struct kern_bf16_mix_rows_backward_args {
    size_t                         n;
    struct kern_bf16_mix_rows_args rows;
};

/* One norm of a sum. Vectors are of (channels). */
struct kern_bf16_norm_of {
    const struct kern_eight *x;
    const float             *scale, *shift;
    float                   *mean, *variance;   /* written by the forward pass, unless fixed */
    float             *factor, *slope, *offset; /* y = (x - mean) factor + shift; dx = factor dy +
                                                   ((x - mean) slope + offset) */
    struct kern_eight *dx;                      /* may be NULL, as the next two */
    float             *dscale, *dshift;
    double             epsilon;
    int                fixed;
    uint32_t           unused;
};

/* A sum of one or two norms, as kernels/norm.h has it. Its points, images times height times width, are shared
 * out over `parts` lanes for each eight channels: lane k takes points k, k + parts, ... */
struct kern_bf16_norm_args {
    size_t                   points;
    uint32_t                 channels, eights; /* of a point */
    uint32_t                 parts, norms;
    struct kern_bf16_norm_of of[2];
    const struct kern_eight *rest;
    struct kern_eight       *y;
    const struct kern_eight *a, *b;      /* backward: the gradient is a (+ b), ... */
    int                      relu, by_y; /* ... let through where y is above 0, ... */
    int                      by_x;       /* ... or where the norm of x is */
    uint32_t                 unused;
    struct kern_eight       *through; /* may be NULL */
    struct kern_part        *found;   /* (parts, 8 eights) */
};

struct kern_bf16_norm_look_args { /* sums and sums of squares of x */
    size_t                   n;   /* parts times eights */
    const struct kern_eight *x;
    size_t                   points;
    uint32_t                 eights, parts;
    struct kern_part        *found; /* (parts, 8 eights) */
};
struct kern_bf16_norm_finish_args {
    size_t                   blocks; /* channels */
    const struct kern_part  *found;
    size_t                   points;
    uint32_t                 eights, parts;
    struct kern_bf16_norm_of of;
};
struct kern_bf16_norm_apply_args {
    size_t                     n; /* points times eights */
    struct kern_bf16_norm_args norm;
};
struct kern_bf16_norm_gather_args {
    size_t                     n; /* parts times eights */
    struct kern_bf16_norm_args norm;
};
struct kern_bf16_norm_slope_args {
    size_t                     blocks; /* channels */
    struct kern_bf16_norm_args norm;
};
struct kern_bf16_norm_spread_args {
    size_t                     n; /* points times eights */
    struct kern_bf16_norm_args norm;
};

/* y = y + bias (may be NULL), then ReLU, at most cap if that is above 0. */
struct kern_bf16_finish_args {
    size_t             n;
    struct kern_eight *y;
    const float       *bias; /* (channels) */
    uint32_t           channels, eights;
    int                relu;
    float              cap;
};

/* From what bf16_norm_look found. */
struct kern_bf16_channel_sum_args {
    size_t                  blocks; /* channels */
    const struct kern_part *found;
    uint32_t                eights, parts;
    float                  *sum;
};

/* As kern_pool_args; of has sizes alone. n: eights of y, backward of dx. */
struct kern_bf16_pool_args {
    const struct kern_eight *x, *dy;
    struct kern_eight       *y, *dx;
    struct kern_pool_args    of;
    uint32_t                 eights, unused;
};
struct kern_bf16_mean_pool_args {
    size_t                     n;
    struct kern_bf16_pool_args pool;
};
struct kern_bf16_mean_pool_backward_args {
    size_t                     n;
    struct kern_bf16_pool_args pool;
};
struct kern_bf16_max_pool_args {
    size_t                     n;
    struct kern_bf16_pool_args pool;
};
struct kern_bf16_max_pool_backward_args {
    size_t                     n;
    struct kern_bf16_pool_args pool;
};

/* Images of height x width in float32, row-major, and of wide_height x wide_width in bfloat16: these have above rows
 * and left columns of 0 in front. */
struct kern_bf16_between {
    uint32_t channels, eights, height, width, wide_height, wide_width;
    int32_t  above, left;
};
struct kern_bf16_narrow_args {
    size_t                   n; /* eights of out */
    const float             *in;
    struct kern_eight       *out;
    struct kern_bf16_between of;
};
struct kern_bf16_widen_args {
    size_t                   n; /* floats of out */
    const kern_bf16         *in;
    float                   *out;
    struct kern_bf16_between of;
};

/* As kern_pad_args, channels-last. */
struct kern_bf16_pad_args {
    size_t                   n; /* eights of out */
    const struct kern_eight *in;
    struct kern_eight       *out;
    int32_t                  above, left;
    uint32_t                 in_height, in_width, out_height, out_width, eights, unused;
};

/* Filters: (filters, inputs, places) in float32, and (all, places, all_inputs) in bfloat16 with 0 in what is more. The filters of
 * a group of `together` read inputs from `shift` more than the group before. */
struct kern_bf16_filters {
    uint32_t filters, inputs, places, all_inputs, together, shift;
};
struct kern_bf16_weights_args {
    size_t                   n; /* numbers of out */
    const float             *in;
    kern_bf16               *out;
    struct kern_bf16_filters of;
};
/* The gradient of the filters, from one that is bfloat16 or float32 in the other order. */
struct kern_bf16_gradient_args {
    size_t                   n; /* floats of out */
    const kern_bf16         *in;
    const float             *wide; /* instead of in, if that is NULL */
    float                   *out;
    struct kern_bf16_filters of;
};

#ifdef __cplusplus
}
#endif

#endif
