/* From gradients to weights (methods.md 0, PyTorch's rules). */
#include <math.h>

#include "worker/choices.h"
#include "worker/engine_parts.h"

static const double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8; /* of adamw */
static const double clip_epsilon = 1e-6; /* as in torch.nn.utils.clip_grad_norm_() */

/* By what to multiply the gradient so that its L2 norm, over all parameters, is
 * at most clip_norm. */
static int clip_scale(const struct worker_engine *engine, double *scale, struct mx_err *err)
{
    double squares = 0, sum;

    *scale = 1;
    if (engine->params.train_clip_norm == 0)
        return 0;
    for (size_t p = 0; p < engine->nparameters; p++) {
        if (engine->on->square_sum(engine->nn, kern_tensor_data(engine->parameters[p].grad),
                                   engine->parameters[p].floats, &sum, err))
            return -1;
        squares += sum;
    }
    *scale = engine->params.train_clip_norm / (sqrt(squares) + clip_epsilon);
    if (!(*scale < 1))
        *scale = 1;
    return 0;
}

static double decay_of(const struct worker_engine *engine, const struct engine_parameter *parameter)
{
    return parameter->info.role == WORKER_WEIGHT || engine->params.train_decay_norm_and_bias
               ? engine->params.train_weight_decay
               : 0;
}

static struct kern_now now_of(const struct worker_engine *engine, double lr, double scale)
{
    const double t = (double)engine->steps + 1;

    return (struct kern_now){.lr = (float)lr,
                             .scale = (float)scale,
                             .keep = (float)(1 - lr * engine->params.train_weight_decay),
                             .step = (float)(lr / (1 - pow(beta1, t))),
                             .root = (float)(1 / sqrt(1 - pow(beta2, t))),
                             .steps = {(uint32_t)engine->steps, (uint32_t)(engine->steps >> 32)}};
}

static void step_sgd(struct worker_engine *engine, const struct kern_now *now)
{
    const struct worker_params *params = &engine->params;
    struct kern_sgd             sgd = {.lr = now->lr,
                                       .momentum = (float)params->train_momentum,
                                       .scale = now->scale,
                                       .nesterov = params->train_nesterov,
                                       .first = engine->steps == 0,
                                       .now = engine->now};

    for (size_t p = 0; p < engine->nparameters; p++) {
        const struct engine_parameter *at = &engine->parameters[p];
        float                         *momentum = engine->part[ENGINE_MOMENTUM];

        sgd.decay = (float)decay_of(engine, at);
        engine->on->sgd(engine->nn, &sgd, kern_tensor_data(at->value), kern_tensor_data(at->grad),
                        momentum ? momentum + at->offset : NULL, at->floats);
    }
}

static void step_adamw(struct worker_engine *engine, const struct kern_now *now)
{
    struct kern_adamw adamw = {.beta1 = (float)beta1,
                               .beta2 = (float)beta2,
                               .rest1 = (float)(1 - beta1),
                               .rest2 = (float)(1 - beta2),
                               .epsilon = (float)epsilon,
                               .step = now->step,
                               .root = now->root,
                               .scale = now->scale,
                               .now = engine->now};

    for (size_t p = 0; p < engine->nparameters; p++) {
        const struct engine_parameter *at = &engine->parameters[p];

        adamw.decays = decay_of(engine, at) > 0;
        adamw.keep = adamw.decays ? now->keep : 1;
        engine->on->adamw(engine->nn, &adamw, kern_tensor_data(at->value),
                          kern_tensor_data(at->grad), engine->part[ENGINE_MOMENTUM] + at->offset,
                          engine->part[ENGINE_SQUARES] + at->offset, at->floats);
    }
}

/* The average starts as the weights after the first step, as that of
 * torch.optim.swa_utils.AveragedModel does; statistics are averaged too. */
static void step_average(struct worker_engine *engine)
{
    float       *average = engine->part[ENGINE_AVERAGE];
    const float *values = engine->part[ENGINE_VALUES];

    if (!average)
        return;
    if (engine->steps == 0)
        engine->on->copy(engine->nn, average, values, engine->part_floats * sizeof *average);
    else
        engine->on->average(engine->nn, average, values, engine->params.train_ema,
                            engine->part_floats);
}

static void step(struct worker_engine *engine, const struct kern_now *now)
{
    if (engine->params.train_optimizer == WORKER_OPTIMIZER_ADAMW)
        step_adamw(engine, now);
    else
        step_sgd(engine, now);
    step_average(engine);
}

int engine_update(struct worker_engine *engine, double lr, struct mx_err *err)
{
    struct kern_now now;
    double          scale;

    if (clip_scale(engine, &scale, err))
        return -1;
    now = now_of(engine, lr, scale);
    step(engine, &now);
    engine->steps++;
    engine->changes++;
    return 0;
}

int engine_bring_now(struct worker_engine *engine, double lr, struct mx_err *err)
{
    const struct kern_now now = now_of(engine, lr, 1);

    return engine->on->put(engine->nn, engine->now, &now, sizeof now, err);
}

void engine_queue_update(struct worker_engine *engine)
{
    const struct kern_now nothing = {0}; /* it is on the device */

    /* Of the gradients, what is no parameter's is 0: it was when the state was made. */
    if (engine->params.train_clip_norm > 0)
        engine->on->clip(engine->nn, engine->part[ENGINE_GRADIENTS], engine->part_floats,
                         engine->params.train_clip_norm, clip_epsilon, engine->now);
    step(engine, &nothing);
}
