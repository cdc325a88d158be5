/* Seeded schedules of deaths, hangs, ranks that go for good, late, doubled and
 * reordered messages, steps of time, drains and restarts, against a world that
 * remembers what really happened. MX_SIMULATION_RUNS sets how many are played. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "sched_world.h"

enum {
    RUNS = 3000
};

/* What happened in all runs, to see that the trouble was real. */
struct tally {
    unsigned by_state[MX_STATES];
    unsigned dropped, blamed, spared, waiting, ranks_lost, hosts;
};
static struct tally tally;

static uint32_t count_held(const struct world *w, uint32_t x)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < w->nstages; i++)
        n += w->lease[i] != 0 && w->holder[i] == x;
    return n;
}

static void start(struct world *w, const struct mx_action *action)
{
    uint32_t                     i = action->stage;
    const struct mx_sched_stage *stage = &w->stages[i];
    struct executor             *x = &w->executors[action->executor];

    cr_assert_eq(w->done[i] + w->failed[i], 0, "a stage ran again");
    cr_assert_eq(w->lease[i], 0, "a stage is leased twice");
    cr_assert_eq(action->lease >> 40, w->incarnation);
    cr_assert_eq(action->attempt, w->attempts[i] + 1);
    cr_assert(w->known[action->executor].up && !w->known[action->executor].overdue);
    for (size_t k = 0; k < stage->ninputs; k++)
        cr_assert(w->done[stage->inputs[k]] || stage->partial_ok, "an input is missing");
    w->lease[i] = action->lease;
    w->holder[i] = action->executor;
    tally.waiting += count_held(w, action->executor) > 1;
    if (!x->alive)
        return; /* the order went to a dead one whose loss is on its way */
    cr_assert_lt(x->nqueue, w->options.batch_max > 1 ? w->options.batch_max : 1);
    x->queue[x->nqueue].stage = i;
    x->queue[x->nqueue++].lease = action->lease;
    work(w, action->executor);
}

static void obey(struct world *w)
{
    for (size_t k = 0; k < w->actions.count; k++) {
        const struct mx_action *action = &w->actions.list[k];

        switch (action->kind) {
        case MX_ACTION_START:
            start(w, action);
            break;
        case MX_ACTION_KILL:
            cr_assert_eq(action->reason, MX_REASON_TIMED_OUT);
            w->known[action->executor].overdue = true;
            if (w->executors[action->executor].alive)
                die(w, action->executor, MX_REASON_CRASHED);
            break;
        case MX_ACTION_TRIAL_ENDED:
            if (w->told[action->trial] == 1 && w->was_quarantined[action->trial])
                w->told[action->trial] = 0; /* others brought it to its end */
            cr_assert_eq(++w->told[action->trial], 1, "a trial ended twice");
            w->was_quarantined[action->trial] = action->state == MX_STATE_QUARANTINED;
            cr_assert_eq(action->state, mx_sched_trial_state(w->sched, action->trial));
            w->was_done[action->trial] = action->state == MX_STATE_DONE;
            break;
        case MX_ACTION_DECIDED:
            cr_assert_fail("nothing is judged here");
            break;
        case MX_ACTION_HOST:
            tally.hosts += !action->go_on;
            break;
        }
    }
}

static void blame(struct world *w, uint32_t i, enum mx_reason reason)
{
    tally.blamed++;
    w->attempts[i]++;
    w->lease[i] = 0;
    if (mx_sched_final(w->sched, i, reason)) {
        w->failed[i]++;
        w->reason[i] = reason;
    }
}

/* The executor is gone: the stage that it ran is to blame, if that is known. */
static void record_lost(struct world *w, uint32_t x, uint64_t lease, enum mx_reason reason)
{
    struct mx_lease held;
    uint32_t        blamed = MAX_STAGES;

    if (mx_sched_held(w->sched, x, lease, &held))
        blamed = held.stage;
    for (uint32_t i = 0; i < w->nstages; i++) {
        if (w->lease[i] == 0 || w->holder[i] != x)
            continue;
        cr_assert_eq(w->lease[i] == lease, i == blamed);
        if (i == blamed)
            blame(w, i, w->known[x].overdue ? MX_REASON_TIMED_OUT : reason);
        else
            tally.spared++;
        w->lease[i] = 0;
    }
    w->known[x] = (struct known){false, false};
}

static void record_report(struct world *w, const struct mx_event *event)
{
    uint32_t        i = event->stage;
    bool            held = w->lease[i] == event->lease;
    struct mx_lease lease;

    cr_assert_eq(mx_sched_lease(w->sched, i, event->lease, &lease), held);
    if (!held) {
        tally.dropped++;
    } else if (event->kind == MX_EVENT_STAGE_FAILED) {
        blame(w, i, event->reason);
    } else {
        w->done[i]++;
        w->lease[i] = 0;
    }
}

/* What rank 0 writes to the journal before the scheduler hears of it. */
static void record(struct world *w, const struct mx_event *event)
{
    switch (event->kind) {
    case MX_EVENT_STAGE_DONE:
    case MX_EVENT_STAGE_FAILED:
        record_report(w, event);
        break;
    case MX_EVENT_EXECUTOR_LOST:
        record_lost(w, event->executor, event->lease, event->reason);
        break;
    case MX_EVENT_EXECUTOR_UP:
        record_lost(w, event->executor, 0, MX_REASON_NONE);
        w->known[event->executor].up = true;
        break;
    case MX_EVENT_END:
        for (uint32_t x = 0; x < MAX_EXECUTORS; x++)
            record_lost(w, x, 0, MX_REASON_NONE);
        break;
    default:
        break;
    }
}

/* Leases and attempts are as the world knows them. */
static void compare(const struct world *w)
{
    struct mx_lease lease, first;

    for (uint32_t i = 0; i < w->nstages; i++) {
        unsigned attempts = mx_sched_stage_attempts(w->sched, i);

        /* A done one may have been dropped in restoring: nobody needs it. */
        if (!w->done[i] || attempts != w->attempts[i])
            cr_assert_eq(attempts, w->attempts[i] + (w->lease[i] != 0 || w->done[i]));
        if (w->lease[i] == 0)
            continue;
        cr_assert(mx_sched_lease(w->sched, i, w->lease[i], &lease));
        cr_assert(mx_sched_current(w->sched, w->holder[i], &first));
        cr_assert_eq(lease.executor, w->holder[i]);
        cr_assert_eq(lease.overdue, w->known[w->holder[i]].overdue);
        cr_assert_leq(first.lease, lease.lease);
        cr_assert_eq(isfinite(lease.started_s) != 0, first.lease == lease.lease);
    }
}

static void feed(struct world *w, struct mx_event event)
{
    struct mx_err          err = {0};
    struct mx_sched_counts counts;
    uint64_t               sum = 0;

    event.now_s = chance(w, 0.05) ? w->now_s - 5 : w->now_s; /* a step back counts as equal */
    record(w, &event);
    cr_assert_eq(mx_sched_event(w->sched, &event, &w->actions, &err), 0, "%s", err.text);
    cr_assert_eq(mx_sched_check(w->sched, &err), 0, "%s", err.text);
    mx_sched_counts(w->sched, &counts);
    for (size_t k = 0; k < MX_STATES; k++)
        sum += counts.by_state[k];
    cr_assert_eq(sum, counts.planned);
    cr_assert_eq(counts.planned, w->ntrials);
    obey(w);
    compare(w);
    cr_assert_lt(++w->nevents, MAX_EVENTS, "the run does not end");
}

static void restore(struct world *w)
{
    for (uint32_t k = 0; k < w->nstages; k++) {
        uint32_t i = w->incarnation % 2 ? k : w->nstages - 1 - k; /* any order */

        mx_sched_restore_attempts(w->sched, i, w->attempts[i]);
        if (w->done[i])
            mx_sched_restore_done(w->sched, i);
        else if (w->failed[i])
            mx_sched_restore_failed(w->sched, i, w->reason[i]);
    }
}

static void begin_incarnation(struct world *w)
{
    struct mx_err err = {0};

    w->drained = false;
    w->sched = mx_sched_new(w->stages, w->nstages, w->trials, w->ntrials, &w->options, &err);
    cr_assert(w->sched, "%s", err.text);
    restore(w);
    mx_sched_restored(w->sched);
    mx_sched_set_incarnation(w->sched, ++w->incarnation);
    cr_assert_eq(mx_sched_check(w->sched, &err), 0, "%s", err.text);
    for (uint32_t t = 0; t < w->ntrials; t++) {
        w->told[t] = mx_sched_trial_state(w->sched, t) > MX_STATE_RUNNING;
        w->was_quarantined[t] = mx_sched_trial_state(w->sched, t) == MX_STATE_QUARANTINED;
        cr_assert(!w->was_done[t] || mx_sched_trial_state(w->sched, t) == MX_STATE_DONE);
    }
    memset(w->lease, 0, sizeof w->lease);
    memset(w->known, 0, sizeof w->known);
    for (uint32_t x = 0; x < MAX_EXECUTORS; x++) {
        struct executor *executor = &w->executors[x];

        *executor = (struct executor){
            .exists = executor->exists, .life = executor->life + 1, .last_message_s = w->now_s};
        if (executor->exists) /* some appear late */
            post_in_order(w, x, mx_rng_uniform(&w->rng) * (chance(w, 0.1) ? 30 : 1),
                          (struct mx_event){.kind = MX_EVENT_EXECUTOR_UP, .host = x / RANK_STEP});
    }
}

/* The reports of the old incarnation may still arrive; its executors are gone. */
static void restart(struct world *w)
{
    size_t kept = 0;

    for (size_t k = 0; k < w->nmessages; k++)
        if (!w->messages[k].inside && (w->messages[k].event.kind == MX_EVENT_STAGE_DONE ||
                                       w->messages[k].event.kind == MX_EVENT_STAGE_FAILED))
            w->messages[kept++] = w->messages[k];
    w->nmessages = kept;
    mx_sched_free(w->sched);
    begin_incarnation(w);
}

static struct message next_message(struct world *w)
{
    size_t         first = 0;
    struct message message;

    for (size_t k = 1; k < w->nmessages; k++)
        if (w->messages[k].at_s < w->messages[first].at_s)
            first = k;
    w->now_s = fmax(w->now_s, w->messages[first].at_s);
    message = w->messages[first];
    w->messages[first] = w->messages[--w->nmessages];
    return message;
}

static void deliver(struct world *w)
{
    struct message   message = next_message(w);
    struct executor *x = &w->executors[message.event.executor];

    if (message.inside) {
        work_ended(w, &message);
        return;
    }
    if (message.event.kind == MX_EVENT_EXECUTOR_UP && !x->gone)
        x->alive = true;
    feed(w, message.event);
}

static void disturb(struct world *w)
{
    uint32_t x = below(w, w->nranks) * RANK_STEP + below(w, RANK_SIZE);

    if (chance(w, w->trouble) && w->executors[x].alive)
        die(w, x, chance(w, 0.5) ? MX_REASON_CRASHED : MX_REASON_NONE);
    if (chance(w, w->trouble / 10))
        lose_rank(w, x / RANK_STEP);
    for (uint32_t k = 0; k < MAX_EXECUTORS; k++)
        if (w->executors[k].hangs && chance(w, 0.2))
            die(w, k, MX_REASON_STALLED);
    if (chance(w, 0.05)) {
        w->now_s += 30 * mx_rng_uniform(&w->rng);
        feed(w, (struct mx_event){.kind = MX_EVENT_TIME});
    }
    if (chance(w, w->trouble / 20)) {
        w->drained = true;
        feed(w, (struct mx_event){.kind = chance(w, 0.5) ? MX_EVENT_DRAIN : MX_EVENT_END});
    }
    if (chance(w, w->trouble / 20))
        restart(w);
}

/* With nothing in flight time goes on to what is due; else a hang is seen. */
static void wait_for_something(struct world *w)
{
    double due_s = mx_sched_deadline(w->sched);

    if (isfinite(due_s)) {
        w->now_s = fmax(w->now_s, due_s);
        feed(w, (struct mx_event){.kind = MX_EVENT_TIME});
        return;
    }
    for (uint32_t x = 0; x < MAX_EXECUTORS; x++)
        if (w->executors[x].working)
            die(w, x, MX_REASON_STALLED);
    cr_assert_gt(w->nmessages, 0, "work is open and nothing will ever happen");
}

static void verify_end(struct world *w)
{
    for (uint32_t i = 0; i < w->nstages; i++)
        cr_assert(w->done[i] + w->failed[i] <= 1, "a stage counted twice");
    for (uint32_t t = 0; t < w->ntrials; t++) {
        enum mx_state state = mx_sched_trial_state(w->sched, t);
        unsigned      ndone = 0;

        for (size_t k = 0; k < w->trials[t].nstages; k++)
            ndone += w->done[w->trials[t].stages[k]];
        cr_assert_gt(state, MX_STATE_RUNNING, "a trial is still open");
        cr_assert_eq(w->told[t], 1);
        cr_assert_eq(state == MX_STATE_DONE, ndone == w->trials[t].nstages);
    }
}

static void make_executors(struct world *w)
{
    w->nranks = 1 + below(w, MAX_RANKS);
    for (uint32_t r = 0; r < w->nranks; r++)
        for (uint32_t k = 0, n = 1 + below(w, RANK_SIZE); k < n; k++)
            w->executors[r * RANK_STEP + k].exists = true;
}

static void play(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);

    cr_assert(w);
    w->rng = mx_rng_at(mx_stream_make(seed, 0, MX_PURPOSE_ORDER, 0), 0, 0, 0);
    make_work(w);
    make_executors(w);
    w->trouble = mx_rng_uniform(&w->rng) * 0.2;
    w->options.retries = below(w, 4);
    w->options.trial_timeout_s = chance(w, 0.5) ? 8 : 0;
    w->options.batch_max = below(w, MAX_BATCH + 1);
    w->options.batch_seconds = chance(w, 0.8) ? 30 * mx_rng_uniform(&w->rng) : 0;
    begin_incarnation(w);
    for (;;) {
        while (!mx_sched_finished(w->sched)) {
            if (w->nmessages > 0)
                deliver(w);
            else
                wait_for_something(w);
            disturb(w);
        }
        if (!w->drained)
            break;
        restart(w); /* what was drained goes on and ends */
    }
    /* What comes after the end changes nothing. */
    while (w->nmessages > 0)
        deliver(w);
    verify_end(w);
    tally.ranks_lost += w->nranks_lost;
    for (uint32_t t = 0; t < w->ntrials; t++)
        tally.by_state[mx_sched_trial_state(w->sched, t)]++;
    mx_actions_free(&w->actions);
    mx_sched_free(w->sched);
    free(w);
}

Test(sched_simulation, every_schedule_ends_with_each_stage_done_once)
{
    const char *text = getenv("MX_SIMULATION_RUNS");
    uint64_t    runs = text ? strtoull(text, NULL, 10) : RUNS;

    for (uint64_t seed = 0; seed < runs; seed++)
        play(seed);
    /* The trouble was real. */
    cr_expect_gt(tally.by_state[MX_STATE_DONE], runs);
    cr_expect_gt(tally.by_state[MX_STATE_FAILED], runs / 10);
    cr_expect_gt(tally.by_state[MX_STATE_QUARANTINED], runs / 100);
    cr_expect_gt(tally.dropped, runs / 10);
    cr_expect_gt(tally.blamed, runs / 2);
    cr_expect_gt(tally.spared, runs / 2);
    cr_expect_gt(tally.waiting, runs);
    cr_expect_gt(tally.ranks_lost, runs / 20);
    cr_expect_gt(tally.hosts, runs / 100);
}
