/* world.h - a simulated cluster: time, processes, messages, executors, a disk.
 *
 * The shipped code of rank 0 (sweep/run_loop.c, run_stage.c, run_restore.c,
 * run_reduce.c, sched*, journal*, link*, owner.c) and of the other ranks
 * (sweep/rank.c, reduction.c) runs in it as it is. What it asks of the machine is
 * answered here, because the files of this folder are linked in place of
 * base/clock.c, base/disk.c, sweep/comm_mpi*.c, supervisor*.c, signals.c,
 * owner_machine.c, place.c and of the tables that a sweep fills on its way.
 *
 * world.c       time, and processes, which are coroutines
 * disk.c        a disk that fills up, tears writes, fails and loses power
 * machine.c     clocks, processes as others see them, signals
 * comm.c        streams of bytes between ranks, late and cut off
 * executors.c   supervisors and executors that work, hang, die, answer twice
 * work.c        stages and trials, and the numbers that stages give
 * root.c        what rank 0 is besides its loop
 * tables.c      results and the like, as stand-ins that look at what comes
 * oracle.c      what must hold
 * judged.c      the same of early stopping
 * chaos.c       faults, and the operator who starts sweeps again
 * sim.c         one seed after another
 *
 * Everything follows from the seed. A process that dies goes on as a ghost until
 * it has unwound: nothing that it does has an effect any more.
 */
#ifndef MX_TESTS_SIM_WORLD_H
#define MX_TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/rng.h"
#include "sweep/owner.h"
#include "sweep/plan.h"
#include "sweep/sched.h"
#include "sweep/signals.h"

#define SIM_DIRECTORY "/sweep"

enum {
    SIM_MAX_RANKS = 8,
    SIM_HOSTS = 6,
};

enum sim_fault {
    FAULT_EXECUTOR_DIES,
    FAULT_EXECUTOR_HANGS,
    FAULT_RANK_DIES,
    FAULT_RANK_STOPS, /* for a while */
    FAULT_ROOT_DIES,
    FAULT_ROOT_DIES_WRITING,
    FAULT_ROOT_STOPS,   /* for a while, and another one is started */
    FAULT_SECOND_START, /* of a sweep that runs */
    FAULT_POWER,
    FAULT_DISK_FULL,
    FAULT_SYNC,
    FAULT_CLOCK_STEP,
    FAULT_CUT, /* a rank from all others, for a while */
    FAULT_SLOW_NET,
    FAULT_DRAIN,
    FAULT_END,
    FAULT_SUSPEND,  /* everything, for a while */
    FAULT_INJECTED, /* so many are injected; the others happen on the way */
    FAULT_ANSWER_TWICE = FAULT_INJECTED,
    FAULT_ANSWER_LATE,
    FAULT_ANSWER_LOST,
    FAULT_WRONG_BLAME,
    FAULT_STAGE_FAILS,
    FAULT_DEATH_AT_START,
    FAULTS
};
extern const char *const sim_fault_names[FAULTS];

struct run;
struct mx_record;
struct mx_supervisor;
struct sim_disk;
struct sim_oracle;
struct sim_fibre;
struct sim_job;

/* A process of the job: rank 0 or another rank. */
struct sim_process {
    struct sim_job       *job;
    unsigned              rank, host;
    struct mx_process     self;
    struct sim_fibre     *fibre;
    bool                  began;          /* it has had executors */
    bool                  finished, dead; /* dead, not finished: a ghost */
    double                ghost_s;        /* that its clock runs ahead */
    double                stopped_s;      /* it is not scheduled before */
    double                wake_s;         /* when it wants to be woken, INFINITY: it runs */
    double                queued_s;       /* the earliest wake-up that is on its way */
    struct mx_supervisor *supervisor;     /* NULL while it has none */
    struct mx_buf         inbox[SIM_MAX_RANKS];
    bool                  news[SIM_MAX_RANKS], dropped[SIM_MAX_RANKS];
    enum mx_request       signal, control; /* asked of it */
    unsigned              dies_in_writes;  /* 0: never; 1: in the next one */
    /* Rank 0 only. */
    struct run           *run;
    bool                  restoring, changed;
    int                   code;     /* finished: exit code */
    char                  why[512]; /* finished with an error */
    uint32_t              nunacked; /* stages that are done and may not be durable yet ... */
    uint32_t             *unacked;  /* ... these */
    bool                 *done;     /* by stage: its result is in the table */
    enum mx_state        *ended;    /* by trial: how, PENDING if it has not */
};

/* A job that a launcher started: rank 0 and others. */
struct sim_job {
    unsigned            number, nranks;
    bool                tells_deaths; /* MPI with fault tolerance */
    struct sim_process *ranks[SIM_MAX_RANKS];
    double              cut_s[SIM_MAX_RANKS]; /* until when a rank is cut off */
    struct sim_stream {
        struct mx_buf pending;
        size_t        piece;                 /* bytes under way, 0 = none */
    } streams[SIM_MAX_RANKS][SIM_MAX_RANKS]; /* from, to */
};

/* Something that is going to happen. */
struct sim_event {
    double   at_s;
    uint64_t order; /* of two at the same time the one that was planned first */
    enum {
        SIM_WAKE,   /* process */
        SIM_PIECE,  /* a to process */
        SIM_UP,     /* executor a of process, life */
        SIM_WORK,   /* executor a, life: what it does ends; fate in b */
        SIM_ANSWER, /* executor a, life; answer */
        SIM_LOST,   /* executor a, life: tell it; answer */
        SIM_START,  /* the operator starts a job */
    } kind;
    struct sim_process *process;
    uint32_t            a, b, life;
    struct sim_answer {
        uint64_t       lease;
        uint32_t       stage, epoch; /* epoch > 0: it waits there */
        enum mx_code   code;
        enum mx_reason reason;
        double         seconds;
        bool           held; /* in the executor's memory until then */
    } answer;
};

/* What the sweep is made of. */
struct sim_work {
    struct mx_plan          plan;
    struct mx_sched_options options;
    bool                   *diverges, *flaky; /* by stage */
    struct sim_judged {
        uint32_t reached, decided; /* epochs of the last records of the journal */
        bool     stopped;          /* by them */
        bool     acked;            /* it was stopped, and that was durable */
    } * judged;                    /* by stage */
    double mean_s[WORKER_STAGE_KINDS];
};

struct sim_world {
    uint64_t             seed;
    uint32_t             size; /* times as much work as the seed means */
    bool                 trace;
    struct mx_rng        rng;
    double               now_s, utc_ahead_s;
    struct sim_event    *heap;
    size_t               nheap, heap_room;
    uint64_t             order;
    struct sim_process  *current; /* NULL: outside of all */
    struct sim_process **processes;
    size_t               nprocesses;
    struct sim_job     **jobs;
    size_t               njobs;
    struct sim_disk     *disk;
    struct sim_oracle   *oracle;
    struct sim_work      work;
    unsigned             boots[SIM_HOSTS];
    /* What trouble there is. */
    unsigned             workers_a_node, most_ranks;
    double               stall_s, rank_timeout_s;
    double               p_crash, p_hang, p_twice, p_late, p_lost, p_blame, p_slow_piece;
    double               disk_full_s, slow_net_s; /* until when */
    unsigned             syncs_to_fail;
    unsigned             hangs_to_come;
    bool                 enabled[FAULT_INJECTED];
    unsigned             faults[FAULTS], budget;
    uint64_t             events, next_fault;
    bool                 finished; /* a job has come to the end of the sweep */
    unsigned             finished_jobs, starts_planned, calm_restarts;
};

/* The world that is simulated: what stands in for the machine takes no other
 * argument, and is called from everywhere. */
extern struct sim_world *sim;

/* world.c */
void     sim_plan(struct sim_event event);
void     sim_wake(struct sim_process *process);
void     sim_wait(double until_s); /* the current process; returns at once from a ghost */
double   sim_uniform(void);
bool     sim_chance(double p);
uint32_t sim_below(uint32_t n);
void     sim_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void     sim_tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void    *sim_calloc(size_t n, size_t size); /* never NULL */
struct sim_process *sim_process_start(struct sim_job *job, unsigned rank, unsigned host);
void                sim_process_kill(struct sim_process *process);
void                sim_process_stop(struct sim_process *process, double seconds);
bool                sim_alive(const struct sim_process *process);
bool                sim_step(void); /* false: nothing is planned */
void                sim_world_free(void);

/* The calls of the current process have an effect. */
static inline bool sim_is_real(void)
{
    return !sim->current || !sim->current->dead;
}

/* disk.c */
struct sim_disk *sim_disk_new(void);
void             sim_disk_free(struct sim_disk *disk);
void             sim_disk_lose_power(unsigned host);
int              sim_disk_age(void *user, const char *path, double *age_s, struct mx_err *err);
bool             sim_disk_owned_by(const struct sim_process *process); /* owner.json names it */

/* comm.c, executors.c */
void     sim_piece_arrives(const struct sim_event *event);
void     sim_executor_event(const struct sim_event *event);
bool     sim_executor_dies(struct mx_supervisor *supervisor, uint32_t index, enum mx_reason reason);
uint32_t sim_executors(const struct mx_supervisor *supervisor);
bool     sim_executor_has(const struct mx_supervisor *supervisor, uint32_t index, uint64_t lease,
                          uint32_t stage); /* in its queue, under a lease of the same incarnation */

/* work.c */
void   sim_work_make(struct sim_work *work);
void   sim_work_free(struct sim_work *work);
double sim_metric(uint32_t stage, unsigned k);
enum {
    SIM_METRICS = 2
};
extern const char *const sim_metric_names[SIM_METRICS];

/* root.c */
void sim_root_main(struct sim_process *process);

/* oracle.c */
struct sim_oracle *sim_oracle_new(void);
void               sim_oracle_free(struct sim_oracle *oracle);
void               sim_oracle_event(struct sim_process *root); /* rank 0 has done something */
void               sim_oracle_begun(struct sim_process *root);
void               sim_oracle_started(struct sim_process *root, uint32_t stage);
void               sim_oracle_order(struct sim_process *process, uint32_t executor, uint64_t lease,
                                    uint32_t stage);
void               sim_oracle_answered(uint64_t lease, uint32_t stage, double seconds);
void sim_oracle_accepted(struct sim_process *root, uint32_t stage, const double *metrics,
                         double seconds);
void sim_oracle_trial(struct sim_process *root, uint32_t trial, enum mx_state state,
                      enum mx_reason reason);
void sim_oracle_records(const struct sim_process *root); /* it is about to write some */
void sim_oracle_written(struct sim_process *root);
void sim_oracle_finished(struct sim_process *root);
void sim_oracle_end(void); /* everything is over */

/* judged.c */
void sim_judged_written(const struct sim_process *root); /* all that it did is durable */
void sim_judged_begun(const struct sim_process *root);
void sim_judged_record(uint32_t stage, const struct mx_record *record);
void sim_judged_end(const enum mx_state *states);

/* chaos.c */
void sim_chaos_begin(void);
void sim_chaos(void); /* after each event */

/* How many kinds of fault have happened in this seed: SIM_LEAST_KINDS in the end. */
enum {
    SIM_LEAST_KINDS = 3
};
unsigned sim_fault_kinds(void);
void     sim_root_ended(struct sim_process *root);
void     sim_start_job(void);
void     sim_happened(enum sim_fault fault);
bool     sim_calm(void); /* no more faults are to come */

#endif
