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
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mx_buf {
    char  *data; /* NUL behind the last byte, or NULL while nothing was added */
    size_t len;  /* bytes, without that NUL */
    size_t room;
    bool   failed; /* memory ran out at some point: data is incomplete */
};

enum {
    MX_BUF_SHORT = 1024 /* bytes of a piece that is added inline, if there is room */
};

/* What mx_buf_add() does with other pieces. */
void mx_buf_add_growing(struct mx_buf *buf, const void *data, size_t len);

/* Append bytes, text, an integer in decimal digits, or printf output. The first
 * two are inline: most of what is written are short pieces. */
static inline void mx_buf_add(struct mx_buf *buf, const void *data, size_t len)
{
    if (len == 0 || len > MX_BUF_SHORT || len >= buf->room - buf->len || buf->failed) {
        mx_buf_add_growing(buf, data, len);
        return;
    }
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

static inline void mx_buf_text(struct mx_buf *buf, const char *text)
{
    mx_buf_add(buf, text, strlen(text));
}

void mx_buf_uint(struct mx_buf *buf, uint64_t x);
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
