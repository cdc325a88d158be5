/* pool_body.h - pools and padding of images, point by point: each gathers what it is made of.
 *
 * Means are those of kernels/pool.h, or over windows of a size; a part of network_body.h.
 */
#ifndef MX_KERN_POOL_BODY_H
#define MX_KERN_POOL_BODY_H

#include "kernels/kernel_args.h"
#include "kernels/port.h"

/* Points of an axis: first to end - 1. */
struct pool_span {
    uint32_t first, end;
};

/* The window of place `at` on an axis of `length`, of `places`; cut at the borders. */
KERN_BODY struct pool_span pool_window(const struct kern_pool_args *p, uint32_t at, uint32_t places,
                                       uint32_t length)
{
    struct pool_span span;
    uint64_t         begin = (uint64_t)at * length, end = begin + length;
    int64_t          start;

    if (p->kernel == 0) {
        span.first = (uint32_t)(begin / places);
        span.end = (uint32_t)((end + places - 1) / places);
        return span;
    }
    start = (int64_t)at * p->stride - p->pad;
    span.first = start > 0 ? (uint32_t)start : 0;
    span.end = (uint32_t)(start + (int64_t)p->kernel);
    span.end = span.end < length ? span.end : length;
    return span;
}

/* The places whose windows have point `at` in them. */
KERN_BODY struct pool_span pool_users(const struct kern_pool_args *p, uint32_t at, uint32_t places,
                                      uint32_t length)
{
    struct pool_span span;
    uint64_t         begin = (uint64_t)at * places, end = begin + places;
    uint32_t         far = at + p->pad;

    if (p->kernel == 0) {
        span.first = (uint32_t)(begin / length);
        span.end = (uint32_t)((end + length - 1) / length);
        return span;
    }
    span.first = far < p->kernel ? 0 : (far - p->kernel) / p->stride + 1;
    span.end = far / p->stride + 1;
    span.end = span.end < places ? span.end : places;
    return span;
}

KERN_BODY void mean_pool_each(const struct kern_mean_pool_args *args, size_t i)
{
    const struct kern_pool_args *p = &args->of;
    uint32_t                     places = p->out_height * p->out_width, at = (uint32_t)(i % places);
    const float                 *x = p->x + i / places * ((size_t)p->in_height * p->in_width);
    struct pool_span rows = pool_window(p, at / p->out_width, p->out_height, p->in_height);
    struct pool_span columns = pool_window(p, at % p->out_width, p->out_width, p->in_width);
    double           sum = 0.0;

    for (uint32_t r = rows.first; r < rows.end; r++)
        for (uint32_t c = columns.first; c < columns.end; c++)
            sum += (double)x[(size_t)r * p->in_width + c];
    p->y[i] = (float)(sum / ((double)(rows.end - rows.first) * (columns.end - columns.first)));
}

KERN_BODY void mean_pool_backward_each(const struct kern_mean_pool_backward_args *args, size_t i)
{
    const struct kern_pool_args *p = &args->of;
    uint32_t                     points = p->in_height * p->in_width, at = (uint32_t)(i % points);
    const float                 *dy = p->dy + i / points * ((size_t)p->out_height * p->out_width);
    struct pool_span rows = pool_users(p, at / p->in_width, p->out_height, p->in_height);
    struct pool_span columns = pool_users(p, at % p->in_width, p->out_width, p->in_width);
    double           sum = 0.0;

    for (uint32_t r = rows.first; r < rows.end; r++)
        for (uint32_t c = columns.first; c < columns.end; c++) {
            struct pool_span high = pool_window(p, r, p->out_height, p->in_height);
            struct pool_span wide = pool_window(p, c, p->out_width, p->in_width);

            sum += (double)dy[(size_t)r * p->out_width + c] /
                   ((double)(high.end - high.first) * (wide.end - wide.first));
        }
    p->dx[i] = (float)sum;
}

/* Where the largest value under a window lies in its plane: the first of equals; a NaN is larger
 * than all. */
KERN_BODY size_t max_pool_place(const struct kern_pool_args *p, const float *x, uint32_t row,
                                uint32_t column)
{
    struct pool_span rows = pool_window(p, row, p->out_height, p->in_height);
    struct pool_span columns = pool_window(p, column, p->out_width, p->in_width);
    size_t           best = (size_t)rows.first * p->in_width + columns.first;

    for (uint32_t r = rows.first; r < rows.end; r++)
        for (uint32_t c = columns.first; c < columns.end; c++) {
            size_t at = (size_t)r * p->in_width + c;

            if (x[best] == x[best] && !(x[at] <= x[best]))
                best = at;
        }
    return best;
}

KERN_BODY void max_pool_each(const struct kern_max_pool_args *args, size_t i)
{
    const struct kern_pool_args *p = &args->of;
    uint32_t                     places = p->out_height * p->out_width, at = (uint32_t)(i % places);
    const float                 *x = p->x + i / places * ((size_t)p->in_height * p->in_width);

    p->y[i] = x[max_pool_place(p, x, at / p->out_width, at % p->out_width)];
}

KERN_BODY void max_pool_backward_each(const struct kern_max_pool_backward_args *args, size_t i)
{
    const struct kern_pool_args *p = &args->of;
    uint32_t                     points = p->in_height * p->in_width, at = (uint32_t)(i % points);
    const float                 *x = p->x + i / points * points;
    const float                 *dy = p->dy + i / points * ((size_t)p->out_height * p->out_width);
    struct pool_span rows = pool_users(p, at / p->in_width, p->out_height, p->in_height);
    struct pool_span columns = pool_users(p, at % p->in_width, p->out_width, p->in_width);
    float            sum = 0.0f;

    for (uint32_t r = rows.first; r < rows.end; r++)
        for (uint32_t c = columns.first; c < columns.end; c++)
            if (max_pool_place(p, x, r, c) == at)
                sum += dy[(size_t)r * p->out_width + c];
    p->dx[i] = sum;
}

KERN_BODY void pad_each(const struct kern_pad_args *p, size_t i)
{
    uint32_t points = p->out_height * p->out_width, at = (uint32_t)(i % points);
    int64_t  row = (int64_t)(at / p->out_width) - p->above;
    int64_t  column = (int64_t)(at % p->out_width) - p->left;
    size_t   plane = i / points * ((size_t)p->in_height * p->in_width);
    int      stored =
        row >= 0 && row < (int64_t)p->in_height && column >= 0 && column < (int64_t)p->in_width;

    p->out[i] = stored ? p->in[plane + (size_t)row * p->in_width + (size_t)column] : 0.0f;
}

#endif
