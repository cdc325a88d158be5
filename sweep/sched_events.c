#include <inttypes.h>
#include <stdlib.h>

#include "sweep/sched_core.h"

enum {
    MAX_EXECUTORS = 1 << 20,
    LOOK_AHEAD = 8 /* ready stages looked at for one that has not failed here */
};

/* Make executors [0 .. executor] known. */
static int know_executor(struct mx_sched *sched, uint32_t executor, struct mx_err *err)
{
    uint32_t                 room = sched->nexecutors ? sched->nexecutors : 8;
    struct mx_executor_node *executors;
    struct mx_link_pair     *links;

    if (executor < sched->nexecutors)
        return 0;
    if (executor >= MAX_EXECUTORS)
        return mx_fail(err, MX_EINVAL, "executor %" PRIu32 " is beyond the %d that are possible",
                       executor, MAX_EXECUTORS);
    while (room <= executor)
        room *= 2;
    if (!(executors = realloc(sched->executors, room * sizeof executors[0])))
        goto nomem;
    sched->executors = executors;
    if (!(links = realloc(sched->idle_links, room * sizeof links[0])))
        goto nomem;
    sched->idle_links = links;
    for (uint32_t x = sched->nexecutors; x < room; x++)
        executors[x] =
            (struct mx_executor_node){.stage = MX_NOBODY, .affine = {MX_NOBODY, MX_NOBODY}};
    sched->nexecutors = room;
    return 0;
nomem:
    return mx_fail(err, MX_ENOMEM, "no memory for executor %" PRIu32, executor);
}

/* Room for one more action. */
static int reserve(struct mx_actions *actions, struct mx_err *err)
{
    size_t            room = actions->room ? 2 * actions->room : 16;
    struct mx_action *list;

    if (actions->count < actions->room)
        return 0;
    if (!(list = realloc(actions->list, room * sizeof list[0])))
        return mx_fail(err, MX_ENOMEM, "no memory for %zu actions of the scheduler", room);
    actions->list = list;
    actions->room = room;
    return 0;
}

/* Take the lease away from whoever holds the stage. */
static void end_lease(struct mx_sched *sched, uint32_t i)
{
    struct mx_stage_node *stage = &sched->stages[i];

    if (!stage->overdue)
        mx_chain_remove(&sched->running, sched->ready_links, i);
    stage->overdue = false;
    stage->lease = 0;
    sched->executors[stage->executor].stage = MX_NOBODY;
    sched->nleases--;
    mx_sched_leave_stage(sched, i);
}

static void set_idle(struct mx_sched *sched, uint32_t executor)
{
    mx_chain_push(&sched->idle, sched->idle_links, executor);
}

/* An attempt failed: again, or for good. */
static void attempt_failed(struct mx_sched *sched, uint32_t i, enum mx_reason reason)
{
    struct mx_stage_node *stage = &sched->stages[i];
    bool                  final;

    if (reason == MX_REASON_NONE)
        reason = MX_REASON_CRASHED;
    final = mx_sched_final(sched, i, reason);
    end_lease(sched, i);
    stage->failures++;
    stage->avoid = stage->executor;
    if (final)
        mx_sched_settle(sched, i, MX_STAGE_FAILED, reason);
    else
        mx_sched_make_ready(sched, i, MX_NOBODY);
    mx_sched_rest_users(sched, i);
}

static void executor_lost(struct mx_sched *sched, uint32_t executor, enum mx_reason reason)
{
    struct mx_executor_node *node;
    uint32_t                 stage;

    if (executor >= sched->nexecutors || !sched->executors[executor].up)
        return;
    node = &sched->executors[executor];
    node->up = false;
    if ((stage = node->stage) == MX_NOBODY)
        mx_chain_remove(&sched->idle, sched->idle_links, executor);
    else
        attempt_failed(sched, stage, sched->stages[stage].overdue ? MX_REASON_TIMED_OUT : reason);
}

/* One that holds a lease and says that it is ready was replaced meanwhile. */
static void executor_up(struct mx_sched *sched, uint32_t executor)
{
    if (sched->executors[executor].stage != MX_NOBODY)
        executor_lost(sched, executor, MX_REASON_CRASHED);
    if (sched->executors[executor].up)
        return;
    sched->executors[executor].up = true;
    set_idle(sched, executor);
}

/* The stage that a report is about, or MX_NOBODY if its lease is not held. */
static uint32_t reported(const struct mx_sched *sched, const struct mx_event *event)
{
    if (event->stage >= sched->nstages || sched->stages[event->stage].state != MX_STAGE_RUNNING ||
        sched->stages[event->stage].lease != event->lease)
        return MX_NOBODY;
    return event->stage;
}

static void stage_ended(struct mx_sched *sched, const struct mx_event *event)
{
    uint32_t i = reported(sched, event), executor;
    bool     overdue;

    if (i == MX_NOBODY)
        return;
    executor = sched->stages[i].executor;
    overdue = sched->stages[i].overdue;
    if (event->kind == MX_EVENT_STAGE_FAILED) {
        attempt_failed(sched, i, overdue ? MX_REASON_TIMED_OUT : event->reason);
    } else {
        end_lease(sched, i);
        mx_sched_settle(sched, i, MX_STAGE_DONE, MX_REASON_NONE);
        mx_sched_rest_users(sched, i);
    }
    /* One that was told to be killed dies yet: its next life reports itself. */
    if (overdue)
        sched->executors[executor].up = false;
    else
        set_idle(sched, executor);
}

/* Everything that runs is void and has not counted; nobody is there any more. */
static void end_all(struct mx_sched *sched)
{
    sched->draining = true;
    for (uint32_t x = 0; x < sched->nexecutors; x++) {
        struct mx_executor_node *node = &sched->executors[x];
        uint32_t                 stage = node->stage;

        if (node->up && stage == MX_NOBODY)
            mx_chain_remove(&sched->idle, sched->idle_links, x);
        node->up = false;
        if (stage == MX_NOBODY)
            continue;
        end_lease(sched, stage);
        mx_sched_make_ready(sched, stage, MX_NOBODY);
        mx_sched_drop_unneeded(sched, stage);
        mx_sched_rest_users(sched, stage);
    }
}

static int tell_ended(struct mx_sched *sched, struct mx_actions *actions, struct mx_err *err)
{
    while (sched->ended.head != MX_NOBODY) {
        uint32_t trial = sched->ended.head;

        if (reserve(actions, err))
            return -1;
        mx_chain_remove(&sched->ended, sched->ended_links, trial);
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
        uint32_t              i = sched->running.head;
        struct mx_stage_node *stage = &sched->stages[i];

        if (reserve(actions, err))
            return -1;
        mx_chain_remove(&sched->running, sched->ready_links, i);
        stage->overdue = true;
        actions->list[actions->count++] = (struct mx_action){
            .kind = MX_ACTION_KILL,
            .executor = stage->executor,
            .stage = i,
            .lease = stage->lease,
            .attempt = stage->failures + 1,
            .reason = MX_REASON_TIMED_OUT,
        };
    }
    return 0;
}

/* The first ready stage that has not just failed on this executor; if there is
 * none near the front and nobody else is idle, the first one all the same. */
static uint32_t choose_ready(const struct mx_sched *sched, uint32_t executor)
{
    uint32_t i = sched->ready.head;

    for (int k = 0; k < LOOK_AHEAD && i != MX_NOBODY; k++, i = sched->ready_links[i].next)
        if (sched->stages[i].avoid != executor)
            return i;
    return sched->ready.head;
}

static bool is_idle(const struct mx_sched *sched, uint32_t executor)
{
    return executor != MX_NOBODY && sched->executors[executor].up &&
           sched->executors[executor].stage == MX_NOBODY;
}

/* Who runs what next: *executor takes the stage that is returned. */
static uint32_t choose_pair(const struct mx_sched *sched, uint32_t *executor)
{
    uint32_t first = sched->idle.head, second = sched->idle_links[first].next, i;

    *executor = first;
    if ((i = sched->executors[first].affine.head) != MX_NOBODY)
        return i;
    i = choose_ready(sched, first);
    if (is_idle(sched, sched->stages[i].executor))
        *executor = sched->stages[i].executor;
    else if (sched->stages[i].avoid == first && second != MX_NOBODY)
        *executor = second;
    return i;
}

static int dispatch(struct mx_sched *sched, struct mx_actions *actions, struct mx_err *err)
{
    while (!sched->draining && sched->idle.head != MX_NOBODY && sched->ready.head != MX_NOBODY) {
        uint32_t              executor, i;
        struct mx_stage_node *stage;

        if (reserve(actions, err))
            return -1;
        i = choose_pair(sched, &executor);
        stage = &sched->stages[i];
        mx_sched_begin_stage(sched, i);
        mx_chain_push(&sched->running, sched->ready_links, i);
        mx_chain_remove(&sched->idle, sched->idle_links, executor);
        sched->executors[executor].stage = i;
        stage->executor = executor;
        stage->lease = ++sched->last_lease;
        stage->started_s = sched->now_s;
        sched->nleases++;
        actions->list[actions->count++] = (struct mx_action){
            .kind = MX_ACTION_START,
            .executor = executor,
            .stage = i,
            .lease = stage->lease,
            .attempt = stage->failures + 1,
        };
    }
    return 0;
}

static void handle(struct mx_sched *sched, const struct mx_event *event)
{
    switch (event->kind) {
    case MX_EVENT_TIME:
        break;
    case MX_EVENT_EXECUTOR_UP:
        executor_up(sched, event->executor);
        break;
    case MX_EVENT_EXECUTOR_LOST:
        executor_lost(sched, event->executor, event->reason);
        break;
    case MX_EVENT_STAGE_DONE:
    case MX_EVENT_STAGE_FAILED:
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

int mx_sched_event(struct mx_sched *sched, const struct mx_event *event, struct mx_actions *actions,
                   struct mx_err *err)
{
    actions->count = 0;
    if (event->kind == MX_EVENT_EXECUTOR_UP && know_executor(sched, event->executor, err))
        return -1;
    if (!sched->started) {
        sched->started = true;
        mx_sched_break_cells(sched);
    }
    if (event->now_s > sched->now_s)
        sched->now_s = event->now_s;
    handle(sched, event);
    if (tell_ended(sched, actions, err) || kill_overdue(sched, actions, err))
        return -1;
    return dispatch(sched, actions, err);
}
