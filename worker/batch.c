#include "worker/batch.h"

#include <stdbool.h>
#include <stdlib.h>

#include "worker/choices.h"
#include "worker/mix.h"

enum {
    CROP_PADDING = 4,
    DRAW_CROP = 0, /* places in the stream AUGMENT: never renumber */
    DRAW_FLIP = 1,
};

/* What the strategy needs beyond the arrays of every batch. */
static int equip(struct worker_batch *batch, const struct worker_params *params,
                 const struct worker_shape *shape, struct mx_err *err)
{
    const struct worker_mix *strategy = &worker_mixes[params->mix_strategy];

    batch->strategy = params->mix_strategy;
    if (strategy->masks &&
        !(batch->masks = malloc((size_t)batch->room * shape->height * shape->width)))
        return mx_fail(err, MX_ENOMEM, "no memory for the masks of %u images", batch->room);
    if (strategy->scratch_new && !(batch->scratch = strategy->scratch_new(params, shape, err)))
        return -1;
    return 0;
}

struct worker_batch *worker_batch_new(const struct worker_params *params,
                                      const struct worker_shape *shape, uint32_t room,
                                      struct mx_err *err)
{
    struct worker_batch *batch = calloc(1, sizeof *batch);
    size_t               image = (size_t)shape->channels * shape->height * shape->width;

    if (!batch)
        goto nomem;
    batch->room = room;
    batch->y_a = calloc(room, sizeof *batch->y_a);
    batch->y_b = calloc(room, sizeof *batch->y_b);
    batch->lambda = calloc(room, sizeof *batch->lambda);
    batch->partner = calloc(room, sizeof *batch->partner);
    batch->area = calloc(room, sizeof *batch->area);
    batch->samples = calloc(room, sizeof *batch->samples);
    if (!batch->y_a || !batch->y_b || !batch->lambda || !batch->partner || !batch->area ||
        !batch->samples)
        goto nomem;
    if (!(batch->images = kern_cpu()->alloc(room * image * sizeof(float), NULL)))
        goto nomem;
    if (equip(batch, params, shape, err))
        goto fail;
    return batch;

nomem:
    mx_fail(err, MX_ENOMEM, "no memory for a batch of %u images", room);
fail:
    worker_batch_free(batch);
    return NULL;
}

void worker_batch_free(struct worker_batch *batch)
{
    if (!batch)
        return;
    kern_cpu()->release(batch->images);
    free(batch->y_a);
    free(batch->y_b);
    free(batch->lambda);
    free(batch->partner);
    free(batch->area);
    free(batch->samples);
    free(batch->masks);
    if (batch->scratch)
        worker_mixes[batch->strategy].scratch_free(batch->scratch);
    free(batch);
}

/* Place i shows one stored image as it is, with its own label. */
static void place_image(struct worker_batch *batch, uint32_t i, uint32_t image, uint32_t label)
{
    batch->samples[i] = (struct kern_batch_sample){
        .image = image, .partner = i, .outside = {1, 0}, .inside = {1, 0}};
    batch->y_a[i] = batch->y_b[i] = label;
    batch->lambda[i] = batch->area[i] = 1.0f;
    batch->partner[i] = i;
}

static void augment_image(struct kern_batch_sample *sample, unsigned kind, struct mx_stream stream,
                          uint32_t epoch, uint32_t row)
{
    if (kind == WORKER_AUGMENT_FLIP_CROP) {
        struct mx_rng rng = mx_rng_at(stream, epoch, row, DRAW_CROP);

        sample->shift_y = (int32_t)mx_rng_below(&rng, 2 * CROP_PADDING + 1) - CROP_PADDING;
        sample->shift_x = (int32_t)mx_rng_below(&rng, 2 * CROP_PADDING + 1) - CROP_PADDING;
    }
    if (kind == WORKER_AUGMENT_FLIP_CROP || kind == WORKER_AUGMENT_FLIP) {
        struct mx_rng rng = mx_rng_at(stream, epoch, row, DRAW_FLIP);

        sample->flip = mx_rng_uniform(&rng) < 0.5;
    }
}

static void draw_partners(struct worker_batch *batch, const struct worker_mix_place *place)
{
    struct mx_rng rng = worker_mix_rng(place, WORKER_DRAW_PARTNER);

    mx_rng_permutation(&rng, batch->partner, batch->n);
    for (uint32_t i = 0; i < batch->n; i++) {
        batch->samples[i].partner = batch->partner[i];
        batch->self_pairs += batch->partner[i] == i;
    }
}

/* Nothing but the base image. */
static const struct worker_mix_draw blank = {.share = 1, .outside = {1, 0}, .inside = {1, 0}};

static void mix_batch(struct worker_batch *batch, const struct worker_params *params,
                      const struct worker_dataset *set, const uint32_t *order,
                      struct mx_stream stream, uint32_t epoch, uint32_t number)
{
    const struct worker_mix *strategy = &worker_mixes[params->mix_strategy];
    const size_t             plane = (size_t)set->shape.height * set->shape.width;
    struct worker_mix_draw   draw = blank;
    struct worker_mix_scene  scene = {.params = params,
                                      .shape = &set->shape,
                                      .place = {stream, epoch, number, 0},
                                      .host = params->mix_labels == WORKER_LABELS_HOST,
                                      .scratch = batch->scratch,
                                      .batch = batch,
                                      .split = &set->train};

    if (!strategy->draw || (strategy->pairs && batch->n < 2) ||
        !worker_mix_whether(params, stream, epoch, number))
        return;
    batch->mixed = batch->n;
    if (strategy->pairs)
        draw_partners(batch, &scene.place);
    for (uint32_t i = 0; i < batch->n; i++) {
        if (params->mix_granularity == WORKER_GRANULARITY_SAMPLE)
            scene.place.slot = 1 + i;
        if (i == 0 || scene.place.slot != 0) {
            draw = blank;
            scene.i = i;
            scene.mask = batch->masks ? batch->masks + i * plane : NULL;
            strategy->draw(&scene, &draw);
        }
        worker_mix_apply(batch, i, strategy, &draw, scene.i, params->mix_labels,
                         set->train.labels[order[batch->partner[i]]]);
    }
}

static void make_table(float *table, const struct worker_dataset *set)
{
    for (uint32_t c = 0; c < set->shape.channels; c++)
        for (int byte = 0; byte < 256; byte++)
            *table++ = (float)((byte / 255.0 - (double)set->mean[c]) / (double)set->sd[c]);
}

static void make_images(struct worker_batch *batch, const struct worker_dataset *set,
                        const struct worker_split *split)
{
    struct kern_batch_args args = {
        .n = batch->n,
        .channels = set->shape.channels,
        .height = set->shape.height,
        .width = set->shape.width,
        .pixels = split->pixels,
        .table = batch->table,
        .samples = batch->samples,
        .out = batch->images,
        .masks = batch->masks,
    };

    make_table(batch->table, set);
    kern_cpu()->batch(kern_cpu(), &args, NULL);
}

void worker_batch_train(struct worker_batch *batch, const struct worker_params *params,
                        const struct worker_dataset *set, const uint32_t *order, uint32_t n,
                        struct mx_stream augment, struct mx_stream mix_stream, uint32_t epoch,
                        uint32_t number)
{
    batch->n = n;
    batch->mixed = batch->self_pairs = 0;
    for (uint32_t i = 0; i < n; i++) {
        place_image(batch, i, order[i], set->train.labels[order[i]]);
        augment_image(&batch->samples[i], params->data_augment, augment, epoch,
                      set->train.rows[order[i]]);
    }
    mix_batch(batch, params, set, order, mix_stream, epoch, number);
    make_images(batch, set, &set->train);
}

void worker_batch_plain(struct worker_batch *batch, const struct worker_dataset *set,
                        const struct worker_split *split, uint32_t first, uint32_t n)
{
    batch->n = n;
    batch->mixed = batch->self_pairs = 0;
    for (uint32_t i = 0; i < n; i++)
        place_image(batch, i, first + i, split->labels[first + i]);
    make_images(batch, set, split);
}
