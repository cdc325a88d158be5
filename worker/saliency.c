#include "worker/saliency.h"

#include <math.h>
#include <stdlib.h>

const uint32_t worker_saliency_sizes[WORKER_SALIENCY_SIZES] = {12, 24, 28, 48, 56, 112};

struct worker_saliency {
    uint32_t  height, width;
    uint8_t  *image;
    uint32_t *integral; /* (height + 1, width + 1): sum of the pixels above and to the left */
    double   *map;
};

struct worker_saliency *worker_saliency_new(uint32_t height, uint32_t width, struct mx_err *err)
{
    struct worker_saliency *saliency = calloc(1, sizeof *saliency);
    size_t                  pixels = (size_t)height * width;

    if (!saliency)
        goto nomem;
    saliency->height = height;
    saliency->width = width;
    saliency->image = malloc(pixels);
    saliency->integral = calloc(((size_t)height + 1) * (width + 1), sizeof *saliency->integral);
    saliency->map = malloc(pixels * sizeof *saliency->map);
    if (saliency->image && saliency->integral && saliency->map)
        return saliency;
nomem:
    worker_saliency_free(saliency);
    mx_fail(err, MX_ENOMEM, "no memory for the saliency of %u x %u pixels", height, width);
    return NULL;
}

void worker_saliency_free(struct worker_saliency *saliency)
{
    if (!saliency)
        return;
    free(saliency->image);
    free(saliency->integral);
    free(saliency->map);
    free(saliency);
}

uint8_t *worker_saliency_image(struct worker_saliency *saliency)
{
    return saliency->image;
}

/* The first row and column stay 0. */
static void integrate(struct worker_saliency *saliency)
{
    const size_t   stride = (size_t)saliency->width + 1;
    const uint8_t *pixel = saliency->image;
    uint32_t      *row = saliency->integral + stride;

    for (uint32_t y = 0; y < saliency->height; y++, row += stride) {
        uint32_t sum = 0;

        for (uint32_t x = 0; x < saliency->width; x++) {
            sum += *pixel++;
            row[x + 1] = (row + 1 - stride)[x] + sum;
        }
    }
}

/* Pixels [low, high) of an axis that lie within `size` of `at`. */
static void surround(uint32_t at, uint32_t size, uint32_t end, size_t *low, size_t *high)
{
    *low = at < size ? 0 : at - size;
    *high = end - at <= size ? end : at + size + 1;
}

/* |I - mean of the surround| times its count is a whole number, so that equal
 * differences are equal bits, wherever they lie. */
static double difference(const struct worker_saliency *saliency, uint32_t y, uint32_t x,
                         uint32_t size)
{
    const size_t    stride = (size_t)saliency->width + 1;
    const uint32_t *sums = saliency->integral;
    int64_t         own = saliency->image[(size_t)y * saliency->width + x], count, sum;
    size_t          y0, y1, x0, x1;

    surround(y, size, saliency->height, &y0, &y1);
    surround(x, size, saliency->width, &x0, &x1);
    count = (int64_t)((y1 - y0) * (x1 - x0)) - 1;
    sum = (int64_t)sums[y1 * stride + x1] + sums[y0 * stride + x0] - sums[y0 * stride + x1] -
          sums[y1 * stride + x0] - own;
    return count > 0 ? fabs((double)(own * count - sum)) / (double)count : 0;
}

const double *worker_saliency_map(struct worker_saliency *saliency)
{
    double *out = saliency->map;

    integrate(saliency);
    for (uint32_t y = 0; y < saliency->height; y++)
        for (uint32_t x = 0; x < saliency->width; x++, out++) {
            *out = 0;
            for (int s = 0; s < WORKER_SALIENCY_SIZES; s++)
                *out += difference(saliency, y, x, worker_saliency_sizes[s]);
        }
    return saliency->map;
}

size_t worker_saliency_peak(struct worker_saliency *saliency)
{
    const double *map = worker_saliency_map(saliency);
    const size_t  pixels = (size_t)saliency->height * saliency->width;
    size_t        peak = 0;

    for (size_t p = 1; p < pixels; p++)
        if (map[p] > map[peak])
            peak = p;
    return peak;
}

uint8_t worker_luminance(const uint8_t *pixel, size_t plane, uint32_t channels)
{
    if (channels != 3)
        return pixel[0];
    return (uint8_t)((299 * pixel[0] + 587 * pixel[plane] + 114 * pixel[2 * plane] + 500) / 1000);
}
