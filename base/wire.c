#include "base/wire.h"

#include <string.h>

static const unsigned char magic[4] = {'M', 'X', 'S', 'W'};

static void put_little(struct mx_buf *out, uint64_t x, unsigned bytes)
{
    unsigned char raw[8];

    for (unsigned i = 0; i < bytes; i++)
        raw[i] = (unsigned char)(x >> (8 * i));
    mx_buf_add(out, raw, bytes);
}

static uint64_t get_little(const unsigned char *raw, unsigned bytes)
{
    uint64_t x = 0;

    for (unsigned i = 0; i < bytes; i++)
        x |= (uint64_t)raw[i] << (8 * i);
    return x;
}

size_t mx_wire_begin(struct mx_buf *out, uint16_t type)
{
    size_t frame = out->len;

    mx_buf_add(out, magic, sizeof magic);
    put_little(out, MX_WIRE_VERSION, 2);
    put_little(out, type, 2);
    put_little(out, 0, 8);
    return frame;
}

void mx_wire_end(struct mx_buf *out, size_t frame)
{
    uint64_t body;

    if (!mx_buf_ok(out))
        return;
    body = out->len - frame - MX_WIRE_HEAD;
    if (body > MX_WIRE_MAX_BODY)
        out->failed = true;
    for (unsigned i = 0; i < 8; i++)
        out->data[frame + 8 + i] = (char)(body >> (8 * i));
}

void mx_put_u8(struct mx_buf *out, uint8_t x)
{
    put_little(out, x, 1);
}

void mx_put_u32(struct mx_buf *out, uint32_t x)
{
    put_little(out, x, 4);
}

void mx_put_u64(struct mx_buf *out, uint64_t x)
{
    put_little(out, x, 8);
}

void mx_put_i64(struct mx_buf *out, int64_t x)
{
    put_little(out, (uint64_t)x, 8);
}

void mx_put_real(struct mx_buf *out, double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    put_little(out, bits, 8);
}

void mx_put_text(struct mx_buf *out, const char *text)
{
    size_t len = strlen(text);

    put_little(out, len, 8);
    mx_buf_add(out, text, len);
}

void mx_put_bytes(struct mx_buf *out, const void *data, size_t len)
{
    put_little(out, len, 8);
    mx_buf_add(out, data, len);
}

int mx_wire_peek(const void *data, size_t len, uint16_t *type, size_t *body_len, struct mx_err *err)
{
    const unsigned char *head = data;
    uint64_t             body;

    if (len > 0 && memcmp(head, magic, len < sizeof magic ? len : sizeof magic) != 0)
        return mx_fail(err, MX_EINTERNAL, "a message does not start as ours do");
    if (len < MX_WIRE_HEAD)
        return 0;
    if (get_little(head + 4, 2) != MX_WIRE_VERSION)
        return mx_fail(err, MX_EINTERNAL, "a message of version %u, this program speaks %d",
                       (unsigned)get_little(head + 4, 2), MX_WIRE_VERSION);
    body = get_little(head + 8, 8);
    if (body > MX_WIRE_MAX_BODY)
        return mx_fail(err, MX_EINTERNAL, "a message of %llu bytes, more than any of ours",
                       (unsigned long long)body);
    *type = (uint16_t)get_little(head + 6, 2);
    *body_len = (size_t)body;
    return len - MX_WIRE_HEAD >= body;
}

struct mx_wire mx_wire_body(const void *data, size_t body_len)
{
    const unsigned char *body = (const unsigned char *)data + MX_WIRE_HEAD;

    return (struct mx_wire){.at = body, .end = body + body_len};
}

static uint64_t take_little(struct mx_wire *wire, unsigned bytes)
{
    uint64_t x;

    if (wire->failed || (size_t)(wire->end - wire->at) < bytes) {
        wire->failed = true;
        return 0;
    }
    x = get_little(wire->at, bytes);
    wire->at += bytes;
    return x;
}

uint8_t mx_take_u8(struct mx_wire *wire)
{
    return (uint8_t)take_little(wire, 1);
}

uint32_t mx_take_u32(struct mx_wire *wire)
{
    return (uint32_t)take_little(wire, 4);
}

uint64_t mx_take_u64(struct mx_wire *wire)
{
    return take_little(wire, 8);
}

int64_t mx_take_i64(struct mx_wire *wire)
{
    return (int64_t)take_little(wire, 8);
}

double mx_take_real(struct mx_wire *wire)
{
    uint64_t bits = take_little(wire, 8);
    double   x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

void mx_take_text(struct mx_wire *wire, char *out, size_t room)
{
    uint64_t len = take_little(wire, 8);

    out[0] = '\0';
    if (wire->failed || len >= room || len > (uint64_t)(wire->end - wire->at) ||
        memchr(wire->at, '\0', (size_t)len)) {
        wire->failed = true;
        return;
    }
    memcpy(out, wire->at, (size_t)len);
    out[len] = '\0';
    wire->at += len;
}

const void *mx_take_bytes(struct mx_wire *wire, size_t *len)
{
    uint64_t    n = take_little(wire, 8);
    const void *bytes = wire->at;

    *len = 0;
    if (wire->failed || n > (uint64_t)(wire->end - wire->at)) {
        wire->failed = true;
        return NULL;
    }
    wire->at += n;
    *len = (size_t)n;
    return bytes;
}

bool mx_wire_done(const struct mx_wire *wire)
{
    return !wire->failed && wire->at == wire->end;
}
