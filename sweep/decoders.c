#include "sweep/decoders.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sweep/spawn.h"
#include "worker/known_sets.h"

/* They end after the file at hand; one that was stopped, or waits for a slow disk, is killed. */
static const double patience_s = 2, pause_s = 0.002;

struct mx_decoders {
    unsigned n;
    pid_t    pids[];
};

/* The message in a file without a name; -1 if there is none. */
static int write_message(const struct worker_params *params, uint64_t seed)
{
    struct mx_decoding *decoding = calloc(1, sizeof *decoding);
    int                 fd = decoding ? memfd_create("mixsweep decoding", MFD_CLOEXEC) : -1;

    if (fd >= 0) {
        decoding->params = *params;
        decoding->seed = seed;
        if (write(fd, decoding, sizeof *decoding) != sizeof *decoding) {
            close(fd);
            fd = -1;
        }
    }
    free(decoding);
    return fd;
}

struct mx_decoders *mx_decoders_start(const struct worker_params *params, uint64_t seed, unsigned n)
{
    struct mx_decoders *decoders = NULL;
    char               *program = NULL;
    int                 fd = -1;

    if (n == 0 || !worker_set_cached(params->data_set))
        return NULL;
    if ((decoders = calloc(1, sizeof *decoders + n * sizeof decoders->pids[0])) &&
        (program = mx_program_path(NULL)) && (fd = write_message(params, seed)) >= 0)
        while (decoders->n < n &&
               mx_spawn_decoder(program, fd, &decoders->pids[decoders->n], NULL) == 0)
            decoders->n++;
    if (fd >= 0)
        close(fd);
    free(program);
    return decoders;
}

static void await_end(pid_t pid)
{
    const double until = mx_clock_monotonic_s() + patience_s;

    while (mx_clock_monotonic_s() < until) {
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return;
        mx_clock_sleep_s(pause_s);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

void mx_decoders_end(struct mx_decoders *decoders)
{
    if (!decoders)
        return;
    for (unsigned i = 0; i < decoders->n; i++)
        kill(decoders->pids[i], SIGTERM);
    for (unsigned i = 0; i < decoders->n; i++)
        await_end(decoders->pids[i]);
    free(decoders);
}
