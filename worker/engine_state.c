/* What a network remembers between steps: weights, momentum, statistics. */
#include "worker/engine_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/choices.h"

static const char *const running_words[] = {"running_mean", "running_var"};

/* Floats of a tensor, rounded so that the next one is aligned. */
static size_t room_of(const struct kern_tensor *tensor)
{
    return (kern_tensor_bytes(tensor) + KERN_ALIGN - 1) / KERN_ALIGN * KERN_ALIGN / sizeof(float);
}

size_t engine_parameter_room(const struct engine_parameter *parameter)
{
    return room_of(parameter->value);
}

/* Which parts a training keeps. */
static bool keeps(const struct worker_params *params, enum engine_part part)
{
    const bool adamw = params->train_optimizer == WORKER_OPTIMIZER_ADAMW;

    switch (part) {
    case ENGINE_MOMENTUM:
        return adamw || params->train_momentum > 0;
    case ENGINE_SQUARES:
        return adamw;
    case ENGINE_AVERAGE:
        return params->train_ema > 0;
    default:
        return true;
    }
}

unsigned engine_state_parts(const struct worker_params *params)
{
    unsigned parts = 0;

    for (unsigned part = 0; part < ENGINE_STATE_PARTS; part++)
        parts += keeps(params, part);
    return parts;
}

enum engine_part engine_state_scored(const struct worker_engine *engine)
{
    return engine->part[ENGINE_AVERAGE] && engine->steps > 0 ? ENGINE_AVERAGE : ENGINE_VALUES;
}

/* Give every parameter its place; returns the floats of a part. */
static size_t place_parameters(struct worker_engine *engine)
{
    size_t floats = 0;

    for (size_t p = 0; p < engine->nparameters; p++) {
        struct engine_parameter *parameter = &engine->parameters[p];

        parameter->floats = kern_tensor_bytes(parameter->value) / sizeof(float);
        parameter->offset = floats;
        floats += room_of(parameter->value);
    }
    for (uint32_t l = 0; l < engine->net.nlayers; l++)
        floats += engine->running[l][0] ? 2 * room_of(engine->running[l][0]) : 0;
    return floats;
}

int engine_state_show(struct worker_engine *engine, enum engine_part part, struct mx_err *err)
{
    float *at = engine->part[part];

    for (size_t p = 0; p < engine->nparameters; p++) {
        if (kern_tensor_bind(engine->parameters[p].value, at, err))
            return -1;
        at += room_of(engine->parameters[p].value);
    }
    for (uint32_t l = 0; l < engine->net.nlayers; l++)
        for (int i = 0; i < 2 && engine->running[l][i]; i++) {
            if (kern_tensor_bind(engine->running[l][i], at, err))
                return -1;
            at += room_of(engine->running[l][i]);
        }
    return 0;
}

static int bind_gradients(struct worker_engine *engine, struct mx_err *err)
{
    for (size_t p = 0; p < engine->nparameters; p++)
        if (kern_tensor_bind(engine->parameters[p].grad,
                             engine->part[ENGINE_GRADIENTS] + engine->parameters[p].offset, err))
            return -1;
    return 0;
}

/* Kaiming normal, fan out of a group, gain sqrt 2, for convolutions, whose biases
 * are 0; U(+-1/sqrt(fan_in)) for linear layers; 1 and 0 for norms (methods.md 0).
 * In row-major order. */
static void draw(const struct worker_net *net, const struct worker_parameter *info,
                 struct mx_rng *rng, float *out)
{
    const struct worker_layer *layer = &net->layers[info->layer];
    const struct worker_layer *in = &net->layers[layer->inputs[0]];
    const uint32_t outputs = layer->groups > 1 ? layer->channels / layer->groups : layer->channels;
    double         fan_out = (double)outputs * layer->kernel * layer->kernel;
    double         fan_in = (double)in->channels * in->height * in->width;

    for (size_t i = 0; i < info->count; i++)
        if (layer->kind == WORKER_CONV && info->role == WORKER_BIAS)
            out[i] = 0;
        else if (layer->kind == WORKER_CONV)
            out[i] = (float)(sqrt(2 / fan_out) * mx_rng_normal(rng));
        else if (layer->kind == WORKER_LINEAR)
            out[i] = (float)((2 * mx_rng_uniform(rng) - 1) / sqrt(fan_in));
        else
            out[i] = info->role == WORKER_SCALE ? 1 : 0;
}

int engine_write(struct worker_engine *engine, struct kern_tensor *tensor, const float *plain,
                 struct mx_err *err)
{
    engine->changes++;
    return kern_tensor_write(tensor, plain, err);
}

static int draw_all(struct worker_engine *engine, struct mx_stream init, struct mx_err *err)
{
    for (size_t p = 0; p < engine->nparameters; p++) {
        const struct worker_parameter *info = &engine->parameters[p].info;
        struct mx_rng                  rng = mx_rng_at(init, (uint32_t)p, 0, 0);
        float                         *plain = malloc(info->count * sizeof *plain);
        int                            failed;

        if (!plain)
            return mx_fail(err, MX_ENOMEM, "no memory to draw %s", info->name);
        draw(&engine->net, info, &rng, plain);
        failed = engine_write(engine, engine->parameters[p].value, plain, err);
        free(plain);
        if (failed)
            return -1;
    }
    return 0;
}

/* Running variances start as 1. */
static int start_variances(struct worker_engine *engine, struct mx_err *err)
{
    for (uint32_t l = 0; l < engine->net.nlayers; l++) {
        const float    one = 1;
        const uint32_t n = engine->net.layers[l].channels;

        for (uint32_t c = 0; engine->running[l][0] && c < n; c++)
            if (engine->on->put(engine->nn, kern_tensor_data(engine->running[l][1]) + c, &one,
                                sizeof one, err))
                return -1;
    }
    return 0;
}

int engine_state_want(struct worker_engine *engine, struct mx_err *err)
{
    engine->part_floats = place_parameters(engine);
    engine->state_bytes = engine_state_parts(&engine->params) * engine->part_floats * sizeof(float);
    if (engine->on->want(engine->nn, &engine->state, KERN_ALIGN, engine->state_bytes, err))
        return mx_err_prefix(err, "weights");
    return 0;
}

int engine_state_new(struct worker_engine *engine, struct mx_stream init, struct mx_err *err)
{
    float *at = engine->state;

    engine->on->zero(engine->nn, engine->state, engine->state_bytes);
    for (unsigned part = 0; part < ENGINE_STATE_PARTS; part++)
        if (keeps(&engine->params, part)) {
            engine->part[part] = at;
            at += engine->part_floats;
        }
    if (bind_gradients(engine, err) || engine_state_show(engine, ENGINE_VALUES, err) ||
        draw_all(engine, init, err))
        return -1;
    return start_variances(engine, err);
}

void engine_state_free(struct worker_engine *engine)
{
    for (size_t p = 0; engine->parameters && p < engine->nparameters; p++) {
        kern_tensor_free(engine->parameters[p].value);
        kern_tensor_free(engine->parameters[p].grad);
    }
    for (uint32_t l = 0; engine->running && l < engine->net.nlayers; l++)
        for (int i = 0; i < 2; i++)
            kern_tensor_free(engine->running[l][i]);
    free(engine->parameters);
    free(engine->running);
    free(engine->first);
    if (engine->on)
        engine->on->release(engine->nn, engine->state);
}

size_t worker_engine_parameter_count(const struct worker_engine *engine)
{
    size_t count = 0;

    for (size_t p = 0; p < engine->nparameters; p++)
        count += engine->parameters[p].info.count;
    return count;
}

/* The numbers of a tensor that is shown lie in `values`, a copy of the host's. */
static bool all_finite(const struct worker_engine *engine, const struct kern_tensor *tensor,
                       const float *values)
{
    const float *data = values + (kern_tensor_data(tensor) - engine->part[ENGINE_VALUES]);
    size_t       n = kern_tensor_bytes(tensor) / sizeof *data;
    float        sum = 0; /* 0 x is NaN for an x that is not finite */

    for (size_t i = 0; i < n; i++)
        sum += 0 * data[i];
    return sum == 0;
}

static int check_values(const struct worker_engine *engine, const float *values, struct mx_err *err)
{
    for (size_t p = 0; p < engine->nparameters; p++)
        if (!all_finite(engine, engine->parameters[p].value, values))
            return mx_fail(err, MX_EDIVERGED,
                           "%s is not finite (lower train.lr, or set train.clip_norm)",
                           engine->parameters[p].info.name);
    for (uint32_t l = 0; l < engine->net.nlayers; l++)
        for (int i = 0; i < 2 && engine->running[l][i]; i++)
            if (!all_finite(engine, engine->running[l][i], values))
                return mx_fail(err, MX_EDIVERGED,
                               "%s.%s is not finite (lower train.lr, or set train.clip_norm)",
                               engine->net.layers[l].name, running_words[i]);
    return 0;
}

int worker_engine_check(const struct worker_engine *engine, struct mx_err *err)
{
    const float *from = engine->part[ENGINE_VALUES];
    const size_t bytes = engine->part_floats * sizeof *from;
    float       *copy;
    int          result = -1;

    if (engine->on->host)
        return check_values(engine, from, err);
    if (!(copy = malloc(bytes)))
        return mx_fail(err, MX_ENOMEM, "no memory to look at %zu bytes of weights", bytes);
    if (!engine->on->get(engine->nn, copy, from, bytes, err))
        result = check_values(engine, copy, err);
    free(copy);
    return result;
}

static int export_statistics(const struct worker_engine *engine, uint32_t layer,
                             struct worker_tensor *out, struct mx_err *err)
{
    const struct worker_layer *desc = &engine->net.layers[layer];

    for (int i = 0; i < 2; i++) {
        snprintf(out[i].name, sizeof out[i].name, "%s.%s", desc->name, running_words[i]);
        out[i].ndims = 1;
        out[i].dims[0] = desc->channels;
        if (!(out[i].data = malloc(desc->channels * sizeof *out[i].data)))
            return mx_fail(err, MX_ENOMEM, "no memory to export %s", out[i].name);
        if (engine->on->get(engine->nn, out[i].data, kern_tensor_data(engine->running[layer][i]),
                            desc->channels * sizeof *out[i].data, err))
            return -1;
    }
    return 0;
}

static int export_shown(struct worker_engine *engine, struct worker_tensor **tensors, size_t *count,
                        struct mx_err *err)
{
    size_t                room = engine->nparameters + 2 * (size_t)engine->net.nlayers, n = 0;
    struct worker_tensor *list = calloc(room + 1, sizeof *list);

    if (!list)
        return mx_fail(err, MX_ENOMEM, "no memory to export a network");
    for (size_t p = 0; p < engine->nparameters; p++, n++) {
        const struct worker_parameter *info = &engine->parameters[p].info;

        memcpy(list[n].name, info->name, sizeof list[n].name);
        list[n].ndims = info->ndims;
        memcpy(list[n].dims, info->dims, sizeof list[n].dims);
        if (!(list[n].data = malloc(info->count * sizeof(float)))) {
            mx_fail(err, MX_ENOMEM, "no memory to export %s", info->name);
            goto fail;
        }
        if (kern_tensor_read(engine->parameters[p].value, list[n].data, err))
            goto fail;
    }
    for (uint32_t l = 0; l < engine->net.nlayers; l++)
        if (engine->running[l][0]) {
            if (export_statistics(engine, l, &list[n], err))
                goto fail;
            n += 2;
        }
    *tensors = list;
    *count = n;
    return 0;

fail:
    worker_tensors_free(list, room);
    return -1;
}

int worker_engine_export(struct worker_engine *engine, struct worker_tensor **tensors,
                         size_t *count, struct mx_err *err)
{
    int result;

    if (engine_state_show(engine, engine_state_scored(engine), err))
        return -1;
    result = export_shown(engine, tensors, count, err);
    return engine_state_show(engine, ENGINE_VALUES, result ? NULL : err) ? -1 : result;
}

void worker_tensors_free(struct worker_tensor *tensors, size_t count)
{
    for (size_t t = 0; tensors && t < count; t++)
        free(tensors[t].data);
    free(tensors);
}
