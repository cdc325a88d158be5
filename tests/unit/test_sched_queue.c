/* Queues of leases: how deep, who is blamed, whose clock runs. */
#include <math.h>

#include "sched_fixture.h"

enum {
    NSTAGES = 24,
    QUICK = 0,
    SLOW = 1
};

/* Stages alone, each the one of its trial; those from `first_slow` on are slow. */
static struct fixture begin(const struct mx_sched_options *options, uint32_t nstages,
                            uint32_t first_slow)
{
    uint32_t              own[NSTAGES];
    struct mx_sched_stage stages[NSTAGES];
    struct mx_sched_trial trials[NSTAGES];
    struct fixture        f = {0};

    for (uint32_t i = 0; i < nstages; i++) {
        own[i] = i;
        stages[i] = (struct mx_sched_stage){.kind = i < first_slow ? QUICK : SLOW};
        trials[i] = (struct mx_sched_trial){.stages = &own[i], .nstages = 1, .cell = i};
    }
    f.sched = mx_sched_new(stages, nstages, trials, nstages, options, &f.err);
    cr_assert(f.sched, "%s", f.err.text);
    return f;
}

static struct fixture begin_batches(double batch_seconds, unsigned batch_max)
{
    return begin(&(struct mx_sched_options){.retries = 2,
                                            .batch_seconds = batch_seconds,
                                            .batch_max = batch_max},
                 NSTAGES, NSTAGES);
}

static void report_seconds(struct fixture *f, uint32_t executor, double seconds)
{
    struct mx_lease lease;

    cr_assert(mx_sched_current(f->sched, executor, &lease));
    feed(f, (struct mx_event){.kind = MX_EVENT_STAGE_DONE,
                              .executor = executor,
                              .lease = lease.lease,
                              .stage = lease.stage,
                              .seconds = seconds});
}

static void expect_nothing_started(const struct fixture *f)
{
    for (size_t k = 0; k < f->actions.count; k++)
        cr_expect_neq((int)f->actions.list[k].kind, MX_ACTION_START);
}

/* The last event started these stages, in this order, on one executor. */
static void expect_started(const struct fixture *f, uint32_t executor, uint32_t first, uint32_t n)
{
    uint32_t started = 0;

    for (size_t k = 0; k < f->actions.count; k++) {
        const struct mx_action *action = &f->actions.list[k];

        if (action->kind != MX_ACTION_START)
            continue;
        cr_expect_eq(action->executor, executor);
        cr_expect_eq(action->stage, first + started, "stage %u, not %u", action->stage,
                     first + started);
        cr_expect_eq(action->attempt, 1);
        started++;
    }
    cr_expect_eq(started, n, "%u stages started", started);
}

/* Every executor below n works off what it holds until all is done. */
static void work_off(struct fixture *f, const uint32_t *executors, size_t n)
{
    struct mx_lease lease;

    for (uint32_t round = 0; round < NSTAGES && !mx_sched_finished(f->sched); round++)
        for (size_t k = 0; k < n; k++)
            if (mx_sched_current(f->sched, executors[k], &lease))
                report_seconds(f, executors[k], 1);
    cr_expect(mx_sched_finished(f->sched));
    for (uint32_t t = 0; t < NSTAGES; t++)
        expect_trial(f, t, MX_STATE_DONE, MX_REASON_NONE);
}

Test(sched_queue, is_one_lease_long_until_the_kind_is_known)
{
    struct fixture f = begin_batches(8, 16);

    up(&f, 0);
    expect_started(&f, 0, 0, 1);
    report_seconds(&f, 0, 2);
    expect_started(&f, 0, 1, 4);
    end(&f);
}

Test(sched_queue, is_one_lease_long_without_batches)
{
    struct fixture f = begin_batches(0, 0);

    up(&f, 0);
    for (uint32_t i = 1; i < NSTAGES; i++) {
        report_seconds(&f, 0, 1e-6);
        expect_started(&f, 0, i, 1);
    }
    end(&f);
}

Test(sched_queue, does_not_learn_from_durations_that_are_none)
{
    static const double odd[] = {NAN, 0, -1, INFINITY};
    struct fixture      f = begin_batches(8, 16);

    up(&f, 0);
    for (uint32_t k = 0; k < 4; k++) {
        report_seconds(&f, 0, odd[k]);
        expect_started(&f, 0, k + 1, 1);
    }
    end(&f);
}

Test(sched_queue, is_filled_again_when_half_of_it_is_done)
{
    struct fixture f = begin_batches(100, 8);

    up(&f, 0);
    report_seconds(&f, 0, 1);
    expect_started(&f, 0, 1, 8);
    for (int k = 0; k < 3; k++) {
        report_seconds(&f, 0, 1);
        expect_nothing_started(&f);
    }
    report_seconds(&f, 0, 1);
    expect_started(&f, 0, 9, 4);
    end(&f);
}

Test(sched_queue, leaves_the_other_executors_their_share)
{
    struct fixture f = begin_batches(1000, 1000);

    for (uint32_t x = 0; x < 4; x++)
        up(&f, x);
    report_seconds(&f, 0, 1); /* 20 are ready */
    expect_started(&f, 0, 4, 4);
    work_off(&f, (uint32_t[]){0, 1, 2, 3}, 4);
    end(&f);
}

Test(sched_queue, lets_no_long_stage_wait_behind_others)
{
    struct mx_sched_options options = {.batch_seconds = 8, .batch_max = 16};
    struct fixture          f = begin(&options, 8, 5);

    up(&f, 0);
    report_seconds(&f, 0, 1);
    expect_started(&f, 0, 1, 4); /* of the kind of 5 nothing is known */
    for (int k = 0; k < 3; k++) {
        report_seconds(&f, 0, 1);
        expect_nothing_started(&f);
    }
    report_seconds(&f, 0, 1);
    expect_started(&f, 0, 5, 1);
    report_seconds(&f, 0, 60);
    expect_started(&f, 0, 6, 1);
    end(&f);
}

Test(sched_queue, runs_the_clock_of_its_first_stage_only)
{
    struct mx_sched_options options = {.trial_timeout_s = 60, .batch_seconds = 90, .batch_max = 3};
    struct fixture          f = begin(&options, NSTAGES, NSTAGES);
    struct mx_lease         lease;

    up(&f, 0);
    report_seconds(&f, 0, 30);
    expect_started(&f, 0, 1, 3);
    cr_assert(mx_sched_lease(f.sched, 2, f.actions.list[2].lease, &lease));
    cr_expect(isnan(lease.started_s));
    feed(&f, (struct mx_event){.kind = MX_EVENT_TIME, .now_s = 50});
    cr_expect_eq(mx_sched_deadline(f.sched), 60);
    report_seconds(&f, 0, 50);
    cr_assert(mx_sched_current(f.sched, 0, &lease));
    cr_expect_eq(lease.stage, 2);
    cr_expect_eq(lease.started_s, 50);
    cr_expect_eq(mx_sched_deadline(f.sched), 110);
    end(&f);
}

/* An executor with stages 1 to 4 in its queue, and another with 5 to 8. */
static struct fixture begin_deep(void)
{
    struct fixture f = begin_batches(4, 4);

    up(&f, 0);
    report_seconds(&f, 0, 1);
    expect_started(&f, 0, 1, 4);
    up(&f, 1);
    return f;
}

static void expect_attempts(const struct fixture *f, uint32_t first, uint32_t n, unsigned attempts)
{
    for (uint32_t i = first; i < first + n; i++)
        cr_expect_eq(mx_sched_stage_attempts(f->sched, i), attempts, "stage %u: %u", i,
                     mx_sched_stage_attempts(f->sched, i));
}

static void lose_with(struct fixture *f, uint32_t executor, uint64_t lease)
{
    feed(f, (struct mx_event){.kind = MX_EVENT_EXECUTOR_LOST,
                              .executor = executor,
                              .lease = lease,
                              .reason = MX_REASON_CRASHED});
}

Test(sched_queue, blames_what_ran_and_gives_the_rest_back_to_the_front)
{
    /* 1 is at the end; 5 to 8 wait at the other one. */
    static const uint32_t then[] = {2, 3, 4, 9};
    struct fixture        f = begin_deep();
    struct mx_lease       lease;

    cr_assert(mx_sched_current(f.sched, 0, &lease));
    lose_with(&f, 0, lease.lease);
    cr_expect_eq(f.actions.count, 0);
    expect_attempts(&f, 1, 1, 1);
    expect_attempts(&f, 2, 3, 0);
    up(&f, 0);
    cr_assert_eq(f.actions.count, 4);
    for (uint32_t k = 0; k < 4; k++)
        cr_expect_eq(f.actions.list[k].stage, then[k]);
    end(&f);
}

Test(sched_queue, blames_nobody_if_nothing_ran)
{
    struct fixture f = begin_deep();

    lose_with(&f, 0, 0);
    expect_attempts(&f, 1, 4, 0);
    up(&f, 0);
    expect_started(&f, 0, 1, 4);
    end(&f);
}

Test(sched_queue, blames_nobody_for_a_lease_that_is_not_held)
{
    struct fixture  f = begin_deep();
    struct mx_lease lease;

    cr_assert(mx_sched_current(f.sched, 0, &lease));
    report_seconds(&f, 0, 1);
    lose_with(&f, 0, lease.lease);
    expect_attempts(&f, 2, 3, 0);
    end(&f);
}

Test(sched_queue, counts_reports_out_of_order_and_not_twice)
{
    struct fixture  f = begin_deep();
    struct mx_lease first;
    struct mx_event third = {.kind = MX_EVENT_STAGE_DONE, .stage = 3};

    cr_assert(mx_sched_current(f.sched, 0, &first));
    third.lease = first.lease + 2;
    feed(&f, third);
    expect_trial(&f, 3, MX_STATE_DONE, MX_REASON_NONE);
    feed(&f, third);
    cr_expect_eq(f.actions.count, 0);
    cr_assert(mx_sched_current(f.sched, 0, &first));
    cr_expect_eq(first.stage, 1);
    end(&f);
}

Test(sched_queue, of_one_that_was_replaced_is_given_back)
{
    struct fixture f = begin_deep();

    up(&f, 0);
    expect_started(&f, 0, 1, 4);
    expect_attempts(&f, 1, 4, 1); /* the leases of now */
    end(&f);
}

Test(sched_queue, of_one_that_dies_of_its_time_blames_what_ran_last)
{
    struct mx_sched_options options = {
        .trial_timeout_s = 60, .batch_seconds = 90, .batch_max = 3, .retries = 0};
    struct fixture  f = begin(&options, NSTAGES, NSTAGES);
    struct mx_lease lease;

    up(&f, 0);
    report_seconds(&f, 0, 30);
    feed(&f, (struct mx_event){.kind = MX_EVENT_TIME, .now_s = 60});
    cr_expect_eq(only_action(&f, MX_ACTION_KILL)->stage, 1);
    report_seconds(&f, 0, 60);  /* ended after all, and the next one began */
    expect_nothing_started(&f); /* it is dying */
    cr_assert(mx_sched_current(f.sched, 0, &lease));
    cr_expect(lease.overdue);
    cr_expect_eq(mx_sched_deadline(f.sched), INFINITY, "it is killed once");
    lose_with(&f, 0, lease.lease);
    expect_trial(&f, 1, MX_STATE_DONE, MX_REASON_NONE);
    expect_trial(&f, 2, MX_STATE_FAILED, MX_REASON_TIMED_OUT);
    expect_trial(&f, 3, MX_STATE_PENDING, MX_REASON_NONE);
    up(&f, 0);
    cr_expect_eq(f.actions.list[0].stage, 3);
    end(&f);
}

Test(sched_queue, keeps_the_reason_that_a_dying_executor_gives)
{
    struct mx_sched_options options = {.trial_timeout_s = 60};
    struct fixture          f = begin(&options, 1, 1);

    up(&f, 0);
    feed(&f, (struct mx_event){.kind = MX_EVENT_TIME, .now_s = 60});
    report(&f, 0, MX_REASON_DIVERGED);
    expect_trial(&f, 0, MX_STATE_FAILED, MX_REASON_DIVERGED);
    end(&f);
}

Test(sched_queue, goes_on_when_a_rank_is_gone_for_good)
{
    static const uint32_t gone[] = {0, 1, 2}, left[] = {1 << 10, (1 << 10) + 2, (1 << 20) - 1};
    struct fixture        f = begin_batches(4, 4);

    for (uint32_t k = 0; k < 3; k++)
        up(&f, gone[k]);
    report_seconds(&f, 0, 1);
    up(&f, left[0]);
    for (uint32_t k = 0; k < 3; k++)
        lose_with(&f, gone[k], 0);
    for (uint32_t k = 1; k < 3; k++)
        up(&f, left[k]);
    expect_attempts(&f, 0, 1, 1);
    work_off(&f, left, 3);
    end(&f);
}

Test(sched_queue, never_matches_a_lease_of_another_incarnation)
{
    struct mx_sched_options options = {0};
    struct fixture          f = begin(&options, 1, 1), g = begin(&options, 1, 1);
    struct mx_lease         lease;

    mx_sched_set_incarnation(f.sched, 1);
    mx_sched_set_incarnation(g.sched, 2);
    up(&f, 0);
    up(&g, 0);
    cr_assert(mx_sched_current(f.sched, 0, &lease));
    feed(&g, (struct mx_event){.kind = MX_EVENT_STAGE_DONE, .lease = lease.lease});
    expect_trial(&g, 0, MX_STATE_RUNNING, MX_REASON_NONE);
    cr_expect_not(mx_sched_lease(g.sched, 0, lease.lease, &lease));
    end(&f);
    end(&g);
}
