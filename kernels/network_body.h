/* network_body.h - the work between convolutions, element by element or block by block.
 *
 * Formulas are those of elementwise.c, optimizer.c; norms have norm_body.h, pools pool_body.h. NAME_each() does one
 * element. A block is NAME_lane(), which goes over a share of what is to be summed, folds in
 * KERN_BLOCK_LANES / 2, ... 1 with a barrier before each, and NAME_end(), by lane 0. Sums
 * are in double precision, in an order that depends on the number of lanes alone.
 */
#ifndef MX_KERN_NETWORK_BODY_H
#define MX_KERN_NETWORK_BODY_H

#include <math.h>

#include "base/philox.h"
#include "kernels/kernel_args.h"
#include "kernels/norm_body.h"
#include "kernels/pool_body.h"
#include "kernels/port.h"

KERN_BODY float capped(float x, float cap)
{
    return cap > 0.0f && x > cap ? cap : x;
}

KERN_BODY void add_each(const struct kern_add_args *p, size_t i)
{
    float sum = p->a[i] + p->b[i];

    p->out[i] = p->relu ? positive(sum) : sum;
}

KERN_BODY void relu_each(const struct kern_relu_args *p, size_t i)
{
    p->out[i] = capped(positive(p->in[i]), p->cap);
}

KERN_BODY void relu_backward_each(const struct kern_relu_backward_args *p, size_t i)
{
    float part = 1.0f / (1.0f - p->drop) * p->gradient[i];

    p->gradient[i] = p->y[i] < (p->cap > 0.0f ? p->cap : INFINITY) ? part : 0.0f;
}

/* From 0 to 1: element i takes the generator's numbers 2 i and 2 i + 1. */
KERN_BODY double dropout_draw(const struct kern_dropout_args *p, size_t i)
{
    uint32_t counter[4], block[4];
    uint64_t high, low;

    counter[0] = p->counter[0] + (uint32_t)(i / 2);
    counter[1] = p->counter[1];
    counter[2] = p->now ? p->now->steps[0] : p->counter[2];
    counter[3] = p->now ? p->now->steps[1] : p->counter[3];
    mx_philox(counter, p->key, block);
    high = block[i % 2 * 2];
    low = block[i % 2 * 2 + 1];
    return (double)((high << 21) ^ (low >> 11)) * (1.0 / 9007199254740992.0);
}

KERN_BODY void dropout_each(const struct kern_dropout_args *p, size_t i)
{
    p->data[i] = dropout_draw(p, i) < (double)p->drop ? 0.0f : 1.0f / (1.0f - p->drop) * p->data[i];
}

KERN_BODY void add_backward_each(const struct kern_add_backward_args *p, size_t i)
{
    float sum = p->b ? p->a[i] + p->b[i] : p->a[i];

    p->out[i] = !p->y || p->y[i] > 0.0f ? sum : 0.0f;
}

KERN_BODY void running_each(const struct kern_running_args *p, size_t i)
{
    p->running[i] =
        (float)((1.0 - p->rate) * (double)p->running[i] + p->rate * p->scale * (double)p->batch[i]);
}

KERN_BODY void mix_rows_each(const struct kern_mix_rows_args *p, size_t i)
{
    uint32_t row = (uint32_t)(i / p->width);
    size_t   k = i % p->width;

    p->out[i] = p->share[row] * p->in[i] +
                (1.0f - p->share[row]) * p->in[(size_t)p->partner[row] * p->width + k];
}

/* A row gathers from itself, then from the rows whose partner it is, in their order. */
KERN_BODY void mix_rows_backward_each(const struct kern_mix_rows_backward_args *args, size_t i)
{
    const struct kern_mix_rows_args *p = &args->rows;
    uint32_t                         row = (uint32_t)(i / p->width);
    size_t                           k = i % p->width;
    float                            sum = p->share[row] * p->in[i];

    for (uint32_t r = 0; r < p->rows; r++)
        if (p->partner[r] == row)
            sum += (1.0f - p->share[r]) * p->in[(size_t)r * p->width + k];
    p->out[i] = sum;
}

KERN_BODY void sgd_each(const struct kern_sgd_args *p, size_t i)
{
    float lr = p->now ? p->now->lr : p->lr, scale = p->now ? p->now->scale : p->scale;
    float g = scale * p->gradient[i] + p->decay * p->weights[i], kept;

    if (!p->buffer) {
        p->weights[i] -= lr * g;
        return;
    }
    kept = p->first ? g : p->momentum * p->buffer[i] + g;
    p->buffer[i] = kept;
    p->weights[i] -= lr * (p->nesterov ? g + p->momentum * kept : kept);
}

KERN_BODY void adamw_each(const struct kern_adamw_args *p, size_t i)
{
    float keep = p->now ? (p->decays ? p->now->keep : 1.0f) : p->keep;
    float step = p->now ? p->now->step : p->step, root = p->now ? p->now->root : p->root;
    float g = (p->now ? p->now->scale : p->scale) * p->gradient[i];

    p->mean[i] = p->beta1 * p->mean[i] + p->rest1 * g;
    p->square[i] = p->beta2 * p->square[i] + p->rest2 * (g * g);
    p->weights[i] =
        keep * p->weights[i] - step * (p->mean[i] / (root * sqrtf(p->square[i]) + p->epsilon));
}

KERN_BODY void average_each(const struct kern_average_args *p, size_t i)
{
    p->average[i] += p->rest * (p->value[i] - p->average[i]);
}

/* ---- sums ---- */

KERN_BODY void kern_part_fold(struct kern_part *parts, unsigned lane, unsigned half)
{
    if (lane < half) {
        parts[lane].a += parts[lane + half].a;
        parts[lane].b += parts[lane + half].b;
        parts[lane].c += parts[lane + half].c;
    }
}

/* Element k of channel c: of image k / points, at k % points. */
KERN_BODY size_t channel_at(size_t c, size_t k, uint32_t channels, uint32_t points)
{
    return (k / points * channels + c) * points + k % points;
}

/* ---- around convolutions and linear layers ---- */

KERN_BODY void finish_each(const struct kern_finish_args *p, size_t i)
{
    float value = p->bias ? p->y[i] + p->bias[i / p->points % p->channels] : p->y[i];

    p->y[i] = p->relu ? capped(positive(value), p->cap) : value;
}

KERN_BODY struct kern_part channel_sum_lane(const struct kern_channel_sum_args *p, size_t block,
                                            unsigned lane)
{
    struct kern_part sum = {0.0, 0.0, 0.0};

    for (size_t k = lane; k < (size_t)p->images * p->points; k += KERN_BLOCK_LANES)
        sum.a += (double)p->x[channel_at(block, k, p->channels, p->points)];
    return sum;
}

KERN_BODY void channel_sum_end(const struct kern_channel_sum_args *p, size_t block,
                               const struct kern_part *sum)
{
    p->sum[block] = (float)sum->a;
}

KERN_BODY struct kern_part square_sum_lane(const struct kern_square_sum_args *p, size_t block,
                                           unsigned lane)
{
    struct kern_part sum = {0.0, 0.0, 0.0};

    for (size_t k = block * KERN_BLOCK_LANES + lane; k < p->n; k += p->blocks * KERN_BLOCK_LANES)
        sum.a += (double)p->x[k] * (double)p->x[k];
    return sum;
}

KERN_BODY void square_sum_end(const struct kern_square_sum_args *p, size_t block,
                              const struct kern_part *sum)
{
    p->sum[block] = sum->a;
}

KERN_BODY void clip_each(const struct kern_clip_args *p, size_t i)
{
    double sum = 0.0, scale;

    for (size_t k = i; k < p->parts; k++)
        sum += p->squares[k];
    scale = p->most / (sqrt(sum) + p->epsilon);
    p->now->scale = scale < 1.0 ? (float)scale : 1.0f;
}

/* ---- the loss ---- */

/* The largest logit, found by each lane alone, keeps exp() from overflowing; a NaN becomes it. */
KERN_BODY struct kern_part softmax_norm_lane(const struct kern_softmax_norm_args *args, size_t row,
                                             unsigned lane)
{
    const struct kern_softmax_args *p = &args->of;
    const float                    *x = p->logits + row * p->classes;
    struct kern_part                sum = {0.0, (double)x[0], 0.0};

    for (uint32_t c = 1; c < p->classes; c++)
        if (!((double)x[c] <= sum.b))
            sum.b = (double)x[c];
    for (uint32_t c = lane; c < p->classes; c += KERN_BLOCK_LANES)
        sum.a += exp((double)x[c] - sum.b);
    return sum;
}

KERN_BODY void softmax_norm_end(const struct kern_softmax_norm_args *args, size_t row,
                                const struct kern_part *sum)
{
    const struct kern_softmax_args *p = &args->of;
    const float                    *x = p->logits + row * p->classes;
    double                          top = (double)x[0];

    for (uint32_t c = 1; c < p->classes; c++)
        if (!((double)x[c] <= top))
            top = (double)x[c];
    p->norm[row] = top + log(sum->a);
}

/* What class c of a row should have had, smoothed. */
KERN_BODY double softmax_target(const struct kern_softmax_args *p, size_t row, uint32_t c)
{
    double target = 0.0, part;

    if (p->targets) {
        target = (double)p->targets[row * p->classes + c];
    } else {
        part = p->lambda ? (double)p->lambda[row] : 1.0;
        target = (c == p->y_a[row] ? part : 0.0) + (c == p->y_b[row] ? 1.0 - part : 0.0);
    }
    return p->keep * target + p->blank;
}

KERN_BODY struct kern_part softmax_loss_lane(const struct kern_softmax_loss_args *args, size_t row,
                                             unsigned lane)
{
    const struct kern_softmax_args *p = &args->of;
    struct kern_part                sum = {0.0, 0.0, 0.0};

    for (uint32_t c = lane; c < p->classes; c += KERN_BLOCK_LANES) {
        double target = softmax_target(p, row, c);

        if (target != 0.0)
            sum.a += target * (p->norm[row] - (double)p->logits[row * p->classes + c]);
    }
    return sum;
}

KERN_BODY void softmax_loss_end(const struct kern_softmax_loss_args *args, size_t row,
                                const struct kern_part *sum)
{
    args->of.loss[row] = sum->a;
}

KERN_BODY void softmax_gradient_each(const struct kern_softmax_gradient_args *args, size_t i)
{
    const struct kern_softmax_args *p = &args->of;
    size_t                          row = i / p->classes;

    p->gradient[i] = (float)((exp((double)p->logits[i] - p->norm[row]) -
                              softmax_target(p, row, (uint32_t)(i % p->classes))) /
                             p->divisor);
}

#endif
