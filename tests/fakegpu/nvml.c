/* nvml.c - a management library for GPUs that are not there, found through LD_LIBRARY_PATH.
 *
 *     MX_FAKE_GPUS    how many; default 1. Without it the library does not start, as without a
 *                     driver.
 *     MX_FAKE_MODELS  names of theirs, the last one for all that follow: "A100;T4"
 *     MX_FAKE_GPU_N   what is special about GPU N, words with a blank between them:
 *                     used=MIB memory=MIB foreign=PID:MIB ecc=N load=PERCENT watts=W
 *                     mig=N (so many parts) mode=N (compute mode) minor=N speed=N lost reset
 *                     hidden (by a control group) rows=pending|failed
 *
 * Energy is watts times the time since the machine started, 300 unless told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Whoever calls these looks them up by name. */
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#define EXPORT __attribute__((visibility("default")))

enum {
    OK = 0,
    NOT_INITIALISED = 1,
    BAD_ARGUMENT = 2,
    NOT_SUPPORTED = 3,
    NO_PERMISSION = 4,
    NOT_FOUND = 6,
    TOO_SMALL = 7,
    DRIVER_NOT_LOADED = 9,
    LOST = 15,
    RESET = 16,
    MOST = 16, /* GPUs, and parts of one */
};

static const unsigned long long mib = 1 << 20;

/* Handles: what they point to tells which GPU, and which part of it (-1: the whole). */
struct nvml_device {
    int gpu, part;
};

static struct nvml_device handles[MOST][MOST + 1];
static int                started;

static int gpus(void)
{
    const char *text = getenv("MX_FAKE_GPUS");
    int         n = text ? atoi(text) : 0;

    return n > MOST ? MOST : n;
}

/* The value of "word=value" among the specialities of a GPU, "" for a bare word; NULL. */
static const char *told(int gpu, const char *word, char value[64])
{
    char        name[32];
    const char *at;

    snprintf(name, sizeof name, "MX_FAKE_GPU_%d", gpu);
    for (at = getenv(name); at && *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ="), n;

        if (len == strlen(word) && strncmp(at, word, len) == 0) {
            at += len + (at[len] == '=');
            n = strcspn(at, " ");
            snprintf(value, 64, "%.*s", n < 63 ? (int)n : 63, at);
            return value;
        }
        at += strcspn(at, " ");
    }
    return NULL;
}

static long number(int gpu, const char *word, long otherwise)
{
    char value[64];

    return told(gpu, word, value) ? strtol(value, NULL, 10) : otherwise;
}

static int is(int gpu, const char *word)
{
    char value[64];

    return told(gpu, word, value) != NULL;
}

/* What every call on a device says first. */
static int state(const struct nvml_device *device)
{
    if (!started)
        return NOT_INITIALISED;
    if (!device || device->gpu < 0 || device->gpu >= gpus())
        return BAD_ARGUMENT;
    return is(device->gpu, "lost") ? LOST : is(device->gpu, "reset") ? RESET : OK;
}

static int parts(int gpu)
{
    long n = number(gpu, "mig", 0);

    return n > MOST ? MOST : (int)n;
}

EXPORT int nvmlInit_v2(void)
{
    if (!getenv("MX_FAKE_GPUS"))
        return DRIVER_NOT_LOADED;
    started++;
    return OK;
}

EXPORT int nvmlShutdown(void)
{
    if (!started)
        return NOT_INITIALISED;
    started--;
    return OK;
}

EXPORT int nvmlSystemGetDriverVersion(char *text, unsigned room)
{
    return snprintf(text, room, "580.95.05") < (int)room ? OK : TOO_SMALL;
}

EXPORT int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    *version = 13000;
    return OK;
}

EXPORT int nvmlDeviceGetCount_v2(unsigned *n)
{
    *n = (unsigned)gpus();
    return started ? OK : NOT_INITIALISED;
}

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned place, struct nvml_device **device)
{
    if (!started)
        return NOT_INITIALISED;
    if (place >= (unsigned)gpus())
        return BAD_ARGUMENT;
    if (is((int)place, "hidden"))
        return NO_PERMISSION;
    *device = &handles[place][MOST];
    **device = (struct nvml_device){(int)place, -1};
    return is((int)place, "lost") ? LOST : OK;
}

EXPORT int nvmlDeviceGetUUID(struct nvml_device *device, char *text, unsigned room)
{
    const int rc = state(device);

    if (rc != OK && rc != RESET)
        return rc;
    if (device->part < 0)
        snprintf(text, room, "GPU-%08x-0000-4000-8000-00000000%04x",
                 0xfa4e0000u + (unsigned)device->gpu, (unsigned)device->gpu);
    else
        snprintf(text, room, "MIG-%08x-0000-5000-8000-00000000%04x",
                 0xfa4e0000u + (unsigned)device->gpu, (unsigned)device->part);
    return OK;
}

EXPORT int nvmlDeviceGetHandleByUUID(const char *uuid, struct nvml_device **device)
{
    char     text[96];
    unsigned most = (unsigned)gpus();

    for (unsigned k = 0; k < most; k++)
        for (int part = -1; part < parts((int)k); part++) {
            *device = &handles[k][part < 0 ? MOST : part];
            **device = (struct nvml_device){(int)k, part};
            if (nvmlDeviceGetUUID(*device, text, sizeof text) == OK && strcmp(text, uuid) == 0)
                return is((int)k, "lost") ? LOST : OK;
        }
    return NOT_FOUND;
}

EXPORT int nvmlDeviceGetName(struct nvml_device *device, char *text, unsigned room)
{
    const char *names = getenv("MX_FAKE_MODELS");
    const int   rc = state(device);

    if (rc != OK)
        return rc;
    if (!names)
        names = "NVIDIA Pretended 80GB";
    for (int k = 0; k < device->gpu && names[strcspn(names, ";")]; k++)
        names += strcspn(names, ";") + 1;
    snprintf(text, room, "%.*s%s", (int)strcspn(names, ";"), names,
             device->part < 0 ? "" : " MIG 1g.10gb");
    return OK;
}

EXPORT int nvmlDeviceGetMemoryInfo(struct nvml_device *device, unsigned long long memory[3])
{
    const int rc = state(device);

    if (rc != OK)
        return rc;
    memory[0] = (unsigned long long)number(device->gpu, "memory", 81559) * mib;
    memory[2] = (unsigned long long)number(device->gpu, "used", 450) * mib;
    if (device->part >= 0) {
        memory[0] /= 8;
        memory[2] /= 8;
    }
    memory[1] = memory[0] - memory[2];
    return OK;
}

EXPORT int nvmlDeviceGetMinorNumber(struct nvml_device *device, unsigned *minor)
{
    *minor = (unsigned)number(device->gpu, "minor", device->gpu);
    return state(device);
}

EXPORT int nvmlDeviceGetUtilizationRates(struct nvml_device *device, unsigned share[2])
{
    if (device->part >= 0)
        return NOT_SUPPORTED;
    share[0] = (unsigned)number(device->gpu, "load", 0);
    share[1] = share[0] / 2;
    return state(device);
}

struct process {
    unsigned           pid;
    unsigned long long used;
    unsigned           gpu_instance, compute_instance;
};

EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(struct nvml_device *device, unsigned *n,
                                                   struct process *list)
{
    const unsigned room = *n;
    char           value[64];
    unsigned       pid;
    unsigned long  used;

    *n = 0;
    if (!told(device->gpu, "foreign", value) || sscanf(value, "%u:%lu", &pid, &used) != 2)
        return state(device);
    *n = 1;
    if (room < 1)
        return TOO_SMALL;
    list[0] = (struct process){pid, used * mib, 0xFFFFFFFF, 0xFFFFFFFF};
    return state(device);
}

EXPORT int nvmlDeviceGetTotalEccErrors(struct nvml_device *device, int type, int counter,
                                       unsigned long long *errors)
{
    if (device->part >= 0)
        return NOT_SUPPORTED;
    *errors = type == 1 && counter == 0 ? (unsigned long long)number(device->gpu, "ecc", 0) : 0;
    return state(device);
}

EXPORT int nvmlDeviceGetRemappedRows(struct nvml_device *device, unsigned *corrected,
                                     unsigned *uncorrected, unsigned *pending, unsigned *failed)
{
    char value[64] = "";

    told(device->gpu, "rows", value);
    *corrected = *uncorrected = 0;
    *pending = strcmp(value, "pending") == 0;
    *failed = strcmp(value, "failed") == 0;
    return state(device);
}

EXPORT int nvmlDeviceGetComputeMode(struct nvml_device *device, int *mode)
{
    *mode = (int)number(device->gpu, "mode", 0);
    return state(device);
}

EXPORT int nvmlDeviceGetNumGpuCores(struct nvml_device *device, unsigned *cores)
{
    *cores = (unsigned)number(device->gpu, "speed", 100);
    return state(device);
}

EXPORT int nvmlDeviceGetMaxClockInfo(struct nvml_device *device, int type, unsigned *clock)
{
    *clock = 1000;
    return type == 1 ? state(device) : BAD_ARGUMENT;
}

EXPORT int nvmlDeviceGetTotalEnergyConsumption(struct nvml_device *device,
                                               unsigned long long *millijoules)
{
    struct timespec now;

    if (device->part >= 0)
        return NOT_SUPPORTED;
    clock_gettime(CLOCK_MONOTONIC, &now);
    *millijoules = (unsigned long long)(((double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6) *
                                        (double)number(device->gpu, "watts", 300));
    return state(device);
}

EXPORT int nvmlDeviceGetMigMode(struct nvml_device *device, unsigned *current, unsigned *pending)
{
    *current = *pending = parts(device->gpu) > 0;
    return state(device);
}

EXPORT int nvmlDeviceGetMaxMigDeviceCount(struct nvml_device *device, unsigned *n)
{
    *n = parts(device->gpu) > 0 ? 7 : 0;
    return state(device);
}

EXPORT int nvmlDeviceGetMigDeviceHandleByIndex(struct nvml_device *device, unsigned k,
                                               struct nvml_device **part)
{
    if (device->part >= 0 || k >= (unsigned)parts(device->gpu))
        return NOT_FOUND;
    *part = &handles[device->gpu][k];
    **part = (struct nvml_device){device->gpu, (int)k};
    return state(device);
}

EXPORT int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(struct nvml_device  *part,
                                                        struct nvml_device **device)
{
    if (part->part < 0)
        return BAD_ARGUMENT;
    return nvmlDeviceGetHandleByIndex_v2((unsigned)part->gpu, device);
}

EXPORT int nvmlDeviceGetGpuInstanceId(struct nvml_device *device, unsigned *instance)
{
    *instance = (unsigned)device->part + 7;
    return device->part >= 0 ? state(device) : NOT_SUPPORTED;
}

EXPORT int nvmlDeviceGetComputeInstanceId(struct nvml_device *device, unsigned *instance)
{
    *instance = 0;
    return device->part >= 0 ? state(device) : NOT_SUPPORTED;
}
