/* link_local.c - the link where all executors are children of this process. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sweep/link.h"
#include "sweep/spawn.h"
#include "worker/protocol.h"

enum {
    MAX_FAILED_STARTS = 3, /* in a row, before an executor is given up */
    CLOSE_WAIT_MS = 3000,  /* for idle executors to end by themselves */
};

struct executor {
    struct mx_child child; /* pid 0: not running */
    struct mx_buf   in;
    bool            ready;         /* said HELLO */
    bool            ended;         /* seen dead, its last messages not yet all read */
    unsigned        failed_starts; /* deaths before HELLO, in a row */
    enum mx_reason  kill_reason;   /* why we killed it, NONE if we did not */
    bool            busy;
    uint64_t        lease;
    uint32_t        stage;
    uint64_t        last_done;    /* progress counter as last seen ... */
    double          last_moved_s; /* ... and since when */
    char            device[96];
};

struct mx_link {
    struct mx_link_options       options;
    char                        *program;
    int                          progress_fd;
    struct worker_progress_slot *slots; /* (workers), shared with the executors */
    char                         host[64];
    struct worker_result         lent; /* result of the event given last */
    struct pollfd               *polled;
    struct executor              executors[];
};

static int start_executor(struct mx_link *link, uint32_t number, struct mx_err *err)
{
    struct executor        *executor = &link->executors[number];
    char                    log_path[WORKER_PATH_SIZE];
    struct mx_spawn_options options = {
        .program = link->program,
        .log_path = log_path,
        .slot = number,
        .progress_fd = link->progress_fd,
        .memory_bytes = link->options.memory_bytes,
    };

    snprintf(log_path, sizeof log_path, "%s/log/exec-%u.log", link->options.directory,
             (unsigned)number);
    mx_buf_clear(&executor->in);
    executor->ready = executor->ended = executor->busy = false;
    executor->kill_reason = MX_REASON_NONE;
    worker_progress_set(&link->slots[number], 0, 0);
    return mx_spawn_executor(&options, &executor->child, err);
}

static int map_progress(struct mx_link *link, struct mx_err *err)
{
    size_t bytes = link->options.workers * sizeof *link->slots;
    int    low = memfd_create("mixsweep-progress", MFD_CLOEXEC);
    void  *memory;

    /* Clear of the descriptors that executors are given. */
    link->progress_fd = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, 16);
    if (low >= 0)
        close(low);
    if (link->progress_fd < 0 || ftruncate(link->progress_fd, (off_t)bytes))
        return mx_fail_errno(err, MX_EIO, errno, "cannot make the progress memory");
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, link->progress_fd, 0);
    if (memory == MAP_FAILED)
        return mx_fail_errno(err, MX_EIO, errno, "cannot map the progress memory");
    link->slots = memory;
    return 0;
}

struct mx_link *mx_link_open(const struct mx_link_options *options, struct mx_err *err)
{
    struct mx_link *link = calloc(1, sizeof *link + options->workers * sizeof link->executors[0]);

    if (!link) {
        mx_fail(err, MX_ENOMEM, "no memory for %u executors", options->workers);
        return NULL;
    }
    link->options = *options;
    link->progress_fd = -1;
    gethostname(link->host, sizeof link->host - 1);
    link->program = strdup(options->program);
    link->polled = calloc(2 * options->workers + 1, sizeof *link->polled);
    if (!link->program || !link->polled) {
        mx_fail(err, MX_ENOMEM, "no memory for %u executors", options->workers);
        goto fail;
    }
    if (map_progress(link, err))
        goto fail;
    for (uint32_t i = 0; i < options->workers; i++)
        if (start_executor(link, i, err))
            goto fail;
    return link;
fail:
    mx_link_close(link);
    return NULL;
}

int mx_link_start(struct mx_link *link, uint32_t number, uint64_t lease, uint32_t stage,
                  const struct worker_job *job, struct mx_err *err)
{
    struct executor      *executor = &link->executors[number];
    struct worker_message order = {.type = WORKER_MESSAGE_RUN, .lease = lease, .stage = stage};
    struct mx_buf         frame = {0};
    size_t                sent = 0;

    order.job = *job;
    worker_message_put(&frame, &order);
    if (!mx_buf_ok(&frame))
        return mx_fail(err, MX_ENOMEM, "no memory for a message to executor %u", (unsigned)number);
    executor->busy = true;
    executor->lease = lease;
    executor->stage = stage;
    executor->last_done = 0;
    executor->last_moved_s = mx_clock_monotonic_s();
    while (sent < frame.len) {
        ssize_t n = send(executor->child.socket, frame.data + sent, frame.len - sent, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            break; /* it died: its pidfd tells, and the lease is reported as lost */
        sent += n > 0 ? (size_t)n : 0;
    }
    mx_buf_free(&frame);
    return 0;
}

void mx_link_kill(struct mx_link *link, uint32_t number, enum mx_reason reason)
{
    struct executor *executor = &link->executors[number];

    if (executor->child.pid == 0 || executor->ended)
        return;
    executor->kill_reason = reason;
    kill(executor->child.pid, SIGKILL);
}

/* Say how a process ended, for people. */
static void describe_end(const siginfo_t *info, char *out, size_t room)
{
    if (info->si_code == CLD_EXITED)
        snprintf(out, room, "the executor ended with exit status %d", info->si_status);
    else if (info->si_status == SIGKILL)
        snprintf(out, room,
                 "the executor was killed (signal 9); if nobody did that, the "
                 "machine ran out of memory");
    else
        snprintf(out, room, "the executor crashed with signal %d (%s)", info->si_status,
                 strsignal(info->si_status));
}

/* Fill a LOST event for an executor that has ended, and start another in its
 * place. Returns 1 if there is an event, 0 if it died before it was ready, -1. */
static int bury(struct mx_link *link, uint32_t number, struct mx_link_event *event,
                struct mx_err *err)
{
    struct executor *executor = &link->executors[number];
    siginfo_t        info = {0};
    bool             was_ready = executor->ready;

    waitid(P_PIDFD, (id_t)executor->child.pidfd, &info, WEXITED);
    close(executor->child.pidfd);
    close(executor->child.socket);
    executor->child = (struct mx_child){0, -1, -1};
    event->kind = MX_LINK_LOST;
    event->executor = number;
    event->lease = executor->busy ? executor->lease : 0;
    event->stage = executor->stage;
    event->reason = executor->kill_reason ? executor->kill_reason : MX_REASON_CRASHED;
    describe_end(&info, event->text, sizeof event->text);
    if (executor->kill_reason)
        snprintf(event->text, sizeof event->text, "the executor was ended: %s",
                 mx_reason_names[executor->kill_reason]);
    memcpy(event->device, executor->device, sizeof event->device);
    executor->failed_starts = was_ready ? 0 : executor->failed_starts + 1;
    if (executor->failed_starts >= MAX_FAILED_STARTS)
        return mx_fail(err, MX_EIO, "executor %u cannot start (%.120s); see %.200s/log/exec-%u.log",
                       (unsigned)number, event->text, link->options.directory, (unsigned)number);
    if (start_executor(link, number, err))
        return -1;
    return was_ready;
}

/* Turn a message into an event. */
static void deliver(struct mx_link *link, uint32_t number, struct worker_message *message,
                    struct mx_link_event *event)
{
    struct executor *executor = &link->executors[number];

    event->executor = number;
    event->lease = message->lease;
    event->stage = message->stage;
    event->seconds = message->seconds;
    if (message->type == WORKER_MESSAGE_HELLO) {
        event->kind = MX_LINK_UP;
        executor->ready = true;
        memcpy(executor->device, message->device, sizeof executor->device);
    } else if (message->type == WORKER_MESSAGE_DONE) {
        event->kind = MX_LINK_DONE;
        executor->busy = false;
        link->lent = message->result;
        event->result = link->lent;
        message->result = (struct worker_result){0};
    } else {
        event->kind = MX_LINK_FAILED;
        executor->busy = false;
        event->code = message->code;
        memcpy(event->text, message->text, sizeof event->text);
    }
    memcpy(event->device, executor->device, sizeof event->device);
}

/* The next whole message that has come from an executor. 1, 0 or -1. */
static int next_message(struct mx_link *link, uint32_t number, struct mx_link_event *event,
                        struct mx_err *err)
{
    struct executor      *executor = &link->executors[number];
    struct worker_message message;
    long used = worker_message_take(executor->in.data, executor->in.len, &message, err);

    if (used <= 0)
        return (int)used;
    deliver(link, number, &message, event);
    worker_message_free(&message);
    memmove(executor->in.data, executor->in.data + used, executor->in.len - (size_t)used);
    executor->in.len -= (size_t)used;
    return 1;
}

/* What has already come, executor by executor: messages first, then deaths, so
 * that a result sent just before dying counts. 1, 0 or -1. */
static int next_event(struct mx_link *link, struct mx_link_event *event, struct mx_err *err)
{
    for (uint32_t i = 0; i < link->options.workers; i++) {
        int rc = next_message(link, i, event, err);

        if (rc == 0 && link->executors[i].ended)
            rc = bury(link, i, event, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* Read what is there without waiting. */
static void read_waiting(struct executor *executor)
{
    char    piece[1 << 14];
    ssize_t n;

    while ((n = recv(executor->child.socket, piece, sizeof piece, MSG_DONTWAIT)) > 0)
        mx_buf_add(&executor->in, piece, (size_t)n);
}

/* A stage whose progress counter stands still for too long is hung. */
static void kill_stalled(struct mx_link *link, double now_s)
{
    for (uint32_t i = 0; i < link->options.workers; i++) {
        struct executor *executor = &link->executors[i];
        uint64_t         done, total;

        if (!executor->busy || link->options.stall_timeout_s <= 0)
            continue;
        worker_progress_get(&link->slots[i], &done, &total);
        if (done != executor->last_done) {
            executor->last_done = done;
            executor->last_moved_s = now_s;
        } else if (now_s - executor->last_moved_s > link->options.stall_timeout_s) {
            mx_link_kill(link, i, MX_REASON_STALLED);
        }
    }
}

/* Wait for bytes, deaths or the wake descriptor. Returns -1 with *err. */
static int wait_for_bytes(struct mx_link *link, double timeout_s, int wake_fd, struct mx_err *err)
{
    unsigned workers = link->options.workers;
    int timeout_ms = timeout_s > 3600 ? 3600000 : timeout_s > 0 ? (int)ceil(timeout_s * 1e3) : 0;

    for (uint32_t i = 0; i < workers; i++) {
        link->polled[2 * i] = (struct pollfd){link->executors[i].child.socket, POLLIN, 0};
        link->polled[2 * i + 1] = (struct pollfd){link->executors[i].child.pidfd, POLLIN, 0};
    }
    link->polled[2 * workers] = (struct pollfd){wake_fd, POLLIN, 0};
    if (poll(link->polled, 2 * workers + 1, timeout_ms) < 0)
        return errno == EINTR ? 0 : mx_fail_errno(err, MX_EIO, errno, "cannot wait for executors");
    for (uint32_t i = 0; i < workers; i++) {
        struct executor *executor = &link->executors[i];

        /* Death is looked at before the last read: what was sent before it is then all there. */
        executor->ended = executor->ended || link->polled[2 * i + 1].revents != 0;
        if (link->polled[2 * i].revents || executor->ended)
            read_waiting(executor);
        if (!mx_buf_ok(&executor->in))
            return mx_fail(err, MX_ENOMEM, "no memory for messages of executor %u", (unsigned)i);
        /* A closed socket stays readable: only the death that follows is of interest. */
        if ((link->polled[2 * i].revents & POLLHUP) && !executor->ended)
            kill(executor->child.pid, SIGKILL);
    }
    return 0;
}

int mx_link_poll(struct mx_link *link, double timeout_s, int wake_fd, struct mx_link_event *event,
                 struct mx_err *err)
{
    int rc;

    worker_result_free(&link->lent);
    memset(event, 0, sizeof *event);
    memcpy(event->host, link->host, sizeof event->host);
    if ((rc = next_event(link, event, err)) != 0)
        return rc;
    if (wait_for_bytes(link, timeout_s, wake_fd, err))
        return -1;
    kill_stalled(link, mx_clock_monotonic_s());
    return next_event(link, event, err);
}

double mx_link_progress(const struct mx_link *link, uint32_t number)
{
    uint64_t done, total;

    if (!link->executors[number].busy)
        return NAN;
    worker_progress_get(&link->slots[number], &done, &total);
    return total > 0 ? (double)done / (double)total : 0.0;
}

/* Idle executors end when their socket closes; busy ones are ended. */
static void end_executor(struct executor *executor)
{
    struct pollfd ended = {executor->child.pidfd, POLLIN, 0};

    if (executor->child.pid == 0)
        return;
    if (executor->child.socket >= 0)
        close(executor->child.socket);
    if (executor->busy || poll(&ended, 1, CLOSE_WAIT_MS) <= 0)
        kill(executor->child.pid, SIGKILL);
    waitid(P_PIDFD, (id_t)executor->child.pidfd, &(siginfo_t){0}, WEXITED);
    close(executor->child.pidfd);
}

void mx_link_close(struct mx_link *link)
{
    if (!link)
        return;
    for (uint32_t i = 0; i < link->options.workers; i++) {
        end_executor(&link->executors[i]);
        mx_buf_free(&link->executors[i].in);
    }
    worker_result_free(&link->lent);
    if (link->slots)
        munmap(link->slots, link->options.workers * sizeof *link->slots);
    if (link->progress_fd >= 0)
        close(link->progress_fd);
    free(link->polled);
    free(link->program);
    free(link);
}
