/* gpu_meter.h - whose time and energy it is that GPUs spend.
 *
 * A GPU has one counter of energy, and several executors may share it. What the counter moved
 * between two looks goes in equal parts to the executors that had a stage under way then, and so
 * does the time; what an idle GPU draws goes to nobody. Counters are looked at when a stage
 * begins and when one ends. The parts of all stages add up to what the counters moved while
 * anything ran.
 */
#ifndef MX_SWEEP_GPU_METER_H
#define MX_SWEEP_GPU_METER_H

#include <stdint.h>

#include "base/err.h"
#include "sweep/gpu_use.h"

struct mx_gpu_meter;

/* Where time and counters come from: tests have their own. */
struct mx_gpu_source {
    double (*now_s)(void *user);
    double (*energy_j)(void *user, unsigned gpu); /* a counter; NaN: not told */
    void *user;
};

/* Executor i computes on GPU i % ngpus. Returns NULL with MX_ENOMEM. */
struct mx_gpu_meter *mx_gpu_meter_new(unsigned executors, unsigned ngpus,
                                      const struct mx_gpu_source *source, struct mx_err *err);
void                 mx_gpu_meter_free(struct mx_gpu_meter *meter); /* NULL is allowed */

/* An idle executor has been given something to do. NULL is allowed here and below: executors
 * that compute on CPUs have no meter. */
void mx_gpu_meter_begin(struct mx_gpu_meter *meter, uint32_t executor);

/* A stage of it has ended that took `seconds`, INFINITY if all since the last one is that
 * stage's. `more`: it goes on with another at once, and what was spent beyond these seconds
 * is that one's. */
struct mx_gpu_use mx_gpu_meter_end(struct mx_gpu_meter *meter, uint32_t executor, double seconds,
                                   bool more);

#endif
