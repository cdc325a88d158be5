/* norm_parts.h - the inside of norm.c and of its wide form, norm_avx2.c.
 *
 * A group of lanes, neighbouring channels, goes through three passes over the points
 * of one image, each with the same arithmetic in both forms: forward, sums of the
 * gradient, and the gradients of the inputs.
 */
#ifndef KERN_NORM_PARTS_H
#define KERN_NORM_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/norm.h"

enum {
    KERN_NORMS = 2,
    KERN_LANES = 8
};

/* What a group's elements are multiplied with and so on; 0 for padding. */
struct norm_coefficients {
    float mean[KERN_LANES], factor[KERN_LANES]; /* y = (x - mean) factor + shift */
    float shift[KERN_LANES];
    float slope[KERN_LANES], offset[KERN_LANES]; /* dx = factor dy + ((x - mean) slope + offset) */
};

/* Sums of a group, of gradients and of their products with x - mean. */
struct norm_sums {
    double gradient[KERN_LANES], product[KERN_NORMS][KERN_LANES];
};

/* How the gradient before the ReLU comes about, at the points of one image. */
struct norm_source {
    const float *a, *b;
    const float *y; /* not NULL: the ReLU let through what is above 0 here */
    const float *x; /* not NULL: ... or what is above 0 after the norm of this */
};

/* The points of one image at work, from where they begin in each array. */
struct norm_points {
    size_t                          count, step;   /* points, and floats from one to the next */
    const float                    *x[KERN_NORMS]; /* inputs of norms; NULL: of none */
    const struct norm_coefficients *by[KERN_NORMS];
    const float                    *rest; /* forward */
    float                          *y;
    bool                            relu, past; /* past: y goes past the caches */
    struct norm_source              from;       /* backward */
    float                          *through;
    float                          *dx[KERN_NORMS];
};

/* One form of the passes. */
struct norm_form {
    uint32_t lanes;
    void (*forward)(const struct norm_points *points);
    void (*sum)(const struct norm_points *points, struct norm_sums *sums); /* of one image, added */
    void (*spread)(const struct norm_points *points, int norm);
};

/* The wide form; NULL where the machine has no such vectors. */
const struct norm_form *kern_norm_wide(void);

#endif
