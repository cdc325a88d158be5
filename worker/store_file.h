/* store_file.h - the form of files that hold a store of decoded images, or a piece of one.
 *
 *     header        struct header of store_file.c, with hashes of itself and what follows
 *     state, rows   of struct worker_image_store, each from a multiple of 8 bytes on
 *     pixels        from a multiple of 4096 bytes on, up to the end
 *
 * in the machine's byte order. The header comes last, so that a file with one has all else. What
 * a power cut takes from it, its hashes tell.
 */
#ifndef MX_WORKER_STORE_FILE_H
#define MX_WORKER_STORE_FILE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/hash.h"
#include "worker/image_store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A hash of all that determines what such a file holds: the contents of the image files, size and
 * channels, what becomes of damaged ones, and what decodes. Returns 0, or -1 with MX_ENOMEM. */
int worker_store_key(const struct worker_store_spec *spec, struct mx_hash128 *key,
                     struct mx_err *err);

/* Map the file at `path`. False, and *store empty, where there is none that is whole and has that
 * key. Where its pixels are `trusted`, they are not compared with their hashes; all else is. */
bool worker_store_load(const char *path, const struct mx_hash128 *key,
                       const struct worker_store_spec *spec, bool trusted,
                       struct worker_image_store *store);

/* Decode spec->files into the empty file `fd` at `path`; *store then tells of them, without
 * pixels, and is the caller's to clear. Nothing waits for the disk. Returns 0, or -1 with an empty
 * store and *err of worker_image_store_decode(); *unwritable: it is the file that failed. */
int worker_store_write(int fd, const char *path, const struct mx_hash128 *key,
                       const struct worker_store_spec *spec, struct worker_image_store *store,
                       bool *unwritable, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
