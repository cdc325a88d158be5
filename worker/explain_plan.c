/* An explainer: operations for one batch size, and where their arrays lie. */
#include "worker/explain_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kern_tensor *explain_hold(struct worker_explainer *explainer, struct kern_tensor *tensor,
                                 enum explain_slot slot, const struct kern_tensor *same,
                                 struct mx_err *err)
{
    if (!tensor)
        return NULL;
    if (explainer->nheld == explainer->room) {
        size_t               room = explainer->room ? 2 * explainer->room : 64;
        struct explain_held *held = realloc(explainer->held, room * sizeof *held);

        if (!held) {
            kern_tensor_free(tensor);
            mx_fail(err, MX_ENOMEM, "no memory to explain a network");
            return NULL;
        }
        explainer->held = held;
        explainer->room = room;
    }
    explainer->held[explainer->nheld++] = (struct explain_held){tensor, same, slot};
    return tensor;
}

static struct kern_tensor *hold_plain(struct worker_explainer *explainer, unsigned ndims,
                                      const uint32_t *dims, struct mx_err *err)
{
    return explain_hold(explainer, kern_tensor_plain(explainer->nn, ndims, dims, err), EXPLAIN_OWN,
                        NULL, err);
}

/* True if layer l is a norm that the convolution before it can take in. */
static bool folds(const struct worker_net *net, uint32_t l)
{
    const uint32_t in = net->layers[l].inputs[0];

    return net->layers[l].kind == WORKER_NORM && net->layers[in].kind == WORKER_CONV &&
           worker_net_users(net, in) == 1;
}

static bool is_positive(const struct worker_explainer *explainer, uint32_t l)
{
    const struct worker_layer *desc = &explainer->net->layers[l];

    return desc->relu || ((desc->kind == WORKER_MAX || desc->kind == WORKER_POOL) &&
                          explainer->layers[desc->inputs[0]].positive);
}

struct kern_op_shape explain_op_shape(const struct worker_layer *layer)
{
    static const enum kern_op_kind kinds[] = {[WORKER_CONV] = KERN_CONV,
                                              [WORKER_NORM] = KERN_NORM,
                                              [WORKER_POOL] = KERN_POOL,
                                              [WORKER_MAX] = KERN_MAX_POOL,
                                              [WORKER_LINEAR] = KERN_LINEAR};
    struct kern_op_shape           shape = {.kind = kinds[layer->kind],
                                            .training = true,
                                            .channels = layer->channels,
                                            .kernel = layer->kernel,
                                            .stride = layer->stride,
                                            .pad = layer->pad,
                                            .side = layer->height,
                                            .groups = layer->groups,
                                            .bias = layer->kind == WORKER_CONV,
                                            .epsilon = (float)layer->epsilon,
                                            .fixed = true};

    memcpy(shape.more, layer->more, sizeof shape.more);
    return shape;
}

/* An earlier output of the same shape, whose order a convolution takes over, so that
 * sums find both operands in one order. */
static struct kern_tensor *like_earlier(const struct worker_explainer *explainer, uint32_t layer)
{
    const struct worker_layer *all = explainer->net->layers, *at = &all[layer];

    for (uint32_t l = 1; l < layer; l++)
        if (!all[l].flat && all[l].channels == at->channels && all[l].height == at->height &&
            all[l].width == at->width)
            return explainer->layers[l].value;
    return NULL;
}

static int build_op(struct worker_explainer *explainer, uint32_t l, struct mx_err *err)
{
    const struct worker_layer *desc = &explainer->net->layers[l];
    struct explain_layer      *at = &explainer->layers[l];
    struct kern_op_shape       shape = explain_op_shape(desc);
    struct kern_op_tensors     tensors = {.src = explainer->layers[desc->inputs[0]].value};
    const bool                 weighted = desc->kind == WORKER_CONV || desc->kind == WORKER_LINEAR;
    struct kern_tensor        *alike = NULL;

    if (weighted || desc->kind == WORKER_NORM)
        at->bias = hold_plain(explainer, 1, &desc->channels, err);
    if (desc->kind == WORKER_NORM) {
        at->weights = hold_plain(explainer, 1, &desc->channels, err);
        at->mean = hold_plain(explainer, 1, &desc->channels, err);
        at->variance = hold_plain(explainer, 1, &desc->channels, err);
        if (!at->weights || !at->mean || !at->variance)
            return -1;
    }
    if ((weighted || desc->kind == WORKER_NORM) && !at->bias)
        return -1;
    if (desc->kind == WORKER_CONV && (alike = like_earlier(explainer, l)) &&
        !(tensors.dst =
              explain_hold(explainer, kern_tensor_like(alike, err), EXPLAIN_OWN, NULL, err)))
        return -1;
    tensors.weights = at->weights;
    tensors.bias = at->bias;
    tensors.mean = at->mean;
    tensors.variance = at->variance;
    alike = tensors.dst;
    at->op = kern_op_new(explainer->nn, &shape, &tensors, err);
    if (weighted && tensors.weights &&
        !explain_hold(explainer, tensors.weights, EXPLAIN_OWN, NULL, err))
        tensors.weights = NULL;
    if (!alike && tensors.dst && !explain_hold(explainer, tensors.dst, EXPLAIN_OWN, NULL, err))
        tensors.dst = NULL;
    at->weights = tensors.weights;
    at->value = tensors.dst;
    return at->op && at->value && (!weighted || at->weights) ? 0 : -1;
}

static int build_layer(struct worker_explainer *explainer, uint32_t l, struct mx_err *err)
{
    const struct worker_layer *desc = &explainer->net->layers[l];
    struct explain_layer      *at = &explainer->layers[l];
    const struct kern_tensor  *in = explainer->layers[desc->inputs[0]].value;

    at->shared = worker_net_users(explainer->net, l) > 1;
    at->positive = is_positive(explainer, l);
    if ((at->folded = folds(explainer->net, l))) {
        at->value = explainer->layers[desc->inputs[0]].value;
        return 0;
    }
    if (desc->kind != WORKER_ADD && desc->kind != WORKER_RELU)
        return build_op(explainer, l, err);
    if (desc->kind == WORKER_ADD &&
        !kern_tensor_same_order(in, explainer->layers[desc->inputs[1]].value))
        return mx_fail(err, MX_EINTERNAL, "the sum %s has operands in different orders",
                       desc->name);
    at->value = explain_hold(explainer, kern_tensor_like(in, err), EXPLAIN_OWN, NULL, err);
    return at->value ? 0 : -1;
}

/* Gradients have memory of their own; what an operation gives goes straight there
 * if nobody else gives to that layer. */
static int build_backward(struct worker_explainer *explainer, uint32_t l, struct mx_err *err)
{
    const struct worker_layer *desc = &explainer->net->layers[l];
    struct explain_layer    *at = &explainer->layers[l], *in = &explainer->layers[desc->inputs[0]];
    struct kern_op_tensors   tensors = {.src = in->value,
                                        .weights = at->weights,
                                        .bias = at->bias,
                                        .mean = at->mean,
                                        .variance = at->variance,
                                        .dst = at->value};
    struct kern_op_gradients gradients = {.dst = at->grad};

    if (!at->op)
        return 0;
    at->gives =
        explain_hold(explainer, kern_tensor_like(in->value, err),
                     in->shared ? EXPLAIN_GIVES : EXPLAIN_OWN, in->shared ? NULL : in->grad, err);
    if (!(gradients.src = at->gives))
        return -1;
    if (desc->kind == WORKER_NORM) { /* it makes gradients of its own in passing */
        gradients.weights = hold_plain(explainer, 1, &desc->channels, err);
        gradients.bias = hold_plain(explainer, 1, &desc->channels, err);
        if (!gradients.weights || !gradients.bias)
            return -1;
    }
    return kern_op_add_backward(at->op, &tensors, &gradients, err);
}

static int build_all(struct worker_explainer *explainer, struct mx_err *err)
{
    const struct worker_net   *net = explainer->net;
    const struct worker_layer *input = &net->layers[0];
    const uint32_t dims[] = {explainer->n, input->channels, input->height, input->width};

    explainer->layers[0].shared = worker_net_users(net, 0) > 1;
    if (!(explainer->layers[0].value = hold_plain(explainer, 4, dims, err)))
        return -1;
    for (uint32_t l = 1; l < net->nlayers; l++)
        if (build_layer(explainer, l, err))
            return -1;
    for (uint32_t l = 0; l < net->nlayers; l++) {
        struct explain_layer *at = &explainer->layers[l];

        at->grad = at->folded ? explainer->layers[net->layers[l].inputs[0]].grad
                              : explain_hold(explainer, kern_tensor_like(at->value, err),
                                             EXPLAIN_OWN, NULL, err);
        if (!at->grad)
            return -1;
    }
    for (uint32_t l = net->nlayers; l-- > 1;)
        if (build_backward(explainer, l, err) ||
            (explainer->relevance && explain_relevance_build(explainer, l, err)))
            return -1;
    return 0;
}

static size_t rounded(size_t bytes)
{
    return (bytes + KERN_ALIGN - 1) / KERN_ALIGN * KERN_ALIGN;
}

/* Slots first, then what has memory of its own. */
static int bind_all(struct worker_explainer *explainer, struct mx_err *err)
{
    size_t slots[EXPLAIN_SLOTS] = {0}, offset = 0;

    for (size_t h = 0; h < explainer->nheld; h++) {
        const struct explain_held *held = &explainer->held[h];
        size_t                     bytes = rounded(kern_tensor_bytes(held->tensor));

        if (held->slot == EXPLAIN_OWN)
            explainer->bytes += held->same ? 0 : bytes;
        else if (bytes > slots[held->slot])
            slots[held->slot] = bytes;
    }
    for (int s = 0; s < EXPLAIN_SLOTS; s++) {
        size_t bytes = slots[s];

        slots[s] = offset;
        offset += bytes;
    }
    explainer->bytes += offset;
    if (!(explainer->block = explain_room(explainer, explainer->bytes, true, err)))
        return -1;
    for (size_t h = 0; h < explainer->nheld; h++) {
        const struct explain_held *held = &explainer->held[h];
        float                     *at;

        if (held->same) {
            at = kern_tensor_data(held->same); /* held earlier, so it has its memory */
        } else if (held->slot == EXPLAIN_OWN) {
            at = (float *)(void *)(explainer->block + offset);
            offset += rounded(kern_tensor_bytes(held->tensor));
        } else {
            at = (float *)(void *)(explainer->block + slots[held->slot]);
        }
        if (kern_tensor_bind(held->tensor, at, err))
            return -1;
    }
    return 0;
}

/* The tensor that global pooling reads; before a max-pool, that one's input. */
static uint32_t find_cam(const struct worker_net *net)
{
    uint32_t l = net->nlayers - 1;

    while (l > 0 && net->layers[l].flat)
        l = net->layers[l].inputs[0];
    if (net->layers[l].kind == WORKER_POOL)
        l = net->layers[l].inputs[0];
    if (net->layers[l].kind == WORKER_MAX)
        l = net->layers[l].inputs[0];
    return l;
}

struct worker_explainer_plan worker_explainer_plan(const struct worker_params *params,
                                                   bool                        relevance)
{
    return (struct worker_explainer_plan){.device = (enum worker_device)params->device,
                                          .threads = (unsigned)params->train_threads,
                                          .batch_size = WORKER_MAP_BATCH,
                                          .relevance = relevance};
}

static int open_device(struct worker_explainer *explainer, const struct worker_explainer_plan *plan,
                       struct mx_err *err)
{
    explainer->nn = plan->device == WORKER_DEVICE_CUDA ? kern_nn_new_cuda(KERN_F32, true, err)
                                                       : kern_nn_new(plan->threads, err);
    if (!explainer->nn)
        return -1;
    explainer->on = kern_nn_device(explainer->nn);
    return 0;
}

/* Arrays beside those of layers. */
static int make_room(struct worker_explainer *explainer, struct mx_err *err)
{
    const size_t images = explainer->n * explain_image_floats(explainer) * sizeof(float);
    const size_t maps = explainer->n * explain_pixels(explainer) * sizeof(float);

    if (!(explainer->images = explain_room(explainer, images, true, err)) ||
        !(explainer->maps = explain_room(explainer, maps, true, err)))
        return -1;
    explainer->logits = malloc(explainer->n * explain_classes(explainer) * sizeof(float));
    return explainer->logits ? 0 : mx_fail(err, MX_ENOMEM, "no memory to explain a network");
}

struct worker_explainer *worker_explainer_new(const struct worker_net    *net,
                                              const struct worker_tensor *tensors, size_t count,
                                              const struct worker_explainer_plan *plan,
                                              struct mx_err                      *err)
{
    struct worker_explainer *explainer = calloc(1, sizeof *explainer);

    if (!explainer) {
        mx_fail(err, MX_ENOMEM, "no memory to explain a network");
        return NULL;
    }
    explainer->net = net;
    explainer->n = plan->batch_size;
    explainer->relevance = plan->relevance;
    explainer->cam = find_cam(net);
    if (explainer->n == 0) {
        mx_fail(err, MX_EINVAL, "an explainer for batches without images");
        goto fail;
    }
    if (!(explainer->layers = calloc(net->nlayers, sizeof *explainer->layers))) {
        mx_fail(err, MX_ENOMEM, "no memory to explain a network");
        goto fail;
    }
    if (open_device(explainer, plan, err) || build_all(explainer, err) ||
        bind_all(explainer, err) || make_room(explainer, err) ||
        explain_weights_fill(explainer, tensors, count, err))
        goto fail;
    return explainer;

fail:
    worker_explainer_free(explainer);
    return NULL;
}

void worker_explainer_free(struct worker_explainer *explainer)
{
    if (!explainer)
        return;
    for (uint32_t l = 0; explainer->layers && l < explainer->net->nlayers; l++) {
        kern_op_free(explainer->layers[l].op);
        for (int p = 0; p < 2; p++)
            kern_op_free(explainer->layers[l].part[p].op);
    }
    for (size_t h = 0; h < explainer->nheld; h++)
        kern_tensor_free(explainer->held[h].tensor);
    free(explainer->held);
    free(explainer->layers);
    free(explainer->logits);
    if (explainer->nn) {
        explain_room_free(explainer, explainer->block);
        explain_room_free(explainer, explainer->images);
        explain_room_free(explainer, explainer->maps);
    }
    kern_nn_free(explainer->nn);
    free(explainer);
}

size_t worker_explainer_bytes(const struct worker_explainer *explainer)
{
    const size_t beside = explain_image_floats(explainer) + explain_pixels(explainer);

    return explainer->bytes + kern_nn_bytes(explainer->nn) + explainer->n * beside * sizeof(float);
}
