#include "tests/reference/naive_net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/reference/naive_optimizer.h"

static size_t size_of(const struct naive_net *naive, uint32_t l)
{
    const struct worker_layer *layer = &naive->net->layers[l];

    return (size_t)naive->n * layer->channels * layer->height * layer->width;
}

static double *zeros(size_t n)
{
    double *out = calloc(n, sizeof *out);

    if (!out)
        abort();
    return out;
}

struct naive_net *naive_net_new(const struct worker_net *net, uint32_t n)
{
    struct naive_net *naive = calloc(1, sizeof *naive);
    double         ***lists[] = {&naive->values,   &naive->grads,        &naive->mean,
                                 &naive->variance, &naive->running_mean, &naive->running_variance};

    if (!naive || worker_net_parameters(net, &naive->infos, &naive->nparameters, NULL))
        abort();
    naive->net = net;
    naive->n = n;
    for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++) {
        *lists[k] = calloc(net->nlayers, sizeof(double *));
        for (uint32_t l = 0; l < net->nlayers; l++)
            (*lists[k])[l] = zeros(k < 2 ? size_of(naive, l) : net->layers[l].channels);
    }
    for (uint32_t l = 0; l < net->nlayers; l++)
        for (uint32_t c = 0; c < net->layers[l].channels; c++)
            naive->running_variance[l][c] = 1;
    naive->parameters = calloc(naive->nparameters, sizeof(double *));
    naive->gradients = calloc(naive->nparameters, sizeof(double *));
    for (size_t p = 0; p < naive->nparameters; p++) {
        naive->parameters[p] = zeros(naive->infos[p].count);
        naive->gradients[p] = zeros(naive->infos[p].count);
    }
    naive->moments = naive_moments_new(naive);
    return naive;
}

static void free_list(double **list, size_t n)
{
    for (size_t k = 0; k < n; k++)
        free(list[k]);
    free(list);
}

void naive_net_free(struct naive_net *naive)
{
    const uint32_t layers = naive->net->nlayers;

    free_list(naive->values, layers);
    free_list(naive->grads, layers);
    free_list(naive->mean, layers);
    free_list(naive->variance, layers);
    free_list(naive->running_mean, layers);
    free_list(naive->running_variance, layers);
    free_list(naive->parameters, naive->nparameters);
    free_list(naive->gradients, naive->nparameters);
    naive_moments_free(naive->moments, naive);
    free(naive->infos);
    free(naive);
}

static size_t first_parameter(const struct naive_net *naive, uint32_t l)
{
    size_t p = 0;

    while (p < naive->nparameters && naive->infos[p].layer != l)
        p++;
    return p;
}

static struct naive_conv conv_of(const struct naive_net *naive, uint32_t l)
{
    const struct worker_layer *layer = &naive->net->layers[l];
    const struct worker_layer *in = &naive->net->layers[layer->inputs[0]];

    struct naive_conv shape =
        naive_conv_shape(naive->n, in->channels, in->height, in->width, layer->channels,
                         layer->kernel, layer->stride, layer->pad);

    if (layer->kind == WORKER_CONV)
        naive_conv_pad(&shape, layer->groups, layer->more);
    return shape;
}

struct naive_share naive_share_of(const struct worker_net *net, uint32_t l, uint32_t n)
{
    const struct worker_layer *layer = &net->layers[l];
    const struct worker_layer *in = &net->layers[layer->inputs[0]];

    return (struct naive_share){n * layer->channels, in->height, in->width, layer->height,
                                layer->width};
}

/* A bias of each channel, or (out) its gradient. */
static void add_bias(const struct naive_net *naive, uint32_t l, const double *bias, double *out)
{
    const struct worker_layer *layer = &naive->net->layers[l];
    const size_t               area = (size_t)layer->height * layer->width;
    const size_t               n = (size_t)naive->n * layer->channels * area;

    for (size_t k = 0; k < n; k++)
        if (out)
            out[k / area % layer->channels] += naive->grads[l][k];
        else
            naive->values[l][k] += bias[k / area % layer->channels];
}

/* True if a ReLU lets the gradient of a value through. */
static bool passes(const struct worker_layer *layer, double y)
{
    return !layer->relu || (y > 0 && !(layer->cap > 0 && y >= layer->cap));
}

static struct naive_norm norm_of(const struct naive_net *naive, uint32_t l, bool training)
{
    const struct worker_layer *layer = &naive->net->layers[l];

    return (struct naive_norm){naive->n, layer->channels, layer->height * layer->width,
                               training, layer->relu,     layer->epsilon};
}

static uint32_t fan_in(const struct naive_net *naive, uint32_t l)
{
    const struct worker_layer *in = &naive->net->layers[naive->net->layers[l].inputs[0]];

    return in->channels * in->height * in->width;
}

static void forward_layer(struct naive_net *naive, uint32_t l, bool training)
{
    const struct worker_layer *layer = &naive->net->layers[l];
    const uint32_t             a = layer->inputs[0], b = layer->inputs[1];
    const double              *x = naive->values[a];
    double                    *y = naive->values[l];
    double                   **own = naive->parameters + first_parameter(naive, l);
    struct naive_conv          conv;
    struct naive_norm          norm = norm_of(naive, l, training);
    struct naive_share         share;

    switch (layer->kind) {
    case WORKER_INPUT:
        break;
    case WORKER_CONV:
        conv = conv_of(naive, l);
        naive_conv_forward(&conv, x, own[0], y);
        if (layer->bias)
            add_bias(naive, l, own[1], NULL);
        break;
    case WORKER_NORM:
        naive_norm_forward(&norm, x, own[0], own[1],
                           training ? naive->mean[l] : naive->running_mean[l],
                           training ? naive->variance[l] : naive->running_variance[l], y);
        break;
    case WORKER_ADD:
        for (size_t k = 0; k < size_of(naive, l); k++)
            y[k] = layer->relu ? fmax(x[k] + naive->values[b][k], 0) : x[k] + naive->values[b][k];
        break;
    case WORKER_RELU:
        for (size_t k = 0; k < size_of(naive, l); k++)
            y[k] = fmin(fmax(x[k], 0), layer->cap > 0 ? (double)layer->cap : INFINITY);
        break;
    case WORKER_MAX:
        conv = conv_of(naive, l);
        naive_pool_forward(&conv, true, x, y);
        break;
    case WORKER_POOL:
        if (layer->kernel > 0) {
            conv = conv_of(naive, l);
            naive_pool_forward(&conv, false, x, y);
            break;
        }
        share = naive_share_of(naive->net, l, naive->n);
        naive_share_forward(&share, x, y);
        break;
    case WORKER_LINEAR:
        naive_linear_forward(naive->n, fan_in(naive, l), layer->channels, x, own[0], own[1], y);
        break;
    }
}

static void backward_layer(struct naive_net *naive, uint32_t l)
{
    const struct worker_layer *layer = &naive->net->layers[l];
    const uint32_t             a = layer->inputs[0], b = layer->inputs[1];
    const double              *x = naive->values[a], *y = naive->values[l], *dy = naive->grads[l];
    double                    *dx = naive->grads[a];
    size_t                     first = first_parameter(naive, l);
    double                   **own = naive->parameters + first, **grads = naive->gradients + first;
    struct naive_conv          conv;
    struct naive_norm          norm = norm_of(naive, l, true);
    struct naive_share         share;

    switch (layer->kind) {
    case WORKER_INPUT:
        break;
    case WORKER_CONV:
        conv = conv_of(naive, l);
        naive_conv_backward(&conv, x, own[0], dy, dx, grads[0]);
        if (layer->bias)
            add_bias(naive, l, NULL, grads[1]);
        break;
    case WORKER_NORM:
        naive_norm_backward(&norm, x, y, own[0], naive->mean[l], naive->variance[l], dy, dx,
                            grads[0], grads[1]);
        break;
    case WORKER_ADD:
        for (size_t k = 0; k < size_of(naive, l); k++) {
            double g = passes(layer, y[k]) ? dy[k] : 0;

            dx[k] += g;
            naive->grads[b][k] += g;
        }
        break;
    case WORKER_RELU:
        for (size_t k = 0; k < size_of(naive, l); k++)
            dx[k] += passes(layer, y[k]) ? dy[k] : 0;
        break;
    case WORKER_MAX:
        conv = conv_of(naive, l);
        naive_pool_backward(&conv, true, x, dy, dx);
        break;
    case WORKER_POOL:
        if (layer->kernel > 0) {
            conv = conv_of(naive, l);
            naive_pool_backward(&conv, false, x, dy, dx);
            break;
        }
        share = naive_share_of(naive->net, l, naive->n);
        naive_share_backward(&share, dy, dx);
        break;
    case WORKER_LINEAR:
        naive_linear_backward(naive->n, fan_in(naive, l), layer->channels, x, own[0], dy, dx,
                              grads[0], grads[1]);
        break;
    }
}

/* Cross-entropy of one row; its gradient, times weight, is added. */
static double cross_entropy(const double *row, uint32_t classes, uint32_t label, double weight,
                            double *gradient)
{
    double sum = 0;

    for (uint32_t c = 0; c < classes; c++)
        sum += exp(row[c]);
    for (uint32_t c = 0; gradient && c < classes; c++)
        gradient[c] += weight * (exp(row[c]) / sum - (c == label));
    return log(sum) - row[label];
}

/* The loss under one label, a share of which is spread over all classes. */
static double label_loss(const struct naive_net *naive, const double *row, uint32_t label,
                         double weight, double *gradient)
{
    const uint32_t classes = naive->net->layers[naive->net->nlayers - 1].channels;
    double own = weight * (1 - naive->smoothing), each = weight * naive->smoothing / classes;
    double total = own * cross_entropy(row, classes, label, own, gradient);

    for (uint32_t c = 0; c < classes && each != 0; c++)
        total += each * cross_entropy(row, classes, c, each, gradient);
    return total;
}

static double loss_of(struct naive_net *naive, const struct naive_batch *batch, bool gradient)
{
    const uint32_t last = naive->net->nlayers - 1, classes = naive->net->layers[last].channels;
    double         total = 0;

    for (uint32_t i = 0; i < naive->n; i++) {
        const double *row = naive->values[last] + (size_t)i * classes;
        double       *out = gradient ? naive->grads[last] + (size_t)i * classes : NULL;
        double        a = batch->lambda[i] / (double)naive->n, b = 1.0 / naive->n - a;

        total += label_loss(naive, row, batch->y_a[i], a, out);
        total += label_loss(naive, row, batch->y_b[i], b, out);
    }
    return total;
}

/* Mix the rows of x (n images), or their gradients the other way round. */
static void mix_hidden(const struct naive_net *naive, double *x, bool backward)
{
    size_t  size = size_of(naive, naive->hidden_layer), image = size / naive->n;
    double *old = malloc(size * sizeof *old);

    memcpy(old, x, size * sizeof *old);
    memset(x, 0, size * sizeof *x);
    for (uint32_t i = 0; i < naive->n; i++)
        for (size_t k = 0; k < image; k++) {
            size_t own = i * image + k, other = naive->hidden_partner[i] * image + k;
            double share = (double)naive->hidden_share[i];

            if (backward) {
                x[own] += share * old[own];
                x[other] += (1 - share) * old[own];
            } else {
                x[own] = share * old[own] + (1 - share) * old[other];
            }
        }
    free(old);
}

double naive_net_forward(struct naive_net *naive, const struct naive_batch *batch, bool training)
{
    for (size_t k = 0; k < size_of(naive, 0); k++)
        naive->values[0][k] = batch->images[k];
    for (uint32_t l = 1; l < naive->net->nlayers; l++) {
        forward_layer(naive, l, training);
        if (l == naive->hidden_layer)
            mix_hidden(naive, naive->values[l], false);
    }
    return loss_of(naive, batch, false);
}

void naive_net_backward(struct naive_net *naive, const struct naive_batch *batch)
{
    for (uint32_t l = 0; l < naive->net->nlayers; l++)
        memset(naive->grads[l], 0, size_of(naive, l) * sizeof(double));
    for (size_t p = 0; p < naive->nparameters; p++)
        memset(naive->gradients[p], 0, naive->infos[p].count * sizeof(double));
    loss_of(naive, batch, true);
    for (uint32_t l = naive->net->nlayers; l-- > 1;) {
        if (l == naive->hidden_layer) {
            mix_hidden(naive, naive->grads[l], true);
            forward_layer(naive, l, true); /* its ReLU asks for the output as it was */
        }
        backward_layer(naive, l);
    }
}

static void update_statistics(struct naive_net *naive)
{
    for (uint32_t l = 0; l < naive->net->nlayers; l++) {
        const struct worker_layer *layer = &naive->net->layers[l];
        double                     count = (double)naive->n * layer->height * layer->width;

        for (uint32_t c = 0; layer->kind == WORKER_NORM && c < layer->channels; c++) {
            naive->running_mean[l][c] = 0.9 * naive->running_mean[l][c] + 0.1 * naive->mean[l][c];
            naive->running_variance[l][c] = 0.9 * naive->running_variance[l][c] +
                                            0.1 * naive->variance[l][c] * count / (count - 1);
        }
    }
}

double naive_net_step(struct naive_net *naive, const struct naive_batch *batch,
                      const struct worker_params *params, double lr)
{
    double loss;

    naive->smoothing = params->train_label_smoothing;
    loss = naive_net_forward(naive, batch, true);
    naive_net_backward(naive, batch);
    update_statistics(naive);
    naive_update(naive, params, lr);
    return loss;
}
