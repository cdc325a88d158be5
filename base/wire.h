/* wire.h - messages between processes as bytes, and back.
 *
 * A frame is a 16-byte head (magic, version, type, length) and a body of typed
 * fields in little-endian order. The reader trusts nothing: every take is
 * checked against the end, the first failure sticks, and a frame is accepted
 * only if its body was read to its last byte.
 */
#ifndef MX_WIRE_H
#define MX_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    MX_WIRE_HEAD = 16,           /* bytes of a frame's head */
    MX_WIRE_VERSION = 1,         /* raised whenever a message changes */
    MX_WIRE_MAX_BODY = 64 << 20, /* bytes; a longer frame is refused unread */
};

/* Start a frame of `type` at the end of out; fields follow with mx_put_*();
 * mx_wire_end() fills in the length; a body that no reader would take marks the
 * buffer as failed. Returns the frame's place for the latter. */
size_t mx_wire_begin(struct mx_buf *out, uint16_t type);
void   mx_wire_end(struct mx_buf *out, size_t frame);

void mx_put_u8(struct mx_buf *out, uint8_t x);
void mx_put_u32(struct mx_buf *out, uint32_t x);
void mx_put_u64(struct mx_buf *out, uint64_t x);
void mx_put_i64(struct mx_buf *out, int64_t x);
void mx_put_real(struct mx_buf *out, double x);                      /* its 64 bits, NaN included */
void mx_put_text(struct mx_buf *out, const char *text);              /* length and bytes */
void mx_put_bytes(struct mx_buf *out, const void *data, size_t len); /* likewise */

/* Look at the head of a frame in `len` bytes; data may be NULL for none. Returns
 * 1 and sets *type and *body_len if the whole frame is there, 0 if more bytes
 * are needed, -1 with MX_EINTERNAL if this is no frame of ours. */
int mx_wire_peek(const void *data, size_t len, uint16_t *type, size_t *body_len,
                 struct mx_err *err);

struct mx_wire {
    const unsigned char *at, *end;
    bool                 failed; /* a take went past the end, or was not well-formed */
};

/* Read the body of the frame at data (mx_wire_peek() said 1). */
struct mx_wire mx_wire_body(const void *data, size_t body_len);

/* Take the next field; after a failure everything is 0 or "". */
uint8_t  mx_take_u8(struct mx_wire *wire);
uint32_t mx_take_u32(struct mx_wire *wire);
uint64_t mx_take_u64(struct mx_wire *wire);
int64_t  mx_take_i64(struct mx_wire *wire);
double   mx_take_real(struct mx_wire *wire);

/* Copy a text of fewer than `room` bytes to out; a longer one is a failure. */
void mx_take_text(struct mx_wire *wire, char *out, size_t room);

/* Take bytes that mx_put_bytes() wrote, where they lie in the frame; NULL and 0
 * after a failure. */
const void *mx_take_bytes(struct mx_wire *wire, size_t *len);

/* True if nothing failed and nothing is left. */
bool mx_wire_done(const struct mx_wire *wire);

#ifdef __cplusplus
}
#endif

#endif
