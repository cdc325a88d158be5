#include "tests/reference/naive_maps.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/reference/naive_relevance.h"

static void backward_weighted(struct naive_net *naive, uint32_t l)
{
    const struct worker_layer *layer = &naive->net->layers[l];
    const uint32_t             in = layer->inputs[0];
    double                   **own = naive_own_parameters(naive, l), *unused[2];

    unused[0] = calloc(naive->infos[own - naive->parameters].count, sizeof(double));
    unused[1] = calloc(layer->channels, sizeof(double));
    if (layer->kind == WORKER_CONV) {
        struct naive_conv shape = naive_window_of(naive, l);

        naive_conv_backward(&shape, naive->values[in], own[0], naive->grads[l], naive->grads[in],
                            unused[0]);
    } else {
        naive_linear_backward(1, (uint32_t)naive_layer_size(naive, in), layer->channels,
                              naive->values[in], own[0], naive->grads[l], naive->grads[in],
                              unused[0], unused[1]);
    }
    free(unused[0]);
    free(unused[1]);
}

static void backward(struct naive_net *naive, uint32_t l, bool guided)
{
    const struct worker_layer *layer = &naive->net->layers[l];
    const uint32_t             a = layer->inputs[0], b = layer->inputs[1];
    double                    *dy = naive->grads[l], *dx = naive->grads[a];
    const size_t               area = (size_t)layer->height * layer->width;

    for (size_t k = 0; layer->relu && k < naive_layer_size(naive, l); k++)
        if (!(naive->values[l][k] > 0) || (layer->cap > 0 && naive->values[l][k] >= layer->cap) ||
            (guided && !(dy[k] > 0)))
            dy[k] = 0;
    if (layer->kind == WORKER_CONV || layer->kind == WORKER_LINEAR) {
        backward_weighted(naive, l);
    } else if (layer->kind == WORKER_POOL) {
        naive_mean_backward(naive, l, dy, dx);
    } else if (layer->kind == WORKER_MAX) {
        struct naive_conv shape = naive_window_of(naive, l);

        naive_pool_backward(&shape, true, naive->values[a], dy, dx);
    } else {
        for (size_t k = 0; k < naive_layer_size(naive, l); k++) {
            dx[k] +=
                layer->kind == WORKER_NORM ? dy[k] * naive_norm_factor(naive, l, k / area) : dy[k];
            if (layer->kind == WORKER_ADD)
                naive->grads[b][k] += dy[k];
        }
    }
}

/* Down to the output of layer `until`, whose gradient is not yet through its ReLU. */
static double logit_gradients(struct naive_net *naive, const float *image, uint32_t target,
                              bool guided, uint32_t until)
{
    const double logit = naive_eval_forward(naive, image, target);

    naive_clear_gradients(naive);
    naive->grads[naive->net->nlayers - 1][target] = 1;
    for (uint32_t l = naive->net->nlayers - 1; l > until; l--)
        backward(naive, l, guided);
    return logit;
}

/* gradients (image) summed with a weight. */
static void add_gradients(struct naive_net *naive, const float *image, uint32_t target,
                          double weight, double *sums)
{
    logit_gradients(naive, image, target, false, 0);
    for (size_t k = 0; k < naive_layer_size(naive, 0); k++)
        sums[k] += weight * naive->grads[0][k];
}

static void smooth(struct naive_net *naive, const struct worker_map_options *options,
                   const float *image, uint32_t target, uint32_t row, double *sums)
{
    const size_t n = naive_layer_size(naive, 0);
    float       *copy = malloc(n * sizeof *copy);
    double       low = INFINITY, high = -INFINITY;

    for (size_t k = 0; k < n; k++) {
        low = fmin(low, image[k]);
        high = fmax(high, image[k]);
    }
    for (uint32_t s = 0; s < options->smoothgrad_samples; s++) {
        worker_map_noise(options->stream, row, s, n, copy);
        for (size_t k = 0; k < n; k++)
            copy[k] = (float)(image[k] + options->smoothgrad_sigma * (high - low) * copy[k]);
        add_gradients(naive, copy, target, 1.0 / options->smoothgrad_samples, sums);
    }
    free(copy);
}

/* Along the straight path from zero, by the points of the definition (which have a test
 * of their own). */
static double integrate(struct naive_net *naive, const struct worker_map_options *options,
                        const float *image, uint32_t target, double *sums)
{
    const size_t   n = naive_layer_size(naive, 0);
    const uint32_t count = options->integrated_gradients_points;
    double        *points = calloc(2 * (size_t)count, sizeof *points), difference, total = 0;
    float         *copy = calloc(n, sizeof *copy);

    worker_gauss_legendre(count, points, points + count);
    difference = naive_eval_forward(naive, image, target) - naive_eval_forward(naive, copy, target);
    for (uint32_t p = 0; p < count; p++) {
        for (size_t k = 0; k < n; k++)
            copy[k] = (float)(points[p] * image[k]);
        add_gradients(naive, copy, target, points[count + p], sums);
    }
    for (size_t k = 0; k < n; k++) {
        sums[k] *= image[k];
        total += sums[k];
    }
    free(points);
    free(copy);
    return fabs(total - difference) / fmax(fabs(difference), 1);
}

/* Value of a map (height, width) at a place between its pixels, edges repeated. */
static double sample(const double *map, int height, int width, double y, double x)
{
    const int    top = (int)floor(y), left = (int)floor(x);
    const double v = y - top, u = x - left;
    double       sum = 0;

    for (int dy = 0; dy < 2; dy++)
        for (int dx = 0; dx < 2; dx++) {
            const int r = top + dy < 0 ? 0 : top + dy >= height ? height - 1 : top + dy;
            const int c = left + dx < 0 ? 0 : left + dx >= width ? width - 1 : left + dx;

            sum += (dy ? v : 1 - v) * (dx ? u : 1 - u) * map[r * width + c];
        }
    return sum;
}

/* The last layer that has the shape of an image, pooling layers aside. */
static uint32_t cam_layer(const struct worker_net *net)
{
    uint32_t l = net->nlayers - 1;

    while (net->layers[l].flat || net->layers[l].kind == WORKER_POOL ||
           net->layers[l].kind == WORKER_MAX)
        l = net->layers[l].inputs[0];
    return l;
}

static double channel_weight(const double *a, const double *g, size_t area, bool plus_plus)
{
    double total = 0, weight = 0;

    for (size_t p = 0; p < area; p++)
        total += a[p];
    for (size_t p = 0; p < area; p++) {
        const double square = g[p] * g[p];
        const double alpha = square != 0 ? square / (2 * square + total * square * g[p] + 1e-6) : 0;

        weight += plus_plus ? alpha * fmax(g[p], 0) : g[p] / (double)area;
    }
    return weight;
}

static void cam(struct naive_net *naive, const float *image, uint32_t target, bool plus_plus,
                double *map)
{
    const uint32_t             l = cam_layer(naive->net);
    const struct worker_layer *at = &naive->net->layers[l], *input = &naive->net->layers[0];
    const size_t               area = (size_t)at->height * at->width;
    double                    *small = calloc(area, sizeof *small);

    logit_gradients(naive, image, target, false, l);
    for (uint32_t c = 0; c < at->channels; c++) {
        const double weight = channel_weight(naive->values[l] + c * area,
                                             naive->grads[l] + c * area, area, plus_plus);

        for (size_t p = 0; p < area; p++)
            small[p] += weight * naive->values[l][c * area + p];
    }
    for (size_t p = 0; p < area; p++)
        small[p] = fmax(small[p], 0);
    for (uint32_t y = 0; y < input->height; y++)
        for (uint32_t x = 0; x < input->width; x++)
            map[y * input->width + x] = sample(small, (int)at->height, (int)at->width,
                                               (y + 0.5) * at->height / input->height - 0.5,
                                               (x + 0.5) * at->width / input->width - 0.5);
    free(small);
}

static bool within(uint32_t pixel, uint32_t width, uint32_t top, uint32_t left, uint32_t patch)
{
    const uint32_t y = pixel / width, x = pixel % width;

    return y >= top && y < top + patch && x >= left && x < left + patch;
}

/* Hide every window in turn; a pixel gets the mean drop of those that cover it. */
static void occlude(struct naive_net *naive, const struct worker_map_options *options,
                    const float *image, uint32_t target, double *map)
{
    const struct worker_layer *in = &naive->net->layers[0];
    const uint32_t             shorter = in->height < in->width ? in->height : in->width;
    const uint32_t             patch = options->occlusion_patch ? options->occlusion_patch
                                                                : (uint32_t)fmax(1, round(shorter / 7.0));
    const uint32_t             stride = patch > 1 ? patch / 2 : 1;
    const double               whole = naive_eval_forward(naive, image, target);
    float                     *copy = malloc(naive_layer_size(naive, 0) * sizeof *copy);
    const uint32_t             pixels = in->height * in->width;
    double                    *count = calloc(pixels, sizeof *count);

    for (uint32_t top = 0, row = 0; row == 0 || top + patch < in->height + stride;
         top += stride, row++)
        for (uint32_t left = 0, col = 0; col == 0 || left + patch < in->width + stride;
             left += stride, col++) {
            double drop;

            for (uint32_t k = 0; k < naive_layer_size(naive, 0); k++)
                copy[k] = within(k % pixels, in->width, top, left, patch) ? 0 : image[k];
            drop = whole - naive_eval_forward(naive, copy, target);
            for (uint32_t k = 0; k < pixels; k++)
                if (within(k, in->width, top, left, patch)) {
                    map[k] += drop;
                    count[k]++;
                }
        }
    for (uint32_t k = 0; k < pixels; k++)
        map[k] /= count[k];
    free(copy);
    free(count);
}

static void rise(struct naive_net *naive, const struct worker_map_options *options,
                 const float *image, uint32_t target, double *map)
{
    const struct worker_layer *in = &naive->net->layers[0];
    const size_t               pixels = (size_t)in->height * in->width;
    float                     *mask = malloc(pixels * sizeof *mask),
          *copy = malloc(naive_layer_size(naive, 0) * sizeof *copy);

    for (uint32_t m = 0; m < options->rise_masks; m++) {
        double logit;

        worker_map_rise_mask(options->stream, m, in->height, in->width, mask);
        for (size_t k = 0; k < naive_layer_size(naive, 0); k++)
            copy[k] = image[k] * mask[k % pixels];
        logit = naive_eval_forward(naive, copy, target);
        for (size_t k = 0; k < pixels; k++)
            map[k] += logit * mask[k] / (options->rise_masks * 0.5);
    }
    free(mask);
    free(copy);
}

/* From (channels, pixels) to a map: the largest absolute value, or the sum. */
static void reduce(const struct naive_net *naive, const double *values, bool largest, double *map)
{
    const size_t pixels = naive_layer_size(naive, 0) / naive->net->layers[0].channels;

    for (size_t k = 0; k < naive_layer_size(naive, 0); k++)
        map[k % pixels] =
            largest ? fmax(map[k % pixels], fabs(values[k])) : map[k % pixels] + values[k];
}

double naive_map(struct naive_net *naive, enum worker_attribution which,
                 const struct worker_map_options *options, const float *image, uint32_t target,
                 uint32_t row, double *map)
{
    const size_t n = naive_layer_size(naive, 0), pixels = n / naive->net->layers[0].channels;
    double      *sums = calloc(n, sizeof *sums), figure = NAN;

    memset(map, 0, pixels * sizeof *map);
    switch (which) {
    case WORKER_MAP_SMOOTHGRAD:
        smooth(naive, options, image, target, row, sums);
        reduce(naive, sums, true, map);
        break;
    case WORKER_MAP_INTEGRATED_GRADIENTS:
        figure = integrate(naive, options, image, target, sums);
        reduce(naive, sums, false, map);
        break;
    case WORKER_MAP_GRADCAM:
    case WORKER_MAP_GRADCAM_PLUS_PLUS:
        cam(naive, image, target, which == WORKER_MAP_GRADCAM_PLUS_PLUS, map);
        break;
    case WORKER_MAP_LAYER_RELEVANCE:
        figure = naive_relevance(naive, image, target, map);
        break;
    case WORKER_MAP_OCCLUSION:
        occlude(naive, options, image, target, map);
        break;
    case WORKER_MAP_RISE:
        rise(naive, options, image, target, map);
        break;
    default: /* of one gradient */
        logit_gradients(naive, image, target, which == WORKER_MAP_GUIDED_BACKPROP, 0);
        for (size_t k = 0; k < n; k++)
            sums[k] =
                naive->grads[0][k] * (which == WORKER_MAP_INPUT_X_GRADIENT ? (double)image[k] : 1);
        reduce(naive, sums, which == WORKER_MAP_GRADIENT, map);
    }
    free(sums);
    return figure;
}
