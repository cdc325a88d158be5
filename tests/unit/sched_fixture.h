/* sched_fixture.h - a scheduler under test: events go in, invariants are checked
 * after each. */
#ifndef MX_TESTS_SCHED_FIXTURE_H
#define MX_TESTS_SCHED_FIXTURE_H

#include <criterion/criterion.h>

#include "sweep/sched.h"

struct fixture {
    struct mx_sched  *sched;
    struct mx_actions actions;
    struct mx_err     err;
};

static inline void end(struct fixture *f)
{
    mx_actions_free(&f->actions);
    mx_sched_free(f->sched);
}

static inline void feed(struct fixture *f, struct mx_event event)
{
    cr_assert_eq(mx_sched_event(f->sched, &event, &f->actions, &f->err), 0, "%s", f->err.text);
    cr_assert_eq(mx_sched_check(f->sched, &f->err), 0, "%s", f->err.text);
}

static inline void up(struct fixture *f, uint32_t executor)
{
    feed(f, (struct mx_event){.kind = MX_EVENT_EXECUTOR_UP, .executor = executor});
}

/* The report of what the executor holds. */
static inline void report(struct fixture *f, uint32_t executor, enum mx_reason reason)
{
    struct mx_lease lease;

    cr_assert(mx_sched_current(f->sched, executor, &lease));
    feed(f, (struct mx_event){.kind = reason ? MX_EVENT_STAGE_FAILED : MX_EVENT_STAGE_DONE,
                              .executor = executor,
                              .lease = lease.lease,
                              .stage = lease.stage,
                              .reason = reason});
}

/* An executor dies while it runs what it is thought to run. */
static inline void lose(struct fixture *f, uint32_t executor, enum mx_reason reason)
{
    struct mx_lease lease;

    cr_assert(mx_sched_current(f->sched, executor, &lease));
    feed(f, (struct mx_event){.kind = MX_EVENT_EXECUTOR_LOST,
                              .executor = executor,
                              .lease = lease.lease,
                              .reason = reason});
}

static inline const struct mx_action *only_action(struct fixture *f, int kind)
{
    cr_assert_eq(f->actions.count, 1, "%zu actions", f->actions.count);
    cr_assert_eq((int)f->actions.list[0].kind, kind);
    return &f->actions.list[0];
}

static inline void expect_trial(struct fixture *f, uint32_t trial, enum mx_state state,
                                enum mx_reason reason)
{
    cr_expect_eq(mx_sched_trial_state(f->sched, trial), state, "trial %u is %s", trial,
                 mx_state_names[mx_sched_trial_state(f->sched, trial)]);
    cr_expect_eq(mx_sched_trial_reason(f->sched, trial), reason);
}

#endif
