/* link_local.c - the link where all executors are children of this process. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sweep/link.h"
#include "sweep/supervisor.h"
#include "worker/protocol.h"

/* What an executor was told to run; lease 0: nothing. */
struct order {
    uint64_t lease;
    uint32_t stage;
};

struct mx_link {
    struct mx_supervisor *supervisor;
    char                  host[64];
    struct order          orders[]; /* (workers) */
};

struct mx_link *mx_link_open(const struct mx_link_options *options, struct mx_err *err)
{
    struct mx_supervisor_options supervisor = {
        .program = options->program,
        .directory = options->directory,
        .workers = options->workers,
        .memory_bytes = options->memory_bytes,
        .stall_timeout_s = options->stall_timeout_s,
    };
    struct mx_link *link = calloc(1, sizeof *link + options->workers * sizeof link->orders[0]);

    if (!link) {
        mx_fail(err, MX_ENOMEM, "no memory for %u executors", options->workers);
        return NULL;
    }
    gethostname(link->host, sizeof link->host - 1);
    if (!(link->supervisor = mx_supervisor_open(&supervisor, err))) {
        mx_link_close(link);
        return NULL;
    }
    return link;
}

int mx_link_start(struct mx_link *link, uint32_t executor, uint64_t lease, uint32_t stage,
                  const struct worker_job *job, struct mx_err *err)
{
    struct worker_message order = {.type = WORKER_MESSAGE_RUN, .lease = lease, .stage = stage};
    struct mx_buf         frame = {0};
    int                   rc;

    order.job = *job;
    worker_message_put(&frame, &order);
    link->orders[executor] = (struct order){lease, stage};
    rc =
        mx_buf_ok(&frame)
            ? mx_supervisor_order(link->supervisor, executor, frame.data, frame.len, err)
            : mx_fail(err, MX_ENOMEM, "no memory for a message to executor %u", (unsigned)executor);
    mx_buf_free(&frame);
    return rc;
}

void mx_link_kill(struct mx_link *link, uint32_t executor, enum mx_reason reason)
{
    mx_supervisor_kill(link->supervisor, executor, reason);
}

static void translate(struct mx_link *link, const struct mx_supervisor_event *from,
                      struct mx_link_event *event)
{
    struct order *order = &link->orders[from->executor];

    event->executor = from->executor;
    event->lease = order->lease;
    event->stage = order->stage;
    event->reason = from->reason;
    memcpy(event->text, from->text, sizeof event->text);
    memcpy(event->device, from->device, sizeof event->device);
    memcpy(event->host, link->host, sizeof event->host);
    *order = (struct order){0};
    switch (from->kind) {
    case MX_SUPERVISOR_UP:
        event->kind = MX_LINK_UP;
        return;
    case MX_SUPERVISOR_LOST:
        event->kind = MX_LINK_LOST;
        return;
    case MX_SUPERVISOR_DONE:
        event->kind = MX_LINK_DONE;
        event->result = from->message->result;
        break;
    case MX_SUPERVISOR_FAILED:
        event->kind = MX_LINK_FAILED;
        event->code = from->message->code;
        memcpy(event->text, from->message->text, sizeof event->text);
        break;
    }
    event->lease = from->lease;
    event->stage = from->message->stage;
    event->seconds = from->message->seconds;
}

int mx_link_poll(struct mx_link *link, double timeout_s, int wake_fd, struct mx_link_event *event,
                 struct mx_err *err)
{
    struct mx_supervisor_event from;
    int                        rc = mx_supervisor_next(link->supervisor, &from, err);

    memset(event, 0, sizeof *event);
    if (rc == 0) {
        if (mx_supervisor_wait(link->supervisor, timeout_s, wake_fd, err))
            return -1;
        rc = mx_supervisor_next(link->supervisor, &from, err);
    }
    if (rc > 0)
        translate(link, &from, event);
    return rc;
}

double mx_link_progress(const struct mx_link *link, uint32_t executor)
{
    return link->orders[executor].lease ? mx_supervisor_progress(link->supervisor, executor) : NAN;
}

void mx_link_close(struct mx_link *link)
{
    if (!link)
        return;
    mx_supervisor_close(link->supervisor);
    free(link);
}
