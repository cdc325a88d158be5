/* Sweeps that are only thought: nothing is lost, the same seed gives the same, and
 * the scheduler keeps many executors busy. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "sweep/simulate.h"

/* More than the command may measure: test_simulate.py. */
static const double event_s = 200e-6;

/* Trials of one stage each. */
static struct mx_plan plan_of(uint32_t ntrials)
{
    struct mx_plan plan = {.ntrials = ntrials,
                           .nstages = ntrials,
                           .cells = ntrials,
                           .trials = calloc(ntrials, sizeof plan.trials[0]),
                           .stages = calloc(ntrials, sizeof plan.stages[0]),
                           .stage_of = calloc(ntrials, sizeof plan.stage_of[0]),
                           .inputs = calloc(1, sizeof plan.inputs[0])};

    cr_assert(plan.trials && plan.stages && plan.stage_of && plan.inputs);
    for (uint32_t t = 0; t < ntrials; t++) {
        plan.stage_of[t] = t;
        plan.trials[t] = (struct mx_trial){.cell = t, .first_stage = t, .nstages = 1};
        plan.stages[t] = (struct mx_stage){.first_trial = t, .nuses = 1};
    }
    return plan;
}

static void release(struct mx_plan *plan)
{
    free(plan->trials);
    free(plan->stages);
    free(plan->stage_of);
    free(plan->inputs);
}

static struct mx_simulated simulate(uint32_t ntrials, unsigned workers, double seconds,
                                    double failure_rate, unsigned retries)
{
    struct mx_plan             plan = plan_of(ntrials);
    struct mx_simulate_options options = {
        .workers = workers,
        .failure_rate = failure_rate,
        .seed = 3,
        .kind_s = {seconds},
        .event_s = event_s,
        .sched = {.retries = retries, .batch_seconds = 0.1, .batch_max = 256}};
    struct mx_simulated simulated;
    struct mx_err       err = {0};

    cr_assert_eq(mx_simulate(&plan, &options, &simulated, &err), 0, "%s", err.text);
    release(&plan);
    cr_expect_eq(simulated.planned, ntrials);
    cr_expect_eq(simulated.lost, 0);
    cr_expect_eq(simulated.duplicated, 0);
    return simulated;
}

Test(simulate, takes_as_long_as_the_work_on_one_executor)
{
    struct mx_simulated s = simulate(1000, 1, 10, 0, 0);

    cr_expect(fabs(s.makespan_s - 10000) <= 200, "%g s", s.makespan_s);
    cr_expect(s.utilisation > 0.999 && s.utilisation <= 1, "%g", s.utilisation);
    cr_expect_eq(s.by_state[MX_STATE_DONE], 1000);
    cr_expect_eq(s.deaths, 0);
    cr_expect_eq(s.events, 1001); /* it comes up; each stage ends */
}

Test(simulate, counts_deaths_and_what_they_cost)
{
    struct mx_simulated s = simulate(10000, 100, 10, 0.2, 0);

    cr_expect_eq(s.deaths, s.by_state[MX_STATE_FAILED]);
    cr_expect_eq(s.by_state[MX_STATE_DONE] + s.by_state[MX_STATE_FAILED], 10000);
    cr_expect(s.deaths > 1800 && s.deaths < 2200, "%llu", (unsigned long long)s.deaths);
    cr_expect(fabs(s.wasted_s - 5.0 * (double)s.deaths) <= 0.1 * s.wasted_s, "%g s", s.wasted_s);
}

Test(simulate, gives_the_same_for_the_same_seed)
{
    struct mx_simulated a = simulate(2000, 30, 1, 0.1, 5), b = simulate(2000, 30, 1, 0.1, 5);

    cr_expect_eq(a.makespan_s, b.makespan_s);
    cr_expect_eq(a.utilisation, b.utilisation);
    cr_expect_eq(a.events, b.events);
    cr_expect_eq(a.deaths, b.deaths);
    cr_expect_eq(a.by_state[MX_STATE_DONE], 2000);
}

Test(simulate, keeps_few_executors_busy_with_many_trials_of_a_moment)
{
    struct mx_simulated s = simulate(20000, 32, 0.05, 0, 0);

    cr_expect(s.utilisation >= 0.95, "%g", s.utilisation);
}

Test(simulate, keeps_a_thousand_executors_busy_with_trials_of_a_second)
{
    struct mx_simulated s = simulate(50000, 1000, 1, 0, 0);

    cr_expect(s.utilisation >= 0.9, "%g", s.utilisation);
    cr_expect(s.root_share > 0.15 && s.root_share < 0.25, "%g", s.root_share);
}

Test(simulate, keeps_ten_thousand_executors_busy_with_trials_of_a_minute)
{
    struct mx_simulated s = simulate(500000, 10000, 60, 0, 0);

    cr_expect(s.utilisation >= 0.98, "%g", s.utilisation);
}
