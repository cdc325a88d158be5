/* file_index.h - hashes of files that were read before.
 *
 * An unchanged file need not be read again to know its content. A file counts
 * as unchanged if its path, size, device, inode and the nanoseconds of its last
 * changes (of content, and of status) are the same. One that changed less than
 * two seconds before it was hashed is not remembered: another change could
 * leave the same times behind.
 *
 * One index a data folder, kept in the cache directory (worker/image_cache.h).
 */
#ifndef MX_WORKER_FILE_INDEX_H
#define MX_WORKER_FILE_INDEX_H

#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_file_index;

/* Open the index that `cache` (NULL: there is none, and nothing is remembered) has of a
 * folder. One that is damaged counts as empty. now_s is the time in seconds UTC. Returns
 * an index to be released with worker_file_index_close(), or NULL with MX_ENOMEM. */
struct worker_file_index *worker_file_index_open(const char *cache, const char *folder,
                                                 double now_s, struct mx_err *err);

/* Size and XXH3-64 of the file `name` in the folder; it is read if it has to be.
 * Returns 0, or -1 with MX_EIO that names the file, or MX_ENOMEM. */
int worker_file_index_hash(struct worker_file_index *index, const char *name, uint64_t *bytes,
                           uint64_t *hash, struct mx_err *err);

/* How many files were read. */
uint32_t worker_file_index_reads(const struct worker_file_index *index);

/* Write what is new, and forget files that were not asked for; release. NULL is allowed.
 * An index that cannot be written is not: files are read again, then. */
void worker_file_index_close(struct worker_file_index *index);

#ifdef __cplusplus
}
#endif

#endif
