#include <criterion/criterion.h>

#include "sched_fixture.h"

enum {
    CELLS = 12
};

/* Trials of one stage each, every one of a cell of its own. */
static struct fixture begin(unsigned retries)
{
    static const uint32_t              own[CELLS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    static const struct mx_sched_stage stages[CELLS] = {{0}};
    struct mx_sched_trial              trials[CELLS];
    struct mx_sched_options            options = {.retries = retries};
    struct fixture                     f = {0};

    for (uint32_t t = 0; t < CELLS; t++)
        trials[t] = (struct mx_sched_trial){&own[t], 1, t};
    f.sched = mx_sched_new(stages, CELLS, trials, CELLS, &options, &f.err);
    cr_assert(f.sched, "%s", f.err.text);
    return f;
}

static void up_on(struct fixture *f, uint32_t executor, uint32_t host)
{
    feed(f, (struct mx_event){.kind = MX_EVENT_EXECUTOR_UP, .executor = executor, .host = host});
}

/* It dies at its work, and comes again. */
static void crash(struct fixture *f, uint32_t executor, uint32_t host)
{
    lose(f, executor, MX_REASON_CRASHED);
    up_on(f, executor, host);
}

static const struct mx_action *host_action(const struct fixture *f)
{
    for (size_t k = 0; k < f->actions.count; k++)
        if (f->actions.list[k].kind == MX_ACTION_HOST)
            return &f->actions.list[k];
    return NULL;
}

static bool is_idle(const struct fixture *f, uint32_t executor)
{
    struct mx_lease lease;

    return !mx_sched_current(f->sched, executor, &lease);
}

Test(sched_hosts, three_cells_that_fail_one_after_the_other_quarantine_their_host)
{
    struct fixture f = begin(5);

    up_on(&f, 0, 0);
    up_on(&f, 1, 1);
    for (int k = 0; k < 2; k++) {
        crash(&f, 1, 1);
        cr_expect_not(mx_sched_host_quarantined(f.sched, 1));
    }
    lose(&f, 1, MX_REASON_CRASHED);
    cr_assert(host_action(&f));
    cr_expect_eq(host_action(&f)->host, 1);
    cr_expect_not(host_action(&f)->go_on);
    cr_expect(mx_sched_host_quarantined(f.sched, 1));
    up_on(&f, 1, 1);
    cr_expect(is_idle(&f, 1), "it is given nothing more");
    up_on(&f, 2, 1);
    cr_expect(is_idle(&f, 2), "nor is another one of its host");
    for (int k = 0; k < CELLS; k++)
        report(&f, 0, MX_REASON_NONE);
    cr_expect(mx_sched_finished(f.sched), "the other one does it all");
    for (uint32_t t = 0; t < CELLS; t++)
        expect_trial(&f, t, MX_STATE_DONE, MX_REASON_NONE);
    end(&f);
}

Test(sched_hosts, a_success_in_between_clears_a_host)
{
    struct fixture f = begin(20);

    up_on(&f, 0, 0);
    up_on(&f, 1, 1);
    for (int k = 0; k < 3; k++) {
        crash(&f, 1, 1);
        crash(&f, 1, 1);
        report(&f, 1, MX_REASON_NONE);
    }
    cr_expect_not(mx_sched_host_quarantined(f.sched, 1));
    end(&f);
}

Test(sched_hosts, what_the_stage_itself_is_to_blame_for_says_nothing_of_a_host)
{
    struct fixture f = begin(5);

    up_on(&f, 0, 0);
    up_on(&f, 1, 1);
    for (int k = 0; k < 4; k++)
        report(&f, 1, k % 2 ? MX_REASON_DIVERGED : MX_REASON_DATA_ERROR);
    cr_expect_not(mx_sched_host_quarantined(f.sched, 1));
    end(&f);
}

Test(sched_hosts, one_cell_that_fails_everywhere_is_to_blame_itself)
{
    struct fixture  f = begin(20);
    struct mx_lease lease;

    up_on(&f, 0, 0);
    up_on(&f, 1, 1);
    for (int k = 0; k < 3; k++)
        crash(&f, 1, 1);
    cr_assert(mx_sched_host_quarantined(f.sched, 1));
    /* The first host comes to what has failed on the other one, and it fails here, too. */
    for (;;) {
        cr_assert(mx_sched_current(f.sched, 0, &lease));
        if (lease.attempt > 1)
            break;
        report(&f, 0, MX_REASON_NONE);
    }
    lose(&f, 0, MX_REASON_CRASHED);
    cr_assert(host_action(&f));
    cr_expect_eq(host_action(&f)->host, 1);
    cr_expect(host_action(&f)->go_on);
    cr_expect_not(host_action(&f)->last);
    cr_expect_not(mx_sched_host_quarantined(f.sched, 1));
    cr_expect_not(is_idle(&f, 1), "it works again");
    end(&f);
}

Test(sched_hosts, the_last_one_goes_on_and_says_so_once)
{
    struct fixture f = begin(0);
    unsigned       told = 0;

    up_on(&f, 0, 0);
    for (int k = 0; k < 6; k++) {
        lose(&f, 0, MX_REASON_CRASHED);
        if (host_action(&f)) {
            told++;
            cr_expect(host_action(&f)->last && host_action(&f)->go_on);
        }
        up_on(&f, 0, 0);
        cr_expect_not(is_idle(&f, 0));
    }
    cr_expect_eq(told, 1);
    end(&f);
}

Test(sched_hosts, one_that_is_quarantined_works_again_when_nobody_else_is_left)
{
    struct fixture f = begin(5);

    up_on(&f, 0, 0);
    up_on(&f, 1, 1);
    for (int k = 0; k < 3; k++)
        crash(&f, 1, 1);
    cr_assert(is_idle(&f, 1));
    feed(&f, (struct mx_event){.kind = MX_EVENT_EXECUTOR_LOST, .executor = 0});
    cr_expect(is_idle(&f, 1), "the other one may come again");
    feed(&f, (struct mx_event){.kind = MX_EVENT_EXECUTOR_GONE, .executor = 0});
    cr_assert(host_action(&f));
    cr_expect(host_action(&f)->go_on && host_action(&f)->last);
    cr_expect_not(is_idle(&f, 1));
    end(&f);
}

Test(sched_hosts, the_next_attempt_goes_to_another_host_if_it_can)
{
    struct fixture  f = begin(5);
    struct mx_lease lease;

    up_on(&f, 0, 0);
    up_on(&f, 1, 0);
    up_on(&f, 2, 1);
    lose(&f, 0, MX_REASON_CRASHED); /* stage 0; executors 1 and 2 work */
    report(&f, 1, MX_REASON_NONE);
    cr_assert(mx_sched_current(f.sched, 1, &lease));
    cr_expect_neq(lease.stage, 0, "of the host where it failed");
    for (int k = 0; k < CELLS && lease.stage != 0; k++) {
        report(&f, 2, MX_REASON_NONE);
        cr_assert(mx_sched_current(f.sched, 2, &lease));
    }
    cr_expect_eq(lease.stage, 0);
    end(&f);
}

/* What it holds it may end; its time runs. */
Test(sched_hosts, what_a_host_has_begun_before_counts)
{
    struct fixture f = begin(5);

    up_on(&f, 0, 0);
    up_on(&f, 1, 1);
    up_on(&f, 2, 1);
    for (int k = 0; k < 3; k++)
        crash(&f, 1, 1);
    cr_assert(mx_sched_host_quarantined(f.sched, 1));
    cr_assert_not(is_idle(&f, 2));
    report(&f, 2, MX_REASON_NONE);
    cr_expect(is_idle(&f, 2));
    cr_expect(mx_sched_host_quarantined(f.sched, 1));
    end(&f);
}
