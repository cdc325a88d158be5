/* The CPU's table of maps: the bodies of kernels/map_body.h, and rows at a time where a kernel that
 * knows nothing of its neighbours would be slow. */
#include <string.h>

#include "kernels/map_body.h"
#include "kernels/nn_parts.h"

#define RUN(name, ...)                                                                             \
    do {                                                                                           \
        const struct kern_##name##_args args = {__VA_ARGS__};                                      \
                                                                                                   \
        for (size_t i = 0; i < args.n; i++)                                                        \
            name##_each(&args, i);                                                                 \
        (void)nn;                                                                                  \
    } while (0)

#include "kernels/map_rows.def"

/* One plane of an image, with a window of zeros. */
static void hide_plane(float *plane, const struct kern_map_sides *sides,
                       const struct kern_map_windows *windows, uint32_t window)
{
    const uint32_t top = window / windows->columns * windows->stride;
    const uint32_t left = window % windows->columns * windows->stride;
    const uint32_t right =
        left + windows->patch < sides->width ? left + windows->patch : sides->width;

    for (uint32_t y = top; y < top + windows->patch && y < sides->height; y++)
        memset(plane + (size_t)y * sides->width + left, 0, (right - left) * sizeof *plane);
}

static void hide(struct kern_nn *nn, float *out, const float *in,
                 const struct kern_map_sides *sides, const struct kern_map_windows *windows,
                 uint64_t first, uint32_t variants)
{
    const size_t pixels = pixels_of(sides), image = sides->channels * pixels;

    (void)nn;
    for (uint64_t v = first; v < first + variants; v++, out += image) {
        memcpy(out, in + v / windows->count * image, image * sizeof *out);
        for (uint32_t c = 0; c < sides->channels; c++)
            hide_plane(out + c * pixels, sides, windows, (uint32_t)(v % windows->count));
    }
}

static void mask(struct kern_nn *nn, float *out, const float *in, const float *masks,
                 const struct kern_map_sides *sides, uint64_t first, uint32_t variants)
{
    const size_t pixels = pixels_of(sides);

    (void)nn;
    for (uint64_t v = first; v < first + variants; v++) {
        const float *image = in + v % sides->n * sides->channels * pixels;
        const float *own = masks + (v / sides->n - first / sides->n) * pixels;

        for (uint32_t c = 0; c < sides->channels; c++, out += pixels, image += pixels)
            for (size_t p = 0; p < pixels; p++)
                out[p] = image[p] * own[p];
    }
}

static void weigh(struct kern_nn *nn, double *sums, const float *masks, const float *logits,
                  const uint32_t *targets, uint32_t classes, const struct kern_map_sides *sides,
                  uint64_t first, uint32_t variants)
{
    const size_t pixels = pixels_of(sides);

    (void)nn;
    for (uint64_t v = first; v < first + variants; v++, logits += classes) {
        const float *own = masks + (v / sides->n - first / sides->n) * pixels;
        const double logit = logits[targets[v % sides->n]];
        double      *to = sums + v % sides->n * pixels;

        for (size_t p = 0; p < pixels; p++)
            to[p] += logit * own[p];
    }
}

/* Points in their order: one lane would do as much. */
static double cam_weight(const float *values, const float *gradients, size_t points, bool plus_plus)
{
    double total = 0, weight = 0;

    for (size_t p = 0; p < points; p++)
        total += plus_plus ? values[p] : gradients[p];
    if (!plus_plus)
        return total / (double)points;
    for (size_t p = 0; p < points; p++) {
        const double g = gradients[p];

        if (g > 0)
            weight += g * g / (2 * g * g + total * g * g * g + 1e-6) * g;
    }
    return weight;
}

static void cam(struct kern_nn *nn, float *out, double *weights, const float *values,
                const float *gradients, const struct kern_map_sides *sides, bool plus_plus)
{
    const size_t points = pixels_of(sides);

    for (size_t c = 0; c < (size_t)sides->n * sides->channels; c++)
        weights[c] = cam_weight(values + c * points, gradients + c * points, points, plus_plus);
    RUN(map_cam, .n = sides->n * points, .out = out, .values = values, .weights = weights,
        .channels = sides->channels, .points = (uint32_t)points);
}

const struct kern_map_device kern_maps_cpu = MAP_TABLE;
