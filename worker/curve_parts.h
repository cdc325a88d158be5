/* curve_parts.h - the inside of worker_curves(): curve.c, and curve_device.c, where a device makes the
 * images.
 */
#ifndef MX_WORKER_CURVE_PARTS_H
#define MX_WORKER_CURVE_PARTS_H

#include "worker/curve.h"

/* A step of an image that waits in the batch. */
struct curve_waiting {
    uint32_t image, step;
};

struct curve_runner {
    const struct worker_curve_spec  *spec;
    const struct worker_curve_batch *batch;
    float                           *curves;
    uint32_t                        *targets; /* (n) */
    uint32_t  pixels, floats, each, used;     /* each: pixels a step; used: steps that change any */
    float    *images;                         /* (spec->batch, floats) */
    float    *filled;                         /* (floats): the image without a pixel of its own */
    float    *logits;                         /* (spec->batch, classes) */
    uint32_t *order;
    bool     *removed;
    struct curve_waiting *waiting;
    uint32_t              nwaiting;
};

/* The order (pixels) in which those of an image go. -1 with MX_EDIVERGED or MX_ENOMEM. */
int curve_rank(const struct curve_runner *run, uint32_t image, uint32_t *order, struct mx_err *err);

/* The image without a pixel of its own, by the fill zero or blur. -1 with MX_ENOMEM. */
int curve_fill(const struct curve_runner *run, const float *image, float *filled,
               struct mx_err *err);

/* Note what the model says of a step of an image; -1 with MX_EDIVERGED if that is not finite. */
int curve_note(struct curve_runner *run, uint32_t image, uint32_t step, const float *logits,
               struct mx_err *err);

/* All steps of all images, made on the spec's device, with the bits that they have here. Returns 0, or -1
 * as worker_curves(), or MX_EGPU. */
int curve_on_device(struct curve_runner *run, struct mx_err *err);

#endif
