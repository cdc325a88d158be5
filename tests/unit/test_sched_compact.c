/* What a trial leaves in the scheduler once it has ended: at most 32 bytes, told by the
 * scheduler's own count; and nobody outside sees that anything has gone. */
#include <stdlib.h>

#include "sched_fixture.h"

enum {
    BYTES = 32,  /* that a finished trial may cost */
    HEADS = 100, /* on one backbone */
    BACKBONES = 200,
    TRIALS = HEADS * BACKBONES,
    STAGES = TRIALS + BACKBONES,
};

/* Backbones, and heads on each of them: trial t is of backbone t / HEADS and head t. */
struct sweep {
    struct fixture        f;
    struct mx_sched_stage stages[STAGES];
    struct mx_sched_trial trials[TRIALS];
    uint32_t              parts[TRIALS][2];
};

static uint32_t head_of(uint32_t trial)
{
    return trial / HEADS * (HEADS + 1) + 1 + trial % HEADS;
}

static struct sweep *begin(unsigned retries)
{
    struct sweep *s = calloc(1, sizeof *s);

    cr_assert(s);
    for (uint32_t t = 0; t < TRIALS; t++) {
        s->parts[t][0] = t / HEADS * (HEADS + 1);
        s->parts[t][1] = head_of(t);
        s->stages[head_of(t)] =
            (struct mx_sched_stage){.inputs = s->parts[t], .ninputs = 1, .kind = 1};
        s->trials[t] = (struct mx_sched_trial){.stages = s->parts[t], .nstages = 2, .cell = t};
    }
    s->f.sched = mx_sched_new(s->stages, STAGES, s->trials, TRIALS,
                              &(struct mx_sched_options){.retries = retries}, &s->f.err);
    cr_assert(s->f.sched, "%s", s->f.err.text);
    return s;
}

static void release(struct sweep *s)
{
    end(&s->f);
    free(s);
}

static void feed_unchecked(struct sweep *s, struct mx_event event)
{
    cr_assert_eq(mx_sched_event(s->f.sched, &event, &s->f.actions, &s->f.err), 0, "%s",
                 s->f.err.text);
}

/* One executor runs what it is given; a head with an odd number fails for good. */
static void run(struct sweep *s, uint32_t most)
{
    struct mx_lease lease;

    feed_unchecked(s, (struct mx_event){.kind = MX_EVENT_EXECUTOR_UP});
    for (uint32_t n = 0; n < most && mx_sched_current(s->f.sched, 0, &lease); n++) {
        const bool bad = lease.stage % (HEADS + 1) % 2;

        feed_unchecked(s,
                       (struct mx_event){.kind = bad ? MX_EVENT_STAGE_FAILED : MX_EVENT_STAGE_DONE,
                                         .lease = lease.lease,
                                         .stage = lease.stage,
                                         .reason = bad ? MX_REASON_DIVERGED : MX_REASON_NONE});
        if (n % 997 == 0)
            cr_assert_eq(mx_sched_check(s->f.sched, &s->f.err), 0, "%s", s->f.err.text);
    }
}

static void expect_few_bytes(const struct sweep *s)
{
    const size_t bytes = mx_sched_bytes(s->f.sched);

    cr_expect(bytes <= (size_t)BYTES * TRIALS, "%zu bytes, %.1f a trial", bytes,
              (double)bytes / TRIALS);
}

Test(sched_compact, finished_trials_of_an_earlier_incarnation_cost_few_bytes)
{
    struct sweep          *s = begin(0);
    const size_t           before = mx_sched_bytes(s->f.sched);
    struct mx_sched_counts counts;

    for (uint32_t i = 0; i < STAGES - 50; i++)
        mx_sched_restore_done(s->f.sched, i);
    mx_sched_restored(s->f.sched);
    cr_assert_eq(mx_sched_check(s->f.sched, &s->f.err), 0, "%s", s->f.err.text);
    expect_few_bytes(s);
    cr_expect(mx_sched_bytes(s->f.sched) < before / 10);
    mx_sched_counts(s->f.sched, &counts);
    cr_expect_eq(counts.planned, TRIALS);
    cr_expect_eq(counts.by_state[MX_STATE_DONE], TRIALS - 50);
    cr_expect_eq(counts.by_state[MX_STATE_PENDING], 50);
    run(s, UINT32_MAX);
    for (uint32_t t = TRIALS - 50; t < TRIALS; t++)
        cr_expect_eq((int)mx_sched_trial_state(s->f.sched, t),
                     head_of(t) % (HEADS + 1) % 2 ? MX_STATE_FAILED : MX_STATE_DONE);
    cr_expect(mx_sched_finished(s->f.sched));
    release(s);
}

Test(sched_compact, trials_that_end_while_it_runs_cost_few_bytes_and_keep_their_names)
{
    struct sweep *s = begin(0);

    run(s, UINT32_MAX);
    cr_expect(mx_sched_finished(s->f.sched));
    expect_few_bytes(s);
    for (uint32_t t = 0; t < TRIALS; t++) {
        const bool bad = head_of(t) % (HEADS + 1) % 2;

        cr_assert_eq((int)mx_sched_trial_state(s->f.sched, t),
                     bad ? MX_STATE_FAILED : MX_STATE_DONE, "trial %u", t);
        cr_assert_eq((int)mx_sched_trial_reason(s->f.sched, t),
                     bad ? MX_REASON_DIVERGED : MX_REASON_NONE, "trial %u", t);
        cr_assert_eq(mx_sched_stage_failed(s->f.sched, head_of(t)), bad);
        cr_assert_eq(mx_sched_stage_attempts(s->f.sched, head_of(t)), 1);
    }
    release(s);
}

/* With a lease held, an executor that holds a backbone, and a loose stage that has failed. */
Test(sched_compact, what_is_open_goes_on_as_if_nothing_had_gone)
{
    struct sweep   *s = begin(1);
    struct mx_lease lease, late;

    run(s, STAGES / 2 - 1);
    cr_assert(mx_sched_current(s->f.sched, 0, &late));
    feed_unchecked(s, (struct mx_event){.kind = MX_EVENT_STAGE_FAILED,
                                        .lease = late.lease,
                                        .stage = late.stage,
                                        .reason = MX_REASON_CRASHED});
    cr_expect_eq(mx_sched_stage_attempts(s->f.sched, late.stage), 1);
    run(s, STAGES / 4);
    cr_expect_not(mx_sched_lease(s->f.sched, late.stage, late.lease, &lease));
    cr_assert(mx_sched_current(s->f.sched, 0, &lease));
    cr_expect(mx_sched_lease(s->f.sched, lease.stage, lease.lease, &late));
    cr_expect_eq(late.stage, lease.stage);
    cr_expect(mx_sched_held(s->f.sched, 0, lease.lease, &late));
    cr_assert_eq(mx_sched_check(s->f.sched, &s->f.err), 0, "%s", s->f.err.text);
    release(s);
}
