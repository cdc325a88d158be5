/* NCCL: collectives over shared memory. They are queued on streams as kernels are, and end when all
 * ranks have come, or else never, which is what a caller's deadline is for. Sums are made in the
 * order of ranks. */
#include <string.h>

#include "tests/fakegpu/nccl_parts.h"

enum kind {
    ALL_REDUCE,
    BROADCAST,
    REDUCE_SCATTER,
    ALL_GATHER
};

struct collective {
    struct fake_communicator *comm;
    uint64_t                  number;
    struct fake_wish          wish;
    const void               *send;
    void                     *recv;
};

static size_t width_of(int type)
{
    static const size_t width[ncclNumTypes] = {1, 1, 4, 4, 8, 8, 2, 4, 8, 2, 1, 1};

    return width[type];
}

#define FOLD(type)                                                                                 \
    do {                                                                                           \
        const type *from = other;                                                                  \
        type       *to = sum;                                                                      \
        for (size_t k = 0; k < n; k++)                                                             \
            to[k] = op == ncclSum   ? to[k] + from[k]                                              \
                    : op == ncclMax ? (from[k] > to[k] ? from[k] : to[k])                          \
                                    : (from[k] < to[k] ? from[k] : to[k]);                         \
    } while (0)

static void fold(void *sum, const void *other, size_t n, int type, int op)
{
    switch (type) {
    case ncclUint8: {
        unsigned char       *to = sum;
        const unsigned char *from = other;

        for (size_t k = 0; k < n; k++)
            to[k] = op == ncclSum                          ? (unsigned char)(to[k] + from[k])
                    : (op == ncclMax) == (from[k] > to[k]) ? from[k]
                                                           : to[k];
        break;
    }
    case ncclInt32:
        FOLD(int32_t);
        break;
    case ncclUint32:
        FOLD(uint32_t);
        break;
    case ncclInt64:
        FOLD(int64_t);
        break;
    case ncclUint64:
        FOLD(uint64_t);
        break;
    case ncclFloat32:
        FOLD(float);
        break;
    default:
        FOLD(double);
    }
}

static bool all_have(struct fake_communicator *comm, uint64_t number, bool left)
{
    for (int r = 0; r < comm->ranks; r++) {
        struct fake_rank *rank = &comm->room->rank[r];

        if (atomic_load(left ? &rank->left : &rank->posted) < number)
            return false;
    }
    return true;
}

static void post(const struct collective *work, size_t bytes)
{
    struct fake_communicator *comm = work->comm;
    struct fake_rank         *own = &comm->room->rank[comm->rank];

    own->wish = work->wish;
    if (work->wish.kind != BROADCAST || work->wish.root == comm->rank)
        memcpy(fake_room_area(comm->room, comm->rank), work->send, bytes);
    comm->posted = work->number;
    atomic_store(&own->posted, work->number);
}

static void check_wishes(const struct collective *work)
{
    const struct fake_wish *own = &work->wish;

    for (int r = 0; r < work->comm->ranks; r++) {
        const struct fake_wish *other = &work->comm->room->rank[r].wish;

        if (own->kind != other->kind || own->count != other->count || own->type != other->type ||
            own->op != other->op || own->root != other->root)
            fake_misuse_in(own->call, "all arguments", "rank %d calls something else than rank %d",
                           r, work->comm->rank);
    }
}

/* Numbers [first, first + n) of all ranks as one, in the order of ranks. */
static void reduce(const struct collective *work, size_t first, size_t n)
{
    const size_t width = width_of(work->wish.type);

    memcpy(work->recv, fake_room_area(work->comm->room, 0) + first * width, n * width);
    for (int r = 1; r < work->comm->ranks; r++)
        fold(work->recv, fake_room_area(work->comm->room, r) + first * width, n, work->wish.type,
             work->wish.op);
}

static void take(const struct collective *work)
{
    struct fake_communicator *comm = work->comm;
    const size_t              n = work->wish.count, bytes = n * width_of(work->wish.type);

    switch ((enum kind)work->wish.kind) {
    case ALL_REDUCE:
        reduce(work, 0, n);
        break;
    case REDUCE_SCATTER:
        reduce(work, (size_t)comm->rank * n, n);
        break;
    case BROADCAST:
        memcpy(work->recv, fake_room_area(comm->room, work->wish.root), bytes);
        break;
    case ALL_GATHER:
        for (int r = 0; r < comm->ranks; r++)
            memcpy((char *)work->recv + (size_t)r * bytes, fake_room_area(comm->room, r), bytes);
    }
}

static size_t sent_bytes(const struct collective *work)
{
    size_t bytes = work->wish.count * width_of(work->wish.type);

    return work->wish.kind == REDUCE_SCATTER ? bytes * (size_t)work->comm->ranks : bytes;
}

static bool poll_collective(const void *data)
{
    const struct collective  *work = data;
    struct fake_communicator *comm = work->comm;

    if (comm->aborted)
        return true;
    if (comm->broken)
        return false;
    if (comm->posted < work->number) {
        if (!all_have(comm, work->number - 1, true))
            return false;
        post(work, sent_bytes(work));
    }
    if (!all_have(comm, work->number, false))
        return false;
    check_wishes(work);
    take(work);
    comm->done = work->number;
    atomic_store(&comm->room->rank[comm->rank].left, work->number);
    return true;
}

static void check_wish(const struct fake_communicator *comm, const struct fake_wish *wish)
{
    const unsigned known = 1u << ncclUint8 | 1u << ncclInt32 | 1u << ncclUint32 | 1u << ncclInt64 |
                           1u << ncclUint64 | 1u << ncclFloat32 | 1u << ncclFloat64;

    if ((unsigned)wish->type >= ncclNumTypes || !(known >> wish->type & 1))
        fake_misuse("datatype", "%d is none that this project uses", wish->type);
    if (wish->op != ncclSum && wish->op != ncclMax && wish->op != ncclMin)
        fake_misuse("op", "%d is none that this project uses", wish->op);
    if (wish->root < 0 || wish->root >= comm->ranks)
        fake_misuse("root", "%d is not one of %d ranks", wish->root, comm->ranks);
}

static int spans_of(const struct collective *work, struct fake_span spans[2])
{
    const size_t width = width_of(work->wish.type), sent = sent_bytes(work);
    size_t       received = work->wish.count * width;
    const char  *send = work->send, *recv = work->recv;
    int          n = 0;

    if (work->wish.kind == ALL_GATHER)
        received *= (size_t)work->comm->ranks;
    if (sent > FAKE_AREA)
        fake_misuse("count", "%zu bytes: the stand-in has room for %zu", sent, FAKE_AREA);
    spans[n++] = (struct fake_span){"recvbuff", recv, received, width, true};
    if (work->wish.kind == BROADCAST && work->wish.root != work->comm->rank)
        return n;
    if (send != recv && send < recv + received && recv < send + sent &&
        work->wish.kind != ALL_GATHER && work->wish.kind != REDUCE_SCATTER)
        fake_misuse("recvbuff", "overlaps sendbuff without being the same");
    spans[n++] = (struct fake_span){"sendbuff", send, sent, width, false};
    return n;
}

static ncclResult_t collective(ncclComm_t handle, struct fake_wish wish, const void *send,
                               void *recv, cudaStream_t on)
{
    cudaError_t               status = fake_enter(wish.call);
    struct fake_communicator *comm = fake_object("comm", handle, FAKE_NCCL);
    struct fake_stream       *stream = fake_stream_of("stream", on);
    struct collective         work = {comm, comm->queued + 1, wish, send, recv};
    struct fake_span          spans[2];

    if (!comm->ready || (comm->in_progress && fake_nccl_groups() == 0))
        fake_misuse("comm", "a call before is in progress: ask ncclCommGetAsyncError first");
    if (comm->finalized)
        fake_misuse("comm", "was finalized");
    if (comm->device != stream->device)
        fake_misuse("stream", "is of device %d, the communicator of device %d", stream->device,
                    comm->device);
    check_wish(comm, &wish);
    if (status != cudaSuccess || comm->error != ncclSuccess)
        return fake_nccl_leave(status, comm->error);
    if (fake_nccl_fails(comm))
        return fake_nccl_leave(status, ncclSystemError);
    fake_queue_poll(stream, poll_collective, &work, sizeof work, spans, spans_of(&work, spans));
    comm->queued++;
    comm->in_progress = !comm->waits;
    return fake_nccl_leave(status,
                           comm->waits || fake_nccl_groups() > 0 ? ncclSuccess : ncclInProgress);
}

ncclResult_t ncclAllReduce(const void *send, void *recv, size_t count, ncclDataType_t type,
                           ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream)
{
    return collective(comm,
                      (struct fake_wish){"ncclAllReduce", count, ALL_REDUCE, (int)type, (int)op, 0},
                      send, recv, stream);
}

ncclResult_t ncclBroadcast(const void *send, void *recv, size_t count, ncclDataType_t type,
                           int root, ncclComm_t comm, cudaStream_t stream)
{
    return collective(
        comm, (struct fake_wish){"ncclBroadcast", count, BROADCAST, (int)type, ncclSum, root}, send,
        recv, stream);
}

ncclResult_t ncclReduceScatter(const void *send, void *recv, size_t count, ncclDataType_t type,
                               ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream)
{
    return collective(
        comm, (struct fake_wish){"ncclReduceScatter", count, REDUCE_SCATTER, (int)type, (int)op, 0},
        send, recv, stream);
}

ncclResult_t ncclAllGather(const void *send, void *recv, size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream)
{
    return collective(comm,
                      (struct fake_wish){"ncclAllGather", count, ALL_GATHER, (int)type, ncclSum, 0},
                      send, recv, stream);
}
