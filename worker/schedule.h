/* schedule.h - the learning rate of each step (methods.md 0), a pure function. */
#ifndef MX_WORKER_SCHEDULE_H
#define MX_WORKER_SCHEDULE_H

#include <stdint.h>

#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Batches of an epoch: the last one may be smaller, and is left out if it would
 * hold one image where others hold more (batch norm needs company). */
uint64_t worker_steps_per_epoch(uint64_t images, uint64_t batch_size);

/* Rate of step 0, 1, ... of a training of params->train_epochs epochs.
 * Warm-up of W = warmup_epochs x steps_per_epoch steps (rounded): lr (t+1)/W; none
 * with one_cycle, which begins with a rise of its own.
 *   constant    lr
 *   cosine      lr/2 (1 + cos(pi t/T)), t from 0 after the warm-up, T the steps after it
 *   step        lr gamma^(epoch / step_epochs), whole epochs
 *   multi_step  lr gamma^(how many of milestones are epochs up to this one)
 *   one_cycle   half a cosine from lr/25 up to lr in step .3 T - 1, and another
 *               down to lr/25/1e4 in step T - 1 (Smith and Topin 2018, as
 *               PyTorch's OneCycleLR has it; momentum stays) */
double worker_schedule_rate(const struct worker_params *params, uint64_t step,
                            uint64_t steps_per_epoch);

#ifdef __cplusplus
}
#endif

#endif
