#include <criterion/criterion.h>
#include <math.h>

#include "worker/choices.h"
#include "worker/schedule.h"

static struct worker_params params_of(unsigned schedule)
{
    return (struct worker_params){.train_schedule = schedule,
                                  .train_lr = 0.1,
                                  .train_epochs = 10,
                                  .train_step_epochs = 4,
                                  .train_gamma = 0.5};
}

static void expect_rate(const struct worker_params *params, uint64_t step, double expected)
{
    double rate = worker_schedule_rate(params, step, 8);

    cr_expect(fabs(rate - expected) <= 1e-15, "step %d: %.17g, not %.17g", (int)step, rate,
              expected);
}

Test(schedule, counts_a_partial_batch_unless_it_holds_one_image)
{
    cr_expect_eq(worker_steps_per_epoch(128, 64), 2);
    cr_expect_eq(worker_steps_per_epoch(129, 64), 2);
    cr_expect_eq(worker_steps_per_epoch(130, 64), 3);
    cr_expect_eq(worker_steps_per_epoch(3, 1), 3);
    cr_expect_eq(worker_steps_per_epoch(1, 64), 0);
    cr_expect_eq(worker_steps_per_epoch(63, 64), 1);
}

Test(schedule, constant_stays)
{
    struct worker_params params = params_of(WORKER_SCHEDULE_CONSTANT);

    expect_rate(&params, 0, 0.1);
    expect_rate(&params, 79, 0.1);
}

/* lr/2 (1 + cos(pi t/T)): T = 80 */
Test(schedule, cosine_falls_from_the_rate_towards_zero)
{
    struct worker_params params = params_of(WORKER_SCHEDULE_COSINE);

    expect_rate(&params, 0, 0.1);
    expect_rate(&params, 20, 0.05 * (1 + sqrt(0.5)));
    expect_rate(&params, 40, 0.05);
    expect_rate(&params, 60, 0.05 * (1 - sqrt(0.5)));
    cr_expect(worker_schedule_rate(&params, 79, 8) > 0);
}

Test(schedule, step_falls_at_the_starts_of_epochs)
{
    struct worker_params params = params_of(WORKER_SCHEDULE_STEP);

    expect_rate(&params, 31, 0.1);
    expect_rate(&params, 32, 0.05);
    expect_rate(&params, 63, 0.05);
    expect_rate(&params, 64, 0.025);
}

/* 1.5 epochs are 12 steps; the cosine then has 68. */
Test(schedule, warm_up_rises_in_equal_parts_and_hands_over)
{
    struct worker_params params = params_of(WORKER_SCHEDULE_COSINE);

    params.train_warmup_epochs = 1.5;
    expect_rate(&params, 0, 0.1 / 12);
    expect_rate(&params, 5, 0.05);
    expect_rate(&params, 11, 0.1);
    expect_rate(&params, 12, 0.1);
    expect_rate(&params, 12 + 34, 0.05);
}

Test(schedule, may_be_warm_up_from_end_to_end)
{
    struct worker_params params = params_of(WORKER_SCHEDULE_COSINE);

    params.train_warmup_epochs = 10;
    expect_rate(&params, 79, 0.1);
}

/* Epochs of 8 steps; counted from 0. */
Test(schedule, multi_step_drops_when_a_milestone_epoch_begins)
{
    struct worker_params params = params_of(WORKER_SCHEDULE_MULTI_STEP);

    params.train_milestones = (struct worker_list){3, {2, 3, 7}};
    expect_rate(&params, 15, 0.1);
    expect_rate(&params, 16, 0.05);
    expect_rate(&params, 23, 0.05);
    expect_rate(&params, 24, 0.025);
    expect_rate(&params, 55, 0.025);
    expect_rate(&params, 56, 0.0125);
    expect_rate(&params, 79, 0.0125);
}

Test(schedule, multi_step_counts_epochs_from_the_start_of_a_warm_up)
{
    struct worker_params params = params_of(WORKER_SCHEDULE_MULTI_STEP);

    params.train_milestones = (struct worker_list){2, {1, 2}};
    params.train_warmup_epochs = 1.5;
    expect_rate(&params, 11, 0.1);
    expect_rate(&params, 12, 0.05);
    expect_rate(&params, 16, 0.025);
}

/* From OneCycleLR's formula (max_lr 0.1, total_steps 80), in Python's doubles. */
Test(schedule, one_cycle_rises_and_falls_as_pytorchs)
{
    static const struct {
        uint64_t step;
        double   rate;
    } expected[] = {
        {0, 0.0040000000000000036},
        {1, 0.004447074590256131},
        {11, 0.04872436415849579},
        {22, 0.09955292540974388},
        {23, 0.1},
        {24, 0.09992134106552783},
        {50, 0.052803711147770147},
        {78, 7.905893447217334e-05},
        {79, 4e-07},
    };
    struct worker_params params = params_of(WORKER_SCHEDULE_ONE_CYCLE);

    for (size_t k = 0; k < sizeof expected / sizeof expected[0]; k++)
        expect_rate(&params, expected[k].step, expected[k].rate);
}

/* Three steps, two, and one: the rise has no whole step, as in PyTorch. */
Test(schedule, one_cycle_may_be_short)
{
    struct worker_params params = params_of(WORKER_SCHEDULE_ONE_CYCLE);

    params.train_epochs = 1;
    cr_expect(fabs(worker_schedule_rate(&params, 0, 3) - 0.09944154354509119) <= 1e-15);
    cr_expect(fabs(worker_schedule_rate(&params, 2, 3) - 4e-07) <= 1e-15);
    cr_expect(fabs(worker_schedule_rate(&params, 0, 2) - 0.0811745653949763) <= 1e-15);
    cr_expect(fabs(worker_schedule_rate(&params, 0, 1) - 4e-07) <= 1e-15);
}
