/* Misuse of the management library, whose calls programs look up by name. */
#include <dlfcn.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sweep/nvml.h"
#include "tests/fakegpu/planted.h"

typedef void *address;

WRAPPED(address, dlsym, void *library, const char *name);

static struct mx_nvml real;
static mx_nvml_device whole; /* the GPU that was given out last */

static void child_asks(void)
{
    unsigned count;
    int      status = 0;
    pid_t    child = fork();

    if (child == 0) {
        real.count(&count);
        _exit(0);
    }
    waitpid(child, &status, 0);
    _exit(WEXITSTATUS(status));
}

static int spoilt_init(void)
{
    if (planted("library never initialised"))
        return MX_NVML_SUCCESS;
    if (planted("library initialised twice"))
        real.init();
    return real.init();
}

static int spoilt_shutdown(void)
{
    unsigned count;
    int      status;

    if (planted("library never shut down"))
        return MX_NVML_SUCCESS;
    status = real.shutdown();
    if (planted("library shut down twice"))
        real.shutdown();
    if (planted("library used after its end"))
        real.count(&count);
    return status;
}

static int spoilt_driver_version(char *text, unsigned room)
{
    return real.driver_version(text, planted("too little room for a version") ? 16 : room);
}

static int spoilt_cuda_version(int *version)
{
    return real.cuda_version(planted("version of CUDA into nothing") ? NULL : version);
}

static int spoilt_count(unsigned *count)
{
    if (planted("library used after fork"))
        child_asks();
    return real.count(planted("count into nothing") ? NULL : count);
}

static int spoilt_device(unsigned place, mx_nvml_device *device)
{
    int status = real.device(place + (planted("GPU beyond the last one") ? 9 : 0), device);

    whole = *device;
    return status;
}

static int spoilt_device_by_uuid(const char *uuid, mx_nvml_device *device)
{
    if (planted("UUID without its beginning"))
        uuid = "fa4e";
    return real.device_by_uuid(planted("UUID of nothing") ? NULL : uuid, device);
}

static int spoilt_uuid(mx_nvml_device device, char *text, unsigned room)
{
    if (planted("device that was never given out"))
        device = (mx_nvml_device)(void *)&device;
    return real.uuid(device, text, planted("too little room for a UUID") ? 40 : room);
}

static int spoilt_name(mx_nvml_device device, char *text, unsigned room)
{
    if (planted("device of nothing"))
        device = NULL;
    return real.name(device, text, planted("too little room for a name") ? 64 : room);
}

static int spoilt_memory(mx_nvml_device device, struct mx_nvml_memory *memory)
{
    if (planted("device of an earlier start")) {
        real.shutdown();
        real.init();
    }
    return real.memory(device, planted("memory into nothing") ? NULL : memory);
}

static int spoilt_minor(mx_nvml_device device, unsigned *minor)
{
    if (planted("number for a device"))
        device = (mx_nvml_device)(uintptr_t)1;
    return real.minor(device, minor);
}

static int spoilt_utilization(mx_nvml_device device, struct mx_nvml_utilization *share)
{
    return real.utilization(device, planted("load into nothing") ? NULL : share);
}

static int spoilt_processes(mx_nvml_device device, unsigned *count, struct mx_nvml_process *list)
{
    return real.processes(device, count, planted("processes into nothing") ? NULL : list);
}

static int spoilt_ecc_errors(mx_nvml_device device, int type, int counter,
                             unsigned long long *errors)
{
    if (planted("errors of no type"))
        type = 2;
    if (planted("errors of no time"))
        counter = -1;
    return real.ecc_errors(device, type, counter, errors);
}

static int spoilt_remapped_rows(mx_nvml_device device, unsigned *corrected, unsigned *uncorrected,
                                unsigned *pending, unsigned *failed)
{
    if (planted("rows into nothing"))
        pending = NULL;
    return real.remapped_rows(device, corrected, uncorrected, pending, failed);
}

static int spoilt_compute_mode(mx_nvml_device device, int *mode)
{
    return real.compute_mode(device, planted("mode into nothing") ? NULL : mode);
}

static int spoilt_cores(mx_nvml_device device, unsigned *cores)
{
    return real.cores(device, planted("cores into nothing") ? NULL : cores);
}

static int spoilt_clock(mx_nvml_device device, int type, unsigned *clock)
{
    return real.clock(device, planted("clock of no type") ? 4 : type, clock);
}

static int spoilt_energy(mx_nvml_device device, unsigned long long *millijoules)
{
    if (planted("device between two others"))
        device = (mx_nvml_device)(void *)((char *)device + 2);
    return real.energy(device, millijoules);
}

static int spoilt_mig_mode(mx_nvml_device device, unsigned *current, unsigned *pending)
{
    return real.mig_mode(device, current, planted("mode of parts into nothing") ? NULL : pending);
}

static int spoilt_mig_count(mx_nvml_device device, unsigned *count)
{
    return real.mig_count(device, planted("number of parts into nothing") ? NULL : count);
}

static int spoilt_mig_device(mx_nvml_device device, unsigned place, mx_nvml_device *part)
{
    return real.mig_device(device, planted("part beyond the last one") ? 64 : place, part);
}

static int spoilt_gpu_instance(mx_nvml_device device, unsigned *id)
{
    return real.gpu_instance(planted("instance of a whole GPU") ? whole : device, id);
}

static int spoilt_compute_instance(mx_nvml_device device, unsigned *id)
{
    return real.compute_instance(device, planted("instance into nothing") ? NULL : id);
}

#define SPOILT(member, name, parameters) .member = spoilt_##member,
static const struct mx_nvml spoilt = {MX_NVML_NEEDED(SPOILT) MX_NVML_OPTIONAL(SPOILT)};

#define ROW(member, name, parameters) {name, offsetof(struct mx_nvml, member)},
static const struct {
    const char *name;
    size_t      at;
} calls[] = {MX_NVML_NEEDED(ROW) MX_NVML_OPTIONAL(ROW)};

address __wrap_dlsym(void *library, const char *name)
{
    address found = __real_dlsym(library, name);

    for (size_t k = 0; k < sizeof calls / sizeof calls[0]; k++) {
        if (!found || strcmp(calls[k].name, name) != 0)
            continue;
        memcpy((char *)&real + calls[k].at, &found, sizeof found);
        memcpy(&found, (const char *)&spoilt + calls[k].at, sizeof found);
        break;
    }
    return found;
}
