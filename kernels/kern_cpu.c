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

/* What the bytes of a channel become. */
struct values {
    const float           *table;
    struct kern_batch_line by;
};

static struct values values_of(const struct kern_batch_args *args, uint32_t channel)
{
    return (struct values){.table = args->table + (size_t)channel * 256,
                           .by = {.line = args->lines ? args->lines + 2 * (size_t)channel : NULL,
                                  .parts = args->parts ? args->parts + 4 * (size_t)channel : NULL}};
}

/* The values of n bytes, from `at` on in the direction `step`. */
static void put_values(const struct values *values, const uint8_t *at, int32_t step, uint32_t n,
                       float *out)
{
    uint32_t x = kern_batch_compute(values->by, at, step, n, out);

    for (; x < n; x++)
        out[x] = values->table[at[step * (int32_t)x]];
}

/* Columns [from, to), of which [begin, end) are stored and the others are padding. */
struct columns {
    int32_t from, begin, end, to;
};

static struct columns settle(const struct batch_source *source, uint32_t width, uint32_t from,
                             uint32_t to)
{
    const int32_t  wide = (int32_t)width, step = source->step;
    const int32_t  ahead = step > 0 ? -source->first : source->first - wide + 1;
    const int32_t  behind = step > 0 ? wide - source->first : source->first + 1;
    struct columns columns = {.from = (int32_t)from, .to = (int32_t)to};

    columns.begin = ahead > columns.from ? ahead : columns.from;
    columns.end = behind < columns.to ? behind : columns.to;
    if (columns.begin >= columns.end)
        columns.begin = columns.end = columns.to;
    return columns;
}

/* batch_look_up() of these columns of a stored row, or, NULL, of one that is padding; out: of the
 * first of them. */
static void put_columns(const struct values *values, const struct batch_source *source,
                        const uint8_t *row, const struct columns *columns, float *out)
{
    const int32_t begin = row ? columns->begin : columns->to;
    int32_t       x = columns->from;

    for (; x < begin; x++)
        *out++ = values->table[0];
    if (x == columns->to)
        return;
    put_values(values, row + source->first + source->step * x, source->step,
               (uint32_t)(columns->end - x), out);
    out += columns->end - x;
    for (x = columns->end; x < columns->to; x++)
        *out++ = values->table[0];
}

static void look_up_columns(const struct batch_row *row, const struct batch_source *source,
                            uint32_t from, uint32_t to, float *out)
{
    const struct values  values = values_of(row->args, row->channel);
    const struct columns columns = settle(source, row->width, from, to);

    put_columns(&values, source, source->bytes, &columns, out);
}

/* The same as batch_pixel() of the columns [from, to), which have the same weights. */
static void plain_part(const struct batch_row *row, const float *weights, uint32_t from,
                       uint32_t to, float *out)
{
    float other[BATCH_LANES];

    look_up_columns(row, &row->own, from, to, out + from);
    if (weights[0] != 1.0f)
        for (uint32_t x = from; x < to; x++)
            out[x] = weights[0] * out[x];
    if (weights[1] == 0.0f)
        return;
    for (uint32_t first = from; first < to; first += BATCH_LANES) {
        const uint32_t last = to - first < BATCH_LANES ? to : first + BATCH_LANES;

        look_up_columns(row, &row->other, first, last, other);
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

/* An image that is only shown, through crop and flip: nothing is mixed or moved. */
static bool is_alone(const struct kern_batch_sample *sample)
{
    const bool box = sample->x1 > sample->x0 && sample->y1 > sample->y0;

    return !sample->mask && !sample->moves && sample->outside[0] == 1.0f &&
           sample->outside[1] == 0.0f &&
           (!box || (sample->inside[0] == 1.0f && sample->inside[1] == 0.0f));
}

/* A channel of such an image: what rows share is settled once. */
static void show_plane(const struct kern_batch_args *args, const struct kern_batch_sample *sample,
                       uint32_t channel, float *out)
{
    const size_t   plane = (size_t)args->height * args->width;
    const uint8_t *pixels =
        args->pixels + (sample->image * (size_t)args->channels + channel) * plane;
    const struct batch_source source = batch_source_row(args, sample, channel, 0);
    const struct columns      columns = settle(&source, args->width, 0, args->width);
    const struct values       values = values_of(args, channel);

    for (uint32_t y = 0; y < args->height; y++, out += args->width) {
        const int32_t row = (int32_t)y + sample->shift_y;
        const bool    stored = row >= 0 && row < (int32_t)args->height;

        put_columns(&values, &source, stored ? pixels + (size_t)row * args->width : NULL, &columns,
                    out);
    }
}

static void make_plane(const struct kern_backend *self, const struct kern_batch_args *args,
                       uint32_t i, uint32_t channel, float *out)
{
    for (uint32_t y = 0; y < args->height; y++, out += args->width) {
        const struct batch_row row = batch_row_begin(args, i, channel, y);

        if (self->lane_flip == 0 && is_plain(&row))
            plain_row(&row, out);
        else
            batch_one_row(self->lane_flip, &row, out);
    }
}

static int cpu_batch(const struct kern_backend *self, const struct kern_batch_args *args,
                     struct mx_err *err)
{
    const size_t plane = (size_t)args->height * args->width;
    float       *out = args->out;

    (void)err;
    for (uint32_t i = 0; i < args->n; i++)
        for (uint32_t c = 0; c < args->channels; c++, out += plane)
            if (self->lane_flip == 0 && is_alone(&args->samples[i]))
                show_plane(args, &args->samples[i], c, out);
            else
                make_plane(self, args, i, c, out);
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
