/* link.c - orders out, events in. */
#include "sweep/link.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sweep/link_ranks.h"

/* Between two looks at MPI, which cannot wake us: short while something comes
 * in, long when all is quiet. */
static const double shortest_nap_s = 50e-6, longest_nap_s = 20e-3;

unsigned mx_link_workers(const struct mx_link *link)
{
    return link->workers;
}

unsigned mx_link_ranks(const struct mx_link *link)
{
    return link->nranks;
}

struct mx_link_rank mx_link_rank(const struct mx_link *link, unsigned rank)
{
    const struct link_rank *r = &link->ranks[rank];

    return (struct mx_link_rank){
        .host = r->process.host,
        .first = r->first,
        .workers = r->workers,
        .lost = r->state >= LINK_RANK_LEFT,
        .loss = r->loss,
        .gpus = &link->gpus[rank],
        .hand = &link->hands[rank],
    };
}

void mx_link_look_at_gpus(struct mx_link *link)
{
    if (link->hands[0].n > 0)
        mx_gpus_update(&link->nvml, &link->gpus[0]);
}

int link_order(struct mx_link *link, uint32_t executor, const struct worker_message *message,
               struct mx_err *err)
{
    struct mx_buf *orders = &link->orders[executor];

    if (link->ranks[link->rank_of[executor]].state >= LINK_RANK_LEFT)
        return 0; /* its loss is told, or about to be */
    if (orders->len == 0)
        link->waiting[link->nwaiting++] = executor;
    worker_message_put(orders, message);
    return mx_buf_ok(orders) ? 0
                             : mx_fail(err, MX_ENOMEM, "no memory for a message to executor %u",
                                       (unsigned)executor);
}

int mx_link_start(struct mx_link *link, uint32_t executor, uint64_t lease, uint32_t stage,
                  const struct worker_job *job, struct mx_err *err)
{
    const struct worker_message order = {
        .type = WORKER_MESSAGE_RUN, .lease = lease, .stage = stage, .job = job};

    return link_order(link, executor, &order, err);
}

static int send_orders(struct mx_link *link, uint32_t executor, struct mx_err *err)
{
    struct mx_rank_message message = {.type = MX_RANK_ORDER, .executor = executor};
    struct mx_buf         *orders = &link->orders[executor];
    unsigned               rank = link->rank_of[executor];

    if (rank == 0)
        return mx_supervisor_order(link->supervisor, executor, orders->data, orders->len, err);
    message.life = link->lives[executor];
    message.bytes = orders->data;
    message.len = orders->len;
    return link_tell(link, rank, &message, err);
}

static int send_waiting(struct mx_link *link, struct mx_err *err)
{
    while (link->nwaiting > 0) {
        uint32_t executor = link->waiting[--link->nwaiting];
        int      rc = send_orders(link, executor, err);

        mx_buf_clear(&link->orders[executor]);
        if (rc)
            return -1;
    }
    return 0;
}

void mx_link_kill(struct mx_link *link, uint32_t executor, enum mx_reason reason)
{
    struct mx_rank_message message = {.type = MX_RANK_KILL,
                                      .executor = executor,
                                      .life = link->lives[executor],
                                      .reason = reason};
    unsigned               rank = link->rank_of[executor];

    if (rank == 0)
        mx_supervisor_kill(link->supervisor, executor, reason);
    else
        link_tell(link, rank, &message, NULL);
}

int mx_link_reject(struct mx_link *link, const struct mx_link_event *event, struct mx_err *err)
{
    struct mx_rank_message message = {.type = MX_RANK_DROP, .lease = event->lease};

    if (event->rank != 0)
        return link_tell(link, event->rank, &message, err);
    worker_contributions_drop(link->own, event->lease);
    return 0;
}

/* What happened to an executor of ours, as an event. */
static int local_event(struct mx_link *link, const struct mx_supervisor_event *from,
                       struct mx_link_event *event, struct mx_err *err)
{
    const struct worker_message *message = from->message;

    *event = (struct mx_link_event){.executor = from->executor,
                                    .life = link->lives[from->executor],
                                    .lease = from->lease,
                                    .reason = from->reason,
                                    .gpu = from->gpu};
    memcpy(event->host, link->ranks[0].process.host, sizeof event->host);
    memcpy(event->device, from->device, sizeof event->device);
    switch (from->kind) {
    case MX_SUPERVISOR_UP:
        event->kind = MX_LINK_UP;
        event->life = ++link->lives[from->executor];
        link->up[from->executor] = true;
        return 0;
    case MX_SUPERVISOR_LOST:
        event->kind = MX_LINK_LOST;
        link->up[from->executor] = false;
        memcpy(event->text, from->text, sizeof event->text);
        return 0;
    case MX_SUPERVISOR_GONE:
        memcpy(event->text, from->text, sizeof event->text);
        return link_lose_executor(link, 0, event, err);
    case MX_SUPERVISOR_DONE:
        event->kind = MX_LINK_DONE;
        event->result = &message->result;
        break;
    case MX_SUPERVISOR_GROUP:
        event->kind = MX_LINK_GROUP;
        event->group = message;
        return 0;
    case MX_SUPERVISOR_FAILED:
        event->kind = MX_LINK_FAILED;
        event->code = message->code;
        memcpy(event->text, message->text, sizeof event->text);
        break;
    }
    event->lease = message->lease;
    event->stage = message->stage;
    event->seconds = message->seconds;
    event->note = message->note;
    if (event->kind == MX_LINK_FAILED || message->result.paused_epoch > 0)
        return 0;
    return worker_contributions_add(link->own, event->lease, event->stage, message->result.metrics,
                                    message->result.nmetrics, err);
}

/* What has come, without waiting. 1, 0 or -1. */
static int next_event(struct mx_link *link, struct mx_link_event *event, struct mx_err *err)
{
    struct mx_supervisor_event from;
    int                        rc = mx_supervisor_next(link->supervisor, &from, err);

    if (rc > 0)
        return local_event(link, &from, event, err) ? -1 : 1;
    if (rc == 0 && link->comm)
        rc = link_next_remote(link, event, err);
    return rc;
}

int mx_link_poll(struct mx_link *link, double timeout_s, int wake_fd, struct mx_link_event *event,
                 struct mx_err *err)
{
    int rc;

    if (send_waiting(link, err))
        return -1;
    if ((rc = next_event(link, event, err)) != 0) {
        link->nap_s = shortest_nap_s;
        return rc;
    }
    if (link->comm)
        timeout_s = fmin(timeout_s, link->nap_s);
    if (mx_supervisor_wait(link->supervisor, timeout_s, wake_fd, err))
        return -1;
    if (link->comm) {
        link->nap_s = fmin(2 * link->nap_s, longest_nap_s);
        if (link_tend_ranks(link, err))
            return -1;
    }
    if ((rc = next_event(link, event, err)) != 0)
        link->nap_s = shortest_nap_s;
    return rc;
}

double mx_link_progress(const struct mx_link *link, uint32_t executor)
{
    if (link->rank_of[executor] == 0)
        return mx_supervisor_progress(link->supervisor, executor);
    return link->progress[executor];
}
