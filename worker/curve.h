/* curve.h - faithfulness of a map: a model's answer while pixels go or come in the
 * map's order (methods.md 3). A pixel is all its channels.
 *
 * A curve holds steps + 1 softmax probabilities of an image's target class, its
 * abscissa is the share of pixels changed so far. deletion: most relevant first,
 * each replaced by a fill; lower areas are better. insertion: from the filled image
 * (blurred, or all imputed) back to the clean one; higher is better. least-first
 * deletion: the other end of the same order first; higher is better.
 */
#ifndef MX_WORKER_CURVE_H
#define MX_WORKER_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "worker/choices.h"
#include "worker/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kern_nn;
struct worker_engine;

/* Logits (n, classes) of n images: worker_engine_infer() of `model`, say. Returns 0,
 * or -1 with *err. */
typedef int worker_predict_fn(void *model, const float *images, uint32_t n, float *logits,
                              struct mx_err *err);

/* In the score stream, what is drawn here; the second name is the image's row. */
enum {
    WORKER_DRAW_TIES = 0x100, /* one 32-bit key a pixel, in raster order */
    WORKER_DRAW_ROAD = 0x101, /* third name: the pixel; a normal number a channel */
    WORKER_DRAW_SHIFT = 0x102,
};

enum worker_curve_kind {
    WORKER_CURVE_DELETION,
    WORKER_CURVE_INSERTION,
    WORKER_CURVE_LEAST_FIRST,
    WORKER_CURVES
};

struct worker_curve_spec {
    struct worker_shape    shape;
    uint32_t               steps;
    enum worker_curve_kind kind;
    enum worker_fill       fill;      /* zero: the mean colour, not for insertion */
    bool                   is_signed; /* rank by value, else by absolute value */
    bool                   raster;    /* equal pixels in raster order, else at random */
    bool                   rise;      /* score.protocol: rise, see worker_curves() */
    struct mx_stream       stream;    /* of purpose SCORE */
    uint32_t               batch;     /* images at a time for predict */
    worker_predict_fn     *predict;
    void                  *model;
    struct kern_nn        *nn; /* a device that makes the images itself, but for road's; or NULL */
    float                 *room; /* on it: (batch) images, which predict then gets */
};

/* Arrays are lent. */
struct worker_curve_batch {
    const float    *images;  /* (n, channels, height, width), normalised */
    const float    *maps;    /* (n, height, width) */
    const uint32_t *targets; /* (n); under rise not read */
    const uint32_t *rows;    /* (n): the image's number, by which ties and noise are drawn */
    uint32_t        n;
};

/* Pixels a step: ceil(pixels / steps). The last step may have fewer, and there may be
 * fewer than `steps`. */
uint32_t worker_curve_pixels_a_step(uint32_t pixels, uint32_t steps);

/* The abscissa (steps + 1), true shares from 0 to 1; past the last step 1 again. Under
 * rise every step counts alike. */
void worker_curve_fractions(const struct worker_curve_spec *spec, double *fractions);

/* Area below a curve of `points` points, by trapezoids. */
double worker_curve_area(const float *curve, const double *fractions, uint32_t points);

/* The curves (n, steps + 1) of all images; past the last step the last value is
 * repeated. Under rise (Petsiuk and others 2018, their released code) the class is the
 * model's own answer for the clean image, steps count alike, and blurring is theirs:
 * 11 x 11, sigma 5, zeros beyond the edge. Returns 0, or -1 with MX_EINVAL (no such
 * curve), MX_EDIVERGED (a map or an answer that is not finite), MX_ENOMEM, or what
 * predict says. An image has the same curve whatever the batch. */
int worker_curves(const struct worker_curve_spec *spec, const struct worker_curve_batch *batch,
                  float *curves, struct mx_err *err);

/* Have the device of an engine make the images in its room for a batch, which is as large as the spec's, if
 * that is not the host: predict is worker_engine_infer() of this engine, or passes on to it. */
void worker_curve_use(struct worker_curve_spec *spec, struct worker_engine *engine);

/* The order (height x width) in which the pixels of a map go. Returns 0, or -1 with
 * MX_EDIVERGED or MX_ENOMEM. */
int worker_curve_order(const struct worker_curve_spec *spec, const float *map, uint32_t row,
                       uint32_t *order, struct mx_err *err);

/* A copy of an image (channels, height, width) blurred in normalised space: Gaussian,
 * sigma 5 side/224, as many taps as the odd number nearest to 11 side/224, at least 3,
 * the edge reflected; side: the shorter one. Or RISE's. Returns 0, or -1 with MX_ENOMEM. */
int worker_blur(const struct worker_shape *shape, bool rise, const float *image, float *out,
                struct mx_err *err);

/* Noisy linear imputation (Rong and others 2022): pixels with removed[p] get the weighted
 * mean of their eight neighbours, 1/6 beside and 1/12 across, of those that there are;
 * all at once, by conjugate gradients to a residual of 1e-6; then normal noise of sd 0.01.
 * An image of which nothing is left is noise around zero. Returns 0, or -1 with MX_ENOMEM. */
int worker_road(const struct worker_shape *shape, const float *image, const bool *removed,
                struct mx_stream stream, uint32_t row, float *out, struct mx_err *err);

/* A ratio of means: the area below the mean of n curves over its own value at share 0
 * (insertion: 1). NaN if that value is 0. */
double worker_curve_normalised(const float *curves, uint32_t n, uint32_t points,
                               const double *fractions, bool insertion);

/* Mean area of least-first minus most-first deletion: higher is better. */
double worker_symmetric_gain(const float *least_first, const float *most_first, uint32_t n);

/* (A_random - A_map) / A_random of mean areas: higher is better; NaN if A_random is 0.
 * The random orders are those of the images' own maps, shifted. */
double worker_random_order_gain(const float *random, const float *map, uint32_t n);

/* A map shifted round by a random number of rows and columns, never by none. */
void worker_map_shifted(const struct worker_shape *shape, const float *map, struct mx_stream stream,
                        uint32_t row, float *out);

#ifdef __cplusplus
}
#endif

#endif
