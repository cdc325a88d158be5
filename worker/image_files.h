/* image_files.h - the image files of a set, by name, and how large their heads say they are.
 * Nothing is decoded.
 */
#ifndef MX_WORKER_IMAGE_FILES_H
#define MX_WORKER_IMAGE_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/dataset.h"
#include "worker/images.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_image_files;

/* List the files of a set as opening it does, with what data.test_fraction holds out by `seed`.
 * Returns a list to be released with worker_image_files_free(); or NULL with MX_EINVAL for a set
 * that has no image files, or as worker_dataset_open(). */
struct worker_image_files *worker_image_files_list(const struct worker_params *params,
                                                   uint64_t seed, struct mx_err *err);
void worker_image_files_free(struct worker_image_files *files); /* NULL is allowed */

/* How many a part (WORKER_PART_TRAIN ...) has, and the name of one, below data.path, lent. */
uint32_t    worker_image_files_count(const struct worker_image_files *files, int part);
const char *worker_image_files_name(const struct worker_image_files *files, int part, uint32_t i);

/* The file of image i of a part of `set`, opened with the same parameters and seed; NULL where it is
 * not known: damaged files were left out of a part that some are held out of. */
const char *worker_image_files_of(const struct worker_image_files *files,
                                  const struct worker_dataset *set, int part, uint32_t i);

/* Whether the set has a part for testing of its own. */
bool worker_image_files_own_test(const struct worker_image_files *files);

/* What an image says of itself. */
struct worker_image_size {
    uint32_t width, height;
    uint32_t channels; /* 1 grey; 3 colours, also those of a palette or CMYK */
};

/* Read it from the first bytes of a JPEG or PNG file. Returns 0, or -1 if they do not tell. */
int worker_image_files_size(const struct worker_image_files *files, int part, uint32_t i,
                            struct worker_image_size *size);

/* The same of the file "folder/name". */
int worker_image_size_of(const char *folder, const char *name, struct worker_image_size *size);

#ifdef __cplusplus
}
#endif

#endif
