/* bf16_body.h - the work between convolutions in bfloat16, eight channels at a time.
 *
 * Formulas are those of network_body.h; arrays are those of bf16_args.h. Numbers are rounded to nearest, ties to even.
 */
#ifndef MX_KERN_BF16_BODY_H
#define MX_KERN_BF16_BODY_H

#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "kernels/bf16_args.h"
#include "kernels/network_body.h"
#include "kernels/port.h"

KERN_BODY float bf16_wide(kern_bf16 value)
{
    uint32_t bits = (uint32_t)value << 16;
    float    wide;

    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

KERN_BODY kern_bf16 bf16_of(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    if (value != value)
        return (kern_bf16)(bits >> 16 | 0x40u); /* a NaN stays one */
    return (kern_bf16)((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

KERN_BODY void bf16_add_each(const struct kern_bf16_add_args *p, size_t i)
{
    struct kern_eight a = p->a[i], b = p->b[i], out;

    for (int k = 0; k < KERN_EIGHT; k++) {
        float sum = bf16_wide(a.at[k]) + bf16_wide(b.at[k]);

        out.at[k] = bf16_of(p->relu ? positive(sum) : sum);
    }
    p->out[i] = out;
}

KERN_BODY void bf16_relu_each(const struct kern_bf16_relu_args *p, size_t i)
{
    struct kern_eight in = p->in[i], out;

    for (int k = 0; k < KERN_EIGHT; k++)
        out.at[k] = bf16_of(capped(positive(bf16_wide(in.at[k])), p->cap));
    p->out[i] = out;
}

KERN_BODY void bf16_relu_backward_each(const struct kern_bf16_relu_backward_args *p, size_t i)
{
    struct kern_eight gradient = p->gradient[i], y = p->y[i];
    /* What reached the cap was stored as the cap rounded. */
    float             limit = p->cap > 0.0f ? bf16_wide(bf16_of(p->cap)) : INFINITY;

    for (int k = 0; k < KERN_EIGHT; k++) {
        float part = 1.0f / (1.0f - p->drop) * bf16_wide(gradient.at[k]);

        gradient.at[k] = bf16_wide(y.at[k]) < limit ? bf16_of(part) : (kern_bf16)0;
    }
    p->gradient[i] = gradient;
}

/* Element i of all takes the generator's numbers 2 i and 2 i + 1, as in float32, in this order of elements. */
KERN_BODY void bf16_dropout_each(const struct kern_bf16_dropout_args *p, size_t i)
{
    struct kern_eight data = p->data[i];

    for (int k = 0; k < KERN_EIGHT; k++) {
        double u = dropout_draw(&p->of, i * KERN_EIGHT + (size_t)k);
        float  kept = 1.0f / (1.0f - p->of.drop) * bf16_wide(data.at[k]);

        data.at[k] = u < (double)p->of.drop ? (kern_bf16)0 : bf16_of(kept);
    }
    p->data[i] = data;
}

KERN_BODY void bf16_add_backward_each(const struct kern_bf16_add_backward_args *p, size_t i)
{
    struct kern_eight a = p->a[i], out;

    for (int k = 0; k < KERN_EIGHT; k++) {
        float sum = bf16_wide(a.at[k]);

        if (p->b)
            sum += bf16_wide(p->b[i].at[k]);
        out.at[k] = bf16_of(!p->y || bf16_wide(p->y[i].at[k]) > 0.0f ? sum : 0.0f);
    }
    p->out[i] = out;
}

KERN_BODY void bf16_mix_rows_each(const struct kern_bf16_mix_rows_args *p, size_t i)
{
    uint32_t          row = (uint32_t)(i / p->width);
    float             share = p->share[row];
    struct kern_eight own = p->in[i];
    struct kern_eight other = p->in[(size_t)p->partner[row] * p->width + i % p->width];

    for (int k = 0; k < KERN_EIGHT; k++)
        own.at[k] = bf16_of(share * bf16_wide(own.at[k]) + (1.0f - share) * bf16_wide(other.at[k]));
    p->out[i] = own;
}

/* A row gathers from itself, then from the rows whose partner it is, in their order. */
KERN_BODY void bf16_mix_rows_backward_each(const struct kern_bf16_mix_rows_backward_args *args,
                                           size_t                                         i)
{
    const struct kern_bf16_mix_rows_args *p = &args->rows;
    uint32_t                              row = (uint32_t)(i / p->width);
    struct kern_eight                     out;

    for (int k = 0; k < KERN_EIGHT; k++) {
        float sum = p->share[row] * bf16_wide(p->in[i].at[k]);

        for (uint32_t r = 0; r < p->rows; r++)
            if (p->partner[r] == row)
                sum += (1.0f - p->share[r]) *
                       bf16_wide(p->in[(size_t)r * p->width + i % p->width].at[k]);
        out.at[k] = bf16_of(sum);
    }
    p->out[i] = out;
}

/* ---- batch norm ---- */

KERN_BODY void bf16_norm_look_each(const struct kern_bf16_norm_look_args *p, size_t i)
{
    size_t           eight = i % p->eights, part = i / p->eights;
    struct kern_part sum[KERN_EIGHT];

    for (int k = 0; k < KERN_EIGHT; k++)
        sum[k].a = sum[k].b = sum[k].c = 0.0;
    for (size_t point = part; point < p->points; point += p->parts) {
        struct kern_eight x = p->x[point * p->eights + eight];

        for (int k = 0; k < KERN_EIGHT; k++) {
            double value = (double)bf16_wide(x.at[k]);

            sum[k].a += value;
            sum[k].b += value * value;
        }
    }
    for (int k = 0; k < KERN_EIGHT; k++)
        p->found[i * KERN_EIGHT + (size_t)k] = sum[k];
}

/* What was found of a channel by every KERN_BLOCK_LANES-th lane. */
KERN_BODY struct kern_part bf16_found(const struct kern_part *found, uint32_t eights,
                                      uint32_t parts, size_t c, unsigned lane)
{
    struct kern_part sum = {0.0, 0.0, 0.0};

    for (size_t k = lane; k < parts; k += KERN_BLOCK_LANES) {
        const struct kern_part *one = &found[k * eights * KERN_EIGHT + c];

        sum.a += one->a;
        sum.b += one->b;
        sum.c += one->c;
    }
    return sum;
}

KERN_BODY struct kern_part bf16_norm_finish_lane(const struct kern_bf16_norm_finish_args *p,
                                                 size_t c, unsigned lane)
{
    struct kern_part none = {0.0, 0.0, 0.0};

    return p->of.fixed ? none : bf16_found(p->found, p->eights, p->parts, c, lane);
}

KERN_BODY void bf16_norm_finish_end(const struct kern_bf16_norm_finish_args *p, size_t c,
                                    const struct kern_part *sum)
{
    double count = (double)p->points, average = sum->a / count;
    double spread = sum->b / count - average * average;

    if (!p->of.fixed) {
        p->of.mean[c] = (float)average;
        p->of.variance[c] = spread < 0.0 ? 0.0f : (float)spread; /* by rounding; a NaN stays one */
    }
    p->of.factor[c] =
        (float)((double)p->of.scale[c] / sqrt((double)p->of.variance[c] + p->of.epsilon));
}

KERN_BODY float bf16_normalised(const struct kern_bf16_norm_of *of, kern_bf16 x, size_t c)
{
    return (bf16_wide(x) - of->mean[c]) * of->factor[c] + of->shift[c];
}

KERN_BODY void bf16_norm_apply_each(const struct kern_bf16_norm_apply_args *args, size_t i)
{
    const struct kern_bf16_norm_args *p = &args->norm;
    size_t                            first = i % p->eights * KERN_EIGHT;
    struct kern_eight                 x = p->of[0].x[i], y;

    for (int k = 0; k < KERN_EIGHT; k++) {
        size_t c = first + (size_t)k;
        float  value = 0.0f;

        if (c < p->channels) {
            value = bf16_normalised(&p->of[0], x.at[k], c);
            if (p->norms > 1)
                value += bf16_normalised(&p->of[1], p->of[1].x[i].at[k], c);
            if (p->rest)
                value += bf16_wide(p->rest[i].at[k]);
        }
        y.at[k] = bf16_of(p->relu ? positive(value) : value);
    }
    p->y[i] = y;
}

/* The gradient of eight channels, through the ReLU. */
KERN_BODY struct kern_eight bf16_norm_gradient(const struct kern_bf16_norm_args *p, size_t i)
{
    size_t            first = i % p->eights * KERN_EIGHT;
    struct kern_eight a = p->a[i];

    for (int k = 0; k < KERN_EIGHT; k++) {
        size_t c = first + (size_t)k;
        float  value = bf16_wide(a.at[k]);

        if (p->b)
            value += bf16_wide(p->b[i].at[k]);
        if (c >= p->channels || (p->by_y && !(bf16_wide(p->y[i].at[k]) > 0.0f)) ||
            (p->by_x && !(bf16_normalised(&p->of[0], p->of[0].x[i].at[k], c) > 0.0f)))
            value = 0.0f;
        a.at[k] = bf16_of(value);
    }
    return a;
}

KERN_BODY void bf16_norm_gather_each(const struct kern_bf16_norm_gather_args *args, size_t i)
{
    const struct kern_bf16_norm_args *p = &args->norm;
    size_t                            eight = i % p->eights, part = i / p->eights;
    struct kern_part                  sum[KERN_EIGHT];

    for (int k = 0; k < KERN_EIGHT; k++)
        sum[k].a = sum[k].b = sum[k].c = 0.0;
    for (size_t point = part; point < p->points; point += p->parts) {
        size_t            at = point * p->eights + eight;
        struct kern_eight g = bf16_norm_gradient(p, at);

        for (int k = 0; k < KERN_EIGHT; k++) {
            size_t c = eight * KERN_EIGHT + (size_t)k;
            double value = (double)bf16_wide(g.at[k]);

            if (c >= p->channels)
                continue;
            sum[k].a += value;
            sum[k].b += value * (double)(bf16_wide(p->of[0].x[at].at[k]) - p->of[0].mean[c]);
            if (p->norms > 1)
                sum[k].c += value * (double)(bf16_wide(p->of[1].x[at].at[k]) - p->of[1].mean[c]);
        }
        if (p->through)
            p->through[at] = g;
    }
    for (int k = 0; k < KERN_EIGHT; k++)
        p->found[i * KERN_EIGHT + (size_t)k] = sum[k];
}

KERN_BODY struct kern_part bf16_norm_slope_lane(const struct kern_bf16_norm_slope_args *args,
                                                size_t c, unsigned lane)
{
    return bf16_found(args->norm.found, args->norm.eights, args->norm.parts, c, lane);
}

KERN_BODY void bf16_norm_slope_end(const struct kern_bf16_norm_slope_args *args, size_t c,
                                   const struct kern_part *sum)
{
    const struct kern_bf16_norm_args *p = &args->norm;

    for (uint32_t k = 0; k < p->norms; k++) {
        const struct kern_bf16_norm_of *of = &p->of[k];
        double                          product = k == 0 ? sum->b : sum->c;
        double                          inverse = 1.0 / sqrt((double)of->variance[c] + of->epsilon);
        double factor = (double)of->scale[c] * inverse, count = (double)p->points;

        if (of->dscale) {
            of->dscale[c] = (float)(product * inverse);
            of->dshift[c] = (float)sum->a;
        }
        of->offset[c] = of->fixed ? 0.0f : (float)(-factor * sum->a / count);
        of->slope[c] = of->fixed ? 0.0f : (float)(-factor * inverse * inverse * product / count);
    }
}

/* The gradient of the first input may lie over `through`. */
KERN_BODY void bf16_norm_spread_each(const struct kern_bf16_norm_spread_args *args, size_t i)
{
    const struct kern_bf16_norm_args *p = &args->norm;
    size_t                            first = i % p->eights * KERN_EIGHT;
    struct kern_eight                 g = p->through ? p->through[i] : bf16_norm_gradient(p, i);

    for (uint32_t n = p->norms; n-- > 0;) {
        const struct kern_bf16_norm_of *of = &p->of[n];
        struct kern_eight               out;

        if (!of->dx)
            continue;
        for (int k = 0; k < KERN_EIGHT; k++) {
            size_t c = first + (size_t)k;

            out.at[k] = c < p->channels
                            ? bf16_of(of->factor[c] * bf16_wide(g.at[k]) +
                                      ((bf16_wide(of->x[i].at[k]) - of->mean[c]) * of->slope[c] +
                                       of->offset[c]))
                            : (kern_bf16)0;
        }
        of->dx[i] = out;
    }
}

/* ---- around convolutions and linear layers ---- */

KERN_BODY void bf16_finish_each(const struct kern_bf16_finish_args *p, size_t i)
{
    size_t            first = i % p->eights * KERN_EIGHT;
    struct kern_eight y = p->y[i];

    for (int k = 0; k < KERN_EIGHT; k++) {
        size_t c = first + (size_t)k;
        float  value = bf16_wide(y.at[k]);

        if (p->bias && c < p->channels)
            value += p->bias[c];
        y.at[k] = bf16_of(p->relu ? capped(positive(value), p->cap) : value);
    }
    p->y[i] = y;
}

KERN_BODY struct kern_part bf16_channel_sum_lane(const struct kern_bf16_channel_sum_args *p,
                                                 size_t c, unsigned lane)
{
    return bf16_found(p->found, p->eights, p->parts, c, lane);
}

KERN_BODY void bf16_channel_sum_end(const struct kern_bf16_channel_sum_args *p, size_t c,
                                    const struct kern_part *sum)
{
    p->sum[c] = (float)sum->a;
}

/* ---- places ---- */

/* Where the eight i of images of height x width is: its image's first eight, row and column. */
struct bf16_place {
    size_t   image;
    uint32_t row, column, eight;
};

KERN_BODY struct bf16_place bf16_place_of(size_t i, uint32_t eights, uint32_t height,
                                          uint32_t width)
{
    struct bf16_place place;

    place.eight = (uint32_t)(i % eights);
    i /= eights;
    place.column = (uint32_t)(i % width);
    i /= width;
    place.row = (uint32_t)(i % height);
    place.image = i / height;
    return place;
}

KERN_BODY size_t bf16_eight_at(const struct bf16_place *in, uint32_t eights, uint32_t height,
                               uint32_t width, uint32_t row, uint32_t column)
{
    return ((in->image * height + row) * width + column) * eights + in->eight;
}

/* ---- from and to float32 ---- */

KERN_BODY void bf16_narrow_each(const struct kern_bf16_narrow_args *p, size_t i)
{
    const struct kern_bf16_between *of = &p->of;
    struct bf16_place at = bf16_place_of(i, of->eights, of->wide_height, of->wide_width);
    int64_t           row = (int64_t)at.row - of->above, column = (int64_t)at.column - of->left;
    struct kern_eight out;

    for (uint32_t k = 0; k < KERN_EIGHT; k++) {
        uint32_t c = at.eight * KERN_EIGHT + k;
        int stored = c < of->channels && row >= 0 && row < (int64_t)of->height && column >= 0 &&
                     column < (int64_t)of->width;

        out.at[k] =
            stored
                ? bf16_of(
                      p->in[((at.image * of->channels + c) * of->height + (size_t)row) * of->width +
                            (size_t)column])
                : (kern_bf16)0;
    }
    p->out[i] = out;
}

KERN_BODY void bf16_widen_each(const struct kern_bf16_widen_args *p, size_t i)
{
    const struct kern_bf16_between *of = &p->of;
    uint32_t                        column = (uint32_t)(i % of->width);
    uint32_t                        row = (uint32_t)(i / of->width % of->height);
    size_t                          plane = i / of->width / of->height;
    size_t                          c = plane % of->channels, image = plane / of->channels;
    size_t point = (image * of->wide_height + (size_t)((int64_t)row + of->above)) * of->wide_width +
                   (size_t)((int64_t)column + of->left);

    p->out[i] = bf16_wide(p->in[point * of->eights * KERN_EIGHT + c]);
}

KERN_BODY void bf16_pad_each(const struct kern_bf16_pad_args *p, size_t i)
{
    struct bf16_place at = bf16_place_of(i, p->eights, p->out_height, p->out_width);
    int64_t           row = (int64_t)at.row - p->above, column = (int64_t)at.column - p->left;
    struct kern_eight out;

    for (int k = 0; k < KERN_EIGHT; k++)
        out.at[k] = 0;
    if (row >= 0 && row < (int64_t)p->in_height && column >= 0 && column < (int64_t)p->in_width)
        out = p->in[bf16_eight_at(&at, p->eights, p->in_height, p->in_width, (uint32_t)row,
                                  (uint32_t)column)];
    p->out[i] = out;
}

KERN_BODY void bf16_weights_each(const struct kern_bf16_weights_args *p, size_t i)
{
    const struct kern_bf16_filters *of = &p->of;
    size_t  filter = i / of->all_inputs / of->places, place = i / of->all_inputs % of->places;
    int64_t input = (int64_t)(i % of->all_inputs) - (int64_t)(filter / of->together * of->shift);
    int     stored = filter < of->filters && input >= 0 && input < (int64_t)of->inputs;

    p->out[i] = stored ? bf16_of(p->in[(filter * of->inputs + (size_t)input) * of->places + place])
                       : (kern_bf16)0;
}

KERN_BODY void bf16_gradient_each(const struct kern_bf16_gradient_args *p, size_t i)
{
    const struct kern_bf16_filters *of = &p->of;
    size_t                          place = i % of->places, input = i / of->places % of->inputs;
    size_t                          filter = i / of->places / of->inputs;
    size_t                          at =
        (filter * of->places + place) * of->all_inputs + input + filter / of->together * of->shift;

    p->out[i] = p->in ? bf16_wide(p->in[at]) : p->wide[at];
}

#endif
