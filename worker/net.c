#include "worker/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/choices.h"

/* How each architecture is listed. Without a width it has one shape only. */
static const struct arch {
    void (*build)(struct worker_net *, const struct worker_form *, unsigned depth);
    unsigned depth;
    uint32_t width; /* as published */
} archs[] = {
    [WORKER_ARCH_LINEAR] = {worker_net_plain_linear, 1, 1},
    [WORKER_ARCH_RESNET8] = {worker_net_resnet, 8, 16},
    [WORKER_ARCH_RESNET20] = {worker_net_resnet, 20, 16},
    [WORKER_ARCH_RESNET32] = {worker_net_resnet, 32, 16},
    [WORKER_ARCH_RESNET56] = {worker_net_resnet, 56, 16},
    [WORKER_ARCH_RESNET18] = {worker_net_resnet, 18, 64},
    [WORKER_ARCH_RESNET34] = {worker_net_resnet, 34, 64},
    [WORKER_ARCH_RESNET50] = {worker_net_resnet, 50, 64},
    [WORKER_ARCH_WIDE_RESNET28_10] = {worker_net_wide_resnet, 28, 160},
    [WORKER_ARCH_PREACT_RESNET18] = {worker_net_preact_resnet, 18, 64},
    [WORKER_ARCH_VGG11_BN] = {worker_net_vgg, 11, 64},
    [WORKER_ARCH_EFFICIENTNET_LITE0] = {worker_net_efficientnet_lite, 0, 32},
};

enum {
    SMALL_SIDE = 64, /* the largest for which stem auto is cifar */
    LARGEST_SIDE = 1024
};

void worker_net_plain_linear(struct worker_net *net, const struct worker_form *form, unsigned depth)
{
    (void)depth;
    worker_net_linear(net, "fc", 0, form->classes);
}

static void list_layers(unsigned arch, const struct worker_form *form,
                        const struct worker_shape *shape, struct worker_net *net)
{
    memset(net, 0, sizeof *net);
    worker_net_input(net, shape);
    archs[arch].build(net, form, archs[arch].depth);
}

static bool fits(unsigned arch, const struct worker_form *form, struct worker_shape shape,
                 uint32_t side)
{
    struct worker_net net;
    bool              result;

    shape.height = shape.width = side;
    list_layers(arch, form, &shape, &net);
    result = !net.unfit;
    worker_net_free(&net);
    return result;
}

static int refuse_size(unsigned arch, const struct worker_form *form,
                       const struct worker_shape *shape, struct mx_err *err)
{
    uint32_t side = shape->height < shape->width ? shape->height : shape->width;

    while (side < LARGEST_SIDE && !fits(arch, form, *shape, side))
        side++;
    return mx_fail(err, MX_EINVAL,
                   "model.arch %s needs images of at least %u x %u, not %u x %u (set data.size)",
                   worker_archs[arch].word, side, side, shape->height, shape->width);
}

int worker_net_build_form(unsigned arch, const struct worker_form *form,
                          const struct worker_shape *shape, struct worker_net *net,
                          struct mx_err *err)
{
    struct worker_form own = *form;

    memset(net, 0, sizeof *net);
    if (!shape->channels || !shape->height || !shape->width || !form->classes)
        return mx_fail(err, MX_EINVAL, "a network needs images: %u x %u x %u in %u classes",
                       shape->channels, shape->height, shape->width, form->classes);
    if (own.width == 0)
        own.width = archs[arch].width;
    list_layers(arch, &own, shape, net);
    if (!net->layers)
        return mx_fail(err, MX_ENOMEM, "no memory to describe model.arch %s",
                       worker_archs[arch].word);
    if (net->unfit) {
        worker_net_free(net);
        return refuse_size(arch, &own, shape, err);
    }
    return 0;
}

int worker_net_build(const struct worker_params *params, const struct worker_shape *shape,
                     struct worker_net *net, struct mx_err *err)
{
    struct worker_form form = {.classes = shape->classes};

    form.imagenet = params->model_stem == WORKER_STEM_IMAGENET ||
                    (params->model_stem == WORKER_STEM_AUTO &&
                     (shape->height > SMALL_SIDE || shape->width > SMALL_SIDE));
    return worker_net_build_form(params->model_arch, &form, shape, net, err);
}

void worker_net_free(struct worker_net *net)
{
    free(net->layers);
    memset(net, 0, sizeof *net);
}

unsigned worker_layer_parameters(const struct worker_layer *layer)
{
    switch (layer->kind) {
    case WORKER_CONV:
        return layer->bias ? 2 : 1;
    case WORKER_NORM:
    case WORKER_LINEAR:
        return 2;
    default:
        return 0;
    }
}

uint32_t worker_net_users(const struct worker_net *net, uint32_t layer)
{
    uint32_t users = 0;

    for (uint32_t l = 1; l < net->nlayers; l++) {
        users += net->layers[l].inputs[0] == layer;
        users += (net->layers[l].kind == WORKER_ADD || net->layers[l].adds) &&
                 net->layers[l].inputs[1] == layer;
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
        parameter->dims[1] = in->channels / at->groups;
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
    for (uint32_t l = 0; l < net->nlayers; l++) {
        const bool norm = net->layers[l].kind == WORKER_NORM;

        for (unsigned i = 0; i < worker_layer_parameters(&net->layers[l]); i++)
            add_parameter(&list[n++], net, l,
                          i == 0 ? (norm ? WORKER_SCALE : WORKER_WEIGHT)
                                 : (norm ? WORKER_SHIFT : WORKER_BIAS));
    }
    *parameters = list;
    *count = n;
    return 0;
}
