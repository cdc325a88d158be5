/* miniature_parts.h - private to miniature*.c. */
#ifndef MX_WORKER_MINIATURE_PARTS_H
#define MX_WORKER_MINIATURE_PARTS_H

#include "base/buf.h"
#include "worker/dataset.h"

/* Write `content` as folder/name. */
int worker_miniature_file(const char *folder, const char *name, const struct mx_buf *content,
                          struct mx_err *err);

/* Write image i of a split as folder/name, a PNG file whatever its name; the folders that it
 * lies in are made. A test image gets its segments, too. */
int worker_miniature_picture(const char *folder, const char *name, const struct worker_dataset *set,
                             const struct worker_split *split, uint32_t i, struct mx_err *err);

/* Where the object of image i is, of the training half (0) or the test half (1): a line of
 * boxes.csv, and a mask whose pixels are 1 on it and 0 beside. */
int worker_miniature_mark(const char *folder, const char *name, const struct worker_split *split,
                          uint32_t i, uint32_t half, struct mx_buf *boxes, struct mx_err *err);

/* Sets whose tables name their images. `set` is drawn: two classes with two attributes
 * each, or four classes. */
typedef int worker_miniature_writer(const struct worker_dataset *set, const char *folder,
                                    struct mx_err *err);

worker_miniature_writer worker_miniature_waterbirds, worker_miniature_celeba,
    worker_miniature_metashift, worker_miniature_cub, worker_miniature_imagenet;

#endif
