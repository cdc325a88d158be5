/* Batch norms of a plan: alone, or with the sum that they go into. */
#include <string.h>

#include "worker/engine_parts.h"

/* Tensors for the statistics: the batch's own, or the running ones. */
static int choose_statistics(struct worker_engine *engine, struct engine_plan *plan, uint32_t layer,
                             struct mx_err *err)
{
    struct engine_layer *at = &plan->layers[layer];
    const uint32_t       channels = plan->net->layers[layer].channels;

    for (int i = 0; i < 2; i++) {
        if (plan->use == WORKER_TRAIN)
            at->own[i] = kern_tensor_plain(engine->nn, 1, &channels, err);
        at->statistics[i] = plan->use == WORKER_TRAIN
                                ? at->own[i]
                                : engine->running[engine_layer_origin(plan, layer)][i];
        if (!at->statistics[i])
            return -1;
    }
    return 0;
}

int engine_norm_build(struct worker_engine *engine, struct engine_plan *plan, uint32_t layer,
                      struct mx_err *err)
{
    struct engine_layer     *at = &plan->layers[layer];
    struct kern_tensor      *src = plan->layers[plan->net->layers[layer].inputs[0]].tensors.dst;
    struct engine_parameter *own =
        &engine->parameters[engine->first[engine_layer_origin(plan, layer)]];

    at->tensors.src = src;
    at->tensors.weights = own[0].value;
    at->tensors.bias = own[1].value;
    if (choose_statistics(engine, plan, layer, err) ||
        !(at->tensors.dst = kern_tensor_like(src, err)))
        return -1;
    return kern_tensor_channels(src, &at->where, err);
}

/* A norm as kern_norm_forward() takes it; the backward pass adds its own. */
static struct kern_norm norm_of(const struct engine_plan *plan, uint32_t layer)
{
    const struct engine_layer *at = &plan->layers[layer];

    return (struct kern_norm){.x = kern_tensor_data(at->tensors.src),
                              .scale = kern_tensor_data(at->tensors.weights),
                              .shift = kern_tensor_data(at->tensors.bias),
                              .mean = kern_tensor_data(at->statistics[0]),
                              .variance = kern_tensor_data(at->statistics[1]),
                              .epsilon = plan->net->layers[layer].epsilon,
                              .fixed = plan->use != WORKER_TRAIN};
}

static void add_gradients(const struct worker_engine *engine, const struct engine_plan *plan,
                          uint32_t layer, struct kern_norm *norm)
{
    const struct engine_parameter *own = &engine->parameters[engine->first[layer]];

    norm->dx = engine_plan_at(plan, plan->memory.layers[layer].gives[0]);
    if (plan->use == WORKER_TRAIN) {
        norm->dscale = kern_tensor_data(own[0].grad);
        norm->dshift = kern_tensor_data(own[1].grad);
    }
}

/* What runs at layer l: a norm, or a sum with the norms that it absorbed. */
struct at_work {
    struct kern_norm_sum sum;
    struct kern_norm     norms[2];
    uint32_t             layers[2]; /* of the norms */
    int                  count;
};

static void add_norm(const struct engine_plan *plan, uint32_t layer, struct at_work *work)
{
    work->norms[work->count] = norm_of(plan, layer);
    work->layers[work->count] = layer;
    work->sum.norms[work->count] = &work->norms[work->count];
    work->sum.where = plan->layers[layer].where;
    work->count++;
}

/* Into *work, which points into itself; false: no norm runs at this layer. */
static bool find_work(const struct engine_plan *plan, uint32_t layer, struct at_work *work)
{
    const struct worker_layer *desc = &plan->net->layers[layer];
    const struct engine_layer *at = &plan->layers[layer];

    memset(work, 0, sizeof *work);
    work->sum.y = kern_tensor_data(at->tensors.dst);
    work->sum.relu = desc->relu;
    if (desc->kind == WORKER_NORM) {
        add_norm(plan, layer, work);
    } else if (desc->kind == WORKER_ADD) {
        for (int i = 0; i < 2; i++)
            if (worker_memory_absorber(plan->net, plan->use, desc->inputs[i]))
                add_norm(plan, desc->inputs[i], work);
            else
                work->sum.rest = kern_tensor_data(plan->layers[desc->inputs[i]].tensors.dst);
    }
    return work->count > 0;
}

bool engine_norm_forward(const struct engine_plan *plan, uint32_t layer)
{
    struct at_work work;

    if (worker_memory_absorber(plan->net, plan->use, layer))
        return true;
    if (!find_work(plan, layer, &work))
        return false;
    plan->on->norm_forward(plan->nn, &work.sum);
    return true;
}

bool engine_norm_backward(const struct worker_engine *engine, const struct engine_plan *plan,
                          uint32_t layer)
{
    const struct worker_layer_memory *memory = &plan->memory.layers[layer];
    struct kern_norm_gradient         gradient = {0};
    struct at_work                    work;

    if (worker_memory_absorber(plan->net, plan->use, layer))
        return true;
    if (!find_work(plan, layer, &work))
        return false;
    for (int k = 0; k < work.count; k++)
        add_gradients(engine, plan, work.layers[k], &work.norms[k]);
    if (engine_hidden_at(plan, layer)) {
        engine_hidden_backward(plan, layer, plan->net->layers[layer].relu);
        gradient.a = engine_plan_at(plan, memory->grad);
        gradient.masked = true;
    } else {
        gradient.a = engine_plan_at(plan, memory->parts[0]);
        gradient.b = memory->nparts == 2 ? engine_plan_at(plan, memory->parts[1]) : NULL;
        if (plan->net->layers[layer].kind == WORKER_ADD)
            gradient.through = engine_plan_at(plan, memory->grad);
    }
    plan->on->norm_backward(plan->nn, &work.sum, &gradient);
    return true;
}
