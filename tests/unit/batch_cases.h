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

/* Odd, one wide, one high, a width of lanes and one more, not square. */
static const struct batch_case batch_cases[] = {
    {1, 1, 1, 1, 1},   {2, 1, 1, 7, 3},   {3, 2, 9, 1, 3},  {5, 3, 5, 3, 4},
    {4, 1, 28, 28, 6}, {2, 3, 17, 32, 2}, {2, 4, 6, 33, 5}, {3, 3, 3, 64, 3},
    {1, 2, 31, 65, 2}, {7, 3, 32, 32, 9}, {0, 3, 8, 8, 1},
};

enum {
    BATCH_CASES = sizeof batch_cases / sizeof batch_cases[0],
    BATCH_GUARD = 16 /* words before and behind the output */
};

/* One case's memory on the host. */
struct batch_host {
    size_t                    pixel_bytes, values; /* values: floats of the output */
    uint8_t                  *pixels;
    float                    *table;
    struct kern_batch_sample *samples;
    float                    *out; /* BATCH_GUARD, values, BATCH_GUARD */
};

static inline void batch_host_free(struct batch_host *host)
{
    free(host->pixels);
    free(host->table);
    free(host->samples);
    free(host->out);
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
    host.samples = calloc(c->n + 1, sizeof *host.samples);
    host.out = malloc((host.values + 2 * BATCH_GUARD) * sizeof(float));
    if (!host.pixels || !host.table || !host.samples || !host.out)
        abort();
    for (size_t k = 0; k < host.pixel_bytes; k++)
        host.pixels[k] = (uint8_t)mx_rng_u32(&rng);
    for (size_t k = 0; k < c->channels * 256; k++)
        host.table[k] =
            (float)(((double)(k % 256) / 255.0 - 0.4) / (0.2 + 0.1 * (double)(k / 256)));
    for (uint32_t i = 0; i < c->n; i++)
        batch_host_sample(&host.samples[i], c, &rng);
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

static inline double batch_reference(const struct batch_case *c, const struct batch_host *host,
                                     uint32_t i, uint32_t channel, uint32_t y, uint32_t x)
{
    const struct kern_batch_sample *own = &host->samples[i], *other = &host->samples[own->partner];
    bool                            in = y >= own->y0 && y < own->y1 && x >= own->x0 && x < own->x1;
    const float                    *weight = in ? own->inside : own->outside;

    return (double)weight[0] * batch_reference_look(c, host, own, channel, y, x) +
           (double)weight[1] * batch_reference_look(c, host, other, channel, y, x);
}

/* True if the output equals the reference to rounding and its guards are whole. */
static inline bool batch_host_right(const struct batch_case *c, const struct batch_host *host)
{
    const float *out = host->out + BATCH_GUARD;

    for (uint32_t i = 0; i < c->n; i++)
        for (uint32_t k = 0; k < c->channels; k++)
            for (uint32_t y = 0; y < c->height; y++)
                for (uint32_t x = 0; x < c->width; x++, out++)
                    if (!(fabs((double)*out - batch_reference(c, host, i, k, y, x)) <= 1e-6)) {
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
