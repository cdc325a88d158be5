/* nvml.c - a management library for GPUs that are not there, found through LD_LIBRARY_PATH: the library itself and
 * handles of devices; what is asked of them is in nvml_device.c.
 *
 *     MX_FAKE_GPUS    how many. Without it the library does not start, as without a driver.
 *     MX_FAKE_MODELS  names of theirs, the last one for all that follow: "A100;T4"
 *     MX_FAKE_GPU_N   what is special about GPU N, words with a blank between them:
 *                     used=MIB memory=MIB foreign=PID:MIB processes=N (so many of those) ecc=N
 *                     load=PERCENT watts=W mig=N (so many parts) mode=N (compute mode) minor=N
 *                     speed=N lost reset hidden (by a control group) rows=pending|failed
 *
 * Energy is watts times the time since the machine started, 300 unless told. Misuse ends the
 * process as that of the other stand-ins does.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fakegpu/misuse.h"
#include "tests/fakegpu/nvml_parts.h"

static struct nvml_device handles[NVML_MOST][NVML_MOST + 1]; /* the last one: the whole */
static int                started;                           /* nvmlInit_v2 less nvmlShutdown */
static unsigned           starts;                            /* from none to one */
static pid_t              starter;

int fake_gpus(void)
{
    const char *text = getenv("MX_FAKE_GPUS");
    int         n = text ? atoi(text) : 0;

    return n > NVML_MOST ? NVML_MOST : n;
}

const char *fake_told(int gpu, const char *word, char value[64])
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

long fake_number(int gpu, const char *word, long otherwise)
{
    char value[64];

    return fake_told(gpu, word, value) ? strtol(value, NULL, 10) : otherwise;
}

bool fake_is(int gpu, const char *word)
{
    char value[64];

    return fake_told(gpu, word, value) != NULL;
}

int fake_parts(int gpu)
{
    long n = fake_number(gpu, "mig", 0);

    return n > NVML_PARTS ? NVML_PARTS : (int)n;
}

void fake_nvml_started(const char *call)
{
    if (started == 0)
        fake_misuse_in(call, "library", starts ? "was shut down" : "was never initialised");
    if (starter != getpid())
        fake_misuse_in(call, "process", "was initialised before fork(); a child begins anew");
}

void fake_nvml_pointer(const char *call, const char *argument, const void *to)
{
    if (!to)
        fake_misuse_in(call, argument, "is NULL");
}

void fake_nvml_room(const char *call, const char *argument, const void *to, unsigned room,
                    unsigned needed)
{
    fake_nvml_pointer(call, argument, to);
    if (room < needed)
        fake_misuse_in(call, argument, "has room for %u characters, and may get %u", room, needed);
}

void fake_nvml_place(const char *call, unsigned place, int n)
{
    if (place >= (unsigned)n)
        fake_misuse_in(call, "index", "%u is not one of %d", place, n);
}

int fake_nvml_device(const char *call, const struct nvml_device *device)
{
    const uintptr_t at = (uintptr_t)device, first = (uintptr_t)handles;

    fake_nvml_started(call);
    fake_nvml_pointer(call, "device", device);
    if (at < first || at >= first + sizeof handles || (at - first) % sizeof **handles != 0 ||
        device->given == 0)
        fake_misuse_in(call, "device", "was never given out");
    if (device->given != starts)
        fake_misuse_in(call, "device", "was given out before the library was shut down");
    return fake_is(device->gpu, "lost")    ? NVML_LOST
           : fake_is(device->gpu, "reset") ? NVML_RESET
                                           : NVML_OK;
}

struct nvml_device *fake_nvml_give(int gpu, int part)
{
    struct nvml_device *device = &handles[gpu][part == NVML_WHOLE ? NVML_MOST : part];

    *device = (struct nvml_device){gpu, part, starts};
    return device;
}

EXPORT int nvmlInit_v2(void)
{
    if (!getenv("MX_FAKE_GPUS"))
        return NVML_DRIVER_NOT_LOADED;
    if (started++ == 0)
        starts++;
    starter = getpid();
    return NVML_OK;
}

EXPORT int nvmlShutdown(void)
{
    STARTED();
    started--;
    return NVML_OK;
}

/* At a regular exit, or where the library is unloaded. */
static __attribute__((destructor)) void end(void)
{
    if (started > 0 && starter == getpid())
        fake_misuse_in("exit", "leak", "nvmlInit_v2 without its nvmlShutdown");
}

EXPORT int nvmlSystemGetDriverVersion(char *version, unsigned room)
{
    STARTED();
    ROOM(version, room, NVML_VERSION_ROOM);
    snprintf(version, room, "580.95.05");
    return NVML_OK;
}

/* Needs no start of the library. */
EXPORT int nvmlSystemGetCudaDriverVersion_v2(int *version)
{
    POINTER(version);
    *version = 13000;
    return NVML_OK;
}

EXPORT int nvmlDeviceGetCount_v2(unsigned *count)
{
    STARTED();
    POINTER(count);
    *count = (unsigned)fake_gpus();
    return NVML_OK;
}

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned place, struct nvml_device **device)
{
    STARTED();
    POINTER(device);
    PLACE(place, fake_gpus());
    if (fake_is((int)place, "hidden"))
        return NVML_NO_PERMISSION;
    if (fake_is((int)place, "lost"))
        return NVML_LOST;
    *device = fake_nvml_give((int)place, NVML_WHOLE);
    return NVML_OK;
}

static void name_device(int gpu, int part, char *uuid, unsigned room)
{
    const bool whole = part == NVML_WHOLE;

    snprintf(uuid, room, "%s-%08x-0000-%s-8000-00000000%04x", whole ? "GPU" : "MIG",
             0xfa4e0000u + (unsigned)gpu, whole ? "4000" : "5000", (unsigned)(whole ? gpu : part));
}

EXPORT int nvmlDeviceGetUUID(struct nvml_device *device, char *uuid, unsigned room)
{
    const int status = DEVICE(device);

    ROOM(uuid, room, NVML_UUID_ROOM);
    if (status != NVML_OK && status != NVML_RESET)
        return status;
    name_device(device->gpu, device->part, uuid, room);
    return NVML_OK;
}

EXPORT int nvmlDeviceGetHandleByUUID(const char *uuid, struct nvml_device **device)
{
    STARTED();
    POINTER(uuid);
    POINTER(device);
    if (strncmp(uuid, "GPU-", 4) != 0 && strncmp(uuid, "MIG-", 4) != 0)
        fake_misuse_in(__func__, "uuid", "'%s' is none", uuid);
    for (int gpu = 0; gpu < fake_gpus(); gpu++)
        for (int part = NVML_WHOLE; part < fake_parts(gpu); part++) {
            char name[NVML_UUID_ROOM];

            name_device(gpu, part, name, sizeof name);
            if (strcmp(name, uuid) != 0)
                continue;
            if (fake_is(gpu, "lost"))
                return NVML_LOST;
            *device = fake_nvml_give(gpu, part);
            return NVML_OK;
        }
    return NVML_NOT_FOUND;
}

EXPORT int nvmlDeviceGetMigDeviceHandleByIndex(struct nvml_device *device, unsigned place,
                                               struct nvml_device **part)
{
    const int status = DEVICE(device);

    POINTER(part);
    PLACE(place, NVML_PARTS);
    if (status != NVML_OK)
        return status;
    if (device->part != NVML_WHOLE || place >= (unsigned)fake_parts(device->gpu))
        return NVML_NOT_FOUND;
    *part = fake_nvml_give(device->gpu, (int)place);
    return NVML_OK;
}
