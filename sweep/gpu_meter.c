#include "sweep/gpu_meter.h"

#include <math.h>
#include <stdlib.h>

/* Looks at a counter that follow each other faster than this are left out: it does not move
 * faster itself, and stages may be as brief. */
static const double shortest_s = 5e-3;

struct gpu {
    double   looked_s, energy_j; /* then */
    unsigned busy;               /* executors */
};

struct executor {
    bool              busy;
    double            worked_s; /* by the clock, since it was busy or its last stage ended */
    struct mx_gpu_use use;      /* since then */
};

struct mx_gpu_meter {
    struct mx_gpu_source source;
    unsigned             executors, ngpus;
    struct gpu          *gpus;
    struct executor      list[]; /* (executors) */
};

struct mx_gpu_meter *mx_gpu_meter_new(unsigned executors, unsigned ngpus,
                                      const struct mx_gpu_source *source, struct mx_err *err)
{
    struct mx_gpu_meter *meter = calloc(1, sizeof *meter + executors * sizeof meter->list[0]);
    struct gpu          *gpus = calloc(ngpus + 1, sizeof *gpus);

    if (!meter || !gpus) {
        free(meter);
        free(gpus);
        mx_fail(err, MX_ENOMEM, "no memory for the meter of %u GPUs", ngpus);
        return NULL;
    }
    meter->source = *source;
    meter->executors = executors;
    meter->ngpus = ngpus;
    meter->gpus = gpus;
    for (unsigned g = 0; g < ngpus; g++)
        gpus[g] = (struct gpu){.looked_s = -INFINITY, .energy_j = NAN};
    return meter;
}

void mx_gpu_meter_free(struct mx_gpu_meter *meter)
{
    if (meter)
        free(meter->gpus);
    free(meter);
}

/* Share out what was spent since the last look. A counter that went back, as it does when the
 * driver is loaded anew, tells nothing of that time. */
static void look(struct mx_gpu_meter *meter, unsigned number)
{
    struct gpu  *gpu = &meter->gpus[number];
    const double now_s = meter->source.now_s(meter->source.user);
    const double passed_s = now_s - gpu->looked_s;
    double       before_j = gpu->energy_j, spent_j;

    if (passed_s < shortest_s)
        return;
    gpu->looked_s = now_s;
    gpu->energy_j = meter->source.energy_j(meter->source.user, number);
    spent_j = gpu->energy_j >= before_j ? gpu->energy_j - before_j : NAN;
    for (unsigned i = number; i < meter->executors && gpu->busy > 0; i += meter->ngpus) {
        struct executor *executor = &meter->list[i];

        if (!executor->busy)
            continue;
        executor->worked_s += passed_s;
        executor->use.seconds += passed_s / gpu->busy;
        executor->use.energy_j += spent_j / gpu->busy;
    }
}

void mx_gpu_meter_begin(struct mx_gpu_meter *meter, uint32_t executor)
{
    if (!meter || meter->list[executor].busy)
        return;
    look(meter, executor % meter->ngpus);
    meter->list[executor] = (struct executor){.busy = true, .use.known = true};
    meter->gpus[executor % meter->ngpus].busy++;
}

struct mx_gpu_use mx_gpu_meter_end(struct mx_gpu_meter *meter, uint32_t number, double seconds,
                                   bool more)
{
    struct executor  *executor;
    struct mx_gpu_use use;
    double            part = 1;

    if (!meter || !meter->list[number].busy)
        return (struct mx_gpu_use){.known = meter != NULL};
    executor = &meter->list[number];
    look(meter, number % meter->ngpus);
    if (!isfinite(meter->gpus[number % meter->ngpus].energy_j))
        executor->use.energy_j = NAN;
    if (more && seconds < executor->worked_s)
        part = seconds > 0 ? seconds / executor->worked_s : 0;
    use = executor->use;
    use.seconds *= part;
    use.energy_j *= part;
    executor->use.seconds -= use.seconds;
    /* What no meter told of one stage is not unknown of the next. */
    executor->use.energy_j = isfinite(use.energy_j) ? executor->use.energy_j - use.energy_j : 0;
    executor->worked_s *= 1 - part;
    if (!more) {
        executor->busy = false;
        meter->gpus[number % meter->ngpus].busy--;
    }
    return use;
}
