#include "sweep/submit_call.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* What a program says on a pipe, its first line; the rest is not wanted. */
static int read_line(int fd, char out[MX_SUBMIT_JOB_SIZE])
{
    size_t  len = 0;
    ssize_t n;

    while (len < MX_SUBMIT_JOB_SIZE - 1 &&
           (n = read(fd, out + len, MX_SUBMIT_JOB_SIZE - 1 - len)) != 0)
        if (n > 0)
            len += (size_t)n;
        else if (errno != EINTR)
            break;
    out[len] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return out[0] ? 0 : -1;
}

/* Start sbatch; with `said`, its standard output goes to a pipe. */
static int start(char *const *line, pid_t *pid, int *said, struct mx_err *err)
{
    posix_spawn_file_actions_t files;
    int                        ends[2] = {-1, -1}, error;

    if (said && pipe2(ends, O_CLOEXEC))
        return mx_fail_errno(err, MX_EIO, errno, "cannot make a pipe");
    posix_spawn_file_actions_init(&files);
    if (said)
        posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
    error = posix_spawnp(pid, line[0], &files, NULL, line, environ);
    posix_spawn_file_actions_destroy(&files);
    if (said) {
        close(ends[1]);
        *said = ends[0];
    }
    if (error == 0)
        return 0;
    if (said)
        close(*said);
    return mx_fail_errno(err, MX_EIO, error,
                         "cannot start %s; submit works where Slurm's commands do, and "
                         "--dry-run only prints the line",
                         line[0]);
}

int mx_submit_call(char *const *line, char *job, struct mx_err *err)
{
    pid_t pid;
    int   status = 0, said = -1, told = 0;

    fflush(stdout);
    if (start(line, &pid, job ? &said : NULL, err))
        return -1;
    if (job) {
        told = read_line(said, job);
        close(said);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return told ? mx_fail(err, MX_EIO, "%s said no number: see squeue", line[0]) : 0;
    return mx_fail(err, MX_EIO, "%s ended with %d: nothing was submitted", line[0],
                   WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}
