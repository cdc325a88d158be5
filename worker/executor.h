/* executor.h - the process that runs stages, one at a time. */
#ifndef MX_WORKER_EXECUTOR_H
#define MX_WORKER_EXECUTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

struct worker_executor_options {
    uint32_t slot;         /* this executor's place in the progress memory */
    uint64_t memory_bytes; /* that it may take besides those of its libraries, 0 = any */
    long     parent;       /* process id of the supervisor: gone = end */
    bool     gpu;          /* it has a GPU, alone visible to it */
};

/* Serve the supervisor at WORKER_SOCKET_FD until it closes the socket. SIGTERM
 * asks to end: a training first writes a checkpoint. The kernel ends this
 * process when the supervisor dies. Returns 0, or -1 with *err if the supervisor cannot be
 * served, or nothing can be computed any more: a GPU that has failed (MX_EGPU) fails all that
 * follows in the same process, so the stage that saw it is not answered. */
int worker_executor_serve(const struct worker_executor_options *options, struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
