/* annotations.h - what people marked in a set's test images: boxes and masks.
 *
 * Read only where maps are compared with them. They go the image's way: scaled by the same
 * factors, shifted by the same crop, clipped; orientation tags are no more followed than
 * in the images. Where the sets have them:
 *
 *   folder    boxes.csv in data.path (file,x0,y0,x1,y1[,label]: see docs/data.md), and
 *             masks/NAME.png, NAME being the file's path without its ending, or its last
 *             part alone
 *   cub       bounding_boxes.txt; segmentations/CLASS/NAME.png
 *   imagenet  Annotations/CLS-LOC/val/NAME.xml, or val/CLASS/NAME.xml beside the image
 *   synthetic box and mask of the shape, as it was made
 */
#ifndef MX_WORKER_ANNOTATIONS_H
#define MX_WORKER_ANNOTATIONS_H

#include "worker/align.h"
#include "worker/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_annotations;

/* Read those of set->test, which was opened with the same parameters and seed. Returns
 * annotations to be released with worker_annotations_free(); or NULL with MX_EDATA that
 * names file, line and column, or the mask; MX_EINVAL for a set without any; MX_EIO or
 * MX_ENOMEM. */
struct worker_annotations *worker_annotations_read(const struct worker_params *params,
                                                   uint64_t seed, const struct worker_dataset *set,
                                                   struct mx_err *err);
void                       worker_annotations_free(struct worker_annotations *annotations);

/* Whether there are any, without reading images: tables of boxes are read, files of masks and
 * of boxes of ImageNet only looked for. Returns 0, or -1 with what worker_annotations_read()
 * would say. */
int worker_annotations_check(const struct worker_params *params, struct mx_err *err);

/* Whether the places are there where they would be; true where looking into folders of images
 * would tell. No file is opened. */
bool worker_annotations_there(const struct worker_params *params);

/* What people should hear of: how many lines of boxes.csv are of files that the set does not
 * have, and the first of them. "" if there is nothing to tell. */
const char *worker_annotations_remark(const struct worker_annotations *annotations);

/* Whether images of a set (enum worker_data_set) can have any; and whether those are what its
 * users put beside it, boxes.csv and the folder masks. */
bool worker_annotations_possible(unsigned data_set);
bool worker_annotations_own(unsigned data_set);

/* Whether the set has files of boxes, of masks at all. */
bool worker_annotations_boxes(const struct worker_annotations *annotations);
bool worker_annotations_masks(const struct worker_annotations *annotations);

/* The marks of test image i, lent. Without a mask of its own, where the set has masks,
 * an image has an empty one. */
struct worker_marks worker_annotations_of(const struct worker_annotations *annotations, uint32_t i);

#ifdef __cplusplus
}
#endif

#endif
