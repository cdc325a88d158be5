/* A management library for GPUs that are not there: what is asked of a device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/fakegpu/misuse.h"
#include "tests/fakegpu/nvml_parts.h"

static const unsigned long long mib = 1 << 20;

EXPORT int nvmlDeviceGetName(struct nvml_device *device, char *name, unsigned room)
{
    const char *names = getenv("MX_FAKE_MODELS");
    const int   status = DEVICE(device);

    ROOM(name, room, NVML_NAME_ROOM);
    if (status != NVML_OK)
        return status;
    if (!names)
        names = "NVIDIA Pretended 80GB";
    for (int k = 0; k < device->gpu && names[strcspn(names, ";")]; k++)
        names += strcspn(names, ";") + 1;
    snprintf(name, room, "%.*s%s", (int)strcspn(names, ";"), names,
             device->part == NVML_WHOLE ? "" : " MIG 1g.10gb");
    return NVML_OK;
}

EXPORT int nvmlDeviceGetMemoryInfo(struct nvml_device *device, unsigned long long memory[3])
{
    const int status = DEVICE(device);

    POINTER(memory);
    if (status != NVML_OK)
        return status;
    memory[0] = (unsigned long long)fake_number(device->gpu, "memory", 81559) * mib;
    memory[2] = (unsigned long long)fake_number(device->gpu, "used", 450) * mib;
    if (device->part != NVML_WHOLE) {
        memory[0] /= 8;
        memory[2] /= 8;
    }
    memory[1] = memory[0] - memory[2];
    return NVML_OK;
}

EXPORT int nvmlDeviceGetMinorNumber(struct nvml_device *device, unsigned *minor)
{
    const int status = DEVICE(device);

    POINTER(minor);
    *minor = (unsigned)fake_number(device->gpu, "minor", device->gpu);
    return status;
}

EXPORT int nvmlDeviceGetUtilizationRates(struct nvml_device *device, unsigned share[2])
{
    const int status = DEVICE(device);

    POINTER(share);
    if (device->part != NVML_WHOLE)
        return NVML_NOT_SUPPORTED;
    share[0] = (unsigned)fake_number(device->gpu, "load", 0);
    share[1] = share[0] / 2;
    return status;
}

struct process {
    unsigned           pid;
    unsigned long long used;
    unsigned           gpu_instance, compute_instance;
};

/* "foreign=PID:MIB", and "processes=N" of them. What is behind the last one, or does not fit, is whatever it was. */
EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(struct nvml_device *device, unsigned *count,
                                                   struct process *list)
{
    const int     status = DEVICE(device);
    char          value[64];
    unsigned      room, pid;
    unsigned long used;

    POINTER(count);
    room = *count;
    if (room > 0)
        POINTER(list);
    if (room > 0)
        memset(list, 0xFF, room * sizeof *list);
    *count = 0;
    if (!fake_told(device->gpu, "foreign", value) || sscanf(value, "%u:%lu", &pid, &used) != 2)
        return status;
    *count = (unsigned)fake_number(device->gpu, "processes", 1);
    if (room < *count)
        return NVML_TOO_SMALL;
    for (unsigned k = 0; k < *count; k++)
        list[k] = (struct process){pid + k, used * mib, 0xFFFFFFFF, 0xFFFFFFFF};
    return status;
}

EXPORT int nvmlDeviceGetTotalEccErrors(struct nvml_device *device, int type, int counter,
                                       unsigned long long *errors)
{
    const int status = DEVICE(device);

    POINTER(errors);
    if (type < 0 || type > 1)
        fake_misuse_in(__func__, "errorType", "%d is none", type);
    if (counter < 0 || counter > 1)
        fake_misuse_in(__func__, "counterType", "%d is none", counter);
    if (device->part != NVML_WHOLE)
        return NVML_NOT_SUPPORTED;
    *errors =
        type == 1 && counter == 0 ? (unsigned long long)fake_number(device->gpu, "ecc", 0) : 0;
    return status;
}

EXPORT int nvmlDeviceGetRemappedRows(struct nvml_device *device, unsigned *corrected,
                                     unsigned *uncorrected, unsigned *pending, unsigned *failed)
{
    const int status = DEVICE(device);
    char      value[64] = "";

    POINTER(corrected);
    POINTER(uncorrected);
    POINTER(pending);
    POINTER(failed);
    fake_told(device->gpu, "rows", value);
    *corrected = *uncorrected = 0;
    *pending = strcmp(value, "pending") == 0;
    *failed = strcmp(value, "failed") == 0;
    return status;
}

EXPORT int nvmlDeviceGetComputeMode(struct nvml_device *device, int *mode)
{
    const int status = DEVICE(device);

    POINTER(mode);
    *mode = (int)fake_number(device->gpu, "mode", 0);
    return status;
}

EXPORT int nvmlDeviceGetNumGpuCores(struct nvml_device *device, unsigned *cores)
{
    const int status = DEVICE(device);

    POINTER(cores);
    *cores = (unsigned)fake_number(device->gpu, "speed", 100);
    return status;
}

EXPORT int nvmlDeviceGetMaxClockInfo(struct nvml_device *device, int type, unsigned *clock)
{
    const int status = DEVICE(device);

    POINTER(clock);
    if (type < 0 || type > 3)
        fake_misuse_in(__func__, "type", "%d is none", type);
    *clock = 1000;
    return status;
}

EXPORT int nvmlDeviceGetTotalEnergyConsumption(struct nvml_device *device,
                                               unsigned long long *energy)
{
    const int       status = DEVICE(device);
    struct timespec now;

    POINTER(energy);
    if (device->part != NVML_WHOLE)
        return NVML_NOT_SUPPORTED;
    clock_gettime(CLOCK_MONOTONIC, &now);
    *energy = (unsigned long long)(((double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6) *
                                   (double)fake_number(device->gpu, "watts", 300));
    return status;
}

EXPORT int nvmlDeviceGetMigMode(struct nvml_device *device, unsigned *current, unsigned *pending)
{
    const int status = DEVICE(device);

    POINTER(current);
    POINTER(pending);
    *current = *pending = fake_parts(device->gpu) > 0;
    return status;
}

EXPORT int nvmlDeviceGetMaxMigDeviceCount(struct nvml_device *device, unsigned *count)
{
    const int status = DEVICE(device);

    POINTER(count);
    *count = fake_parts(device->gpu) > 0 ? NVML_PARTS : 0;
    return status;
}

/* Of a part alone. */
static int instance(const char *call, const struct nvml_device *device, const unsigned *id)
{
    const int status = fake_nvml_device(call, device);

    fake_nvml_pointer(call, "id", id);
    if (device->part == NVML_WHOLE)
        fake_misuse_in(call, "device", "is a whole GPU, which is no instance");
    return status;
}

EXPORT int nvmlDeviceGetGpuInstanceId(struct nvml_device *device, unsigned *id)
{
    const int status = instance(__func__, device, id);

    *id = (unsigned)device->part + 7;
    return status;
}

EXPORT int nvmlDeviceGetComputeInstanceId(struct nvml_device *device, unsigned *id)
{
    const int status = instance(__func__, device, id);

    *id = 0;
    return status;
}
