/* align.h - how a map agrees with what people marked (methods.md 3).
 *
 * All scores here are better when higher, and mean something only beside the maps
 * `random` and `centre` on the same images. Boxes and masks are in the pixels that the
 * network sees. Values of a map below 0 count as 0, except for ranking.
 */
#ifndef MX_WORKER_ALIGN_H
#define MX_WORKER_ALIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Pixels, bottom and right exclusive. */
struct worker_box {
    uint32_t top, left, bottom, right;
};

/* What people marked in one image. Arrays are lent. */
struct worker_marks {
    uint32_t                 height, width;
    const bool              *mask;  /* (height, width); NULL: the union of the boxes */
    const struct worker_box *boxes; /* NULL with nboxes 0: the mask's own box */
    uint32_t                 nboxes;
};

enum {
    WORKER_THRESHOLDS = 100 /* 0, .01 .. .99 of a map scaled to [0, 1] */
};

/* Of one image. */
struct worker_alignment {
    double pointing; /* 1: the largest value is on the object, or nearer than 15/224 of the
                          shorter side; 0: it is not (Zhang and others 2018) */
    double energy;   /* share of the map's mass on the object (Wang and others 2020); 0 for a
                          map that is zero */
    double energy_minus_area; /* energy - the object's share of the pixels */
    double relevance_rank;    /* share of the object in the first |object| pixels of the map's
                                   order (Arras and others 2022) */
    /* At each threshold: of the box around the largest part above it, of the best box around any
     * part, and of all parts with the mask. */
    float  box_iou[WORKER_THRESHOLDS], any_box_iou[WORKER_THRESHOLDS], mask_iou[WORKER_THRESHOLDS];
};

/* Score one map (height, width), `order` being its pixels most relevant first
 * (worker_curve_order()). Returns 0; 1 where nothing is marked: the image is to be
 * skipped and counted; or -1 with MX_EINVAL (marks of another size, a box that is not in
 * the image) or MX_ENOMEM. */
int worker_align(const float *map, const uint32_t *order, uint32_t height, uint32_t width,
                 const struct worker_marks *marks, struct worker_alignment *out,
                 struct mx_err *err);

/* Over a set of n images at ONE threshold: the share with an IoU of at least delta
 * (MaxBoxAcc: .5; Choe and others 2020), or with delta 0 the mean IoU. ious is (n,
 * WORKER_THRESHOLDS). */
double worker_threshold_score(const float *ious, uint32_t n, double delta, unsigned threshold);

/* The threshold with the largest such score, the lowest of several. To be picked on
 * validation images and used on test images; picked on the test images themselves it is
 * the upper bound that the authors report: name it "oracle". */
unsigned worker_pick_threshold(const float *ious, uint32_t n, double delta);

#ifdef __cplusplus
}
#endif

#endif
