/* judged.c - what must hold of early stopping: told by the journal alone, and by what
 * rank 0 makes of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/run_state.h"
#include "world.h"

/* What is stopped once that is durable stays so. */
void sim_judged_written(const struct sim_process *root)
{
    if (sim->work.options.early.rule == MX_EARLY_STOP_NONE)
        return;
    for (uint32_t s = 0; s < sim->work.plan.nstages; s++)
        sim->work.judged[s].acked |= mx_sched_stage_stopped(root->run->sched, s);
}

void sim_judged_begun(const struct sim_process *root)
{
    for (uint32_t s = 0; s < sim->work.plan.nstages; s++)
        if (sim->work.judged[s].acked && !mx_sched_stage_stopped(root->run->sched, s))
            sim_fail("stage %u was stopped and is restored as one that goes on", s);
}

static void check_reached(uint32_t s, const struct mx_record *record)
{
    struct sim_judged *judged = &sim->work.judged[s];
    const double       wanted = sim_metric(s, SIM_METRICS + record->epoch);

    if (record->nmetrics != 1 || memcmp(&record->metrics[0].value, &wanted, sizeof wanted) != 0)
        sim_fail("stage %u was not worth that at epoch %" PRIu32, s, record->epoch);
    if (judged->reached != judged->decided || record->epoch <= judged->decided || judged->stopped)
        sim_fail("stage %u came to epoch %" PRIu32 ", and past %" PRIu32 " nobody let it", s,
                 record->epoch, judged->decided);
    judged->reached = record->epoch;
}

void sim_judged_record(uint32_t s, const struct mx_record *record)
{
    struct sim_judged *judged = &sim->work.judged[s];

    if (record->kind == MX_RECORD_REACHED) {
        check_reached(s, record);
    } else if (record->kind == MX_RECORD_DECIDED) {
        if (record->epoch != judged->reached || judged->decided == judged->reached)
            sim_fail("it is decided twice what becomes of stage %u at epoch %" PRIu32, s,
                     record->epoch);
        judged->decided = record->epoch;
        judged->stopped = !record->go_on;
    } else if (record->kind == MX_RECORD_DONE && judged->stopped) {
        sim_fail("stage %u is stopped and is done", s);
    }
}

/* The values at a rung, of all that came there: whoever was let past it with sha was
 * better than whoever was not, or as good and of a lower number. */
static void check_rung(uint32_t s, uint32_t other)
{
    const struct sim_judged *worse = &sim->work.judged[other];
    const struct mx_stage   *a = &sim->work.plan.stages[s], *b = &sim->work.plan.stages[other];
    const double             sign = sim->work.options.early.smaller ? -1 : 1;
    double                   x, y;

    if (a->repeat != b->repeat || a->bracket != b->bracket ||
        worse->decided != sim->work.judged[s].decided)
        return;
    x = sign * sim_metric(s, SIM_METRICS + worse->decided);
    y = sign * sim_metric(other, SIM_METRICS + worse->decided);
    if (x > y || (x == y && s < other))
        sim_fail("stage %u was stopped at epoch %" PRIu32 " with %g and %u, which was worse with "
                 "%g, went on",
                 s, worse->decided, sign * x, other, sign * y);
}

void sim_judged_end(const enum mx_state *states)
{
    const struct mx_plan *plan = &sim->work.plan;

    for (uint32_t t = 0; t < plan->ntrials; t++) {
        bool stopped = false;

        for (uint32_t k = 0; k < plan->trials[t].nstages; k++)
            stopped |= sim->work.judged[plan->stage_of[plan->trials[t].first_stage + k]].stopped;
        if ((states[t] == MX_STATE_STOPPED && !stopped) || (states[t] == MX_STATE_DONE && stopped))
            sim_fail("trial %u is %s and its training was%s stopped", t, mx_state_names[states[t]],
                     stopped ? "" : " not");
    }
    for (uint32_t s = 0; sim->work.options.early.rule == MX_EARLY_STOP_SHA && s < plan->nstages;
         s++)
        for (uint32_t k = 0; sim->work.judged[s].stopped && k < plan->nstages; k++)
            if (!sim->work.judged[k].stopped && sim->work.judged[k].decided > 0)
                check_rung(s, k);
}
