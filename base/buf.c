#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Make room for `more` bytes and a NUL; false (and remembered) if there is none. */
static bool reserve(struct mx_buf *buf, size_t more)
{
    size_t need, room;
    char  *data;

    if (buf->failed)
        return false;
    if (__builtin_add_overflow(buf->len, more, &need) || __builtin_add_overflow(need, 1, &need))
        goto fail;
    if (need <= buf->room)
        return true;
    room = buf->room ? buf->room : 64;
    while (room < need)
        if (__builtin_mul_overflow(room, 2, &room))
            goto fail;
    if (!(data = realloc(buf->data, room)))
        goto fail;
    buf->data = data;
    buf->room = room;
    return true;
fail:
    buf->failed = true;
    return false;
}

void mx_buf_add_growing(struct mx_buf *buf, const void *data, size_t len)
{
    if (!reserve(buf, len))
        return;
    if (len > 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void mx_buf_uint(struct mx_buf *buf, uint64_t x)
{
    char  digits[20]; /* of the largest */
    char *at = digits + sizeof digits;

    do
        *--at = (char)('0' + x % 10);
    while ((x /= 10) > 0);
    mx_buf_add(buf, at, (size_t)(digits + sizeof digits - at));
}

void mx_buf_vprintf(struct mx_buf *buf, const char *fmt, va_list args)
{
    va_list again;
    int     len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, fmt, args);
    if (len >= 0 && reserve(buf, (size_t)len)) {
        vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void mx_buf_printf(struct mx_buf *buf, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    mx_buf_vprintf(buf, fmt, args);
    va_end(args);
}

bool mx_buf_ok(const struct mx_buf *buf)
{
    return !buf->failed;
}

const char *mx_buf_str(const struct mx_buf *buf)
{
    return buf->data && !buf->failed ? buf->data : "";
}

void mx_buf_clear(struct mx_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->data)
        buf->data[0] = '\0';
}

void mx_buf_free(struct mx_buf *buf)
{
    free(buf->data);
    *buf = (struct mx_buf){0};
}
