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
