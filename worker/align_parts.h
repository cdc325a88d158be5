/* align_parts.h - the parts of an image above a threshold, and boxes around them. */
#ifndef MX_WORKER_ALIGN_PARTS_H
#define MX_WORKER_ALIGN_PARTS_H

#include "worker/align.h"

struct align_parts {
    uint32_t           height, width;
    bool              *above; /* (pixels): set by the caller, cleared by align_find_parts() */
    uint32_t           count;
    struct worker_box *boxes; /* (count) */
    uint32_t          *sizes, *stack;
};

int align_parts_new(struct align_parts *parts, uint32_t height, uint32_t width, struct mx_err *err);
void align_parts_free(struct align_parts *parts);

/* Find the parts that hang together, diagonals included, in the order of their first
 * pixels. */
void align_find_parts(struct align_parts *parts);

/* Let a box hold a pixel; start from {height, width, 0, 0}. */
void align_stretch(struct worker_box *box, uint32_t y, uint32_t x);

/* Intersection over union of two boxes. */
double align_box_iou(const struct worker_box *a, const struct worker_box *b);

#endif
