#include "worker/schedule.h"

#include <math.h>

#include "worker/choices.h"

static const double pi = 3.14159265358979323846;

uint64_t worker_steps_per_epoch(uint64_t images, uint64_t batch_size)
{
    uint64_t rest = images % batch_size;

    return images / batch_size + (rest > 1);
}

double worker_schedule_rate(const struct worker_params *params, uint64_t step,
                            uint64_t steps_per_epoch)
{
    const double   lr = params->train_lr;
    const uint64_t total = (uint64_t)params->train_epochs * steps_per_epoch;
    const uint64_t warmup =
        (uint64_t)llround(params->train_warmup_epochs * (double)steps_per_epoch);
    const uint64_t epoch = step / steps_per_epoch;
    uint64_t       drops;

    if (step < warmup)
        return lr * (double)(step + 1) / (double)warmup;
    switch (params->train_schedule) {
    case WORKER_SCHEDULE_COSINE:
        return lr / 2 * (1 + cos(pi * (double)(step - warmup) / (double)(total - warmup)));
    case WORKER_SCHEDULE_STEP:
        drops = epoch / (uint64_t)params->train_step_epochs;
        return lr * pow(params->train_gamma, (double)drops);
    default:
        return lr;
    }
}
