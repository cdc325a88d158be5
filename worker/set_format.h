/* set_format.h - how the files of each kind of data set are read.
 *
 * A format is a table of functions; worker/known_sets.c says which set has
 * which. What they give goes through the same limits, splits and constants for
 * every set (worker/dataset.c). Private to worker/.
 */
#ifndef MX_WORKER_SET_FORMAT_H
#define MX_WORKER_SET_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "worker/dataset.h"
#include "worker/images.h"

/* A set as it comes; only `progress` and `only_helps` are set before. A zeroed struct is empty. */
struct worker_raw_set {
    struct worker_images  parts[WORKER_PARTS];
    bool                  measured; /* moments are those of all training pixels */
    struct worker_moments moments;
    char                **class_names; /* (classes) and each of them owned; or NULL */
    struct worker_remarks remarks;

    struct worker_image_store *stores[WORKER_DATASET_STORES]; /* that parts with `at` look into */
    struct worker_image_store *originals;                     /* as in struct worker_dataset */
    uint32_t                   decoded;                       /* as in struct worker_dataset */

    const struct worker_progress *progress;   /* of worker_dataset_open_told(), lent */
    bool                          only_helps; /* for worker_dataset_help(): no images are needed */
};

struct worker_set_format {
    /* As worker_dataset_shape() and worker_dataset_counts(), before limits; `folder`
     * is where the set's files are. */
    int (*shape)(const struct worker_params *params, const char *folder, struct worker_shape *shape,
                 struct mx_err *err);
    int (*counts)(const struct worker_params *params, const char *folder, uint64_t *train,
                  uint64_t *test, struct mx_err *err);
    /* As worker_dataset_probe(). */
    int (*probe)(const struct worker_params *params, const char *folder, uint64_t *fingerprint,
                 struct mx_err *err);
    /* Read the images, brought to data.size and data.channels, and the shape. On
     * failure what is in *raw is the caller's to free. */
    int (*read)(const struct worker_params *params, const char *folder, uint64_t seed,
                struct worker_shape *shape, struct worker_raw_set *raw, struct mx_err *err);
};

extern const struct worker_set_format worker_synthetic_format, worker_idx_format,
    worker_cifar_format, worker_folder_format, worker_emnist_format, worker_features_format,
    worker_dominoes_format;

/* Append the folder of a set's files: data.path, else where its package or `data fetch`
 * puts them. Returns 0, or -1 with MX_ENOMEM. */
int worker_set_folder(const struct worker_params *params, struct mx_buf *folder,
                      struct mx_err *err);

/* What sets of known shape and size share. */
int worker_known_shape(const struct worker_params *params, const char *folder,
                       struct worker_shape *shape, struct mx_err *err);
int worker_known_counts(const struct worker_params *params, const char *folder, uint64_t *train,
                        uint64_t *test, struct mx_err *err);

/* Bring all parts to the shape. */
int worker_raw_fit(struct worker_raw_set *raw, const struct worker_shape *shape,
                   struct mx_err *err);

/* Append a file's line of the fingerprint's text: "NAME SIZE HASH\n". Returns 0, or
 * -1 with MX_EIO that names the file. */
int worker_fingerprint_add(struct mx_buf *text, const char *path, const char *name,
                           struct mx_err *err);

/* The same for a file whose size and XXH3-64 are known. */
void worker_fingerprint_line(struct mx_buf *text, const char *name, uint64_t bytes, uint64_t hash);

/* A set's fingerprint is the hash of that text. -1 with MX_ENOMEM if it is not whole. */
int worker_fingerprint_end(const struct mx_buf *text, uint64_t *fingerprint, struct mx_err *err);

/* Check that data.size and data.channels are within what any set takes. */
int worker_check_size(const struct worker_params *params, int64_t least, int64_t most,
                      struct mx_err *err);

#endif
