/* Weights with norms in them, for eval mode: made when what they are made from has
 * changed, whoever changed it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "worker/engine_parts.h"

static size_t rounded(const struct kern_tensor *tensor)
{
    return (kern_tensor_bytes(tensor) + KERN_ALIGN - 1) / KERN_ALIGN * KERN_ALIGN;
}

int engine_fold_want(struct worker_engine *engine, struct mx_err *err)
{
    const struct engine_plan *plan = &engine->inference;

    for (uint32_t l = 0; l < plan->net->nlayers; l++)
        for (int i = 0; i < 2 && plan->layers[l].folded[0]; i++)
            engine->folded_bytes += rounded(plan->layers[l].folded[i]);
    if (engine->folded_bytes == 0)
        return 0;
    if (engine->on->want(engine->nn, &engine->folded_state, KERN_ALIGN, engine->folded_bytes, err))
        return mx_err_prefix(err, "folded weights");
    return 0;
}

int engine_fold_bind(struct worker_engine *engine, struct mx_err *err)
{
    const struct engine_plan *plan = &engine->inference;
    size_t                    at = 0;

    if (engine->folded_bytes == 0)
        return 0;
    engine->on->zero(engine->nn, engine->folded_state, engine->folded_bytes);
    for (uint32_t l = 0; l < plan->net->nlayers; l++)
        for (int i = 0; i < 2 && plan->layers[l].folded[0]; i++) {
            if (kern_tensor_bind(plan->layers[l].folded[i], engine->folded_state + at, err))
                return -1;
            at += rounded(plan->layers[l].folded[i]) / sizeof(float);
        }
    return 0;
}

/* What a norm does to a channel, and the bias before it, on the host. */
struct norm_values {
    float *scale, *shift, *mean, *variance, *bias; /* (channels) each, in one array */
};

static int look_at(const struct worker_engine *engine, const struct worker_origin *origin,
                   float *room, struct norm_values *values, struct mx_err *err)
{
    const uint32_t                 n = engine->net.layers[origin->norm].channels;
    const struct engine_parameter *conv = &engine->parameters[engine->first[origin->layer]];
    const struct engine_parameter *own = &engine->parameters[engine->first[origin->norm]];
    const struct kern_tensor      *from[] = {
             own[0].value, own[1].value, engine->running[origin->norm][0],
             engine->running[origin->norm][1],
        engine->net.layers[origin->layer].bias ? conv[1].value : NULL};

    *values = (struct norm_values){room, room + n, room + 2 * (size_t)n, room + 3 * (size_t)n,
                                   room + 4 * (size_t)n};
    for (size_t k = 0; k < sizeof from / sizeof *from; k++)
        if (!from[k])
            memset(room + k * n, 0, n * sizeof *room);
        else if (engine->on->get(engine->nn, room + k * n, kern_tensor_data(from[k]),
                                 n * sizeof *room, err))
            return -1;
    return 0;
}

/* Row-major weights of a convolution, and its bias, times what the norm does. */
static void multiply(const struct worker_engine *engine, const struct worker_origin *origin,
                     const struct norm_values *by, float *plain)
{
    const struct worker_layer     *norm = &engine->net.layers[origin->norm];
    const struct engine_parameter *conv = &engine->parameters[engine->first[origin->layer]];
    const size_t                   per_channel = conv->info.count / norm->channels;

    for (uint32_t c = 0; c < norm->channels; c++) {
        const double factor = (double)by->scale[c] / sqrt((double)by->variance[c] + norm->epsilon);
        const double start = (double)by->bias[c];

        for (size_t k = 0; k < per_channel; k++)
            plain[c * per_channel + k] = (float)(factor * (double)plain[c * per_channel + k]);
        by->bias[c] = (float)(factor * (start - (double)by->mean[c]) + (double)by->shift[c]);
    }
}

static int fold_layer(struct worker_engine *engine, uint32_t l, struct mx_err *err)
{
    const struct engine_layer     *at = &engine->inference.layers[l];
    const struct worker_origin    *origin = &engine->folded.origins[l];
    const struct engine_parameter *weights = &engine->parameters[engine->first[origin->layer]];
    const size_t                   n = engine->net.layers[origin->norm].channels;
    float                         *plain = malloc(weights->info.count * sizeof *plain);
    float                         *room = malloc(5 * n * sizeof *room);
    struct norm_values             by;
    int                            result = -1;

    if (!plain || !room) {
        mx_fail(err, MX_ENOMEM, "no memory to fold %s", weights->info.name);
        goto done;
    }
    if (kern_tensor_read(weights->value, plain, err) || look_at(engine, origin, room, &by, err))
        goto done;
    multiply(engine, origin, &by, plain);
    if (kern_tensor_write(at->folded[0], plain, err) ||
        engine->on->put(engine->nn, kern_tensor_data(at->folded[1]), by.bias, n * sizeof *by.bias,
                        err))
        goto done;
    result = 0;

done:
    free(plain);
    free(room);
    return result;
}

/* What the folded weights are made from, whoever changed it. */
static uint64_t name_of_state(const struct worker_engine *engine, enum engine_part shown)
{
    if (!engine->on->host)
        return 2 * engine->changes + (shown == ENGINE_AVERAGE);
    return mx_hash64(engine->part[shown], engine->part_floats * sizeof(float));
}

int engine_fold(struct worker_engine *engine, enum engine_part shown, struct mx_err *err)
{
    const uint64_t from = name_of_state(engine, shown);

    if (engine->is_folded && engine->folded_from == from)
        return 0;
    engine->is_folded = false;
    for (uint32_t l = 0; l < engine->folded.net.nlayers; l++)
        if (engine->inference.layers[l].folded[0] && fold_layer(engine, l, err))
            return -1;
    engine->folded_from = from;
    engine->is_folded = true;
    return 0;
}
