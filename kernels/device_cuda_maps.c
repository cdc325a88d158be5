/* The GPU's table of maps: arguments of kernels. */
#include "kernels/launch.h"
#include "kernels/nn_cuda.h"

#define RUN(name, ...) LAUNCH(cuda_of(nn), name, (&(const struct kern_##name##_args){__VA_ARGS__}))

#include "kernels/map_rows.def"

static void hide(struct kern_nn *nn, float *out, const float *in,
                 const struct kern_map_sides *sides, const struct kern_map_windows *windows,
                 uint64_t first, uint32_t variants)
{
    RUN(map_hide, .n = variants * sides->channels * pixels_of(sides), .out = out, .in = in,
        .first = first, .windows = windows->count, .channels = sides->channels,
        .height = sides->height, .width = sides->width, .patch = windows->patch,
        .stride = windows->stride, .columns = windows->columns);
}

static void mask(struct kern_nn *nn, float *out, const float *in, const float *masks,
                 const struct kern_map_sides *sides, uint64_t first, uint32_t variants)
{
    RUN(map_mask, .n = variants * sides->channels * pixels_of(sides), .out = out, .in = in,
        .masks = masks, .first = first, .pixels = pixels_of(sides), .channels = sides->channels,
        .images = sides->n);
}

static void weigh(struct kern_nn *nn, double *sums, const float *masks, const float *logits,
                  const uint32_t *targets, uint32_t classes, const struct kern_map_sides *sides,
                  uint64_t first, uint32_t variants)
{
    RUN(map_weigh, .n = sides->n * pixels_of(sides), .sums = sums, .masks = masks, .logits = logits,
        .targets = targets, .first = first, .pixels = pixels_of(sides), .images = sides->n,
        .variants = variants, .classes = classes);
}

static void cam(struct kern_nn *nn, float *out, double *weights, const float *values,
                const float *gradients, const struct kern_map_sides *sides, bool plus_plus)
{
    const size_t points = pixels_of(sides);

    RUN(map_cam_weight, .blocks = (size_t)sides->n * sides->channels, .values = values,
        .gradients = gradients, .weights = weights, .points = (uint32_t)points,
        .plus_plus = plus_plus);
    RUN(map_cam, .n = sides->n * points, .out = out, .values = values, .weights = weights,
        .channels = sides->channels, .points = (uint32_t)points);
}

const struct kern_map_device kern_maps_cuda = MAP_TABLE;
