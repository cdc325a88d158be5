/* In which order the pixels of a map go, and what is drawn for that. */
#include <math.h>
#include <stdlib.h>

#include "worker/curve.h"

struct ranked {
    float    value;
    uint32_t key, pixel;
};

static int compare(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->pixel < y->pixel ? -1 : 1;
}

int worker_curve_order(const struct worker_curve_spec *spec, const float *map, uint32_t row,
                       uint32_t *order, struct mx_err *err)
{
    const uint32_t pixels = spec->shape.height * spec->shape.width;
    struct ranked *list = malloc(pixels * sizeof *list);
    struct mx_rng  rng = mx_rng_at(spec->stream, WORKER_DRAW_TIES, row, 0);
    int            result = 0;

    if (!list)
        return mx_fail(err, MX_ENOMEM, "no memory to rank %u pixels", pixels);
    for (uint32_t p = 0; p < pixels && result == 0; p++) {
        list[p].value = spec->is_signed ? map[p] : fabsf(map[p]);
        list[p].key = spec->raster ? 0 : mx_rng_u32(&rng);
        list[p].pixel = p;
        if (!isfinite(map[p]))
            result =
                mx_fail(err, MX_EDIVERGED, "the map of image %u is not finite at pixel %u", row, p);
    }
    if (result == 0) {
        qsort(list, pixels, sizeof *list, compare);
        for (uint32_t p = 0; p < pixels; p++)
            order[p] = list[p].pixel;
    }
    free(list);
    return result;
}

void worker_map_shifted(const struct worker_shape *shape, const float *map, struct mx_stream stream,
                        uint32_t row, float *out)
{
    const uint32_t pixels = shape->height * shape->width;
    struct mx_rng  rng = mx_rng_at(stream, WORKER_DRAW_SHIFT, row, 0);
    const uint32_t by = pixels > 1 ? 1 + (uint32_t)mx_rng_below(&rng, pixels - 1) : 0;
    const uint32_t down = by / shape->width, right = by % shape->width;

    for (uint32_t y = 0; y < shape->height; y++)
        for (uint32_t x = 0; x < shape->width; x++)
            out[(y + down) % shape->height * shape->width + (x + right) % shape->width] =
                map[y * shape->width + x];
}
