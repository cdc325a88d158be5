/* Mixing a batch: who meets whom, what is drawn, what becomes of the labels. */
#include <string.h>

#include "worker/batch_parts.h"

/* A permutation of the batch; for second images from the batch before, of that
 * one's first images, which come again where it is the smaller. */
static void draw_partners(struct worker_batch *batch, const struct worker_mix_place *place,
                          bool history)
{
    struct mx_rng rng = worker_mix_rng(place, WORKER_DRAW_PARTNER);
    uint32_t      others = history ? batch->history.n : batch->n;

    mx_rng_permutation(&rng, batch->partner, others < batch->n ? others : batch->n);
    for (uint32_t i = 0; i < batch->n; i++) {
        if (i >= others)
            batch->partner[i] = batch->partner[i - others];
        batch->samples[i].partner = batch->partner[i];
        batch->self_pairs += !history && batch->partner[i] == i;
    }
}

static int look_at_gradient(struct worker_batch *batch, const struct worker_dataset *set,
                            struct mx_err *err)
{
    const struct worker_shape *shape = &set->shape;
    const size_t               image = (size_t)shape->channels * shape->height * shape->width;

    if (batch->feeder && batch_make_images(batch, set, false, err))
        return -1;
    batch_make_here(batch, set, false); /* colours are compared on the host */
    if (!batch->gradient_of.of) {
        memset(batch->gradient, 0, batch->n * image * sizeof *batch->gradient);
        return 0;
    }
    return batch->gradient_of.of(batch->gradient_of.network, worker_batch_shown(batch), batch->y_a,
                                 batch->n, batch->gradient, err);
}

/* The partner's own label, whatever a rule made of it; what comes from the batch
 * before has targets instead. */
static uint32_t other_label(const struct worker_batch *batch, const struct worker_mix *strategy,
                            uint32_t i)
{
    if (strategy->traits & WORKER_MIX_HISTORY)
        return batch->y_a[i];
    return batch->own[batch->partner[i]];
}

static void draw_all(struct worker_batch *batch, const struct worker_params *params,
                     const struct worker_mix *strategy, struct worker_mix_scene *scene)
{
    const struct worker_shape *shape = scene->shape;
    const size_t               plane = (size_t)shape->height * shape->width;
    const bool                 each = params->mix_granularity == WORKER_GRANULARITY_SAMPLE;
    struct worker_mix_draw     draw = worker_mix_blank;

    for (uint32_t i = 0; i < batch->n; i++) {
        if (each)
            scene->place.slot = 1 + i;
        if (i == 0 || each || strategy->traits & WORKER_MIX_EACH) {
            draw = worker_mix_blank;
            scene->i = i;
            scene->mask = batch->masks ? batch->masks + i * plane : NULL;
            scene->recipe = batch->recipes ? batch->recipes + i : NULL;
            scene->moves = batch->moves ? batch->moves + (size_t)i * KERN_MOVES : NULL;
            strategy->draw(scene, &draw);
        }
        worker_mix_apply(batch, i, strategy, &draw, scene->i, params,
                         other_label(batch, strategy, i));
    }
}

/* Targets of images that were mixed with mixed ones. */
static void mix_targets(struct worker_batch *batch, uint32_t classes)
{
    for (uint32_t i = 0; i < batch->n; i++) {
        const float *other = batch->history.targets + (size_t)batch->partner[i] * classes;
        float       *target = batch->mixed_targets + (size_t)i * classes;

        for (uint32_t c = 0; c < classes; c++)
            target[c] = (1 - batch->lambda[i]) * other[c];
        target[batch->y_a[i]] += batch->lambda[i];
    }
    batch->targets = batch->mixed_targets;
}

static bool follows(const struct worker_history *history, const struct batch_name *name)
{
    return history->n > 0 && history->epoch == name->epoch && history->number + 1 == name->number;
}

/* Keep the batch for the next one. */
static void remember(struct worker_batch *batch, const struct worker_shape *shape,
                     const struct batch_name *name)
{
    const size_t           image = (size_t)shape->channels * shape->height * shape->width;
    struct worker_history *history = &batch->history;
    const size_t           targets = (size_t)batch->n * batch->classes;

    if (batch->feeder)
        batch_feed_remember(batch);
    else
        memcpy(history->images, batch->images, batch->n * image * sizeof *batch->images);
    if (batch->targets)
        memcpy(history->targets, batch->targets, targets * sizeof *batch->targets);
    else
        memset(history->targets, 0, targets * sizeof *history->targets);
    for (uint32_t i = 0; !batch->targets && i < batch->n; i++) {
        float *target = history->targets + (size_t)i * shape->classes;

        target[batch->y_a[i]] += batch->lambda[i];
        target[batch->y_b[i]] += 1 - batch->lambda[i];
    }
    history->epoch = name->epoch;
    history->number = name->number;
    history->n = batch->n;
}

int batch_mix(struct worker_batch *batch, const struct worker_params *params,
              const struct worker_dataset *set, const struct batch_name *name, struct mx_err *err)
{
    const unsigned which = worker_mix_strategy(params, name->stream, name->epoch, name->number);
    const struct worker_mix *strategy = &worker_mixes[which];
    const bool               history = strategy->traits & WORKER_MIX_HISTORY;
    struct worker_mix_scene  scene = {.params = params,
                                      .shape = &set->shape,
                                      .place = {name->stream, name->epoch, name->number, 0},
                                      .host = params->mix_labels == WORKER_LABELS_HOST,
                                      .scratch = batch->scratch[which],
                                      .batch = batch,
                                      .set = set};
    const bool mixed = strategy->draw && !(strategy->traits & WORKER_MIX_PAIRS && batch->n < 2) &&
                       (!history || follows(&batch->history, name)) &&
                       worker_mix_whether(params, name->stream, name->epoch, name->number);

    if (mixed) {
        batch->mixed = batch->n;
        batch->noised = batch->recipes && strategy->traits & WORKER_MIX_NOISE;
        if (strategy->traits & WORKER_MIX_PAIRS)
            draw_partners(batch, &scene.place, history);
        if (strategy->traits & WORKER_MIX_GRADIENT && look_at_gradient(batch, set, err))
            return -1;
        draw_all(batch, params, strategy, &scene);
        if (history)
            mix_targets(batch, set->shape.classes);
    }
    if (batch_make_images(batch, set, mixed && history, err))
        return -1;
    if (batch->history.images)
        remember(batch, &set->shape, name);
    return 0;
}
