/* Who is blamed for a death, and what happens with the rest of a queue. */
#include <math.h>

#include "sched_alone.h"

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

Test(sched_lost, blames_what_ran_and_gives_the_rest_back_to_the_front)
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

Test(sched_lost, blames_nobody_if_nothing_ran)
{
    struct fixture f = begin_deep();

    lose_with(&f, 0, 0);
    expect_attempts(&f, 1, 4, 0);
    up(&f, 0);
    expect_started(&f, 0, 1, 4);
    end(&f);
}

Test(sched_lost, blames_nobody_for_a_lease_that_is_not_held)
{
    struct fixture  f = begin_deep();
    struct mx_lease lease;

    cr_assert(mx_sched_current(f.sched, 0, &lease));
    report_seconds(&f, 0, 1);
    lose_with(&f, 0, lease.lease);
    expect_attempts(&f, 2, 3, 0);
    end(&f);
}

Test(sched_lost, gives_a_stage_to_another_than_where_it_failed)
{
    struct fixture f = begin(&(struct mx_sched_options){.retries = 2}, 1, 1);

    up(&f, 0);
    up(&f, 1);
    report(&f, 0, MX_REASON_CRASHED);
    cr_expect_eq(only_action(&f, MX_ACTION_START)->executor, 1);
    up(&f, 2); /* idle for less long than 0 */
    lose_with(&f, 1, 0);
    cr_expect_eq(only_action(&f, MX_ACTION_START)->executor, 2);
    cr_expect_eq(f.actions.list[0].attempt, 2);
    end(&f);
}

Test(sched_lost, leaves_what_failed_here_to_others_while_there_is_more)
{
    struct fixture f = begin(&(struct mx_sched_options){.retries = 2}, 3, 3);

    for (uint32_t x = 0; x < 4; x++)
        up(&f, x);
    report(&f, 0, MX_REASON_CRASHED);
    cr_expect_eq(only_action(&f, MX_ACTION_START)->executor, 3);
    feed(&f, (struct mx_event){.kind = MX_EVENT_EXECUTOR_LOST, .executor = 0});
    lose_with(&f, 2, 0);
    lose_with(&f, 3, 0); /* 0 is ready, then 2 */
    up(&f, 0);
    cr_expect_eq(only_action(&f, MX_ACTION_START)->stage, 2);
    report(&f, 0, MX_REASON_NONE);
    cr_expect_eq(f.actions.list[1].stage, 0, "nothing else is left");
    end(&f);
}

Test(sched_lost, counts_reports_out_of_order_and_not_twice)
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

Test(sched_lost, gives_back_the_queue_of_one_that_was_replaced)
{
    struct fixture f = begin_deep();

    up(&f, 0);
    expect_started(&f, 0, 1, 4);
    expect_attempts(&f, 1, 4, 1); /* the leases of now */
    end(&f);
}

Test(sched_lost, blames_what_ran_last_when_the_time_is_over)
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

Test(sched_lost, keeps_the_reason_that_a_dying_executor_gives)
{
    struct mx_sched_options options = {.trial_timeout_s = 60};
    struct fixture          f = begin(&options, 1, 1);

    up(&f, 0);
    feed(&f, (struct mx_event){.kind = MX_EVENT_TIME, .now_s = 60});
    report(&f, 0, MX_REASON_DIVERGED);
    expect_trial(&f, 0, MX_STATE_FAILED, MX_REASON_DIVERGED);
    end(&f);
}

Test(sched_lost, goes_on_when_a_rank_is_gone_for_good)
{
    static const uint32_t gone[] = {0, 1, 2}, left[] = {1 << 10, (1 << 10) + 2, 3 << 10};
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

Test(sched_lost, never_matches_a_lease_of_another_incarnation)
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
