/* mask_args.h - what the kernels that make masks from noise take (fmix).
 *
 * Noise is damped into a spectrum, an inverse Fourier transform makes a grey image of it, and the
 * lightest pixels of that are the mask's. Which they are is found digit by digit: a number's bits,
 * turned so that they order like the number, have 16 digits of 2 bits; each launch of mask_digit
 * settles one of the threshold's. As kernels/kernel_args.h has it otherwise.
 */
#ifndef MX_KERN_MASK_ARGS_H
#define MX_KERN_MASK_ARGS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// clang-format off
#define KERN_MASK_KERNELS(EACH, BLOCK)                                                             \
    EACH(mask_noise) BLOCK(mask_digit) BLOCK(mask_rank) EACH(mask_cut)
// clang-format on

enum {
    KERN_MASK_DIGIT = 2, /* bits */
    KERN_MASK_BITS = 32
};

/* How one mask is made: noise is the generator's normal numbers at a place (base/rng.h), number 2 k
 * and 2 k + 1 the real and imaginary part of frequency k, row by row. */
struct kern_mask_recipe {
    uint32_t key[2], counter[4];
    uint32_t count;  /* the lightest pixels, that weigh 2; of equal ones the first */
    uint32_t turned; /* 1: the others weigh 2 instead */
};

/* What is known of a grey image. */
struct kern_mask_state {
    uint32_t threshold; /* the bits of the darkest pixel taken */
    uint32_t above;     /* pixels that are lighter */
    uint32_t ties;      /* and as light */
    uint32_t unused;
};

struct kern_mask_noise_args {
    size_t                         n; /* masks, times columns, times height */
    const struct kern_mask_recipe *recipes;
    const float                   *damping;       /* (height, columns) */
    float                         *spectrum;      /* (masks, height, columns, 2) */
    uint32_t                       height, width; /* columns: width / 2 + 1 */
};

struct kern_mask_digit_args {
    size_t                         blocks, pixels; /* a block a mask */
    const float                   *grey;           /* (masks, pixels) */
    const struct kern_mask_recipe *recipes;
    struct kern_mask_state        *states;
    uint32_t                       shift; /* of the digit; 30 first, 0 last */
    uint32_t                       unused;
};

struct kern_mask_rank_args {
    size_t                  blocks, pixels;
    const float            *grey;
    struct kern_mask_state *states;
};

struct kern_mask_cut_args {
    size_t                         n, pixels; /* n: masks, times pixels */
    const float                   *grey;
    const struct kern_mask_recipe *recipes;
    const struct kern_mask_state  *states;
    uint8_t                       *masks; /* (masks, pixels): 0 or 2 */
};

#ifdef __cplusplus
}
#endif

#endif
