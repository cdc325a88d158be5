#include "worker/feeder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/device.h"
#include "kernels/feed.h"
#include "kernels/nn.h"
#include "worker/batch_parts.h"

enum {
    SPLITS = 3,
    CHUNK = 8 << 20 /* bytes that are gathered at a time for the device */
};

#define RESERVE ((uint64_t)64 << 20) /* for rooms that an engine's first step sizes */

/* Images that stay on the device, in the order of their split. */
struct store {
    const struct worker_split *split;
    uint8_t                   *pixels; /* NULL: they come with each batch */
};

struct worker_feeder {
    const struct worker_dataset  *set;
    struct kern_nn               *nn;
    const struct kern_device     *on;
    const struct kern_feed_table *table;
    struct kern_feed             *feed;
    struct store                  stores[SPLITS];
    size_t                        image;   /* bytes of one */
    float                        *history; /* (room, channels, height, width); or NULL */
    const uint8_t               **images;  /* (room), the host's: where each lies */
};

void batch_feeder_free(struct worker_feeder *feeder)
{
    if (!feeder)
        return;
    feeder->table->close(feeder->feed);
    for (int s = 0; s < SPLITS; s++)
        feeder->on->release(feeder->nn, feeder->stores[s].pixels);
    feeder->on->release(feeder->nn, feeder->history);
    free(feeder->images);
    free(feeder);
}

/* Bring a split to the device, some images at a time. */
static int send_split(struct worker_feeder *feeder, struct store *store, struct mx_err *err)
{
    const struct worker_split *split = store->split;
    const uint32_t             some = (uint32_t)(CHUNK / feeder->image) + 1;
    uint8_t                   *chunk = malloc(some * feeder->image);
    int                        failed = 0;

    if (!chunk)
        return mx_fail(err, MX_ENOMEM, "no memory for %u images on their way to a GPU", some);
    for (uint32_t first = 0; !failed && first < split->n; first += some) {
        const uint32_t rest = split->n - first, n = rest < some ? rest : some;

        for (uint32_t i = 0; i < n; i++)
            memcpy(chunk + i * feeder->image, worker_split_image(split, first + i, feeder->image),
                   feeder->image);
        failed = feeder->on->put(feeder->nn, store->pixels + first * feeder->image, chunk,
                                 n * feeder->image, err);
    }
    free(chunk);
    return failed;
}

/* Keep the splits that fit, one after the other. Another process may have been quicker: what
 * cannot be had is no error. */
static int keep_splits(struct worker_feeder *feeder, uint64_t budget, struct mx_buf *notes,
                       struct mx_err *err)
{
    static const char *const names[SPLITS] = {"train", "val", "test"};
    const uint64_t           spared = budget;
    unsigned                 kept = 0;

    mx_buf_text(notes, "batches are made on the GPU; images that stay there: ");
    for (int s = 0; s < SPLITS; s++) {
        struct store  *store = &feeder->stores[s];
        const uint64_t bytes = store->split->n * (uint64_t)feeder->image;

        if (store->split->n == 0 || bytes > budget ||
            !(store->pixels = feeder->on->alloc(feeder->nn, KERN_ALIGN, bytes, NULL)))
            continue;
        if (send_split(feeder, store, err))
            return -1;
        budget -= bytes;
        mx_buf_printf(notes, "%s%s", kept++ > 0 ? ", " : "", names[s]);
    }
    mx_buf_printf(notes, "%s (%" PRIu64 " of %" PRIu64 " MiB that can be spared)\n",
                  kept > 0 ? "" : "none", (spared - budget) >> 20, spared >> 20);
    return 0;
}

static int spared(const struct worker_feeder *feeder, const struct worker_engine *engine,
                  uint64_t *budget, struct mx_err *err)
{
    const uint64_t reserve = worker_engine_bytes(engine) / 4 + RESERVE;
    size_t         left = 0, all = 0;

    if (*budget != WORKER_FEEDER_SPARED)
        return 0;
    if (feeder->table->memory(feeder->nn, &left, &all, err))
        return -1;
    *budget = left > reserve ? (left - reserve) / 2 : 0;
    return 0;
}

/* Whether images of these strategies and augmentation may come along with a batch. */
static bool some_come_along(const struct worker_feeder *feeder, const struct worker_batch *batch)
{
    for (int s = 0; s < SPLITS; s++)
        if (feeder->stores[s].split->n > 0 && !feeder->stores[s].pixels)
            return true;
    return batch->augmenter != NULL;
}

static int open_feed(struct worker_feeder *feeder, struct worker_batch *batch,
                     const struct worker_params *params, struct mx_err *err)
{
    const struct worker_shape *shape = &feeder->set->shape;
    const bool                 each = worker_mix_traits(params) & WORKER_MIX_EACH ||
                      params->mix_granularity == WORKER_GRANULARITY_SAMPLE;
    const uint32_t        planes = each ? batch->room : 1;
    float                 table[WORKER_MAX_CHANNELS * 256];
    struct kern_feed_plan plan = {.room = batch->room,
                                  .channels = shape->channels,
                                  .height = shape->height,
                                  .width = shape->width,
                                  .table = table,
                                  .masks = batch->masks ? planes : 0,
                                  .moves = batch->moves ? planes : 0,
                                  .pixels = some_come_along(feeder, batch)};

    batch_make_table(table, feeder->set);
    if (worker_mix_strategies(params) >> WORKER_MIX_FMIX & 1 &&
        worker_mix_fmix_is_large(shape, planes)) {
        plan.recipes = planes;
        plan.damping = worker_mix_fmix_damping(batch->scratch[WORKER_MIX_FMIX]);
        if (!(batch->recipes = calloc(planes, sizeof *batch->recipes)))
            return mx_fail(err, MX_ENOMEM, "no memory for %u masks", planes);
    }
    return (feeder->feed = feeder->table->open(feeder->nn, &plan, err)) ? 0 : -1;
}

static int equip(struct worker_feeder *feeder, struct worker_batch *batch, struct mx_err *err)
{
    const size_t floats = batch->room * feeder->image;

    if (!(feeder->images = calloc(batch->room, sizeof *feeder->images)))
        return mx_fail(err, MX_ENOMEM, "no memory for batches of %u images", batch->room);
    if (batch->history.images &&
        !(feeder->history = feeder->on->alloc(feeder->nn, KERN_ALIGN, floats * sizeof(float), err)))
        return mx_err_prefix(err, "the batch before");
    return 0;
}

int worker_batch_feed(struct worker_batch *batch, struct worker_engine *engine,
                      const struct worker_params *params, const struct worker_dataset *set,
                      uint64_t budget, struct mx_buf *notes, struct mx_err *err)
{
    struct kern_nn       *nn = NULL;
    float                *images = worker_engine_images(engine, &nn);
    struct worker_feeder *feeder;
    struct mx_buf         own = {0};

    if (!images || !kern_nn_device(nn)->feed)
        return 0;
    if (!(feeder = calloc(1, sizeof *feeder)))
        return mx_fail(err, MX_ENOMEM, "no memory for a batch on a GPU");
    *feeder = (struct worker_feeder){
        .set = set,
        .nn = nn,
        .on = kern_nn_device(nn),
        .table = kern_nn_device(nn)->feed,
        .stores = {{&set->train, NULL}, {&set->val, NULL}, {&set->test, NULL}},
        .image = (size_t)set->shape.channels * set->shape.height * set->shape.width};
    if (equip(feeder, batch, err) || spared(feeder, engine, &budget, err) ||
        keep_splits(feeder, budget, notes ? notes : &own, err) ||
        open_feed(feeder, batch, params, err)) {
        batch_feeder_free(feeder);
        free(batch->recipes);
        batch->recipes = NULL;
        mx_buf_free(&own);
        return -1;
    }
    mx_buf_free(&own);
    batch->feeder = feeder;
    batch->on_device = images;
    return 0;
}

static const struct store *store_of(const struct worker_feeder *feeder,
                                    const struct worker_split  *split)
{
    for (int s = 0; s < SPLITS; s++)
        if (feeder->stores[s].split == split)
            return &feeder->stores[s];
    return NULL;
}

/* What samples name: the highest mask and the highest table of moves. */
static void count_planes(const struct worker_batch *batch, struct kern_feed_batch *made)
{
    for (uint32_t i = 0; i < batch->n; i++) {
        const struct kern_batch_sample *sample = &batch->samples[i];

        made->masks = sample->mask > made->masks ? sample->mask : made->masks;
        made->moves = sample->moves > made->moves ? sample->moves : made->moves;
    }
    if (batch->noised) {
        made->recipes = made->masks;
        made->masks = 0;
    }
}

int batch_feed_images(const struct worker_batch *batch, bool history, struct mx_err *err)
{
    struct worker_feeder  *feeder = batch->feeder;
    const bool             changed = batch->pixels != batch->split->pixels;
    const struct store    *store = store_of(feeder, batch->split);
    struct kern_feed_batch made = {.n = batch->n,
                                   .samples = batch->samples,
                                   .numbers = batch->shown,
                                   .images = feeder->images,
                                   .mask = batch->masks,
                                   .move = batch->moves,
                                   .recipe = batch->recipes,
                                   .history = history ? feeder->history : NULL,
                                   .out = batch->on_device};

    if (store && !changed)
        made.stored = store->pixels;
    for (uint32_t i = 0; !made.stored && i < batch->n; i++)
        feeder->images[i] = batch->pixels + batch->samples[i].image * feeder->image;
    count_planes(batch, &made);
    return feeder->table->make(feeder->feed, &made, err);
}

void batch_feed_remember(const struct worker_batch *batch)
{
    const struct worker_feeder *feeder = batch->feeder;

    feeder->on->copy(feeder->nn, feeder->history, batch->on_device,
                     batch->n * feeder->image * sizeof(float));
}

int worker_batch_history_take(const struct worker_batch *batch, struct mx_err *err)
{
    const struct worker_feeder *feeder = batch->feeder;

    if (!feeder || !feeder->history)
        return 0;
    return feeder->on->get(feeder->nn, batch->history.images, feeder->history,
                           batch->history.n * feeder->image * sizeof(float), err);
}

int worker_batch_history_give(const struct worker_batch *batch, struct mx_err *err)
{
    const struct worker_feeder *feeder = batch->feeder;

    if (!feeder || !feeder->history)
        return 0;
    return feeder->on->put(feeder->nn, feeder->history, batch->history.images,
                           batch->history.n * feeder->image * sizeof(float), err);
}
