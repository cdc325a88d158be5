/* batch_cases.h - awkward batches and a plain reference, for every backend. */
#ifndef MX_TEST_BATCH_CASES_H
#define MX_TEST_BATCH_CASES_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/kern.h"

struct batch_case {
    uint32_t n, channels, height, width, images;
};

/* Odd, one wide, one high, a width of lanes and one more, not square; sides
 * with 2, 3 and 4 as common divisors, for blocks that move. */
static const struct batch_case batch_cases[] = {
    {1, 1, 1, 1, 1},   {2, 1, 1, 7, 3},   {3, 2, 9, 1, 3},  {5, 3, 5, 3, 4},
    {4, 1, 28, 28, 6}, {2, 3, 17, 32, 2}, {2, 4, 6, 33, 5}, {3, 3, 3, 64, 3},
    {1, 2, 31, 65, 2}, {7, 3, 32, 32, 9}, {0, 3, 8, 8, 1},  {6, 2, 12, 20, 4},
};

enum {
    BATCH_CASES = sizeof batch_cases / sizeof batch_cases[0],
    BATCH_PLANES = 3, /* masks, and as many tables of moves */
    BATCH_GUARD = 16  /* words before and behind the output */
};

/* One case's memory on the host. */
struct batch_host {
    size_t                    pixel_bytes, mask_bytes, values; /* values: floats of the output */
    uint8_t                  *pixels, *masks;
    uint16_t                 *moves; /* (BATCH_PLANES, KERN_MOVES) */
    float                    *table;
    double                   *lines;   /* of table, of even channels */
    float                    *parts;   /* the same, of channels 0, 4, 8, ... */
    float                    *history; /* (values); in every second case, else NULL */
    struct kern_batch_sample *samples;
    float                    *out; /* BATCH_GUARD, values, BATCH_GUARD */
};

static inline struct kern_batch_args batch_host_args(const struct batch_case *c,
                                                     const struct batch_host *host)
{
    return (struct kern_batch_args){.n = c->n,
                                    .channels = c->channels,
                                    .height = c->height,
                                    .width = c->width,
                                    .pixels = host->pixels,
                                    .table = host->table,
                                    .lines = host->lines,
                                    .parts = host->parts,
                                    .samples = host->samples,
                                    .out = host->out + BATCH_GUARD,
                                    .masks = host->masks,
                                    .moves = host->moves,
                                    .history = host->history};
}

static inline void batch_host_free(struct batch_host *host)
{
    free(host->masks);
    free(host->moves);
    free(host->history);
    free(host->pixels);
    free(host->table);
    free(host->lines);
    free(host->parts);
    free(host->samples);
    free(host->out);
}

static inline uint32_t batch_divisor(const struct batch_case *c, struct mx_rng *rng)
{
    uint32_t blocks = 1 + (uint32_t)mx_rng_below(rng, KERN_MAX_BLOCKS);

    while (c->height % blocks || c->width % blocks)
        blocks--;
    return blocks;
}

/* A patch that covers the box, so that its box is a part of it. */
static inline void batch_host_patch(struct kern_batch_sample *sample, struct mx_rng *rng)
{
    uint32_t over = (uint32_t)mx_rng_below(rng, 4);

    sample->patch_y = (int32_t)(sample->y0) - (int32_t)over;
    sample->patch_x = (int32_t)(sample->x0) - 1;
    sample->patch_height = sample->y1 - sample->y0 + over + (uint32_t)mx_rng_below(rng, 3);
    sample->patch_width = sample->x1 - sample->x0 + 1 + (uint32_t)mx_rng_below(rng, 3);
    sample->outside[0] = 1; /* the patch ends where the box does */
    sample->outside[1] = 0;
}

static inline void batch_host_sample(struct kern_batch_sample *sample, const struct batch_case *c,
                                     struct mx_rng *rng)
{
    static const float weights[][2] = {{1, 0}, {0, 1}, {0, 0}, {0.3f, 0.7f}, {0.625f, 0.375f}};

    sample->image = (uint32_t)mx_rng_below(rng, c->images);
    sample->shift_y = (int32_t)mx_rng_below(rng, 9) - 4;
    sample->shift_x = (int32_t)mx_rng_below(rng, 9) - 4;
    sample->flip = (uint32_t)mx_rng_below(rng, 2);
    sample->partner = (uint32_t)mx_rng_below(rng, c->n);
    sample->y0 = (uint32_t)mx_rng_below(rng, c->height + 1);
    sample->x0 = (uint32_t)mx_rng_below(rng, c->width + 1);
    sample->y1 = sample->y0 + (uint32_t)mx_rng_below(rng, c->height - sample->y0 + 1);
    sample->x1 = sample->x0 + (uint32_t)mx_rng_below(rng, c->width - sample->x0 + 1);
    memcpy(sample->outside, weights[mx_rng_below(rng, 5)], sizeof sample->outside);
    memcpy(sample->inside, weights[mx_rng_below(rng, 5)], sizeof sample->inside);
    switch (mx_rng_below(rng, 4)) {
    case 0:
        batch_host_patch(sample, rng);
        break;
    case 1:
        sample->moves = 1 + (uint32_t)mx_rng_below(rng, BATCH_PLANES);
        sample->blocks = batch_divisor(c, rng);
        sample->mask = 1 + (uint32_t)mx_rng_below(rng, BATCH_PLANES);
        break;
    case 2:
        sample->mask = 1 + (uint32_t)mx_rng_below(rng, BATCH_PLANES);
        break;
    default: /* a box alone */
        break;
    }
}

/* Any block may be seen in any place, several times too; for 1 block a side
 * only block 0, for 2 only the first four, ... */
static inline void batch_host_fill(struct batch_host *host, uint32_t images, struct mx_rng *rng)
{
    for (size_t k = 0; k < host->mask_bytes; k++)
        host->masks[k] = (uint8_t)mx_rng_below(rng, 3);
    for (size_t k = 0; k < (size_t)BATCH_PLANES * KERN_MOVES; k++)
        host->moves[k] = (uint16_t)mx_rng_below(rng, 1 + k % (KERN_MOVES / 2));
    for (size_t k = 0; k < host->values; k++)
        host->history[k] = (float)mx_rng_normal(rng);
    if (images % 2 == 0) {
        free(host->history);
        host->history = NULL;
    }
}

/* The tables of batch_host_make() once more; of odd channels none is said to be a line. */
static inline void batch_host_lines(struct batch_host *host, uint32_t channels)
{
    for (uint32_t c = 0; c < channels; c += 2) {
        host->lines[2 * c] = 1 / (255.0 * (0.2 + 0.1 * c));
        host->lines[2 * c + 1] = -0.4 / (0.2 + 0.1 * c);
        for (int byte = 0; byte < 256; byte++)
            if ((float)(byte * host->lines[2 * c] + host->lines[2 * c + 1]) !=
                host->table[c * 256 + (uint32_t)byte])
                abort();
    }
}

/* A scale of 16 bits and what is left of it, offsets likewise: worker/batch.c says why. */
static inline void batch_host_parts(struct batch_host *host, uint32_t channels)
{
    for (uint32_t c = 0; c < channels; c += 4) {
        const double *line = host->lines + 2 * (size_t)c;
        float        *parts = host->parts + 4 * (size_t)c;
        int           exponent;

        frexp(line[0], &exponent);
        for (int k = 0; k < 2; k++) {
            const double unit = ldexp(1, exponent - 16);

            parts[k] = (float)(rint(line[k] / unit) * unit);
            parts[2 + k] = (float)(line[k] - (double)parts[k]);
        }
        for (int byte = 0; byte < 256; byte++)
            if (((float)byte * parts[0] + parts[1]) + ((float)byte * parts[2] + parts[3]) !=
                host->table[c * 256 + (uint32_t)byte])
                abort();
    }
}

static inline struct batch_host batch_host_make(const struct batch_case *c, uint32_t seed)
{
    struct mx_rng     rng = mx_rng_at(mx_stream_make(seed, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct batch_host host = {0};
    size_t            image = (size_t)c->channels * c->height * c->width;

    host.pixel_bytes = c->images * image;
    host.values = c->n * image;
    host.pixels = malloc(host.pixel_bytes);
    host.table = malloc(c->channels * 256 * sizeof(float));
    host.lines = calloc(c->channels, 2 * sizeof *host.lines);
    host.parts = calloc(c->channels, 4 * sizeof *host.parts);
    host.samples = calloc(c->n + 1, sizeof *host.samples);
    host.out = malloc((host.values + 2 * BATCH_GUARD) * sizeof(float));
    host.mask_bytes = (size_t)BATCH_PLANES * c->height * c->width;
    host.masks = malloc(host.mask_bytes);
    host.moves = malloc((size_t)BATCH_PLANES * KERN_MOVES * sizeof *host.moves);
    host.history = malloc((host.values + 1) * sizeof(float));
    if (!host.pixels || !host.table || !host.lines || !host.parts || !host.samples || !host.out ||
        !host.masks || !host.moves || !host.history)
        abort();
    for (size_t k = 0; k < host.pixel_bytes; k++)
        host.pixels[k] = (uint8_t)mx_rng_u32(&rng);
    for (size_t k = 0; k < c->channels * 256; k++)
        host.table[k] =
            (float)(((double)(k % 256) / 255.0 - 0.4) / (0.2 + 0.1 * (double)(k / 256)));
    batch_host_lines(&host, c->channels);
    batch_host_parts(&host, c->channels);
    for (uint32_t i = 0; i < c->n; i++)
        batch_host_sample(&host.samples[i], c, &rng);
    batch_host_fill(&host, c->images, &rng);
    for (size_t k = 0; k < host.values + 2 * BATCH_GUARD; k++)
        host.out[k] = -12345.0f;
    return host;
}

/* A pixel of the source image padded by zeros: pad, crop, then flip, by the book. */
static inline double batch_reference_look(const struct batch_case *c, const struct batch_host *host,
                                          const struct kern_batch_sample *sample, uint32_t channel,
                                          uint32_t y, uint32_t x)
{
    uint32_t cropped = sample->flip ? c->width - 1 - x : x;
    int64_t  row = (int64_t)y + sample->shift_y, column = (int64_t)cropped + sample->shift_x;
    bool     stored = row >= 0 && row < c->height && column >= 0 && column < c->width;
    size_t   plane = (size_t)sample->image * c->channels + channel;
    uint8_t  byte = 0;

    if (stored)
        byte = host->pixels[(plane * c->height + (size_t)row) * c->width + (size_t)column];
    return (double)host->table[channel * 256 + byte];
}

/* Pixel (y, x) of the second image of sample i at its full size. */
static inline double batch_reference_second(const struct batch_case *c,
                                            const struct batch_host *host, uint32_t i,
                                            uint32_t channel, uint32_t y, uint32_t x)
{
    uint32_t partner = host->samples[i].partner;
    size_t   plane = (size_t)partner * c->channels + channel;

    if (host->history)
        return (double)host->history[(plane * c->height + y) * c->width + x];
    return batch_reference_look(c, host, &host->samples[partner], channel, y, x);
}

static inline double batch_reference_triangle(uint32_t from, uint32_t to, int64_t at, uint32_t tap)
{
    double scale = (double)from / to, support = scale > 1 ? scale : 1;

    return fmax(0, 1 - fabs((tap + 0.5 - ((double)at + 0.5) * scale) / support));
}

/* Every pixel of the second image, weighed by the product of two triangles. */
static inline double batch_reference_shrunk(const struct batch_case *c,
                                            const struct batch_host *host, uint32_t i,
                                            uint32_t channel, uint32_t y, uint32_t x)
{
    const struct kern_batch_sample *own = &host->samples[i];
    double                          sum = 0, weights = 0;

    for (uint32_t v = 0; v < c->height; v++)
        for (uint32_t u = 0; u < c->width; u++) {
            double weight =
                batch_reference_triangle(c->height, own->patch_height, (int64_t)y - own->patch_y,
                                         v) *
                batch_reference_triangle(c->width, own->patch_width, (int64_t)x - own->patch_x, u);

            sum += weight * batch_reference_second(c, host, i, channel, v, u);
            weights += weight;
        }
    return sum / weights;
}

/* Where an image is looked at after its blocks moved. */
static inline void batch_reference_move(const struct batch_case *c, const struct batch_host *host,
                                        const struct kern_batch_sample *sample, int second,
                                        uint32_t *y, uint32_t *x)
{
    uint32_t        high = c->height / sample->blocks, wide = c->width / sample->blocks;
    const uint16_t *moves = host->moves + (sample->moves - 1) * (size_t)KERN_MOVES +
                            (second ? (size_t)KERN_MOVES / 2 : 0);
    uint32_t from = moves[*y / high * sample->blocks + *x / wide];

    *y = from / sample->blocks * high + *y % high;
    *x = from % sample->blocks * wide + *x % wide;
}

static inline double batch_reference(const struct batch_case *c, const struct batch_host *host,
                                     uint32_t i, uint32_t channel, uint32_t y, uint32_t x)
{
    const struct kern_batch_sample *own = &host->samples[i], *other = &host->samples[own->partner];
    bool                            in = y >= own->y0 && y < own->y1 && x >= own->x0 && x < own->x1;
    double weight[2] = {in ? (double)own->inside[0] : (double)own->outside[0],
                        in ? (double)own->inside[1] : (double)own->outside[1]};
    double   first, second = 0;
    uint32_t y_a = y, x_a = x, y_b = y, x_b = x;

    if (own->mask) {
        size_t plane = (size_t)(own->mask - 1) * c->height;

        weight[0] = host->masks[(plane + y) * c->width + x] / 2.0;
        weight[1] = 1 - weight[0];
    }
    if (own->moves) {
        batch_reference_move(c, host, own, 0, &y_a, &x_a);
        batch_reference_move(c, host, own, 1, &y_b, &x_b);
    }
    first = batch_reference_look(c, host, own, channel, y_a, x_a);
    if (own->patch_height && weight[1] != 0)
        second = batch_reference_shrunk(c, host, i, channel, y, x);
    else if (own->moves)
        second = batch_reference_look(c, host, other, channel, y_b, x_b);
    else if (weight[1] != 0)
        second = batch_reference_second(c, host, i, channel, y, x);
    return weight[0] * first + weight[1] * second;
}

/* True if the output equals the reference to rounding and its guards are whole. */
static inline bool batch_host_right(const struct batch_case *c, const struct batch_host *host)
{
    const float *out = host->out + BATCH_GUARD;

    for (uint32_t i = 0; i < c->n; i++)
        for (uint32_t k = 0; k < c->channels; k++)
            for (uint32_t y = 0; y < c->height; y++)
                for (uint32_t x = 0; x < c->width; x++, out++)
                    if (!(fabs((double)*out - batch_reference(c, host, i, k, y, x)) <= 2e-6)) {
                        fprintf(stderr, "image %u channel %u (%u, %u): %g\n", i, k, y, x,
                                (double)*out);
                        return false;
                    }
    for (int k = 0; k < BATCH_GUARD; k++)
        if (host->out[k] != -12345.0f || out[k] != -12345.0f) {
            fprintf(stderr, "guard word %d was written\n", k);
            return false;
        }
    return true;
}

#endif
