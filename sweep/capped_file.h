/* capped_file.h - a file that is appended to and stays small.
 *
 * What would make it larger than it may be goes to a new one; the old one is PATH.1 then,
 * and the one before that is gone. So the newest bytes are always there, at least as many
 * as one file holds.
 */
#ifndef MX_SWEEP_CAPPED_FILE_H
#define MX_SWEEP_CAPPED_FILE_H

#include <stddef.h>

#include "base/err.h"

struct mx_capped_file;

/* Open a file of `most` bytes; what is in it already stays and counts. Returns NULL with
 * MX_EIO or MX_ENOMEM. */
struct mx_capped_file *mx_capped_file_new(const char *path, size_t most, struct mx_err *err);
void                   mx_capped_file_free(struct mx_capped_file *file); /* NULL is allowed */

const char *mx_capped_file_path(const struct mx_capped_file *file);

/* How many bytes still fit into the present file; 0: the next ones go to a new one. */
size_t mx_capped_file_room(const struct mx_capped_file *file);

/* Append bytes, `most` at most, all into one file. MX_EIO: they are lost; the next may be
 * written again. */
int mx_capped_file_add(struct mx_capped_file *file, const void *data, size_t len,
                       struct mx_err *err);

#endif
