/* idx.h - IDX files of bytes, gzipped or plain: the format of MNIST and kin.
 *
 * Nothing in a file is trusted: the shape is checked before memory is taken,
 * memory grows with the bytes that really come, and no more than the declared
 * size plus one byte is ever unpacked. Errors are MX_EDATA and name the file.
 */
#ifndef MX_WORKER_IDX_H
#define MX_WORKER_IDX_H

#include <stdint.h>

#include "base/err.h"
#include "worker/images.h"
#include "worker/known_sets.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_IDX_MAX_DIMS = 3
};

struct worker_idx {
    uint32_t dims[WORKER_IDX_MAX_DIMS];
    uint8_t *data; /* (dims...), owned */
};

/* Read a file of `ndims` dimensions (1: labels, 3: images (n, height, width)).
 * Returns 0 with an array to be freed by the caller, or -1 with MX_EDATA or
 * MX_ENOMEM and data NULL. */
int worker_idx_read(const char *path, uint32_t ndims, struct worker_idx *idx, struct mx_err *err);

/* The files of a set, in the order of the fingerprint. */
enum {
    WORKER_IDX_TRAIN_IMAGES,
    WORKER_IDX_TRAIN_LABELS,
    WORKER_IDX_TEST_IMAGES,
    WORKER_IDX_TEST_LABELS,
    WORKER_IDX_FILES
};

struct worker_idx_paths {
    char *file[WORKER_IDX_FILES]; /* owned */
};

/* Find the four files in a folder: {train,t10k}-{images-idx3,labels-idx1}-ubyte,
 * also with a dot before idx, each also with .gz; a plain file wins. Returns 0
 * with paths to be freed by worker_idx_paths_free(), or -1 with MX_EDATA that
 * says what is missing and `advice`, or MX_ENOMEM. */
int  worker_idx_find(const char *folder, const char *set_name, const char *advice,
                     struct worker_idx_paths *paths, struct mx_err *err);
/* The same for other names: of each file two spellings. */
int  worker_idx_find_named(const char *folder, const char *set_name, const char *advice,
                           const char *const        names[WORKER_IDX_FILES][2],
                           struct worker_idx_paths *paths, struct mx_err *err);
void worker_idx_paths_free(struct worker_idx_paths *paths);

/* The fingerprint of the four files. Returns 0, or -1 with MX_EIO or MX_ENOMEM. */
int worker_idx_fingerprint(const struct worker_idx_paths *paths, uint64_t *fingerprint,
                           struct mx_err *err);

/* Read one half of a set: images of the known size and as many labels, each
 * below the number of classes. Returns 0, or -1 with MX_EDATA or MX_ENOMEM. */
int worker_idx_load(const char *images_path, const char *labels_path,
                    const struct worker_known_set *known, struct worker_images *images,
                    struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
