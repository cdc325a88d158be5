/* rank_message.h - what rank 0 and the other ranks of a job say to each other.
 *
 * Frames of base/wire.h in the byte streams of sweep/comm.h. Rank 0 starts a
 * rank, sends it orders for its executors, and ends it; a rank passes on what
 * its executors say, and what becomes of them. Orders and answers travel as the
 * frames of worker/protocol.h, unread by those who only pass them on.
 */
#ifndef MX_SWEEP_RANK_MESSAGE_H
#define MX_SWEEP_RANK_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/wire.h"
#include "sweep/owner.h"
#include "sweep/sched.h"
#include "sweep/share.h"
#include "sweep/supervisor.h"
#include "worker/params.h"

enum mx_rank_message_type {
    /* From a rank to rank 0. */
    MX_RANK_HELLO = 64, /* place, process, text: the program's version, bytes: mx_gpus_put() */
    MX_RANK_UP,         /* executor, life, device */
    MX_RANK_LOST,       /* executor, lease, reason, gpu, text */
    MX_RANK_ANSWER,     /* executor, gpu, bytes: one frame of its answers */
    MX_RANK_LEAVING,    /* text: why it ends its executors and takes no more work */
    MX_RANK_ENDED,      /* after QUIT: none of its executors is left */
    MX_RANK_GONE,       /* executor, text: it cannot be started any more */
    /* From rank 0. */
    MX_RANK_START,  /* start, bytes: mx_rank_gpus_put(), what its executors compute on */
    MX_RANK_ORDER,  /* executor, life, bytes: frames for it */
    MX_RANK_KILL,   /* executor, life, reason */
    MX_RANK_DROP,   /* lease: its answer came too late, it is not to be contributed */
    MX_RANK_REDUCE, /* round, nslots, bytes: mx_reduction_ask() */
    MX_RANK_QUIT,   /* end your executors */
    MX_RANK_BYE,    /* the end; lossy: as mx_comm_close() */
    /* Both ways. */
    MX_RANK_BEAT, /* alive; from a rank, bytes: a real an executor, how far it is, then
                   * mx_gpus_put_figures() where it has GPUs */
    MX_RANK_TREE, /* bytes: a body of reduce/tree.h, from child to parent */
};

/* What a rank is to do. */
struct mx_rank_start {
    char              directory[WORKER_PATH_SIZE];
    struct mx_process root; /* rank 0 */
    uint32_t          first, workers;
    uint64_t          memory_bytes;
    double            stall_timeout_s, rank_timeout_s;
};

/* Any message; fields that its type does not use are 0. */
struct mx_rank_message {
    enum mx_rank_message_type type;
    struct mx_place           place;
    struct mx_process         process;
    struct mx_rank_start      start;
    uint32_t                  executor, round;
    uint32_t                  life; /* counts the processes that an executor has been: what was
                                     * meant for one that has died does not reach the next */
    uint64_t                  lease, nslots;
    enum mx_reason            reason;
    bool                      lossy;
    struct mx_gpu_use         gpu;
    char                      text[512];
    char                      device[96];
    const void               *bytes; /* lent: of the sender, or inside the frame */
    size_t                    len;
};

/* The GPUs of a rank's executors, as bytes of START, and back: an array to be freed, *n of
 * them; NULL with MX_ENOMEM or MX_EINTERNAL. */
void mx_rank_gpus_put(struct mx_buf *out, const struct mx_supervisor_gpu *gpus, uint32_t n);
struct mx_supervisor_gpu *mx_rank_gpus_take(const struct mx_rank_message *message, uint32_t *n,
                                            struct mx_err *err);

/* Append a message as one frame. */
void mx_rank_message_put(struct mx_buf *out, const struct mx_rank_message *message);

/* Take one whole frame from the front of the `len` bytes at data. Returns the
 * bytes used and fills *message; 0 if the frame is not complete yet; -1 with
 * MX_EINTERNAL if it is none of ours. */
long mx_rank_message_take(const void *data, size_t len, struct mx_rank_message *message,
                          struct mx_err *err);

#endif
