#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "sweep/owner.h"

enum {
    STAT_START = 22, /* field of /proc/PID/stat: clock ticks from boot to start */
    STAT_STATE = 3   /* the first one behind the name, which may hold anything */
};

static bool start_of(void *user, long pid, uint64_t *start)
{
    char          path[64];
    struct mx_buf text = {0};
    const char   *at;
    bool          found = false;

    (void)user;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    if (mx_file_read(path, 1 << 16, &text, NULL) == 0 && (at = strrchr(mx_buf_str(&text), ')'))) {
        for (int field = STAT_STATE - 1; at && field < STAT_START; field++)
            at = strchr(at + 1, ' ');
        /* A zombie has ended: it only waits to be counted by its parent. */
        found = at && !strstr(mx_buf_str(&text), ") Z ");
        if (found)
            *start = strtoull(at, NULL, 10);
    }
    mx_buf_free(&text);
    return found;
}

static void read_line(const char *path, char *out, size_t size)
{
    struct mx_buf text = {0};

    out[0] = '\0';
    if (mx_file_read(path, 1 << 12, &text, NULL) == 0)
        snprintf(out, size, "%.*s", (int)strcspn(mx_buf_str(&text), "\n"), mx_buf_str(&text));
    mx_buf_free(&text);
}

static int self(void *user, struct mx_process *self, struct mx_err *err)
{
    ssize_t n;

    *self = (struct mx_process){.pid = (long)getpid()};
    if (gethostname(self->host, sizeof self->host - 1))
        return mx_fail_errno(err, MX_EIO, errno, "cannot tell the name of this host");
    read_line("/proc/sys/kernel/random/boot_id", self->boot, sizeof self->boot);
    n = readlink("/proc/self/ns/pid", self->pid_space, sizeof self->pid_space - 1);
    self->pid_space[n > 0 ? n : 0] = '\0';
    if (!start_of(user, self->pid, &self->start))
        return mx_fail(err, MX_EIO, "cannot read /proc/%ld/stat", self->pid);
    return 0;
}

static double seconds(const struct timespec *t)
{
    return (double)t->tv_sec + 1e-9 * (double)t->tv_nsec;
}

/* A file made now beside it tells the time of the same file system. Where none can be made,
 * for one who may only read, this host's clock has to do. */
static int age_s(void *user, const char *path, double *age_s, struct mx_err *err)
{
    struct mx_buf name = {0};
    struct stat   then, now;
    int           fd = -1, rc = -1;

    (void)user;
    mx_buf_printf(&name, "%s.probe.%ld", path, (long)getpid());
    if (!mx_buf_ok(&name)) {
        mx_fail(err, MX_ENOMEM, "no memory to look at %s", path);
        goto done;
    }
    fd = open(name.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (stat(path, &then) || (fd >= 0 && fstat(fd, &now))) {
        mx_fail_errno(err, MX_EIO, errno, "cannot tell how old %s is", path);
        goto done;
    }
    if (fd < 0)
        clock_gettime(CLOCK_REALTIME, &now.st_mtim);
    *age_s = fmax(0, seconds(&now.st_mtim) - seconds(&then.st_mtim));
    rc = 0;
done:
    if (fd >= 0) {
        close(fd);
        unlink(name.data);
    }
    mx_buf_free(&name);
    return rc;
}

static double utc_s(void *user)
{
    (void)user;
    return mx_clock_utc_s();
}

static void sleep_s(void *user, double s)
{
    (void)user;
    mx_clock_sleep_s(s);
}

const struct mx_owner_system mx_owner_machine = {self, start_of, age_s, utc_s, sleep_s, NULL};

void mx_process_end(const struct mx_process *process)
{
    kill((pid_t)process->pid, SIGKILL);
}
