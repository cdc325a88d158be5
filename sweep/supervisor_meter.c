/* supervisor_meter.c - the energy counters of a supervisor's GPUs. */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sweep/supervisor_private.h"

static double now_s(void *user)
{
    (void)user;
    return mx_clock_monotonic_s();
}

static double energy_j(void *user, unsigned gpu)
{
    const struct mx_supervisor *supervisor = user;
    unsigned long long          millijoules;

    if (!supervisor->devices[gpu] ||
        supervisor->nvml.energy(supervisor->devices[gpu], &millijoules) != MX_NVML_SUCCESS)
        return NAN;
    return (double)millijoules / 1000;
}

/* A driver that has no counters, or a card, costs no more than the energy's column. */
static void find_devices(struct mx_supervisor *supervisor)
{
    struct mx_nvml *nvml = &supervisor->nvml;

    if (mx_nvml_open(NULL, nvml, NULL) || !nvml->energy || !nvml->device_by_uuid)
        return;
    for (unsigned g = 0; g < supervisor->options.ngpus; g++)
        if (nvml->device_by_uuid(supervisor->gpus[g].uuid, &supervisor->devices[g]) !=
            MX_NVML_SUCCESS)
            supervisor->devices[g] = NULL;
}

int mx_supervised_meter_open(struct mx_supervisor *supervisor, struct mx_err *err)
{
    const struct mx_gpu_source source = {now_s, energy_j, supervisor};
    const unsigned             ngpus = supervisor->options.ngpus;

    if (ngpus == 0)
        return 0;
    if (!(supervisor->devices = calloc(ngpus, sizeof *supervisor->devices)))
        return mx_fail(err, MX_ENOMEM, "no memory for the counters of %u GPUs", ngpus);
    find_devices(supervisor);
    supervisor->meter = mx_gpu_meter_new(supervisor->options.workers, ngpus, &source, err);
    return supervisor->meter ? 0 : -1;
}

void mx_supervised_meter_close(struct mx_supervisor *supervisor)
{
    mx_gpu_meter_free(supervisor->meter);
    mx_nvml_close(&supervisor->nvml);
    free(supervisor->devices);
}
