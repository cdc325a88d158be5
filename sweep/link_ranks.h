/* link_ranks.h - inside the link: its state, shared by the link*.c files.
 *
 * link.c         orders out, events in
 * link_open.c    ranks and executors started and ended
 * link_ranks.c   the other ranks: their messages, their silence, their loss
 * link_reduce.c  the reduction, driven from rank 0; link_group.c and link_members.c, over GPUs
 */
#ifndef MX_SWEEP_LINK_RANKS_H
#define MX_SWEEP_LINK_RANKS_H

#include "sweep/link.h"
#include "sweep/nvml.h"
#include "sweep/rank_message.h"
#include "sweep/reduction.h"
#include "sweep/supervisor.h"

enum link_rank_state {
    LINK_RANK_AWAITED, /* it has not said HELLO */
    LINK_RANK_LIVE,
    LINK_RANK_ENDED, /* its executors are gone, at our word */
    LINK_RANK_LEFT,  /* they are gone at its own; the process stays until BYE */
    LINK_RANK_LOST,
};

struct link_rank {
    enum link_rank_state state;
    struct mx_process    process;
    uint32_t             first, workers;
    uint32_t             gone;      /* executors that it could not start any more */
    double               heard_s;   /* on the link's watch, when it last said something */
    size_t               taken;     /* bytes at the front of its inbox that are used up */
    uint32_t             buried;    /* LEFT, LOST: executors whose loss has been told */
    bool                 told;      /* LEFT, LOST: that itself has been told */
    char                 loss[400]; /* LEFT, LOST: what is told, "is lost: ..." */
};

struct mx_link {
    struct mx_comm              *comm; /* NULL: alone */
    struct mx_supervisor        *supervisor;
    struct worker_contributions *own; /* of the local executors */
    struct mx_reduction         *reduction;
    struct link_rank            *ranks;                 /* (nranks) */
    struct mx_gpus              *gpus;                  /* by rank: what it sees ... */
    struct mx_nvml               nvml;                  /* for the figures of our own */
    struct mx_gpu_hand          *hands;                 /* ... and what its executors have */
    unsigned                     nranks, workers, left; /* left: executors of living ranks */
    uint32_t                    *rank_of;               /* by executor */
    double                      *progress;              /* by executor, as last told by its rank */
    uint32_t                    *lives;                 /* by executor: as rank_message.h */
    bool                        *up;                    /* by executor: it is ready, as last told */
    char (*devices)[96];                                /* by executor */
    struct mx_buf        *orders;                       /* by executor: frames to be sent ... */
    uint32_t             *waiting;                      /* ... of these */
    uint32_t              nwaiting;
    struct worker_message message;      /* of another rank's executor, lent with its event */
    struct mx_buf         frame;        /* of a message to a rank */
    int                   current;      /* rank whose inbox is being read, -1 for none */
    unsigned              nlosing;      /* lost ranks of which something is still to be told */
    double                nap_s;        /* between two looks at MPI */
    size_t                handed_bytes; /* in one order */
    double                rank_timeout_s, watch_s, watched_s, beat_s, looked_s;
    uint32_t              round; /* of the reduction, and what went wrong in it */
    struct mx_err         reduce_err;
};

/* Give an executor a message, behind those it has. */
int link_order(struct mx_link *link, uint32_t executor, const struct worker_message *message,
               struct mx_err *err);

/* Say something to another rank; nothing to one that is lost. */
int link_tell(struct mx_link *link, unsigned rank, const struct mx_rank_message *message,
              struct mx_err *err);

/* Move bytes, send signs of life, find the silent. */
int link_tend_ranks(struct mx_link *link, struct mx_err *err);

/* Give a rank up. */
void link_lose_rank(struct mx_link *link, unsigned rank, const char *why);

/* Give an executor of a rank up, whose GPU has failed: a GONE event. Returns 0; or -1 with MX_EGPU
 * if it was the last one. */
int link_lose_executor(struct mx_link *link, unsigned rank, struct mx_link_event *event,
                       struct mx_err *err);

/* What the other ranks have said: 1 with *event, 0, or -1 with *err. */
int link_next_remote(struct mx_link *link, struct mx_link_event *event, struct mx_err *err);

#endif
