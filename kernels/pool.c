#include "kernels/pool.h"

#include <stdbool.h>

/* Points of an axis: first to end - 1. */
struct span {
    uint32_t first, end;
};

/* The window of place i of `places` over an axis of `length`. It works both ways: those
 * whose windows have place i in them are span_of(i, length, places). */
static struct span span_of(uint32_t i, uint32_t places, uint32_t length)
{
    const uint64_t begin = (uint64_t)i * length, end = begin + length;

    return (struct span){(uint32_t)(begin / places), (uint32_t)((end + places - 1) / places)};
}

static uint32_t length_of(struct span span)
{
    return span.end - span.first;
}

static size_t start_of(const struct kern_channels *where, uint32_t image, uint32_t channel)
{
    return image * where->image + channel / where->block * where->group + channel % where->block;
}

/* The sum under a window of one channel at x. `shared`: of what each point hands to
 * every point of that many rows and columns. */
static double add_up(const struct kern_planes *from, const float *x, struct span rows,
                     struct span columns, const struct kern_planes *shared)
{
    double sum = 0;

    for (uint32_t r = rows.first; r < rows.end; r++)
        for (uint32_t c = columns.first; c < columns.end; c++) {
            double value = (double)x[((size_t)r * from->width + c) * from->where.point];

            if (shared)
                value /= (double)length_of(span_of(r, from->height, shared->height)) *
                         length_of(span_of(c, from->width, shared->width));
            sum += value;
        }
    return sum;
}

/* Each point of y is what lies under its window in x: their mean, or (back) the sum of
 * their shares. */
static void gather(const struct kern_planes *from, const float *x, const struct kern_planes *to,
                   float *y, bool back)
{
    for (uint32_t row = 0; row < to->height; row++)
        for (uint32_t column = 0; column < to->width; column++) {
            const struct span rows = span_of(row, to->height, from->height);
            const struct span columns = span_of(column, to->width, from->width);
            const double      count = (double)length_of(rows) * length_of(columns);
            const double      sum = add_up(from, x, rows, columns, back ? to : NULL);

            y[((size_t)row * to->width + column) * to->where.point] =
                (float)(back ? sum : sum / count);
        }
}

static void clear(const struct kern_planes *to, float *y)
{
    for (uint32_t p = 0; p < to->where.points; p++)
        y[p * to->where.point] = 0;
}

static void gather_all(const struct kern_planes *from, const float *x, const struct kern_planes *to,
                       float *y, bool back)
{
    const struct kern_channels *where = &to->where;
    const uint32_t padded = (where->channels + where->block - 1) / where->block * where->block;

    for (uint32_t i = 0; i < where->n; i++)
        for (uint32_t c = 0; c < padded; c++)
            if (c < where->channels)
                gather(from, x + start_of(&from->where, i, c), to, y + start_of(where, i, c), back);
            else
                clear(to, y + start_of(where, i, c));
}

void kern_pool_forward(const struct kern_planes *in, const float *x, const struct kern_planes *out,
                       float *y)
{
    gather_all(in, x, out, y, false);
}

void kern_pool_backward(const struct kern_planes *in, float *dx, const struct kern_planes *out,
                        const float *dy)
{
    gather_all(out, dy, in, dx, true);
}
