/* supervisor_watch.c - what comes from executors: bytes, output, deaths, silence. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "sweep/supervisor_private.h"

enum {
    OUTPUT_BYTES = 1 << 16, /* read from one executor at a time: as much as a pipe holds */
    LOOKS_BEFORE_STALL = 4,
};

static const double max_wait_s = 3600, flood_pause_s = 0.02, min_start_timeout_s = 60;

void mx_supervised_send(struct mx_supervised *executor)
{
    struct mx_buf *out = &executor->out;

    while (executor->sent < out->len) {
        ssize_t n = send(executor->child.socket, out->data + executor->sent,
                         out->len - executor->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            break; /* it died: its pidfd tells */
        executor->sent += (size_t)n;
    }
    mx_buf_clear(out);
    executor->sent = 0;
}

/* Read the answers that are there. */
static int read_answers(struct mx_supervisor *supervisor, uint32_t index, struct mx_err *err)
{
    struct mx_supervised *executor = &supervisor->executors[index];
    struct mx_buf        *in = &executor->in;
    char                  piece[1 << 16];
    ssize_t               n;

    if (executor->taken > 0) {
        in->len -= executor->taken;
        memmove(in->data, in->data + executor->taken, in->len);
        executor->taken = 0;
    }
    while ((n = recv(executor->child.socket, piece, sizeof piece, MSG_DONTWAIT)) > 0) {
        mx_buf_add(in, piece, (size_t)n);
        if ((size_t)n < sizeof piece && !executor->ended)
            break;
    }
    if (!mx_buf_ok(in))
        return mx_fail(err, MX_ENOMEM, "no memory for messages of executor %u",
                       (unsigned)(supervisor->options.first + index));
    mx_supervisor_list(supervisor, index);
    return 0;
}

/* Move output to the log, at most as much as a pipe holds: who writes more than
 * that waits, and nobody else does. */
static void read_output(struct mx_supervised *executor)
{
    char    piece[OUTPUT_BYTES];
    ssize_t n = read(executor->child.output, piece, sizeof piece);

    if (n > 0)
        mx_output_log_add(executor->log, piece, (size_t)n);
    if (n == OUTPUT_BYTES)
        executor->pause_s = mx_clock_monotonic_s() + flood_pause_s;
    if (n == 0) { /* it closed its output, and a closed pipe is always readable */
        close(executor->child.output);
        executor->child.output = -1;
    }
}

/* Which descriptors to look at; those of -1 are not. Shortens *timeout_s to the
 * end of the shortest pause. */
static void fill_polled(struct mx_supervisor *supervisor, int wake_fd, double *timeout_s)
{
    struct pollfd *polled = supervisor->polled;
    double         now_s = mx_clock_monotonic_s();

    for (uint32_t i = 0; i < supervisor->options.workers; i++, polled += MX_SUPERVISED_FDS) {
        const struct mx_supervised *executor = &supervisor->executors[i];
        const struct mx_child      *child = &executor->child;
        bool                        pause = executor->pause_s > now_s;
        short                       out = executor->out.len > 0 ? POLLOUT : 0;

        if (pause)
            *timeout_s = fmin(*timeout_s, executor->pause_s - now_s);
        polled[0] = (struct pollfd){executor->ended ? -1 : child->socket, POLLIN | out, 0};
        polled[1] = (struct pollfd){executor->ended ? -1 : child->pidfd, POLLIN, 0};
        polled[2] = (struct pollfd){executor->ended || pause ? -1 : child->output, POLLIN, 0};
    }
    *polled = (struct pollfd){wake_fd, POLLIN, 0};
}

/* What the descriptors of one executor say. */
static int heed(struct mx_supervisor *supervisor, uint32_t index, const struct pollfd *polled,
                struct mx_err *err)
{
    struct mx_supervised *executor = &supervisor->executors[index];
    bool                  died = polled[1].revents != 0;

    /* Death is looked at before the last read: what was sent before it is then all there. */
    executor->ended = executor->ended || died;
    if (polled[2].revents || (died && executor->child.output >= 0))
        read_output(executor);
    if ((polled[0].revents & POLLOUT) && !executor->ended)
        mx_supervised_send(executor);
    if (((polled[0].revents & ~POLLOUT) || died) && read_answers(supervisor, index, err))
        return -1;
    /* A closed socket stays readable: only the death that follows is of interest. */
    if ((polled[0].revents & POLLHUP) && !executor->ended)
        kill(executor->child.pid, SIGKILL);
    return 0;
}

int mx_supervisor_look(struct mx_supervisor *supervisor, double timeout_s, int wake_fd,
                       struct mx_err *err)
{
    nfds_t          n = (nfds_t)supervisor->options.workers * MX_SUPERVISED_FDS + 1;
    struct timespec timeout;

    timeout_s = fmax(0, fmin(timeout_s, max_wait_s));
    fill_polled(supervisor, wake_fd, &timeout_s);
    timeout.tv_sec = (time_t)timeout_s;
    timeout.tv_nsec = (long)((timeout_s - (double)timeout.tv_sec) * 1e9);
    if (ppoll(supervisor->polled, n, &timeout, NULL) < 0)
        return errno == EINTR ? 0 : mx_fail_errno(err, MX_EIO, errno, "cannot wait for executors");
    for (uint32_t i = 0; i < supervisor->options.workers; i++)
        if (heed(supervisor, i, supervisor->polled + (size_t)i * MX_SUPERVISED_FDS, err))
            return -1;
    return 0;
}

/* How long an executor may show no progress: for ever if it has nothing to do. */
static double patience_s(const struct mx_supervisor *supervisor, uint32_t index)
{
    const struct mx_supervised *executor = &supervisor->executors[index];
    double                      timeout_s = supervisor->options.stall_timeout_s;

    if (timeout_s <= 0 || executor->child.pid == 0 || executor->ended || executor->kill_reason)
        return INFINITY;
    if (!executor->ready)
        return fmax(timeout_s, min_start_timeout_s);
    return executor->waiting > 0 ? timeout_s : INFINITY;
}

/* Note progress. Returns when the next look is due; executors that have stood
 * still for too long are killed. A stage that begins starts the clock anew, and
 * the clock stands while nobody looks: who was suspended is no judge of those
 * who were suspended with it. */
static double watch_progress(struct mx_supervisor *supervisor)
{
    double now_s = mx_clock_monotonic_s();
    double look_s = supervisor->options.stall_timeout_s / LOOKS_BEFORE_STALL;
    double unseen_s = fmax(0, now_s - supervisor->looked_s - look_s), due_s = INFINITY;

    if (supervisor->options.stall_timeout_s <= 0)
        return INFINITY;
    supervisor->looked_s = now_s;
    for (uint32_t i = 0; i < supervisor->options.workers; i++) {
        struct mx_supervised *executor = &supervisor->executors[i];
        double                patience = patience_s(supervisor, i);
        uint64_t              lease = worker_progress_lease(&supervisor->slots[i]), done, total;

        worker_progress_get(&supervisor->slots[i], &done, &total);
        executor->moved_s = fmin(now_s, executor->moved_s + unseen_s);
        if (lease != executor->seen_lease || done != executor->seen_done) {
            executor->seen_lease = lease;
            executor->seen_done = done;
            executor->moved_s = now_s;
        }
        if (now_s - executor->moved_s > patience)
            mx_supervised_kill(executor, MX_REASON_STALLED, "");
        else if (patience < INFINITY)
            due_s = fmin(due_s, fmin(executor->moved_s + patience, now_s + look_s));
    }
    return due_s;
}

int mx_supervisor_wait(struct mx_supervisor *supervisor, double timeout_s, int wake_fd,
                       struct mx_err *err)
{
    double due_s = watch_progress(supervisor);

    worker_message_free(&supervisor->lent);
    if (supervisor->list_count > 0)
        timeout_s = 0;
    if (due_s < INFINITY)
        timeout_s = fmin(timeout_s, due_s - mx_clock_monotonic_s() + 1e-3);
    return mx_supervisor_look(supervisor, timeout_s, wake_fd, err);
}
