#include "worker/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WEIGHT_BITS = 22, /* 8 bits of a byte and one sign stand beside them in 32 */
    HALF = 1 << (WEIGHT_BITS - 1),
};

/* The source pixels of every output pixel on one axis. */
struct axis {
    uint32_t  from, to;
    uint32_t  most;   /* weights that each output pixel has room for */
    uint32_t *first;  /* (to), the first source pixel */
    uint32_t *count;  /* (to), 1 or more */
    int32_t  *weight; /* (to, most), summing to about 2^22 */
};

struct worker_resampler {
    struct axis down, along;
    double     *share; /* weights of one output pixel */
    uint8_t    *rows;  /* (height, to_width): resized along rows only */
    int32_t    *sums;  /* (to_width) */
};

/* Weights that an output pixel can have; for all of them 2 from + 4 to at most. */
static uint32_t most_taps(uint32_t from, uint32_t to)
{
    return 2 * (from / to) + 4;
}

/* One output pixel, `at`. */
static void make_taps(struct axis *axis, uint32_t at, double *share)
{
    const double scale = (double)axis->from / axis->to, support = scale > 1 ? scale : 1;
    const double centre = (at + 0.5) * scale;
    const double low = centre - support + 0.5, high = centre + support + 0.5;
    int32_t     *weight = axis->weight + (size_t)at * axis->most;
    uint32_t     first = low < 0 ? 0 : (uint32_t)low;
    uint32_t     count = (high > axis->from ? axis->from : (uint32_t)high) - first;
    double       sum = 0;

    for (uint32_t k = 0; k < count; k++) {
        double distance = fabs((first + k - centre + 0.5) * (1 / support));

        share[k] = distance < 1 ? 1 - distance : 0;
        sum += share[k];
    }
    for (uint32_t k = 0; k < count; k++)
        weight[k] = (int32_t)(0.5 + share[k] / sum * (1 << WEIGHT_BITS));
    axis->first[at] = first;
    axis->count[at] = count;
}

static void axis_aim(struct axis *axis, uint32_t from, uint32_t to, double *share)
{
    if (axis->from == from && axis->to == to)
        return;
    axis->from = from;
    axis->to = to;
    axis->most = most_taps(from, to);
    for (uint32_t at = 0; at < to; at++)
        make_taps(axis, at, share);
}

static int axis_new(struct axis *axis, uint32_t from, uint32_t to)
{
    axis->first = calloc(to, sizeof *axis->first);
    axis->count = calloc(to, sizeof *axis->count);
    axis->weight = calloc(2 * (size_t)from + 4 * (size_t)to, sizeof *axis->weight);
    return axis->first && axis->count && axis->weight ? 0 : -1;
}

static void axis_free(struct axis *axis)
{
    free(axis->first);
    free(axis->count);
    free(axis->weight);
}

struct worker_resampler *worker_resampler_new(uint32_t height, uint32_t width, uint32_t to_height,
                                              uint32_t to_width, struct mx_err *err)
{
    struct worker_resampler *resampler = calloc(1, sizeof *resampler);
    const uint32_t           longer = height > width ? height : width;

    if (!resampler)
        goto nomem;
    resampler->share = calloc(most_taps(longer, 1), sizeof *resampler->share);
    resampler->rows = calloc(height, to_width);
    resampler->sums = calloc(to_width, sizeof *resampler->sums);
    if (!resampler->share || !resampler->rows || !resampler->sums ||
        axis_new(&resampler->down, height, to_height) ||
        axis_new(&resampler->along, width, to_width))
        goto nomem;
    return resampler;

nomem:
    mx_fail(err, MX_ENOMEM, "no memory to resize %u x %u pixels", height, width);
    worker_resampler_free(resampler);
    return NULL;
}

void worker_resampler_free(struct worker_resampler *resampler)
{
    if (!resampler)
        return;
    axis_free(&resampler->down);
    axis_free(&resampler->along);
    free(resampler->share);
    free(resampler->rows);
    free(resampler->sums);
    free(resampler);
}

void worker_resampler_aim(struct worker_resampler *resampler, uint32_t height, uint32_t width,
                          uint32_t to_height, uint32_t to_width)
{
    axis_aim(&resampler->down, height, to_height, resampler->share);
    axis_aim(&resampler->along, width, to_width, resampler->share);
}

/* Weights that were rounded up can sum to a little more than 1. */
static uint8_t to_byte(int32_t sum)
{
    const int32_t level = sum >> WEIGHT_BITS;

    return level > 255 ? 255 : (uint8_t)level;
}

static void run_rows(const struct axis *along, const struct worker_window *window, uint8_t *out)
{
    const uint8_t *row = window->bytes;

    for (uint32_t y = 0; y < window->height; y++, row += window->stride)
        for (uint32_t x = 0; x < along->to; x++) {
            const uint8_t *at = row + along->first[x];
            const int32_t *weight = along->weight + (size_t)x * along->most;
            int32_t        sum = HALF;

            for (uint32_t k = 0; k < along->count[x]; k++)
                sum += weight[k] * at[k];
            *out++ = to_byte(sum);
        }
}

/* Whole rows at a time. */
static void run_columns(const struct axis *down, const uint8_t *rows, uint32_t width, int32_t *sums,
                        uint8_t *out)
{
    for (uint32_t y = 0; y < down->to; y++, out += width) {
        for (uint32_t x = 0; x < width; x++)
            sums[x] = HALF;
        for (uint32_t k = 0; k < down->count[y]; k++) {
            const uint8_t *row = rows + (size_t)(down->first[y] + k) * width;
            const int32_t  weight = down->weight[(size_t)y * down->most + k];

            for (uint32_t x = 0; x < width; x++)
                sums[x] += weight * row[x];
        }
        for (uint32_t x = 0; x < width; x++)
            out[x] = to_byte(sums[x]);
    }
}

void worker_resampler_run(struct worker_resampler *resampler, struct worker_window window,
                          uint8_t *out)
{
    run_rows(&resampler->along, &window, resampler->rows);
    run_columns(&resampler->down, resampler->rows, resampler->along.to, resampler->sums, out);
}
