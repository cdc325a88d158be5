#include <math.h>
#include <stdlib.h>

#include "worker/images.h"

/* The source pixels that one output pixel is made of, on one axis. */
struct taps {
    uint32_t first, n;
    double  *weight; /* (n), summing to 1 */
};

/* Triangle filter with a support of max(1, shrinking factor) around the
 * output pixel's centre, cut at the borders. */
static void make_taps(struct taps *taps, uint32_t from, uint32_t to, uint32_t at)
{
    double scale = (double)from / to, support = scale > 1 ? scale : 1;
    double centre = (at + 0.5) * scale, sum = 0;
    double low = floor(centre - support + 0.5), high = floor(centre + support + 0.5);

    taps->first = low < 0 ? 0 : (uint32_t)low;
    taps->n = (high > from ? from : (uint32_t)high) - taps->first;
    for (uint32_t k = 0; k < taps->n; k++) {
        double distance = fabs((taps->first + k + 0.5 - centre) / support);

        taps->weight[k] = distance < 1 ? 1 - distance : 0;
        sum += taps->weight[k];
    }
    for (uint32_t k = 0; k < taps->n; k++)
        taps->weight[k] /= sum;
}

/* Room for the weights of one output pixel. */
static size_t most_taps(uint32_t from, uint32_t to)
{
    return 2 * ((size_t)from / to + 1) + 2;
}

static uint8_t to_byte(double sum)
{
    return sum >= 255 ? 255 : (uint8_t)sum; /* rounding errors only can leave the range */
}

/* Every row of `plane` (height, width) to `to` pixels. `taps` has room for `to`. */
static void resize_rows(const uint8_t *plane, uint32_t height, uint32_t width, uint8_t *out,
                        uint32_t to, struct taps *taps, double *weights)
{
    for (uint32_t x = 0; x < to; x++) {
        taps[x].weight = weights + x * most_taps(width, to);
        make_taps(&taps[x], width, to, x);
    }
    for (uint32_t y = 0; y < height; y++, plane += width)
        for (uint32_t x = 0; x < to; x++) {
            const uint8_t *at = plane + taps[x].first;
            double         sum = 0.5;

            for (uint32_t k = 0; k < taps[x].n; k++)
                sum += taps[x].weight[k] * at[k];
            *out++ = to_byte(sum);
        }
}

/* Every column of `plane` (height, width) to `to` pixels, whole rows at a time. `sums`
 * has room for a row. */
static void resize_columns(const uint8_t *plane, uint32_t height, uint32_t width, uint8_t *out,
                           uint32_t to, double *sums, double *weights)
{
    for (uint32_t y = 0; y < to; y++, out += width) {
        struct taps taps = {.weight = weights};

        make_taps(&taps, height, to, y);
        for (uint32_t x = 0; x < width; x++)
            sums[x] = 0.5;
        for (uint32_t k = 0; k < taps.n; k++) {
            const uint8_t *row = plane + (size_t)(taps.first + k) * width;
            const double   weight = taps.weight[k];

            for (uint32_t x = 0; x < width; x++)
                sums[x] += weight * row[x];
        }
        for (uint32_t x = 0; x < width; x++)
            out[x] = to_byte(sums[x]);
    }
}

int worker_resize(const uint8_t *plane, uint32_t height, uint32_t width, uint8_t *out,
                  uint32_t to_height, uint32_t to_width, struct mx_err *err)
{
    size_t       along = most_taps(width, to_width) * to_width, down = most_taps(height, to_height);
    double      *weights = calloc(along > down ? along : down, sizeof *weights);
    double      *sums = calloc(to_width, sizeof *sums);
    struct taps *taps = calloc(to_width, sizeof *taps);
    uint8_t     *rows = calloc(height, to_width); /* resized along rows only */
    int          rc = -1;

    if (weights && sums && taps && rows) {
        resize_rows(plane, height, width, rows, to_width, taps, weights);
        resize_columns(rows, height, to_width, out, to_height, sums, weights);
        rc = 0;
    } else {
        mx_fail(err, MX_ENOMEM, "no memory to resize %u x %u pixels", height, width);
    }
    free(weights);
    free(sums);
    free(taps);
    free(rows);
    return rc;
}
