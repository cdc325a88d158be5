/* winograd_parts.h - what winograd*.c share.
 *
 * A tile is 6x6 inputs, of which the inner 4x4 are the places of its outputs; tiles are
 * numbered row by row, image by image, and what they have outside of an image is 0.
 * Transformed, each has 36 places, and channels lie in panels of 16: (place, channels / 16,
 * tile of the block, 16), with what winograd_step() says from one place to the next. A block
 * of tiles is in work at a time.
 *
 * The points of the transforms are 0, a, -a, b, -b and infinity, with a = 5/8 and b = 3/2: of
 * those whose polynomials have exact coefficients in single precision, among the best; with
 * the usual 1 and 2, errors are twice as large.
 */
#ifndef KERN_WINOGRAD_PARTS_H
#define KERN_WINOGRAD_PARTS_H

#include "kernels/wide.h"
#include "kernels/winograd.h"

enum {
    WINOGRAD_OUTPUTS = 4, /* of a tile, a side */
    WINOGRAD_SIDE = 6,
    WINOGRAD_PLACES = WINOGRAD_SIDE * WINOGRAD_SIDE,
    WINOGRAD_LANES = 8,
    WINOGRAD_PANEL = 16, /* channels */
    WINOGRAD_ROWS = 6,   /* of products in registers, by one panel */
    WINOGRAD_RUN = 8,    /* tiles, at most */
    WINOGRAD_BLOCK = 48  /* tiles */
};

#define WINOGRAD_A  0.625f
#define WINOGRAD_B  1.5f
#define WINOGRAD_A2 (WINOGRAD_A * WINOGRAD_A)
#define WINOGRAD_B2 (WINOGRAD_B * WINOGRAD_B)

/* What G divides by, at each point: the product of its distances from the others. */
#define WINOGRAD_OF_0 (1 / (WINOGRAD_A2 * WINOGRAD_B2))
#define WINOGRAD_OF_A (1 / (2 * WINOGRAD_A2 * (WINOGRAD_A2 - WINOGRAD_B2)))
#define WINOGRAD_OF_B (1 / (2 * WINOGRAD_B2 * (WINOGRAD_B2 - WINOGRAD_A2)))

#define WINOGRAD_WIDE __attribute__((target("avx2,fma")))

/* Floats from a place to the next: not a power of two, of which caches hold few. */
static inline size_t winograd_step(size_t channels)
{
    return (size_t)WINOGRAD_BLOCK * channels + WINOGRAD_PANEL;
}

/* Of a matrix (in, out) a place. */
static inline size_t winograd_matrix_step(const struct kern_winograd *shape)
{
    return (size_t)shape->in * shape->out + WINOGRAD_PANEL;
}

static inline size_t winograd_across(size_t side)
{
    return (side + WINOGRAD_OUTPUTS - 1) / WINOGRAD_OUTPUTS;
}

static inline size_t winograd_tile_count(const struct kern_winograd *shape)
{
    return shape->n * winograd_across(shape->height) * winograd_across(shape->width);
}

/* Images, and the tiles of them that are in work. */
struct winograd_tiles {
    const float *images; /* (n, channels / 8, height, width, 8) */
    uint32_t     channels, height, width;
    size_t       first, count;
};

/* A run of tiles, neighbours in a row of an image. */
struct winograd_run {
    size_t image, row, column; /* row, column: of the first one's outputs */
    size_t count, number;      /* number: of the first one, within the block */
};

/* Ask for what lies `floats` from a place, which need not exist. */
static inline void winograd_fetch(const float *place, size_t floats)
{
    __builtin_prefetch((const void *)((uintptr_t)place + floats * sizeof(float)), 1);
}

/* The first run, and the one after it; false: there are no more. */
struct winograd_run winograd_run_first(const struct winograd_tiles *tiles);
bool                winograd_run_next(const struct winograd_tiles *tiles, struct winograd_run *run);

/* How many rows below the first outputs of a run those of the tiles below it lie, or of the
 * next image's first ones: what is wanted soon, and caches do not foresee. */
static inline size_t winograd_rows_on(const struct winograd_run *run, size_t height,
                                      size_t channels)
{
    if (run->row + WINOGRAD_OUTPUTS < height)
        return WINOGRAD_OUTPUTS;
    return height * (channels / WINOGRAD_LANES) - run->row;
}

/* Where 8 channels of a run's image begin; where those of its first tile go. */
static inline const float *winograd_plane(const struct winograd_tiles *tiles,
                                          const struct winograd_run *run, uint32_t channel)
{
    return tiles->images + (run->image * tiles->channels + channel) * tiles->height * tiles->width;
}

static inline float *winograd_panel(const struct winograd_run *run, uint32_t channel, float *to)
{
    return to +
           ((size_t)(channel / WINOGRAD_PANEL) * WINOGRAD_BLOCK + run->number) * WINOGRAD_PANEL +
           channel % WINOGRAD_PANEL;
}

/* The inputs of tiles: B' d B. */
void kern_winograd_place_inputs(const struct winograd_tiles *tiles, float *to);

/* The gradients of their outputs: A dy A'. */
void kern_winograd_place_gradients(const struct winograd_tiles *tiles, float *to);

#endif
