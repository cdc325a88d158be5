/* The lightest pixels of a grey image, as the kernels of kernels/mask_args.h find them. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "kernels/lanes.h"
#include "kernels/mask_body.h"
#include "kernels/network_body.h"

enum {
    MASKS = 3,
    PIXELS = 300 /* more than lanes of a block */
};

static struct kern_part folded(struct kern_part *parts, unsigned flip)
{
    for (unsigned half = KERN_BLOCK_LANES / 2; half > 0; half /= 2)
        KERN_EACH_LANE (flip, lane, KERN_BLOCK_LANES)
            kern_part_fold(parts, lane, half);
    return parts[0];
}

static void cut(const float *grey, const struct kern_mask_recipe *recipes, unsigned flip,
                uint8_t *masks)
{
    struct kern_mask_state      states[MASKS] = {{0}};
    struct kern_part            parts[KERN_BLOCK_LANES], part;
    struct kern_mask_digit_args digit = {
        .blocks = MASKS, .pixels = PIXELS, .grey = grey, .recipes = recipes, .states = states};
    struct kern_mask_rank_args rank = {
        .blocks = MASKS, .pixels = PIXELS, .grey = grey, .states = states};
    struct kern_mask_cut_args last = {.n = (size_t)MASKS * PIXELS,
                                      .pixels = PIXELS,
                                      .grey = grey,
                                      .recipes = recipes,
                                      .states = states,
                                      .masks = masks};

    for (size_t block = 0; block < MASKS; block++) {
        for (digit.shift = KERN_MASK_BITS; digit.shift > 0;) {
            digit.shift -= KERN_MASK_DIGIT;
            KERN_EACH_LANE (flip, lane, KERN_BLOCK_LANES)
                parts[lane] = mask_digit_lane(&digit, block, lane);
            part = folded(parts, flip);
            mask_digit_end(&digit, block, &part);
        }
        KERN_EACH_LANE (flip, lane, KERN_BLOCK_LANES)
            parts[lane] = mask_rank_lane(&rank, block, lane);
        part = folded(parts, flip);
        mask_rank_end(&rank, block, &part);
    }
    for (size_t i = 0; i < last.n; i++)
        mask_cut_each(&last, i);
}

/* Pixels that come before this one: lighter, or as light and earlier. */
static uint32_t place_of(const float *grey, size_t pixel)
{
    uint32_t before = 0;

    for (size_t k = 0; k < PIXELS; k++)
        before += grey[k] > grey[pixel] || (grey[k] == grey[pixel] && k < pixel);
    return before;
}

static void check(const float *grey, const struct kern_mask_recipe *recipes)
{
    uint8_t masks[MASKS * PIXELS];

    for (unsigned flip = 0; flip < 6; flip += 5) {
        cut(grey, recipes, flip, masks);
        for (size_t m = 0; m < MASKS; m++)
            for (size_t k = 0; k < PIXELS; k++) {
                bool taken = place_of(grey + m * PIXELS, k) < recipes[m].count;

                cr_assert_eq(masks[m * PIXELS + k], taken == !recipes[m].turned ? 2 : 0,
                             "mask %zu, pixel %zu of the %u lightest", m, k, recipes[m].count);
            }
    }
}

Test(mask_body, takes_the_lightest_pixels_whatever_their_sign_and_size)
{
    static const float sizes[] = {1, 1e-41f, 1e30f};
    struct mx_rng      rng = mx_rng_at(mx_stream_make(1, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    float              grey[MASKS * PIXELS];

    for (int k = 0; k < 3; k++) {
        struct kern_mask_recipe recipes[MASKS] = {
            {.count = 7}, {.count = PIXELS / 2}, {.count = PIXELS - 1, .turned = 1}};

        for (size_t i = 0; i < (size_t)MASKS * PIXELS; i++)
            grey[i] = sizes[k] * (float)mx_rng_normal(&rng);
        check(grey, recipes);
    }
}

Test(mask_body, of_equal_pixels_takes_the_first)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(2, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    float         grey[MASKS * PIXELS];

    for (uint32_t count = 0; count <= PIXELS; count += 60) {
        struct kern_mask_recipe recipes[MASKS] = {
            {.count = count}, {.count = count, .turned = 1}, {.count = PIXELS - count}};

        for (size_t i = 0; i < (size_t)MASKS * PIXELS; i++)
            grey[i] = (float)mx_rng_below(&rng, 4) - 1;
        check(grey, recipes);
    }
}

Test(mask_body, takes_both_zeros_for_one)
{
    struct kern_mask_recipe recipes[MASKS] = {{.count = 1}, {.count = 150}, {.count = 299}};
    float                   grey[MASKS * PIXELS];

    for (size_t i = 0; i < (size_t)MASKS * PIXELS; i++)
        grey[i] = i % 3 ? -0.0f : 0.0f;
    check(grey, recipes);
}

/* Noise is the generator's, and of a column that is its own mirror image the half that counts. */
Test(mask_body, damps_the_noise_of_the_named_place)
{
    enum {
        HEIGHT = 5,
        WIDTH = 6,
        COLUMNS = WIDTH / 2 + 1
    };
    struct mx_rng           rng = mx_rng_at(mx_stream_make(3, 0, MX_PURPOSE_MIX, 0), 4, 5, 6);
    struct kern_mask_recipe recipe = {.count = 1};
    float                   damping[HEIGHT * COLUMNS], spectrum[2 * HEIGHT * COLUMNS];
    float                   noise[2 * HEIGHT * COLUMNS];
    const struct kern_mask_noise_args args = {.n = (size_t)HEIGHT * COLUMNS,
                                              .recipes = &recipe,
                                              .damping = damping,
                                              .spectrum = spectrum,
                                              .height = HEIGHT,
                                              .width = WIDTH};

    memcpy(recipe.key, rng.key, sizeof recipe.key);
    memcpy(recipe.counter, rng.counter, sizeof recipe.counter);
    for (size_t k = 0; k < (size_t)HEIGHT * COLUMNS; k++) {
        damping[k] = 1.0f / (float)(k + 1);
        noise[2 * k] = damping[k] * (float)mx_rng_normal(&rng);
        noise[2 * k + 1] = damping[k] * (float)mx_rng_normal(&rng);
    }
    for (size_t k = 0; k < (size_t)HEIGHT * COLUMNS; k++)
        mask_noise_each(&args, k);
    for (size_t v = 0; v < HEIGHT; v++)
        for (size_t u = 0; u < COLUMNS; u++) {
            size_t k = v * COLUMNS + u, mirror = (HEIGHT - v) % HEIGHT * COLUMNS + u;
            bool   own = u == 0 || u == COLUMNS - 1;
            double real = (double)noise[2 * k], imaginary = (double)noise[2 * k + 1];

            if (own) {
                real = 0.5 * (real + (double)noise[2 * mirror]);
                imaginary = 0.5 * (imaginary - (double)noise[2 * mirror + 1]);
            }
            cr_expect(fabs((double)spectrum[2 * k] - real) <= 1e-6);
            cr_expect(fabs((double)spectrum[2 * k + 1] - imaginary) <= 1e-6);
        }
}
