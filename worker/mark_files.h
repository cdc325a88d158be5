/* mark_files.h - the content of the files that people's marks are in: boxes and masks
 * (worker/annotations.h), segments (worker/segments.h). Scores that are measured with them depend on it.
 */
#ifndef MX_WORKER_MARK_FILES_H
#define MX_WORKER_MARK_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

enum worker_mark_files {
    WORKER_MARK_FILES_BOXES,
    WORKER_MARK_FILES_SEGMENTS,
};

enum {
    WORKER_MARK_FILES = WORKER_MARK_FILES_SEGMENTS + 1
};

/* "boxes and masks", "segments". */
extern const char *const worker_mark_files_words[WORKER_MARK_FILES];

/* Whether a score of params->score_metrics reads such files of params->data_set; false for a
 * set whose marks are made, not read. */
bool worker_mark_files_matter(const struct worker_params *params, enum worker_mark_files what);

/* The hash of names, sizes and contents of those files at the set's place; 0 if there is none. What has not changed since it was hashed is not read again
 * (worker/file_index.h). Returns 0, or -1 with MX_EIO that names the file, MX_EDATA for folders
 * that cannot be opened or lie too deep in each other, or MX_ENOMEM. */
int worker_mark_files_fingerprint(const struct worker_params *params, enum worker_mark_files what,
                                  uint64_t *fingerprint, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
