/* link_ranks.c - the other ranks: their messages, their silence, their loss. */
#include "sweep/link_ranks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static const double beats_a_timeout = 8; /* signs of life in the time after which one is missed */
static const double look_every_s = 1;    /* at the processes of ranks on our own host */

int link_tell(struct mx_link *link, unsigned rank, const struct mx_rank_message *message,
              struct mx_err *err)
{
    if (link->ranks[rank].state >= LINK_RANK_LEFT)
        return 0;
    mx_buf_clear(&link->frame);
    mx_rank_message_put(&link->frame, message);
    if (!mx_buf_ok(&link->frame))
        return mx_fail(err, MX_ENOMEM, "no memory for a message to rank %u", rank);
    return mx_comm_send(link->comm, rank, link->frame.data, link->frame.len, err);
}

static bool is_near(const struct mx_link *link, const struct mx_process *process)
{
    return mx_process_same_space(process, &link->ranks[0].process);
}

static bool is_alive(const struct mx_process *process)
{
    uint64_t start;

    return mx_owner_machine.start_of(NULL, process->pid, &start) && start == process->start;
}

/* A rank's executors are gone, and nothing is expected of it any more. */
static void count_out(struct mx_link *link, unsigned rank, enum link_rank_state state,
                      const char *why)
{
    struct link_rank *r = &link->ranks[rank];

    r->state = state;
    snprintf(r->loss, sizeof r->loss, "%s: %.300s",
             state == LINK_RANK_LEFT ? "has left" : "is lost", why);
    link->nlosing++;
    link->left -= r->workers - r->gone;
}

int link_lose_executor(struct mx_link *link, unsigned rank, struct mx_link_event *event,
                       struct mx_err *err)
{
    event->kind = MX_LINK_GONE;
    link->ranks[rank].gone++;
    if (--link->left > 0)
        return 0;
    return mx_fail(err, MX_EGPU, "no executor is left: the last one cannot start (%.300s)",
                   event->text);
}

void link_lose_rank(struct mx_link *link, unsigned rank, const char *why)
{
    struct link_rank *r = &link->ranks[rank];

    if (r->state == LINK_RANK_LOST)
        return;
    /* One on our own host that only seems dead must not go on working on what
     * others do again. (Elsewhere it notices its own silence: rank.c.) */
    if (r->state != LINK_RANK_AWAITED && is_near(link, &r->process) && is_alive(&r->process))
        mx_process_end(&r->process);
    mx_comm_drop(link->comm, rank);
    if (link->current == (int)rank)
        link->current = -1;
    if (r->state == LINK_RANK_LEFT)
        r->state = LINK_RANK_LOST;
    else
        count_out(link, rank, LINK_RANK_LOST, why);
}

/* Signs of life from us, so that a rank knows that it is not forgotten. */
static int beat(struct mx_link *link, double now_s, struct mx_err *err)
{
    static const struct mx_rank_message sign = {.type = MX_RANK_BEAT};

    if (now_s - link->beat_s < link->rank_timeout_s / beats_a_timeout)
        return 0;
    link->beat_s = now_s;
    for (unsigned r = 1; r < link->nranks; r++)
        /* One that does not even take the last sign needs no other. */
        if (link->ranks[r].state == LINK_RANK_LIVE && mx_comm_pending(link->comm, r) == 0 &&
            link_tell(link, r, &sign, err))
            return -1;
    return 0;
}

/* Silence counts on a watch that stands still while we ourselves did not look:
 * a slow disk of ours is not the death of others. */
static void find_silent(struct mx_link *link, double now_s)
{
    char why[256];

    link->watch_s += fmin(now_s - link->watched_s, link->rank_timeout_s / beats_a_timeout);
    link->watched_s = now_s;
    for (unsigned r = 1; r < link->nranks; r++) {
        struct link_rank *rank = &link->ranks[r];

        if (rank->state == LINK_RANK_LIVE && link->watch_s - rank->heard_s > link->rank_timeout_s) {
            snprintf(why, sizeof why, "it has been silent for %.0f s (schedule.rank_timeout)",
                     link->rank_timeout_s);
            link_lose_rank(link, r, why);
        }
    }
}

/* The death of a process on our own host can be seen at once. */
static void find_dead(struct mx_link *link, double now_s)
{
    if (now_s - link->looked_s < look_every_s)
        return;
    link->looked_s = now_s;
    for (unsigned r = 1; r < link->nranks; r++) {
        const struct link_rank *rank = &link->ranks[r];

        if (rank->state == LINK_RANK_LIVE && is_near(link, &rank->process) &&
            !is_alive(&rank->process))
            link_lose_rank(link, r, "its process has ended");
    }
}

int link_tend_ranks(struct mx_link *link, struct mx_err *err)
{
    double now_s = mx_clock_monotonic_s();

    mx_comm_progress(link->comm);
    if (beat(link, now_s, err))
        return -1;
    find_silent(link, now_s);
    find_dead(link, now_s);
    return 0;
}

/* The numbers that a sign of life brings: how far the executors are, and how its GPUs do. */
static void take_progress(struct mx_link *link, unsigned number,
                          const struct mx_rank_message *message)
{
    const struct link_rank *rank = &link->ranks[number];
    const unsigned char    *at = message->bytes;
    struct mx_wire          wire = {.at = at, .end = at + message->len};

    for (uint32_t i = 0; i < rank->workers && wire.at < wire.end; i++)
        link->progress[rank->first + i] = mx_take_real(&wire);
    mx_gpus_take_figures(&wire, &link->gpus[number]);
}

/* An executor's own message, passed on by its rank. */
static int take_answer(struct mx_link *link, const struct mx_rank_message *message,
                       struct mx_link_event *event, struct mx_err *err)
{
    struct worker_message *answer = &link->message;

    worker_message_free(answer);
    if (worker_message_take(message->bytes, message->len, answer, NULL, err) != (long)message->len)
        return mx_fail(err, MX_EINTERNAL, "an answer of executor %u is damaged",
                       (unsigned)message->executor);
    event->kind = answer->type == WORKER_MESSAGE_DONE     ? MX_LINK_DONE
                  : answer->type == WORKER_MESSAGE_FAILED ? MX_LINK_FAILED
                                                          : MX_LINK_GROUP;
    event->group = answer;
    event->lease = answer->lease;
    event->stage = answer->stage;
    event->seconds = answer->seconds;
    event->code = answer->code;
    event->result = &answer->result;
    event->note = answer->note;
    memcpy(event->text, answer->text, sizeof event->text);
    return 1;
}

static bool owns(const struct link_rank *rank, uint32_t executor)
{
    return executor >= rank->first && executor - rank->first < rank->workers;
}

/* A message about an executor, as an event. */
static int executor_event(struct mx_link *link, unsigned rank,
                          const struct mx_rank_message *message, struct mx_link_event *event,
                          struct mx_err *err)
{
    if (!owns(&link->ranks[rank], message->executor))
        return mx_fail(err, MX_EINTERNAL, "it speaks of executor %u, which is not its own",
                       (unsigned)message->executor);
    *event = (struct mx_link_event){.executor = message->executor,
                                    .rank = rank,
                                    .lease = message->lease,
                                    .reason = message->reason,
                                    .gpu = message->gpu};
    memcpy(event->host, link->ranks[rank].process.host, sizeof event->host);
    if (message->type != MX_RANK_ANSWER)
        link->up[message->executor] = message->type == MX_RANK_UP;
    if (message->type == MX_RANK_UP) {
        link->lives[message->executor] = message->life;
        memcpy(link->devices[message->executor], message->device, sizeof message->device);
    }
    event->life = link->lives[message->executor];
    memcpy(event->device, link->devices[message->executor], sizeof event->device);
    if (message->type == MX_RANK_ANSWER)
        return take_answer(link, message, event, err);
    event->kind = message->type == MX_RANK_UP ? MX_LINK_UP : MX_LINK_LOST;
    memcpy(event->text, message->text, sizeof event->text);
    if (message->type == MX_RANK_GONE && link_lose_executor(link, rank, event, err))
        return -1;
    return 1;
}

/* 1 with *event, 0 if the message is none for the scheduler, -1: it is wrong. */
static int handle(struct mx_link *link, unsigned rank, const struct mx_rank_message *message,
                  struct mx_link_event *event, struct mx_err *err)
{
    switch (message->type) {
    case MX_RANK_UP:
    case MX_RANK_LOST:
    case MX_RANK_GONE:
    case MX_RANK_ANSWER:
        return executor_event(link, rank, message, event, err);
    case MX_RANK_BEAT:
        take_progress(link, rank, message);
        return 0;
    case MX_RANK_TREE:
        if (link->reduce_err.code == MX_OK)
            mx_reduction_take(link->reduction, rank, message->bytes, message->len,
                              &link->reduce_err);
        return 0;
    case MX_RANK_LEAVING:
        if (link->ranks[rank].state == LINK_RANK_LIVE)
            count_out(link, rank, LINK_RANK_LEFT, message->text);
        return 0;
    case MX_RANK_ENDED:
        link->ranks[rank].state = LINK_RANK_ENDED;
        return 0;
    default:
        return mx_fail(err, MX_EINTERNAL, "it sent a message of type %d, which is not for rank 0",
                       (int)message->type);
    }
}

/* The next message in a rank's inbox. 1 with *event, 0 if there is no whole one
 * left, 2 if one was used up. */
static int read_inbox(struct mx_link *link, unsigned rank, struct mx_link_event *event)
{
    struct link_rank      *r = &link->ranks[rank];
    struct mx_buf         *inbox = mx_comm_inbox(link->comm, rank);
    struct mx_rank_message message;
    struct mx_err          wrong = {0};
    long                   used =
        mx_rank_message_take(inbox->data + r->taken, inbox->len - r->taken, &message, &wrong);
    int rc;

    if (used == 0) {
        if (r->taken > 0) /* one that nothing ever came into has no memory */
            memmove(inbox->data, inbox->data + r->taken, inbox->len - r->taken);
        inbox->len -= r->taken;
        r->taken = 0;
        return 0;
    }
    rc = used < 0 ? -1 : handle(link, rank, &message, event, &wrong);
    if (rc < 0)
        link_lose_rank(link, rank, wrong.text);
    else
        r->taken += (size_t)used;
    return rc < 0 ? 0 : rc > 0 ? 1 : r->state == LINK_RANK_LOST ? 0 : 2;
}

/* A lost rank: first that it is lost, then that each of its executors is. */
static bool tell_loss(struct mx_link *link, struct mx_link_event *event)
{
    for (unsigned i = 1; i < link->nranks && link->nlosing > 0; i++) {
        struct link_rank *rank = &link->ranks[i];

        if ((rank->state != LINK_RANK_LOST && rank->state != LINK_RANK_LEFT) ||
            (rank->told && rank->buried == rank->workers))
            continue;
        *event = (struct mx_link_event){.kind = rank->told ? MX_LINK_LOST : MX_LINK_RANK_LOST,
                                        .rank = i,
                                        .reason = MX_REASON_CRASHED};
        memcpy(event->host, rank->process.host, sizeof event->host);
        if (rank->told) {
            event->executor = rank->first + rank->buried++;
            link->progress[event->executor] = NAN;
            snprintf(event->text, sizeof event->text, "rank %u%s%s %s", i,
                     rank->process.host[0] ? " on " : "", rank->process.host, rank->loss);
        } else {
            snprintf(event->text, sizeof event->text, "%s", rank->loss);
        }
        rank->told = true;
        link->nlosing -= rank->buried == rank->workers;
        return true;
    }
    return false;
}

int link_next_remote(struct mx_link *link, struct mx_link_event *event, struct mx_err *err)
{
    int rc = 0;

    while (rc != 1) {
        char     why[256];
        unsigned rank;

        if (link->current < 0 && (link->current = mx_comm_news(link->comm)) < 0)
            break;
        rank = (unsigned)link->current;
        link->ranks[rank].heard_s = link->watch_s;
        if ((rc = read_inbox(link, rank, event)) != 0)
            continue;
        if (mx_comm_gone(link->comm, rank, why, sizeof why))
            link_lose_rank(link, rank, why);
        link->current = -1;
    }
    if (rc == 1 || tell_loss(link, event))
        return 1;
    if (link->left > 0)
        return 0;
    return mx_fail(err, MX_EIO, "no executor is left: the ranks that had some are lost");
}
