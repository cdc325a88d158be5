/* Curves whose images are made on a device: it gets each image once, and which of its pixels goes when. */
#include <stdlib.h>

#include "kernels/device.h"
#include "worker/curve_parts.h"
#include "worker/engine.h"

/* What the device works with. */
struct curve_room {
    struct kern_nn           *nn;
    const struct kern_device *on;
    float                    *images, *filled; /* (n, floats); filled: NULL for zeros */
    uint32_t                 *ranks;           /* (n, pixels) */
};

static int put_images(const struct curve_runner *run, struct curve_room *room, struct mx_err *err)
{
    const size_t bytes = (size_t)run->batch->n * run->floats * sizeof(float);

    if (!(room->images = room->on->alloc(room->nn, 64, bytes, err)))
        return -1;
    return room->on->put(room->nn, room->images, run->batch->images, bytes, err);
}

static int put_filled(const struct curve_runner *run, struct curve_room *room, struct mx_err *err)
{
    const size_t one = run->floats * sizeof(float);

    if (run->spec->fill == WORKER_FILL_ZERO)
        return 0;
    if (!(room->filled = room->on->alloc(room->nn, 64, run->batch->n * one, err)))
        return -1;
    for (uint32_t i = 0; i < run->batch->n; i++) {
        const size_t at = (size_t)i * run->floats;

        if (curve_fill(run, run->batch->images + at, run->filled, err) ||
            room->on->put(room->nn, room->filled + at, run->filled, one, err))
            return -1;
    }
    return 0;
}

/* The place of each pixel in its image's order. */
static int put_ranks(const struct curve_runner *run, struct curve_room *room, uint32_t *ranks,
                     struct mx_err *err)
{
    const size_t one = run->pixels * sizeof *ranks;

    if (!(room->ranks = room->on->alloc(room->nn, 64, run->batch->n * one, err)))
        return -1;
    for (uint32_t i = 0; i < run->batch->n; i++) {
        if (curve_rank(run, i, run->order, err))
            return -1;
        for (uint32_t k = 0; k < run->pixels; k++)
            ranks[run->order[k]] = k;
        if (room->on->put(room->nn, room->ranks + (size_t)i * run->pixels, ranks, one, err))
            return -1;
    }
    return 0;
}

/* Batch by batch, across the borders of images. */
static int ask_all(struct curve_runner *run, const struct curve_room *room, struct mx_err *err)
{
    const struct worker_curve_spec *spec = run->spec;
    const struct kern_map_sides sides = {run->batch->n, spec->shape.channels, spec->shape.height,
                                         spec->shape.width};
    const struct kern_map_steps steps = {run->used + 1, run->each};
    const uint64_t              all = (uint64_t)run->batch->n * steps.count;
    const bool                  insertion = spec->kind == WORKER_CURVE_INSERTION;

    for (uint64_t first = 0; first < all; first += spec->batch) {
        const uint32_t n = all - first < spec->batch ? (uint32_t)(all - first) : spec->batch;

        room->on->maps->replace(room->nn, spec->room, insertion ? room->filled : room->images,
                                insertion ? room->images : room->filled, room->ranks, &sides,
                                &steps, first, n);
        if (spec->predict(spec->model, spec->room, n, run->logits, err))
            return -1;
        for (uint32_t v = 0; v < n; v++)
            if (curve_note(run, (uint32_t)((first + v) / steps.count),
                           (uint32_t)((first + v) % steps.count),
                           run->logits + (size_t)v * spec->shape.classes, err))
                return -1;
    }
    return 0;
}

void worker_curve_use(struct worker_curve_spec *spec, struct worker_engine *engine)
{
    struct kern_nn *nn = NULL;

    spec->room = worker_engine_images(engine, &nn);
    spec->nn = spec->room ? nn : NULL;
}

int curve_on_device(struct curve_runner *run, struct mx_err *err)
{
    struct curve_room room = {.nn = run->spec->nn, .on = kern_nn_device(run->spec->nn)};
    uint32_t         *ranks = malloc(run->pixels * sizeof *ranks);
    int               rc = ranks ? 0 : mx_fail(err, MX_ENOMEM, "no memory to rank pixels");

    if (rc == 0)
        rc = put_images(run, &room, err) || put_filled(run, &room, err) ||
                     put_ranks(run, &room, ranks, err) || ask_all(run, &room, err)
                 ? -1
                 : 0;
    room.on->release(room.nn, room.images);
    room.on->release(room.nn, room.filled);
    room.on->release(room.nn, room.ranks);
    free(ranks);
    return rc;
}
