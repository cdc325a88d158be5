#include "sweep/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/protocol.h"

extern char **environ;

enum {
    ABOVE_OURS = 16
}; /* descriptors are moved here, clear of those the child is given */

/* A child that finds these believes it is a rank of the MPI job. */
static bool is_mpi_variable(const char *variable)
{
    static const char *const prefixes[] = {"OMPI_", "PMIX_", "PRTE_", "PMI_", "ORTE_"};

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* The environment without them; only the array is to be freed. */
static char **child_environment(void)
{
    size_t n = 0, kept = 0;
    char **copy;

    while (environ[n])
        n++;
    if (!(copy = calloc(n + 1, sizeof *copy)))
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (!is_mpi_variable(environ[i]))
            copy[kept++] = environ[i];
    return copy;
}

static int set_files(posix_spawn_file_actions_t *files, const struct mx_spawn_options *options,
                     int socket)
{
    return posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) ||
           posix_spawn_file_actions_addopen(files, STDOUT_FILENO, options->log_path,
                                            O_WRONLY | O_CREAT | O_APPEND, 0666) ||
           posix_spawn_file_actions_adddup2(files, STDOUT_FILENO, STDERR_FILENO) ||
           posix_spawn_file_actions_adddup2(files, socket, WORKER_SOCKET_FD) ||
           posix_spawn_file_actions_adddup2(files, options->progress_fd, WORKER_PROGRESS_FD);
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF) ||
           posix_spawnattr_setpgroup(attributes, 0) ||
           posix_spawnattr_setsigmask(attributes, &none) ||
           posix_spawnattr_setsigdefault(attributes, &all);
}

/* Returns 0 or an errno value. */
static int spawn(const struct mx_spawn_options *options, int socket, pid_t *pid)
{
    char                       slot[16], memory[32], parent[32];
    const char                *argv[] = {options->program, "executor", "--slot", slot, "--memory",
                                         memory,           "--parent", parent,   NULL};
    char                     **environment = child_environment();
    posix_spawn_file_actions_t files;
    posix_spawnattr_t          attributes;
    int                        error = ENOMEM;

    snprintf(slot, sizeof slot, "%" PRIu32, options->slot);
    snprintf(memory, sizeof memory, "%" PRIu64, options->memory_bytes);
    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    if (environment && !set_files(&files, options, socket) && !set_attributes(&attributes))
        error = posix_spawn(pid, options->program, &files, &attributes, (char *const *)argv,
                            environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    free(environment);
    return error;
}

/* A socket pair whose ends lie clear of the child's fixed descriptors. */
static int make_sockets(int pair[2], struct mx_err *err)
{
    int low[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, low))
        return mx_fail_errno(err, MX_EIO, errno, "cannot make a socket for an executor");
    for (int i = 0; i < 2; i++)
        pair[i] = fcntl(low[i], F_DUPFD_CLOEXEC, ABOVE_OURS);
    close(low[0]);
    close(low[1]);
    if (pair[0] >= 0 && pair[1] >= 0)
        return 0;
    mx_fail_errno(err, MX_EIO, errno, "cannot make a socket for an executor");
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
    return -1;
}

int mx_spawn_executor(const struct mx_spawn_options *options, struct mx_child *child,
                      struct mx_err *err)
{
    int pair[2] = {-1, -1}, error;

    if (make_sockets(pair, err))
        return -1;
    error = spawn(options, pair[1], &child->pid);
    close(pair[1]);
    if (error) {
        close(pair[0]);
        return mx_fail_errno(err, MX_EIO, error, "cannot start an executor (log %s)",
                             options->log_path);
    }
    child->socket = pair[0];
    if ((child->pidfd = pidfd_open(child->pid, 0)) < 0) {
        mx_fail_errno(err, MX_EIO, errno, "cannot watch an executor");
        kill(child->pid, SIGKILL);
        waitpid(child->pid, NULL, 0);
        close(pair[0]);
        return -1;
    }
    return 0;
}

char *mx_program_path(struct mx_err *err)
{
    char    path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    char   *copy;

    if (n < 0) {
        mx_fail_errno(err, MX_EIO, errno, "cannot find this program's own path");
        return NULL;
    }
    path[n] = '\0';
    if (!(copy = strdup(path)))
        mx_fail(err, MX_ENOMEM, "no memory for this program's own path");
    return copy;
}
