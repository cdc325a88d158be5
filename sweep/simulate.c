#include "sweep/simulate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "sweep/plan_sched.h"

/* A message's way; a new executor's start. */
static const double latency_s = 1e-3, start_s = 5;

enum happening {
    STAGE_ENDS, /* at the executor: done ... */
    DIES,       /* ... or with it */
    TOLD_UP,    /* at rank 0 */
    TOLD_DONE,
    TOLD_LOST,
};

struct happening_at {
    double         at_s;
    uint64_t       order; /* of two at the same time the first that was planned */
    enum happening what;
    uint32_t       executor, life, stage;
    uint64_t       lease;
    double         seconds;
};

struct executor {
    uint32_t life;
    bool     up, working;
    uint32_t first, last; /* its queue, through next[]; UINT32_MAX: empty */
    double   began_s;
};

/* What executors know of a stage that was given out. */
struct order {
    uint64_t lease;
    uint32_t attempt, next;
    double   arrives_s;
    uint32_t from, until; /* epochs of a training: done so far; where it waits next, 0: nowhere */
};

struct play {
    const struct mx_plan             *plan;
    const struct mx_simulate_options *options;
    struct mx_simulated              *out;
    struct mx_sched                  *sched;
    struct mx_actions                 actions;
    struct happening_at              *heap;
    size_t                            nheap, room;
    uint64_t                          order;
    struct executor                  *executors;
    struct order                     *orders; /* by stage */
    bool                             *done;   /* by stage */
    struct mx_stream                  stream;
    double                            free_s; /* rank 0 is busy until then */
    double                            busy_s; /* of all executors */
};

static bool before(const struct happening_at *a, const struct happening_at *b)
{
    return a->at_s < b->at_s || (a->at_s == b->at_s && a->order < b->order);
}

static int plan_at(struct play *play, struct happening_at it, struct mx_err *err)
{
    size_t i = play->nheap;

    if (play->nheap == play->room) {
        size_t               room = 2 * play->room + 64;
        struct happening_at *heap = realloc(play->heap, room * sizeof heap[0]);

        if (!heap)
            return mx_fail(err, MX_ENOMEM, "no memory for what is going to happen");
        play->heap = heap;
        play->room = room;
    }
    it.order = ++play->order;
    play->nheap++;
    for (; i > 0 && before(&it, &play->heap[(i - 1) / 2]); i = (i - 1) / 2)
        play->heap[i] = play->heap[(i - 1) / 2];
    play->heap[i] = it;
    return 0;
}

static struct happening_at take_first(struct play *play)
{
    struct happening_at first = play->heap[0], last = play->heap[--play->nheap];
    size_t              i = 0, child;

    while ((child = 2 * i + 1) < play->nheap) {
        if (child + 1 < play->nheap && before(&play->heap[child + 1], &play->heap[child]))
            child++;
        if (!before(&play->heap[child], &last))
            break;
        play->heap[i] = play->heap[child];
        i = child;
    }
    play->heap[i] = last;
    return first;
}

/* How much of a stage is to be done: of a training that waits on its way, some epochs. */
static double part_of(const struct play *play, uint32_t stage)
{
    const struct order *order = &play->orders[stage];
    const uint32_t      epochs = play->plan->stages[stage].epochs;

    if (epochs == 0)
        return 1;
    return (double)((order->until > 0 ? order->until : epochs) - order->from) / epochs;
}

/* The executor takes up the first of its queue. What an attempt comes to depends
 * on its name alone. */
static int work(struct play *play, uint32_t x, double now_s, struct mx_err *err)
{
    struct executor    *executor = &play->executors[x];
    uint32_t            stage = executor->first;
    struct happening_at end = {.what = STAGE_ENDS, .executor = x, .life = executor->life};
    struct mx_rng       rng;

    if (!executor->up || executor->working || stage == UINT32_MAX)
        return 0;
    executor->working = true;
    executor->began_s = fmax(now_s, play->orders[stage].arrives_s);
    rng = mx_rng_at(play->stream, stage, play->orders[stage].attempt, 0);
    end.stage = stage;
    end.lease = play->orders[stage].lease;
    end.seconds = play->options->kind_s[play->plan->stages[stage].kind] * part_of(play, stage) *
                  (0.8 + 0.4 * mx_rng_uniform(&rng));
    if (mx_rng_uniform(&rng) < play->options->failure_rate) {
        end.what = DIES;
        end.seconds *= mx_rng_uniform(&rng);
    }
    end.at_s = executor->began_s + end.seconds;
    return plan_at(play, end, err);
}

static int stage_ends(struct play *play, const struct happening_at *end, struct mx_err *err)
{
    struct executor    *executor = &play->executors[end->executor];
    struct happening_at told = *end;

    executor->working = false;
    executor->first = play->orders[end->stage].next;
    play->busy_s += end->seconds;
    told.what = TOLD_DONE;
    told.at_s = end->at_s + latency_s;
    return plan_at(play, told, err) ? -1 : work(play, end->executor, end->at_s, err);
}

static int die(struct play *play, uint32_t x, double now_s, struct mx_err *err)
{
    struct executor    *executor = &play->executors[x];
    struct happening_at told = {.at_s = now_s + latency_s, .what = TOLD_LOST, .executor = x};
    const double        worked_s = executor->working ? fmax(0, now_s - executor->began_s) : 0;

    if (!executor->up)
        return 0;
    if (executor->working)
        told.lease = play->orders[executor->first].lease;
    play->busy_s += worked_s;
    play->out->wasted_s += worked_s;
    play->out->deaths++;
    executor->up = executor->working = false;
    executor->first = UINT32_MAX;
    executor->life++;
    if (plan_at(play, told, err))
        return -1;
    told.what = TOLD_UP;
    told.at_s += start_s;
    return plan_at(play, told, err);
}

static int take_order(struct play *play, const struct mx_action *action, double now_s,
                      struct mx_err *err)
{
    struct executor *executor = &play->executors[action->executor];
    struct order    *order = &play->orders[action->stage];

    order->lease = action->lease;
    order->attempt = action->attempt;
    order->next = UINT32_MAX;
    order->arrives_s = now_s + latency_s;
    order->until = action->epoch;
    if (!executor->up)
        return 0; /* its loss is on the way */
    if (executor->first == UINT32_MAX)
        executor->first = action->stage;
    else
        play->orders[executor->last].next = action->stage;
    executor->last = action->stage;
    return work(play, action->executor, order->arrives_s, err);
}

/* Rank 0 deals with an event when it has dealt with those before. */
static int feed(struct play *play, struct mx_event event, double arrived_s, struct mx_err *err)
{
    event.now_s = fmax(arrived_s, play->free_s);
    play->free_s = event.now_s + play->options->event_s;
    play->out->events++;
    if (mx_sched_event(play->sched, &event, &play->actions, err))
        return -1;
    for (size_t i = 0; i < play->actions.count; i++) {
        const struct mx_action *action = &play->actions.list[i];

        if (action->kind == MX_ACTION_START && take_order(play, action, play->free_s, err))
            return -1;
        if (action->kind == MX_ACTION_KILL &&
            die(play, action->executor, play->free_s + latency_s, err))
            return -1;
    }
    play->out->makespan_s = play->free_s;
    return 0;
}

/* A training waits at a rung, as good as it happens to be. */
static void pause_at(struct play *play, uint32_t stage, struct mx_event *event)
{
    struct mx_rng rng = mx_rng_at(play->stream, stage, UINT32_MAX, 0);

    event->kind = MX_EVENT_STAGE_PAUSED;
    event->epoch = play->orders[stage].from = play->orders[stage].until;
    event->value = mx_rng_uniform(&rng);
}

static int told(struct play *play, const struct happening_at *it, struct mx_err *err)
{
    struct mx_event event = {.executor = it->executor, .lease = it->lease, .stage = it->stage};
    struct mx_lease held;

    if (it->what == TOLD_UP) {
        event.kind = MX_EVENT_EXECUTOR_UP;
        play->executors[it->executor].up = true;
    } else if (it->what == TOLD_LOST) {
        event.kind = MX_EVENT_EXECUTOR_LOST;
        event.reason = MX_REASON_CRASHED;
    } else {
        event.kind = MX_EVENT_STAGE_DONE;
        event.seconds = it->seconds;
        if (!mx_sched_lease(play->sched, it->stage, it->lease, &held)) {
            /* late: what it says does not count */
        } else if (play->orders[it->stage].until > 0) {
            pause_at(play, it->stage, &event);
        } else {
            play->out->duplicated += play->done[it->stage];
            play->done[it->stage] = true;
        }
    }
    return feed(play, event, it->at_s, err);
}

static int happen(struct play *play, const struct happening_at *it, struct mx_err *err)
{
    if (it->what >= TOLD_UP)
        return told(play, it, err);
    if (play->executors[it->executor].life != it->life)
        return 0;
    return it->what == DIES ? die(play, it->executor, it->at_s, err) : stage_ends(play, it, err);
}

static int run(struct play *play, struct mx_err *err)
{
    for (uint32_t x = 0; x < play->options->workers; x++) {
        play->executors[x].first = UINT32_MAX;
        if (plan_at(play, (struct happening_at){.what = TOLD_UP, .executor = x}, err))
            return -1;
    }
    while (!mx_sched_finished(play->sched)) {
        double              due_s = mx_sched_deadline(play->sched);
        struct happening_at it;

        if (play->nheap == 0 && !(due_s < INFINITY))
            return mx_fail(err, MX_EINTERNAL, "the simulated sweep comes to no end");
        if (play->nheap == 0 || due_s < play->heap[0].at_s) {
            if (feed(play, (struct mx_event){.kind = MX_EVENT_TIME}, due_s, err))
                return -1;
            continue;
        }
        it = take_first(play);
        if (happen(play, &it, err))
            return -1;
    }
    return 0;
}

static void sum_up(const struct play *play)
{
    struct mx_simulated   *out = play->out;
    struct mx_sched_counts counts;

    mx_sched_counts(play->sched, &counts);
    out->planned = counts.planned;
    memcpy(out->by_state, counts.by_state, sizeof out->by_state);
    out->lost = counts.by_state[MX_STATE_PENDING] + counts.by_state[MX_STATE_RUNNING];
    if (out->makespan_s > 0) {
        out->utilisation = play->busy_s / (play->options->workers * out->makespan_s);
        out->root_share = (double)out->events * play->options->event_s / out->makespan_s;
    }
}

int mx_simulate(const struct mx_plan *plan, const struct mx_simulate_options *options,
                struct mx_simulated *simulated, struct mx_err *err)
{
    struct play play = {.plan = plan,
                        .options = options,
                        .out = simulated,
                        .sched = mx_plan_sched(plan, &options->sched, err),
                        .executors = calloc(options->workers, sizeof play.executors[0]),
                        .orders = calloc(plan->nstages, sizeof play.orders[0]),
                        .done = calloc(plan->nstages, sizeof play.done[0]),
                        .stream = mx_stream_make(options->seed, 0, MX_PURPOSE_ORDER, 0)};
    int         rc = -1;

    *simulated = (struct mx_simulated){0};
    if (play.sched && (!play.executors || !play.orders || !play.done))
        mx_fail(err, MX_ENOMEM, "no memory for %u executors", options->workers);
    else if (play.sched && run(&play, err) == 0) {
        sum_up(&play);
        rc = 0;
    }
    mx_actions_free(&play.actions);
    mx_sched_free(play.sched);
    free(play.heap);
    free(play.executors);
    free(play.orders);
    free(play.done);
    return rc;
}
