/* miniature.h - a small generated stand-in for a data set, in the set's own
 * files and layout, so that a test run goes the whole way without its data.
 */
#ifndef MX_WORKER_MINIATURE_H
#define MX_WORKER_MINIATURE_H

#include "base/err.h"
#include "worker/dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Write the miniature of a set (enum worker_data_set) into `folder`, which is
 * made. The images are those of the synthetic set at the set's own shape, so
 * they can be learnt; the same on every call. The synthetic set needs none and
 * gets an empty folder. Returns 0, or -1 with MX_EIO, MX_ENOMEM, or MX_EINVAL
 * for a set whose layout this version cannot write. */
int worker_miniature_make(unsigned data_set, const char *folder, struct mx_err *err);

/* Shape and number of the images that params' set has under --smoke, after limits and before
 * the validation split, as worker_dataset_shape() and worker_dataset_counts() tell them of
 * the set itself; of dominoes the number is the middle one. Returns 0, or -1 as those. */
int worker_miniature_size(const struct worker_params *params, struct worker_shape *shape,
                          uint64_t *train, uint64_t *test, struct mx_err *err);

/* The miniature of the set `features`: 32 numbers an image, two classes, four
 * groups (label, attribute) of unequal size, label and attribute agreeing in
 * nine of ten training images; the head leans on the attribute. */
int worker_miniature_features(const char *folder, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
