/* feature_names.h - what the classes, groups and training rows of a folder of features are
 * called, for the eyes only: no number depends on it. Private to worker/features.
 *
 * class_names.txt, group_names.txt, train_names.txt: each may be missing; a name a line, the
 * first one for 0, UTF-8, any line ends. */
#ifndef MX_WORKER_FEATURE_NAMES_H
#define MX_WORKER_FEATURE_NAMES_H

#include "worker/features.h"

/* Read the names that are in folder into features, whose classes, groups and rows are known;
 * train_rows: of the file, before any limit. Returns 0, or -1 with MX_EDATA (a line too few or
 * too many, an empty one, one that is not UTF-8: file and line are named), MX_EIO, MX_ENOMEM. */
int  worker_feature_names_read(const char *folder, uint64_t train_rows,
                               struct worker_features *features, struct mx_err *err);
void worker_feature_names_free(struct worker_features *features);

#endif
