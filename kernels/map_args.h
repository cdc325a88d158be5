/* map_args.h - what the kernels of attribution maps take; a part of kernels/kernel_args.h, whose rules
 * hold here. Images are (images, channels, pixels), maps (images, pixels), both row-major. What
 * each computes is said in kernels/device_maps.h.
 */
#ifndef MX_KERN_MAP_ARGS_H
#define MX_KERN_MAP_ARGS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// clang-format off
#define KERN_MAP_KERNELS(EACH, BLOCK)                                                              \
    EACH(map_split) EACH(map_divide) EACH(map_stabilise) EACH(map_multiply) EACH(map_share)        \
    EACH(map_scale) EACH(map_noise) EACH(map_add) EACH(map_round)                                  \
    EACH(map_largest) EACH(map_sum) EACH(map_hide) EACH(map_mask) EACH(map_weigh)                  \
    EACH(map_replace) BLOCK(map_cam_weight) EACH(map_cam)
// clang-format on

struct kern_map_split_args {
    size_t       n;
    float       *out;
    const float *in;
    uint32_t     positive, unused;
};

struct kern_map_divide_args {
    size_t       n;
    float       *out;
    const float *in, *plus, *minus; /* minus may be NULL */
};

struct kern_map_stabilise_args {
    size_t       n;
    float       *out;
    const float *z;
    float        epsilon;
    uint32_t     unused;
};

struct kern_map_multiply_args {
    size_t       n;
    float       *out;
    const float *by;
};

struct kern_map_share_args {
    size_t       n;
    float       *first, *rest;
    const float *a, *b;
};

struct kern_map_scale_args {
    size_t       n;
    float       *out;
    const float *in;
    double       factor;
};

struct kern_map_noise_args {
    size_t        n;
    float        *out;
    const float  *in;
    const double *sigma; /* (images) */
    size_t        image; /* floats */
};

struct kern_map_add_args {
    size_t       n;
    double      *sums;
    const float *in;
    double       factor;
};

struct kern_map_round_args {
    size_t        n;
    float        *out;
    const double *sums;
    double        divisor;
};

/* n: pixels of all images. */
struct kern_map_largest_args {
    size_t       n;
    float       *maps;
    const float *in;
    size_t       pixels;
    uint32_t     channels, unused;
};

struct kern_map_sum_args {
    size_t       n;
    float       *maps;
    const float *in, *by; /* by may be NULL */
    size_t       pixels;
    uint32_t     channels, unused;
};

/* Variants of images: number first + v is of image (first + v) / steps, with as many pixels replaced as
 * step (first + v) % steps says. */
struct kern_map_replace_args {
    size_t          n; /* floats of all variants */
    float          *out;
    const float    *from, *to; /* to: or NULL */
    const uint32_t *ranks;     /* (images, pixels) */
    uint64_t        first, steps;
    size_t          pixels;
    uint32_t        channels, each;
};

/* Variants of images: number first + v is of image (first + v) / windows, behind window
 * (first + v) % windows, of which there are `columns` side by side. */
struct kern_map_hide_args {
    size_t       n; /* floats of all variants */
    float       *out;
    const float *in;
    uint64_t     first, windows;
    uint32_t     channels, height, width, patch, stride, columns;
};

/* Number first + v is of image (first + v) % images, behind mask (first + v) / images, the first of
 * which is masks[0]. */
struct kern_map_mask_args {
    size_t       n; /* floats of all variants */
    float       *out;
    const float *in, *masks; /* masks (number, pixels) */
    uint64_t     first;
    size_t       pixels;
    uint32_t     channels, images;
};

struct kern_map_weigh_args {
    size_t          n;              /* pixels of all images */
    double         *sums;           /* (images, pixels) */
    const float    *masks, *logits; /* logits (variants, classes) */
    const uint32_t *targets;        /* (images) */
    uint64_t        first;
    size_t          pixels;
    uint32_t        images, variants, classes, unused;
};

struct kern_map_cam_weight_args {
    size_t       blocks;             /* channels of all images */
    const float *values, *gradients; /* (images, channels, points) */
    double      *weights;            /* (images, channels) */
    uint32_t     points, plus_plus;
};

struct kern_map_cam_args {
    size_t        n; /* points of all images */
    float        *out;
    const float  *values;
    const double *weights;
    uint32_t      channels, points;
};

#ifdef __cplusplus
}
#endif

#endif
