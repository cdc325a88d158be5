/* How deep queues of leases are, and whose clock runs. */
#include <math.h>

#include "sched_alone.h"

Test(sched_queue, is_one_lease_long_until_the_kind_is_known)
{
    struct fixture f = begin_batches(8, 16);

    up(&f, 0);
    expect_started(&f, 0, 0, 1);
    report_seconds(&f, 0, 2);
    expect_started(&f, 0, 1, 4);
    end(&f);
}

/* Of a kind that takes as long as a whole batch, or is not known, none is. */
Test(sched_queue, says_which_stages_are_brief)
{
    struct fixture f = begin_batches(8, 16);

    up(&f, 0);
    cr_expect_not(f.actions.list[0].brief);
    report_seconds(&f, 0, 2);
    for (size_t i = 0; i < f.actions.count; i++)
        cr_expect(f.actions.list[i].kind != MX_ACTION_START || f.actions.list[i].brief);
    end(&f);
    f = begin_batches(8, 16);
    up(&f, 0);
    report_seconds(&f, 0, 8);
    expect_started(&f, 0, 1, 1);
    for (size_t i = 0; i < f.actions.count; i++)
        cr_expect_not(f.actions.list[i].brief);
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

/* Eight leases of a second each, by their number or by what they take. */
static void fill_again(double batch_seconds, unsigned batch_max)
{
    struct fixture f = begin_batches(batch_seconds, batch_max);

    up(&f, 0);
    report_seconds(&f, 0, 1);
    expect_started(&f, 0, 1, 8);
    for (int k = 0; k < 3; k++) {
        report_seconds(&f, 0, 1);
        expect_nothing_started(&f);
    }
    report(&f, 0, MX_REASON_DIVERGED); /* that ends as well */
    expect_started(&f, 0, 9, 4);
    end(&f);
}

Test(sched_queue, is_filled_again_when_half_of_it_is_done)
{
    fill_again(100, 8);
    fill_again(8, 100);
}

Test(sched_queue, becomes_shorter_as_stages_take_longer)
{
    struct fixture f = begin_batches(8, 100);

    up(&f, 0);
    report_seconds(&f, 0, 1);
    expect_started(&f, 0, 1, 8);
    for (int k = 0; k < 4; k++) {
        report_seconds(&f, 0, 9);
        expect_nothing_started(&f);
    }
    report_seconds(&f, 0, 9);
    expect_started(&f, 0, 9, 1);
    end(&f);
}

Test(sched_queue, takes_in_nothing_that_has_just_failed_there)
{
    struct mx_sched_options options = {.retries = 2, .batch_seconds = 100, .batch_max = 8};
    struct fixture          f = begin(&options, 6, 6);

    up(&f, 0);
    report_seconds(&f, 0, 1);
    expect_started(&f, 0, 1, 3);
    report_seconds(&f, 0, 1);
    for (int k = 0; k < 3; k++) {
        report(&f, 0, MX_REASON_CRASHED);
        for (size_t a = 0; a < f.actions.count; a++)
            cr_expect(f.actions.list[a].kind != MX_ACTION_START || f.actions.list[a].stage > 3);
    }
    report(&f, 0, MX_REASON_NONE);
    cr_expect_eq(f.actions.list[f.actions.count - 1].attempt, 2, "nothing else is left");
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

/* Two executors, stages of a kind that takes 10 s, everything to have ended at 100. */
static struct fixture begin_limited(bool resumable)
{
    uint32_t              own[4] = {0, 1, 2, 3};
    struct mx_sched_stage stages[4];
    struct mx_sched_trial trials[4];
    struct fixture        f = {0};

    for (uint32_t i = 0; i < 4; i++) {
        stages[i] = (struct mx_sched_stage){.resumable = resumable};
        trials[i] = (struct mx_sched_trial){.stages = &own[i], .nstages = 1, .cell = i};
    }
    f.sched =
        mx_sched_new(stages, 4, trials, 4, &(struct mx_sched_options){.limit_s = 100}, &f.err);
    cr_assert(f.sched, "%s", f.err.text);
    return f;
}

static void end_first(struct fixture *f, double now_s)
{
    struct mx_lease lease;

    cr_assert(mx_sched_current(f->sched, 0, &lease));
    feed(f, (struct mx_event){.kind = MX_EVENT_STAGE_DONE,
                              .executor = 0,
                              .lease = lease.lease,
                              .stage = lease.stage,
                              .seconds = 10,
                              .now_s = now_s});
}

Test(sched_queue, gets_no_stage_that_would_not_end_before_the_limit)
{
    struct fixture f = begin_limited(false);

    up(&f, 0);
    expect_started(&f, 0, 0, 1);
    end_first(&f, 89);
    expect_started(&f, 0, 1, 1);
    end_first(&f, 91);
    expect_nothing_started(&f);
    cr_expect(mx_sched_late(f.sched));
    cr_expect(mx_sched_finished(f.sched), "nothing runs, and nothing will");
    end(&f);
}

Test(sched_queue, gets_stages_that_lose_little_until_the_limit)
{
    struct fixture f = begin_limited(true);

    up(&f, 0);
    end_first(&f, 91);
    expect_started(&f, 0, 1, 1);
    cr_expect_not(mx_sched_late(f.sched));
    cr_expect_not(mx_sched_finished(f.sched));
    end(&f);
}
