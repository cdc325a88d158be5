#include "sweep/plan_sched.h"

#include <stdlib.h>

#include "sweep/cross.h"

_Static_assert((int)WORKER_STAGE_KINDS <= (int)MX_SCHED_KINDS, "the scheduler tells kinds apart");

struct mx_sched *mx_plan_sched(const struct mx_plan *plan, const struct mx_sched_options *options,
                               struct mx_err *err)
{
    struct mx_sched_stage *stages = calloc(plan->nstages, sizeof *stages);
    struct mx_sched_trial *trials = calloc(plan->ntrials, sizeof *trials);
    struct mx_sched       *sched = NULL;

    if (!stages || !trials) {
        mx_fail(err, MX_ENOMEM, "no memory for %u trials", plan->ntrials);
        goto done;
    }
    for (uint32_t i = 0; i < plan->nstages; i++)
        stages[i] = (struct mx_sched_stage){
            .inputs = plan->inputs + plan->stages[i].first_input,
            .ninputs = plan->stages[i].ninputs,
            .partial_ok = mx_cross_goes_on(plan->stages[i].kind),
            .resumable = plan->stages[i].kind == WORKER_STAGE_TRAIN,
            .kind = plan->stages[i].kind,
            .early = {plan->stages[i].epochs, plan->stages[i].repeat, plan->stages[i].bracket}};
    for (uint32_t i = 0; i < plan->ntrials; i++)
        trials[i] = (struct mx_sched_trial){.stages = plan->stage_of + plan->trials[i].first_stage,
                                            .nstages = plan->trials[i].nstages,
                                            .cell = plan->trials[i].cell};
    sched = mx_sched_new(stages, plan->nstages, trials, plan->ntrials, options, err);
done:
    free(stages);
    free(trials);
    return sched;
}
