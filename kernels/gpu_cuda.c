/* What the runtime tells about the device that is used. */
#include <stdio.h>

#include "kernels/gpu_peak.h"
#include "kernels/kern.h"
#include "kernels/nn_cuda.h"

static int ask(enum cudaDeviceAttr what, int *value, struct mx_err *err)
{
    *value = 0;
    CUDA_TRY(cudaDeviceGetAttribute(value, what, 0), err);
    return 0;

fail:
    return -1;
}

int kern_cuda_gpu(struct kern_gpu *gpu, struct mx_err *err)
{
    struct cudaDeviceProp properties;
    int                   multiprocessors, clock, memory, bus; /* clocks in kHz */

    if (!kern_cuda(err))
        return -1;
    CUDA_TRY(cudaGetDeviceProperties(&properties, 0), err);
    if (ask(cudaDevAttrComputeCapabilityMajor, &gpu->major, err) ||
        ask(cudaDevAttrComputeCapabilityMinor, &gpu->minor, err) ||
        ask(cudaDevAttrMultiProcessorCount, &multiprocessors, err) ||
        ask(cudaDevAttrClockRate, &clock, err) || ask(cudaDevAttrMemoryClockRate, &memory, err) ||
        ask(cudaDevAttrGlobalMemoryBusWidth, &bus, err))
        return -1;
    snprintf(gpu->name, sizeof gpu->name, "%s", properties.name);
    gpu->multiprocessors = (unsigned)multiprocessors;
    gpu->clock = clock * 1e3;
    gpu->memory_clock = memory * 1e3;
    gpu->bus = (unsigned)bus;
    return 0;

fail:
    return -1;
}
