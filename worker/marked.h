/* marked.h - boxes as their files have them. Private to annotations.c and marked*.c. */
#ifndef MX_WORKER_MARKED_H
#define MX_WORKER_MARKED_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

/* In pixels of the stored file, x1 and y1 exclusive. */
struct worker_marked {
    const char *file; /* below data.path */
    double      x0, y0, x1, y1;
};

/* All boxes of a set, sorted by file, those of one file in their order. */
struct worker_marked_list {
    struct mx_arena      *arena; /* holds the names */
    struct worker_marked *boxes; /* (n), owned */
    size_t                n, room;
};

void worker_marked_free(struct worker_marked_list *list);

/* Append; sort once all are there. -1 with MX_ENOMEM. */
int  worker_marked_add(struct worker_marked_list *list, const char *file, const double corners[4],
                       struct mx_err *err);
void worker_marked_sort(struct worker_marked_list *list);

/* The first box of a file, and how many; NULL, 0. */
const struct worker_marked *worker_marked_find(const struct worker_marked_list *list,
                                               const char *file, size_t *n);

/* How many of the boxes are of files that are none of `names` (n, in the order of their
 * bytes); *first is the first such file, NULL if there is none. */
size_t worker_marked_unknown(const struct worker_marked_list *list, const char *const *names,
                             size_t n, const char **first);

/* Read PATH/boxes.csv; PATH/bounding_boxes.txt with images.txt. Returns 1, 0 if there is no
 * such file, or -1 with MX_EDATA ("FILE:LINE: ..."). */
int worker_marked_csv(struct worker_marked_list *list, const char *path, struct mx_err *err);
int worker_marked_cub(struct worker_marked_list *list, const char *path, struct mx_err *err);

/* Add the boxes of one file of Pascal VOC XML, under the name `file`. There the pixel at the
 * top left is (1, 1), and xmax and ymax belong to the box (Everingham and Winn, VOC2012
 * development kit, 2012). ImageNet's files are of this form, and have a 0 here and there:
 * such a box begins at the image's edge. The stored image has width x height pixels; where the file
 * tells another <size>, the box is scaled with the image, as TensorFlow's script for ImageNet does
 * (process_bounding_boxes.py). -1 with MX_EDATA, also where the file is cut short or another. */
int worker_marked_voc(struct worker_marked_list *list, const char *xml, const char *file,
                      uint32_t width, uint32_t height, struct mx_err *err);

#endif
