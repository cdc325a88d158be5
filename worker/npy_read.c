/* The numbers of an npy file, row-major, as another type. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "worker/npy_parts.h"

enum {
    CHUNK = 8192 /* numbers at a time */
};

/* Where numbers go, and what has to hold for them. */
struct sink {
    enum {
        TO_F32,
        TO_F64,
        TO_U32
    } to;
    void       *out;
    uint64_t    row;   /* numbers of a row */
    uint64_t    first; /* row that out begins with */
    uint32_t    below; /* U32 */
    const char *what;
};

/* Numbers of the file's type as doubles; those of 8 bytes are rounded. */
static void to_doubles(enum worker_npy_type type, const void *in, size_t n, double *out)
{
#define EACH(kind)                                                                                 \
    for (size_t k = 0; k < n; k++)                                                                 \
        out[k] = (double)((const kind *)in)[k];                                                    \
    break;

    switch (type) {
    case WORKER_NPY_BOOL:
    case WORKER_NPY_U8:
        EACH(uint8_t)
    case WORKER_NPY_U16:
        EACH(uint16_t)
    case WORKER_NPY_U32:
        EACH(uint32_t)
    case WORKER_NPY_U64:
        EACH(uint64_t)
    case WORKER_NPY_I8:
        EACH(int8_t)
    case WORKER_NPY_I16:
        EACH(int16_t)
    case WORKER_NPY_I32:
        EACH(int32_t)
    case WORKER_NPY_I64:
        EACH(int64_t)
    case WORKER_NPY_F16:
        for (size_t k = 0; k < n; k++)
            out[k] = (double)mx_half_float(((const uint16_t *)in)[k]);
        break;
    case WORKER_NPY_F32:
        EACH(float)
    case WORKER_NPY_F64:
    default:
        EACH(double)
    }
#undef EACH
}

static void swap_bytes(unsigned char *at, size_t n, unsigned bytes)
{
    for (size_t k = 0; k < n; k++, at += bytes)
        for (unsigned b = 0; b < bytes / 2; b++) {
            unsigned char held = at[b];

            at[b] = at[bytes - 1 - b];
            at[bytes - 1 - b] = held;
        }
}

static bool native_order(const struct worker_npy *file)
{
    return file->header.big == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

static int put_whole(const struct worker_npy *file, const struct sink *sink, double x, uint64_t at,
                     struct mx_err *err)
{
    const uint64_t row = sink->first + at / sink->row;

    if (!(x >= 0 && x < sink->below))
        return mx_fail(err, MX_EDATA,
                       "%s: the %s of row %" PRIu64 " is %.17g, not one of 0 to %" PRIu32,
                       file->path, sink->what, row, x, sink->below - 1);
    if (x != (double)(uint32_t)x)
        return mx_fail(err, MX_EDATA,
                       "%s: the %s of row %" PRIu64 " is %.17g: whole numbers are "
                       "wanted",
                       file->path, sink->what, row, x);
    ((uint32_t *)sink->out)[at] = (uint32_t)x;
    return 0;
}

/* n numbers to out[at], out[at + step], ... */
static int put(const struct worker_npy *file, const struct sink *sink, const double *numbers,
               size_t n, uint64_t at, uint64_t step, struct mx_err *err)
{
    for (size_t k = 0; k < n; k++, at += step)
        if (sink->to == TO_F32)
            ((float *)sink->out)[at] = (float)numbers[k];
        else if (sink->to == TO_F64)
            ((double *)sink->out)[at] = numbers[k];
        else if (put_whole(file, sink, numbers[k], at, err))
            return -1;
    return 0;
}

/* A piece of the file: n numbers from its number `from` on, to out[at] and so on. */
static int read_piece(const struct worker_npy *file, const struct sink *sink, uint64_t from,
                      uint64_t n, uint64_t at, uint64_t step, struct mx_err *err)
{
    const enum worker_npy_type type = file->header.shape.type;
    const unsigned             bytes = worker_npy_type_bytes(type);
    double                     raw[CHUNK], numbers[CHUNK];

    while (n > 0) {
        size_t some = n < CHUNK ? (size_t)n : CHUNK;

        if (worker_npy_read_at(file, file->data_at + from * bytes, raw, some * bytes, err))
            return -1;
        if (!native_order(file))
            swap_bytes((unsigned char *)raw, some, bytes);
        to_doubles(type, raw, some, numbers);
        if (put(file, sink, numbers, some, at, step, err))
            return -1;
        from += some;
        at += some * step;
        n -= some;
    }
    return 0;
}

/* In a column-major row the first of its dimensions runs fastest: where its number k
 * stands in a row-major one. */
static uint64_t place_in_row(const struct worker_npy_shape *shape, uint64_t k)
{
    uint64_t place = 0, step = shape->row;

    for (uint32_t d = 1; d < shape->ndims; d++) {
        step /= shape->dims[d];
        place += k % shape->dims[d] * step;
        k /= shape->dims[d];
    }
    return place;
}

/* Column by column, some rows at a time, so that what is written to stays near. */
static int read_columns(const struct worker_npy *file, const struct sink *sink, uint64_t n,
                        struct mx_err *err)
{
    const struct worker_npy_shape *shape = &file->header.shape;

    for (uint64_t done = 0; done < n; done += CHUNK)
        for (uint64_t k = 0; k < shape->row; k++)
            if (read_piece(file, sink, k * shape->rows + sink->first + done,
                           n - done < CHUNK ? n - done : CHUNK,
                           done * shape->row + place_in_row(shape, k), shape->row, err))
                return -1;
    return 0;
}

static int read_rows(const struct worker_npy *file, uint64_t n, struct sink *sink,
                     enum worker_npy_type same, struct mx_err *err)
{
    const struct worker_npy_shape *shape = &file->header.shape;
    const unsigned                 bytes = worker_npy_type_bytes(shape->type);

    sink->row = shape->row;
    if (n > shape->rows || sink->first > shape->rows - n)
        return mx_fail(err, MX_EINTERNAL,
                       "rows %" PRIu64 " to %" PRIu64 " of %s, which has %" PRIu64, sink->first,
                       sink->first + n, file->path, shape->rows);
    if (shape->row == 0)
        return 0;
    if (file->header.fortran && shape->ndims > 1)
        return read_columns(file, sink, n, err);
    if (shape->type == same && native_order(file)) /* no number changes */
        return worker_npy_read_at(file, file->data_at + sink->first * shape->row * bytes, sink->out,
                                  n * shape->row * bytes, err);
    return read_piece(file, sink, sink->first * shape->row, n * shape->row, 0, 1, err);
}

int worker_npy_read_f32(const struct worker_npy *file, uint64_t first, uint64_t n, float *out,
                        struct mx_err *err)
{
    return read_rows(file, n, &(struct sink){.to = TO_F32, .out = out, .first = first},
                     WORKER_NPY_F32, err);
}

int worker_npy_read_f64(const struct worker_npy *file, uint64_t first, uint64_t n, double *out,
                        struct mx_err *err)
{
    return read_rows(file, n, &(struct sink){.to = TO_F64, .out = out, .first = first},
                     WORKER_NPY_F64, err);
}

int worker_npy_read_u32(const struct worker_npy *file, uint64_t first, uint64_t n, uint32_t below,
                        const char *what, uint32_t *out, struct mx_err *err)
{
    struct sink sink = {.to = TO_U32, .out = out, .first = first, .below = below, .what = what};

    return read_rows(file, n, &sink, WORKER_NPY_TYPES, err);
}
