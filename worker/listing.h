/* listing.h - the image files of a published set, as its own tables name them.
 *
 * Each set fills the lists of worker/folder.h; reading, limits and splits are then
 * those of class folders. No image is opened. Private to worker/.
 */
#ifndef MX_WORKER_LISTING_H
#define MX_WORKER_LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/csv_read.h"
#include "worker/folder.h"

/* List the files of params->data_set in `path`. As worker_folder_list(). */
struct worker_folder *worker_listing(const struct worker_params *params, const char *path,
                                     struct mx_err *err);

/* Fill an empty list. Returns 0, or -1 with *err. */
typedef int worker_lister(struct worker_folder *folder, const char *path, struct mx_err *err);

/* class folders; metadata.csv; list_attr_celeba.{csv,txt} or celeba_split.csv;
 * PART/CLASS/CONTEXT; images.txt and so on; train/CLASS and val/CLASS. */
worker_lister worker_list_folder, worker_list_waterbirds, worker_list_celeba, worker_list_metashift,
    worker_list_cub, worker_list_imagenet;

enum {
    WORKER_TABLE_BYTES = 1 << 28 /* of a set's table, at most */
};

/* Open "path/name" as a table; what is missing is told with `set` and what it is for. */
struct mx_table *worker_listing_table(const char *set, const char *path, const char *name,
                                      bool blanks, struct mx_err *err);

/* The first row, a header. Returns 0, or -1 with *err, also where the table is empty. */
int worker_listing_header(struct mx_table *table, struct mx_err *err);

/* Append a file to a part. Returns 0, or -1 with MX_ENOMEM. */
int worker_listing_add(struct worker_folder *folder, int part, const char *name, uint32_t label,
                       uint32_t group, struct mx_err *err);

/* Set the classes' names. */
int worker_listing_classes(struct worker_folder *folder, uint32_t n, const char *const *names,
                           struct mx_err *err);

/* Check that training and test part have images, that training has two classes at least, and
 * that no file is listed more than once. */
int worker_listing_end(const struct worker_folder *folder, const char *set, const char *path,
                       struct mx_err *err);

/* A field that is a whole number below `below`. Returns 0, or -1 with "FILE:LINE: column
 * NAME is 'TEXT', not one of 0 to N". */
int worker_listing_number(const struct mx_table *table, size_t column, const char *name,
                          uint32_t below, uint32_t *out, struct mx_err *err);

#endif
