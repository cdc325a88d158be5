/* bf16_pool_body.h - pools in bfloat16, eight channels at a time.
 *
 * Formulas are those of pool_body.h; arrays are those of bf16_args.h.
 */
#ifndef MX_KERN_BF16_POOL_BODY_H
#define MX_KERN_BF16_POOL_BODY_H

#include <math.h>

#include "kernels/bf16_body.h"

KERN_BODY void bf16_mean_pool_each(const struct kern_bf16_mean_pool_args *args, size_t i)
{
    const struct kern_bf16_pool_args *p = &args->pool;
    const struct kern_pool_args      *of = &p->of;
    struct bf16_place at = bf16_place_of(i, p->eights, of->out_height, of->out_width);
    struct pool_span  rows = pool_window(of, at.row, of->out_height, of->in_height);
    struct pool_span  columns = pool_window(of, at.column, of->out_width, of->in_width);
    double            sum[KERN_EIGHT];
    struct kern_eight out;

    for (int k = 0; k < KERN_EIGHT; k++)
        sum[k] = 0.0;
    for (uint32_t r = rows.first; r < rows.end; r++)
        for (uint32_t c = columns.first; c < columns.end; c++) {
            struct kern_eight x =
                p->x[bf16_eight_at(&at, p->eights, of->in_height, of->in_width, r, c)];

            for (int k = 0; k < KERN_EIGHT; k++)
                sum[k] += (double)bf16_wide(x.at[k]);
        }
    for (int k = 0; k < KERN_EIGHT; k++)
        out.at[k] = bf16_of(
            (float)(sum[k] / ((double)(rows.end - rows.first) * (columns.end - columns.first))));
    p->y[i] = out;
}

KERN_BODY void bf16_mean_pool_backward_each(const struct kern_bf16_mean_pool_backward_args *args,
                                            size_t                                          i)
{
    const struct kern_bf16_pool_args *p = &args->pool;
    const struct kern_pool_args      *of = &p->of;
    struct bf16_place                 at = bf16_place_of(i, p->eights, of->in_height, of->in_width);
    struct pool_span                  rows = pool_users(of, at.row, of->out_height, of->in_height);
    struct pool_span  columns = pool_users(of, at.column, of->out_width, of->in_width);
    double            sum[KERN_EIGHT];
    struct kern_eight out;

    for (int k = 0; k < KERN_EIGHT; k++)
        sum[k] = 0.0;
    for (uint32_t r = rows.first; r < rows.end; r++)
        for (uint32_t c = columns.first; c < columns.end; c++) {
            struct pool_span  high = pool_window(of, r, of->out_height, of->in_height);
            struct pool_span  wide = pool_window(of, c, of->out_width, of->in_width);
            struct kern_eight dy =
                p->dy[bf16_eight_at(&at, p->eights, of->out_height, of->out_width, r, c)];

            for (int k = 0; k < KERN_EIGHT; k++)
                sum[k] += (double)bf16_wide(dy.at[k]) /
                          ((double)(high.end - high.first) * (wide.end - wide.first));
        }
    for (int k = 0; k < KERN_EIGHT; k++)
        out.at[k] = bf16_of((float)sum[k]);
    p->dx[i] = out;
}

/* The largest values under a window and the row and column of each: the first of equals; a NaN is larger than all. */
struct bf16_largest {
    struct kern_eight value;
    uint32_t          place[KERN_EIGHT]; /* row times width plus column */
};

KERN_BODY struct bf16_largest bf16_largest_of(const struct kern_bf16_pool_args *p,
                                              const struct bf16_place *at, uint32_t row,
                                              uint32_t column)
{
    const struct kern_pool_args *of = &p->of;
    struct pool_span             rows = pool_window(of, row, of->out_height, of->in_height);
    struct pool_span             columns = pool_window(of, column, of->out_width, of->in_width);
    struct bf16_largest          best;

    best.value =
        p->x[bf16_eight_at(at, p->eights, of->in_height, of->in_width, rows.first, columns.first)];
    for (int k = 0; k < KERN_EIGHT; k++)
        best.place[k] = rows.first * of->in_width + columns.first;
    for (uint32_t r = rows.first; r < rows.end; r++)
        for (uint32_t c = columns.first; c < columns.end; c++) {
            struct kern_eight x =
                p->x[bf16_eight_at(at, p->eights, of->in_height, of->in_width, r, c)];

            for (int k = 0; k < KERN_EIGHT; k++) {
                float now = bf16_wide(best.value.at[k]), value = bf16_wide(x.at[k]);

                if (now == now && !(value <= now)) {
                    best.value.at[k] = x.at[k];
                    best.place[k] = r * of->in_width + c;
                }
            }
        }
    return best;
}

KERN_BODY void bf16_max_pool_each(const struct kern_bf16_max_pool_args *args, size_t i)
{
    const struct kern_bf16_pool_args *p = &args->pool;
    struct bf16_place at = bf16_place_of(i, p->eights, p->of.out_height, p->of.out_width);

    p->y[i] = bf16_largest_of(p, &at, at.row, at.column).value;
}

KERN_BODY void bf16_max_pool_backward_each(const struct kern_bf16_max_pool_backward_args *args,
                                           size_t                                         i)
{
    const struct kern_bf16_pool_args *p = &args->pool;
    const struct kern_pool_args      *of = &p->of;
    struct bf16_place                 at = bf16_place_of(i, p->eights, of->in_height, of->in_width);
    struct pool_span                  rows = pool_users(of, at.row, of->out_height, of->in_height);
    struct pool_span  columns = pool_users(of, at.column, of->out_width, of->in_width);
    uint32_t          own = at.row * of->in_width + at.column;
    float             sum[KERN_EIGHT];
    struct kern_eight out;

    for (int k = 0; k < KERN_EIGHT; k++)
        sum[k] = 0.0f;
    for (uint32_t r = rows.first; r < rows.end; r++)
        for (uint32_t c = columns.first; c < columns.end; c++) {
            struct bf16_largest best = bf16_largest_of(p, &at, r, c);
            struct kern_eight   dy =
                p->dy[bf16_eight_at(&at, p->eights, of->out_height, of->out_width, r, c)];

            for (int k = 0; k < KERN_EIGHT; k++)
                if (best.place[k] == own)
                    sum[k] += bf16_wide(dy.at[k]);
        }
    for (int k = 0; k < KERN_EIGHT; k++)
        out.at[k] = bf16_of(sum[k]);
    p->dx[i] = out;
}

#endif
