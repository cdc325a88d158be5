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

static const char cuda_visible[] = "CUDA_VISIBLE_DEVICES=";

/* A child that finds these believes it is a rank of the MPI job. */
static bool is_mpi_variable(const char *variable)
{
    static const char *const prefixes[] = {"OMPI_", "OPAL_", "ORTE_", "PMIX_", "PMI_", "PRTE_"};

    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* The environment without them, and with `visible`, if not "", for the variable that says
 * which GPUs there are; only the array is to be freed. */
static char **child_environment(char *visible)
{
    size_t n = 0, kept = 0;
    char **copy;

    while (environ[n])
        n++;
    if (!(copy = calloc(n + 2, sizeof *copy)))
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (!is_mpi_variable(environ[i]) &&
            !(*visible && strncmp(environ[i], cuda_visible, strlen(cuda_visible)) == 0))
            copy[kept++] = environ[i];
    if (*visible)
        copy[kept] = visible;
    return copy;
}

/* The child's ends of what connects it with us. */
struct ends {
    int socket, output;
};

/* Whatever else is open here stays here: libraries leave descriptors such as an
 * MPI daemon's socket open over exec. */
static int set_files(posix_spawn_file_actions_t *files, const struct mx_spawn_options *options,
                     const struct ends *ends)
{
    return posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0) ||
           posix_spawn_file_actions_adddup2(files, ends->output, STDOUT_FILENO) ||
           posix_spawn_file_actions_adddup2(files, ends->output, STDERR_FILENO) ||
           posix_spawn_file_actions_adddup2(files, ends->socket, WORKER_SOCKET_FD) ||
           posix_spawn_file_actions_adddup2(files, options->progress_fd, WORKER_PROGRESS_FD) ||
           posix_spawn_file_actions_addclosefrom_np(files, WORKER_PROGRESS_FD + 1);
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

/* Start this program so; "" or "NAME=VALUE" in `visible` is as of child_environment(). Returns 0 or an errno value. */
static int start(const char *const *argv, const posix_spawn_file_actions_t *files, char *visible,
                 pid_t *pid)
{
    char            **environment = child_environment(visible);
    posix_spawnattr_t attributes;
    int               error = ENOMEM;

    posix_spawnattr_init(&attributes);
    if (environment && !set_attributes(&attributes))
        error = posix_spawn(pid, argv[0], files, &attributes, (char *const *)argv, environment);
    posix_spawnattr_destroy(&attributes);
    free(environment);
    return error;
}

/* Returns 0 or an errno value. */
static int spawn(const struct mx_spawn_options *options, const struct ends *ends, pid_t *pid)
{
    char                       slot[16], memory[32], parent[32], visible[128] = "";
    const char                *argv[] = {options->program,
                                         "executor",
                                         "--slot",
                                         slot,
                                         "--memory",
                                         memory,
                                         "--parent",
                                         parent,
                                         "--gpu",
                          options->gpu ? "1" : "0",
                                         NULL};
    posix_spawn_file_actions_t files;
    int                        error;

    if (options->gpu)
        snprintf(visible, sizeof visible, "%s%s", cuda_visible, options->gpu);
    snprintf(slot, sizeof slot, "%" PRIu32, options->slot);
    snprintf(memory, sizeof memory, "%" PRIu64, options->memory_bytes);
    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    posix_spawn_file_actions_init(&files);
    error = set_files(&files, options, ends) ? ENOMEM : start(argv, &files, visible, pid);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

static void close_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

int mx_spawn_move_up(int low)
{
    const int fd = fcntl(low, F_DUPFD_CLOEXEC, ABOVE_OURS);
    /* The limit on open files is below the first number that would do. */
    const int error = fd < 0 && errno == EINVAL ? EMFILE : errno;

    close(low);
    errno = error;
    return fd;
}

/* Move a pair of descriptors clear of those the child is given. Both are -1 if
 * one could not be moved; the old ones are closed in any case. */
static int move_up(int pair[2])
{
    int error = 0;

    for (int i = 0; i < 2; i++) {
        if ((pair[i] = mx_spawn_move_up(pair[i])) < 0)
            error = errno;
    }
    if (error)
        for (int i = 0; i < 2; i++) {
            close_open(pair[i]);
            pair[i] = -1;
        }
    return error;
}

/* A socket pair and a pipe: our ends in *child, the others in *ends. */
static int connect_child(struct mx_child *child, struct ends *ends, struct mx_err *err)
{
    int pair[2];
    int error = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) ? errno : move_up(pair);

    if (error)
        return mx_fail_errno(err, MX_EIO, error, "cannot make a socket for an executor");
    child->socket = pair[0];
    ends->socket = pair[1];
    error = pipe2(pair, O_CLOEXEC) ? errno : move_up(pair);
    if (error)
        return mx_fail_errno(err, MX_EIO, error, "cannot make a pipe for an executor");
    child->output = pair[0];
    ends->output = pair[1];
    if (fcntl(child->output, F_SETFL, O_NONBLOCK))
        return mx_fail_errno(err, MX_EIO, errno, "cannot make a pipe for an executor");
    return 0;
}

int mx_spawn_executor(const struct mx_spawn_options *options, struct mx_child *child,
                      struct mx_err *err)
{
    struct ends ends = {-1, -1};
    int         error;

    *child = (struct mx_child){0, -1, -1, -1};
    if (connect_child(child, &ends, err))
        goto fail;
    if ((error = spawn(options, &ends, &child->pid))) {
        mx_fail_errno(err, MX_EIO, error, "cannot start %s as an executor", options->program);
        goto fail;
    }
    if ((child->pidfd = pidfd_open(child->pid, 0)) < 0) {
        mx_fail_errno(err, MX_EIO, errno, "cannot watch an executor");
        kill(child->pid, SIGKILL);
        waitpid(child->pid, NULL, 0);
        goto fail;
    }
    close(ends.socket);
    close(ends.output);
    return 0;
fail:
    close_open(ends.socket);
    close_open(ends.output);
    close_open(child->socket);
    close_open(child->output);
    *child = (struct mx_child){0, -1, -1, -1};
    return -1;
}

/* Returns 0 or an errno value. */
static int spawn_decoder(const char *program, int input, pid_t *pid)
{
    char                       parent[32], visible[] = "";
    const char                *argv[] = {program, "decoder", "--parent", parent, NULL};
    posix_spawn_file_actions_t files;
    int                        error = ENOMEM;

    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    posix_spawn_file_actions_init(&files);
    if (!posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO) &&
        !posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0) &&
        !posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0) &&
        !posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1))
        error = start(argv, &files, visible, pid);
    posix_spawn_file_actions_destroy(&files);
    return error;
}

int mx_spawn_decoder(const char *program, int input, pid_t *pid, struct mx_err *err)
{
    const int error = spawn_decoder(program, input, pid);

    return error ? mx_fail_errno(err, MX_EIO, error, "cannot start %s as a decoder", program) : 0;
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
