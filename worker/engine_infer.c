/* Eval mode: logits, and what the last layer makes them from. */
#include <stdlib.h>
#include <string.h>

#include "worker/engine_parts.h"

static uint32_t last_layer(const struct worker_engine *engine)
{
    return engine->folded.net.nlayers - 1;
}

/* The layer that the last one reads; both of the folded network. */
static uint32_t feature_layer(const struct worker_engine *engine)
{
    return engine->folded.net.layers[last_layer(engine)].inputs[0];
}

/* Where the rows of a call go: to one array, image by image. */
struct rows {
    float              *out;
    size_t              width;  /* floats a row */
    struct kern_tensor *source; /* what they are taken from after each batch ... */
    struct kern_tensor *plain;  /* ... by way of this one, if it lies in another order */
    float              *room;   /* of plain */
};

static void rows_free(const struct worker_engine *engine, struct rows *rows)
{
    kern_tensor_free(rows->plain);
    engine->on->release(engine->nn, rows->room);
}

static int rows_new(struct worker_engine *engine, uint32_t layer, float *out, struct rows *rows,
                    struct mx_err *err)
{
    const struct worker_layer *desc = &engine->folded.net.layers[layer];
    const uint32_t dims[] = {engine->inference.n, desc->channels, desc->height, desc->width};
    const size_t   width = (size_t)desc->channels * desc->height * desc->width;

    *rows = (struct rows){.out = out, .width = width};
    rows->source = engine->inference.layers[layer].tensors.dst;
    if (!(rows->plain = kern_tensor_plain(engine->nn, desc->flat ? 2 : 4, dims, err)))
        return -1;
    if (kern_tensor_same_order(rows->source, rows->plain))
        return 0;
    if (!(rows->room =
              engine->on->alloc(engine->nn, KERN_ALIGN, kern_tensor_bytes(rows->plain), err)))
        return mx_err_prefix(err, "features");
    return kern_tensor_bind(rows->plain, rows->room, err);
}

static int rows_take(const struct worker_engine *engine, const struct rows *rows, uint32_t first,
                     uint32_t n, struct mx_err *err)
{
    const float *from = rows->room ? rows->room : kern_tensor_data(rows->source);

    if (rows->room && kern_tensor_copy(rows->source, rows->plain, err))
        return -1;
    return engine->on->get(engine->nn, rows->out + first * rows->width, from,
                           n * rows->width * sizeof *from, err);
}

/* Up to a full batch; the operations always run over a full one, so that an
 * image has the same bits alone and in company. */
static int run_some(struct worker_engine *engine, const float *images, uint32_t n,
                    struct mx_err *err)
{
    struct engine_plan        *plan = &engine->inference;
    const struct worker_layer *input = &engine->net.layers[0];
    const size_t               image = (size_t)input->channels * input->height * input->width;
    float                     *own = engine_plan_at(plan, plan->memory.layers[0].value);

    if (engine_bring(engine, own, images, n * image, err))
        return -1;
    plan->on->zero(plan->nn, own + n * image, (plan->n - n) * image * sizeof *own);
    return engine_forward(engine, plan, err);
}

static int run_all(struct worker_engine *engine, const float *images, uint32_t n,
                   const struct rows *rows, struct mx_err *err)
{
    const struct worker_layer *input = &engine->net.layers[0];
    const size_t               image = (size_t)input->channels * input->height * input->width;

    for (uint32_t done = 0; done < n;) {
        uint32_t some = n - done < engine->batch_size ? n - done : engine->batch_size;

        if (run_some(engine, images + done * image, some, err) ||
            rows_take(engine, rows, done, some, err))
            return -1;
        done += some;
    }
    return 0;
}

/* The output of a layer for n images, with the weights that are scored. */
static int infer_layer(struct worker_engine *engine, uint32_t layer, const float *images,
                       uint32_t n, float *out, struct mx_err *err)
{
    const enum engine_part scored = engine_state_scored(engine);
    struct rows            rows;
    int                    result = -1;

    if (rows_new(engine, layer, out, &rows, err) || engine_state_show(engine, scored, err))
        goto done;
    if (!engine_fold(engine, scored, err))
        result = run_all(engine, images, n, &rows, err);
    if (engine_state_show(engine, ENGINE_VALUES, result ? NULL : err))
        result = -1;

done:
    rows_free(engine, &rows);
    return result;
}

int worker_engine_infer(struct worker_engine *engine, const float *images, uint32_t n,
                        float *logits, struct mx_err *err)
{
    return infer_layer(engine, last_layer(engine), images, n, logits, err);
}

uint32_t worker_engine_feature_dims(const struct worker_engine *engine)
{
    const struct worker_layer *layer = &engine->folded.net.layers[feature_layer(engine)];

    return layer->channels * layer->height * layer->width;
}

int worker_engine_features(struct worker_engine *engine, const float *images, uint32_t n,
                           float *features, struct mx_err *err)
{
    return infer_layer(engine, feature_layer(engine), images, n, features, err);
}

int worker_engine_head(struct worker_engine *engine, float *weights, float *biases,
                       struct mx_err *err)
{
    const struct engine_parameter *own =
        &engine->parameters[engine->first[engine->net.nlayers - 1]];
    int result;

    if (engine_state_show(engine, engine_state_scored(engine), err))
        return -1;
    result = kern_tensor_read(own[0].value, weights, err);
    if (!result)
        result = engine->on->get(engine->nn, biases, kern_tensor_data(own[1].value),
                                 own[1].info.count * sizeof *biases, err);
    return engine_state_show(engine, ENGINE_VALUES, result ? NULL : err) ? -1 : result;
}
