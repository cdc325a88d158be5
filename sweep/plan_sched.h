/* plan_sched.h - the scheduler of a plan: stages and trials have the same numbers. */
#ifndef MX_SWEEP_PLAN_SCHED_H
#define MX_SWEEP_PLAN_SCHED_H

#include "sweep/plan.h"
#include "sweep/sched.h"

/* A scheduler to be released with mx_sched_free(), which does not need the plan
 * any more; NULL with MX_ENOMEM. */
struct mx_sched *mx_plan_sched(const struct mx_plan *plan, const struct mx_sched_options *options,
                               struct mx_err *err);

#endif
