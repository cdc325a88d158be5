#include "worker/engine_parts.h"
#include "worker/mix.h"

#include <stdlib.h>
#include <string.h>

static const enum kern_op_kind op_kinds[] = {[WORKER_CONV] = KERN_CONV,
                                             [WORKER_POOL] = KERN_POOL,
                                             [WORKER_MAX] = KERN_MAX_POOL,
                                             [WORKER_LINEAR] = KERN_LINEAR};

uint32_t engine_layer_origin(const struct engine_plan *plan, uint32_t layer)
{
    return plan->origins ? plan->origins[layer].layer : layer;
}

/* An earlier output of the same shape: its order is kept, so that sums find
 * both operands in one order. NULL: there is none. */
static struct kern_tensor *of_same_shape(const struct worker_net  *net,
                                         const struct engine_plan *plan, uint32_t layer)
{
    const struct worker_layer *at = &net->layers[layer];

    for (uint32_t l = 1; l < layer; l++)
        if (!net->layers[l].flat && net->layers[l].channels == at->channels &&
            net->layers[l].height == at->height && net->layers[l].width == at->width)
            return plan->layers[l].tensors.dst;
    return NULL;
}

static int build_forward(struct worker_engine *engine, struct engine_plan *plan, uint32_t layer,
                         struct mx_err *err)
{
    const struct worker_layer *desc = &plan->net->layers[layer];
    struct engine_layer       *at = &plan->layers[layer];
    struct engine_parameter   *own =
        &engine->parameters[engine->first[engine_layer_origin(plan, layer)]];
    const bool           takes_norm = plan->origins && plan->origins[layer].norm > 0;
    struct kern_op_shape shape = {.kind = op_kinds[desc->kind],
                                  .training = plan->use != WORKER_INFER,
                                  .channels = desc->channels,
                                  .kernel = desc->kernel,
                                  .stride = desc->stride,
                                  .pad = desc->pad,
                                  .side = desc->height,
                                  .groups = desc->groups,
                                  .bias = desc->bias,
                                  .relu = desc->relu,
                                  .cap = desc->cap,
                                  .wide = layer == plan->net->nlayers - 1,
                                  .sum = desc->adds};

    memcpy(shape.more, desc->more, sizeof shape.more);
    at->tensors.src = plan->layers[desc->inputs[0]].tensors.dst;
    if (takes_norm) {
        if (!(at->folded[1] = kern_tensor_plain(engine->nn, 1, &desc->channels, err)))
            return -1;
        at->tensors.bias = at->folded[1];
    } else {
        if (desc->kind == WORKER_CONV || desc->kind == WORKER_LINEAR)
            at->tensors.weights = own[0].value;
        if (worker_layer_parameters(desc) == 2)
            at->tensors.bias = own[1].value;
    }
    if (desc->kind == WORKER_CONV) {
        struct kern_tensor *alike = desc->adds ? plan->layers[desc->inputs[1]].tensors.dst
                                               : of_same_shape(plan->net, plan, layer);

        if (alike && !(at->tensors.dst = kern_tensor_like(alike, err)))
            return -1;
    }
    at->op = kern_op_new(engine->nn, &shape, &at->tensors, err);
    if (takes_norm)
        at->folded[0] = at->tensors.weights;
    else if (desc->kind == WORKER_CONV || desc->kind == WORKER_LINEAR)
        own[0].value = at->tensors.weights; /* made by the first plan that comes here */
    return at->op ? 0 : -1;
}

static int build_relu(const struct worker_net *net, struct engine_plan *plan, uint32_t layer,
                      struct mx_err *err)
{
    const struct kern_tensor *in = plan->layers[net->layers[layer].inputs[0]].tensors.dst;

    plan->layers[layer].tensors.dst = kern_tensor_like(in, err);
    return plan->layers[layer].tensors.dst ? 0 : -1;
}

static int build_add(const struct worker_net *net, struct engine_plan *plan, uint32_t layer,
                     struct mx_err *err)
{
    const struct worker_layer *desc = &net->layers[layer];
    struct kern_tensor        *a = plan->layers[desc->inputs[0]].tensors.dst;

    if (!kern_tensor_same_order(a, plan->layers[desc->inputs[1]].tensors.dst))
        return mx_fail(err, MX_EINTERNAL, "the sum %s has operands in different orders",
                       desc->name);
    plan->layers[layer].tensors.dst = kern_tensor_like(a, err);
    return plan->layers[layer].tensors.dst ? 0 : -1;
}

static int build_layers(struct worker_engine *engine, struct engine_plan *plan, struct mx_err *err)
{
    const struct worker_layer *input = &plan->net->layers[0];
    const uint32_t             dims[] = {plan->n, input->channels, input->height, input->width};

    plan->layers[0].tensors.dst = kern_tensor_plain(engine->nn, 4, dims, err);
    if (!plan->layers[0].tensors.dst)
        return -1;
    for (uint32_t l = 1; l < plan->net->nlayers; l++) {
        const enum worker_layer_kind kind = plan->net->layers[l].kind;

        if (kind == WORKER_ADD    ? build_add(plan->net, plan, l, err)
            : kind == WORKER_RELU ? build_relu(plan->net, plan, l, err)
            : kind == WORKER_NORM ? engine_norm_build(engine, plan, l, err)
                                  : build_forward(engine, plan, l, err))
            return -1;
    }
    return 0;
}

static int plan_memory(struct engine_plan *plan, struct mx_err *err)
{
    const struct worker_net *net = plan->net;
    size_t                  *bytes = calloc(net->nlayers, sizeof *bytes);
    int                      result;

    if (!bytes)
        return mx_fail(err, MX_ENOMEM, "no memory to lay out a network");
    for (uint32_t l = 0; l < net->nlayers; l++)
        bytes[l] = kern_tensor_bytes(plan->layers[l].tensors.dst);
    result = worker_memory_plan(net, bytes, plan->use, &plan->memory, err);
    free(bytes);
    return result;
}

static int parameter_gradients(struct worker_engine *engine, uint32_t layer,
                               struct kern_op_gradients *gradients, struct mx_err *err)
{
    struct engine_parameter *own = &engine->parameters[engine->first[layer]];
    unsigned                 count = worker_layer_parameters(&engine->net.layers[layer]);

    for (unsigned i = 0; i < count; i++)
        if (!own[i].grad && !(own[i].grad = kern_tensor_like(own[i].value, err)))
            return -1;
    gradients->weights = count > 0 ? own[0].grad : NULL;
    gradients->bias = count > 1 ? own[1].grad : NULL;
    return 0;
}

static int build_backward(struct worker_engine *engine, struct engine_plan *plan, uint32_t layer,
                          struct mx_err *err)
{
    struct engine_layer     *at = &plan->layers[layer];
    struct kern_op_gradients gradients = {0};

    if (!(at->grad = kern_tensor_like(at->tensors.dst, err)))
        return -1;
    if (plan->net->layers[layer].kind == WORKER_NORM && plan->use == WORKER_TRAIN)
        return parameter_gradients(engine, layer, &gradients, err);
    if (!at->op)
        return 0;
    if (plan->memory.layers[layer].gives[0] != WORKER_NOWHERE &&
        !(at->gives = kern_tensor_like(at->tensors.src, err)))
        return -1;
    gradients.dst = at->grad;
    gradients.src = at->gives;
    if (plan->use == WORKER_TRAIN && parameter_gradients(engine, layer, &gradients, err))
        return -1;
    return kern_op_add_backward(at->op, &at->tensors, &gradients, err);
}

int engine_plan_build(struct worker_engine *engine, struct engine_plan *plan, uint32_t n,
                      enum worker_memory_use use, struct mx_err *err)
{
    const bool folds = use == WORKER_INFER;
    uint32_t   nlayers;

    memset(plan, 0, sizeof *plan);
    plan->n = n;
    plan->nn = engine->nn;
    plan->on = engine->on;
    plan->use = use;
    plan->net = folds ? &engine->folded.net : &engine->net;
    plan->origins = folds ? engine->folded.origins : NULL;
    nlayers = plan->net->nlayers;
    if (!(plan->layers = calloc(nlayers, sizeof *plan->layers)))
        return mx_fail(err, MX_ENOMEM, "no memory for a network of %u layers", nlayers);
    if (build_layers(engine, plan, err) || plan_memory(plan, err))
        return -1;
    for (uint32_t l = nlayers; use != WORKER_INFER && l-- > 1;)
        if (build_backward(engine, plan, l, err))
            return -1;
    if (use == WORKER_TRAIN && worker_mix_traits(&engine->params) & WORKER_MIX_HIDDEN &&
        engine_hidden_new(engine, plan, err))
        return -1;
    if (use == WORKER_EXPLAIN &&
        !(plan->layers[0].grad = kern_tensor_like(plan->layers[0].tensors.dst, err)))
        return -1;
    return 0;
}

static int bind_at(struct engine_plan *plan, struct kern_tensor *tensor, size_t offset,
                   struct mx_err *err)
{
    if (!tensor || offset == WORKER_NOWHERE)
        return 0;
    return kern_tensor_bind(tensor, (float *)(void *)(plan->block + offset), err);
}

static size_t rounded(size_t bytes)
{
    return (bytes + KERN_ALIGN - 1) / KERN_ALIGN * KERN_ALIGN;
}

size_t engine_plan_statistics(const struct engine_plan *plan)
{
    size_t bytes = 0;

    for (uint32_t l = 0; l < plan->net->nlayers; l++)
        if (plan->layers[l].own[0])
            bytes += 2 * rounded(kern_tensor_bytes(plan->layers[l].own[0]));
    return bytes;
}

static int bind_statistics(const struct worker_engine *engine, struct engine_plan *plan,
                           struct mx_err *err)
{
    size_t at = 0;

    for (uint32_t l = 0; l < plan->net->nlayers; l++)
        for (int i = 0; i < 2 && plan->layers[l].own[0]; i++) {
            if (kern_tensor_bind(plan->layers[l].own[i], engine->statistics + at, err))
                return -1;
            at += rounded(kern_tensor_bytes(plan->layers[l].own[i])) / sizeof(float);
        }
    return 0;
}

int engine_plan_bind(struct worker_engine *engine, struct engine_plan *plan, struct mx_err *err)
{
    plan->block = engine->block;
    if (plan->memory.bytes > engine->block_bytes) {
        plan->block = plan->on->alloc(plan->nn, KERN_ALIGN, plan->memory.bytes, err);
        plan->own_block = true;
        if (!plan->block)
            return mx_err_prefix(err, "activations");
    }
    for (uint32_t l = 0; l < plan->net->nlayers; l++) {
        struct engine_layer              *layer = &plan->layers[l];
        const struct worker_layer_memory *memory = &plan->memory.layers[l];

        if (bind_at(plan, layer->tensors.dst, memory->value, err) ||
            bind_at(plan, layer->grad, memory->grad, err) ||
            bind_at(plan, layer->gives, memory->gives[0], err))
            return -1;
    }
    return bind_statistics(engine, plan, err);
}

void engine_plan_free(struct engine_plan *plan)
{
    for (uint32_t l = 0; plan->layers && l < plan->net->nlayers; l++) {
        struct engine_layer *layer = &plan->layers[l];

        kern_op_free(layer->op);
        kern_tensor_free(layer->tensors.dst);
        kern_tensor_free(layer->grad);
        kern_tensor_free(layer->gives);
        for (int i = 0; i < 2; i++) {
            kern_tensor_free(layer->own[i]);
            kern_tensor_free(layer->folded[i]);
        }
    }
    free(plan->layers);
    worker_memory_free(&plan->memory);
    if (plan->on) {
        plan->on->release(plan->nn, plan->own_block ? plan->block : NULL);
        engine_hidden_free(plan);
        for (int r = 0; r < ENGINE_REPLAYS && !plan->on->host; r++)
            plan->on->replay_free(plan->nn, plan->replays[r].work);
    }
    memset(plan, 0, sizeof *plan);
}
