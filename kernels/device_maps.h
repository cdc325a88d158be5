/* device_maps.h - what attribution maps do on a device (kernels/device.h) besides running a network.
 *
 * All arrays are the device's, but what is said to be the host's. Images are (n, channels, height, width),
 * maps (n, height, width), both row-major; pixels are height times width. Functions behave as those of struct
 * kern_device: queued in order, and the first failure is kept. On the CPU and on a GPU
 * an element has the same bits, but for the weights of cam, whose sums differ in their order.
 */
#ifndef KERN_DEVICE_MAPS_H
#define KERN_DEVICE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kern_nn;

/* Images, or maps of them. */
struct kern_map_sides {
    uint32_t n, channels, height, width;
};

/* Square windows of `patch` pixels a side, `stride` apart, `columns` of them side by side and
 * `count` in all; those at the edge may be cut off. */
struct kern_map_windows {
    uint32_t patch, stride, columns, count;
};

/* What a curve does to each image: variants 0 to count - 1, each with `each` more pixels replaced than the
 * one before, the last one with all. */
struct kern_map_steps {
    uint32_t count, each;
};

struct kern_map_device {
    /* Relevance. split: out = in where it is above 0 (positive) or where it is not, else 0.
     * divide: out = in / (plus + minus) where that sum is above 0, else 0; minus may be NULL, out any of
     * them. stabilise: out = out / (z + epsilon), z - epsilon where z is below 0. multiply: out = out
     * by. share: rest goes to `first` and `rest` as the positive parts of a and b are to each
     * other, and nowhere where there are none. */
    void (*split)(struct kern_nn *nn, float *out, const float *in, size_t n, bool positive);
    void (*divide)(struct kern_nn *nn, float *out, const float *in, const float *plus,
                   const float *minus, size_t n);
    void (*stabilise)(struct kern_nn *nn, float *out, const float *z, float epsilon, size_t n);
    void (*multiply)(struct kern_nn *nn, float *out, const float *by, size_t n);
    void (*share)(struct kern_nn *nn, float *first, float *rest, const float *a, const float *b,
                  size_t n);

    /* Copies of images. scale: out = factor in. noise: out = in + sigma out, sigma (n) of each
     * image. */
    void (*scale)(struct kern_nn *nn, float *out, const float *in, double factor, size_t n);
    void (*noise)(struct kern_nn *nn, float *out, const float *in, const double *sigma,
                  const struct kern_map_sides *sides);

    /* Sums of many passes. add: sums = sums + factor in. round: out = sums / divisor. */
    void (*add)(struct kern_nn *nn, double *sums, const float *in, double factor, size_t n);
    void (*round)(struct kern_nn *nn, float *out, const double *sums, double divisor, size_t n);

    /* Maps: the largest absolute value of a pixel's channels; their sum, each times its element of
     * `by` unless that is NULL, in double precision. */
    void (*largest)(struct kern_nn *nn, float *maps, const float *in,
                    const struct kern_map_sides *sides);
    void (*sum)(struct kern_nn *nn, float *maps, const float *in, const float *by,
                const struct kern_map_sides *sides);

    /* Variants number first to first + variants - 1. replace: (n, steps) of them, pixels of `from`, of which the
     * first ones by ranks (n, height, width), 0 to pixels - 1, are those of `to` (NULL: 0). hide: (n, windows) of them, each image with
     * each window 0. mask: (masks, n) of them, each mask times each image; masks begins with the
     * first one needed. weigh: add to sums (n, height, width) each of those masks times what the
     * network says of the variant: logits (variants, classes) of class targets[image]. */
    void (*replace)(struct kern_nn *nn, float *out, const float *from, const float *to,
                    const uint32_t *ranks, const struct kern_map_sides *sides,
                    const struct kern_map_steps *steps, uint64_t first, uint32_t variants);
    void (*hide)(struct kern_nn *nn, float *out, const float *in,
                 const struct kern_map_sides *sides, const struct kern_map_windows *windows,
                 uint64_t first, uint32_t variants);
    void (*mask)(struct kern_nn *nn, float *out, const float *in, const float *masks,
                 const struct kern_map_sides *sides, uint64_t first, uint32_t variants);
    void (*weigh)(struct kern_nn *nn, double *sums, const float *masks, const float *logits,
                  const uint32_t *targets, uint32_t classes, const struct kern_map_sides *sides,
                  uint64_t first, uint32_t variants);

    /* A class activation map: weights (n, channels), which are written, by gradcam's rule or gradcam++'s;
     * out (n, height, width) is the sum of the values by them, where that is above 0. */
    void (*cam)(struct kern_nn *nn, float *out, double *weights, const float *values,
                const float *gradients, const struct kern_map_sides *sides, bool plus_plus);
};

#ifdef __cplusplus
}
#endif

#endif
