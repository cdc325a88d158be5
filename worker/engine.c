#include "worker/engine_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/choices.h"
#include "worker/mix.h"
#include "worker/tally.h"

static const double statistics_rate = 0.1; /* "momentum" of batch norm, methods.md 0 */

/* Make the lists of parameters and running statistics; conv and linear weights
 * wait for the first plan, which chooses their order. */
static int list_parameters(struct worker_engine *engine, struct mx_err *err)
{
    const struct worker_net *net = &engine->net;
    struct worker_parameter *infos = NULL;
    int                      result = -1;

    if (worker_net_parameters(net, &infos, &engine->nparameters, err))
        return -1;
    engine->parameters = calloc(engine->nparameters, sizeof *engine->parameters);
    engine->first = calloc(net->nlayers, sizeof *engine->first);
    engine->running = calloc(net->nlayers, sizeof engine->running[0]);
    if (!engine->parameters || !engine->first || !engine->running) {
        mx_fail(err, MX_ENOMEM, "no memory for %zu parameters", engine->nparameters);
        goto done;
    }
    for (size_t p = engine->nparameters; p-- > 0;) {
        struct engine_parameter *parameter = &engine->parameters[p];

        parameter->info = infos[p];
        engine->first[infos[p].layer] = (uint32_t)p;
        if (infos[p].role != WORKER_WEIGHT &&
            !(parameter->value = kern_tensor_plain(engine->nn, 1, infos[p].dims, err)))
            goto done;
    }
    for (uint32_t l = 0; l < net->nlayers; l++)
        for (uint32_t i = 0; net->layers[l].kind == WORKER_NORM && i < 2; i++)
            if (!(engine->running[l][i] =
                      kern_tensor_plain(engine->nn, 1, &net->layers[l].channels, err)))
                goto done;
    result = 0;

done:
    free(infos);
    return result;
}

static const enum kern_precision precisions[] = {
    [WORKER_NET_F32] = KERN_F32, [WORKER_NET_TF32] = KERN_TF32, [WORKER_NET_BF16] = KERN_BF16};

/* What only a GPU has; the sweep's own checks come before. */
static int check_precision(const struct worker_params *params, enum worker_device device,
                           struct mx_err *err)
{
    if (device == WORKER_DEVICE_CUDA || params->train_precision == WORKER_NET_F32)
        return 0;
    return mx_fail(err, MX_EINVAL, "train.precision %s needs a GPU: a CPU computes in f32",
                   worker_net_precisions[params->train_precision].word);
}

static int open_device(struct worker_engine *engine, enum worker_device device, struct mx_err *err)
{
    const struct worker_params *params = &engine->params;

    if (check_precision(params, device, err))
        return -1;
    engine->nn = device == WORKER_DEVICE_CUDA
                     ? kern_nn_new_cuda(precisions[params->train_precision],
                                        params->train_deterministic, err)
                     : kern_nn_new((unsigned)params->train_threads, err);
    if (!engine->nn)
        return -1;
    engine->on = kern_nn_device(engine->nn);
    engine->on->collect(engine->nn);
    return 0;
}

/* Room for a batch, and for what is looked at of it, where the host's own cannot be used. */
static int make_windows(struct worker_engine *engine, struct mx_err *err)
{
    const struct worker_layer *in = &engine->net.layers[0];
    const size_t floats = (size_t)engine->batch_size * in->channels * in->height * in->width;
    const size_t classes = engine->net.layers[engine->net.nlayers - 1].channels;

    if (engine->on->host)
        return 0;
    if (engine->on->want(engine->nn, &engine->images, KERN_ALIGN, floats * sizeof(float), err))
        return mx_err_prefix(err, "images of a batch");
    if (engine->on->want(engine->nn, &engine->now, KERN_ALIGN, sizeof *engine->now, err))
        return mx_err_prefix(err, "numbers of a step");
    if (!(engine->seen = malloc(engine->batch_size * classes * sizeof *engine->seen)))
        return mx_fail(err, MX_ENOMEM, "no memory for logits");
    return 0;
}

struct worker_engine *engine_new(const struct worker_params *params, enum worker_device device,
                                 struct worker_net *net, uint32_t batch_size, struct mx_stream init,
                                 struct mx_err *err)
{
    struct worker_engine *engine = calloc(1, sizeof *engine);

    if (!engine) {
        worker_net_free(net);
        mx_fail(err, MX_ENOMEM, "no memory for an engine");
        return NULL;
    }
    engine->params = *params;
    engine->batch_size = batch_size;
    engine->init = init;
    engine->net = *net;
    memset(net, 0, sizeof *net);
    if (open_device(engine, device, err) || list_parameters(engine, err) ||
        make_windows(engine, err) ||
        engine_plan_build(engine, &engine->training[0], batch_size, WORKER_TRAIN, err) ||
        worker_net_fold(&engine->net, &engine->folded, err) ||
        engine_plan_build(engine, &engine->inference, batch_size, WORKER_INFER, err) ||
        (worker_mix_traits(params) & WORKER_MIX_GRADIENT &&
         engine_plan_build(engine, &engine->explaining, batch_size, WORKER_EXPLAIN, err)) ||
        engine_make_memory(engine, err) || engine_state_new(engine, init, err))
        goto fail;
    return engine;

fail:
    worker_engine_free(engine);
    return NULL;
}

struct worker_engine *worker_engine_new(const struct worker_params *params,
                                        const struct worker_shape *shape, uint32_t batch_size,
                                        struct mx_stream init, struct mx_err *err)
{
    struct worker_net net;

    if (worker_net_build(params, shape, &net, err))
        return NULL;
    return engine_new(params, (enum worker_device)params->device, &net, batch_size, init, err);
}

void worker_engine_free(struct worker_engine *engine)
{
    if (!engine)
        return;
    for (int p = 0; p < ENGINE_PLANS; p++)
        engine_plan_free(&engine->training[p]);
    engine_plan_free(&engine->inference);
    engine_plan_free(&engine->explaining);
    engine_state_free(engine);
    if (engine->on) {
        engine->on->release(engine->nn, engine->block);
        engine->on->release(engine->nn, engine->statistics);
        engine->on->release(engine->nn, engine->folded_state);
        engine->on->release(engine->nn, engine->images);
        engine->on->release(engine->nn, engine->now);
    }
    free(engine->seen);
    free(engine->shadow);
    worker_net_free(&engine->net);
    worker_folded_free(&engine->folded);
    kern_nn_free(engine->nn);
    free(engine);
}

/* The plan for batches of n images, made if there is none yet. */
static struct engine_plan *plan_for(struct worker_engine *engine, uint32_t n, struct mx_err *err)
{
    struct engine_plan *plan = NULL;

    if (n == 0) {
        mx_fail(err, MX_EINVAL, "a batch without images");
        return NULL;
    }
    if (n > engine->batch_size && !engine->on->host) {
        mx_fail(err, MX_EINVAL, "a batch of %u images for an engine of %u", n, engine->batch_size);
        return NULL;
    }
    for (int p = 0; p < ENGINE_PLANS; p++) {
        plan = &engine->training[p];
        if (plan->n == n)
            return plan;
        if (plan->n == 0)
            break;
    }
    engine_plan_free(plan); /* the last one gives way */
    if (engine_plan_build(engine, plan, n, WORKER_TRAIN, err) ||
        engine_plan_bind(engine, plan, err)) {
        engine_plan_free(plan);
        return NULL;
    }
    return plan;
}

int worker_engine_prepare(struct worker_engine *engine, uint32_t n, struct mx_err *err)
{
    return plan_for(engine, n, err) ? 0 : -1;
}

float *worker_engine_images(struct worker_engine *engine, struct kern_nn **nn)
{
    if (nn)
        *nn = engine->nn;
    return engine->images;
}

int engine_bring(struct worker_engine *engine, float *to, const float *images, size_t floats,
                 struct mx_err *err)
{
    if (engine->on->host || images != engine->images)
        return engine->on->put(engine->nn, to, images, floats * sizeof *to, err);
    engine->on->copy(engine->nn, to, images, floats * sizeof *to);
    return 0;
}

size_t worker_engine_bytes(const struct worker_engine *engine)
{
    size_t bytes = engine->block_bytes + engine->state_bytes + engine->folded_bytes +
                   kern_nn_bytes(engine->nn) + engine->statistics_bytes;

    for (int p = 0; p < ENGINE_PLANS; p++) {
        const struct engine_plan *plan = &engine->training[p];

        bytes += (plan->own_block ? plan->memory.bytes : 0) +
                 (plan->hidden && !plan->hidden->lent ? 2 * plan->hidden->bytes : 0);
    }
    return bytes;
}

float *engine_plan_at(const struct engine_plan *plan, size_t offset)
{
    return (float *)(void *)(plan->block + offset);
}

size_t engine_layer_elements(const struct engine_layer *layer)
{
    return kern_tensor_elements(layer->tensors.dst);
}

static void activate(const struct worker_engine *engine, const struct engine_plan *plan, uint32_t l)
{
    const struct worker_layer *desc = &plan->net->layers[l];
    const size_t               n = engine_layer_elements(&plan->layers[l]);
    float                     *out = kern_tensor_data(plan->layers[l].tensors.dst);

    plan->on->relu(plan->nn, out, kern_tensor_data(plan->layers[desc->inputs[0]].tensors.dst), n,
                   desc->cap);
    if (desc->drop > 0 && plan->use == WORKER_TRAIN) {
        struct mx_rng rng = mx_rng_at(engine->init, ENGINE_DROPOUT | l, (uint32_t)engine->steps,
                                      (uint32_t)(engine->steps >> 32));

        if (plan->on->host)
            plan->on->dropout(plan->nn, out, n, desc->drop, rng);
        else
            plan->on->dropout_now(plan->nn, out, n, desc->drop, rng, engine->now);
    }
}

static int run_layer(struct worker_engine *engine, struct engine_plan *plan, uint32_t l,
                     struct mx_err *err)
{
    const struct worker_layer *desc = &plan->net->layers[l];
    const struct engine_layer *layer = &plan->layers[l];

    if (engine_norm_forward(plan, l))
        return 0;
    if (layer->op)
        return kern_op_forward(layer->op, err);
    if (desc->kind == WORKER_RELU)
        activate(engine, plan, l);
    else
        plan->on->add(plan->nn, kern_tensor_data(layer->tensors.dst),
                      kern_tensor_data(plan->layers[desc->inputs[0]].tensors.dst),
                      kern_tensor_data(plan->layers[desc->inputs[1]].tensors.dst),
                      engine_layer_elements(layer), desc->relu);
    return 0;
}

int engine_forward(struct worker_engine *engine, struct engine_plan *plan, struct mx_err *err)
{
    for (uint32_t l = 1; l < plan->net->nlayers; l++) {
        if (run_layer(engine, plan, l, err))
            return -1;
        if (engine_hidden_at(plan, l))
            engine_hidden_forward(plan, l);
    }
    return 0;
}

/* Bring the parts of a layer's gradient together, through its ReLU. */
static void gather(const struct worker_layer *desc, const struct engine_plan *plan, uint32_t l)
{
    const struct worker_layer_memory *memory = &plan->memory.layers[l];
    const struct engine_layer        *layer = &plan->layers[l];
    const float                      *y = desc->relu ? kern_tensor_data(layer->tensors.dst) : NULL;

    if (engine_hidden_at(plan, l))
        engine_hidden_backward(plan, l, y != NULL);
    else if (memory->nparts > 1 || (memory->nparts == 1 && (y || memory->grad != memory->parts[0])))
        plan->on->add_backward(plan->nn, engine_plan_at(plan, memory->grad),
                               engine_plan_at(plan, memory->parts[0]),
                               memory->nparts == 2 ? engine_plan_at(plan, memory->parts[1]) : NULL,
                               y, engine_layer_elements(layer));
    if (desc->kind == WORKER_RELU && (desc->cap > 0 || desc->drop > 0))
        plan->on->relu_backward(plan->nn, engine_plan_at(plan, memory->grad), y,
                                engine_layer_elements(layer), desc->cap,
                                plan->use == WORKER_TRAIN ? desc->drop : 0);
}

int engine_backward(struct worker_engine *engine, struct engine_plan *plan, struct mx_err *err)
{
    for (uint32_t l = plan->net->nlayers; l-- > 1;) {
        if (engine_norm_backward(engine, plan, l))
            continue;
        gather(&plan->net->layers[l], plan, l);
        if (plan->layers[l].op && kern_op_backward(plan->layers[l].op, err))
            return -1;
    }
    if (plan->use == WORKER_EXPLAIN)
        gather(&plan->net->layers[0], plan, 0);
    return 0;
}

void engine_statistics(struct worker_engine *engine, const struct engine_plan *plan)
{
    for (uint32_t l = 1; l < engine->net.nlayers; l++) {
        const struct worker_layer *desc = &engine->net.layers[l];
        double                     count = (double)plan->n * desc->height * desc->width;

        if (desc->kind != WORKER_NORM)
            continue;
        plan->on->running(plan->nn, kern_tensor_data(engine->running[l][0]),
                          kern_tensor_data(plan->layers[l].statistics[0]), desc->channels,
                          statistics_rate, 1);
        plan->on->running(plan->nn, kern_tensor_data(engine->running[l][1]),
                          kern_tensor_data(plan->layers[l].statistics[1]), desc->channels,
                          statistics_rate, count > 1 ? count / (count - 1) : 1);
    }
}

const float *engine_see(struct worker_engine *engine, const struct kern_tensor *logits, uint32_t n,
                        struct mx_err *err)
{
    const float *at = kern_tensor_data(logits);
    const size_t classes = engine->net.layers[engine->net.nlayers - 1].channels;

    if (engine->on->host)
        return at;
    if (engine->on->get(engine->nn, engine->seen, at, n * classes * sizeof *at, err))
        return NULL;
    return engine->seen;
}

/* Let the plan read a batch: where it lies, or a copy on the device. */
static int show_images(struct worker_engine *engine, struct engine_plan *plan,
                       const struct worker_batch *batch, struct mx_err *err)
{
    struct kern_tensor *images = plan->layers[0].tensors.dst;

    if (engine->on->host)
        return kern_tensor_bind(images, batch->images, err);
    if (batch->on_device != engine->images &&
        engine->on->put(engine->nn, engine->images, batch->images, kern_tensor_bytes(images), err))
        return -1;
    return kern_tensor_bind(images, engine->images, err);
}

int engine_show(struct worker_engine *engine, struct engine_plan *plan,
                const struct worker_batch *batch, struct mx_err *err)
{
    const uint32_t classes = engine->net.layers[engine->net.nlayers - 1].channels;

    if (batch->targets && batch->classes != classes)
        return mx_fail(err, MX_EINVAL,
                       "targets of %u classes do not go with a network of %u classes",
                       batch->classes, classes);
    if (plan->hidden)
        plan->hidden->batch = batch->layer == WORKER_LAYER_INPUT ? NULL : batch;
    return show_images(engine, plan, batch, err);
}

struct kern_loss engine_loss(const struct worker_engine *engine, const struct engine_plan *plan,
                             const struct worker_batch *batch)
{
    const uint32_t             last = engine->net.nlayers - 1;
    const struct engine_layer *logits = &plan->layers[last];

    return (struct kern_loss){.logits = kern_tensor_data(logits->tensors.dst),
                              .y_a = batch->y_a,
                              .y_b = batch->y_b,
                              .lambda = batch->lambda,
                              .targets = batch->targets,
                              .smoothing = engine->params.train_label_smoothing,
                              .n = batch->n,
                              .classes = engine->net.layers[last].channels,
                              .gradient = kern_tensor_data(logits->grad)};
}

int engine_look(struct worker_engine *engine, const struct engine_plan *plan,
                const struct worker_batch *batch, double loss, struct mx_err *err)
{
    const uint32_t last = engine->net.nlayers - 1;
    const float   *seen = engine_see(engine, plan->layers[last].tensors.dst, batch->n, err);

    if (!seen)
        return -1;
    engine->hits = worker_batch_hits(batch, seen, engine->net.layers[last].channels);
    if (!isfinite(loss))
        return mx_fail(err, MX_EDIVERGED,
                       "the loss of step %" PRIu64
                       " is not finite (lower train.lr, or set train.clip_norm)",
                       engine->steps);
    return 0;
}

int worker_engine_step(struct worker_engine *engine, const struct worker_batch *batch, double lr,
                       double *loss, struct mx_err *err)
{
    struct engine_plan *plan = plan_for(engine, batch->n, err);
    struct kern_loss    of;

    if (!plan)
        return -1;
    if (!engine->on->host)
        return engine_step_queued(engine, plan, batch, lr, loss, err);
    if (engine_show(engine, plan, batch, err) || engine_forward(engine, plan, err))
        return -1;
    of = engine_loss(engine, plan, batch);
    if (engine->on->loss(engine->nn, &of, loss, err) ||
        engine_look(engine, plan, batch, *loss, err) || engine_backward(engine, plan, err))
        return -1;
    engine_statistics(engine, plan);
    return engine_update(engine, lr, err);
}

double worker_engine_hits(const struct worker_engine *engine)
{
    return engine->hits;
}
