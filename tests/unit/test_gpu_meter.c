/* Whose time and energy it is that GPUs spend: a clock and counters of the test's own. */
#include <criterion/criterion.h>
#include <math.h>

#include "sweep/gpu_meter.h"

enum {
    GPUS = 2
};

static double now_s, counters[GPUS], watts[GPUS];

static double tell_time(void *user)
{
    (void)user;
    return now_s;
}

static double tell_energy(void *user, unsigned gpu)
{
    (void)user;
    return counters[gpu];
}

static struct mx_gpu_meter *make(unsigned executors, unsigned gpus)
{
    const struct mx_gpu_source source = {tell_time, tell_energy, NULL};
    struct mx_gpu_meter       *meter = mx_gpu_meter_new(executors, gpus, &source, NULL);

    cr_assert_not_null(meter);
    now_s = 1000;
    counters[0] = 5e6;
    counters[1] = 7e6;
    watts[0] = watts[1] = 300;
    return meter;
}

static void pass(double seconds)
{
    now_s += seconds;
    for (unsigned g = 0; g < GPUS; g++)
        counters[g] += watts[g] * seconds;
}

static void expect_use(struct mx_gpu_use use, double seconds, double energy_j)
{
    cr_expect(use.known);
    cr_expect_float_eq(use.seconds, seconds, 1e-9, "%g s, not %g", use.seconds, seconds);
    if (isnan(energy_j))
        cr_expect(isnan(use.energy_j), "%g J, not unknown", use.energy_j);
    else
        cr_expect_float_eq(use.energy_j, energy_j, 1e-5, "%g J, not %g", use.energy_j, energy_j);
}

Test(gpu_meter, a_stage_alone_on_a_gpu_has_all_of_it_and_idle_time_is_nobodys)
{
    struct mx_gpu_meter *meter = make(1, 1);

    pass(50);
    mx_gpu_meter_begin(meter, 0);
    pass(10);
    expect_use(mx_gpu_meter_end(meter, 0, 9.9, false), 10, 3000);
    pass(500);
    mx_gpu_meter_begin(meter, 0);
    pass(1);
    expect_use(mx_gpu_meter_end(meter, 0, 1, false), 1, 300);
    mx_gpu_meter_free(meter);
}

Test(gpu_meter, executors_that_share_a_gpu_share_what_it_spends_while_both_work)
{
    struct mx_gpu_meter *meter = make(4, GPUS); /* 0 and 2 on the first one */

    mx_gpu_meter_begin(meter, 0);
    pass(10); /* alone */
    mx_gpu_meter_begin(meter, 2);
    mx_gpu_meter_begin(meter, 1); /* on the other one */
    pass(20);
    expect_use(mx_gpu_meter_end(meter, 0, 30, false), 10 + 10, 3000 + 3000);
    watts[0] = 100;
    pass(5);
    expect_use(mx_gpu_meter_end(meter, 2, 25, false), 10 + 5, 3000 + 500);
    expect_use(mx_gpu_meter_end(meter, 1, 25, false), 25, 7500);
    mx_gpu_meter_free(meter);
}

Test(gpu_meter, the_parts_add_up_to_what_the_counter_moved)
{
    struct mx_gpu_meter *meter = make(3, 1);
    const double         before_j = counters[0], before_s = now_s;
    struct mx_gpu_use    sum = {.known = false}, use;

    for (uint32_t i = 0; i < 3; i++)
        mx_gpu_meter_begin(meter, i);
    for (unsigned k = 0; k < 300; k++) {
        watts[0] = 100 + k;
        pass(0.001 * (1 + k % 17));
        use = mx_gpu_meter_end(meter, k % 3, 0.001 * (1 + k % 11), k < 297);
        mx_gpu_use_add(&sum, &use);
    }
    /* But for the time of one look that was left out. */
    cr_expect_float_eq(sum.seconds, now_s - before_s, 0.005 + 1e-9);
    cr_expect_float_eq(sum.energy_j, counters[0] - before_j, 400 * 0.005 + 1e-5);
    mx_gpu_meter_free(meter);
}

/* Answers come several at a time. */
Test(gpu_meter, stages_behind_each_other_have_their_parts_by_their_seconds)
{
    struct mx_gpu_meter *meter = make(1, 1);

    mx_gpu_meter_begin(meter, 0);
    pass(10);
    expect_use(mx_gpu_meter_end(meter, 0, 2, true), 2, 600);
    expect_use(mx_gpu_meter_end(meter, 0, 3, true), 3, 900);
    expect_use(mx_gpu_meter_end(meter, 0, 4, false), 5, 1500);
    mx_gpu_meter_begin(meter, 0);
    pass(1);
    expect_use(mx_gpu_meter_end(meter, 0, INFINITY, false), 1, 300);
    mx_gpu_meter_free(meter);
}

Test(gpu_meter, what_no_meter_tells_is_unknown_and_time_is_counted_all_the_same)
{
    struct mx_gpu_meter *meter = make(1, 1);

    mx_gpu_meter_begin(meter, 0);
    counters[0] = NAN;
    pass(10);
    expect_use(mx_gpu_meter_end(meter, 0, 4, true), 4, NAN);
    counters[0] = 10; /* the driver was loaded anew */
    pass(1);
    expect_use(mx_gpu_meter_end(meter, 0, 1, false), 7, NAN);
    mx_gpu_meter_begin(meter, 0);
    pass(2);
    expect_use(mx_gpu_meter_end(meter, 0, 2, false), 2, 600);
    mx_gpu_meter_begin(meter, 0);
    pass(1);
    counters[0] = 3; /* it went back */
    expect_use(mx_gpu_meter_end(meter, 0, 1, false), 1, NAN);
    mx_gpu_meter_free(meter);
}

Test(gpu_meter, executors_on_cpus_have_none)
{
    mx_gpu_meter_begin(NULL, 0);
    cr_expect_not(mx_gpu_meter_end(NULL, 0, 1, false).known);
    mx_gpu_meter_free(NULL);
}

Test(gpu_use, a_sum_is_of_what_was_told_and_a_whole_is_unknown_if_a_part_is)
{
    const struct mx_gpu_use cpu = {.known = false}, told = {true, 10, 100}, dark = {true, 5, NAN};
    struct mx_gpu_use       sum = {.known = false}, whole = {.known = false};

    mx_gpu_use_add(&sum, &cpu);
    mx_gpu_use_join(&whole, &cpu);
    cr_expect_not(sum.known);
    cr_expect_not(whole.known);
    cr_expect(isnan(mx_gpu_use_hours(&sum)));
    cr_expect(isnan(mx_gpu_use_energy_j(&sum)));
    mx_gpu_use_add(&sum, &dark);
    expect_use(sum, 5, NAN);
    mx_gpu_use_add(&sum, &told);
    mx_gpu_use_add(&sum, &dark);
    expect_use(sum, 20, 100);
    mx_gpu_use_join(&whole, &told);
    mx_gpu_use_join(&whole, &told);
    expect_use(whole, 20, 200);
    mx_gpu_use_join(&whole, &dark);
    expect_use(whole, 25, NAN);
}

static void expect_text(struct mx_gpu_use use, const char *text)
{
    struct mx_buf out = {0};

    mx_gpu_use_text(&use, &out);
    cr_expect_str_eq(mx_buf_str(&out), text);
    mx_buf_free(&out);
}

Test(gpu_use, is_told_in_hours_and_kilowatt_hours)
{
    expect_text((struct mx_gpu_use){.known = false}, "");
    expect_text((struct mx_gpu_use){true, 5400, 7.2e6}, "1.5 GPU hours, 2 kWh");
    expect_text((struct mx_gpu_use){true, 36, 1800}, "0.01 GPU hours, 0.5 Wh");
    expect_text((struct mx_gpu_use){true, 36, NAN}, "0.01 GPU hours");
}
