/* buf.h - a byte string that grows.
 *
 * Running out of memory is remembered instead of reported at each call:
 * writers need not check, and the one who uses the result asks mx_buf_ok()
 * once. A zeroed struct is an empty buffer.
 */
#ifndef MX_BUF_H
#define MX_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mx_buf {
    char  *data; /* NUL behind the last byte, or NULL while nothing was added */
    size_t len;  /* bytes, without that NUL */
    size_t room;
    bool   failed; /* memory ran out at some point: data is incomplete */
};

/* Append bytes, text, or printf output. */
void mx_buf_add(struct mx_buf *buf, const void *data, size_t len);
void mx_buf_text(struct mx_buf *buf, const char *text);
void mx_buf_printf(struct mx_buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mx_buf_vprintf(struct mx_buf *buf, const char *fmt, va_list args);

/* True if all that was added is there. */
bool mx_buf_ok(const struct mx_buf *buf);

/* The text so far; "" for an empty or failed buffer. Lent: valid until the
 * next call on buf. */
const char *mx_buf_str(const struct mx_buf *buf);

/* Forget the content and keep the memory. */
void mx_buf_clear(struct mx_buf *buf);

/* Release the memory; the buffer is empty and usable again. */
void mx_buf_free(struct mx_buf *buf);

#ifdef __cplusplus
}
#endif

#endif
