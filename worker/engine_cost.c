#include <stdlib.h>

#include "kernels/winograd.h"
#include "worker/choices.h"
#include "worker/engine_parts.h"
#include "worker/mix.h"
#include "worker/net.h"
#include "worker/net_fold.h"
#include "worker/net_memory.h"

enum {
    EIGHT = 8,
    HALVES = 13 << 20,  /* bfloat16: in which sums of norms are shared out (kernels/bf16_cuda.c) */
    BLOCK = 16,         /* channels are at most rounded up to this */
    LINE = 64,          /* bytes to which every array is rounded up */
    SCRATCH = 64 << 10, /* bytes that convolutions need while they run */
    /* oneDNN 3 takes more than oneDNN 2 (3.7.2: 3.6 MB more for the many layers of
     * resnet56; for a linear layer 5 to 7 times its images, in rows of 64). */
    LIBRARY = 6 << 20,
    ROWS = 64,
    LINEAR_COPIES = 8,
    TINY = 2 /* pixels a side */
};

static size_t up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

static bool is_half(const struct worker_params *params)
{
    return params->train_precision == WORKER_NET_BF16;
}

/* Multiply-adds of a layer's forward pass for one image, counted as two. */
static double layer_flop(const struct worker_net *net, const struct worker_layer *layer)
{
    const struct worker_layer *in = &net->layers[layer->inputs[0]];
    double                     outputs = (double)layer->channels * layer->height * layer->width;

    if (layer->kind == WORKER_CONV)
        return 2 * outputs * (in->channels / layer->groups) * layer->kernel * layer->kernel;
    if (layer->kind == WORKER_LINEAR)
        return 2 * outputs * in->channels * in->height * in->width;
    return 0;
}

/* Bytes of a layer's output for n images; in bfloat16 (half) channels last and in eights. */
static size_t output_bytes(const struct worker_layer *layer, uint32_t n, bool half)
{
    bool   plain = layer->kind == WORKER_INPUT || layer->flat;
    size_t channels = plain ? layer->channels : up(layer->channels, BLOCK);

    if (half && layer->kind != WORKER_INPUT)
        return up((size_t)n * up(layer->channels, EIGHT) * layer->height * layer->width *
                      (layer->flat ? sizeof(float) : sizeof(uint16_t)),
                  LINE);
    return up((size_t)n * channels * layer->height * layer->width * sizeof(float), LINE);
}

/* Floats of a convolution's weights, channels rounded up. One input channel:
 * depthwise, or grey images. */
static size_t window_floats(const struct worker_layer *layer, const struct worker_layer *in)
{
    const uint32_t inputs = in->channels / layer->groups;

    return up(layer->channels, BLOCK) * (inputs == 1 ? 1 : up(inputs, BLOCK)) * layer->kernel *
           layer->kernel;
}

/* 3x3 convolutions that are made from tiles (kernels/winograd.h), on one thread. */
static bool from_tiles(const struct worker_params *params, const struct worker_net *net,
                       const struct worker_layer *layer)
{
    const struct worker_layer *in = &net->layers[layer->inputs[0]];
    const uint32_t more = layer->more[0] | layer->more[1] | layer->more[2] | layer->more[3];

    return layer->kind == WORKER_CONV && layer->kernel == 3 && layer->stride == 1 &&
           layer->pad == 1 && layer->groups == 1 && !more && params->train_threads == 1 &&
           kern_winograd_fits(&(struct kern_winograd){.in = in->channels,
                                                      .out = layer->channels,
                                                      .height = in->height,
                                                      .width = in->width});
}

/* The parts of the state of a parameter, and some more that stands for the copy in
 * another order and the partial sums that the library keeps, where it does the work. */
static size_t parameter_bytes(const struct worker_params *params, const struct worker_net *net,
                              const struct worker_parameter *parameter, unsigned parts)
{
    const struct worker_layer *layer = &net->layers[parameter->layer];
    size_t                     bytes = up(parameter->count * sizeof(float), LINE);

    if (parameter->ndims == 4)
        return (parts + (from_tiles(params, net, layer) ? 0 : 1)) *
               up(window_floats(layer, &net->layers[layer->inputs[0]]) * sizeof(float), LINE);
    return parts * bytes + bytes / (parameter->ndims == 2 ? 4 : 1);
}

/* Convolutions of images that are hardly larger than a pixel are made as matrix
 * products, from gradients in another order and with much scratch, which
 * operations share. */
static bool is_product(const struct worker_layer *layer)
{
    return layer->kind == WORKER_CONV && layer->kernel > 1 && layer->groups == 1 &&
           layer->width <= TINY;
}

static size_t scratch_bytes(const struct worker_params *params, const struct worker_net *net,
                            const struct worker_layer *layer)
{
    const struct worker_layer *in = &net->layers[layer->inputs[0]];

    if (is_product(layer))
        return 4 * sizeof(float) * window_floats(layer, in);
    return from_tiles(params, net, layer)
               ? kern_winograd_room(in->channels, layer->channels) * sizeof(float)
               : 0;
}

/* What an operation holds besides: a first convolution its images in another
 * order; a depthwise one some of its gradients likewise; a linear layer copies of
 * its input, packed for products; a maximum its place; a norm its statistics. */
static size_t own_bytes(const struct worker_net *net, const struct worker_layer *layer, uint32_t n,
                        bool half)
{
    const struct worker_layer *input = &net->layers[0], *in = &net->layers[layer->inputs[0]];

    switch (layer->kind) {
    case WORKER_CONV:
        if (layer->inputs[0] == 0)
            return SCRATCH + up((size_t)n * up(input->channels, BLOCK) * input->height *
                                    input->width * sizeof(float),
                                LINE);
        if (layer->groups > 1)
            return output_bytes(layer, n, half) / 2;
        return is_product(layer) ? window_floats(layer, in) * sizeof(float) : 0;
    case WORKER_LINEAR:
        return LINEAR_COPIES * up(n, ROWS) * in->channels * in->height * in->width * sizeof(float);
    case WORKER_MAX:
        return output_bytes(layer, n, half) / sizeof(float);
    case WORKER_NORM:
        return 2 * up(layer->channels * sizeof(float), LINE);
    default:
        return 0;
    }
}

static int block_bytes(const struct worker_net *net, uint32_t n, bool half, bool explains,
                       uint64_t *bytes, struct mx_err *err)
{
    const unsigned last = explains ? WORKER_EXPLAIN : WORKER_TRAIN;
    size_t        *outputs = calloc(net->nlayers, sizeof *outputs), most = 0;
    int            result = 0;

    if (!outputs)
        return mx_fail(err, MX_ENOMEM, "no memory to lay out a network");
    for (uint32_t l = 0; l < net->nlayers; l++)
        outputs[l] = output_bytes(&net->layers[l], n, half);
    for (unsigned use = WORKER_INFER; !result && use <= last; use++) {
        struct worker_memory memory;

        result = worker_memory_plan(net, outputs, use, &memory, err);
        most = memory.bytes > most ? memory.bytes : most;
        worker_memory_free(&memory);
    }
    *bytes = up(most, worker_memory_align(most));
    free(outputs);
    return result;
}

/* With `explains` each step has one more pass, forward and back to the images. */
static int add_up(const struct worker_params *params, const struct worker_net *net, bool explains,
                  struct worker_cost *cost, struct mx_err *err)
{
    const uint32_t           n = (uint32_t)params->train_batch_size;
    const unsigned           parts = engine_state_parts(params);
    struct worker_parameter *parameters = NULL;
    size_t                   count = 0, scratch = 0;

    for (uint32_t l = 1; l < net->nlayers; l++) {
        const struct worker_layer *layer = &net->layers[l];
        double                     flop = layer_flop(net, layer);

        cost->infer_flop += flop;
        cost->train_flop += flop * (layer->inputs[0] == 0 ? 2 : 3) + (explains ? 2 * flop : 0);
        cost->memory_bytes += own_bytes(net, layer, n, is_half(params)) * (explains ? 2 : 1);
        if (scratch_bytes(params, net, layer) > scratch)
            scratch = scratch_bytes(params, net, layer);
    }
    cost->memory_bytes += scratch;
    if (worker_net_parameters(net, &parameters, &count, err))
        return -1;
    for (size_t p = 0; p < count; p++) {
        cost->parameters += parameters[p].count;
        cost->memory_bytes += parameter_bytes(params, net, &parameters[p], parts);
    }
    free(parameters);
    return 0;
}

/* Weights and biases with norms in them, beside the weights, for inference. */
static int folded_bytes(const struct worker_net *net, uint64_t *bytes, struct mx_err *err)
{
    struct worker_folded folded;

    *bytes = 0;
    if (worker_net_fold(net, &folded, err))
        return -1;
    for (uint32_t l = 1; l < folded.net.nlayers; l++) {
        const struct worker_layer *layer = &folded.net.layers[l];

        if (folded.origins[l].norm > 0)
            *bytes += up(window_floats(layer, &folded.net.layers[layer->inputs[0]]) * sizeof(float),
                         LINE) +
                      up(layer->channels * sizeof(float), LINE);
    }
    worker_folded_free(&folded);
    return 0;
}

/* Two copies of the largest output that is mixed within the network. */
static uint64_t hidden_bytes(const struct worker_params *params, const struct worker_net *net)
{
    uint64_t most = 0;

    if (!(worker_mix_traits(params) & WORKER_MIX_HIDDEN))
        return 0;
    for (uint32_t k = 0; k < params->mix_layers.count; k++) {
        unsigned word = (unsigned)params->mix_layers.items[k];
        uint32_t layer = word == WORKER_LAYER_INPUT ? 0 : worker_net_stage_end(net, word);
        uint64_t bytes = layer ? output_bytes(&net->layers[layer],
                                              (uint32_t)params->train_batch_size, is_half(params))
                               : 0;

        most = bytes > most ? bytes : most;
    }
    return 2 * most;
}

/* Numbers that the last layer reads of an image. */
static uint32_t feature_dims(const struct worker_net *net)
{
    const struct worker_layer *layer = &net->layers[net->layers[net->nlayers - 1].inputs[0]];

    return layer->channels * layer->height * layer->width;
}

int worker_engine_cost(const struct worker_params *params, const struct worker_shape *shape,
                       struct worker_cost *cost, struct mx_err *err)
{
    struct worker_net net;
    uint64_t          block = 0, folded = 0;
    uint32_t          n = (uint32_t)params->train_batch_size;
    bool              explains = worker_mix_traits(params) & WORKER_MIX_GRADIENT;
    int               result;

    *cost = (struct worker_cost){0};
    if (worker_net_build(params, shape, &net, err))
        return -1;
    result = block_bytes(&net, n, is_half(params), explains, &block, err) ||
                     folded_bytes(&net, &folded, err) || add_up(params, &net, explains, cost, err)
                 ? -1
                 : 0;
    cost->memory_bytes +=
        block + folded + LIBRARY + hidden_bytes(params, &net) + (is_half(params) ? HALVES : 0);
    cost->features = feature_dims(&net);
    worker_net_free(&net);
    return result;
}
