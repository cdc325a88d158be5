/* batch_body.h - one pixel of a batch: crop, flip, normalise, mix.
 *
 * A row of the output is prepared once (batch_row_begin), then each of its pixels
 * is independent (batch_pixel). Normalisation is a look-up of the byte in a table
 * made by the host, so it has the same bits on every device; mixing is two
 * products and a sum that may not be contracted. An image that is shrunk is
 * looked up once for every source pixel of every output pixel: on average four
 * times a source pixel, whatever the size.
 */
#ifndef MX_KERN_BATCH_BODY_H
#define MX_KERN_BATCH_BODY_H

#include "kernels/kern.h"
#include "kernels/port.h"

enum {
    BATCH_LANES = 32 /* pixels of a row side by side; a power of two */
};

/* A stored row as seen through crop and flip. */
struct batch_source {
    const uint8_t *bytes; /* NULL: the whole row is padding */
    int32_t        first; /* column of output pixel 0 */
    int32_t        step;  /* +1, or -1 when mirrored */
};

/* What the pixels of one output row share. */
struct batch_row {
    struct batch_source             own, other;
    const float                    *table; /* (256) of the channel */
    uint32_t                        width;
    uint32_t                        x0, x1; /* columns in the box; none in rows that miss it */
    const float                    *outside, *inside;
    const uint8_t                  *mask; /* of the row; NULL: the box weighs */
    const struct kern_batch_args   *args;
    const struct kern_batch_sample *sample;
    uint32_t                        channel, y;
};

KERN_BODY struct batch_source batch_source_row(const struct kern_batch_args   *args,
                                               const struct kern_batch_sample *sample,
                                               uint32_t channel, uint32_t y)
{
    struct batch_source source;
    int32_t             row = (int32_t)y + sample->shift_y;
    size_t              plane = (size_t)sample->image * args->channels + channel;

    source.bytes = NULL;
    if (row >= 0 && row < (int32_t)args->height)
        source.bytes = args->pixels + (plane * args->height + (size_t)row) * args->width;
    source.step = sample->flip ? -1 : 1;
    source.first = sample->shift_x + (sample->flip ? (int32_t)args->width - 1 : 0);
    return source;
}

/* Row y of a channel of sample i. */
KERN_BODY struct batch_row batch_row_begin(const struct kern_batch_args *args, uint32_t i,
                                           uint32_t channel, uint32_t y)
{
    const struct kern_batch_sample *sample = args->samples + i;
    struct batch_row                row;

    row.own = batch_source_row(args, sample, channel, y);
    row.other = row.own;
    if (!args->history)
        row.other = batch_source_row(args, args->samples + sample->partner, channel, y);
    row.table = args->table + (size_t)channel * 256;
    row.width = args->width;
    row.x0 = sample->x0;
    row.x1 = y >= sample->y0 && y < sample->y1 ? sample->x1 : sample->x0;
    row.outside = sample->outside;
    row.inside = sample->inside;
    row.mask = NULL;
    if (sample->mask)
        row.mask = args->masks + ((size_t)(sample->mask - 1) * args->height + y) * args->width;
    row.args = args;
    row.sample = sample;
    row.channel = channel;
    row.y = y;
    return row;
}

KERN_BODY float batch_look_up(const struct batch_row *row, struct batch_source source, uint32_t x)
{
    int32_t column = source.first + source.step * (int32_t)x;
    int     stored = source.bytes && column >= 0 && column < (int32_t)row->width;

    return row->table[stored ? source.bytes[column] : 0];
}

/* Pixel x of row y of the second image, at its full size. */
KERN_BODY float batch_second(const struct batch_row *row, uint32_t y, uint32_t x)
{
    const struct kern_batch_args   *args = row->args;
    const struct kern_batch_sample *sample = row->sample;
    size_t                          plane = (size_t)sample->partner * args->channels + row->channel;

    if (args->history)
        return args->history[(plane * args->height + y) * args->width + x];
    return batch_look_up(
        row, batch_source_row(args, args->samples + sample->partner, row->channel, y), x);
}

/* On one axis: the source pixels [first, last) under a triangle around output
 * pixel `at` that is as wide as the shrinking, cut at the borders. */
struct batch_taps {
    uint32_t first, last;
    float    centre, support;
};

KERN_BODY struct batch_taps batch_taps_of(uint32_t from, uint32_t to, int32_t at)
{
    struct batch_taps taps;
    float             scale = (float)from / (float)to;
    float             low, high;

    taps.support = scale > 1.0f ? scale : 1.0f;
    taps.centre = ((float)at + 0.5f) * scale;
    low = taps.centre - taps.support + 0.5f;
    high = taps.centre + taps.support + 0.5f;
    taps.first = low > 0.0f ? (uint32_t)low : 0;
    taps.last = high < (float)from ? (uint32_t)high : from;
    return taps;
}

KERN_BODY float batch_tap_weight(const struct batch_taps *taps, uint32_t at)
{
    float distance = ((float)at + 0.5f - taps->centre) / taps->support;

    if (distance < 0.0f)
        distance = -distance;
    return distance < 1.0f ? 1.0f - distance : 0.0f;
}

/* The second image shrunk to the sample's patch, at column x of the output. */
KERN_BODY float batch_shrunk(const struct batch_row *row, uint32_t x)
{
    const struct kern_batch_sample *sample = row->sample;
    struct batch_taps               rows =
        batch_taps_of(row->args->height, sample->patch_height, (int32_t)row->y - sample->patch_y);
    struct batch_taps columns =
        batch_taps_of(row->width, sample->patch_width, (int32_t)x - sample->patch_x);
    float sum = 0.0f, weights = 0.0f;

    for (uint32_t v = rows.first; v < rows.last; v++) {
        float line = 0.0f, line_weights = 0.0f;

        for (uint32_t u = columns.first; u < columns.last; u++) {
            float weight = batch_tap_weight(&columns, u);

            line += weight * batch_second(row, v, u);
            line_weights += weight;
        }
        line_weights *= batch_tap_weight(&rows, v);
        line *= batch_tap_weight(&rows, v);
        sum += line;
        weights += line_weights;
    }
    return sum / weights;
}

/* Column x of the image or, with `second`, of its partner after the blocks moved. */
KERN_BODY float batch_moved(const struct batch_row *row, uint32_t x, int second)
{
    const struct kern_batch_args   *args = row->args;
    const struct kern_batch_sample *sample = row->sample;
    const struct kern_batch_sample *of = second ? args->samples + sample->partner : sample;
    uint32_t        high = args->height / sample->blocks, wide = args->width / sample->blocks;
    uint32_t        block = row->y / high * sample->blocks + x / wide;
    const uint16_t *moves = args->moves + (size_t)(sample->moves - 1) * KERN_MOVES;
    uint32_t        from = moves[second ? block + KERN_MOVES / 2 : block];
    uint32_t        y = from / sample->blocks * high + row->y % high;

    return batch_look_up(row, batch_source_row(args, of, row->channel, y),
                         from % sample->blocks * wide + x % wide);
}

KERN_BODY float batch_own_at(const struct batch_row *row, uint32_t x)
{
    return row->sample->moves ? batch_moved(row, x, 0) : batch_look_up(row, row->own, x);
}

KERN_BODY float batch_other_at(const struct batch_row *row, uint32_t x)
{
    if (row->sample->patch_height)
        return batch_shrunk(row, x);
    if (row->sample->moves)
        return batch_moved(row, x, 1);
    return row->args->history ? batch_second(row, row->y, x) : batch_look_up(row, row->other, x);
}

KERN_BODY float batch_pixel(const struct batch_row *row, uint32_t x)
{
    const float *box = x >= row->x0 && x < row->x1 ? row->inside : row->outside;
    float        first = box[0], second = box[1], own;

    if (row->mask) {
        first = 0.5f * (float)row->mask[x];
        second = 1.0f - first;
    }
    own = first * batch_own_at(row, x);
    /* Without a share of the partner there is no sum: 0 * x would cost a look-up. */
    return second == 0.0f ? own : own + second * batch_other_at(row, x);
}

#endif
