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

/* Trainings that are judged, each of a trial of its own: what is worth less has the larger number. */
struct judged {
    struct fixture        f;
    struct mx_sched_stage stages[TRIALS];
    struct mx_sched_trial trials[TRIALS];
    uint32_t              part[TRIALS], until[TRIALS];
    uint64_t              lease[TRIALS];
    uint32_t              queue[TRIALS], first, last; /* started, in this order; a ring */
};

static struct judged *begin_judged(enum mx_early_stop rule)
{
    const struct mx_early_rule early = {rule, 1, 3, false};
    struct judged             *j = calloc(1, sizeof *j);

    cr_assert(j);
    for (uint32_t t = 0; t < TRIALS; t++) {
        j->part[t] = t;
        j->stages[t] = (struct mx_sched_stage){.early = {.epochs = 9}};
        j->trials[t] = (struct mx_sched_trial){.stages = &j->part[t], .nstages = 1, .cell = t};
    }
    j->f.sched = mx_sched_new(j->stages, TRIALS, j->trials, TRIALS,
                              &(struct mx_sched_options){.early = early}, &j->f.err);
    cr_assert(j->f.sched, "%s", j->f.err.text);
    return j;
}

static void feed_judged(struct judged *j, struct mx_event event)
{
    cr_assert_eq(mx_sched_event(j->f.sched, &event, &j->f.actions, &j->f.err), 0, "%s",
                 j->f.err.text);
    for (size_t k = 0; k < j->f.actions.count; k++) {
        const struct mx_action *action = &j->f.actions.list[k];

        if (action->kind != MX_ACTION_START)
            continue;
        j->until[action->stage] = action->epoch;
        j->lease[action->stage] = action->lease;
        j->queue[j->last++ % TRIALS] = action->stage;
    }
}

static void run_judged(struct judged *j)
{
    feed_judged(j, (struct mx_event){.kind = MX_EVENT_EXECUTOR_UP});
    for (uint32_t n = 0; j->first < j->last; n++) {
        const uint32_t s = j->queue[j->first++ % TRIALS];

        feed_judged(j, (struct mx_event){.kind = j->until[s] > 0 ? MX_EVENT_STAGE_PAUSED
                                                                 : MX_EVENT_STAGE_DONE,
                                         .lease = j->lease[s],
                                         .stage = s,
                                         .epoch = j->until[s],
                                         .value = -(double)s});
        if (n % 2999 == 0)
            cr_assert_eq(mx_sched_check(j->f.sched, &j->f.err), 0, "%s", j->f.err.text);
    }
    cr_assert_eq(mx_sched_check(j->f.sched, &j->f.err), 0, "%s", j->f.err.text);
}

Test(sched_compact, trials_that_are_stopped_early_cost_few_bytes_and_keep_their_names)
{
    static const enum mx_early_stop rules[] = {MX_EARLY_STOP_SHA, MX_EARLY_STOP_ASHA};

    for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
        struct judged         *j = begin_judged(rules[r]);
        struct mx_sched_counts counts;
        size_t                 bytes;

        run_judged(j);
        cr_expect(mx_sched_finished(j->f.sched));
        bytes = mx_sched_bytes(j->f.sched);
        cr_expect(bytes <= (size_t)BYTES * TRIALS, "%zu bytes, %.1f a trial", bytes,
                  (double)bytes / TRIALS);
        mx_sched_counts(j->f.sched, &counts);
        cr_expect_eq(counts.by_state[MX_STATE_STOPPED] + counts.by_state[MX_STATE_DONE], TRIALS);
        cr_expect(counts.by_state[MX_STATE_DONE] >= TRIALS / 9);
        for (uint32_t t = 0; t < TRIALS; t++) {
            const bool stopped = mx_sched_stage_stopped(j->f.sched, t);

            if (rules[r] == MX_EARLY_STOP_SHA)
                cr_assert_eq(stopped, t >= TRIALS / 9, "trial %u", t);
            cr_assert_eq((int)mx_sched_trial_state(j->f.sched, t),
                         stopped ? MX_STATE_STOPPED : MX_STATE_DONE, "trial %u", t);
            cr_assert_eq((int)mx_sched_trial_reason(j->f.sched, t),
                         stopped ? MX_REASON_EARLY_STOP : MX_REASON_NONE, "trial %u", t);
        }
        end(&j->f);
        free(j);
    }
}

/* Values of all that came to a rung are compared with: 8 bytes each, and few more. */
Test(sched_compact, with_median_a_trial_keeps_its_values)
{
    struct judged *j = begin_judged(MX_EARLY_STOP_MEDIAN);
    size_t         bytes;

    run_judged(j);
    cr_expect(mx_sched_finished(j->f.sched));
    bytes = mx_sched_bytes(j->f.sched);
    cr_expect(bytes <= (size_t)(BYTES + 8 * (8 + 2)) * TRIALS, "%.1f a trial",
              (double)bytes / TRIALS);
    end(&j->f);
    free(j);
}
