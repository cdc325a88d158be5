#include "kernels/kern.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/batch_body.h"
#include "kernels/batch_wide.h"
#include "kernels/lanes.h"

static void *cpu_alloc(size_t bytes, struct mx_err *err)
{
    enum {
        LINE = 64
    };
    size_t whole = (bytes + LINE - 1) / LINE * LINE;
    void  *memory = whole < bytes ? NULL : aligned_alloc(LINE, whole ? whole : LINE);

    if (!memory)
        mx_fail(err, MX_ENOMEM, "no memory for %zu bytes", bytes);
    return memory;
}

static int cpu_copy(void *to, const void *from, size_t bytes, struct mx_err *err)
{
    (void)err;
    if (bytes > 0)
        memcpy(to, from, bytes);
    return 0;
}

static int cpu_sync(struct mx_err *err)
{
    (void)err;
    return 0;
}

static void batch_one_row(unsigned flip, const struct batch_row *row, float *out)
{
    for (uint32_t first = 0; first < row->width; first += BATCH_LANES)
        KERN_EACH_LANE (flip, lane, BATCH_LANES)
            if (first + lane < row->width)
                out[first + lane] = batch_pixel(row, first + lane);
}

/* A row whose pixels are whole pixels of stored rows: no mask, nothing shrunk or moved. */
static bool is_plain(const struct batch_row *row)
{
    return !row->mask && !row->sample->moves && !row->sample->patch_height && !row->args->history;
}

/* The values of n bytes, from `at` on in the direction `step`. */
static void put_values(const struct batch_row *row, const uint8_t *at, int32_t step, uint32_t n,
                       float *out)
{
    const double *lines = row->args->lines, *line = lines ? lines + 2 * (size_t)row->channel : NULL;
    uint32_t      x = line && line[0] != 0 ? kern_batch_compute(line, at, step, n, out) : 0;

    for (; x < n; x++)
        out[x] = row->table[at[step * (int32_t)x]];
}

/* batch_look_up() of the columns [from, to), of which those that are stored are settled once. */
static void look_up_columns(const struct batch_row *row, struct batch_source source, uint32_t from,
                            uint32_t to, float *out)
{
    const int32_t width = (int32_t)row->width, step = source.step;
    const int32_t ahead = step > 0 ? -source.first : source.first - width + 1;
    const int32_t behind = step > 0 ? width - source.first : source.first + 1;
    const int32_t x0 = (int32_t)from, x1 = (int32_t)to;
    int32_t       begin = ahead > x0 ? ahead : x0, end = behind < x1 ? behind : x1, x = x0;

    if (!source.bytes || begin >= end)
        begin = end = x1;
    for (; x < begin; x++)
        *out++ = row->table[0];
    if (begin < end)
        put_values(row, source.bytes + source.first + step * x, step, (uint32_t)(end - x), out);
    out += end - x;
    for (x = end; x < x1; x++)
        *out++ = row->table[0];
}

/* The same as batch_pixel() of the columns [from, to), which have the same weights. */
static void plain_part(const struct batch_row *row, const float *weights, uint32_t from,
                       uint32_t to, float *out)
{
    float other[BATCH_LANES];

    look_up_columns(row, row->own, from, to, out + from);
    if (weights[0] != 1.0f)
        for (uint32_t x = from; x < to; x++)
            out[x] = weights[0] * out[x];
    if (weights[1] == 0.0f)
        return;
    for (uint32_t first = from; first < to; first += BATCH_LANES) {
        const uint32_t last = to - first < BATCH_LANES ? to : first + BATCH_LANES;

        look_up_columns(row, row->other, first, last, other);
        for (uint32_t x = first; x < last; x++)
            out[x] = out[x] + weights[1] * other[x - first];
    }
}

static void plain_row(const struct batch_row *row, float *out)
{
    if (row->x1 <= row->x0) {
        plain_part(row, row->outside, 0, row->width, out);
        return;
    }
    plain_part(row, row->outside, 0, row->x0, out);
    plain_part(row, row->inside, row->x0, row->x1, out);
    plain_part(row, row->outside, row->x1, row->width, out);
}

static int cpu_batch(const struct kern_backend *self, const struct kern_batch_args *args,
                     struct mx_err *err)
{
    float *out = args->out;

    (void)err;
    for (uint32_t i = 0; i < args->n; i++)
        for (uint32_t c = 0; c < args->channels; c++)
            for (uint32_t y = 0; y < args->height; y++, out += args->width) {
                struct batch_row row = batch_row_begin(args, i, c, y);

                if (self->lane_flip == 0 && is_plain(&row))
                    plain_row(&row, out);
                else
                    batch_one_row(self->lane_flip, &row, out);
            }
    return 0;
}

const struct kern_backend *kern_cpu(void)
{
    static const struct kern_backend backend = {
        .name = "cpu",
        .alloc = cpu_alloc,
        .release = free,
        .to_device = cpu_copy,
        .to_host = cpu_copy,
        .sync = cpu_sync,
        .batch = cpu_batch,
    };

    return &backend;
}
