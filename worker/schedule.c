#include "worker/schedule.h"

#include <math.h>

#include "worker/choices.h"

static const double pi = 3.14159265358979323846;
static const double rise = 0.3, first_factor = 25, last_factor = 1e4; /* of one_cycle */

uint64_t worker_steps_per_epoch(uint64_t images, uint64_t batch_size)
{
    uint64_t rest = images % batch_size;

    return images / batch_size + (rest > 1);
}

/* Half a cosine from one rate to another; part 0 to 1. */
static double anneal(double from, double to, double part)
{
    return to + (from - to) / 2 * (1 + cos(pi * part));
}

static double one_cycle(double lr, double step, double total)
{
    const double first = lr / first_factor, top = rise * total - 1;

    if (step <= top)
        return anneal(first, lr, step / top);
    return anneal(lr, first / last_factor, (step - top) / (total - 1 - top));
}

static unsigned passed_milestones(const struct worker_list *milestones, uint64_t epoch)
{
    unsigned passed = 0;

    for (uint32_t i = 0; i < milestones->count; i++)
        passed += milestones->items[i] <= (double)epoch;
    return passed;
}

double worker_schedule_rate(const struct worker_params *params, uint64_t step,
                            uint64_t steps_per_epoch)
{
    const double   lr = params->train_lr;
    const uint64_t total = (uint64_t)params->train_epochs * steps_per_epoch;
    const uint64_t warmup =
        (uint64_t)llround(params->train_warmup_epochs * (double)steps_per_epoch);
    const uint64_t epoch = step / steps_per_epoch;

    if (step < warmup)
        return lr * (double)(step + 1) / (double)warmup;
    switch (params->train_schedule) {
    case WORKER_SCHEDULE_COSINE:
        return lr / 2 * (1 + cos(pi * (double)(step - warmup) / (double)(total - warmup)));
    case WORKER_SCHEDULE_STEP:
        return lr * pow(params->train_gamma, (double)(epoch / (uint64_t)params->train_step_epochs));
    case WORKER_SCHEDULE_MULTI_STEP:
        return lr * pow(params->train_gamma, passed_milestones(&params->train_milestones, epoch));
    case WORKER_SCHEDULE_ONE_CYCLE:
        return one_cycle(lr, (double)step, (double)total);
    default:
        return lr;
    }
}
