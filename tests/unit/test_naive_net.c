/* The reference against finite differences, so that it may be believed. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "tests/reference/naive_net.h"
#include "worker/choices.h"

enum {
    N = 3,
    CLASSES = 4
};

/* Nets of few layers, so that a wrong gradient points at its layer. Every one
 * ends in a linear layer, the only end that has a loss. */
static void add_linear(struct worker_net *net)
{
    worker_net_linear(net, "fc", 0, CLASSES);
}

static void add_conv3(struct worker_net *net)
{
    worker_net_linear(net, "fc", worker_net_conv(net, "conv", 0, 5, 3, 1, 1), CLASSES);
}

static void add_conv3_stride(struct worker_net *net)
{
    worker_net_linear(net, "fc", worker_net_conv(net, "conv", 0, 5, 3, 2, 1), CLASSES);
}

static void add_conv1_stride(struct worker_net *net)
{
    worker_net_linear(net, "fc", worker_net_conv(net, "conv", 0, 5, 1, 2, 0), CLASSES);
}

static void add_norm(struct worker_net *net)
{
    worker_net_linear(net, "fc", worker_net_norm(net, "bn", 0, false), CLASSES);
}

static void add_norm_relu(struct worker_net *net)
{
    worker_net_linear(net, "fc", worker_net_norm(net, "bn", 0, true), CLASSES);
}

static void add_pool(struct worker_net *net)
{
    worker_net_linear(net, "fc", worker_net_pool(net, "pool", 0), CLASSES);
}

static void add_sum(struct worker_net *net)
{
    uint32_t conv = worker_net_conv(net, "conv", 0, 3, 3, 1, 1);

    worker_net_linear(net, "fc", worker_net_add(net, "add", conv, 0, true), CLASSES);
}

static void add_plain_sum(struct worker_net *net)
{
    uint32_t conv = worker_net_conv(net, "conv", 0, 3, 3, 1, 1);

    worker_net_linear(net, "fc", worker_net_add(net, "add", 0, conv, false), CLASSES);
}

static void add_window(struct worker_net *net, uint32_t channels, struct worker_window window)
{
    worker_net_linear(net, "fc", worker_net_window(net, "conv", 0, channels, &window), CLASSES);
}

static void add_bias(struct worker_net *net)
{
    add_window(net, 4, (struct worker_window){.kernel = 3, .stride = 1, .pad = 1, .bias = true});
}

static void add_depthwise(struct worker_net *net)
{
    add_window(net, 3, (struct worker_window){.kernel = 3, .stride = 1, .depthwise = true});
}

static void add_same(struct worker_net *net)
{
    add_window(net, 4, (struct worker_window){.kernel = 3, .stride = 2, .same = true});
}

static void add_depthwise_same(struct worker_net *net)
{
    add_window(net, 3,
               (struct worker_window){.kernel = 5, .stride = 2, .same = true, .depthwise = true});
}

static void add_relu(struct worker_net *net)
{
    uint32_t norm = worker_net_norm(net, "bn", 0, false);

    worker_net_linear(net, "fc", worker_net_relu(net, "act", norm, 0.5f, 0), CLASSES);
}

static void add_max(struct worker_net *net)
{
    uint32_t conv = worker_net_conv(net, "conv", 0, 3, 3, 1, 1);

    worker_net_linear(net, "fc", worker_net_max(net, "max", conv, 3, 2, 1), CLASSES);
}

static void add_pool_window(struct worker_net *net)
{
    uint32_t conv = worker_net_conv(net, "conv", 0, 3, 3, 2, 1); /* 3 x 3 */

    worker_net_linear(net, "fc", worker_net_pool_to(net, "pool", conv, 1), CLASSES);
}

static void add_pool_overlap(struct worker_net *net)
{
    worker_net_linear(net, "fc", worker_net_pool_to(net, "pool", 0, 4), CLASSES);
}

static void add_pool_repeat(struct worker_net *net)
{
    uint32_t conv = worker_net_conv(net, "conv", 0, 2, 3, 1, 1);

    worker_net_linear(net, "fc", worker_net_pool_to(net, "pool", conv, 7), CLASSES);
}

static void add_two_linear(struct worker_net *net)
{
    uint32_t hidden = worker_net_relu(net, "act", worker_net_linear(net, "fc1", 0, 6), 0, 0);

    worker_net_linear(net, "fc2", hidden, CLASSES);
}

static void add_resnet8(struct worker_net *net)
{
    const struct worker_form form = {CLASSES, 6, false};

    worker_net_resnet(net, &form, 8);
}

static const struct {
    const char *name;
    void (*add)(struct worker_net *);
} cases[] = {
    {"linear", add_linear},
    {"3x3 convolution", add_conv3},
    {"3x3 convolution, stride 2", add_conv3_stride},
    {"1x1 convolution, stride 2", add_conv1_stride},
    {"convolution with bias", add_bias},
    {"depthwise convolution", add_depthwise},
    {"SAME padding", add_same},
    {"depthwise convolution, SAME padding", add_depthwise_same},
    {"norm", add_norm},
    {"norm with ReLU", add_norm_relu},
    {"capped ReLU", add_relu},
    {"pool", add_pool},
    {"pool over windows", add_pool_window},
    {"pool over windows that overlap", add_pool_overlap},
    {"pool over windows that repeat", add_pool_repeat},
    {"max-pool", add_max},
    {"sum with ReLU", add_sum},
    {"sum", add_plain_sum},
    {"two linear layers", add_two_linear},
    {"resnet8", add_resnet8},
};

static const uint32_t y_a[N] = {0, 3, 1}, y_b[N] = {2, 3, 0};
static const float    lambda[N] = {0.75f, 1, 0.25f};

/* Central difference of the loss by *at. */
static double slope(struct naive_net *naive, const struct naive_batch *batch, double *at)
{
    const double h = 1e-6, kept = *at;
    double       above, below;

    *at = kept + h;
    above = naive_net_forward(naive, batch, true);
    *at = kept - h;
    below = naive_net_forward(naive, batch, true);
    *at = kept;
    return (above - below) / (2 * h);
}

static void expect_slopes(struct naive_net *naive, const struct naive_batch *batch,
                          const char *name)
{
    naive_net_forward(naive, batch, true);
    naive_net_backward(naive, batch);
    for (size_t p = 0; p < naive->nparameters; p++) {
        size_t stride = naive->infos[p].count / 5 + 1;

        for (size_t k = 0; k < naive->infos[p].count; k += stride) {
            double numeric = slope(naive, batch, &naive->parameters[p][k]);

            cr_expect(fabs(naive->gradients[p][k] - numeric) <= 1e-8 + 1e-6 * fabs(numeric),
                      "%s, %s[%zu]: %.12g, numeric %.12g", name, naive->infos[p].name, k,
                      naive->gradients[p][k], numeric);
        }
    }
}

Test(naive_net, has_the_gradients_of_finite_differences)
{
    float images[N * 3 * 5 * 6];

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        const struct worker_shape shape = {3, 5, 6, CLASSES, 0};
        struct mx_rng     rng = mx_rng_at(mx_stream_make(1, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
        struct worker_net net = {0};
        struct naive_net *naive;

        worker_net_input(&net, &shape);
        cases[c].add(&net);
        naive = naive_net_new(&net, N);
        for (size_t k = 0; k < sizeof images / sizeof images[0]; k++)
            images[k] = (float)mx_rng_normal(&rng);
        for (size_t p = 0; p < naive->nparameters; p++)
            for (size_t k = 0; k < naive->infos[p].count; k++)
                naive->parameters[p][k] =
                    0.3 * mx_rng_normal(&rng) + (naive->infos[p].role == WORKER_SCALE ? 1 : 0);
        expect_slopes(naive, &(struct naive_batch){images, y_a, y_b, lambda}, cases[c].name);
        naive_net_free(naive);
        worker_net_free(&net);
    }
}

/* Gradients by the images, which the engine never needs but maps will. */
Test(naive_net, has_the_gradients_of_its_input)
{
    const struct worker_shape shape = {2, 4, 3, CLASSES, 0};
    struct mx_rng             rng = mx_rng_at(mx_stream_make(2, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    const float               h = 1.0f / 1024;
    float                     images[N * 2 * 4 * 3];
    struct naive_batch        batch = {images, y_a, y_b, lambda};
    struct worker_net         net = {0};
    struct naive_net         *naive;

    worker_net_input(&net, &shape);
    worker_net_linear(&net, "fc", worker_net_norm(&net, "bn", 0, false), CLASSES);
    naive = naive_net_new(&net, N);
    for (size_t k = 0; k < sizeof images / sizeof images[0]; k++)
        images[k] = (float)mx_rng_normal(&rng);
    for (size_t p = 0; p < naive->nparameters; p++)
        for (size_t k = 0; k < naive->infos[p].count; k++)
            naive->parameters[p][k] = mx_rng_normal(&rng);
    for (size_t k = 0; k < sizeof images / sizeof images[0]; k += 5) {
        float  kept = images[k];
        double above, below, distance;

        images[k] = kept + h;
        above = naive_net_forward(naive, &batch, true);
        distance = images[k];
        images[k] = kept - h;
        below = naive_net_forward(naive, &batch, true);
        distance -= images[k];
        images[k] = kept;
        naive_net_forward(naive, &batch, true);
        naive_net_backward(naive, &batch);
        cr_expect(fabs(naive->grads[0][k] - (above - below) / distance) <= 1e-5,
                  "image value %zu: %g, numeric %g", k, naive->grads[0][k],
                  (above - below) / distance);
    }
    naive_net_free(naive);
    worker_net_free(&net);
}
