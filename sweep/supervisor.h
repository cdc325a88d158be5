/* supervisor.h - the executors of one process: started, fed, watched, replaced.
 *
 * Executors are child processes (sweep/spawn.h). Orders go to them as frames of
 * worker/protocol.h, several at a time; answers come back in batches. A death
 * is seen through a pidfd, a hang by a progress counter in shared memory that
 * stands still, a flood of output is kept within bounds. Numbers of executors
 * are global: [first .. first + workers).
 *
 * Nothing here knows MPI: rank 0 and the other ranks use it alike.
 */
#ifndef MX_SWEEP_SUPERVISOR_H
#define MX_SWEEP_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sweep/gpu.h"
#include "sweep/gpu_use.h"
#include "sweep/sched.h"
#include "worker/protocol.h"

struct mx_supervisor;

/* A GPU that executors compute on. */
struct mx_supervisor_gpu {
    char uuid[MX_GPU_UUID], model[MX_GPU_MODEL];
};

struct mx_supervisor_options {
    const char *program;         /* this program's path: executors are `program executor` */
    const char *directory;       /* of the sweep; output goes to directory/log/exec-FIRST.log */
    uint32_t    first;           /* number of the first executor */
    unsigned    workers;         /* how many; 0 is allowed */
    uint64_t    memory_bytes;    /* cap on the memory of one executor, 0 = none */
    double      stall_timeout_s; /* an executor with work that shows no progress for so long is
                                  * killed; 0 = never */
    const struct mx_supervisor_gpu *gpus;  /* (ngpus): executor i of ours has gpus[i % ngpus] */
    unsigned                        ngpus; /* 0: executors compute on CPUs */
};

/* Something that happened to an executor. */
struct mx_supervisor_event {
    enum {
        MX_SUPERVISOR_UP,     /* ready for work; device */
        MX_SUPERVISOR_LOST,   /* died and is being replaced (a new UP follows); lease: what it was
                               * running, or was to begin with and had not answered; 0 if nothing;
                               * reason, text with its last words */
        MX_SUPERVISOR_DONE,   /* message: lease, stage, seconds, result */
        MX_SUPERVISOR_FAILED, /* message: lease, stage, seconds, code, text */
        MX_SUPERVISOR_GROUP,  /* message: PART or GROUPED */
        MX_SUPERVISOR_GONE,   /* on a GPU, and cannot be started any more: no UP follows; text */
    } kind;
    uint32_t                     executor; /* global number */
    uint64_t                     lease;
    enum mx_reason               reason;
    char                         text[512];
    char                         device[96];
    struct mx_gpu_use            gpu; /* LOST, DONE, FAILED: of that stage */
    /* DONE, FAILED, GROUP: lent until the next call on the supervisor, as is the frame
     * it came in, to be passed on as it is. */
    const struct worker_message *message;
    const void                  *frame;
    size_t                       frame_len;
};

/* Start the executors. Returns NULL with MX_EIO or MX_ENOMEM. */
struct mx_supervisor *mx_supervisor_open(const struct mx_supervisor_options *options,
                                         struct mx_err                      *err);

/* Give an executor orders: whole RUN and GROUP frames, run in this order after those it
 * already has, or LEAVE. Sent as far as the socket takes them now, the rest by
 * mx_supervisor_wait(). Those to an executor that is not up are dropped: LOST
 * has told, or tells. Returns 0; or -1 with MX_EINTERNAL
 * (no whole frames) or MX_ENOMEM, and nothing is sent. */
int mx_supervisor_order(struct mx_supervisor *supervisor, uint32_t executor, const void *frames,
                        size_t len, struct mx_err *err);

/* End an executor now (SIGKILL) and replace it; LOST with `reason` follows, after
 * the answers that it had sent. Nothing happens to one that has died already. */
void mx_supervisor_kill(struct mx_supervisor *supervisor, uint32_t executor, enum mx_reason reason);

/* Wait at most timeout_s (to the microsecond) for something to happen, or until
 * wake_fd (-1 for none) is readable; not at all while mx_supervisor_next() has
 * something. It may return early with nothing to tell. Looks after stalls and
 * output, so call it again and again. Returns 0, or -1 with *err. */
int mx_supervisor_wait(struct mx_supervisor *supervisor, double timeout_s, int wake_fd,
                       struct mx_err *err);

/* The next thing that has happened, without waiting. Answers come before the
 * death of the one that sent them. Returns 1 with *event, 0 if there is none,
 * -1 with *err: an executor on CPUs that cannot be started at all, no memory. */
int mx_supervisor_next(struct mx_supervisor *supervisor, struct mx_supervisor_event *event,
                       struct mx_err *err);

/* How far an executor is in the stage it runs, 0..1; NaN if it runs none. */
double mx_supervisor_progress(const struct mx_supervisor *supervisor, uint32_t executor);

/* Ask all executors to end, and wait for at most grace_s until they have: those
 * that run a training write a checkpoint first. Only mx_supervisor_close() may
 * follow. NULL is allowed. */
void mx_supervisor_end(struct mx_supervisor *supervisor, double grace_s);

/* End all executors, the busy ones at once, and release everything; afterwards
 * none of them is left. NULL is allowed. */
void mx_supervisor_close(struct mx_supervisor *supervisor);

#endif
