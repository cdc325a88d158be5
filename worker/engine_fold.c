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

int engine_fold_new(struct worker_engine *engine, struct mx_err *err)
{
    const struct engine_plan *plan = &engine->inference;
    size_t                    at = 0;

    for (uint32_t l = 0; l < plan->net->nlayers; l++)
        for (int i = 0; i < 2 && plan->layers[l].folded[0]; i++)
            engine->folded_bytes += rounded(plan->layers[l].folded[i]);
    if (engine->folded_bytes == 0)
        return 0;
    if (!(engine->folded_state = aligned_alloc(KERN_ALIGN, engine->folded_bytes)))
        return mx_fail(err, MX_ENOMEM, "no memory for %zu bytes of folded weights",
                       engine->folded_bytes);
    memset(engine->folded_state, 0, engine->folded_bytes);
    for (uint32_t l = 0; l < plan->net->nlayers; l++)
        for (int i = 0; i < 2 && plan->layers[l].folded[0]; i++) {
            if (kern_tensor_bind(plan->layers[l].folded[i], engine->folded_state + at, err))
                return -1;
            at += rounded(plan->layers[l].folded[i]) / sizeof(float);
        }
    return 0;
}

/* Row-major weights of a convolution, and its bias, times what the norm does. */
static void multiply(const struct worker_engine *engine, const struct worker_origin *origin,
                     float *plain, float *bias)
{
    const struct worker_layer     *norm = &engine->net.layers[origin->norm];
    const struct engine_parameter *conv = &engine->parameters[engine->first[origin->layer]];
    const struct engine_parameter *own = &engine->parameters[engine->first[origin->norm]];
    const size_t                   per_channel = conv->info.count / norm->channels;
    const float *scale = kern_tensor_data(own[0].value), *shift = kern_tensor_data(own[1].value);
    const float *mean = kern_tensor_data(engine->running[origin->norm][0]);
    const float *variance = kern_tensor_data(engine->running[origin->norm][1]);
    const float *before =
        engine->net.layers[origin->layer].bias ? kern_tensor_data(conv[1].value) : NULL;

    for (uint32_t c = 0; c < norm->channels; c++) {
        const double factor = (double)scale[c] / sqrt((double)variance[c] + norm->epsilon);
        const double start = before ? (double)before[c] : 0;

        for (size_t k = 0; k < per_channel; k++)
            plain[c * per_channel + k] = (float)(factor * (double)plain[c * per_channel + k]);
        bias[c] = (float)(factor * (start - (double)mean[c]) + (double)shift[c]);
    }
}

static int fold_layer(struct worker_engine *engine, uint32_t l, struct mx_err *err)
{
    const struct engine_layer     *at = &engine->inference.layers[l];
    const struct worker_origin    *origin = &engine->folded.origins[l];
    const struct engine_parameter *weights = &engine->parameters[engine->first[origin->layer]];
    float                         *plain = malloc(weights->info.count * sizeof *plain);
    int                            result = -1;

    if (!plain)
        return mx_fail(err, MX_ENOMEM, "no memory to fold %s", weights->info.name);
    if (!engine_copy_plain(engine, weights, weights->value, plain, false, err)) {
        multiply(engine, origin, plain, kern_tensor_data(at->folded[1]));
        result = engine_copy_plain(engine, weights, at->folded[0], plain, true, err);
    }
    free(plain);
    return result;
}

int engine_fold(struct worker_engine *engine, enum engine_part shown, struct mx_err *err)
{
    const uint64_t from = mx_hash64(engine->part[shown], engine->part_floats * sizeof(float));

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
