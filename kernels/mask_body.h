/* mask_body.h - masks from noise: the bodies of kernels/mask_args.h.
 *
 * The noise is that of mx_rng_normal(), as far as a device's logarithm and cosine agree with the
 * host's. What comes after the grey image is exact.
 */
#ifndef MX_KERN_MASK_BODY_H
#define MX_KERN_MASK_BODY_H

#include <math.h>
#include <string.h>

#include "base/philox.h"
#include "kernels/kernel_args.h"
#include "kernels/mask_args.h"
#include "kernels/port.h"

KERN_BODY double mask_uniform(uint32_t first, uint32_t second)
{
    uint64_t high = first, low = second;

    return (double)((high << 21) ^ (low >> 11)) * (1.0 / 9007199254740992.0);
}

/* Normal number k of the place: its block is block k of the generator. */
KERN_BODY float mask_normal(const struct kern_mask_recipe *recipe, uint32_t k)
{
    uint32_t counter[4], block[4];
    double   u, v;

    counter[0] = recipe->counter[0] + k;
    counter[1] = recipe->counter[1];
    counter[2] = recipe->counter[2];
    counter[3] = recipe->counter[3];
    mx_philox(counter, recipe->key, block);
    u = 1.0 - mask_uniform(block[0], block[1]);
    v = mask_uniform(block[2], block[3]);
    return (float)(sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v));
}

/* Of a column that is its own mirror image only the half counts that makes real images: it is
 * the mean of a frequency and the conjugate of its mirror image. */
KERN_BODY void mask_noise_each(const struct kern_mask_noise_args *p, size_t i)
{
    uint32_t                       columns = p->width / 2 + 1;
    size_t                         k = i % ((size_t)p->height * columns);
    uint32_t                       v = (uint32_t)(k / columns), u = (uint32_t)(k % columns);
    size_t                         mirror = (size_t)(v > 0 ? p->height - v : 0) * columns + u;
    const struct kern_mask_recipe *recipe = p->recipes + i / ((size_t)p->height * columns);
    float                          real = p->damping[k] * mask_normal(recipe, (uint32_t)(2 * k));
    float imaginary = p->damping[k] * mask_normal(recipe, (uint32_t)(2 * k + 1));

    if (u == 0 || 2 * u == p->width) {
        real = 0.5f * (real + p->damping[mirror] * mask_normal(recipe, (uint32_t)(2 * mirror)));
        imaginary = 0.5f * (imaginary -
                            p->damping[mirror] * mask_normal(recipe, (uint32_t)(2 * mirror + 1)));
    }
    p->spectrum[2 * i] = real;
    p->spectrum[2 * i + 1] = imaginary;
}

/* Bits that order like the number; both zeros are one. */
KERN_BODY uint32_t mask_order(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    if (bits == 0x80000000u)
        bits = 0;
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

KERN_BODY struct kern_part mask_digit_lane(const struct kern_mask_digit_args *p, size_t block,
                                           unsigned lane)
{
    const float *grey = p->grey + block * p->pixels;
    uint32_t     step = 1u << p->shift;
    uint32_t low = p->shift == KERN_MASK_BITS - KERN_MASK_DIGIT ? 0 : p->states[block].threshold;
    struct kern_part part;

    part.a = part.b = part.c = 0.0;
    for (size_t k = lane; k < p->pixels; k += KERN_BLOCK_LANES) {
        uint32_t bits = mask_order(grey[k]);

        part.a += bits >= low + step ? 1.0 : 0.0;
        part.b += bits >= low + 2 * step ? 1.0 : 0.0;
        part.c += bits >= low + 3 * step ? 1.0 : 0.0;
    }
    return part;
}

/* The largest digit that still leaves enough pixels. */
KERN_BODY void mask_digit_end(const struct kern_mask_digit_args *p, size_t block,
                              const struct kern_part *part)
{
    double   count = (double)p->recipes[block].count;
    uint32_t low = p->shift == KERN_MASK_BITS - KERN_MASK_DIGIT ? 0 : p->states[block].threshold;
    uint32_t digit = part->c >= count ? 3 : part->b >= count ? 2 : part->a >= count ? 1 : 0;

    p->states[block].threshold = low + (digit << p->shift);
}

KERN_BODY struct kern_part mask_rank_lane(const struct kern_mask_rank_args *p, size_t block,
                                          unsigned lane)
{
    const float     *grey = p->grey + block * p->pixels;
    uint32_t         threshold = p->states[block].threshold;
    struct kern_part part;

    part.a = part.b = part.c = 0.0;
    for (size_t k = lane; k < p->pixels; k += KERN_BLOCK_LANES) {
        uint32_t bits = mask_order(grey[k]);

        part.a += bits > threshold ? 1.0 : 0.0;
        part.b += bits == threshold ? 1.0 : 0.0;
    }
    return part;
}

KERN_BODY void mask_rank_end(const struct kern_mask_rank_args *p, size_t block,
                             const struct kern_part *part)
{
    p->states[block].above = (uint32_t)part->a;
    p->states[block].ties = (uint32_t)part->b;
}

/* Pixels before this one are only counted where equal ones are not all taken: hardly ever. */
KERN_BODY void mask_cut_each(const struct kern_mask_cut_args *p, size_t i)
{
    size_t                         mask = i / p->pixels;
    const struct kern_mask_recipe *recipe = p->recipes + mask;
    const struct kern_mask_state  *state = p->states + mask;
    uint32_t                       bits = mask_order(p->grey[i]), before = state->above;
    int                            taken = bits > state->threshold;

    if (bits == state->threshold) {
        if (state->above + state->ties > recipe->count)
            for (size_t k = mask * p->pixels; k < i; k++)
                before += mask_order(p->grey[k]) == state->threshold;
        taken = before < recipe->count;
    }
    p->masks[i] = (uint8_t)(taken == (recipe->turned == 0) ? 2 : 0);
}

#endif
