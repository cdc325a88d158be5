/* protocol.h - what a supervisor and its executor say to each other.
 *
 * Frames of base/wire over a socket pair. The supervisor sends RUN, several
 * ahead if it likes; the executor sends HELLO once it is ready, then one DONE or
 * FAILED for each RUN, in their order, those of short stages many at a time. GROUP has it
 * work together with others (worker/group.h); LEAVE, which nothing answers, has it give that up.
 * Which stage runs and how far it is stands in shared memory, so that asking
 * costs nothing, a hang shows as a counter that stands still, and a death is
 * blamed on the stage that ran.
 */
#ifndef MX_WORKER_PROTOCOL_H
#define MX_WORKER_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/wire.h"
#include "worker/stage.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Descriptors that an executor is started with. */
enum {
    WORKER_SOCKET_FD = 3,
    WORKER_PROGRESS_FD = 4,
};

enum worker_message_type {
    WORKER_MESSAGE_HELLO = 1,
    WORKER_MESSAGE_RUN,
    WORKER_MESSAGE_DONE,
    WORKER_MESSAGE_FAILED,
    WORKER_MESSAGE_GROUP,   /* to an executor */
    WORKER_MESSAGE_LEAVE,   /* to an executor */
    WORKER_MESSAGE_PART,    /* from it: some of what GROUP gives; more follows */
    WORKER_MESSAGE_GROUPED, /* from it: the answer to GROUP, code MX_OK or why not */
};

/* Any message; the fields that its type does not use are 0. */
struct worker_message {
    enum worker_message_type type;
    uint64_t                 lease;      /* RUN, DONE, FAILED; of a group 0 */
    uint32_t                 stage;      /* of GROUP, PART, GROUPED: the round */
    const struct worker_job *job;        /* RUN: lent */
    double                   seconds;    /* DONE, FAILED: wall time of the stage */
    struct worker_result     result;     /* DONE: owned */
    enum mx_code             code;       /* FAILED, GROUPED */
    char                     text[512];  /* FAILED, GROUPED */
    char                     note[256];  /* DONE, FAILED: what else people should know, or "" */
    char                     device[96]; /* HELLO */
    const void              *bytes; /* GROUP, PART, GROUPED: lent: of the sender, or in the frame */
    size_t                   len;
};

/* One executor's place in the shared memory, a cache line of its own. */
struct worker_progress_slot {
    uint64_t done, total; /* read and written with the functions below */
    uint64_t lease;       /* of the stage that runs, 0 = none */
    uint64_t unused[5];
};

void worker_progress_set(struct worker_progress_slot *slot, uint64_t done, uint64_t total);
void worker_progress_get(const struct worker_progress_slot *slot, uint64_t *done, uint64_t *total);

/* The stage that runs: from before its start until its answer is sent, or is
 * held to be sent with later ones. */
void     worker_progress_set_lease(struct worker_progress_slot *slot, uint64_t lease);
uint64_t worker_progress_lease(const struct worker_progress_slot *slot);

/* Append a message as one frame. */
void worker_message_put(struct mx_buf *out, const struct worker_message *message);

/* Take one whole frame from the front of the `len` bytes at data. Returns the
 * bytes used and fills *message (release with worker_message_free()); 0 if the
 * frame is not complete yet; -1 with MX_EINTERNAL if it is none of ours. `job`
 * is where the job of a RUN goes, which message->job then points to: a zeroed
 * one, or one of an earlier RUN, to be released with worker_job_free(); with
 * NULL a RUN is refused. */
long worker_message_take(const void *data, size_t len, struct worker_message *message,
                         struct worker_job *job, struct mx_err *err);

/* Release what a message owns; it stays usable. */
void worker_message_free(struct worker_message *message);

#ifdef __cplusplus
}
#endif

#endif
