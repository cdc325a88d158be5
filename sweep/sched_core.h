/* sched_core.h - inside the scheduler: its state, shared by the sched_*.c files.
 *
 * sched.c        building, restoring, questions
 * sched_build.c  the graph in arrays
 * sched_flow.c   what follows when a stage or a trial ends
 * sched_events.c executors, leases, dispatch
 * sched_check.c  the invariants, from scratch
 *
 * Everything is numbered and allocated once; lists are links between numbers,
 * so an event allocates nothing but room for its actions.
 */
#ifndef MX_SWEEP_SCHED_CORE_H
#define MX_SWEEP_SCHED_CORE_H

#include "sweep/sched.h"

#define MX_NOBODY UINT32_MAX /* no stage, executor or trial */

enum {
    MX_BREAKER_TRIALS = 2 /* failed trials that break a cell */
};

/* A list through an array of links: push, pop and remove are O(1). */
struct mx_link_pair {
    uint32_t prev, next;
};
struct mx_chain {
    uint32_t head, tail;
};

/* to[first[i] .. first[i + 1]) belong to i. */
struct mx_edges {
    size_t   *first;
    uint32_t *to;
};

enum mx_stage_state {
    MX_STAGE_WAITING, /* for its inputs */
    MX_STAGE_READY,   /* in the ready chain, and in the affine one of its executor */
    MX_STAGE_RUNNING, /* under a lease; in the running chain unless overdue */
    MX_STAGE_DONE,
    MX_STAGE_FAILED, /* for good, or no longer needed */
};

struct mx_stage_node {
    enum mx_stage_state state;
    enum mx_reason      reason;
    bool                partial_ok;
    bool                overdue;
    unsigned            failures; /* attempts that failed */
    uint32_t            nwait;    /* inputs that have not ended */
    uint32_t            nlost;    /* inputs that failed */
    uint32_t            needs;    /* open trials that list it + stages that wait for it */
    uint32_t            executor; /* RUNNING: who; DONE: who did it; READY: whom it prefers */
    uint32_t            avoid;    /* where the last attempt failed */
    uint64_t            lease;    /* RUNNING */
    double              started_s;
};

struct mx_trial_node {
    enum mx_state  state;
    enum mx_reason reason;
    uint32_t       nopen, nrunning; /* of its stages */
    uint32_t       cell;
};

struct mx_cell_node {
    uint32_t nfailed; /* trials that failed as executors fail */
};

struct mx_executor_node {
    bool            up;
    uint32_t        stage; /* held, or MX_NOBODY */
    struct mx_chain affine;
};

struct mx_sched {
    struct mx_sched_options  options;
    uint32_t                 nstages, ntrials, ncells, nexecutors;
    struct mx_stage_node    *stages;
    struct mx_trial_node    *trials;
    struct mx_cell_node     *cells;
    struct mx_executor_node *executors;
    struct mx_edges          inputs, dependents; /* stage -> stages */
    struct mx_edges          uses;               /* stage -> trials */
    struct mx_edges          parts;              /* trial -> stages */
    struct mx_edges          members;            /* cell -> trials */

    struct mx_chain      ready, running, idle, ended;
    struct mx_link_pair *ready_links;  /* of stages: ready or running chain */
    struct mx_link_pair *affine_links; /* of stages: an executor's affine chain */
    struct mx_link_pair *idle_links;   /* of executors */
    struct mx_link_pair *ended_links;  /* of trials: to be told */

    uint32_t *todo; /* stages that ended, what follows from it still to be done */
    size_t    ntodo;

    uint64_t by_state[MX_STATES];
    uint32_t nunsettled, nleases;
    uint64_t last_lease;
    double   now_s;
    bool     started; /* the first event came */
    bool     draining;
};

/* sched_build.c: fill the graph of a zeroed sched. */
int mx_sched_build(struct mx_sched *sched, const struct mx_sched_stage *stages,
                   const struct mx_sched_trial *trials, struct mx_err *err);

/* Chains. */
void mx_chain_push(struct mx_chain *chain, struct mx_link_pair *links, uint32_t i);
void mx_chain_remove(struct mx_chain *chain, struct mx_link_pair *links, uint32_t i);

/* sched_flow.c. A stage changes and everything that follows from it. */
void mx_sched_make_ready(struct mx_sched *sched, uint32_t stage, uint32_t executor);
void mx_sched_settle(struct mx_sched *sched, uint32_t stage, enum mx_stage_state state,
                     enum mx_reason reason);
void mx_sched_begin_stage(struct mx_sched *sched, uint32_t stage);
void mx_sched_leave_stage(struct mx_sched *sched, uint32_t stage);
void mx_sched_rest_users(struct mx_sched *sched, uint32_t stage);
void mx_sched_drop_unneeded(struct mx_sched *sched, uint32_t stage);
void mx_sched_break_cells(struct mx_sched *sched);
bool mx_sched_deterministic(enum mx_reason reason);

static inline bool mx_sched_terminal(enum mx_state state)
{
    return state != MX_STATE_PENDING && state != MX_STATE_RUNNING;
}

#endif
