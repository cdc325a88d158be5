/* Mixing within the network: the output of a stage, image by image, in whatever
 * order of its own the library keeps it. */
#include <stdlib.h>
#include <string.h>

#include "worker/engine_parts.h"

/* The layer after which a word of mix.layers mixes; 0: with the images. */
static int find_layer(const struct worker_engine *engine, const struct engine_plan *plan,
                      unsigned word, uint32_t *layer, struct mx_err *err)
{
    *layer = word == WORKER_LAYER_INPUT ? 0 : worker_net_stage_end(&engine->net, word);
    if (word != WORKER_LAYER_INPUT && *layer == 0)
        return mx_fail(err, MX_EINVAL,
                       "model.arch %s has no %s to mix after (set mix.layers: [input])",
                       worker_archs[engine->params.model_arch].word, worker_layers[word].word);
    if (*layer > 0 && !kern_tensor_by_image(plan->layers[*layer].tensors.dst))
        return mx_fail(err, MX_EINTERNAL, "the images after layer %s lie in each other",
                       engine->net.layers[*layer].name);
    return 0;
}

int engine_hidden_new(const struct worker_engine *engine, struct engine_plan *plan,
                      struct mx_err *err)
{
    const struct worker_list *layers = &engine->params.mix_layers;
    struct engine_hidden     *hidden = calloc(1, sizeof *hidden);
    const struct engine_plan *first = &engine->training[0];

    if (!(plan->hidden = hidden))
        goto nomem;
    for (uint32_t k = 0; k < layers->count; k++) {
        unsigned  word = (unsigned)layers->items[k];
        uint32_t *layer = &hidden->layer[word];
        size_t    bytes;

        if (find_layer(engine, plan, word, layer, err))
            return -1;
        bytes = *layer > 0 ? kern_tensor_bytes(plan->layers[*layer].tensors.dst) : 0;
        hidden->bytes = bytes > hidden->bytes ? bytes : hidden->bytes;
    }
    hidden->bytes = (hidden->bytes + KERN_ALIGN - 1) / KERN_ALIGN * KERN_ALIGN;
    if (hidden->bytes == 0)
        return 0;
    if (plan != first && hidden->bytes <= first->hidden->bytes) {
        hidden->unmixed = first->hidden->unmixed;
        hidden->gradient = first->hidden->gradient;
        hidden->lent = true;
        return 0;
    }
    if (plan->on->want(plan->nn, &hidden->unmixed, KERN_ALIGN, hidden->bytes, err) ||
        plan->on->want(plan->nn, &hidden->gradient, KERN_ALIGN, hidden->bytes, err))
        return mx_err_prefix(err, "mixing within the network");
    return 0;
nomem:
    return mx_fail(err, MX_ENOMEM, "no memory to mix %u images within the network", plan->n);
}

void engine_hidden_free(struct engine_plan *plan)
{
    if (!plan->hidden)
        return;
    if (!plan->hidden->lent) {
        plan->on->release(plan->nn, plan->hidden->unmixed);
        plan->on->release(plan->nn, plan->hidden->gradient);
    }
    free(plan->hidden);
}

static struct kern_rows rows_of(const struct worker_batch *batch, size_t floats)
{
    return (struct kern_rows){batch->area, batch->partner, batch->n, floats / batch->n};
}

/* The rows at work, which a device that is not the host has already. */
static struct kern_rows rows_at(const struct engine_plan *plan, size_t floats)
{
    struct kern_rows rows = rows_of(plan->hidden->batch, floats);

    if (!plan->on->host)
        rows.share = NULL;
    return rows;
}

struct kern_rows engine_hidden_rows(const struct engine_plan *plan)
{
    const struct engine_hidden *hidden = plan->hidden;

    return hidden && hidden->batch ? rows_of(hidden->batch, 0) : (struct kern_rows){0};
}

bool engine_hidden_at(const struct engine_plan *plan, uint32_t l)
{
    const struct engine_hidden *hidden = plan->hidden;

    return hidden && hidden->batch && hidden->layer[hidden->batch->layer] == l;
}

void engine_hidden_forward(const struct engine_plan *plan, uint32_t l)
{
    const size_t           elements = engine_layer_elements(&plan->layers[l]);
    float                 *out = kern_tensor_data(plan->layers[l].tensors.dst);
    const struct kern_rows rows = rows_at(plan, elements);

    plan->on->copy(plan->nn, plan->hidden->unmixed, out,
                   kern_tensor_bytes(plan->layers[l].tensors.dst));
    plan->on->mix_rows(plan->nn, out, plan->hidden->unmixed, &rows);
}

void engine_hidden_backward(const struct engine_plan *plan, uint32_t l, bool relu)
{
    const struct worker_layer_memory *memory = &plan->memory.layers[l];
    const size_t                      elements = engine_layer_elements(&plan->layers[l]);
    float                            *mixed = plan->hidden->gradient;
    float                            *gradient = engine_plan_at(plan, memory->grad);
    const struct kern_rows            rows = rows_at(plan, elements);

    plan->on->add_backward(plan->nn, mixed, engine_plan_at(plan, memory->parts[0]),
                           memory->nparts == 2 ? engine_plan_at(plan, memory->parts[1]) : NULL,
                           NULL, elements);
    plan->on->mix_rows_backward(plan->nn, gradient, mixed, &rows);
    if (relu)
        plan->on->add_backward(plan->nn, gradient, gradient, NULL, plan->hidden->unmixed, elements);
}
