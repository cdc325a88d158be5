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

static uint8_t apply_taps(const struct taps *taps, const uint8_t *line, size_t stride)
{
    double sum = 0.5;

    for (uint32_t k = 0; k < taps->n; k++)
        sum += taps->weight[k] * line[(taps->first + k) * stride];
    return sum >= 255 ? 255 : (uint8_t)sum; /* rounding errors only can leave the range */
}

int worker_resize(const uint8_t *plane, uint32_t height, uint32_t width, uint8_t *out,
                  uint32_t to_height, uint32_t to_width, struct mx_err *err)
{
    uint32_t longest = height > width ? height : width;
    double  *weight = calloc((size_t)longest + 2, sizeof *weight);
    uint8_t *rows = calloc(height, to_width); /* resized along rows only */
    int      rc = -1;

    if (!weight || !rows) {
        mx_fail(err, MX_ENOMEM, "no memory to resize %u x %u pixels", height, width);
        goto done;
    }
    for (uint32_t x = 0; x < to_width; x++) {
        struct taps taps = {.weight = weight};

        make_taps(&taps, width, to_width, x);
        for (uint32_t y = 0; y < height; y++)
            rows[(size_t)y * to_width + x] = apply_taps(&taps, plane + (size_t)y * width, 1);
    }
    for (uint32_t y = 0; y < to_height; y++) {
        struct taps taps = {.weight = weight};

        make_taps(&taps, height, to_height, y);
        for (uint32_t x = 0; x < to_width; x++)
            out[(size_t)y * to_width + x] = apply_taps(&taps, rows + x, to_width);
    }
    rc = 0;
done:
    free(weight);
    free(rows);
    return rc;
}
