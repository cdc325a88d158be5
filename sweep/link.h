/* link.h - messages between the scheduler and the supervisors of executors.
 *
 * The scheduler sees executors by number, wherever they live. Alone, the local
 * link supervises child processes of this process over socket pairs; under MPI
 * the same calls reach supervisors on other ranks. Nothing here blocks longer
 * than it is told.
 */
#ifndef MX_SWEEP_LINK_H
#define MX_SWEEP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sweep/sched.h"
#include "worker/stage.h"

struct mx_link;

struct mx_link_options {
    const char *program;      /* this program's path: executors are `program executor` */
    const char *directory;    /* of the sweep; executors log to directory/log/exec-N.log */
    unsigned    workers;      /* executors of this node */
    uint64_t    memory_bytes; /* cap on the address space of one executor, 0 = none */
    double      stall_timeout_s;
};

/* Something that came in. */
struct mx_link_event {
    enum {
        MX_LINK_UP,     /* executor is ready for work */
        MX_LINK_LOST,   /* executor died and is being replaced (a new UP follows); reason, text */
        MX_LINK_DONE,   /* stage done; result owned by the event until the next poll */
        MX_LINK_FAILED, /* stage failed; code and reason, text */
        MX_LINK_LOG,    /* a line for the log: text */
    } kind;
    uint32_t             executor, rank;
    uint64_t             lease;
    uint32_t             stage;
    enum mx_code         code;
    enum mx_reason       reason;
    char                 text[512];
    double               seconds;
    struct worker_result result;
    char                 host[64], device[96];
};

/* Start the executors. Returns NULL with *err. */
struct mx_link *mx_link_open(const struct mx_link_options *options, struct mx_err *err);

/* Hand a stage to an idle executor. */
int mx_link_start(struct mx_link *link, uint32_t executor, uint64_t lease, uint32_t stage,
                  const struct worker_job *job, struct mx_err *err);

/* End an executor now (SIGKILL) and replace it; LOST with `reason` follows. */
void mx_link_kill(struct mx_link *link, uint32_t executor, enum mx_reason reason);

/* Wait at most timeout_s for the next event, or until wake_fd (a self-pipe, -1
 * for none) is readable. Returns 1 with *event, 0 if none came, -1 with *err. */
int mx_link_poll(struct mx_link *link, double timeout_s, int wake_fd, struct mx_link_event *event,
                 struct mx_err *err);

/* How far an executor is in its stage, 0..1; NaN if it is idle. */
double mx_link_progress(const struct mx_link *link, uint32_t executor);

/* End all executors and release everything. NULL is allowed. */
void mx_link_close(struct mx_link *link);

#endif
