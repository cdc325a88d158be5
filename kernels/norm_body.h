/* norm_body.h - batch norms on a GPU; blocks as in kernels/network_body.h.
 *
 * Formulas are those of norm.c. The elements of a channel are added up by several blocks, `parts` of
 * them, whose sums a kernel behind them adds in their order. How many follows from shapes alone, so
 * that the bits are the same on every card. A lane takes up to KERN_FOUR neighbours of an image at a
 * time, in one access where they are `aligned` (kernels/four.h); the order of its sum is the
 * same where they are not.
 */
#ifndef MX_KERN_NORM_BODY_H
#define MX_KERN_NORM_BODY_H

#include <math.h>

#include "kernels/four.h"
#include "kernels/kernel_args.h"

KERN_BODY float positive(float x)
{
    return x < 0.0f ? 0.0f : x; /* a NaN stays one */
}

/* ---- the elements of a channel, shared out ---- */

/* Where a lane is: at `point` of `image`, with the row of fours `four`, of `rows` an image. */
struct norm_walk {
    size_t   fours, four, step, image;
    uint32_t rows, row, points;
};

KERN_BODY struct norm_walk norm_walk_begin(uint32_t images, uint32_t points, size_t lane,
                                           size_t lanes)
{
    struct norm_walk walk;

    walk.rows = (points + KERN_FOUR - 1) / KERN_FOUR;
    walk.points = points;
    walk.fours = (size_t)images * walk.rows;
    walk.four = lane;
    walk.step = lanes;
    walk.image = lane / walk.rows;
    walk.row = (uint32_t)(lane % walk.rows);
    return walk;
}

/* `images` and `rows` are walk->step / walk->rows and its rest, which are worth keeping. */
KERN_BODY void norm_walk_on(struct norm_walk *walk, size_t images, uint32_t rows)
{
    walk->four += walk->step;
    walk->image += images;
    walk->row += rows;
    if (walk->row >= walk->rows) {
        walk->row -= walk->rows;
        walk->image++;
    }
}

/* How many neighbours there are, and the first one's place in an array of `channels`. */
KERN_BODY uint32_t norm_walk_count(const struct norm_walk *walk)
{
    uint32_t left = walk->points - walk->row * KERN_FOUR;

    return left < KERN_FOUR ? left : (uint32_t)KERN_FOUR;
}

KERN_BODY size_t norm_walk_at(const struct norm_walk *walk, size_t c, uint32_t channels)
{
    return (walk->image * channels + c) * walk->points + walk->row * (size_t)KERN_FOUR;
}

/* What the blocks of channel c found, its share of a lane. */
KERN_BODY struct kern_part norm_parts_lane(const struct kern_part *found, uint32_t parts,
                                           uint32_t channels, size_t c, unsigned lane)
{
    struct kern_part sum = {0.0, 0.0, 0.0};

    for (size_t k = lane; k < parts; k += KERN_BLOCK_LANES) {
        struct kern_part part = found[k * channels + c];

        sum.a += part.a;
        sum.b += part.b;
        sum.c += part.c;
    }
    return sum;
}

/* ---- forward ---- */

KERN_BODY struct kern_part norm_statistics_lane(const struct kern_norm_statistics_args *p,
                                                size_t block, unsigned lane)
{
    size_t           c = block % p->channels, first = block / p->channels * KERN_BLOCK_LANES + lane;
    struct norm_walk walk =
        norm_walk_begin(p->images, p->points, first, (size_t)p->parts * KERN_BLOCK_LANES);
    size_t           images = walk.step / walk.rows;
    uint32_t         rows = (uint32_t)(walk.step % walk.rows);
    struct kern_part sum = {0.0, 0.0, 0.0};

    for (; walk.four < walk.fours; norm_walk_on(&walk, images, rows)) {
        uint32_t         count = norm_walk_count(&walk);
        struct kern_four x =
            four_get(p->x + norm_walk_at(&walk, c, p->channels), count, p->aligned);

        for (unsigned j = 0; j < KERN_FOUR; j++)
            if (j < count) {
                double value = (double)x.at[j];

                sum.a += value;
                sum.b += value * value;
            }
    }
    return sum;
}

KERN_BODY void norm_statistics_end(const struct kern_norm_statistics_args *p, size_t block,
                                   const struct kern_part *sum)
{
    p->found[block] = *sum;
}

KERN_BODY float norm_factor(const struct kern_norm_of *of, size_t c)
{
    return (float)((double)of->scale[c] / sqrt((double)of->variance[c] + of->epsilon));
}

KERN_BODY struct kern_part norm_finish_lane(const struct kern_norm_finish_args *p, size_t c,
                                            unsigned lane)
{
    return norm_parts_lane(p->found, p->of.fixed ? 0 : p->parts, (uint32_t)p->blocks, c, lane);
}

/* A norm's mean and variance, unless they are given, and its factor. */
KERN_BODY void norm_finish_end(const struct kern_norm_finish_args *p, size_t c,
                               const struct kern_part *sum)
{
    if (!p->of.fixed) {
        double average = sum->a / p->count;
        double spread = sum->b / p->count - average * average;

        p->of.mean[c] = (float)average;
        p->of.variance[c] = spread < 0.0 ? 0.0f : (float)spread; /* by rounding; a NaN stays one */
    }
    p->of.factor[c] = norm_factor(&p->of, c);
}

/* A norm at one channel. */
struct norm_by {
    float mean, factor, shift;
};

KERN_BODY struct norm_by norm_by_of(const struct kern_norm_of *of, size_t c, float factor)
{
    struct norm_by by;

    by.mean = of->mean[c];
    by.factor = factor;
    by.shift = of->shift[c];
    return by;
}

KERN_BODY float normalised(const struct norm_by *by, float x)
{
    return (x - by->mean) * by->factor + by->shift;
}

/* The i-th four of an array of n elements: its first element, and how many there are. */
KERN_BODY uint32_t norm_count_of(size_t n, size_t i)
{
    size_t left = n - i * KERN_FOUR;

    return left < KERN_FOUR ? (uint32_t)left : (uint32_t)KERN_FOUR;
}

/* Of an aligned four all elements are of one channel. */
KERN_BODY size_t norm_channel(const struct kern_norm_args *p, size_t i)
{
    return i / p->points % p->channels;
}

KERN_BODY void norm_apply_each(const struct kern_norm_apply_args *args, size_t i)
{
    const struct kern_norm_args *p = &args->norm;
    uint32_t                     count = norm_count_of(p->n, i);
    size_t                       at = i * KERN_FOUR, c = norm_channel(p, at);
    struct kern_four             x[2], rest, y;

    x[0] = four_get(p->of[0].x + at, count, p->aligned);
    x[1] = p->norms > 1 ? four_get(p->of[1].x + at, count, p->aligned) : x[0];
    rest = p->rest ? four_get(p->rest + at, count, p->aligned) : x[0];
    for (unsigned j = 0; j < KERN_FOUR; j++)
        if (j < count) {
            size_t         own = p->aligned ? c : norm_channel(p, at + j);
            struct norm_by by = norm_by_of(&p->of[0], own, p->of[0].factor[own]);
            float          value = normalised(&by, x[0].at[j]);

            if (p->norms > 1) {
                by = norm_by_of(&p->of[1], own, p->of[1].factor[own]);
                value += normalised(&by, x[1].at[j]);
            }
            if (p->rest)
                value += rest.at[j];
            y.at[j] = p->relu ? positive(value) : value;
        }
    four_put(p->y + at, &y, count, p->aligned);
}

/* ---- backward ---- */

/* What the gradient of elements is made of; what is not asked for is not read. */
struct norm_source {
    struct kern_four a, b, y, x;
};

KERN_BODY struct norm_source norm_source_at(const struct kern_norm_args *p, size_t at,
                                            uint32_t count)
{
    struct norm_source from;

    from.a = four_get(p->a + at, count, p->aligned);
    from.b = p->b ? four_get(p->b + at, count, p->aligned) : from.a;
    from.y = p->by_y ? four_get(p->y + at, count, p->aligned) : from.a;
    from.x = four_get(p->of[0].x + at, count, p->aligned);
    return from;
}

/* ... of neighbour j; by: the first norm. */
KERN_BODY float norm_gradient(const struct kern_norm_args *p, const struct norm_source *from,
                              unsigned j, const struct norm_by *by)
{
    float value = from->a.at[j];

    if (p->b)
        value += from->b.at[j];
    if (p->by_y)
        return from->y.at[j] > 0.0f ? value : 0.0f;
    if (p->by_x)
        return normalised(by, from->x.at[j]) > 0.0f ? value : 0.0f;
    return value;
}

KERN_BODY struct kern_part norm_sums_lane(const struct kern_norm_sums_args *args, size_t block,
                                          unsigned lane)
{
    const struct kern_norm_args *p = &args->norm;
    size_t                       c = block % p->channels;
    struct norm_walk             walk =
        norm_walk_begin(p->images, p->points, block / p->channels * KERN_BLOCK_LANES + lane,
                        (size_t)p->parts * KERN_BLOCK_LANES);
    size_t           images = walk.step / walk.rows;
    uint32_t         rows = (uint32_t)(walk.step % walk.rows);
    struct norm_by   by = norm_by_of(&p->of[0], c, norm_factor(&p->of[0], c));
    float            other = p->norms > 1 ? p->of[1].mean[c] : 0.0f;
    struct kern_part sum = {0.0, 0.0, 0.0};

    for (; walk.four < walk.fours; norm_walk_on(&walk, images, rows)) {
        uint32_t           count = norm_walk_count(&walk);
        size_t             at = norm_walk_at(&walk, c, p->channels);
        struct norm_source from = norm_source_at(p, at, count);
        struct kern_four   x = p->norms > 1 ? four_get(p->of[1].x + at, count, p->aligned) : from.x;
        struct kern_four   through;

        for (unsigned j = 0; j < KERN_FOUR; j++)
            if (j < count) {
                float g = norm_gradient(p, &from, j, &by);

                sum.a += (double)g;
                sum.b += (double)g * (double)(from.x.at[j] - by.mean);
                if (p->norms > 1)
                    sum.c += (double)g * (double)(x.at[j] - other);
                through.at[j] = g;
            }
        if (p->through)
            four_put(p->through + at, &through, count, p->aligned);
    }
    return sum;
}

KERN_BODY void norm_sums_end(const struct kern_norm_sums_args *args, size_t block,
                             const struct kern_part *sum)
{
    args->norm.found[block] = *sum;
}

KERN_BODY struct kern_part norm_slope_lane(const struct kern_norm_slope_args *args, size_t c,
                                           unsigned lane)
{
    return norm_parts_lane(args->norm.found, args->norm.parts, args->norm.channels, c, lane);
}

KERN_BODY void norm_slope_end(const struct kern_norm_slope_args *args, size_t c,
                              const struct kern_part *sum)
{
    const struct kern_norm_args *p = &args->norm;
    double                       count = (double)p->images * (double)p->points, gradient = sum->a;

    for (uint32_t k = 0; k < p->norms; k++) {
        const struct kern_norm_of *of = &p->of[k];
        double                     product = k == 0 ? sum->b : sum->c;
        double                     inverse = 1.0 / sqrt((double)of->variance[c] + of->epsilon);
        double                     factor = (double)of->scale[c] * inverse;

        if (of->dscale) {
            of->dscale[c] = (float)(product * inverse);
            of->dshift[c] = (float)gradient;
        }
        of->factor[c] = norm_factor(of, c);
        of->offset[c] = of->fixed ? 0.0f : (float)(-factor * gradient / count);
        of->slope[c] = of->fixed ? 0.0f : (float)(-factor * inverse * inverse * product / count);
    }
}

/* The gradient of the first input may lie over `through`. */
KERN_BODY void norm_spread_each(const struct kern_norm_spread_args *args, size_t i)
{
    const struct kern_norm_args *p = &args->norm;
    uint32_t                     count = norm_count_of(p->n, i);
    size_t                       at = i * KERN_FOUR, c = norm_channel(p, at);
    struct kern_four             g, dx;

    if (p->through) {
        g = four_get(p->through + at, count, p->aligned);
    } else {
        struct norm_source from = norm_source_at(p, at, count);

        for (unsigned j = 0; j < KERN_FOUR; j++)
            if (j < count) {
                size_t         own = p->aligned ? c : norm_channel(p, at + j);
                struct norm_by by = norm_by_of(&p->of[0], own, p->of[0].factor[own]);

                g.at[j] = norm_gradient(p, &from, j, &by);
            }
    }
    for (uint32_t k = p->norms; k-- > 0;) {
        const struct kern_norm_of *of = &p->of[k];
        struct kern_four           x;

        if (!of->dx)
            continue;
        x = four_get(of->x + at, count, p->aligned);
        for (unsigned j = 0; j < KERN_FOUR; j++)
            if (j < count) {
                size_t own = p->aligned ? c : norm_channel(p, at + j);

                dx.at[j] = of->factor[own] * g.at[j] +
                           ((x.at[j] - of->mean[own]) * of->slope[own] + of->offset[own]);
            }
        four_put(of->dx + at, &dx, count, p->aligned);
    }
}

#endif
