/* file.h - files that are either whole or not there.
 *
 * Every error text names the path and what the system said. A full disk is
 * MX_EIO like any other, and leaves no half-written file behind.
 */
#ifndef MX_FILE_H
#define MX_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Read a whole file of at most max_bytes into *out (cleared first). Returns 0;
 * or -1 with MX_EIO (missing, unreadable, a directory), MX_ERANGE (larger),
 * MX_ENOMEM. */
int mx_file_read(const char *path, size_t max_bytes, struct mx_buf *out, struct mx_err *err);

/* Refuse a pipe, whose opening would wait for somebody to write. Returns 0, also where nothing is
 * there, or -1 with MX_EDATA. */
int mx_file_refuse_pipe(const char *path, struct mx_err *err);

/* As mx_file_read(), of a file of any size, but only its first max_bytes. */
int mx_file_read_head(const char *path, size_t max_bytes, struct mx_buf *out, struct mx_err *err);

/* Replace path by `len` bytes: written to path.tmp.PID, synced, renamed, and
 * the directory synced. On failure the old file is as it was. */
int mx_file_write(const char *path, const void *data, size_t len, struct mx_err *err);

/* The same for a content that lies in pieces, one behind the other. */
struct mx_piece {
    const void *data;
    size_t      len;
};
int mx_file_write_pieces(const char *path, const struct mx_piece *pieces, size_t npieces,
                         struct mx_err *err);

/* The last step of it: a file that is written and synced, of the same directory, takes
 * path's place. */
int mx_file_replace(const char *temporary, const char *path, struct mx_err *err);

/* Write all bytes to a descriptor, whatever write(2) takes at a time. `path`
 * is for the message. */
int mx_file_write_all(int fd, const void *data, size_t len, const char *path, struct mx_err *err);

/* Make a directory and its parents; one that exists is fine. */
int mx_dir_make(const char *path, struct mx_err *err);

/* Flush a directory's entries to disk. */
int mx_dir_sync(const char *path, struct mx_err *err);

/* Remove a directory with all that is in it; symbolic links are removed, not
 * followed. One that is not there is fine. */
int mx_dir_remove(const char *path, struct mx_err *err);

/* Remove what is in a directory, but not files of it for which keeps() is true
 * (told by their name in it). */
int mx_dir_clear(const char *path, bool (*keeps)(const char *name), struct mx_err *err);

/* True if the path names something, whatever it is. */
bool mx_file_exists(const char *path);

/* "dir/name" in memory to be freed by the caller; NULL if there is none. An
 * absolute name stands alone, and so does a name where dir is "" or ".". */
char *mx_path_join(const char *dir, const char *name);

#ifdef __cplusplus
}
#endif

#endif
