#include "sweep/reduction.h"

#include <stdlib.h>
#include <string.h>

enum {
    MOST_AHEAD = 1 << 20, /* bytes in the stream to the parent */
};

struct mx_reduction {
    struct mx_comm      *comm;
    struct reduce_slots *slots;
    struct reduce_part  *part;
    uint32_t            *ranks; /* by position in the tree */
    size_t               nranks;
    uint32_t             round;
    int                  parent;      /* rank, REDUCE_NO_PARENT for none */
    struct mx_buf        early;       /* bodies of a later round: MX_RANK_TREE frames ... */
    struct mx_buf        body, frame; /* ... each after the rank it came from */
};

struct mx_reduction *mx_reduction_new(struct mx_comm *comm, struct mx_err *err)
{
    struct mx_reduction *reduction = calloc(1, sizeof *reduction);

    if (!reduction) {
        mx_fail(err, MX_ENOMEM, "no memory for the reduction");
        return NULL;
    }
    reduction->comm = comm;
    return reduction;
}

static void forget_round(struct mx_reduction *reduction)
{
    reduce_part_free(reduction->part);
    reduce_slots_free(reduction->slots);
    free(reduction->ranks);
    reduction->part = NULL;
    reduction->slots = NULL;
    reduction->ranks = NULL;
}

void mx_reduction_free(struct mx_reduction *reduction)
{
    if (!reduction)
        return;
    forget_round(reduction);
    mx_buf_free(&reduction->early);
    mx_buf_free(&reduction->body);
    mx_buf_free(&reduction->frame);
    free(reduction);
}

void mx_reduction_ask(struct mx_buf *out, const struct mx_reduction_round *round)
{
    struct mx_rank_message message = {.type = MX_RANK_REDUCE, .round = round->round};
    struct mx_buf          body = {0};

    mx_put_u64(&body, round->nranks);
    for (size_t i = 0; i < round->nranks; i++)
        mx_put_u32(&body, round->ranks[i]);
    mx_put_u64(&body, round->nnames);
    for (size_t i = 0; i < round->nnames; i++)
        mx_put_text(&body, round->names[i]);
    message.nslots = round->nslots;
    message.bytes = body.data;
    message.len = body.len;
    if (mx_buf_ok(&body))
        mx_rank_message_put(out, &message);
    else
        out->failed = true;
    mx_buf_free(&body);
}

/* Room for the arrays that a body of `len` bytes can hold, in one piece: ranks
 * of 4 bytes, names of 8 and more, and the texts of the names. */
struct room {
    uint32_t    *ranks;
    const char **names;
    char (*texts)[WORKER_METRIC_NAME_SIZE];
};

static void *make_room(size_t len, struct room *room)
{
    size_t ranks = len / 4 + 1, names = len / 8 + 1;
    char  *memory =
        malloc(names * (sizeof *room->names + sizeof *room->texts) + ranks * sizeof *room->ranks);

    if (!memory)
        return NULL;
    room->names = (const char **)(void *)memory;
    room->ranks = (uint32_t *)(void *)(memory + names * sizeof *room->names);
    room->texts = (void *)(memory + names * sizeof *room->names + ranks * sizeof *room->ranks);
    return memory;
}

int mx_reduction_read(const struct mx_rank_message *message, struct mx_reduction_round *round,
                      void **memory, struct mx_err *err)
{
    const unsigned char *at = message->bytes;
    struct mx_wire       wire = {.at = at, .end = at + message->len};
    struct room          room;

    *round = (struct mx_reduction_round){.round = message->round, .nslots = message->nslots};
    if (!(*memory = make_room(message->len, &room)))
        return mx_fail(err, MX_ENOMEM, "no memory for the reduction");
    round->nranks = mx_take_u64(&wire);
    for (size_t i = 0; i < round->nranks && !wire.failed; i++)
        room.ranks[i] = mx_take_u32(&wire);
    round->nnames = mx_take_u64(&wire);
    for (size_t i = 0; i < round->nnames && !wire.failed; i++) {
        room.names[i] = room.texts[i];
        mx_take_text(&wire, room.texts[i], sizeof room.texts[i]);
    }
    round->ranks = room.ranks;
    round->names = room.names;
    if (mx_wire_done(&wire))
        return 0;
    free(*memory);
    *memory = NULL;
    return mx_fail(err, MX_EINTERNAL, "the order to reduce is damaged");
}

/* The place of a rank in the tree, nranks if it has none. */
static unsigned position_of(const struct mx_reduction *reduction, unsigned rank)
{
    unsigned i = 0;

    while (i < reduction->nranks && reduction->ranks[i] != rank)
        i++;
    return i;
}

static int listen_to_children(struct mx_reduction *reduction, unsigned position, struct mx_err *err)
{
    unsigned children[REDUCE_MAX_CHILDREN];
    size_t   n = reduce_children(position, (unsigned)reduction->nranks, children);

    for (size_t i = 0; i < n; i++)
        if (mx_comm_listen(reduction->comm, reduction->ranks[children[i]], err))
            return -1;
    return 0;
}

/* Bodies that came before their round: taken now. */
static int take_early(struct mx_reduction *reduction, struct mx_err *err)
{
    struct mx_buf  early = reduction->early;
    struct mx_wire wire = {.at = (const unsigned char *)early.data};
    int            rc = 0;

    wire.end = wire.at + early.len;
    reduction->early = (struct mx_buf){0};
    while (rc == 0 && wire.at < wire.end) {
        unsigned    rank = mx_take_u32(&wire);
        size_t      len;
        const void *body = mx_take_bytes(&wire, &len);

        rc = mx_reduction_take(reduction, rank, body, len, err);
    }
    mx_buf_free(&early);
    return rc;
}

int mx_reduction_begin(struct mx_reduction *reduction, const struct mx_reduction_round *round,
                       struct reduce_slots *slots, struct mx_err *err)
{
    unsigned me = reduction->comm ? mx_comm_rank(reduction->comm) : 0, position;
    int      parent;

    forget_round(reduction);
    reduction->slots = slots;
    reduction->round = round->round;
    if (!(reduction->ranks = calloc(round->nranks, sizeof reduction->ranks[0])))
        return mx_fail(err, MX_ENOMEM, "no memory for the reduction");
    memcpy(reduction->ranks, round->ranks, round->nranks * sizeof reduction->ranks[0]);
    reduction->nranks = round->nranks;
    if ((position = position_of(reduction, me)) == round->nranks)
        return mx_fail(err, MX_EINTERNAL, "rank %u is asked to reduce and not among those who do",
                       me);
    parent = reduce_parent(position, (unsigned)round->nranks);
    reduction->parent = parent < 0 ? REDUCE_NO_PARENT : (int)reduction->ranks[parent];
    if (reduction->comm && listen_to_children(reduction, position, err))
        return -1;
    reduction->part =
        reduce_part_new(slots, round->nslots, position, (unsigned)round->nranks, round->round, err);
    return reduction->part ? take_early(reduction, err) : -1;
}

/* A body begins with its round. */
static uint32_t round_of(const void *body, size_t len)
{
    const unsigned char *at = body;
    struct mx_wire       wire = {.at = at, .end = at + len};

    return mx_take_u32(&wire);
}

int mx_reduction_take(struct mx_reduction *reduction, unsigned rank, const void *body, size_t len,
                      struct mx_err *err)
{
    if (round_of(body, len) > reduction->round) {
        mx_put_u32(&reduction->early, rank);
        mx_put_bytes(&reduction->early, body, len);
        return mx_buf_ok(&reduction->early)
                   ? 0
                   : mx_fail(err, MX_ENOMEM, "no memory for the reduction");
    }
    if (!reduction->part || round_of(body, len) < reduction->round)
        return 0;
    return reduce_part_take(reduction->part, position_of(reduction, rank), body, len, err) < 0 ? -1
                                                                                               : 0;
}

/* Send one block to the parent. 1 if there was one. */
static int send_block(struct mx_reduction *reduction, struct mx_err *err)
{
    struct mx_rank_message message = {.type = MX_RANK_TREE};
    int                    rc;

    mx_buf_clear(&reduction->body);
    if ((rc = reduce_part_emit(reduction->part, &reduction->body, err)) <= 0)
        return rc;
    message.bytes = reduction->body.data;
    message.len = reduction->body.len;
    mx_buf_clear(&reduction->frame);
    mx_rank_message_put(&reduction->frame, &message);
    if (!mx_buf_ok(&reduction->frame))
        return mx_fail(err, MX_ENOMEM, "no memory for the reduction");
    return mx_comm_send(reduction->comm, (unsigned)reduction->parent, reduction->frame.data,
                        reduction->frame.len, err)
               ? -1
               : 1;
}

int mx_reduction_pump(struct mx_reduction *reduction, struct mx_err *err)
{
    int rc = 1;

    if (!reduction || !reduction->part || reduction->parent == REDUCE_NO_PARENT)
        return 0;
    while (rc > 0 && mx_comm_pending(reduction->comm, (unsigned)reduction->parent) < MOST_AHEAD)
        rc = send_block(reduction, err);
    return rc < 0 ? -1 : 0;
}

bool mx_reduction_finished(const struct mx_reduction *reduction)
{
    return reduction->part && reduce_part_finished(reduction->part);
}

const struct reduce_part *mx_reduction_part(const struct mx_reduction *reduction)
{
    return reduction->part;
}
