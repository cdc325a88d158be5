/* supervisor_events.c - one event after another from what has come: answers, deaths. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "sweep/supervisor_private.h"

enum {
    MAX_FAILED_STARTS = 3 /* in a row, before an executor is given up */
};

void mx_supervisor_list(struct mx_supervisor *supervisor, uint32_t index)
{
    unsigned workers = supervisor->options.workers;

    if (supervisor->executors[index].listed)
        return;
    supervisor->executors[index].listed = true;
    supervisor->list[(supervisor->list_first + supervisor->list_count++) % workers] = index;
}

static void unlist_first(struct mx_supervisor *supervisor)
{
    supervisor->executors[supervisor->list[supervisor->list_first]].listed = false;
    supervisor->list_first = (supervisor->list_first + 1) % supervisor->options.workers;
    supervisor->list_count--;
}

/* Signal 9 has no sender: what the system sends it for. A limit is ours, and executors have it too. */
static void describe_kill(char *out, size_t room)
{
    struct rlimit limit;
    char          spent[80] = "";

    if (getrlimit(RLIMIT_CPU, &limit) == 0 && limit.rlim_max != RLIM_INFINITY)
        snprintf(spent, sizeof spent, "its CPU time was over (ulimit -t %llu), or ",
                 (unsigned long long)limit.rlim_max);
    snprintf(out, room,
             "the executor was killed (signal 9); if nobody did that, %sthe machine ran out of "
             "memory",
             spent);
}

/* Say how a process ended, for people. */
static void describe_end(const struct mx_supervised *executor, const siginfo_t *info, char *out,
                         size_t room)
{
    char   words[MX_LAST_WORDS_SIZE];
    size_t n;

    if (executor->kill_reason)
        snprintf(out, room, "the executor was ended: %s%s%s",
                 mx_reason_names[executor->kill_reason], executor->complaint[0] ? ": " : "",
                 executor->complaint);
    else if (info->si_code == CLD_EXITED)
        snprintf(out, room, "the executor ended with exit status %d", info->si_status);
    else if (info->si_status == SIGKILL)
        describe_kill(out, room);
    else
        snprintf(out, room, "the executor crashed with signal %d (%s)", info->si_status,
                 strsignal(info->si_status));
    n = strlen(out);
    if (mx_output_log_last_words(executor->log, words)[0])
        snprintf(out + n, room - n, "; its last words: %s", words);
}

/* The stage to blame for a death. An answer that came through ends the blame,
 * even if the executor had no time to say so. */
static uint64_t lease_to_blame(const struct mx_supervisor *supervisor, uint32_t index)
{
    const struct mx_supervised *executor = &supervisor->executors[index];
    uint64_t                    lease = worker_progress_lease(&supervisor->slots[index]);

    if (lease == 0)
        return executor->first;
    return lease == executor->answered ? 0 : lease;
}

/* An executor cannot be started. On CPUs none can: all are alike. A GPU may have failed alone. */
static int give_up(struct mx_supervisor *supervisor, struct mx_supervised *executor,
                   struct mx_supervisor_event *event, struct mx_err *err)
{
    if (supervisor->options.ngpus == 0)
        return mx_fail(err, MX_EIO, "executor %u cannot start (%.220s); see %.200s",
                       (unsigned)event->executor, event->text, mx_output_log_path(executor->log));
    event->kind = MX_SUPERVISOR_GONE;
    executor->ended = false; /* there is no process to look after */
    return 1;
}

/* Fill a LOST event for an executor that has ended, and start another in its
 * place. Returns 1 if there is an event, 0 if it died before it was ready, -1. */
static int bury(struct mx_supervisor *supervisor, uint32_t index, struct mx_supervisor_event *event,
                struct mx_err *err)
{
    struct mx_supervised *executor = &supervisor->executors[index];
    siginfo_t             info = {0};
    bool                  was_ready = executor->ready;

    waitid(P_PIDFD, (id_t)executor->child.pidfd, &info, WEXITED);
    mx_supervised_close(&executor->child);
    event->kind = MX_SUPERVISOR_LOST;
    event->lease = lease_to_blame(supervisor, index);
    event->gpu = mx_gpu_meter_end(supervisor->meter, index, INFINITY, false);
    event->reason = executor->kill_reason ? executor->kill_reason : MX_REASON_CRASHED;
    describe_end(executor, &info, event->text, sizeof event->text);
    memcpy(event->device, executor->device, sizeof event->device);
    executor->failed_starts = was_ready ? 0 : executor->failed_starts + 1;
    if (executor->failed_starts >= MAX_FAILED_STARTS)
        return give_up(supervisor, executor, event, err);
    if (mx_supervised_start(supervisor, index, err))
        return -1;
    return was_ready;
}

/* What an executor computes on: its GPU by model and UUID, or what it says itself. */
static void name_device(const struct mx_supervisor *supervisor, struct mx_supervised *executor)
{
    const struct mx_supervisor_gpu *gpu =
        mx_supervised_gpu(supervisor, (uint32_t)(executor - supervisor->executors));

    if (gpu)
        snprintf(executor->device, sizeof executor->device, "%.*s, %s",
                 (int)(sizeof executor->device - sizeof ", " - strlen(gpu->uuid)), gpu->model,
                 gpu->uuid);
    else
        memcpy(executor->device, supervisor->lent.device, sizeof executor->device);
}

static bool ends_order(const struct worker_message *message)
{
    return message->type == WORKER_MESSAGE_DONE || message->type == WORKER_MESSAGE_FAILED ||
           message->type == WORKER_MESSAGE_GROUPED;
}

/* Turn the message that is lent next, with its frame, into an event. Returns
 * false if no executor in its right mind sends it now. */
static bool deliver(struct mx_supervisor *supervisor, struct mx_supervised *executor, size_t len,
                    struct mx_supervisor_event *event)
{
    const struct worker_message *message = &supervisor->lent;

    if (message->type == WORKER_MESSAGE_HELLO && !executor->ready) {
        event->kind = MX_SUPERVISOR_UP;
        executor->ready = true;
        name_device(supervisor, executor);
    } else if ((ends_order(message) || message->type == WORKER_MESSAGE_PART) &&
               executor->waiting > 0) {
        event->kind = message->type == WORKER_MESSAGE_DONE     ? MX_SUPERVISOR_DONE
                      : message->type == WORKER_MESSAGE_FAILED ? MX_SUPERVISOR_FAILED
                                                               : MX_SUPERVISOR_GROUP;
        event->lease = message->lease;
        event->message = message;
        event->frame = executor->in.data + executor->taken;
        event->frame_len = len;
        executor->waiting -= ends_order(message);
        if (ends_order(message))
            event->gpu =
                mx_gpu_meter_end(supervisor->meter, (uint32_t)(executor - supervisor->executors),
                                 message->seconds, executor->waiting > 0);
        executor->first = 0;
        executor->answered = message->lease;
    } else {
        return false;
    }
    memcpy(event->device, executor->device, sizeof event->device);
    return true;
}

/* The next whole message that has come from an executor; 1 or 0. One that makes
 * no sense is the executor's end. */
static int next_message(struct mx_supervisor *supervisor, struct mx_supervised *executor,
                        struct mx_supervisor_event *event)
{
    struct mx_err why = {0};
    long          used = 0;

    if (executor->in.len > executor->taken)
        used =
            worker_message_take(executor->in.data + executor->taken,
                                executor->in.len - executor->taken, &supervisor->lent, NULL, &why);
    if (used == 0)
        return 0;
    if (used > 0 && deliver(supervisor, executor, (size_t)used, event)) {
        executor->taken += (size_t)used;
        return 1;
    }
    mx_supervised_kill(executor, MX_REASON_CRASHED,
                       used < 0 ? why.text : "it sent an answer to nothing");
    executor->taken = executor->in.len; /* nothing that follows can be trusted */
    return 0;
}

int mx_supervisor_next(struct mx_supervisor *supervisor, struct mx_supervisor_event *event,
                       struct mx_err *err)
{
    worker_message_free(&supervisor->lent);
    for (; supervisor->list_count > 0; unlist_first(supervisor)) {
        uint32_t              index = supervisor->list[supervisor->list_first];
        struct mx_supervised *executor = &supervisor->executors[index];
        int                   rc;

        event->executor = supervisor->options.first + index;
        event->lease = 0;
        event->reason = MX_REASON_NONE;
        event->text[0] = event->device[0] = '\0';
        event->gpu = (struct mx_gpu_use){.known = false};
        event->message = NULL;
        event->frame = NULL;
        event->frame_len = 0;
        rc = next_message(supervisor, executor, event);
        if (rc == 0 && executor->ended)
            rc = bury(supervisor, index, event, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}
