/* sched_alone.h - a scheduler of stages that stand alone, each the one of its
 * trial, to look at queues of leases. */
#ifndef MX_TESTS_SCHED_ALONE_H
#define MX_TESTS_SCHED_ALONE_H

#include "sched_fixture.h"

enum {
    NSTAGES = 24,
    QUICK = 0,
    SLOW = 1
};

/* Stages alone, each the one of its trial; those from `first_slow` on are slow. */
static inline struct fixture begin(const struct mx_sched_options *options, uint32_t nstages,
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

static inline struct fixture begin_batches(double batch_seconds, unsigned batch_max)
{
    return begin(&(struct mx_sched_options){.retries = 2,
                                            .batch_seconds = batch_seconds,
                                            .batch_max = batch_max},
                 NSTAGES, NSTAGES);
}

static inline void report_seconds(struct fixture *f, uint32_t executor, double seconds)
{
    struct mx_lease lease;

    cr_assert(mx_sched_current(f->sched, executor, &lease));
    feed(f, (struct mx_event){.kind = MX_EVENT_STAGE_DONE,
                              .executor = executor,
                              .lease = lease.lease,
                              .stage = lease.stage,
                              .seconds = seconds});
}

static inline void expect_nothing_started(const struct fixture *f)
{
    for (size_t k = 0; k < f->actions.count; k++)
        cr_expect_neq((int)f->actions.list[k].kind, MX_ACTION_START);
}

/* The last event started these stages, in this order, on one executor. */
static inline void expect_started(const struct fixture *f, uint32_t executor, uint32_t first,
                                  uint32_t n)
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
static inline void work_off(struct fixture *f, const uint32_t *executors, size_t n)
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

#endif
