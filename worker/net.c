#include "worker/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/choices.h"

/* Add a layer like its input, and return it to be changed; NULL after an error. */
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
    if (net->nlayers == 1)
        memset(layer, 0, sizeof *layer);
    else
        *layer = net->layers[input];
    layer->kind = kind;
    snprintf(layer->name, sizeof layer->name, "%s", name);
    layer->inputs[0] = layer->inputs[1] = input;
    layer->kernel = layer->stride = layer->pad = 0;
    layer->relu = false;
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

uint32_t worker_net_conv(struct worker_net *net, const char *name, uint32_t input,
                         uint32_t channels, uint32_t kernel, uint32_t stride, uint32_t pad)
{
    struct worker_layer *layer = append(net, WORKER_CONV, name, input);

    if (layer) {
        layer->channels = channels;
        layer->kernel = kernel;
        layer->stride = stride;
        layer->pad = pad;
        layer->height = (layer->height + 2 * pad - kernel) / stride + 1;
        layer->width = (layer->width + 2 * pad - kernel) / stride + 1;
    }
    return net->nlayers - 1;
}

uint32_t worker_net_norm(struct worker_net *net, const char *name, uint32_t input, bool relu)
{
    struct worker_layer *layer = append(net, WORKER_NORM, name, input);

    if (layer)
        layer->relu = relu;
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

uint32_t worker_net_pool(struct worker_net *net, const char *name, uint32_t input)
{
    struct worker_layer *layer = append(net, WORKER_POOL, name, input);

    if (layer)
        layer->height = layer->width = 1;
    return net->nlayers - 1;
}

uint32_t worker_net_linear(struct worker_net *net, const char *name, uint32_t input,
                           uint32_t classes)
{
    struct worker_layer *layer = append(net, WORKER_LINEAR, name, input);

    if (layer) {
        layer->channels = classes;
        layer->height = layer->width = 1;
    }
    return net->nlayers - 1;
}

void worker_net_plain_linear(struct worker_net *net, const struct worker_shape *shape)
{
    worker_net_linear(net, "fc", 0, shape->classes);
}

int worker_net_build(const struct worker_params *params, const struct worker_shape *shape,
                     struct worker_net *net, struct mx_err *err)
{
    memset(net, 0, sizeof *net);
    if (!shape->channels || !shape->height || !shape->width || !shape->classes)
        return mx_fail(err, MX_EINVAL, "a network needs images: %u x %u x %u in %u classes",
                       shape->channels, shape->height, shape->width, shape->classes);
    worker_net_input(net, shape);
    switch (params->model_arch) {
    case WORKER_ARCH_LINEAR:
        worker_net_plain_linear(net, shape);
        break;
    case WORKER_ARCH_RESNET8:
        worker_net_cifar_resnet(net, shape, 8);
        break;
    case WORKER_ARCH_RESNET20:
        worker_net_cifar_resnet(net, shape, 20);
        break;
    case WORKER_ARCH_RESNET32:
        worker_net_cifar_resnet(net, shape, 32);
        break;
    case WORKER_ARCH_RESNET56:
        worker_net_cifar_resnet(net, shape, 56);
        break;
    default:
        worker_net_free(net);
        return mx_fail(err, MX_EINVAL, "model.arch %s is not built yet; choose linear or resnet20",
                       worker_archs[params->model_arch].word);
    }
    if (!net->layers)
        return mx_fail(err, MX_ENOMEM, "no memory to describe model.arch %s",
                       worker_archs[params->model_arch].word);
    return 0;
}

void worker_net_free(struct worker_net *net)
{
    free(net->layers);
    memset(net, 0, sizeof *net);
}

uint32_t worker_net_users(const struct worker_net *net, uint32_t layer)
{
    uint32_t users = 0;

    for (uint32_t l = 1; l < net->nlayers; l++) {
        users += net->layers[l].inputs[0] == layer;
        users += net->layers[l].kind == WORKER_ADD && net->layers[l].inputs[1] == layer;
    }
    return users;
}

uint32_t worker_net_stage_end(const struct worker_net *net, unsigned stage)
{
    char prefix[WORKER_LAYER_NAME];

    snprintf(prefix, sizeof prefix, "layer%u.", stage);
    for (uint32_t l = net->nlayers; l-- > 1;)
        if (strncmp(net->layers[l].name, prefix, strlen(prefix)) == 0)
            return l;
    return 0;
}

static void add_parameter(struct worker_parameter *parameter, const struct worker_net *net,
                          uint32_t layer, enum worker_parameter_role role)
{
    const struct worker_layer *at = &net->layers[layer], *in = &net->layers[at->inputs[0]];
    bool                       weight = role == WORKER_WEIGHT || role == WORKER_SCALE;

    snprintf(parameter->name, sizeof parameter->name, "%s.%s", at->name,
             weight ? "weight" : "bias");
    parameter->role = role;
    parameter->layer = layer;
    parameter->ndims = 1;
    parameter->dims[0] = at->channels;
    if (role == WORKER_WEIGHT && at->kind == WORKER_CONV) {
        parameter->ndims = 4;
        parameter->dims[1] = in->channels;
        parameter->dims[2] = parameter->dims[3] = at->kernel;
    } else if (role == WORKER_WEIGHT) {
        parameter->ndims = 2;
        parameter->dims[1] = in->channels * in->height * in->width;
    }
    parameter->count = 1;
    for (uint32_t d = 0; d < parameter->ndims; d++)
        parameter->count *= parameter->dims[d];
}

int worker_net_parameters(const struct worker_net *net, struct worker_parameter **parameters,
                          size_t *count, struct mx_err *err)
{
    struct worker_parameter *list = calloc(2 * (size_t)net->nlayers, sizeof *list);
    size_t                   n = 0;

    if (!list)
        return mx_fail(err, MX_ENOMEM, "no memory to list the parameters of a network");
    for (uint32_t l = 0; l < net->nlayers; l++)
        switch (net->layers[l].kind) {
        case WORKER_CONV:
            add_parameter(&list[n++], net, l, WORKER_WEIGHT);
            break;
        case WORKER_NORM:
            add_parameter(&list[n++], net, l, WORKER_SCALE);
            add_parameter(&list[n++], net, l, WORKER_SHIFT);
            break;
        case WORKER_LINEAR:
            add_parameter(&list[n++], net, l, WORKER_WEIGHT);
            add_parameter(&list[n++], net, l, WORKER_BIAS);
            break;
        default:
            break;
        }
    *parameters = list;
    *count = n;
    return 0;
}
