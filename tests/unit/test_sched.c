#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "sched_fixture.h"

/* Two trials of one cell and one of another behind a shared stage:
 * 0 is shared, 1 2 3 are their own. */
static const uint32_t              shared[] = {0};
static const uint32_t              parts[3][2] = {{0, 1}, {0, 2}, {0, 3}};
static const struct mx_sched_stage stages[] = {{.ninputs = 0},
                                               {.inputs = shared, .ninputs = 1},
                                               {.inputs = shared, .ninputs = 1},
                                               {.inputs = shared, .ninputs = 1}};
static const struct mx_sched_trial trials[] = {
    {parts[0], 2, 7}, {parts[1], 2, 7}, {parts[2], 2, 9}};

static struct fixture begin(unsigned retries, double timeout_s)
{
    struct mx_sched_options options = {.retries = retries, .trial_timeout_s = timeout_s};
    struct fixture          f = {0};

    f.sched = mx_sched_new(stages, 4, trials, 3, &options, &f.err);
    cr_assert(f.sched, "%s", f.err.text);
    return f;
}

Test(sched, names_states_and_reasons_as_the_files_do)
{
    cr_expect_str_eq(mx_state_names[MX_STATE_QUARANTINED], "quarantined");
    cr_expect_str_eq(mx_reason_names[MX_REASON_CELL_QUARANTINED], "cell_quarantined");
    cr_expect_str_eq(mx_reason_names[MX_REASON_NONE], "");
    for (size_t k = 0; k < MX_REASONS; k++)
        cr_expect_not_null(mx_reason_names[k]);
}

Test(sched, runs_a_shared_stage_once_and_then_its_users_in_order)
{
    struct fixture         f = begin(2, 0);
    struct mx_sched_counts counts;

    up(&f, 0);
    cr_expect_eq(only_action(&f, MX_ACTION_START)->stage, 0);
    mx_sched_counts(f.sched, &counts);
    cr_expect_eq(counts.by_state[MX_STATE_RUNNING], 3);
    up(&f, 1);
    cr_expect_eq(f.actions.count, 0, "nothing can run beside the shared stage");
    report(&f, 0, MX_REASON_NONE);
    cr_expect_eq(f.actions.count, 2);
    cr_expect_eq(f.actions.list[0].stage, 1);
    cr_expect_eq(f.actions.list[1].stage, 2);
    end(&f);
}

Test(sched, gives_a_stage_to_the_executor_that_ran_its_inputs)
{
    struct fixture f = begin(2, 0);

    up(&f, 0);
    up(&f, 1);
    up(&f, 2);
    report(&f, 0, MX_REASON_NONE);
    cr_expect_eq(f.actions.list[0].stage, 1);
    cr_expect_eq(f.actions.list[0].executor, 0, "although 1 and 2 were idle longer");
    end(&f);
}

Test(sched, fails_every_user_of_a_stage_that_diverged_at_once)
{
    struct fixture f = begin(2, 0);

    up(&f, 0);
    cr_expect(mx_sched_final(f.sched, 0, MX_REASON_DIVERGED));
    cr_expect_not(mx_sched_final(f.sched, 0, MX_REASON_CRASHED));
    report(&f, 0, MX_REASON_DIVERGED);
    cr_expect_eq(f.actions.count, 3);
    for (uint32_t t = 0; t < 3; t++) {
        expect_trial(&f, t, MX_STATE_FAILED, MX_REASON_DIVERGED);
        cr_expect_eq(f.actions.list[t].reason, MX_REASON_DIVERGED);
    }
    cr_expect(mx_sched_finished(f.sched));
    end(&f);
}

Test(sched, tries_a_crashed_stage_elsewhere_until_no_attempt_is_left)
{
    struct fixture f = begin(1, 0);

    up(&f, 0);
    up(&f, 1);
    lose(&f, 0, MX_REASON_CRASHED);
    cr_expect_eq(only_action(&f, MX_ACTION_START)->executor, 1);
    cr_expect_eq(f.actions.list[0].attempt, 2);
    cr_expect_eq(mx_sched_stage_attempts(f.sched, 0), 2);
    report(&f, 1, MX_REASON_OUT_OF_MEMORY);
    cr_expect_eq(f.actions.count, 3);
    expect_trial(&f, 2, MX_STATE_FAILED, MX_REASON_OUT_OF_MEMORY);
    end(&f);
}

Test(sched, quarantines_the_rest_of_a_cell_whose_trials_keep_crashing)
{
    static const uint32_t              own[4][1] = {{0}, {1}, {2}, {3}};
    static const struct mx_sched_stage alone[4] = {{0}};
    static const struct mx_sched_trial repeats[] = {
        {own[0], 1, 5}, {own[1], 1, 5}, {own[2], 1, 5}, {own[3], 1, 6}};
    struct mx_sched_options options = {.retries = 0};
    struct fixture          f = {0};

    f.sched = mx_sched_new(alone, 4, repeats, 4, &options, &f.err);
    cr_assert(f.sched);
    up(&f, 0);
    report(&f, 0, MX_REASON_CRASHED);
    expect_trial(&f, 0, MX_STATE_FAILED, MX_REASON_CRASHED);
    report(&f, 0, MX_REASON_STALLED);
    expect_trial(&f, 2, MX_STATE_QUARANTINED, MX_REASON_CELL_QUARANTINED);
    expect_trial(&f, 3, MX_STATE_RUNNING, MX_REASON_NONE);
    report(&f, 0, MX_REASON_NONE);
    cr_expect(mx_sched_finished(f.sched));
    end(&f);
}

Test(sched, drops_the_report_of_a_lease_that_is_not_held)
{
    struct fixture  f = begin(2, 0);
    struct mx_lease first;

    up(&f, 0);
    cr_assert(mx_sched_current(f.sched, 0, &first));
    up(&f, 0); /* replaced, and its loss was never told: nobody knows what it ran */
    cr_expect_eq(only_action(&f, MX_ACTION_START)->attempt, 1);
    cr_expect_neq(f.actions.list[0].lease, first.lease);
    feed(&f, (struct mx_event){.kind = MX_EVENT_STAGE_DONE, .lease = first.lease});
    cr_expect_eq(f.actions.count, 0);
    expect_trial(&f, 0, MX_STATE_RUNNING, MX_REASON_NONE);
    end(&f);
}

Test(sched, kills_what_overran_its_time_and_gives_nothing_to_the_dying)
{
    struct fixture f = begin(2, 60);

    feed(&f, (struct mx_event){.kind = MX_EVENT_EXECUTOR_UP, .now_s = 100});
    cr_expect_eq(mx_sched_deadline(f.sched), 160);
    feed(&f, (struct mx_event){.kind = MX_EVENT_TIME, .now_s = 159});
    cr_expect_eq(f.actions.count, 0);
    feed(&f, (struct mx_event){.kind = MX_EVENT_TIME, .now_s = 160});
    cr_expect_eq(only_action(&f, MX_ACTION_KILL)->reason, MX_REASON_TIMED_OUT);
    cr_expect_eq(mx_sched_deadline(f.sched), INFINITY);
    /* Its last words still count, but it must not be given more. */
    report(&f, 0, MX_REASON_NONE);
    cr_expect_eq(f.actions.count, 0);
    feed(&f, (struct mx_event){.kind = MX_EVENT_EXECUTOR_LOST, .reason = MX_REASON_CRASHED});
    up(&f, 0);
    cr_expect_eq(only_action(&f, MX_ACTION_START)->stage, 1);
    end(&f);
}

Test(sched, calls_the_loss_of_an_overdue_executor_timed_out)
{
    struct fixture f = begin(0, 60);

    up(&f, 0);
    feed(&f, (struct mx_event){.kind = MX_EVENT_TIME, .now_s = 61});
    lose(&f, 0, MX_REASON_CRASHED);
    expect_trial(&f, 1, MX_STATE_FAILED, MX_REASON_TIMED_OUT);
    end(&f);
}

Test(sched, drain_lets_the_running_end_and_leaves_the_rest_pending)
{
    struct fixture f = begin(2, 0);

    up(&f, 0);
    feed(&f, (struct mx_event){.kind = MX_EVENT_DRAIN});
    cr_expect_not(mx_sched_finished(f.sched));
    report(&f, 0, MX_REASON_NONE);
    cr_expect_eq(f.actions.count, 0);
    cr_expect(mx_sched_finished(f.sched));
    for (uint32_t t = 0; t < 3; t++)
        expect_trial(&f, t, MX_STATE_PENDING, MX_REASON_NONE);
    end(&f);
}

Test(sched, end_revokes_leases_without_counting_the_attempts)
{
    struct fixture  f = begin(0, 0);
    struct mx_lease lease;

    up(&f, 0);
    cr_assert(mx_sched_current(f.sched, 0, &lease));
    feed(&f, (struct mx_event){.kind = MX_EVENT_END});
    cr_expect(mx_sched_finished(f.sched));
    cr_expect_eq(mx_sched_stage_attempts(f.sched, 0), 0);
    feed(&f, (struct mx_event){.kind = MX_EVENT_STAGE_DONE, .lease = lease.lease});
    for (uint32_t t = 0; t < 3; t++)
        expect_trial(&f, t, MX_STATE_PENDING, MX_REASON_NONE);
    end(&f);
}

Test(sched, goes_on_from_what_an_earlier_incarnation_knew)
{
    struct fixture f = begin(1, 0);

    mx_sched_restore_done(f.sched, 3);
    mx_sched_restore_failed(f.sched, 1, MX_REASON_DIVERGED);
    mx_sched_restore_done(f.sched, 0);
    mx_sched_restore_attempts(f.sched, 2, 1);
    expect_trial(&f, 0, MX_STATE_FAILED, MX_REASON_DIVERGED);
    expect_trial(&f, 2, MX_STATE_DONE, MX_REASON_NONE);
    up(&f, 0);
    cr_expect_eq(only_action(&f, MX_ACTION_START)->stage, 2);
    cr_expect_eq(f.actions.list[0].attempt, 2);
    cr_expect(mx_sched_final(f.sched, 2, MX_REASON_CRASHED));
    end(&f);
}

/* 0 1 are backbones of trials 0 1; 2 looks at both and belongs to trial 2. */
static void cross_model(bool partial_ok, unsigned nfail, enum mx_state expected)
{
    static const uint32_t own[3][1] = {{0}, {1}, {2}}, both[] = {0, 1};
    struct mx_sched_stage across[] = {
        {.ninputs = 0}, {.ninputs = 0}, {both, 2, partial_ok, .kind = 0}};
    struct mx_sched_trial   work[] = {{own[0], 1, 1}, {own[1], 1, 2}, {own[2], 1, 3}};
    struct mx_sched_options options = {.retries = 0};
    struct fixture          f = {0};

    f.sched = mx_sched_new(across, 3, work, 3, &options, &f.err);
    cr_assert(f.sched);
    up(&f, 0);
    report(&f, 0, nfail > 0 ? MX_REASON_DIVERGED : MX_REASON_NONE);
    report(&f, 0, nfail > 1 ? MX_REASON_DIVERGED : MX_REASON_NONE);
    if (expected == MX_STATE_DONE)
        report(&f, 0, MX_REASON_NONE);
    expect_trial(&f, 2, expected, expected == MX_STATE_DONE ? MX_REASON_NONE : MX_REASON_DIVERGED);
    cr_expect(mx_sched_finished(f.sched));
    end(&f);
}

Test(sched, a_cross_model_stage_goes_on_without_the_inputs_that_failed)
{
    cross_model(true, 0, MX_STATE_DONE);
    cross_model(true, 1, MX_STATE_DONE);
    cross_model(true, 2, MX_STATE_FAILED);
    cross_model(false, 1, MX_STATE_FAILED);
}

Test(sched, counts_open_stages_and_what_was_done_by_kinds)
{
    static const struct mx_sched_stage kinds[] = {{.kind = 1},
                                                  {.inputs = shared, .ninputs = 1, .kind = 2},
                                                  {.inputs = shared, .ninputs = 1, .kind = 2},
                                                  {.inputs = shared, .ninputs = 1, .kind = 2}};
    struct mx_sched_options            options = {.retries = 0};
    struct mx_sched_kind               now[MX_SCHED_KINDS];
    struct mx_lease                    lease;
    struct fixture                     f = {0};

    f.sched = mx_sched_new(kinds, 4, trials, 3, &options, &f.err);
    mx_sched_kinds(f.sched, now);
    cr_expect(now[0].open == 0 && now[1].open == 1 && now[2].open == 3);
    up(&f, 0);
    cr_assert(mx_sched_current(f.sched, 0, &lease));
    feed(&f, (struct mx_event){.kind = MX_EVENT_STAGE_DONE, .lease = lease.lease, .seconds = 2.5});
    mx_sched_kinds(f.sched, now);
    cr_expect(now[1].open == 0 && now[2].open == 3);
    cr_expect_eq(now[1].timed, 1);
    cr_expect(fabs(now[1].timed_s - 2.5) <= 1e-12);
    report(&f, 0, MX_REASON_DIVERGED);
    mx_sched_kinds(f.sched, now);
    cr_expect_eq(now[2].open, 2, "one that failed is open no more");
    cr_expect_eq(now[2].timed, 0, "nor says it how long others take");
    end(&f);
}

Test(sched, refuses_work_that_makes_no_sense)
{
    static const uint32_t   later[] = {1}, beyond[] = {9};
    struct mx_sched_stage   wrong[] = {{.inputs = later, .ninputs = 1}, {.ninputs = 0}};
    struct mx_sched_stage   odd[] = {{.kind = MX_SCHED_KINDS}};
    struct mx_sched_trial   none[] = {{NULL, 0, 0}}, far[] = {{beyond, 1, 0}};
    struct mx_sched_options options = {0};
    struct mx_err           err = {0};

    cr_expect_null(mx_sched_new(wrong, 2, NULL, 0, &options, &err));
    cr_expect_str_eq(err.text, "stage 0 has input 1, which does not come before it");
    cr_expect_null(mx_sched_new(odd, 1, NULL, 0, &options, &err));
    cr_expect_str_eq(err.text, "stage 0 is of kind 16 of 16");
    cr_expect_null(mx_sched_new(stages, 1, none, 1, &options, &err));
    cr_expect_str_eq(err.text, "trial 0 has no stages");
    cr_expect_null(mx_sched_new(stages, 1, far, 1, &options, &err));
    cr_expect_str_eq(err.text, "trial 0 lists stage 9 of 1");
}

Test(sched, an_executor_number_out_of_reason_changes_nothing)
{
    struct fixture  f = begin(0, 0);
    struct mx_event event = {.kind = MX_EVENT_EXECUTOR_UP, .executor = UINT32_MAX};

    cr_expect_eq(mx_sched_event(f.sched, &event, &f.actions, &f.err), -1);
    cr_expect_eq(f.err.code, MX_EINVAL);
    cr_expect_str_eq(f.err.text, "executor 4294967295 is beyond the 1048576 that are possible");
    cr_expect_eq(mx_sched_check(f.sched, &f.err), 0);
    up(&f, (1 << 20) - 1);
    cr_expect_eq(only_action(&f, MX_ACTION_START)->executor, (1 << 20) - 1);
    end(&f);
}
