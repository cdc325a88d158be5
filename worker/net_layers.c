/* The layers that networks are listed from, and how their shapes follow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/net.h"

/* Add a layer with its input's shape, and return it to be changed; NULL after
 * an error. */
static struct worker_layer *append(struct worker_net *net, enum worker_layer_kind kind,
                                   const char *name, uint32_t input)
{
    struct worker_layer *layer;

    if (net->nlayers == net->room) {
        uint32_t room = net->room ? 2 * net->room : 32;

        layer = net->nlayers && !net->layers ? NULL : realloc(net->layers, room * sizeof *layer);
        if (!layer)
            free(net->layers);
        net->layers = layer;
        net->room = room;
    }
    net->nlayers++;
    if (!net->layers)
        return NULL;
    layer = &net->layers[net->nlayers - 1];
    memset(layer, 0, sizeof *layer);
    if (net->nlayers > 1) {
        layer->channels = net->layers[input].channels;
        layer->height = net->layers[input].height;
        layer->width = net->layers[input].width;
        layer->flat = net->layers[input].flat;
    }
    layer->kind = kind;
    snprintf(layer->name, sizeof layer->name, "%s", name);
    layer->inputs[0] = layer->inputs[1] = input;
    return layer;
}

uint32_t worker_net_input(struct worker_net *net, const struct worker_shape *shape)
{
    struct worker_layer *layer = append(net, WORKER_INPUT, "input", 0);

    if (layer) {
        layer->channels = shape->channels;
        layer->height = shape->height;
        layer->width = shape->width;
    }
    return net->nlayers - 1;
}

/* Rows or columns of a window's output; what does not fit is noted. */
static uint32_t windowed(struct worker_net *net, uint32_t in, const struct worker_window *window,
                         const uint32_t more[2])
{
    const uint32_t padded = in + 2 * window->pad + more[0] + more[1];

    if (padded < window->kernel) {
        net->unfit = true;
        return 1;
    }
    return (padded - window->kernel) / window->stride + 1;
}

/* TensorFlow's SAME: as many outputs as strides begin within the input; an odd
 * row or column of padding comes last. */
static void pad_same(const struct worker_window *window, uint32_t in, uint32_t more[2])
{
    const uint32_t out = (in + window->stride - 1) / window->stride;
    const uint32_t reach = (out - 1) * window->stride + window->kernel;
    const uint32_t lacking = reach > in ? reach - in : 0;

    more[0] = lacking / 2;
    more[1] = lacking - more[0];
}

static void slide(struct worker_net *net, struct worker_layer *layer,
                  const struct worker_window *window)
{
    uint32_t rows[2] = {0, 0}, columns[2] = {0, 0};

    if (window->same) {
        pad_same(window, layer->height, rows);
        pad_same(window, layer->width, columns);
    }
    layer->kernel = window->kernel;
    layer->stride = window->stride;
    layer->pad = window->pad;
    layer->more[0] = rows[0];
    layer->more[1] = columns[0];
    layer->more[2] = rows[1];
    layer->more[3] = columns[1];
    layer->height = windowed(net, layer->height, window, rows);
    layer->width = windowed(net, layer->width, window, columns);
}

uint32_t worker_net_window(struct worker_net *net, const char *name, uint32_t input,
                           uint32_t channels, const struct worker_window *window)
{
    struct worker_layer *layer = append(net, WORKER_CONV, name, input);

    if (layer) {
        layer->groups = window->depthwise ? layer->channels : 1;
        layer->bias = window->bias;
        layer->channels = channels;
        slide(net, layer, window);
    }
    return net->nlayers - 1;
}

uint32_t worker_net_conv(struct worker_net *net, const char *name, uint32_t input,
                         uint32_t channels, uint32_t kernel, uint32_t stride, uint32_t pad)
{
    const struct worker_window window = {.kernel = kernel, .stride = stride, .pad = pad};

    return worker_net_window(net, name, input, channels, &window);
}

uint32_t worker_net_norm(struct worker_net *net, const char *name, uint32_t input, bool relu)
{
    struct worker_layer *layer = append(net, WORKER_NORM, name, input);

    if (layer) {
        layer->relu = relu;
        layer->epsilon = 1e-5;
    }
    return net->nlayers - 1;
}

uint32_t worker_net_add(struct worker_net *net, const char *name, uint32_t a, uint32_t b, bool relu)
{
    struct worker_layer *layer = append(net, WORKER_ADD, name, a);

    if (layer) {
        layer->inputs[1] = b;
        layer->relu = relu;
    }
    return net->nlayers - 1;
}

uint32_t worker_net_relu(struct worker_net *net, const char *name, uint32_t input, float cap,
                         float drop)
{
    struct worker_layer *layer = append(net, WORKER_RELU, name, input);

    if (layer) {
        layer->relu = true;
        layer->cap = cap;
        layer->drop = drop;
    }
    return net->nlayers - 1;
}

uint32_t worker_net_pool(struct worker_net *net, const char *name, uint32_t input)
{
    struct worker_layer *layer = append(net, WORKER_POOL, name, input);

    if (layer)
        layer->height = layer->width = 1;
    return net->nlayers - 1;
}

uint32_t worker_net_pool_to(struct worker_net *net, const char *name, uint32_t input, uint32_t side)
{
    struct worker_layer *layer;

    if (net->layers && net->layers[input].height == side && net->layers[input].width == side)
        return input;
    if ((layer = append(net, WORKER_POOL, name, input))) {
        const struct worker_window window = {.kernel = layer->height / side,
                                             .stride = layer->height / side};

        if (layer->height == layer->width && layer->height % side == 0)
            slide(net, layer, &window);
        else
            layer->height = layer->width = side;
    }
    return net->nlayers - 1;
}

uint32_t worker_net_max(struct worker_net *net, const char *name, uint32_t input, uint32_t kernel,
                        uint32_t stride, uint32_t pad)
{
    const struct worker_window window = {.kernel = kernel, .stride = stride, .pad = pad};
    struct worker_layer       *layer = append(net, WORKER_MAX, name, input);

    if (layer)
        slide(net, layer, &window);
    return net->nlayers - 1;
}

uint32_t worker_net_linear(struct worker_net *net, const char *name, uint32_t input,
                           uint32_t classes)
{
    struct worker_layer *layer = append(net, WORKER_LINEAR, name, input);

    if (layer) {
        layer->channels = classes;
        layer->height = layer->width = 1;
        layer->flat = true;
    }
    return net->nlayers - 1;
}

void worker_net_epsilon(struct worker_net *net, double epsilon)
{
    for (uint32_t l = 0; net->layers && l < net->nlayers; l++)
        if (net->layers[l].kind == WORKER_NORM)
            net->layers[l].epsilon = epsilon;
}
