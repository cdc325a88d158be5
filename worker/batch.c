#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/augment.h"
#include "worker/batch_parts.h"

enum {
    CROP_PADDING = 4
};

/* Memory for masks, gradients and the batch before, where a strategy needs it. */
static int alloc_for(struct worker_batch *batch, unsigned traits, const struct worker_shape *shape,
                     struct mx_err *err)
{
    const size_t plane = (size_t)batch->room * shape->height * shape->width;
    const size_t images = plane * shape->channels, targets = (size_t)batch->room * shape->classes;
    bool         ok = true;

    if (traits & WORKER_MIX_MASKS) {
        batch->masks = calloc(plane, sizeof *batch->masks);
        batch->moves = calloc((size_t)batch->room * KERN_MOVES, sizeof *batch->moves);
        ok = batch->masks && batch->moves;
    }
    if (traits & WORKER_MIX_GRADIENT)
        ok = (batch->gradient = calloc(images, sizeof *batch->gradient)) && ok;
    if (traits & WORKER_MIX_HISTORY) {
        batch->history.images = calloc(images, sizeof *batch->history.images);
        batch->history.targets = calloc(targets, sizeof *batch->history.targets);
        batch->mixed_targets = calloc(targets, sizeof *batch->mixed_targets);
        ok = batch->history.images && batch->history.targets && batch->mixed_targets && ok;
    }
    return ok ? 0 : mx_fail(err, MX_ENOMEM, "no memory to mix batches of %u images", batch->room);
}

static int equip(struct worker_batch *batch, const struct worker_params *params,
                 const struct worker_shape *shape, struct mx_err *err)
{
    const uint32_t strategies = worker_mix_strategies(params);

    for (unsigned s = 0; s < WORKER_MIXES; s++)
        if (strategies >> s & 1 && worker_mixes[s].scratch_new &&
            !(batch->scratch[s] = worker_mixes[s].scratch_new(params, shape, err)))
            return -1;
    if (worker_augmenter_bytes(params, shape, batch->room) > 0 &&
        !(batch->augmenter = worker_augmenter_new(shape, batch->room, err)))
        return -1;
    return alloc_for(batch, worker_mix_traits(params), shape, err);
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
    batch->classes = shape->classes;
    batch->y_a = calloc(room, sizeof *batch->y_a);
    batch->y_b = calloc(room, sizeof *batch->y_b);
    batch->lambda = calloc(room, sizeof *batch->lambda);
    batch->partner = calloc(room, sizeof *batch->partner);
    batch->area = calloc(room, sizeof *batch->area);
    batch->drawn = calloc(room, sizeof *batch->drawn);
    batch->samples = calloc(room, sizeof *batch->samples);
    batch->own = calloc(room, sizeof *batch->own);
    batch->shown = calloc(room, sizeof *batch->shown);
    if (!batch->own || !batch->shown || !batch->y_a || !batch->y_b || !batch->lambda ||
        !batch->partner || !batch->area || !batch->drawn || !batch->samples)
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
    batch_feeder_free(batch->feeder);
    kern_cpu()->release(batch->images);
    free(batch->recipes);
    free(batch->shown);
    worker_augmenter_free(batch->augmenter);
    free(batch->own);
    free(batch->y_a);
    free(batch->y_b);
    free(batch->lambda);
    free(batch->partner);
    free(batch->area);
    free(batch->drawn);
    free(batch->samples);
    free(batch->masks);
    free(batch->moves);
    free(batch->gradient);
    free(batch->mixed_targets);
    free(batch->history.images);
    free(batch->history.targets);
    for (unsigned s = 0; s < WORKER_MIXES; s++)
        if (worker_mixes[s].scratch_free)
            worker_mixes[s].scratch_free(batch->scratch[s]);
    free(batch);
}

uint64_t worker_batch_bytes(const struct worker_params *params, const struct worker_shape *shape,
                            uint32_t room)
{
    const unsigned traits = worker_mix_traits(params);
    const uint64_t plane = (uint64_t)room * shape->height * shape->width;
    const uint64_t images = plane * shape->channels * sizeof(float);
    uint64_t       bytes = images + worker_augmenter_bytes(params, shape, room);

    if (traits & WORKER_MIX_MASKS)
        bytes += plane + (uint64_t)room * KERN_MOVES * sizeof(uint16_t);
    if (traits & WORKER_MIX_GRADIENT)
        bytes += images;
    if (traits & WORKER_MIX_HISTORY)
        bytes += images + 2 * (uint64_t)room * shape->classes * sizeof(float);
    return bytes;
}

void worker_batch_lend(struct worker_batch *batch, struct worker_gradient gradient_of)
{
    batch->gradient_of = gradient_of;
}

/* Place i shows one image of the split as it is, with its own label. */
static void place_image(struct worker_batch *batch, uint32_t i, const struct worker_split *split,
                        uint32_t image)
{
    batch->samples[i] = (struct kern_batch_sample){
        .image = worker_split_at(split, image), .partner = i, .outside = {1, 0}, .inside = {1, 0}};
    batch->shown[i] = image;
    batch->own[i] = batch->y_a[i] = batch->y_b[i] = split->labels[image];
    batch->lambda[i] = batch->area[i] = batch->drawn[i] = 1.0f;
    batch->partner[i] = i;
}

/* batch_make_table() as lines. Each has another rounding in double precision, and all but never another
 * float for a byte: then it is none. */
static void make_lines(double *lines, const struct worker_dataset *set)
{
    for (uint32_t c = 0; c < set->shape.channels; c++) {
        const double mean = (double)set->mean[c], sd = (double)set->sd[c];
        double      *line = lines + 2 * (size_t)c;

        line[0] = 1 / (255.0 * sd);
        line[1] = -mean / sd;
        for (int byte = 0; byte < 256; byte++)
            if ((float)(byte * line[0] + line[1]) != (float)((byte / 255.0 - mean) / sd))
                line[0] = line[1] = 0;
    }
}

/* One channel in single precision. The high parts have so few bits that a byte's product and sum with
 * them are exact; the low ones are what is left, so that only the last sum rounds, all but never
 * to another float than `table` has: then there are no parts. */
static void split_line(const double line[2], const float table[256], float parts[4])
{
    enum {
        HIGH_BITS = 16 /* and 8 of the byte */
    };
    double unit;
    int    exponent;
    bool   same = true;

    frexp(line[0], &exponent);
    unit = ldexp(1, exponent - HIGH_BITS);
    for (int k = 0; k < 2; k++) {
        parts[k] = (float)(rint(line[k] / unit) * unit);
        parts[2 + k] = (float)(line[k] - (double)parts[k]);
    }
    for (int byte = 0; byte < 256; byte++) {
        const float x = (float)byte;

        same &= (x * parts[0] + parts[1]) + (x * parts[2] + parts[3]) == table[byte];
    }
    if (!same)
        parts[0] = 0;
}

static void augment_image(struct kern_batch_sample *sample, unsigned kind, struct mx_stream stream,
                          uint32_t epoch, uint32_t row)
{
    if (worker_augment_shifts(kind)) {
        struct mx_rng rng = mx_rng_at(stream, epoch, row, WORKER_AUGMENT_SHIFT);

        sample->shift_y = (int32_t)mx_rng_below(&rng, 2 * CROP_PADDING + 1) - CROP_PADDING;
        sample->shift_x = (int32_t)mx_rng_below(&rng, 2 * CROP_PADDING + 1) - CROP_PADDING;
    }
    if (worker_augment_mirrors(kind)) {
        struct mx_rng rng = mx_rng_at(stream, epoch, row, WORKER_AUGMENT_MIRROR);

        sample->flip = mx_rng_uniform(&rng) < 0.5;
    }
}

void batch_make_table(float *table, const struct worker_dataset *set)
{
    for (uint32_t c = 0; c < set->shape.channels; c++)
        for (int byte = 0; byte < 256; byte++)
            *table++ = (float)((byte / 255.0 - (double)set->mean[c]) / (double)set->sd[c]);
}

/* What bytes become, unless it is known from the batch before. */
static void make_values(struct worker_batch *batch, const struct worker_dataset *set)
{
    const uint32_t channels = set->shape.channels;
    const size_t   bytes = channels * sizeof *set->mean;

    if (batch->channels == channels && !memcmp(batch->mean, set->mean, bytes) &&
        !memcmp(batch->sd, set->sd, bytes))
        return;
    memcpy(batch->mean, set->mean, bytes);
    memcpy(batch->sd, set->sd, bytes);
    batch->channels = channels;
    batch_make_table(batch->table, set);
    make_lines(batch->lines, set);
    for (size_t c = 0; c < channels; c++)
        split_line(batch->lines + 2 * c, batch->table + 256 * c, batch->parts + 4 * c);
}

void batch_make_here(struct worker_batch *batch, const struct worker_dataset *set, bool history)
{
    struct kern_batch_args args = {
        .n = batch->n,
        .channels = set->shape.channels,
        .height = set->shape.height,
        .width = set->shape.width,
        .pixels = batch->pixels,
        .table = batch->table,
        .lines = batch->lines,
        .parts = batch->parts,
        .samples = batch->samples,
        .out = batch->images,
        .masks = batch->masks,
        .moves = batch->moves,
        .history = history ? batch->history.images : NULL,
    };

    make_values(batch, set);
    kern_cpu()->batch(kern_cpu(), &args, NULL);
}

int batch_make_images(struct worker_batch *batch, const struct worker_dataset *set, bool history,
                      struct mx_err *err)
{
    if (batch->feeder)
        return batch_feed_images(batch, history, err);
    batch_make_here(batch, set, history);
    return 0;
}

static void begin(struct worker_batch *batch, const struct worker_split *split, uint32_t n)
{
    batch->n = n;
    batch->split = split;
    batch->pixels = split->pixels;
    batch->noised = false;
    batch->mixed = batch->self_pairs = 0;
    batch->layer = WORKER_LAYER_INPUT;
    batch->targets = NULL;
}

/* What a training image is changed from. */
static struct worker_image source_of(const struct worker_dataset *set, bool original, uint32_t i)
{
    const struct worker_shape *shape = &set->shape;
    const size_t               bytes = (size_t)shape->channels * shape->height * shape->width;

    if (original)
        return worker_image_store_at(set->originals, worker_split_at(&set->train, i));
    return (struct worker_image){worker_split_image(&set->train, i, bytes), shape->height,
                                 shape->width};
}

/* From here on samples name the changed images. */
static int change_images(struct worker_batch *batch, const struct worker_params *params,
                         const struct worker_dataset *set, const uint32_t *order,
                         struct mx_stream augment, uint32_t epoch, struct mx_err *err)
{
    const bool originals = worker_originals_side(params) > 0;

    if (originals &&
        worker_augmenter_fit(batch->augmenter, set->originals->height, set->originals->width, err))
        return -1;
    for (uint32_t i = 0; i < batch->n; i++) {
        worker_augmenter_make(batch->augmenter, params, source_of(set, originals, order[i]), i,
                              augment, epoch, set->train.rows[order[i]]);
        batch->samples[i].image = i;
    }
    batch->pixels = worker_augmenter_pixels(batch->augmenter);
    return 0;
}

int worker_batch_train(struct worker_batch *batch, const struct worker_params *params,
                       const struct worker_dataset *set, const uint32_t *order, uint32_t n,
                       struct mx_stream augment, struct mx_stream mix_stream, uint32_t epoch,
                       uint32_t number, struct mx_err *err)
{
    const struct batch_name name = {mix_stream, epoch, number};

    begin(batch, &set->train, n);
    for (uint32_t i = 0; i < n; i++) {
        place_image(batch, i, &set->train, order[i]);
        augment_image(&batch->samples[i], params->data_augment, augment, epoch,
                      set->train.rows[order[i]]);
    }
    if (batch->augmenter && change_images(batch, params, set, order, augment, epoch, err))
        return -1;
    return batch_mix(batch, params, set, &name, err);
}

static void place_rows(struct worker_batch *batch, const struct worker_split *split, uint32_t first,
                       uint32_t n)
{
    begin(batch, split, n);
    for (uint32_t i = 0; i < n; i++)
        place_image(batch, i, split, first + i);
}

void worker_batch_plain(struct worker_batch *batch, const struct worker_dataset *set,
                        const struct worker_split *split, uint32_t first, uint32_t n)
{
    place_rows(batch, split, first, n);
    batch_make_here(batch, set, false);
}

int worker_batch_show(struct worker_batch *batch, const struct worker_dataset *set,
                      const struct worker_split *split, uint32_t first, uint32_t n,
                      struct mx_err *err)
{
    place_rows(batch, split, first, n);
    return batch_make_images(batch, set, false, err);
}
