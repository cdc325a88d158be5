/* The management library as sweeps use it: a look at all GPUs, figures of them, counters of energy. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sweep/supervisor_private.h"
#include "tests/fakegpu/use.h"

static struct mx_gpus look(void)
{
    struct mx_gpus gpus;
    struct mx_err  err = {0};

    if (mx_gpus_look(NULL, &gpus, &err)) {
        puts(err.text);
        exit(1);
    }
    return gpus;
}

static void update(struct mx_gpus *gpus)
{
    struct mx_nvml nvml = {0};

    mx_gpus_update(&nvml, gpus);
    mx_gpus_update(&nvml, gpus);
    mx_nvml_close(&nvml);
}

/* The energy of one stage on the last GPU, in a process that has the library open a second time. */
static double measure(const struct mx_gpus *gpus)
{
    const struct timespec    a_while = {.tv_nsec = 20000000};
    struct mx_supervisor_gpu gpu = {.model = "GPU"};
    struct mx_supervisor     supervisor = {.options = {.workers = 1, .ngpus = 1}, .gpus = &gpu};
    struct mx_gpu_use        use;

    memcpy(gpu.uuid, gpus->list[gpus->n - 1].uuid, sizeof gpu.uuid);
    OK(mx_supervised_meter_open(&supervisor, NULL));
    mx_gpu_meter_begin(supervisor.meter, 0);
    nanosleep(&a_while, NULL);
    use = mx_gpu_meter_end(supervisor.meter, 0, INFINITY, false);
    mx_supervised_meter_close(&supervisor);
    return use.energy_j;
}

int main(void)
{
    struct mx_gpus gpus = look();

    update(&gpus);
    OK(!(measure(&gpus) > 0));
    for (size_t k = 0; k < gpus.n; k++)
        OK(!isfinite(gpus.list[k].memory_now));
    mx_gpus_free(&gpus);
    return 0;
}
