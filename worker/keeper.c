#include "worker/keeper.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "worker/feeder.h"

void worker_keeper_open(struct worker_keeper *keeper, const struct worker_job *job,
                        const struct worker_shape *shape, struct worker_engine *engine,
                        struct worker_batch *batch)
{
    *keeper =
        (struct worker_keeper){.engine = engine,
                               .batch = batch,
                               .image = (size_t)shape->channels * shape->height * shape->width,
                               .classes = shape->classes,
                               .saved_s = mx_clock_monotonic_s()};
    if (job->folder[0] && job->checkpoint_s > 0)
        keeper->job = job;
}

void worker_keeper_close(struct worker_keeper *keeper)
{
    mx_buf_free(&keeper->checkpoint.history);
}

/* What is kept of the batch, for n of its images. */
static void set_blocks(struct worker_keeper *keeper, uint32_t n)
{
    const struct worker_history *last = &keeper->batch->history;
    struct worker_checkpoint    *c = &keeper->checkpoint;
    const size_t image = keeper->image * sizeof(float), target = keeper->classes * sizeof(float);
    const size_t room = keeper->batch->room;

    c->blocks[0] =
        (struct worker_block){keeper->memory.data, keeper->memory.bytes, keeper->memory.bytes};
    c->nblocks = 1;
    if (!last->images)
        return;
    c->blocks[1] = (struct worker_block){last->images, n * image, room * image};
    c->blocks[2] = (struct worker_block){last->targets, n * target, room * target};
    c->nblocks = 3;
}

/* Asks the engine where its memory is, once: this takes as long as drawing
 * weights, and most trainings are over before their first checkpoint. */
static int get_ready(struct worker_keeper *keeper, struct mx_err *err)
{
    if (keeper->memory.data)
        return 0;
    if (worker_engine_memory(keeper->engine, &keeper->memory, err))
        return -1;
    memcpy(keeper->checkpoint.key, keeper->job->key, sizeof keeper->checkpoint.key);
    keeper->checkpoint.engine = worker_kinds[keeper->job->kind].engine;
    keeper->checkpoint.order = keeper->memory.order;
    return 0;
}

int worker_keeper_find(struct worker_keeper *keeper, struct worker_position *position,
                       struct mx_buf *history, struct mx_buf *notes, struct mx_err *err)
{
    struct worker_history    *last = &keeper->batch->history;
    struct worker_checkpoint *c = &keeper->checkpoint;
    int                       file;

    if (!keeper->job || !worker_checkpoint_exists(keeper->job->folder))
        return 0;
    if (get_ready(keeper, err))
        return -1;
    set_blocks(keeper, 0);
    file = worker_checkpoint_read(keeper->job->folder, c, notes);
    if (file < 0) {
        mx_buf_text(notes, "begins anew\n");
        return 0;
    }
    if (worker_engine_memory_give(keeper->engine, &keeper->memory, err))
        return -1;
    *keeper->memory.steps = c->step;
    keeper->kept = true;
    *position = c->position;
    if (last->images) {
        last->n = (uint32_t)(c->blocks[1].bytes / (keeper->image * sizeof(float)));
        last->epoch = c->last_epoch;
        last->number = c->last_batch;
        if (worker_batch_history_give(keeper->batch, err))
            return -1;
    }
    mx_buf_free(history);
    *history = c->history;
    c->history = (struct mx_buf){0};
    keeper->next = ((unsigned)file + 1) % WORKER_CHECKPOINT_FILES;
    mx_buf_printf(notes, "goes on from epoch %u, batch %u\n", position->epoch, position->batch);
    return 0;
}

int worker_keeper_save(struct worker_keeper *keeper, const struct worker_position *position,
                       const struct mx_buf *history, struct mx_err *err)
{
    const struct worker_history *last;
    struct worker_checkpoint    *c = &keeper->checkpoint;
    int                          failed;

    if (!keeper->job)
        return 0;
    last = &keeper->batch->history;
    if (get_ready(keeper, err))
        return -1;
    if (keeper->kept && c->step == *keeper->memory.steps)
        return 0;
    if (worker_engine_memory_take(keeper->engine, &keeper->memory, err) ||
        worker_batch_history_take(keeper->batch, err))
        return -1;
    set_blocks(keeper, last->n);
    c->step = *keeper->memory.steps;
    c->position = *position;
    c->last_epoch = last->epoch;
    c->last_batch = last->number;
    c->history = *history; /* lent */
    failed = worker_checkpoint_write(keeper->job->folder, keeper->next, c, err);
    c->history = (struct mx_buf){0};
    keeper->next = (keeper->next + 1) % WORKER_CHECKPOINT_FILES;
    keeper->saved_s = mx_clock_monotonic_s();
    keeper->kept = !failed;
    return failed ? -1 : 0;
}

int worker_keeper_step(struct worker_keeper *keeper, const struct worker_position *position,
                       const struct mx_buf *history, bool end_of_epoch, struct mx_err *err)
{
    if (!keeper->job || mx_clock_monotonic_s() - keeper->saved_s <
                            keeper->job->checkpoint_s * (end_of_epoch ? 0.5 : 1))
        return 0;
    return worker_keeper_save(keeper, position, history, err);
}
