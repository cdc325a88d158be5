/* Trials of a broken cell: what their stages come to for others counts. */
#include "sched_fixture.h"

/* Trials 0 to 2 are of one cell, 0 and 1 alone with their stages; 2 shares its
 * stage with trial 3 of another cell. */
static struct fixture begin(void)
{
    static const uint32_t              own[][1] = {{0}, {1}, {2}};
    static const struct mx_sched_stage stages[3] = {{0}};
    static const struct mx_sched_trial trials[] = {
        {own[0], 1, 5}, {own[1], 1, 5}, {own[2], 1, 5}, {own[2], 1, 6}};
    struct mx_sched_options options = {.retries = 0};
    struct fixture          f = {0};

    f.sched = mx_sched_new(stages, 3, trials, 4, &options, &f.err);
    cr_assert(f.sched, "%s", f.err.text);
    return f;
}

static void break_cell(struct fixture *f)
{
    up(f, 0);
    report(f, 0, MX_REASON_CRASHED);
    report(f, 0, MX_REASON_CRASHED);
    expect_trial(f, 2, MX_STATE_QUARANTINED, MX_REASON_CELL_QUARANTINED);
    expect_trial(f, 3, MX_STATE_RUNNING, MX_REASON_NONE);
}

Test(sched_quarantine, ends_when_others_have_brought_all_stages_to_their_end)
{
    struct fixture f = begin();

    break_cell(&f);
    report(&f, 0, MX_REASON_NONE);
    expect_trial(&f, 2, MX_STATE_DONE, MX_REASON_NONE);
    expect_trial(&f, 3, MX_STATE_DONE, MX_REASON_NONE);
    cr_expect_eq(f.actions.count, 2);
    cr_expect(mx_sched_finished(f.sched));
    end(&f);
}

Test(sched_quarantine, is_a_failure_when_a_stage_failed_for_others)
{
    struct fixture f = begin();

    break_cell(&f);
    report(&f, 0, MX_REASON_OUT_OF_MEMORY);
    expect_trial(&f, 2, MX_STATE_FAILED, MX_REASON_OUT_OF_MEMORY);
    expect_trial(&f, 3, MX_STATE_FAILED, MX_REASON_OUT_OF_MEMORY);
    end(&f);
}

Test(sched_quarantine, is_there_again_before_the_first_event_of_a_restored_sweep)
{
    struct fixture         f = begin();
    struct mx_sched_counts counts;

    mx_sched_restore_attempts(f.sched, 0, 1);
    mx_sched_restore_failed(f.sched, 0, MX_REASON_CRASHED);
    mx_sched_restore_attempts(f.sched, 1, 1);
    mx_sched_restore_failed(f.sched, 1, MX_REASON_STALLED);
    expect_trial(&f, 2, MX_STATE_PENDING, MX_REASON_NONE);
    mx_sched_restored(f.sched);
    expect_trial(&f, 2, MX_STATE_QUARANTINED, MX_REASON_CELL_QUARANTINED);
    expect_trial(&f, 3, MX_STATE_PENDING, MX_REASON_NONE);
    mx_sched_counts(f.sched, &counts);
    cr_expect_eq(counts.by_state[MX_STATE_QUARANTINED], 1);
    cr_expect_eq(mx_sched_check(f.sched, &f.err), 0, "%s", f.err.text);
    up(&f, 0);
    report(&f, 0, MX_REASON_NONE);
    expect_trial(&f, 2, MX_STATE_DONE, MX_REASON_NONE);
    cr_expect(mx_sched_finished(f.sched));
    end(&f);
}
