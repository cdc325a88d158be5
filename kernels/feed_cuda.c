/* Batches on a GPU: two slots, two streams (feed.h). */
#include "kernels/feed.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/launch.h"
#include "kernels/masks_cuda.h"
#include "kernels/nn_cuda.h"

enum {
    SLOTS = 2,
    APART = 256 /* arrays of a slot begin at multiples of it */
};

struct slot {
    char       *host, *device;
    cudaEvent_t copied, read;
    bool        used; /* both have been recorded */
};

struct kern_feed {
    struct cuda          *cuda;
    struct kern_feed_plan plan; /* without its arrays */
    cudaStream_t          copies;
    struct slot           slots[SLOTS];
    unsigned              next;
    size_t                slot_bytes;
    float                *table;
    struct kern_masks    *masks; /* NULL without recipes */
};

/* A slot being filled: one array behind the other. */
struct filling {
    const struct slot *slot;
    size_t             at;
};

static size_t apart(size_t bytes)
{
    return (bytes + APART - 1) / APART * APART;
}

static size_t image_bytes(const struct kern_feed_plan *plan)
{
    return (size_t)plan->channels * plan->height * plan->width;
}

static size_t bytes_of_slot(const struct kern_feed_plan *plan)
{
    const size_t room = plan->room, plane = (size_t)plan->height * plan->width;

    return apart(room * sizeof(struct kern_batch_sample)) + apart(plan->masks * plane) +
           apart((size_t)plan->moves * KERN_MOVES * sizeof(uint16_t)) +
           apart(plan->recipes * sizeof(struct kern_mask_recipe)) +
           (plan->pixels ? apart(room * image_bytes(plan)) : 0);
}

static int open_slot(struct kern_feed *feed, struct slot *slot, struct mx_err *err)
{
    void *pinned = NULL;

    if (cudaMallocHost(&pinned, feed->slot_bytes) == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError(); /* not sticky */
        return mx_fail(err, MX_ENOMEM, "no pinned memory for %zu bytes of a batch",
                       feed->slot_bytes);
    }
    CUDA_TRY(cudaPeekAtLastError(), err);
    slot->host = pinned;
    if (!(slot->device = kern_cuda_alloc(feed->cuda, feed->slot_bytes, err)))
        goto fail;
    CUDA_TRY(cudaEventCreateWithFlags(&slot->copied, cudaEventDisableTiming), err);
    CUDA_TRY(cudaEventCreateWithFlags(&slot->read, cudaEventDisableTiming), err);
    return 0;

fail:
    return -1;
}

static void feed_close(struct kern_feed *feed)
{
    if (!feed)
        return;
    if (feed->copies)
        (void)cudaStreamSynchronize(feed->copies);
    (void)cudaStreamSynchronize(feed->cuda->stream);
    for (int k = 0; k < SLOTS; k++) {
        struct slot *slot = &feed->slots[k];

        if (slot->copied)
            (void)cudaEventDestroy(slot->copied);
        if (slot->read)
            (void)cudaEventDestroy(slot->read);
        if (slot->host)
            (void)cudaFreeHost(slot->host);
        kern_cuda_release(feed->cuda, slot->device);
    }
    kern_cuda_release(feed->cuda, feed->table);
    kern_masks_free(feed->masks);
    if (feed->copies)
        (void)cudaStreamDestroy(feed->copies);
    free(feed);
}

static int open_parts(struct kern_feed *feed, const struct kern_feed_plan *plan, struct mx_err *err)
{
    const size_t table = (size_t)plan->channels * 256 * sizeof(float);

    CUDA_TRY(cudaStreamCreateWithFlags(&feed->copies, cudaStreamNonBlocking), err);
    for (int k = 0; k < SLOTS; k++)
        if (open_slot(feed, &feed->slots[k], err))
            goto fail;
    if (!(feed->table = kern_cuda_alloc(feed->cuda, table, err)) ||
        kern_device_cuda.put(&feed->cuda->nn, feed->table, plan->table, table, err))
        goto fail;
    if (plan->recipes > 0 && !(feed->masks = kern_masks_new(feed->cuda, plan, err)))
        goto fail;
    feed->cuda->nn.bytes += table + SLOTS * feed->slot_bytes;
    return 0;

fail:
    return -1;
}

static struct kern_feed *feed_open(struct kern_nn *nn, const struct kern_feed_plan *plan,
                                   struct mx_err *err)
{
    struct kern_feed *feed = calloc(1, sizeof *feed);

    if (!feed) {
        mx_fail(err, MX_ENOMEM, "no memory for batches");
        return NULL;
    }
    feed->cuda = cuda_of(nn);
    feed->plan = *plan;
    feed->plan.table = feed->plan.damping = NULL;
    feed->slot_bytes = bytes_of_slot(plan);
    if (open_parts(feed, plan, err)) {
        mx_err_prefix(err, "batches");
        feed_close(feed);
        return NULL;
    }
    return feed;
}

/* Where an array will lie on the device; NULL for an empty one. */
static const void *fill(struct filling *filling, const void *from, size_t bytes)
{
    const size_t at = filling->at;

    if (bytes == 0)
        return NULL;
    memcpy(filling->slot->host + at, from, bytes);
    filling->at += apart(bytes);
    return filling->slot->device + at;
}

static const struct kern_batch_sample *fill_samples(struct filling               *filling,
                                                    const struct kern_feed_batch *batch)
{
    struct kern_batch_sample *own =
        (struct kern_batch_sample *)(void *)(filling->slot->host + filling->at);
    const void *there = fill(filling, batch->samples, batch->n * sizeof *own);

    for (uint32_t i = 0; i < batch->n; i++)
        own[i].image = batch->stored ? batch->numbers[i] : i;
    return there;
}

static const uint8_t *fill_images(struct filling *filling, const struct kern_feed_batch *batch,
                                  size_t bytes)
{
    const uint8_t *there = (const uint8_t *)filling->slot->device + filling->at;
    char          *here = filling->slot->host + filling->at;

    for (uint32_t i = 0; i < batch->n; i++)
        memcpy(here + i * bytes, batch->images[i], bytes);
    filling->at += apart(batch->n * bytes);
    return there;
}

static int check_size(const struct kern_feed *feed, const struct kern_feed_batch *batch,
                      struct mx_err *err)
{
    const struct kern_feed_plan *plan = &feed->plan;

    if (batch->n <= plan->room && batch->masks <= plan->masks && batch->moves <= plan->moves &&
        batch->recipes <= plan->recipes && (batch->stored || plan->pixels))
        return 0;
    return mx_fail(err, MX_EINTERNAL, "a batch of %u images, where %u were planned for", batch->n,
                   plan->room);
}

/* Bring what was filled to the device, in front of the work that follows. */
static int send(struct kern_feed *feed, struct slot *slot, size_t bytes, struct mx_err *err)
{
    if (slot->used)
        CUDA_TRY(cudaStreamWaitEvent(feed->copies, slot->read, 0), err);
    CUDA_TRY(cudaMemcpyAsync(slot->device, slot->host, bytes, cudaMemcpyHostToDevice, feed->copies),
             err);
    CUDA_TRY(cudaEventRecord(slot->copied, feed->copies), err);
    CUDA_TRY(cudaStreamWaitEvent(feed->cuda->stream, slot->copied, 0), err);
    return 0;

fail:
    return -1;
}

static int feed_make(struct kern_feed *feed, const struct kern_feed_batch *batch,
                     struct mx_err *err)
{
    const struct kern_feed_plan   *plan = &feed->plan;
    const size_t                   plane = (size_t)plan->height * plan->width;
    struct slot                   *slot = &feed->slots[feed->next];
    struct filling                 filling = {slot, 0};
    struct kern_batch_args         args = {.n = batch->n,
                                           .channels = plan->channels,
                                           .height = plan->height,
                                           .width = plan->width,
                                           .table = feed->table,
                                           .out = batch->out,
                                           .history = batch->history};
    const struct kern_mask_recipe *recipes;

    if (kern_tell_failure(feed->cuda, err) || check_size(feed, batch, err))
        return -1;
    if (slot->used)
        CUDA_TRY(cudaEventSynchronize(slot->copied), err);
    args.samples = fill_samples(&filling, batch);
    args.masks = fill(&filling, batch->mask, batch->masks * plane);
    args.moves = fill(&filling, batch->move, batch->moves * (size_t)KERN_MOVES * sizeof(uint16_t));
    recipes = fill(&filling, batch->recipe, batch->recipes * sizeof *recipes);
    args.pixels = batch->stored ? batch->stored : fill_images(&filling, batch, image_bytes(plan));
    if (send(feed, slot, filling.at, err) ||
        (recipes && !(args.masks = kern_masks_make(feed->masks, recipes, batch->recipes, err))))
        return -1;
    kern_launched(feed->cuda, kern_launch_batch(&args, feed->cuda->stream), "batch");
    CUDA_TRY(cudaEventRecord(slot->read, feed->cuda->stream), err);
    slot->used = true;
    feed->next = (feed->next + 1) % SLOTS;
    return kern_tell_failure(feed->cuda, err);

fail:
    return -1;
}

static int feed_memory(struct kern_nn *nn, size_t *left, size_t *all, struct mx_err *err)
{
    (void)nn;
    CUDA_TRY(cudaMemGetInfo(left, all), err);
    return 0;

fail:
    return -1;
}

const struct kern_feed_table kern_feed_cuda = {
    .open = feed_open, .close = feed_close, .make = feed_make, .memory = feed_memory};
