/* nvml.h - the calls of NVIDIA's management library that are used here.
 *
 * The library comes with the driver and is looked for at run time: programs start without it,
 * and its header is not needed to build. Types and numbers are those of its documented
 * interface (NVML API reference, versions of driver 450 and later). Nothing here touches
 * CUDA, so that a process which asks holds no memory on any GPU.
 */
#ifndef MX_SWEEP_NVML_H
#define MX_SWEEP_NVML_H

#include "base/err.h"

enum {
    MX_NVML_SUCCESS = 0,
    MX_NVML_NOT_SUPPORTED = 3,
    MX_NVML_NO_PERMISSION = 4,
    MX_NVML_INSUFFICIENT_SIZE = 7,
    MX_NVML_GPU_IS_LOST = 15,
    MX_NVML_RESET_REQUIRED = 16,

    MX_NVML_TEXT = 96, /* room for a name or a UUID */
    MX_NVML_UNCORRECTED = 1,
    MX_NVML_VOLATILE = 0, /* since the driver was loaded */
    MX_NVML_CLOCK_SM = 1,
    MX_NVML_COMPUTE_PROHIBITED = 2,
    MX_NVML_COMPUTE_EXCLUSIVE = 3, /* one process at a time */
};

typedef struct mx_nvml_handle *mx_nvml_device;

struct mx_nvml_memory {
    unsigned long long total, free, used; /* bytes */
};

struct mx_nvml_utilization {
    unsigned gpu, memory; /* percent */
};

struct mx_nvml_process {
    unsigned           pid;
    unsigned long long used; /* bytes; all ones: not told */
    unsigned           gpu_instance, compute_instance;
};

/* X(member, name in the library, parameters); those of MX_NVML_OPTIONAL are NULL where a driver
 * is too old for them. */
#define MX_NVML_NEEDED(X)                                                                          \
    X(init, "nvmlInit_v2", (void))                                                                 \
    X(shutdown, "nvmlShutdown", (void))                                                            \
    X(driver_version, "nvmlSystemGetDriverVersion", (char *, unsigned))                            \
    X(cuda_version, "nvmlSystemGetCudaDriverVersion_v2", (int *))                                  \
    X(count, "nvmlDeviceGetCount_v2", (unsigned *))                                                \
    X(device, "nvmlDeviceGetHandleByIndex_v2", (unsigned, mx_nvml_device *))                       \
    X(uuid, "nvmlDeviceGetUUID", (mx_nvml_device, char *, unsigned))                               \
    X(name, "nvmlDeviceGetName", (mx_nvml_device, char *, unsigned))                               \
    X(memory, "nvmlDeviceGetMemoryInfo", (mx_nvml_device, struct mx_nvml_memory *))
#define MX_NVML_OPTIONAL(X)                                                                        \
    X(device_by_uuid, "nvmlDeviceGetHandleByUUID", (const char *, mx_nvml_device *))               \
    X(minor, "nvmlDeviceGetMinorNumber", (mx_nvml_device, unsigned *))                             \
    X(utilization, "nvmlDeviceGetUtilizationRates",                                                \
      (mx_nvml_device, struct mx_nvml_utilization *))                                              \
    X(processes, "nvmlDeviceGetComputeRunningProcesses_v3",                                        \
      (mx_nvml_device, unsigned *, struct mx_nvml_process *))                                      \
    X(ecc_errors, "nvmlDeviceGetTotalEccErrors", (mx_nvml_device, int, int, unsigned long long *)) \
    X(remapped_rows, "nvmlDeviceGetRemappedRows",                                                  \
      (mx_nvml_device, unsigned *, unsigned *, unsigned *, unsigned *))                            \
    X(compute_mode, "nvmlDeviceGetComputeMode", (mx_nvml_device, int *))                           \
    X(cores, "nvmlDeviceGetNumGpuCores", (mx_nvml_device, unsigned *))                             \
    X(clock, "nvmlDeviceGetMaxClockInfo", (mx_nvml_device, int, unsigned *))                       \
    X(energy, "nvmlDeviceGetTotalEnergyConsumption", (mx_nvml_device, unsigned long long *))       \
    X(mig_mode, "nvmlDeviceGetMigMode", (mx_nvml_device, unsigned *, unsigned *))                  \
    X(mig_count, "nvmlDeviceGetMaxMigDeviceCount", (mx_nvml_device, unsigned *))                   \
    X(mig_device, "nvmlDeviceGetMigDeviceHandleByIndex",                                           \
      (mx_nvml_device, unsigned, mx_nvml_device *))                                                \
    X(gpu_instance, "nvmlDeviceGetGpuInstanceId", (mx_nvml_device, unsigned *))                    \
    X(compute_instance, "nvmlDeviceGetComputeInstanceId", (mx_nvml_device, unsigned *))

#define MX_NVML_MEMBER(member, name, parameters) int(*member) parameters;

/* The library, initialised. Calls return MX_NVML_SUCCESS or another number. */
struct mx_nvml {
    void *library;
    MX_NVML_NEEDED(MX_NVML_MEMBER)
    MX_NVML_OPTIONAL(MX_NVML_MEMBER)
};

/* Load and initialise the library: `file`, or where the system's loader finds it if NULL.
 * Returns 0; or -1 with MX_EGPU that says why there is none: no driver is installed, or it
 * does not work. Then *nvml needs no close. */
int  mx_nvml_open(const char *file, struct mx_nvml *nvml, struct mx_err *err);
void mx_nvml_close(struct mx_nvml *nvml); /* a zeroed one is allowed */

#endif
