/* features.h - the frozen features of a backbone, and its head.
 *
 * What heads are trained on: for each split one row of numbers an image (the
 * output of the backbone before its classifier), the labels, the groups, and
 * the head that came with the backbone. As files (formats.md, stages/KEY of
 * kind features, and data.set features): {train,val,test}_{x,y,g}.npy and
 * head_{w,b}.npy.
 */
#ifndef MX_WORKER_FEATURES_H
#define MX_WORKER_FEATURES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/choices.h"

#ifdef __cplusplus
extern "C" {
#endif

enum worker_feature_part {
    WORKER_FEATURES_TRAIN,
    WORKER_FEATURES_VAL,
    WORKER_FEATURES_TEST,
    WORKER_FEATURE_PARTS
};

/* "train", "val", "test": as in names of files and metrics. */
extern const char *const worker_feature_parts[WORKER_FEATURE_PARTS];

enum {
    WORKER_FEATURE_BATCH = 32 /* images that a network makes features of at a time */
};

/* Rows of one split. x32 with WORKER_F32, x64 with WORKER_F64, the other NULL. */
struct worker_feature_split {
    uint32_t  n;
    float    *x32; /* (n, dims), row-major */
    double   *x64;
    uint32_t *labels; /* (n), below classes */
    uint32_t *groups; /* (n), below groups; NULL without groups */
};

/* What there may be names of (data.set features): for the eyes only. */
enum worker_feature_names {
    WORKER_FEATURE_CLASS_NAMES, /* class_names.txt */
    WORKER_FEATURE_GROUP_NAMES, /* group_names.txt */
    WORKER_FEATURE_ROW_NAMES,   /* train_names.txt */
    WORKER_FEATURE_NAMES
};

struct worker_name_list {
    uint64_t n; /* 0: there is no such file */
    char   **names;
    char    *text; /* they stand in it */
};

struct worker_features {
    enum worker_precision       precision;
    uint32_t                    dims, classes;
    uint32_t                    groups; /* 0: the set has none */
    struct worker_feature_split split[WORKER_FEATURE_PARTS];
    double                     *head_w, *head_b; /* (classes, dims), (classes): the head that came
                                                    with the backbone */
    struct worker_name_list     names[WORKER_FEATURE_NAMES];
};

/* Read the files in folder; numbers of any float type become those of
 * `precision`. limits: at most so many rows of train and of test, the first
 * ones (0: all). Returns features to be released with worker_features_free();
 * or NULL with MX_EDATA (a file is missing or damaged, shapes that do not fit
 * each other, a label or group out of range, a number that is not finite, names
 * that are too few or too many: file and row are named), MX_EIO or MX_ENOMEM. */
struct worker_features *worker_features_read(const char *folder, enum worker_precision precision,
                                             uint64_t train_limit, uint64_t test_limit,
                                             struct mx_err *err);
void worker_features_free(struct worker_features *features); /* NULL is allowed */

/* The name of a class, a group or a training row, UTF-8, lent; NULL if it has none. */
const char *worker_feature_name(const struct worker_features *features,
                                enum worker_feature_names kind, uint32_t number);

/* XXH3-64 over size and XXH3-64 of each file. Returns 0, or -1 with MX_EDATA that
 * names one that is missing, or MX_EIO. */
int worker_features_fingerprint(const char *folder, uint64_t *fingerprint, struct mx_err *err);

/* Bytes of memory that they hold. */
size_t worker_features_bytes(const struct worker_features *features);

#ifdef __cplusplus
}
#endif

#endif
