/* Misuse of streams, events, pinned memory and graphs. */
#include "tests/fakegpu/planted.h"

#include <cuda_runtime_api.h>

// clang-format off
WRAPPED(cudaError_t, cudaStreamWaitEvent, cudaStream_t stream, cudaEvent_t event, unsigned flags);
WRAPPED(cudaError_t, cudaEventSynchronize, cudaEvent_t event);
WRAPPED(cudaError_t, cudaStreamQuery, cudaStream_t stream);
WRAPPED(cudaError_t, cudaMemcpyAsync, void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream);
WRAPPED(cudaError_t, cudaMemsetAsync, void *at, int value, size_t bytes, cudaStream_t stream);
WRAPPED(cudaError_t, cudaFreeHost, void *memory);
WRAPPED(cudaError_t, cudaStreamDestroy, cudaStream_t stream);
WRAPPED(cudaError_t, cudaStreamCreateWithFlags, cudaStream_t *stream, unsigned flags);
WRAPPED(cudaError_t, cudaStreamBeginCapture, cudaStream_t stream, enum cudaStreamCaptureMode mode);
WRAPPED(cudaError_t, cudaStreamEndCapture, cudaStream_t stream, cudaGraph_t *graph);
WRAPPED(cudaError_t, cudaGraphLaunch, cudaGraphExec_t exec, cudaStream_t stream);
WRAPPED(cudaError_t, cudaGraphExecDestroy, cudaGraphExec_t exec);
// clang-format on

/* The next wait is that of work behind a copy to the device. */
static bool sent;

cudaError_t __wrap_cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags)
{
    const bool behind = sent;

    sent = false;
    if (behind && planted("work before its copy"))
        return cudaSuccess;
    if (!behind && planted("copy over what is still read"))
        return cudaSuccess;
    if (planted("missing event wait"))
        return cudaSuccess;
    return __real_cudaStreamWaitEvent(stream, event, planted("wait with flags") ? 2 : flags);
}

cudaError_t __wrap_cudaEventSynchronize(cudaEvent_t event)
{
    return planted("pinned memory filled too early") ? cudaSuccess
                                                     : __real_cudaEventSynchronize(event);
}

cudaError_t __wrap_cudaStreamQuery(cudaStream_t stream)
{
    return planted("answer that was not waited for") ? cudaSuccess : __real_cudaStreamQuery(stream);
}

cudaError_t __wrap_cudaMemcpyAsync(void *to, const void *from, size_t bytes,
                                   enum cudaMemcpyKind kind, cudaStream_t stream)
{
    sent = kind == cudaMemcpyHostToDevice;
    spoil_copy(&to, &from, &bytes, &kind);
    if (kind == cudaMemcpyDeviceToDevice && planted("copy onto itself"))
        from = to;
    if (kind == cudaMemcpyHostToDevice && planted("pinned memory freed while it is copied")) {
        cudaError_t status = __real_cudaMemcpyAsync(to, from, bytes, kind, stream);

        __real_cudaFreeHost((void *)(uintptr_t)from);
        return status;
    }
    if (kind == cudaMemcpyHostToDevice && planted("more than pinned memory has"))
        from = (const char *)from + 64;
    return __real_cudaMemcpyAsync(to, from, bytes, kind, stream);
}

cudaError_t __wrap_cudaMemsetAsync(void *at, int value, size_t bytes, cudaStream_t stream)
{
    return __real_cudaMemsetAsync(at, value, planted("filled past the end") ? bytes + 4096 : bytes,
                                  stream);
}

cudaError_t __wrap_cudaFreeHost(void *memory)
{
    if (planted("pinned memory never freed"))
        return cudaSuccess;
    if (planted("pinned memory freed twice"))
        __real_cudaFreeHost(memory);
    return __real_cudaFreeHost(memory);
}

cudaError_t __wrap_cudaStreamDestroy(cudaStream_t stream)
{
    if (planted("stream destroyed twice"))
        __real_cudaStreamDestroy(stream);
    return __real_cudaStreamDestroy(planted("default stream destroyed") ? NULL : stream);
}

cudaError_t __wrap_cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    return __real_cudaStreamCreateWithFlags(stream, planted("flags of nothing") ? 6 : flags);
}

cudaError_t __wrap_cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    static char pageable[64];
    void       *device = NULL;
    cudaError_t status;

    if (planted("capture in a capture"))
        __real_cudaStreamBeginCapture(stream, mode);
    status =
        __real_cudaStreamBeginCapture(planted("default stream captured") ? NULL : stream, mode);
    if (planted("pageable memory in a graph")) {
        cudaMalloc(&device, sizeof pageable);
        __real_cudaMemcpyAsync(device, pageable, sizeof pageable, cudaMemcpyHostToDevice, stream);
    }
    return status;
}

cudaError_t __wrap_cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    cudaError_t status = __real_cudaStreamEndCapture(stream, graph);

    return planted("capture ended twice") ? __real_cudaStreamEndCapture(stream, graph) : status;
}

cudaError_t __wrap_cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    if (planted("graph launched after its end"))
        __real_cudaGraphExecDestroy(exec);
    return __real_cudaGraphLaunch(exec, stream);
}

cudaError_t __wrap_cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    return planted("graph never destroyed") ? cudaSuccess : __real_cudaGraphExecDestroy(exec);
}
