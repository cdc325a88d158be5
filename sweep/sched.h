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
 * An executor holds a short queue of leases and works on them in order: about
 * options.batch_seconds of work, by what stages of their kinds took so far; one
 * lease while nothing is known, and never so many that other executors go
 * without. It is filled again when half of it is done. Only the first lease of a
 * queue runs: its clock starts when the one before it has ended, and only it is
 * blamed when the executor dies; the others go back to the front and have cost
 * no attempt. What is thought to take long waits behind nothing; no stage waits
 * behind more than batch_seconds of work, as far as could be expected.
 *
 * Order: an executor takes first what it holds: stages whose last input it ran,
 * or of which it was the first to run one, the newest such group first. Then
 * the oldest group that nobody holds (its executor died, an earlier incarnation
 * ran the input); then stages without inputs and those tried before, first come
 * first served, in stage order at the start; then what others hold, so that
 * nobody idles beside work, and of that rather the group that it took from
 * before. Who dies holds nothing. Measured durations have a say in who runs what
 * when, and in no result.
 *
 * Failures: diverged and data_error are the stage's own result and final at
 * once; any other costs an attempt, and the next one goes to another executor if
 * one is idle. Breaker: once two trials of a cell have failed for a reason of
 * the second kind, the cell's trials that are pending, or become so, are
 * quarantined. If all their stages are done for others nevertheless, or one fails,
 * they become done or failed: the state of a trial follows from those of stages.
 *
 * Breaker by host: a cell that fails on one host, and then on another, is to blame
 * itself. Three different cells that have failed on a host, one after the other and so far
 * nowhere else, quarantine the host: its executors end what they hold and are given
 * nothing more. It is released when one of those cells fails elsewhere as well, or when no
 * other host is left; the last living host is never quarantined. What this decides has a
 * say in where stages run, and how often, as deaths have.
 *
 * Early stopping (sweep/early.h): a training that is judged is started until its
 * next rung, and waits there, without a lease, until the rule says whether it goes
 * on; it then comes before what has not begun. The trials of one that is stopped
 * are stopped.
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
#include "sweep/early.h"

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

enum {
    MX_SCHED_KINDS = 16
};

/* The work, lent for the length of mx_sched_new(). */
struct mx_sched_stage {
    const uint32_t *inputs; /* stages that must be done before */
    size_t          ninputs;
    bool            partial_ok; /* may go on when some inputs failed (cross-model stages) */
    bool            resumable;  /* an attempt that is broken off loses little */
    unsigned        kind;       /* below MX_SCHED_KINDS: stages of one kind take about as long */
    struct mx_early_training early; /* with options.early; zeroed: it is not judged */
};

struct mx_sched_trial {
    const uint32_t *stages;
    size_t          nstages;
    uint64_t        cell; /* trials of one cell share a breaker */
};

struct mx_sched_options {
    unsigned retries;         /* attempts of a stage = retries + 1 */
    double   trial_timeout_s; /* of one attempt; 0 = none */
    double   batch_seconds;   /* work that an executor may hold ahead; 0 = one lease at a time */
    unsigned batch_max;       /* leases that it may hold at most; 0 = one */
    double   limit_s;         /* when all has to have ended, on the events' clock; 0 = never */

    struct mx_early_rule early; /* zeroed: no training is stopped early */
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

/* In the order in which it happened: a training came to a rung; it was decided there
 * whether it goes on; it begins anew. What does not fit the rule is left alone. */
void mx_sched_restore_reached(struct mx_sched *sched, uint32_t stage, uint32_t epoch, double value);
void mx_sched_restore_decided(struct mx_sched *sched, uint32_t stage, uint32_t epoch, bool go_on);
void mx_sched_restore_anew(struct mx_sched *sched, uint32_t stage);

/* When all is restored: do what follows from it. Trials of broken cells are
 * quarantined, those of stopped trainings stopped. To be called before the first
 * event where there was something to restore. */
void mx_sched_restored(struct mx_sched *sched);

/* Before the first event: the number of this incarnation. It enters the leases,
 * so that one of another incarnation never matches. */
void mx_sched_set_incarnation(struct mx_sched *sched, unsigned incarnation);

struct mx_event {
    enum {
        MX_EVENT_TIME,          /* time passed: nothing else */
        MX_EVENT_EXECUTOR_UP,   /* executor can take work; one that was up has been replaced: as
                                 * LOST with lease 0 before */
        MX_EVENT_EXECUTOR_LOST, /* it died; lease: what it was running; 0, or one that is not
                                 * held: no stage is blamed; reason says how (crashed, stalled
                                 * ...). It may come up again, or not */
        MX_EVENT_EXECUTOR_GONE, /* it will not come up again */
        MX_EVENT_STAGE_DONE,    /* lease, stage, seconds */
        MX_EVENT_STAGE_FAILED,  /* lease, stage, reason, seconds */
        MX_EVENT_STAGE_PAUSED,  /* lease, stage, seconds: it waits at `epoch` with `value` */
        MX_EVENT_DRAIN,         /* start nothing more; what is leased ends */
        MX_EVENT_END,           /* revoke all leases at once */
    } kind;
    double         now_s; /* monotonic; never steps back (a smaller one counts as equal) */
    uint32_t       executor;
    uint32_t       host; /* UP: where it runs, numbered from 0 */
    uint64_t       lease;
    uint32_t       stage;
    enum mx_reason reason;
    double         seconds; /* that the stage took, NaN or 0 = not known */
    uint32_t       epoch;
    double         value;
};

struct mx_action {
    enum {
        MX_ACTION_START,       /* executor runs stage under lease, attempt */
        MX_ACTION_KILL,        /* executor overran a deadline: end and replace it; reason. It
                                * is given nothing more until it is up again */
        MX_ACTION_TRIAL_ENDED, /* trial reached a terminal state; reason. A quarantined one may
                                * end once more, as done or failed */
        MX_ACTION_HOST,        /* host is quarantined, or released (go_on); last: it would be
                                * quarantined, were it not the last one */
        MX_ACTION_DECIDED,     /* stage waited at rung, epoch: it goes on, or is stopped */
    } kind;
    uint32_t       executor;
    uint32_t       stage;
    uint32_t       trial;
    uint64_t       lease;
    unsigned       attempt; /* from 1 */
    bool           brief;   /* START: thought to take less than options.batch_seconds */
    uint32_t       epoch;   /* START: of a training: after which it waits; 0 = it does not */
    uint32_t       rung;    /* DECIDED, and epoch */
    bool           go_on;
    uint32_t       host; /* HOST */
    bool           last;
    enum mx_state  state;
    enum mx_reason reason;
};

/* A growing list of actions, owned by the caller; zeroed = empty. */
struct mx_actions {
    struct mx_action *list;
    size_t            count, room;
};
void mx_actions_free(struct mx_actions *actions);

/* A lease. Reports are compared with those held before they are written to the
 * journal: of one that is not held, a report is late. */
struct mx_lease {
    uint64_t lease;
    uint32_t stage, executor;
    unsigned attempt;
    double   started_s; /* NaN while it waits behind another one */
    bool     overdue;   /* its executor was told to be killed: its loss counts as timed_out */
};

/* The lease under which a stage is held: true if it is this one. */
bool mx_sched_lease(const struct mx_sched *sched, uint32_t stage, uint64_t lease,
                    struct mx_lease *out);

/* What an executor holds under a lease: true if it is in its queue. */
bool mx_sched_held(const struct mx_sched *sched, uint32_t executor, uint64_t lease,
                   struct mx_lease *out);

/* The first lease of an executor's queue; false if it holds none. */
bool mx_sched_current(const struct mx_sched *sched, uint32_t executor, struct mx_lease *out);

/* True if the stage would fail for good, were its present attempt to fail for
 * this reason. */
bool mx_sched_final(const struct mx_sched *sched, uint32_t stage, enum mx_reason reason);

/* Feed one event; the actions that follow replace those in *actions. Dispatch
 * is O(1) amortised per use of a stage. Returns 0; or -1 with MX_ENOMEM: the
 * event counts, and actions for which there was no room come with the next
 * one; or, for a new executor only, MX_ENOMEM or MX_EINVAL with nothing changed. */
int mx_sched_event(struct mx_sched *sched, const struct mx_event *event, struct mx_actions *actions,
                   struct mx_err *err);

/* Bytes of memory that it holds. What has ended costs little: four bytes a stage and a trial, and
 * what early stopping keeps (mx_early_let_go()): 20 bytes more a training, but with median. */
size_t mx_sched_bytes(const struct mx_sched *sched);

/* Trials by state; the sum is the number planned. A trial is running while one
 * of its stages is leased, be it behind others in a queue. */
struct mx_sched_counts {
    uint64_t by_state[MX_STATES];
    uint64_t planned;
};
void mx_sched_counts(const struct mx_sched *sched, struct mx_sched_counts *counts);

/* Stages by kind: those that have not ended, and what was done in this incarnation, part of a
 * training up to a rung counted like a stage, with the time that it took. */
struct mx_sched_kind {
    uint64_t open, timed;
    double   timed_s;
};
void mx_sched_kinds(const struct mx_sched *sched, struct mx_sched_kind kinds[MX_SCHED_KINDS]);

enum mx_state  mx_sched_trial_state(const struct mx_sched *sched, uint32_t trial);
enum mx_reason mx_sched_trial_reason(const struct mx_sched *sched, uint32_t trial);
bool           mx_sched_stage_failed(const struct mx_sched *sched, uint32_t stage);  /* for good */
bool           mx_sched_stage_stopped(const struct mx_sched *sched, uint32_t stage); /* by rule */
uint32_t mx_sched_stage_rungs(const struct mx_sched *sched, uint32_t stage); /* that it came to */
unsigned mx_sched_stage_attempts(const struct mx_sched *sched, uint32_t stage);

/* Whether a host is quarantined. */
bool mx_sched_host_quarantined(const struct mx_sched *sched, uint32_t host);

/* True if it drains since the next stage would not have ended before limit_s. */
bool mx_sched_late(const struct mx_sched *sched);

/* True when no lease is held and nothing more will be started. */
bool mx_sched_finished(const struct mx_sched *sched);

/* When the next MX_EVENT_TIME is due, infinity if never. */
double mx_sched_deadline(const struct mx_sched *sched);

/* Check every invariant from scratch; the simulation tests call it after each
 * event. Returns 0, or -1 with MX_EINTERNAL that says which does not hold. */
int mx_sched_check(const struct mx_sched *sched, struct mx_err *err);

#endif
