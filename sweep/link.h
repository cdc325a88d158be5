/* link.h - messages between the scheduler and the supervisors of executors.
 *
 * The scheduler sees executors by number, wherever they live: those of its own
 * process and, under MPI, those of other ranks (sweep/rank.h), which it starts,
 * feeds and watches here. Nothing here waits longer than it is told.
 *
 * A rank that says nothing for rank_timeout is lost: its executors are lost with
 * it, nobody is blamed for that, and the sweep goes on with the others.
 */
#ifndef MX_SWEEP_LINK_H
#define MX_SWEEP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sweep/comm.h"
#include "sweep/gpu_use.h"
#include "sweep/sched.h"
#include "sweep/share.h"
#include "worker/contribution.h"
#include "worker/stage.h"

struct mx_link;

struct mx_link_options {
    const char             *program;   /* this program's path: executors are `program executor` */
    const char             *directory; /* of the sweep; see sweep/supervisor.h */
    struct mx_comm         *comm;      /* NULL: this process is alone */
    struct mx_share_request share;     /* how many executors */
    const struct mx_gpus   *gpus;      /* of this process, for executors on GPUs; or NULL */
    uint64_t                memory_bytes;    /* cap on the memory of one executor, 0 = none */
    double                  stall_timeout_s; /* 0 = never */
    double                  rank_timeout_s;
    size_t handed_bytes; /* of numbers that executors of a GPU hand to the one that takes part in a
                                             sum, at most; what is beyond is the journal's. 0: 32 MiB */
};

/* Something that came in. */
struct mx_link_event {
    enum {
        MX_LINK_UP,        /* executor is ready for work */
        MX_LINK_LOST,      /* executor died; lease: what it was running, 0 = nothing, or its whole
                         * rank is lost; reason, text. A new UP follows if it is replaced */
        MX_LINK_DONE,      /* stage done; result is lent until the next call */
        MX_LINK_FAILED,    /* stage failed; code and reason, text */
        MX_LINK_GROUP,     /* of a reduction over GPUs, for the link alone: group */
        MX_LINK_RANK_LOST, /* text: "is lost: ..." or "has left: ..."; LOST of its executors follow */
        MX_LINK_GONE,      /* executor cannot be started any more: its GPU has failed; text */
    } kind;
    uint32_t                     executor, rank;
    uint32_t                     life; /* counts the processes that the executor has been */
    uint64_t                     lease;
    uint32_t                     stage;
    enum mx_code                 code;
    enum mx_reason               reason;
    char                         text[512];
    double                       seconds;
    struct mx_gpu_use            gpu; /* LOST, DONE, FAILED: of that stage */
    const struct worker_result  *result;
    const char                  *note;  /* DONE, FAILED: for the log, or ""; lent as result is */
    const struct worker_message *group; /* GROUP: lent as result is */
    char                         host[64], device[96];
};

/* Start the executors of all ranks. Ranks that do not answer are left out; that,
 * and what else decided about the numbers, is appended to *why as lines. Returns
 * NULL with *err. */
struct mx_link *mx_link_open(const struct mx_link_options *options, struct mx_buf *why,
                             struct mx_err *err);

/* Executors in all; they are numbered [0 .. this). */
unsigned mx_link_workers(const struct mx_link *link);

/* A rank of the job and its executors [first .. first + workers). */
struct mx_link_rank {
    const char *host;
    uint32_t    first, workers;
    bool        lost;
    const char *loss; /* lost: as the text of MX_LINK_RANK_LOST */

    const struct mx_gpus     *gpus; /* that it sees; of executors on CPUs none */
    const struct mx_gpu_hand *hand; /* those that its executors have */
};
unsigned            mx_link_ranks(const struct mx_link *link);
struct mx_link_rank mx_link_rank(const struct mx_link *link, unsigned rank);

/* Look at the GPUs of this process, for the figures that mx_link_rank() tells; those of other
 * ranks come with their signs of life. */
void mx_link_look_at_gpus(struct mx_link *link);

/* Hand a stage to an executor, behind those it has. Orders leave together, with
 * the next mx_link_poll(). */
int mx_link_start(struct mx_link *link, uint32_t executor, uint64_t lease, uint32_t stage,
                  const struct worker_job *job, struct mx_err *err);

/* End an executor now (SIGKILL) and replace it; LOST with `reason` follows. */
void mx_link_kill(struct mx_link *link, uint32_t executor, enum mx_reason reason);

/* A DONE that came too late to count: its numbers are not to be contributed to
 * the reduction. */
int mx_link_reject(struct mx_link *link, const struct mx_link_event *event, struct mx_err *err);

/* Wait at most timeout_s for the next event, or until wake_fd (a self-pipe, -1
 * for none) is readable; may return earlier. Returns 1 with *event, 0 if none
 * came, -1 with *err: MX_EIO or MX_EGPU if no executor is left to work with. */
int mx_link_poll(struct mx_link *link, double timeout_s, int wake_fd, struct mx_link_event *event,
                 struct mx_err *err);

/* How far an executor is in its stage, 0..1; NaN if it is idle. */
double mx_link_progress(const struct mx_link *link, uint32_t executor);

/* Which process computed a stage in this incarnation; executor UINT32_MAX: none did. */
struct mx_link_maker {
    uint32_t executor, life; /* as of the event DONE */
};

/* What the reduction of the result table is made of and compared with. */
struct mx_link_table {
    const struct worker_contributions *journal; /* every result, as the journal has it */
    const struct mx_link_maker        *makers;  /* by stage */
    uint64_t                           nstages;
};

/* How it went. */
struct mx_link_reduced {
    const char *path;    /* "nccl": over executors of GPUs, "tree": over the ranks */
    bool        matches; /* bit for bit */
    uint64_t    slots;   /* numbers that were there */
    unsigned    ranks;   /* that took part; with "nccl" executors */
    uint64_t    bytes;
    double      seconds;
    /* The first difference, if it does not match. */
    uint64_t    stage;
    char        metric[WORKER_METRIC_NAME_SIZE];
    uint64_t    sum, journal;
    unsigned    there; /* bit 0: in the sum, bit 1: in the journal */

    struct mx_buf told; /* lines for the log, to be freed, also after a failure */
};

/* Reduce the tables and compare the sum with the journal. To be called when nothing runs any
 * more. Where two executors or more have GPUs of their own and computed something, they do it by
 * NCCL; else, or if that fails, the living ranks do. Those that are lost meanwhile are left
 * out in a new round. Returns 0 with *reduced; -1 with MX_EINTERNAL for a wrong
 * message or two that contributed the same number, MX_EIO if it does not come
 * to its end, MX_ENOMEM. */
int mx_link_reduce(struct mx_link *link, const struct mx_link_table *table,
                   struct mx_link_reduced *reduced, struct mx_err *err);

/* End all executors, of all ranks, and release everything; trainings that run have
 * grace_s to save themselves. The other ranks then wait for mx_ranks_dismiss().
 * NULL is allowed. */
void mx_link_close(struct mx_link *link, double grace_s);

/* Send the other ranks home: for rank 0, at the very end, whether or not there
 * was a link. comm: NULL is allowed. */
void mx_ranks_dismiss(struct mx_comm *comm);

#endif
