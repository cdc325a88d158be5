/* sched.h - who runs what next: a pure state machine.
 *
 * It does no I/O, reads no clock and knows neither processes nor MPI: events
 * go in, time among them, actions come out. Rank 0, `simulate` and the
 * simulation tests drive the same code. Invariant after every event:
 * planned = done + failed + quarantined + stopped + running + pending.
 *
 * A stage is started under a lease (executor, attempt). A report of a lease
 * that is no longer held is dropped by rule, so nothing is counted twice.
 *
 * Order: stages that can run wait in one queue, first come first served, in
 * stage order at the start; an executor takes first what its own last stages
 * made possible. Failures: diverged and data_error are the stage's own result
 * and final at once; any other costs an attempt, and the next one goes to
 * another executor if one is idle. Breaker: once two trials of a cell have
 * failed for a reason of the second kind, the cell's trials that are pending,
 * or become so, are quarantined.
 *
 * A stage is run while somebody needs it: a trial that has not ended, or a
 * stage that waits for it. A trial that fails does not stop what others need.
 */
#ifndef MX_SWEEP_SCHED_H
#define MX_SWEEP_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mx_sched;

enum mx_state {
    MX_STATE_PENDING,
    MX_STATE_RUNNING,
    MX_STATE_DONE,
    MX_STATE_FAILED,
    MX_STATE_QUARANTINED,
    MX_STATE_STOPPED,
    MX_STATES
};

/* The reasons of formats.md; MX_REASON_NONE is an empty cell in the table. */
enum mx_reason {
    MX_REASON_NONE,
    MX_REASON_DIVERGED,
    MX_REASON_OUT_OF_MEMORY,
    MX_REASON_CRASHED,
    MX_REASON_TIMED_OUT,
    MX_REASON_STALLED,
    MX_REASON_DATA_ERROR,
    MX_REASON_EARLY_STOP,
    MX_REASON_CELL_QUARANTINED,
    MX_REASONS
};

extern const char *const mx_state_names[MX_STATES];
extern const char *const mx_reason_names[MX_REASONS];

/* The work, lent for the length of mx_sched_new(). */
struct mx_sched_stage {
    const uint32_t *inputs; /* stages that must be done before */
    size_t          ninputs;
    bool            partial_ok; /* may go on when some inputs failed (cross-model stages) */
};

struct mx_sched_trial {
    const uint32_t *stages;
    size_t          nstages;
    uint64_t        cell; /* trials of one cell share a breaker */
};

struct mx_sched_options {
    unsigned retries;         /* attempts of a stage = retries + 1 */
    double   trial_timeout_s; /* of one attempt; 0 = none */
    unsigned incarnation;     /* enters the leases: those of another one never match */
};

struct mx_sched *mx_sched_new(const struct mx_sched_stage *stages, uint32_t nstages,
                              const struct mx_sched_trial *trials, uint32_t ntrials,
                              const struct mx_sched_options *options, struct mx_err *err);
void             mx_sched_free(struct mx_sched *sched); /* NULL is allowed */

/* Before the first event: what an earlier incarnation already knows, in any
 * order. Trials that end by it cause no action: ask mx_sched_trial_state().
 * attempts: how many have failed so far. */
void mx_sched_restore_done(struct mx_sched *sched, uint32_t stage);
void mx_sched_restore_failed(struct mx_sched *sched, uint32_t stage, enum mx_reason reason);
void mx_sched_restore_attempts(struct mx_sched *sched, uint32_t stage, unsigned attempts);

struct mx_event {
    enum {
        MX_EVENT_TIME,          /* time passed: nothing else */
        MX_EVENT_EXECUTOR_UP,   /* executor can take work */
        MX_EVENT_EXECUTOR_LOST, /* it died; reason says how (crashed, stalled ...) */
        MX_EVENT_STAGE_DONE,    /* lease, stage */
        MX_EVENT_STAGE_FAILED,  /* lease, stage, reason */
        MX_EVENT_DRAIN,         /* start nothing more */
        MX_EVENT_END,           /* revoke all leases at once */
    } kind;
    double         now_s; /* monotonic; never steps back (a smaller one counts as equal) */
    uint32_t       executor;
    uint64_t       lease;
    uint32_t       stage;
    enum mx_reason reason;
};

struct mx_action {
    enum {
        MX_ACTION_START,       /* executor runs stage under lease, attempt */
        MX_ACTION_KILL,        /* executor overran a deadline: end and replace it; reason */
        MX_ACTION_TRIAL_ENDED, /* trial reached a terminal state; reason */
    } kind;
    uint32_t       executor;
    uint32_t       stage;
    uint32_t       trial;
    uint64_t       lease;
    unsigned       attempt; /* from 1 */
    enum mx_state  state;
    enum mx_reason reason;
};

/* A growing list of actions, owned by the caller; zeroed = empty. */
struct mx_actions {
    struct mx_action *list;
    size_t            count, room;
};
void mx_actions_free(struct mx_actions *actions);

/* What an executor holds. Reports are compared with it before they are written
 * to the journal: another lease is a late one. */
struct mx_lease {
    uint64_t lease;
    uint32_t stage;
    unsigned attempt;
    double   started_s;
    bool     overdue; /* told to be killed: its loss counts as timed_out */
};
bool mx_sched_lease(const struct mx_sched *sched, uint32_t executor, struct mx_lease *lease);

/* True if the stage would fail for good, were its present attempt to fail for
 * this reason. */
bool mx_sched_final(const struct mx_sched *sched, uint32_t stage, enum mx_reason reason);

/* Feed one event; the actions that follow replace those in *actions. Dispatch
 * is O(1) amortised per use of a stage. Returns 0; or -1 with MX_ENOMEM: the
 * event counts, and actions for which there was no room come with the next
 * one; or, for a new executor only, MX_ENOMEM or MX_EINVAL with nothing changed. */
int mx_sched_event(struct mx_sched *sched, const struct mx_event *event, struct mx_actions *actions,
                   struct mx_err *err);

/* Trials by state; the sum is the number planned. A trial is running while one
 * of its stages is. */
struct mx_sched_counts {
    uint64_t by_state[MX_STATES];
    uint64_t planned;
};
void mx_sched_counts(const struct mx_sched *sched, struct mx_sched_counts *counts);

enum mx_state  mx_sched_trial_state(const struct mx_sched *sched, uint32_t trial);
enum mx_reason mx_sched_trial_reason(const struct mx_sched *sched, uint32_t trial);
unsigned       mx_sched_stage_attempts(const struct mx_sched *sched, uint32_t stage);

/* True when no lease is held and nothing more will be started. */
bool mx_sched_finished(const struct mx_sched *sched);

/* When the next MX_EVENT_TIME is due, infinity if never. */
double mx_sched_deadline(const struct mx_sched *sched);

/* Check every invariant from scratch; the simulation tests call it after each
 * event. Returns 0, or -1 with MX_EINTERNAL that says which does not hold. */
int mx_sched_check(const struct mx_sched *sched, struct mx_err *err);

#endif
