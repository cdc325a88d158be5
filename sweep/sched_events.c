/* sched_events.c - events in, actions out. */
#include "sweep/sched_core.h"

/* The stage that a report is about, or MX_NOBODY if its lease is not held. */
static uint32_t reported(const struct mx_sched *sched, const struct mx_event *event, uint32_t i)
{
    if (i >= sched->nstages || sched->stages[i].state != MX_STAGE_RUNNING ||
        sched->stages[i].lease != event->lease)
        return MX_NOBODY;
    return i;
}

static void stage_ended(struct mx_sched *sched, const struct mx_event *event)
{
    uint32_t i = reported(sched, event, mx_names_inside(&sched->stage_names, event->stage));

    if (i == MX_NOBODY)
        return;
    if (event->kind == MX_EVENT_STAGE_DONE)
        mx_queue_done(sched, i, event->seconds);
    else if (event->kind == MX_EVENT_STAGE_PAUSED)
        mx_sched_pause(sched, i, event);
    else
        mx_queue_failed(sched, i, event->reason);
}

/* Everything that runs is void and has not counted; nobody is there any more. */
static void end_all(struct mx_sched *sched)
{
    sched->draining = true;
    for (uint32_t x = 0; x < sched->nexecutors; x++)
        mx_queue_lost(sched, x, 0, MX_REASON_NONE);
}

static int tell_ended(struct mx_sched *sched, struct mx_actions *actions, struct mx_err *err)
{
    while (sched->ended.head != MX_NOBODY) {
        uint32_t trial = sched->ended.head;

        if (mx_sched_reserve(actions, err))
            return -1;
        mx_chain_remove(&sched->ended, sched->ended_links, trial);
        sched->trials[trial].to_tell = false;
        actions->list[actions->count++] = (struct mx_action){
            .kind = MX_ACTION_TRIAL_ENDED,
            .trial = trial,
            .state = sched->trials[trial].state,
            .reason = sched->trials[trial].reason,
        };
    }
    return 0;
}

/* The running chain is in order of start, and so of deadline. */
static int kill_overdue(struct mx_sched *sched, struct mx_actions *actions, struct mx_err *err)
{
    while (mx_sched_deadline(sched) <= sched->now_s) {
        uint32_t                    executor = sched->running.head;
        uint32_t                    i = sched->executors[executor].queue.head;
        const struct mx_stage_node *stage = &sched->stages[i];

        if (mx_sched_reserve(actions, err))
            return -1;
        mx_queue_overdue(sched, executor);
        actions->list[actions->count++] = (struct mx_action){
            .kind = MX_ACTION_KILL,
            .executor = executor,
            .stage = i,
            .lease = stage->lease,
            .attempt = stage->failures + 1,
            .reason = MX_REASON_TIMED_OUT,
        };
    }
    return 0;
}

/* A stage that takes as long as others of its kind did would not end in time, and
 * what it had done would be lost. What follows would not either, or hardly: it
 * drains. Executors that rest then do so for less than one such stage takes. */
static bool is_too_late(struct mx_sched *sched, uint32_t i)
{
    const struct mx_stage_node *stage = &sched->stages[i];

    if (!(sched->options.limit_s > 0) || stage->resumable ||
        !(sched->now_s + sched->mean_s[stage->kind] > sched->options.limit_s))
        return false;
    sched->draining = sched->late = true;
    return true;
}

/* Give an executor stages until it has enough. */
static int fill(struct mx_sched *sched, uint32_t executor, struct mx_actions *actions,
                struct mx_err *err)
{
    while (sched->nready > 0) {
        uint32_t i = mx_group_choose(sched, executor);

        if (!mx_queue_fits(sched, executor, i) || is_too_late(sched, i))
            break;
        if (mx_sched_reserve(actions, err))
            return -1;
        mx_queue_lease(sched, executor, i);
        actions->list[actions->count++] = (struct mx_action){
            .kind = MX_ACTION_START,
            .executor = executor,
            .stage = i,
            .lease = sched->stages[i].lease,
            .attempt = sched->stages[i].failures + 1,
            .brief = sched->stages[i].expected_ns < sched->batch_ns,
            .epoch = mx_sched_until(sched, i),
        };
    }
    return 0;
}

/* The idle come first; then the one whose queue this event has made shorter. */
static int dispatch(struct mx_sched *sched, struct mx_actions *actions, struct mx_err *err)
{
    uint32_t refill = sched->refill;

    if (sched->draining)
        return 0;
    while (sched->idle.head != MX_NOBODY && sched->nready > 0 && !sched->draining)
        if (fill(sched, mx_group_next(sched), actions, err))
            return -1;
    sched->refill = MX_NOBODY;
    if (refill == MX_NOBODY || sched->draining || !mx_queue_is_low(sched, refill))
        return 0;
    return fill(sched, refill, actions, err);
}

static void handle(struct mx_sched *sched, const struct mx_event *event)
{
    switch (event->kind) {
    case MX_EVENT_TIME:
        break;
    case MX_EVENT_EXECUTOR_UP:
        mx_hosts_up(sched, event->executor, event->host);
        mx_queue_up(sched, event->executor);
        break;
    case MX_EVENT_EXECUTOR_LOST:
        mx_queue_lost(sched, event->executor, event->lease, event->reason);
        break;
    case MX_EVENT_EXECUTOR_GONE:
        mx_hosts_gone(sched, event->executor);
        break;
    case MX_EVENT_STAGE_DONE:
    case MX_EVENT_STAGE_FAILED:
    case MX_EVENT_STAGE_PAUSED:
        stage_ended(sched, event);
        break;
    case MX_EVENT_DRAIN:
        sched->draining = true;
        break;
    case MX_EVENT_END:
        end_all(sched);
        break;
    }
}

/* Stages and trials as they are called outside. */
static void name_actions(const struct mx_sched *sched, struct mx_actions *actions)
{
    for (size_t k = 0; k < actions->count; k++) {
        struct mx_action *action = &actions->list[k];

        if (action->kind == MX_ACTION_TRIAL_ENDED)
            action->trial = mx_names_outside(&sched->trial_names, action->trial);
        else if (action->kind != MX_ACTION_HOST)
            action->stage = mx_names_outside(&sched->stage_names, action->stage);
    }
}

int mx_sched_event(struct mx_sched *sched, const struct mx_event *event, struct mx_actions *actions,
                   struct mx_err *err)
{
    int rc = -1;

    actions->count = 0;
    if (event->kind == MX_EVENT_EXECUTOR_UP &&
        (mx_queue_know(sched, event->executor, err) || mx_hosts_know(sched, event->host, err)))
        return -1;
    if (!sched->started) {
        sched->started = true;
        mx_sched_break_cells(sched);
    }
    if (event->now_s > sched->now_s)
        sched->now_s = event->now_s;
    handle(sched, event);
    if (mx_hosts_review(sched, actions, err) == 0 && mx_sched_decide(sched, actions, err) == 0 &&
        tell_ended(sched, actions, err) == 0 && kill_overdue(sched, actions, err) == 0)
        rc = dispatch(sched, actions, err);
    name_actions(sched, actions);
    mx_sched_compact(sched);
    return rc;
}
