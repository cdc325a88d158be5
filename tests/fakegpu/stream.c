/* Streams: queues of work. Each piece of work carries a clock that says, for every stream, how
 * far that one must have come before it; a clock is what events and waits hand on, so that
 * orders can be compared and nothing is done earlier than somebody waits for it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fakegpu/fake.h"

enum {
    DEEPEST = 4096 /* pieces of work that may wait */
};

struct fake_op {
    struct fake_op *next;
    const char     *call;
    uint64_t        seq;
    uint64_t        clock[FAKE_STREAMS];
    void (*run)(const void *data);
    bool (*poll)(const void *data); /* instead of it */
    enum fake_kind_of_failure failure;
    _Alignas(16) char data[];
};

static struct {
    struct fake_stream  defaults[FAKE_DEVICES];
    struct fake_stream *slots[FAKE_STREAMS];
    uint64_t            ended[FAKE_STREAMS]; /* how far a slot's last stream had come */
    uint64_t            host[FAKE_STREAMS];
    uint64_t            random;
    const char         *working; /* the call whose work is done now */
    bool                ready;
} streams;

static void prepare(void)
{
    if (streams.ready)
        return;
    streams.ready = true;
    streams.random = fake_machine()->seed;
    for (int d = 0; d < FAKE_DEVICES; d++) {
        streams.slots[d] = &streams.defaults[d];
        streams.defaults[d].slot = streams.defaults[d].device = d;
    }
}

const uint64_t *fake_host_clock(void)
{
    return streams.host;
}

void fake_join(uint64_t into[FAKE_STREAMS], const uint64_t from[FAKE_STREAMS])
{
    for (int k = 0; k < FAKE_STREAMS; k++)
        if (from[k] > into[k])
            into[k] = from[k];
}

const char *fake_working(void)
{
    return streams.working ? streams.working : fake_call();
}

/* Memory that was closed to the host until now may be open: it is closed and opened anew. */
void fake_host_learns(const uint64_t clock[FAKE_STREAMS])
{
    fake_join(streams.host, clock);
    fake_open();
    fake_close();
}

struct fake_stream *fake_stream_of(const char *argument, cudaStream_t stream)
{
    struct fake_stream *found;

    prepare();
    if (stream == cudaStreamPerThread)
        fake_misuse(argument, "is the thread's default stream, which this project does not use");
    if (!stream || stream == cudaStreamLegacy)
        return &streams.defaults[fake_device()];
    found = fake_object(argument, stream, FAKE_STREAM);
    if (found->device != fake_device())
        fake_misuse(argument, "is a stream of device %d, the current one is %d", found->device,
                    fake_device());
    return found;
}

struct fake_stream *fake_stream_new(int device, bool waits)
{
    struct fake_stream *stream = fake_object_new(FAKE_STREAM);

    prepare();
    for (int k = FAKE_DEVICES; k < FAKE_STREAMS; k++)
        if (!streams.slots[k]) {
            streams.slots[k] = stream;
            stream->slot = k;
            stream->device = device;
            stream->waits = waits;
            stream->queued = stream->done = streams.ended[k];
            return stream;
        }
    fake_misuse("fakegpu", "more than %d streams at a time", FAKE_STREAMS - FAKE_DEVICES);
}

void fake_stream_free(struct fake_stream *stream)
{
    if (stream->capture)
        fake_misuse("stream", "work on it is being captured");
    (void)fake_reach(stream->clock, true); /* it goes away when its work is done */
    streams.ended[stream->slot] = stream->queued;
    streams.slots[stream->slot] = NULL;
    fake_object_free(stream);
}

/* ---- doing work ---- */

static bool do_up_to(int slot, uint64_t seq, bool block);

static bool do_before(const struct fake_op *op, int slot, bool block)
{
    for (int k = 0; k < FAKE_STREAMS; k++)
        if (k != slot && !do_up_to(k, op->clock[k], block))
            return false;
    return true;
}

/* One piece of work; false: it hangs. */
static bool do_op(const struct fake_op *op, bool block)
{
    if (op->failure == FAKE_HANG) {
        if (block)
            fake_hang();
        return false;
    }
    if (op->failure != FAKE_WORKS)
        fake_stick(fake_error_of(op->failure));
    if (fake_sticking() == cudaSuccess) {
        streams.working = op->call;
        if (op->run)
            op->run(op->data);
        while (op->poll && !op->poll(op->data)) {
            if (!block)
                return false;
            usleep(100);
        }
    }
    return true;
}

static bool do_up_to(int slot, uint64_t seq, bool block)
{
    struct fake_stream *stream = streams.slots[slot];

    while (stream && stream->done < seq && stream->first) {
        struct fake_op *op = stream->first;

        if (!do_before(op, slot, block) || !do_op(op, block))
            return false;
        stream->done = op->seq;
        stream->first = op->next;
        stream->depth--;
        free(op);
    }
    return true;
}

bool fake_reach(const uint64_t clock[FAKE_STREAMS], bool block)
{
    bool done = true;

    fake_open();
    for (int k = 0; done && k < FAKE_STREAMS; k++)
        done = do_up_to(k, clock[k], block);
    fake_close();
    return done;
}

static void no_capture(const struct fake_stream *stream)
{
    if (stream->capture)
        fake_misuse("stream", "its work is being captured: nothing can wait for it");
}

cudaError_t fake_wait(struct fake_stream *stream)
{
    uint64_t clock[FAKE_STREAMS];

    no_capture(stream);
    if (fake_happens(FAKE_ON_SYNC, 0) == FAKE_HANG)
        fake_hang();
    memcpy(clock, stream->clock, sizeof clock);
    if (stream == &streams.defaults[stream->device])
        for (int k = 0; k < FAKE_STREAMS; k++)
            if (streams.slots[k] && streams.slots[k]->waits &&
                streams.slots[k]->device == stream->device)
                fake_join(clock, streams.slots[k]->clock);
    (void)fake_reach(clock, true);
    fake_host_learns(clock);
    return fake_sticking();
}

cudaError_t fake_wait_all(void)
{
    prepare();
    if (fake_happens(FAKE_ON_SYNC, 0) == FAKE_HANG)
        fake_hang();
    for (int k = 0; k < FAKE_STREAMS; k++) {
        const struct fake_stream *stream = streams.slots[k];

        if (!stream || stream->device != fake_device())
            continue;
        no_capture(stream);
        (void)fake_reach(stream->clock, true);
        fake_join(streams.host, stream->clock);
    }
    fake_host_learns(streams.host);
    return fake_sticking();
}

/* ---- queueing ---- */

/* What the work that is queued next comes after: all that the host has waited for, and with
 * the default stream all that it and the streams that wait for it have. */
static void advance(struct fake_stream *stream)
{
    struct fake_stream *all = &streams.defaults[stream->device];

    fake_join(stream->clock, streams.host);
    if (stream->waits)
        fake_join(stream->clock, all->clock);
    for (int k = FAKE_DEVICES; stream == all && k < FAKE_STREAMS; k++)
        if (streams.slots[k] && streams.slots[k]->waits &&
            streams.slots[k]->device == stream->device)
            fake_join(stream->clock, streams.slots[k]->clock);
    stream->clock[stream->slot] = ++stream->queued;
}

/* Check and note a span; true: it is pinned memory. */
static bool touch(const struct fake_stream *stream, const struct fake_span *span)
{
    struct fake_access access = {.start = span->at,
                                 .bytes = span->bytes,
                                 .seq = stream->queued,
                                 .call = fake_call(),
                                 .slot = stream->slot,
                                 .write = span->write};
    struct fake_block *block;
    bool               pinned;

    if (span->bytes == 0)
        return false;
    if (span->align > 1 && (uintptr_t)span->at % span->align != 0)
        fake_misuse(span->argument, "must be aligned to %zu bytes", span->align);
    block = fake_pinned_of(span->argument, span->at, span->bytes);
    pinned = block != NULL;
    if (!pinned)
        block = fake_block_of(span->argument, span->at, span->bytes, stream->device);
    fake_touch(fake_block_accesses(block), span->argument, access, stream->clock);
    return pinned;
}

/* Do what the order that was asked for does now: nothing, all, or what a seed says. */
static void maybe_do(const struct fake_stream *stream)
{
    uint64_t clock[FAKE_STREAMS] = {0};
    uint64_t draw;

    if (fake_machine()->eager || stream->depth > DEEPEST) {
        (void)fake_reach(stream->clock, false);
        return;
    }
    if (!fake_machine()->seed)
        return;
    streams.random = streams.random * 6364136223846793005u + 1442695040888963407u;
    draw = streams.random >> 33;
    if (draw % 4 == 0) {
        int                       slot = (int)(draw / 4 % FAKE_STREAMS);
        const struct fake_stream *other = streams.slots[slot] ? streams.slots[slot] : stream;

        clock[other->slot] = other->done + 1 + draw / 256 % 8;
        (void)fake_reach(clock, false);
    }
}

/* Queue what `what` runs or polls. */
static void queue(struct fake_stream *stream, struct fake_op what, const void *data, size_t size,
                  const struct fake_span *spans, int n)
{
    struct fake_op *op;
    bool            pinned = false;

    op = calloc(1, sizeof *op + size);
    if (!op)
        fake_misuse("fakegpu", "no memory for its queue");
    advance(stream);
    for (int k = 0; k < n; k++)
        pinned |= touch(stream, &spans[k]);
    op->call = fake_call();
    op->seq = stream->queued;
    memcpy(op->clock, stream->clock, sizeof op->clock);
    op->run = what.run;
    op->poll = what.poll;
    if (strncmp(op->call, "cudaMem", 7) != 0)
        op->failure = fake_happens(FAKE_ON_LAUNCH, 0);
    if (size > 0)
        memcpy(op->data, data, size);
    if (stream->first)
        stream->last->next = op;
    else
        stream->first = op;
    stream->last = op;
    stream->depth++;
    if (pinned) {
        fake_open(); /* closes what the host may no longer touch */
        fake_close();
    }
    maybe_do(stream);
}

void fake_queue(struct fake_stream *stream, void (*run)(const void *data), const void *data,
                size_t size, const struct fake_span *spans, int n)
{
    if (stream->capture)
        fake_graph_add(stream->capture, run, data, size, spans, n);
    else
        queue(stream, (struct fake_op){.run = run}, data, size, spans, n);
}

void fake_queue_poll(struct fake_stream *stream, bool (*poll)(const void *data), const void *data,
                     size_t size, const struct fake_span *spans, int n)
{
    if (stream->capture)
        fake_misuse("stream", "is being captured, and this project does not capture NCCL");
    queue(stream, (struct fake_op){.poll = poll}, data, size, spans, n);
}
