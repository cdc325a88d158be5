#include "tests/reference/naive_relevance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t naive_layer_size(const struct naive_net *naive, uint32_t l)
{
    const struct worker_layer *layer = &naive->net->layers[l];

    return (size_t)layer->channels * layer->height * layer->width;
}

double **naive_own_parameters(const struct naive_net *naive, uint32_t l)
{
    size_t p = 0;

    while (naive->infos[p].layer != l)
        p++;
    return naive->parameters + p;
}

double naive_eval_forward(struct naive_net *naive, const float *image, uint32_t target)
{
    const float              one = 1;
    const struct naive_batch batch = {image, &target, &target, &one};

    naive_net_forward(naive, &batch, false);
    return naive->values[naive->net->nlayers - 1][target];
}

struct naive_conv naive_window_of(const struct naive_net *naive, uint32_t l)
{
    const struct worker_layer *layer = &naive->net->layers[l];
    const struct worker_layer *in = &naive->net->layers[layer->inputs[0]];
    struct naive_conv          shape =
        naive_conv_shape(1, in->channels, in->height, in->width, layer->channels, layer->kernel,
                         layer->stride, layer->pad);

    if (layer->kind == WORKER_CONV)
        naive_conv_pad(&shape, layer->groups, layer->more);
    return shape;
}

/* What a norm in eval mode multiplies channel c by. */
double naive_norm_factor(const struct naive_net *naive, uint32_t l, size_t c)
{
    return naive_own_parameters(naive, l)[0][c] /
           sqrt(naive->running_variance[l][c] + naive->net->layers[l].epsilon);
}

/* Means, over windows of whatever kind: each input gets its part. */
void naive_mean_backward(const struct naive_net *naive, uint32_t l, const double *dy, double *dx)
{
    const struct worker_layer *layer = &naive->net->layers[l];
    const uint32_t             in = layer->inputs[0];
    struct naive_share         share;

    if (layer->kernel > 0) {
        struct naive_conv shape = naive_window_of(naive, l);

        naive_pool_backward(&shape, false, naive->values[in], dy, dx);
        return;
    }
    share = naive_share_of(naive->net, l, 1);
    naive_share_backward(&share, dy, dx);
}

void naive_clear_gradients(struct naive_net *naive)
{
    for (uint32_t l = 0; l < naive->net->nlayers; l++)
        memset(naive->grads[l], 0, naive_layer_size(naive, l) * sizeof(double));
}

/* The norm whose factor a convolution's weights take in; 0: none. */
static uint32_t norm_after(const struct naive_net *naive, uint32_t conv)
{
    if (worker_net_users(naive->net, conv) == 1)
        for (uint32_t l = conv + 1; l < naive->net->nlayers; l++)
            if (naive->net->layers[l].kind == WORKER_NORM &&
                naive->net->layers[l].inputs[0] == conv)
                return l;
    return 0;
}

/* Every product of one output of a convolution: to[] += share x its positive part, or,
 * with to NULL, their sum. */
static double visit(const struct naive_net *naive, uint32_t l, size_t j, double factor, double *to,
                    double share)
{
    const struct naive_conv shape = naive_window_of(naive, l);
    const double           *x = naive->values[naive->net->layers[l].inputs[0]],
                 *w = naive_own_parameters(naive, l)[0];
    const size_t area = (size_t)shape.out_height * shape.out_width;
    const size_t o = j / area, oy = j % area / shape.out_width, ox = j % shape.out_width;
    const size_t each = shape.in / shape.groups, first = o / (shape.out / shape.groups) * each;
    double       sum = 0;

    for (size_t c = 0; c < each; c++)
        for (size_t ky = 0; ky < shape.kernel; ky++)
            for (size_t kx = 0; kx < shape.kernel; kx++) {
                const size_t y = oy * shape.stride + ky - shape.pad - shape.more[0];
                const size_t xx = ox * shape.stride + kx - shape.pad - shape.more[1];
                size_t       at;
                double       z;

                if (y >= shape.height || xx >= shape.width) /* also below 0 */
                    continue;
                at = ((first + c) * shape.height + y) * shape.width + xx;
                z = factor * x[at] * w[((o * each + c) * shape.kernel + ky) * shape.kernel + kx];
                sum += z > 0 ? z : 0;
                if (to && z > 0)
                    to[at] += share * z;
            }
    return sum;
}

static void relevance_of_conv(struct naive_net *naive, uint32_t l)
{
    const uint32_t norm = norm_after(naive, l);
    const size_t   area = naive_layer_size(naive, l) / naive->net->layers[l].channels;

    for (size_t j = 0; j < naive_layer_size(naive, l); j++) {
        const double factor = norm ? naive_norm_factor(naive, norm, j / area) : 1;
        const double sum = visit(naive, l, j, factor, NULL, 0);

        if (sum > 0)
            visit(naive, l, j, factor, naive->grads[naive->net->layers[l].inputs[0]],
                  naive->grads[l][j] / sum);
    }
}

static void relevance_of_linear(struct naive_net *naive, uint32_t l)
{
    const uint32_t in = naive->net->layers[l].inputs[0];
    const size_t   n = naive_layer_size(naive, in);
    const double  *w = naive_own_parameters(naive, l)[0];

    for (size_t j = 0; j < naive->net->layers[l].channels; j++) {
        const double z = naive->values[l][j];

        for (size_t i = 0; i < n; i++)
            naive->grads[in][i] += naive->values[in][i] * w[j * n + i] /
                                   (z + (z < 0 ? -1e-6 : 1e-6)) * naive->grads[l][j];
    }
}

static void relevance_of(struct naive_net *naive, uint32_t l)
{
    const struct worker_layer *layer = &naive->net->layers[l];
    const uint32_t             a = layer->inputs[0], b = layer->inputs[1];
    const size_t               n = naive_layer_size(naive, l);
    double                    *r = naive->grads[l];

    switch (layer->kind) {
    case WORKER_CONV:
        relevance_of_conv(naive, l);
        break;
    case WORKER_LINEAR:
        relevance_of_linear(naive, l);
        break;
    case WORKER_POOL: /* each value's part of the sum: what the mean of r / mean x comes to */
        for (size_t k = 0; k < n; k++)
            r[k] = naive->values[l][k] > 0 ? r[k] / naive->values[l][k] : 0;
        naive_mean_backward(naive, l, r, naive->grads[a]);
        for (size_t k = 0; k < naive_layer_size(naive, a); k++)
            naive->grads[a][k] *= naive->values[a][k];
        break;
    case WORKER_ADD:
        for (size_t k = 0; k < n; k++) {
            const double x = fmax(naive->values[a][k], 0), y = fmax(naive->values[b][k], 0);

            naive->grads[a][k] += x + y > 0 ? r[k] * x / (x + y) : 0;
            naive->grads[b][k] += x + y > 0 ? r[k] * y / (x + y) : 0;
        }
        break;
    case WORKER_MAX: {
        struct naive_conv shape = naive_window_of(naive, l);

        naive_pool_backward(&shape, true, naive->values[a], r, naive->grads[a]);
        break;
    }
    default:
        for (size_t k = 0; k < n; k++)
            naive->grads[a][k] += r[k];
    }
}

double naive_relevance(struct naive_net *naive, const float *image, uint32_t target, double *map)
{
    const size_t pixels = naive_layer_size(naive, 0) / naive->net->layers[0].channels;
    const double logit = naive_eval_forward(naive, image, target);
    double       sum = 0;

    naive_clear_gradients(naive);
    naive->grads[naive->net->nlayers - 1][target] = logit;
    for (uint32_t l = naive->net->nlayers; l-- > 1;)
        relevance_of(naive, l);
    for (size_t k = 0; k < naive_layer_size(naive, 0); k++) {
        map[k % pixels] += naive->grads[0][k];
        sum += naive->grads[0][k];
    }
    return sum;
}
