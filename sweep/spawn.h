/* spawn.h - starting one executor as a child process. */
#ifndef MX_SWEEP_SPAWN_H
#define MX_SWEEP_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct mx_spawn_options {
    const char *program;      /* path of this program */
    uint32_t    slot;         /* place in the progress memory */
    int         progress_fd;  /* of that memory */
    uint64_t    memory_bytes; /* cap, 0 = none */
    const char *gpu;          /* UUID of the one it may use; NULL: it computes on the CPU */
};

struct mx_child {
    pid_t pid;
    int   pidfd;  /* readable when the process has ended */
    int   socket; /* our end, close-on-exec */
    int   output; /* of its standard output and error: to be read, without waiting */
};

/* Start `program executor` in a process group of its own, with default
 * signals, without the variables by which MPI knows its ranks, and with the
 * descriptors of worker/protocol.h; CUDA_VISIBLE_DEVICES names its GPU alone. Returns 0; or -1 with MX_EIO, and then
 * nothing runs and nothing is open. Once the process has ended and was waited
 * for, the caller closes the three descriptors. */
int mx_spawn_executor(const struct mx_spawn_options *options, struct mx_child *child,
                      struct mx_err *err);

/* Start `program decoder`, which reads `input` as its standard input and says nothing, in the same way.
 * Returns 0 with its number, which the caller waits for; or -1 with MX_EIO. */
int mx_spawn_decoder(const char *program, int input, pid_t *pid, struct mx_err *err);

/* Move a descriptor clear of those that children are given; `low` is closed in any case. Returns the
 * new one, close-on-exec, or -1 with errno: EMFILE where no more may be open. */
int mx_spawn_move_up(int low);

/* The path of the running program, to be freed; NULL with *err. */
char *mx_program_path(struct mx_err *err);

#endif
