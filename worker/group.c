#include "worker/group.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/wire.h"
#include "reduce/patterns.h"
#include "worker/fault.h"

enum {
    PART_BYTES = 1 << 20,
};

/* An order as it was read, and what it is about. */
struct group_work {
    struct worker_group_order order;
    char (*texts)[WORKER_METRIC_NAME_SIZE];
    const char         **names;
    bool                *wanted; /* by stage */
    uint64_t             nslots;
    struct reduce_slots *slots, *sum;
};

void worker_group_put(struct mx_buf *out, const struct worker_group_order *order)
{
    mx_put_u8(out, (uint8_t)order->task);
    if (order->task == WORKER_GROUP_NAME)
        return;
    mx_put_bytes(out, order->id, sizeof order->id);
    mx_put_u32(out, order->round);
    mx_put_u32(out, order->position);
    mx_put_u32(out, order->count);
    mx_put_real(out, order->seconds);
    mx_put_u64(out, order->nstages);
    mx_put_u64(out, order->nnames);
    for (size_t i = 0; i < order->nnames; i++)
        mx_put_text(out, order->names[i]);
    mx_put_u64(out, order->nruns);
    for (size_t i = 0; i < order->nruns; i++) {
        mx_put_u32(out, order->stages[i].first);
        mx_put_u32(out, order->stages[i].count);
    }
    mx_put_bytes(out, order->handed, order->nhanded);
}

static size_t bytes_left(const struct mx_wire *wire)
{
    return wire->failed ? 0 : (size_t)(wire->end - wire->at);
}

static void take_head(struct mx_wire *wire, struct worker_group_order *order)
{
    size_t      len;
    const void *id = mx_take_bytes(wire, &len);

    if (len == sizeof order->id)
        memcpy(order->id, id, len);
    else
        wire->failed = true;
    order->round = mx_take_u32(wire);
    order->position = mx_take_u32(wire);
    order->count = mx_take_u32(wire);
    order->seconds = mx_take_real(wire);
    order->nstages = mx_take_u64(wire);
    order->nnames = mx_take_u64(wire);
    if (order->nnames > bytes_left(wire) / sizeof(uint64_t) || order->nstages > UINT32_MAX ||
        order->position >= order->count)
        wire->failed = true;
}

static void take_names(struct mx_wire *wire, struct group_work *work)
{
    for (size_t i = 0; i < work->order.nnames; i++) {
        mx_take_text(wire, work->texts[i], sizeof work->texts[i]);
        work->names[i] = work->texts[i];
    }
}

static void take_stages(struct mx_wire *wire, struct group_work *work)
{
    for (uint64_t runs = mx_take_u64(wire); runs > 0 && !wire->failed; runs--) {
        const uint64_t first = mx_take_u32(wire), count = mx_take_u32(wire);

        if (first + count > work->order.nstages)
            wire->failed = true;
        for (uint64_t s = first; s < first + count && !wire->failed; s++)
            work->wanted[s] = true;
    }
}

static void free_work(struct group_work *work)
{
    free(work->texts);
    free(work->names);
    free(work->wanted);
    reduce_slots_free(work->slots);
    reduce_slots_free(work->sum);
}

static int damaged(struct mx_err *err)
{
    return mx_fail(err, MX_EINTERNAL, "an order to a group of GPUs is damaged");
}

static int read_order(struct mx_wire *wire, struct group_work *work, struct mx_err *err)
{
    struct worker_group_order *order = &work->order;

    take_head(wire, order);
    if (wire->failed)
        return damaged(err);
    work->texts = calloc(order->nnames + 1, sizeof *work->texts);
    work->names = calloc(order->nnames + 1, sizeof *work->names);
    work->wanted = calloc(order->nstages + 1, sizeof *work->wanted);
    if (!work->texts || !work->names || !work->wanted)
        return mx_fail(err, MX_ENOMEM, "no memory for the reduction");
    take_names(wire, work);
    take_stages(wire, work);
    order->handed = mx_take_bytes(wire, &order->nhanded);
    work->nslots = order->nstages * order->nnames;
    return mx_wire_done(wire) ? 0 : damaged(err);
}

/* One piece of the table after the other. */
static int sum_pieces(struct group_work *work, struct reduce_group *group, struct mx_err *err)
{
    const uint64_t most = REDUCE_PIECE_SLOTS;

    for (uint64_t first = 0; first < work->nslots; first += most) {
        const size_t n = (size_t)(work->nslots - first < most ? work->nslots - first : most);
        uint64_t    *words = reduce_group_words(group, reduce_piece_words(n), err);

        if (!words)
            return -1;
        reduce_piece_fill(work->slots, first, n, words);
        if (reduce_group_sum(group, reduce_piece_words(n), err))
            return -1;
        if (work->order.position == 0 && reduce_piece_take(words, first, n, work->sum, err))
            return -1;
    }
    return 0;
}

static int send_slots(const struct group_work *work, const struct reduce_slots *slots,
                      const struct worker_group_talk *talk, struct mx_err *err)
{
    struct mx_buf part = {0};
    uint64_t      block = 0;
    int           rc = 1;

    while (rc > 0) {
        mx_buf_clear(&part);
        rc =
            reduce_sum_emit(slots, work->nslots, work->order.round, &block, PART_BYTES, &part, err);
        if (rc >= 0 && part.len > 0 && talk->part(talk->user, part.data, part.len, err))
            rc = -1;
    }
    mx_buf_free(&part);
    return rc;
}

/* A failure in the middle ends the group at once: the others see that, or their time is over. */
static int sum_in_group(struct group_work *work, const struct worker_group_talk *talk,
                        struct mx_err *err)
{
    const struct worker_group_order *order = &work->order;
    const struct reduce_patience patience = {mx_clock_monotonic_s() + order->seconds, talk->leave,
                                             talk->user};
    struct reduce_group         *group;
    int                          rc;

    worker_fault(WORKER_FAULT_GROUP_STARTS, order->position);
    if (!(group = reduce_group_join(order->id, order->position, order->count, &patience, err)))
        return -1;
    worker_fault(WORKER_FAULT_GROUP_JOINED, order->position);
    rc = sum_pieces(work, group, err);
    return reduce_group_leave(group, rc == 0, rc == 0 ? err : NULL) || rc ? -1 : 0;
}

/* The numbers of the order's stages, and the sum, empty. */
static int open_work(const struct worker_contributions *own, struct mx_wire *wire,
                     struct group_work *work, struct mx_err *err)
{
    if (read_order(wire, work, err) || !(work->slots = reduce_slots_new(err)) ||
        !(work->sum = reduce_slots_new(err)))
        return -1;
    return worker_contributions_slots(own, work->names, work->order.nnames, work->wanted,
                                      work->slots, err);
}

/* What another executor of this GPU computed. */
static int take_from_one(struct group_work *work, const void *bytes, size_t len, struct mx_err *err)
{
    struct reduce_slots *handed = reduce_slots_new(err);
    int                  rc = -1;

    if (handed && reduce_sum_take(bytes, len, work->nslots, work->order.round, handed, err) == 0)
        rc = reduce_slots_join(work->slots, handed, err);
    reduce_slots_free(handed);
    return rc;
}

static int take_handed(struct group_work *work, struct mx_err *err)
{
    struct mx_wire wire = {.at = work->order.handed};
    int            rc = 0;

    wire.end = wire.at + work->order.nhanded;
    while (rc == 0 && wire.at < wire.end) {
        size_t      len;
        const void *bytes = mx_take_bytes(&wire, &len);

        rc = wire.failed ? damaged(err) : take_from_one(work, bytes, len, err);
    }
    return rc;
}

static int reduce(const struct worker_contributions *own, struct mx_wire *wire,
                  const struct worker_group_talk *talk, struct mx_err *err)
{
    struct group_work work = {0};
    int               rc = open_work(own, wire, &work, err);

    if (rc == 0)
        rc = take_handed(&work, err);
    if (rc == 0)
        rc = sum_in_group(&work, talk, err);
    if (rc == 0 && work.order.position == 0)
        rc = send_slots(&work, work.sum, talk, err);
    free_work(&work);
    return rc;
}

static int hand(const struct worker_contributions *own, struct mx_wire *wire,
                const struct worker_group_talk *talk, struct mx_err *err)
{
    struct group_work work = {0};
    int               rc = open_work(own, wire, &work, err);

    if (rc == 0) {
        worker_fault(WORKER_FAULT_GROUP_HANDS, work.order.position);
        rc = send_slots(&work, work.slots, talk, err);
    }
    free_work(&work);
    return rc;
}

static int name(struct mx_buf *answer, struct mx_err *err)
{
    unsigned char id[REDUCE_GROUP_ID];

    if (reduce_group_name(id, err))
        return -1;
    mx_buf_add(answer, id, sizeof id);
    return mx_buf_ok(answer) ? 0 : mx_fail(err, MX_ENOMEM, "no memory for a group's identifier");
}

int worker_group_serve(const struct worker_contributions *own, const void *order, size_t len,
                       const struct worker_group_talk *talk, struct mx_buf *answer,
                       struct mx_err *err)
{
    struct mx_wire wire = {.at = order, .end = (const unsigned char *)order + len};

    switch (mx_take_u8(&wire)) {
    case WORKER_GROUP_NAME:
        return mx_wire_done(&wire) ? name(answer, err) : damaged(err);
    case WORKER_GROUP_REDUCE:
        return reduce(own, &wire, talk, err);
    case WORKER_GROUP_HAND:
        return hand(own, &wire, talk, err);
    default:
        return damaged(err);
    }
}
