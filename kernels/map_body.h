/* map_body.h - attribution maps, element by element; blocks as in kernels/network_body.h.
 *
 * Sums of an element's own go over channels, or variants, in their order. Those of a channel's points
 * go over lanes. A NaN stays one, wherever it comes from.
 */
#ifndef MX_KERN_MAP_BODY_H
#define MX_KERN_MAP_BODY_H

#include <math.h>

#include "kernels/kernel_args.h"
#include "kernels/port.h"

KERN_BODY void map_split_each(const struct kern_map_split_args *p, size_t i)
{
    p->out[i] = (p->positive != 0) == (p->in[i] > 0.0f) ? p->in[i] : 0.0f;
}

KERN_BODY void map_divide_each(const struct kern_map_divide_args *p, size_t i)
{
    float sum = p->minus ? p->plus[i] + p->minus[i] : p->plus[i];

    p->out[i] = sum > 0.0f ? p->in[i] / sum : 0.0f;
}

KERN_BODY void map_stabilise_each(const struct kern_map_stabilise_args *p, size_t i)
{
    p->out[i] /= p->z[i] + (p->z[i] < 0.0f ? -p->epsilon : p->epsilon);
}

KERN_BODY void map_multiply_each(const struct kern_map_multiply_args *p, size_t i)
{
    p->out[i] *= p->by[i];
}

KERN_BODY void map_share_each(const struct kern_map_share_args *p, size_t i)
{
    float plus = p->a[i] > 0.0f ? p->a[i] : 0.0f, other = p->b[i] > 0.0f ? p->b[i] : 0.0f;
    float sum = plus + other, relevance = p->rest[i];

    p->first[i] = sum > 0.0f ? relevance * (plus / sum) : 0.0f;
    p->rest[i] = sum > 0.0f ? relevance * (other / sum) : 0.0f;
}

KERN_BODY void map_scale_each(const struct kern_map_scale_args *p, size_t i)
{
    p->out[i] = (float)(p->factor * (double)p->in[i]);
}

KERN_BODY void map_noise_each(const struct kern_map_noise_args *p, size_t i)
{
    p->out[i] = (float)((double)p->in[i] + p->sigma[i / p->image] * (double)p->out[i]);
}

KERN_BODY void map_add_each(const struct kern_map_add_args *p, size_t i)
{
    p->sums[i] += p->factor * (double)p->in[i];
}

KERN_BODY void map_round_each(const struct kern_map_round_args *p, size_t i)
{
    p->out[i] = (float)(p->sums[i] / p->divisor);
}

/* Channel 0 of pixel i. */
KERN_BODY size_t map_pixel(size_t i, size_t pixels, uint32_t channels)
{
    return i / pixels * channels * pixels + i % pixels;
}

KERN_BODY void map_largest_each(const struct kern_map_largest_args *p, size_t i)
{
    const float *pixel = p->in + map_pixel(i, p->pixels, p->channels);
    float        largest = 0.0f;

    for (uint32_t c = 0; c < p->channels; c++)
        if (!(fabsf(pixel[c * p->pixels]) <= largest)) /* a NaN gets in */
            largest = fabsf(pixel[c * p->pixels]);
    p->maps[i] = largest;
}

KERN_BODY void map_sum_each(const struct kern_map_sum_args *p, size_t i)
{
    size_t first = map_pixel(i, p->pixels, p->channels);
    double sum = 0.0;

    for (uint32_t c = 0; c < p->channels; c++) {
        size_t at = first + c * p->pixels;

        sum += p->by ? (double)p->in[at] * (double)p->by[at] : (double)p->in[at];
    }
    p->maps[i] = (float)sum;
}

KERN_BODY void map_replace_each(const struct kern_map_replace_args *p, size_t i)
{
    size_t   image = p->channels * p->pixels;
    uint64_t variant = p->first + i / image, own = variant / p->steps, step = variant % p->steps;
    uint64_t replaced = step + 1 == p->steps ? p->pixels : step * p->each;

    if (p->ranks[own * p->pixels + i % p->pixels] >= replaced)
        p->out[i] = p->from[own * image + i % image];
    else
        p->out[i] = p->to ? p->to[own * image + i % image] : 0.0f;
}

KERN_BODY int map_hidden(uint32_t at, uint32_t window, const struct kern_map_hide_args *p)
{
    return at >= window * p->stride && at < window * p->stride + p->patch;
}

KERN_BODY void map_hide_each(const struct kern_map_hide_args *p, size_t i)
{
    size_t   pixels = (size_t)p->height * p->width, image = p->channels * pixels;
    uint64_t variant = p->first + i / image;
    uint32_t window = (uint32_t)(variant % p->windows), pixel = (uint32_t)(i % pixels);
    int      hidden = map_hidden(pixel / p->width, window / p->columns, p) &&
                 map_hidden(pixel % p->width, window % p->columns, p);

    p->out[i] = hidden ? 0.0f : p->in[variant / p->windows * image + i % image];
}

KERN_BODY void map_mask_each(const struct kern_map_mask_args *p, size_t i)
{
    size_t   image = p->channels * p->pixels;
    uint64_t variant = p->first + i / image;
    size_t   mask = (size_t)(variant / p->images - p->first / p->images);

    p->out[i] =
        p->in[variant % p->images * image + i % image] * p->masks[mask * p->pixels + i % p->pixels];
}

/* The image's variants are every images-th. */
KERN_BODY void map_weigh_each(const struct kern_map_weigh_args *p, size_t i)
{
    size_t   image = i / p->pixels;
    uint32_t target = p->targets[image];
    uint32_t variant = (uint32_t)((image + p->images - p->first % p->images) % p->images);
    double   sum = p->sums[i];

    for (; variant < p->variants; variant += p->images) {
        size_t mask = (size_t)((p->first + variant) / p->images - p->first / p->images);

        sum += (double)p->logits[(size_t)variant * p->classes + target] *
               (double)p->masks[mask * p->pixels + i % p->pixels];
    }
    p->sums[i] = sum;
}

/* plus_plus needs the sum of the values before that of the weights: each lane makes it for itself. */
KERN_BODY struct kern_part map_cam_weight_lane(const struct kern_map_cam_weight_args *p,
                                               size_t block, unsigned lane)
{
    const float     *values = p->values + block * p->points;
    const float     *gradients = p->gradients + block * p->points;
    struct kern_part sum = {0.0, 0.0, 0.0};
    double           total = 0.0;

    for (uint32_t k = 0; p->plus_plus && k < p->points; k++)
        total += (double)values[k];
    for (uint32_t k = lane; k < p->points; k += KERN_BLOCK_LANES) {
        double g = (double)gradients[k];

        if (!p->plus_plus)
            sum.a += g;
        else if (g > 0.0)
            sum.a += g * g / (2.0 * g * g + total * g * g * g + 1e-6) * g;
    }
    return sum;
}

KERN_BODY void map_cam_weight_end(const struct kern_map_cam_weight_args *p, size_t block,
                                  const struct kern_part *sum)
{
    p->weights[block] = p->plus_plus ? sum->a : sum->a / (double)p->points;
}

KERN_BODY void map_cam_each(const struct kern_map_cam_args *p, size_t i)
{
    size_t image = i / p->points;
    double sum = 0.0;

    for (uint32_t c = 0; c < p->channels; c++) {
        size_t channel = image * p->channels + c;

        sum += p->weights[channel] * (double)p->values[channel * p->points + i % p->points];
    }
    p->out[i] = sum < 0.0 ? 0.0f : (float)sum; /* a NaN stays one */
}

#endif
