/* image_cache.h - decoded images, kept in files that all processes map.
 *
 * $MIXSWEEP_CACHE, else $XDG_CACHE_HOME/mixsweep, else ~/.cache/mixsweep holds a
 * file images-KEY for each list of files that was decoded. KEY is a hash of all
 * that determines its content: the contents of the files, size and channels,
 * what becomes of damaged ones, and what decodes. So it can be out of date for
 * nothing: other images, another size, another library have another KEY.
 *
 * in the form of worker/store_file.h. A file that is not just so, of the right length
 * and with the right hashes, is written anew. It grows as images-KEY.tmp, which
 * whoever writes it holds locked: others wait for it, decode parts of it meanwhile
 * (worker/store_parts.h), and a lock ends with its process. Only whole files are ever called
 * images-KEY, and none is changed later; what a power cut takes from one, its hashes tell.
 */
#ifndef MX_WORKER_IMAGE_CACHE_H
#define MX_WORKER_IMAGE_CACHE_H

#include "base/buf.h"
#include "base/err.h"
#include "worker/image_store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Append the cache directory, which is made. Returns 0, or -1 with *err where there can
 * be none. */
int worker_image_cache_folder(struct mx_buf *folder, struct mx_err *err);

/* The store of spec->files: mapped, if need be decoded first; in memory where `folder` (NULL:
 * there is none) cannot hold it: *note then says why. spec->hashes is needed with a folder.
 * Returns it, to be released with worker_image_store_free(), or NULL with *err of
 * worker_image_store_decode(). */
struct worker_image_store *worker_image_cache_open(const char                     *folder,
                                                   const struct worker_store_spec *spec,
                                                   struct mx_err *note, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
