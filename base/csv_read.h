/* csv_read.h - rows of a table in a text file.
 *
 * Commas or blanks between fields; quotes as RFC 4180 has them; lines end with \n or
 * \r\n; a byte order mark and empty lines are passed over.
 */
#ifndef MX_CSV_READ_H
#define MX_CSV_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mx_table; /* a file that is read whole */

/* Open a file of at most max_bytes. `blanks`: fields are separated by blanks and tabs,
 * and nothing is quoted. Returns a table to be released with mx_table_close(), or NULL
 * with MX_EDATA (missing, a byte 0 in it, too large), MX_EIO or MX_ENOMEM. */
struct mx_table *mx_table_open(const char *path, bool blanks, size_t max_bytes, struct mx_err *err);

/* The same of a text that is in memory, which is taken over (*text is empty then); `name` is for
 * messages. */
struct mx_table *mx_table_of(const char *name, struct mx_buf *text, struct mx_err *err);
void             mx_table_close(struct mx_table *table); /* NULL is allowed */

/* The next row. Returns 1, 0 behind the last one, or -1 with MX_EDATA (a quote that is not
 * closed, or text right behind one that is) or MX_ENOMEM. */
int mx_table_next(struct mx_table *table, struct mx_err *err);

/* Its fields, lent until the table is closed, and its line in the file, from 1. */
size_t      mx_table_fields(const struct mx_table *table);
const char *mx_table_field(const struct mx_table *table, size_t k);
size_t      mx_table_line(const struct mx_table *table);

/* Where the current row, a header, has this name; SIZE_MAX if nowhere. */
size_t mx_table_find(const struct mx_table *table, const char *name);

/* Fail with "PATH:LINE: TEXT", or "PATH: TEXT" before the first row; MX_EDATA. Returns -1. */
int mx_table_fail(const struct mx_table *table, struct mx_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif

#endif
