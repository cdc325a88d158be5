/* sched_core.h - inside the scheduler: its state, shared by the sched_*.c files.
 *
 * sched.c              building, restoring, questions
 * sched_build.c        the graph in arrays
 * sched_flow.c         what follows when a stage or a trial ends
 * sched_place.c        ready stages, and which executor takes which
 * sched_queue.c        executors and the leases that they hold
 * sched_events.c       events in, actions out
 * sched_hosts.c        hosts on which different cells fail
 * sched_early.c        trainings that are judged
 * sched_compact.c      what has ended goes
 * sched_check.c        the invariants, from scratch: trials and stages
 * sched_check_queue.c  the same of queues and groups
 *
 * Everything is numbered; lists are links between numbers, so an event allocates
 * nothing but room for its actions. When half of the stages have ended, what need not be
 * known any more goes and the rest is numbered anew: stages and trials have other numbers
 * inside than outside (struct mx_names). Whatever keeps a number of one inside is
 * renumbered in sched_compact.c. The judge of early stopping knows stages by their numbers
 * outside, and keeps what it compares with.
 *
 * Ready stages hang in groups: the group of stage g are those that g made
 * possible as the last of their inputs. A group that has ready stages is open.
 * The executor that ran g, or was the first to run one of its group since, holds
 * the group while it lives; what nobody holds waits in a chain of its own. The
 * loose group, of number nstages, is of stages without inputs and of those
 * whose last attempt failed: nobody ever holds it.
 */
#ifndef MX_SWEEP_SCHED_CORE_H
#define MX_SWEEP_SCHED_CORE_H

#include "sweep/sched.h"

#define MX_NOBODY UINT32_MAX /* no stage, executor or trial */

enum {
    MX_BREAKER_TRIALS = 2, /* failed trials that break a cell */
    MX_BREAKER_CELLS = 3,  /* failed cells that break a host */
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
    MX_STAGE_READY,   /* in the chain of its group */
    MX_STAGE_PAUSED,  /* a training at a rung, until it is decided whether it goes on */
    MX_STAGE_RUNNING, /* under a lease, in the queue of its executor */
    MX_STAGE_DONE,
    MX_STAGE_FAILED, /* for good, or no longer needed */
};

struct mx_stage_node {
    enum mx_stage_state state;
    enum mx_reason      reason;
    bool                partial_ok, resumable;
    unsigned            kind;
    unsigned            failures;    /* attempts that failed */
    uint32_t            nwait;       /* inputs that have not ended */
    uint32_t            nlost;       /* inputs that failed */
    uint32_t            needs;       /* open trials that list it + stages that wait for it */
    uint32_t            executor;    /* RUNNING: who; later: who holds its group ... */
    uint32_t            life;        /* ... if it still lives this life */
    uint32_t            avoid;       /* where the last attempt failed */
    uint32_t            group;       /* READY, RUNNING: where it hangs, or hung */
    struct mx_chain     ready;       /* its group */
    uint64_t            lease;       /* RUNNING */
    uint64_t            expected_ns; /* RUNNING: what it was thought to take */
};

struct mx_trial_node {
    enum mx_state  state;
    enum mx_reason reason;
    uint32_t       nopen, nrunning; /* of its stages */
    uint32_t       cell;
    bool           to_tell; /* in the chain of those whose end is to be told */
};

struct mx_cell_node {
    uint32_t nfailed;   /* trials that failed as executors fail */
    uint32_t failed_on; /* the host where an attempt failed first, or MX_NOBODY ... */
    uint32_t strike;    /* ... and the name under which that counts against it */
    bool     own_fault; /* one failed on another host, too */
};

struct mx_host_node {
    uint32_t nliving;                   /* executors that were up and may come up again */
    uint32_t nstrikes;                  /* cells that failed here alone, since the last success */
    uint32_t strikes[MX_BREAKER_CELLS]; /* they: cells that have ended have no number */
    bool     barred, warned;            /* warned: it was told that it is the last one */
};

struct mx_executor_node {
    bool            up, overdue; /* overdue: up, and told to be killed */
    bool            barred;      /* its host is quarantined */
    bool            known, gone; /* it was up once; it never will be again */
    uint32_t        host;
    uint32_t        life; /* how often it came up */
    uint32_t        nheld;
    uint64_t        expected_ns; /* of the whole queue */
    struct mx_chain queue;       /* of stages: it runs the first */
    double          started_s;   /* of the first */
    struct mx_chain groups;      /* open ones that it holds */
    uint32_t        helps;       /* the group of others that it took from last, or MX_NOBODY */
};

/* What stages, or trials, are called outside. Both NULL: the same as inside. */
struct mx_names {
    uint32_t *inside;  /* by number outside: that inside, or how it ended (sched_compact.c) */
    uint32_t *outside; /* by number inside */
    uint32_t  count;   /* outside */
};

struct mx_sched {
    struct mx_sched_options  options;
    uint32_t                 nstages, ntrials, ncells, nexecutors;
    struct mx_names          stage_names, trial_names;
    uint64_t                 gone_by_state[MX_STATES]; /* of trials */
    uint32_t                 nplanned;                 /* trials, those that are gone with them */
    uint32_t                 kept_ended;               /* stages, when it was compacted last */
    struct mx_stage_node    *stages;
    struct mx_trial_node    *trials;
    struct mx_cell_node     *cells;
    struct mx_executor_node *executors;
    struct mx_host_node     *hosts;
    uint32_t                 nhosts;
    uint32_t                 last_strike;
    bool                     review_hosts;       /* something happened to them */
    struct mx_edges          inputs, dependents; /* stage -> stages */
    struct mx_edges          uses;               /* stage -> trials */
    struct mx_edges          parts;              /* trial -> stages */
    struct mx_edges          members;            /* cell -> trials */
    struct mx_early         *early;              /* by stage; NULL: none is judged */

    struct mx_chain      idle, running; /* of executors: usable; neither overdue nor down */
    struct mx_chain      unheld, held;  /* of open groups */
    struct mx_chain      ended;         /* of trials: to be told */
    struct mx_link_pair *stage_links;   /* a group's or a queue's chain */
    struct mx_link_pair *group_links;   /* unheld, or an executor's groups */
    struct mx_link_pair *held_links;
    struct mx_link_pair *executor_links; /* idle or running */
    struct mx_link_pair *ended_links;

    uint32_t *todo; /* stages that ended, what follows from it still to be done */
    size_t    ntodo;

    uint64_t by_state[MX_STATES];
    uint32_t nunsettled, nleases, nready;
    uint32_t nusable; /* executors that may be given work */
    uint32_t refill;  /* executor whose queue has become shorter, or MX_NOBODY */
    uint64_t last_lease;
    uint64_t batch_ns;
    double   mean_s[MX_SCHED_KINDS]; /* recent, of stages that were done; 0 = not known */

    struct mx_sched_kind kinds[MX_SCHED_KINDS];
    double               now_s;
    bool                 started; /* the first event came */
    bool                 draining;
    bool late; /* draining since what comes next would not end before options.limit_s */
};

/* sched_build.c: fill the graph of a zeroed sched. */
int mx_sched_build(struct mx_sched *sched, const struct mx_sched_stage *stages,
                   const struct mx_sched_trial *trials, struct mx_err *err);

/* The arrays of nodes and links for nstages, ntrials and ncells, zeroed; -1 without memory. */
int  mx_sched_allocate(struct mx_sched *sched);
void mx_sched_free_graph(struct mx_sched *sched);

/* sched_compact.c. Between events: if half of the stages have ended, let go what can. Without
 * memory for that everything stays. */
void mx_sched_compact(struct mx_sched *sched);

/* The number inside, MX_NOBODY if it is gone, and then how it ended: a stage's state or a
 * trial's, and a stage's attempts that failed. The number outside of one inside. */
struct mx_gone {
    unsigned       state, failures;
    enum mx_reason reason;
};
uint32_t       mx_names_inside(const struct mx_names *names, uint32_t outside);
uint32_t       mx_names_outside(const struct mx_names *names, uint32_t inside);
struct mx_gone mx_names_gone(const struct mx_names *names, uint32_t outside);

/* Chains. */
static const struct mx_chain mx_chain_empty = {MX_NOBODY, MX_NOBODY};

void mx_chain_push(struct mx_chain *chain, struct mx_link_pair *links, uint32_t i);
void mx_chain_push_front(struct mx_chain *chain, struct mx_link_pair *links, uint32_t i);
void mx_chain_remove(struct mx_chain *chain, struct mx_link_pair *links, uint32_t i);

/* sched_flow.c. A stage changes and everything that follows from it. */
void mx_sched_make_ready(struct mx_sched *sched, uint32_t stage, uint32_t group);
void mx_sched_settle(struct mx_sched *sched, uint32_t stage, enum mx_stage_state state,
                     enum mx_reason reason);
void mx_sched_begin_stage(struct mx_sched *sched, uint32_t stage);
void mx_sched_leave_stage(struct mx_sched *sched, uint32_t stage);
void mx_sched_rest_users(struct mx_sched *sched, uint32_t stage);
void mx_sched_drop_unneeded(struct mx_sched *sched, uint32_t stage);
void mx_sched_break_cells(struct mx_sched *sched);
bool mx_sched_deterministic(enum mx_reason reason);
bool mx_stage_final(const struct mx_sched *sched, uint32_t stage, enum mx_reason reason);

/* sched_hosts.c. A host is known; an executor is up, or gone; what happened there; and
 * what follows from it for hosts, with its actions. */
int  mx_hosts_know(struct mx_sched *sched, uint32_t host, struct mx_err *err);
void mx_hosts_up(struct mx_sched *sched, uint32_t executor, uint32_t host);
void mx_hosts_gone(struct mx_sched *sched, uint32_t executor);
void mx_hosts_failed(struct mx_sched *sched, uint32_t stage, uint32_t executor);
void mx_hosts_done(struct mx_sched *sched, uint32_t executor);
int  mx_hosts_review(struct mx_sched *sched, struct mx_actions *actions, struct mx_err *err);
bool mx_hosts_avoids(const struct mx_sched *sched, uint32_t stage, uint32_t executor);
int  mx_hosts_check(const struct mx_sched *sched, struct mx_err *err);

/* sched_early.c. Make the judge, where options ask for one; a training that comes to a
 * rung; decide what can be decided, each with its action. */
int      mx_sched_early_new(struct mx_sched *sched, const struct mx_sched_stage *stages,
                            struct mx_err *err);
uint32_t mx_sched_until(const struct mx_sched *sched, uint32_t stage);
void     mx_sched_gone(struct mx_sched *sched, uint32_t stage); /* it comes to no rung any more */
void     mx_sched_pause(struct mx_sched *sched, uint32_t stage, const struct mx_event *event);
void     mx_sched_restore_early(struct mx_sched *sched);
int      mx_sched_decide(struct mx_sched *sched, struct mx_actions *actions, struct mx_err *err);
int      mx_sched_reserve(struct mx_actions *actions, struct mx_err *err); /* room for one more */

/* sched_place.c. Who holds a group, MX_NOBODY if nobody; the stage that an
 * executor would take next (there is one that is ready); the executor that
 * takes the next one (some are idle). */
uint32_t mx_group_holder(const struct mx_sched *sched, uint32_t group);
void     mx_group_add(struct mx_sched *sched, uint32_t stage, bool front);
void     mx_group_remove(struct mx_sched *sched, uint32_t stage);
void     mx_group_take(struct mx_sched *sched, uint32_t group, uint32_t executor);
void     mx_group_release(struct mx_sched *sched, uint32_t executor);
uint32_t mx_group_choose(const struct mx_sched *sched, uint32_t executor);
uint32_t mx_group_next(const struct mx_sched *sched);

/* sched_queue.c. */
int      mx_queue_know(struct mx_sched *sched, uint32_t executor, struct mx_err *err);
bool     mx_queue_fits(const struct mx_sched *sched, uint32_t executor, uint32_t stage);
bool     mx_queue_is_low(const struct mx_sched *sched, uint32_t executor);
void     mx_queue_lease(struct mx_sched *sched, uint32_t executor, uint32_t stage);
void     mx_queue_paused(struct mx_sched *sched, uint32_t stage, double seconds);
void     mx_queue_done(struct mx_sched *sched, uint32_t stage, double seconds);
void     mx_queue_failed(struct mx_sched *sched, uint32_t stage, enum mx_reason reason);
void     mx_queue_up(struct mx_sched *sched, uint32_t executor);
uint32_t mx_queue_find(const struct mx_sched *sched, uint32_t executor, uint64_t lease);
void     mx_queue_lost(struct mx_sched *sched, uint32_t executor, uint64_t lease,
                       enum mx_reason reason);
void     mx_queue_overdue(struct mx_sched *sched, uint32_t executor);
void     mx_queue_bar(struct mx_sched *sched, uint32_t executor, bool barred);

/* Inside a function that returns 0, or -1 with MX_EINTERNAL. */
#define MX_SCHED_CHECK(holds, ...)                                                                 \
    do {                                                                                           \
        if (!(holds))                                                                              \
            return mx_fail(err, MX_EINTERNAL, "scheduler: " __VA_ARGS__);                          \
    } while (0)

/* sched_check_queue.c. */
int mx_sched_check_queues(const struct mx_sched *sched, struct mx_err *err);

/* Its clock runs while it works. */
static inline bool mx_sched_timed(const struct mx_executor_node *node)
{
    return node->up && !node->overdue;
}

/* It may be given work. */
static inline bool mx_sched_usable(const struct mx_executor_node *node)
{
    return mx_sched_timed(node) && !node->barred;
}

static inline bool mx_sched_terminal(enum mx_state state)
{
    return state != MX_STATE_PENDING && state != MX_STATE_RUNNING;
}

#endif
