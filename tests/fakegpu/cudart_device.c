/* The CUDA runtime: devices, versions, errors. */
#include <stdio.h>
#include <string.h>

#include "tests/fakegpu/fake.h"

cudaError_t cudaGetDeviceCount(int *count)
{
    cudaError_t status = fake_enter_question("cudaGetDeviceCount");

    if (!count)
        fake_misuse("count", "is NULL");
    if (!fake_machine()->driver)
        return fake_leave(cudaErrorInsufficientDriver); /* count stays as it was */
    if (fake_machine()->visible == 0)
        return fake_leave(cudaErrorNoDevice);
    *count = fake_machine()->visible;
    return fake_leave(status);
}

cudaError_t cudaSetDevice(int device)
{
    cudaError_t status = fake_enter("cudaSetDevice");

    return fake_leave(status == cudaSuccess ? fake_use_device(device) : status);
}

cudaError_t cudaGetDevice(int *device)
{
    cudaError_t status = fake_enter("cudaGetDevice");

    if (!device)
        fake_misuse("device", "is NULL");
    if (status == cudaSuccess)
        *device = fake_device();
    return fake_leave(status);
}

cudaError_t cudaDeviceSynchronize(void)
{
    cudaError_t status = fake_enter("cudaDeviceSynchronize");

    return fake_leave(status == cudaSuccess ? fake_wait_all() : status);
}

static cudaError_t attribute(enum cudaDeviceAttr attr, int device, int *value)
{
    switch (attr) {
    case cudaDevAttrComputeCapabilityMajor:
        *value = 8;
        return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
        *value = 0;
        return cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
        *value = 108;
        return cudaSuccess;
    case cudaDevAttrMaxThreadsPerBlock:
        *value = 1024;
        return cudaSuccess;
    case cudaDevAttrWarpSize:
        *value = 32;
        return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlock:
        *value = 48 << 10;
        return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = 163 << 10;
        return cudaSuccess;
    case cudaDevAttrClockRate:
        *value = 1410000;
        return cudaSuccess;
    case cudaDevAttrMemoryClockRate:
        *value = 1215000;
        return cudaSuccess;
    case cudaDevAttrGlobalMemoryBusWidth:
        *value = 5120;
        return cudaSuccess;
    case cudaDevAttrPciBusId:
        *value = fake_card(device) + 1;
        return cudaSuccess;
    default:
        fake_misuse("attr", "attribute %d is not one that this machine has", (int)attr);
    }
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attr, int device)
{
    cudaError_t status = fake_enter("cudaDeviceGetAttribute");

    if (!value)
        fake_misuse("value", "is NULL");
    if (status != cudaSuccess)
        return fake_leave(status);
    if (device < 0 || device >= fake_machine()->visible)
        return fake_leave(cudaErrorInvalidDevice);
    return fake_leave(attribute(attr, fake_machine()->installed[device], value));
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *prop, int device)
{
    cudaError_t status = fake_enter("cudaGetDeviceProperties");
    int         installed;

    if (!prop)
        fake_misuse("prop", "is NULL");
    if (status != cudaSuccess)
        return fake_leave(status);
    if (device < 0 || device >= fake_machine()->visible)
        return fake_leave(cudaErrorInvalidDevice);
    installed = fake_machine()->installed[device];
    memset(prop, 0, sizeof *prop);
    snprintf(prop->name, sizeof prop->name, "Pretended GPU");
    fake_uuid(installed, (unsigned char *)prop->uuid.bytes);
    prop->totalGlobalMem = fake_machine()->memory;
    prop->major = 8;
    prop->multiProcessorCount = 108;
    prop->warpSize = 32;
    prop->maxThreadsPerBlock = 1024;
    prop->sharedMemPerBlock = 48 << 10;
    prop->pciBusID = fake_card(installed) + 1;
    return fake_leave(cudaSuccess);
}

cudaError_t cudaDeviceGetPCIBusId(char *id, int length, int device)
{
    cudaError_t status = fake_enter("cudaDeviceGetPCIBusId");

    if (!id || length < 13)
        fake_misuse("pciBusId", "needs at least 13 bytes");
    if (status != cudaSuccess)
        return fake_leave(status);
    if (device < 0 || device >= fake_machine()->visible)
        return fake_leave(cudaErrorInvalidDevice);
    snprintf(id, (size_t)length, "0000:%02X:00.0",
             (unsigned)(fake_card(fake_machine()->installed[device]) + 1) & 0xFFu);
    return fake_leave(cudaSuccess);
}

cudaError_t cudaDriverGetVersion(int *version)
{
    (void)fake_enter_question("cudaDriverGetVersion");
    if (!version)
        fake_misuse("driverVersion", "is NULL");
    *version = fake_machine()->driver ? CUDART_VERSION : 0;
    return fake_leave(cudaSuccess);
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    (void)fake_enter_question("cudaRuntimeGetVersion");
    if (!version)
        fake_misuse("runtimeVersion", "is NULL");
    *version = CUDART_VERSION;
    return fake_leave(cudaSuccess);
}

static cudaError_t last_error(const char *call, bool forget)
{
    cudaError_t last;

    (void)fake_enter_question(call);
    last = fake_last_error(forget);
    (void)fake_leave(cudaSuccess);
    return last;
}

cudaError_t cudaGetLastError(void)
{
    return last_error("cudaGetLastError", true);
}

cudaError_t cudaPeekAtLastError(void)
{
    return last_error("cudaPeekAtLastError", false);
}

static const struct {
    cudaError_t error;
    const char *name, *text;
} errors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorECCUncorrectable, "cudaErrorECCUncorrectable", "uncorrectable ECC error encountered"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress",
     "an illegal memory access was encountered"},
    {cudaErrorAssert, "cudaErrorAssert", "device-side assert triggered"},
};

static const char *error_text(cudaError_t error, bool name)
{
    for (size_t k = 0; k < sizeof errors / sizeof *errors; k++)
        if (errors[k].error == error)
            return name ? errors[k].name : errors[k].text;
    return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error)
{
    return error_text(error, false);
}

const char *cudaGetErrorName(cudaError_t error)
{
    return error_text(error, true);
}
