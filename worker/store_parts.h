/* store_parts.h - the files of a store decoded by several processes, in parts.
 *
 * A store of the cache, STEM, is put together by one process: its holder (worker/image_cache.h).
 * Others that wait for it decode too. The list of files is cut into parts, and beside the store lie
 *
 *     STEM.claims      4 bytes: the first part that is not yet in the store. Whoever decodes part k
 *                      has byte k locked, which ends with its process
 *     STEM.part-k      a part that was decoded, in the form of worker/store_file.h
 *     STEM.part-k.tmp  one that grows; only who has byte k writes it
 *
 * The holder takes the parts in their order: one that lies there, or else it decodes the files
 * straight into the store; where another has claimed them, it decodes a later part meanwhile. So
 * what is in the store depends on nobody. A part is removed as soon as it is in the store, and
 * together they take no more of the disk than the store will. A part with a mistake is never
 * there: the holder comes upon the mistake itself, after all those before it. What killed
 * processes left is taken over, or removed with the part that it belongs to.
 *
 * Where files cannot be locked so, or hold too few images, the holder decodes alone.
 */
#ifndef MX_WORKER_STORE_PARTS_H
#define MX_WORKER_STORE_PARTS_H

#include "base/err.h"
#include "worker/image_store.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_store_parts;

/* Of the store `stem`, for its holder; both lent. Returns NULL where nothing can be shared. */
struct worker_store_parts *worker_store_parts_new(const char                     *stem,
                                                  const struct worker_store_spec *spec);

/* What the store is decoded with. */
const struct worker_store_share *worker_store_parts_share(struct worker_store_parts *parts);

/* Files that the holder decoded into parts. */
uint32_t worker_store_parts_decoded(const struct worker_store_parts *parts);

/* The store is whole, or given up: remove all parts. NULL is allowed. */
void worker_store_parts_free(struct worker_store_parts *parts);

/* Decode one part of a store that another process holds. Returns how many files it has, 0 if there is
 * nothing to do at the moment, or -1 if this process is of no help: it met a mistake, which the holder
 * will tell, or cannot write. */
int worker_store_parts_help(const char *stem, const struct worker_store_spec *spec);

#ifdef __cplusplus
}
#endif

#endif
