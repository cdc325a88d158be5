/* The CUDA runtime: streams and events. */
#include <string.h>

#include "tests/fakegpu/fake.h"

struct event {
    int                device;
    bool               recorded, timing;
    bool               unasked; /* the next query says "not ready" */
    uint64_t           clock[FAKE_STREAMS];
    uint64_t           number; /* of its last record: time is counted in records */
    struct fake_graph *capture;
};

static cudaError_t stream_new(const char *call, cudaStream_t *stream, unsigned flags)
{
    cudaError_t status = fake_enter(call);

    if (!stream)
        fake_misuse("pStream", "is NULL");
    if (flags & ~(unsigned)cudaStreamNonBlocking)
        fake_misuse("flags", "%#x has bits that mean nothing", flags);
    if (status == cudaSuccess)
        *stream =
            (cudaStream_t)(void *)fake_stream_new(fake_device(), !(flags & cudaStreamNonBlocking));
    return fake_leave(status);
}

cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
    return stream_new("cudaStreamCreate", stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    return stream_new("cudaStreamCreateWithFlags", stream, flags);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority)
{
    (void)priority; /* clamped by the runtime; here all are alike */
    return stream_new("cudaStreamCreateWithPriority", stream, flags);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    cudaError_t status = fake_enter("cudaStreamDestroy");

    if (!stream || stream == cudaStreamLegacy)
        fake_misuse("stream", "is the default stream, which nobody destroys");
    fake_stream_free(fake_object("stream", stream, FAKE_STREAM));
    return fake_leave(status);
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle)
{
    cudaError_t         status = fake_enter("cudaStreamSynchronize");
    struct fake_stream *stream = fake_stream_of("stream", handle);

    return fake_leave(status == cudaSuccess ? fake_wait(stream) : status);
}

/* Work is late: the first question after some was queued is answered "not ready", and the
 * next one with the work done. */
static cudaError_t ask(const uint64_t clock[FAKE_STREAMS], bool *unasked)
{
    if (*unasked) {
        *unasked = false;
        return cudaErrorNotReady;
    }
    if (!fake_reach(clock, false))
        return cudaErrorNotReady;
    if (fake_sticking() == cudaSuccess)
        fake_host_learns(clock);
    return fake_sticking();
}

cudaError_t cudaStreamQuery(cudaStream_t handle)
{
    cudaError_t         status = fake_enter("cudaStreamQuery");
    struct fake_stream *stream = fake_stream_of("stream", handle);

    if (status != cudaSuccess)
        return fake_leave(status);
    if (stream->capture)
        fake_misuse("stream", "its work is being captured: nothing can ask for it");
    stream->unasked = !stream->unasked && stream->done < stream->queued;
    return fake_leave(ask(stream->clock, &(bool){stream->unasked}));
}

/* ---- events ---- */

static cudaError_t event_new(const char *call, cudaEvent_t *event, unsigned flags)
{
    cudaError_t   status = fake_enter(call);
    struct event *made;

    if (!event)
        fake_misuse("event", "is NULL");
    if (flags & ~(unsigned)(cudaEventBlockingSync | cudaEventDisableTiming))
        fake_misuse("flags", "%#x has bits that mean nothing here", flags);
    if (status != cudaSuccess)
        return fake_leave(status);
    made = fake_object_new(FAKE_EVENT);
    made->device = fake_device();
    made->timing = !(flags & cudaEventDisableTiming);
    *event = (cudaEvent_t)(void *)made;
    return fake_leave(cudaSuccess);
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    return event_new("cudaEventCreate", event, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    return event_new("cudaEventCreateWithFlags", event, flags);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    cudaError_t status = fake_enter("cudaEventDestroy");

    fake_object_free(fake_object("event", event, FAKE_EVENT));
    return fake_leave(status);
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t on)
{
    static uint64_t     records;
    cudaError_t         status = fake_enter("cudaEventRecord");
    struct event       *event = fake_object("event", handle, FAKE_EVENT);
    struct fake_stream *stream = fake_stream_of("stream", on);

    if (event->device != stream->device)
        fake_misuse("event", "is of device %d, its stream of device %d", event->device,
                    stream->device);
    if (status != cudaSuccess)
        return fake_leave(status);
    event->capture = stream->capture;
    memcpy(event->clock, stream->clock, sizeof event->clock);
    event->recorded = event->unasked = true;
    event->number = ++records;
    return fake_leave(cudaSuccess);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t of, unsigned flags)
{
    cudaError_t         status = fake_enter("cudaStreamWaitEvent");
    struct fake_stream *stream = fake_stream_of("stream", handle);
    struct event       *event = fake_object("event", of, FAKE_EVENT);

    if (flags != cudaEventWaitDefault)
        fake_misuse("flags", "%#x is not 0", flags);
    if (!event->recorded)
        fake_misuse("event", "was never recorded: there is nothing to wait for");
    if (status != cudaSuccess)
        return fake_leave(status);
    if (stream->capture && event->capture != stream->capture)
        fake_misuse("event", "was recorded outside of the graph that is captured");
    if (event->capture && !stream->capture)
        fake_misuse("event", "was recorded in a captured graph, which this project keeps to one "
                             "stream");
    fake_join(stream->clock, event->clock);
    return fake_leave(cudaSuccess);
}

static struct event *event_to_wait_for(cudaEvent_t handle)
{
    struct event *event = fake_object("event", handle, FAKE_EVENT);

    if (!event->recorded)
        fake_misuse("event", "was never recorded: there is nothing to wait for");
    if (event->capture)
        fake_misuse("event", "was recorded in a captured graph: the host cannot wait for it");
    return event;
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle)
{
    cudaError_t   status = fake_enter("cudaEventSynchronize");
    struct event *event = event_to_wait_for(handle);

    if (status != cudaSuccess)
        return fake_leave(status);
    if (fake_happens(FAKE_ON_SYNC, 0) == FAKE_HANG)
        fake_hang();
    (void)fake_reach(event->clock, true);
    fake_host_learns(event->clock);
    return fake_leave(fake_sticking());
}

cudaError_t cudaEventQuery(cudaEvent_t handle)
{
    cudaError_t   status = fake_enter("cudaEventQuery");
    struct event *event = event_to_wait_for(handle);

    return fake_leave(status == cudaSuccess ? ask(event->clock, &event->unasked) : status);
}

/* A thousandth of a second a record: a time that nobody can take for a measurement. */
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
    cudaError_t   status = fake_enter("cudaEventElapsedTime");
    struct event *start = event_to_wait_for(from), *end = event_to_wait_for(to);

    if (!ms)
        fake_misuse("ms", "is NULL");
    if (!start->timing || !end->timing)
        fake_misuse(start->timing ? "end" : "start", "was made without timing");
    if (status != cudaSuccess)
        return fake_leave(status);
    for (int k = 0; k < FAKE_STREAMS; k++)
        if (end->clock[k] > fake_host_clock()[k] || start->clock[k] > fake_host_clock()[k])
            return fake_leave(cudaErrorNotReady);
    *ms = (float)end->number - (float)start->number;
    return fake_leave(cudaSuccess);
}
