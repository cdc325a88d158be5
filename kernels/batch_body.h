/* batch_body.h - one pixel of a batch: crop, flip, normalise, mix.
 *
 * A row of the output is prepared once (batch_row), then each of its pixels is
 * independent (batch_pixel). Normalisation is a look-up of the byte in a table
 * made by the host, so it has the same bits on every device; mixing is two
 * products and a sum that may not be contracted.
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
    struct batch_source own, other;
    const float        *table; /* (256) of the channel */
    uint32_t            width;
    uint32_t            x0, x1; /* columns in the box; none in rows that miss it */
    const float        *outside, *inside;
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
    row.other = batch_source_row(args, args->samples + sample->partner, channel, y);
    row.table = args->table + (size_t)channel * 256;
    row.width = args->width;
    row.x0 = sample->x0;
    row.x1 = y >= sample->y0 && y < sample->y1 ? sample->x1 : sample->x0;
    row.outside = sample->outside;
    row.inside = sample->inside;
    return row;
}

KERN_BODY float batch_look_up(const struct batch_row *row, struct batch_source source, uint32_t x)
{
    int32_t column = source.first + source.step * (int32_t)x;
    int     stored = source.bytes && column >= 0 && column < (int32_t)row->width;

    return row->table[stored ? source.bytes[column] : 0];
}

KERN_BODY float batch_pixel(const struct batch_row *row, uint32_t x)
{
    const float *weight = x >= row->x0 && x < row->x1 ? row->inside : row->outside;
    float        own = weight[0] * batch_look_up(row, row->own, x);

    /* Without a share of the partner there is no sum: 0 * x would cost a look-up. */
    return weight[1] == 0.0f ? own : own + weight[1] * batch_look_up(row, row->other, x);
}

#endif
