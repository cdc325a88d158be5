/* simulate.h - a sweep that is only thought: the real scheduler, executors that
 * are none, and a clock that jumps from one event to the next.
 *
 * Rank 0 takes its time for each event, and messages for their way, so that the
 * result says when a scheduler of this kind becomes the bottleneck. Executors die in
 * a share of their attempts and are replaced after some seconds. Everything follows
 * from the seed.
 */
#ifndef MX_SWEEP_SIMULATE_H
#define MX_SWEEP_SIMULATE_H

#include <stdint.h>

#include "base/err.h"
#include "sweep/plan.h"
#include "sweep/sched.h"
#include "worker/stage.h"

struct mx_simulate_options {
    unsigned                workers;      /* 1 or more */
    double                  failure_rate; /* share of attempts that end in a death, 0 to 1 */
    uint64_t                seed;
    double                  event_s;                    /* that rank 0 takes for an event */
    double                  kind_s[WORKER_STAGE_KINDS]; /* mean time of a stage; each takes 0.8 to
                                                         * 1.2 of it */
    struct mx_sched_options sched;
};

struct mx_simulated {
    double   makespan_s;
    double   utilisation; /* share of the executors' time in which they worked */
    double   wasted_s;    /* executor time that deaths took with them */
    uint64_t planned, by_state[MX_STATES];
    uint64_t lost;       /* trials that came to no end: 0 */
    uint64_t duplicated; /* stages that counted twice: 0 */
    uint64_t deaths, events;
    double   root_share; /* share of the time in which rank 0 worked */
};

/* Play the sweep to its end. Memory is some tens of bytes an executor and a stage.
 * Returns 0; or -1 with MX_ENOMEM, or MX_EINTERNAL if it comes to no end. */
int mx_simulate(const struct mx_plan *plan, const struct mx_simulate_options *options,
                struct mx_simulated *simulated, struct mx_err *err);

#endif
