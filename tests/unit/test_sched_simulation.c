/* Seeded schedules of deaths, hangs, late, doubled and reordered messages,
 * steps of time, drains and restarts, against a world that remembers what
 * really happened. MX_SIMULATION_RUNS sets how many are played. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "sweep/sched.h"

enum {
    MAX_STAGES = 64,
    MAX_TRIALS = 24,
    MAX_EXECUTORS = 5,
    MAX_MESSAGES = 512,
    MAX_EVENTS = 20000,
    RUNS = 3000
};

struct message {
    double          at_s;
    struct mx_event event;
};

struct executor {
    bool     alive, busy, hangs;
    uint64_t lease;
    double   last_message_s; /* its ups and losses keep their order */
};

struct world {
    struct mx_rng           rng;
    struct mx_sched_stage   stages[MAX_STAGES];
    struct mx_sched_trial   trials[MAX_TRIALS];
    uint32_t                inputs[MAX_STAGES][MAX_TRIALS], parts[MAX_TRIALS][4];
    uint32_t                nstages, ntrials, nexecutors;
    bool                    diverges[MAX_STAGES], flaky[MAX_STAGES];
    struct mx_sched_options options;
    struct mx_sched        *sched;
    struct mx_actions       actions;
    double                  now_s, trouble;
    struct executor         executors[MAX_EXECUTORS];
    struct message          messages[MAX_MESSAGES];
    size_t                  nmessages;
    /* The journal. */
    unsigned                done[MAX_STAGES], failed[MAX_STAGES], attempts[MAX_STAGES];
    enum mx_reason          reason[MAX_STAGES];
    unsigned                told[MAX_TRIALS];
    unsigned                nevents, ndropped;
    bool                    was_done[MAX_TRIALS]; /* at some moment */
    bool                    drained;
};

static bool chance(struct world *w, double p)
{
    return mx_rng_uniform(&w->rng) < p;
}

static uint32_t below(struct world *w, uint32_t n)
{
    return (uint32_t)mx_rng_below(&w->rng, n);
}

static uint32_t add_stage(struct world *w, const uint32_t *inputs, size_t ninputs, bool partial_ok)
{
    uint32_t i = w->nstages++;

    if (ninputs > 0)
        memcpy(w->inputs[i], inputs, ninputs * sizeof inputs[0]);
    w->stages[i] = (struct mx_sched_stage){w->inputs[i], ninputs, partial_ok};
    w->diverges[i] = chance(w, 0.05);
    w->flaky[i] = chance(w, 0.1);
    return i;
}

/* Backbones shared by heads, and at times a stage over all backbones. */
static void make_work(struct world *w)
{
    uint32_t nbackbones = 1 + below(w, 6), backbones[6], across = UINT32_MAX;

    for (uint32_t b = 0; b < nbackbones; b++)
        backbones[b] = add_stage(w, NULL, 0, false);
    if (chance(w, 0.5))
        across = add_stage(w, backbones, nbackbones, chance(w, 0.7));
    w->ntrials = 1 + below(w, MAX_TRIALS);
    for (uint32_t t = 0; t < w->ntrials; t++) {
        uint32_t backbone = backbones[below(w, nbackbones)];
        size_t   n = 0;

        w->parts[t][n++] = backbone;
        if (chance(w, 0.6))
            w->parts[t][n++] = add_stage(w, &backbone, 1, false);
        if (across != UINT32_MAX && chance(w, 0.5))
            w->parts[t][n++] = across;
        w->trials[t] = (struct mx_sched_trial){w->parts[t], n, below(w, 1 + w->ntrials / 3)};
    }
}

static void post(struct world *w, double at_s, struct mx_event event)
{
    cr_assert_lt(w->nmessages, MAX_MESSAGES);
    w->messages[w->nmessages++] = (struct message){at_s, event};
}

/* Ups and losses of one executor arrive in order. */
static void post_in_order(struct world *w, uint32_t x, double delay_s, struct mx_event event)
{
    double at_s = fmax(w->now_s + delay_s, w->executors[x].last_message_s + 1e-6);

    w->executors[x].last_message_s = at_s;
    event.executor = x;
    post(w, at_s, event);
}

static void die(struct world *w, uint32_t x, enum mx_reason reason)
{
    struct mx_event lost = {.kind = MX_EVENT_EXECUTOR_LOST, .reason = reason};
    struct mx_event up = {.kind = MX_EVENT_EXECUTOR_UP};

    w->executors[x].alive = w->executors[x].busy = w->executors[x].hangs = false;
    /* Now and then the loss is never told: the next life speaks for it. */
    if (!chance(w, 0.1))
        post_in_order(w, x, mx_rng_uniform(&w->rng), lost);
    post_in_order(w, x, 1 + mx_rng_uniform(&w->rng), up);
}

static void start(struct world *w, const struct mx_action *action)
{
    const struct mx_sched_stage *stage = &w->stages[action->stage];
    struct executor             *x = &w->executors[action->executor];
    struct mx_event              report = {.kind = MX_EVENT_STAGE_DONE,
                                           .executor = action->executor,
                                           .lease = action->lease,
                                           .stage = action->stage};
    double                       seconds = mx_rng_uniform(&w->rng) * 10;

    cr_assert_eq(w->done[action->stage] + w->failed[action->stage], 0, "a stage ran again");
    cr_assert_eq(action->attempt, w->attempts[action->stage] + 1);
    for (size_t k = 0; k < stage->ninputs; k++)
        cr_assert(w->done[stage->inputs[k]] || stage->partial_ok, "an input is missing");
    if (!x->alive)
        return; /* the order went to a dead one whose loss is on its way */
    cr_assert_not(x->busy, "two stages on one executor");
    x->busy = true;
    x->lease = action->lease;
    if (w->diverges[action->stage]) {
        report.kind = MX_EVENT_STAGE_FAILED;
        report.reason = chance(w, 0.5) ? MX_REASON_DIVERGED : MX_REASON_DATA_ERROR;
    } else if (w->flaky[action->stage] && chance(w, 0.7)) {
        report.kind = MX_EVENT_STAGE_FAILED;
        report.reason = MX_REASON_OUT_OF_MEMORY;
    }
    if ((x->hangs = chance(w, w->trouble)))
        return;
    post(w, w->now_s + seconds, report);
    while (chance(w, w->trouble)) /* told again, and late */
        post(w, w->now_s + seconds + 20 * mx_rng_uniform(&w->rng), report);
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
            if (w->executors[action->executor].alive)
                die(w, action->executor, MX_REASON_CRASHED);
            break;
        case MX_ACTION_TRIAL_ENDED:
            cr_assert_eq(++w->told[action->trial], 1, "a trial ended twice");
            cr_assert_eq(action->state, mx_sched_trial_state(w->sched, action->trial));
            w->was_done[action->trial] = action->state == MX_STATE_DONE;
            break;
        }
    }
}

/* What rank 0 writes to the journal before the scheduler hears of it. */
static void record(struct world *w, const struct mx_event *event)
{
    struct mx_lease lease;
    enum mx_reason  reason = event->reason;

    if (!mx_sched_lease(w->sched, event->executor, &lease))
        return;
    if (event->kind == MX_EVENT_STAGE_DONE || event->kind == MX_EVENT_STAGE_FAILED) {
        if (lease.lease != event->lease) {
            w->ndropped++;
            return;
        }
    } else if (event->kind == MX_EVENT_EXECUTOR_UP) {
        reason = MX_REASON_CRASHED;
    } else if (event->kind != MX_EVENT_EXECUTOR_LOST) {
        return;
    }
    if (event->kind == MX_EVENT_STAGE_DONE) {
        w->done[lease.stage]++;
        return;
    }
    if (lease.overdue)
        reason = MX_REASON_TIMED_OUT;
    w->attempts[lease.stage]++;
    if (mx_sched_final(w->sched, lease.stage, reason)) {
        w->failed[lease.stage]++;
        w->reason[lease.stage] = reason;
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
    cr_assert_lt(++w->nevents, MAX_EVENTS, "the run does not end");
}

static void begin_incarnation(struct world *w)
{
    struct mx_err err = {0};

    w->options.incarnation++;
    w->drained = false;
    w->sched = mx_sched_new(w->stages, w->nstages, w->trials, w->ntrials, &w->options, &err);
    cr_assert(w->sched, "%s", err.text);
    for (uint32_t k = 0; k < w->nstages; k++) {
        uint32_t i = w->options.incarnation % 2 ? k : w->nstages - 1 - k; /* any order */

        mx_sched_restore_attempts(w->sched, i, w->attempts[i]);
        if (w->done[i])
            mx_sched_restore_done(w->sched, i);
        else if (w->failed[i])
            mx_sched_restore_failed(w->sched, i, w->reason[i]);
    }
    cr_assert_eq(mx_sched_check(w->sched, &err), 0, "%s", err.text);
    for (uint32_t t = 0; t < w->ntrials; t++) {
        w->told[t] = mx_sched_trial_state(w->sched, t) > MX_STATE_RUNNING;
        cr_assert(!w->was_done[t] || mx_sched_trial_state(w->sched, t) == MX_STATE_DONE);
    }
    for (uint32_t x = 0; x < w->nexecutors; x++) {
        w->executors[x] = (struct executor){.last_message_s = w->now_s};
        post_in_order(w, x, mx_rng_uniform(&w->rng),
                      (struct mx_event){.kind = MX_EVENT_EXECUTOR_UP});
    }
}

/* The reports of the old incarnation may still arrive; its executors are gone. */
static void restart(struct world *w)
{
    size_t kept = 0;

    for (size_t k = 0; k < w->nmessages; k++)
        if (w->messages[k].event.kind == MX_EVENT_STAGE_DONE ||
            w->messages[k].event.kind == MX_EVENT_STAGE_FAILED)
            w->messages[kept++] = w->messages[k];
    w->nmessages = kept;
    mx_sched_free(w->sched);
    begin_incarnation(w);
}

static struct mx_event next_message(struct world *w)
{
    size_t          first = 0;
    struct mx_event event;

    for (size_t k = 1; k < w->nmessages; k++)
        if (w->messages[k].at_s < w->messages[first].at_s)
            first = k;
    w->now_s = fmax(w->now_s, w->messages[first].at_s);
    event = w->messages[first].event;
    w->messages[first] = w->messages[--w->nmessages];
    return event;
}

static void deliver(struct world *w)
{
    struct mx_event  event = next_message(w);
    struct executor *x = &w->executors[event.executor];

    if (event.kind == MX_EVENT_EXECUTOR_UP)
        *x = (struct executor){.alive = true, .last_message_s = x->last_message_s};
    if ((event.kind == MX_EVENT_STAGE_DONE || event.kind == MX_EVENT_STAGE_FAILED) &&
        event.lease == x->lease)
        x->busy = false;
    feed(w, event);
}

static void disturb(struct world *w)
{
    uint32_t x = below(w, w->nexecutors);

    if (chance(w, w->trouble) && w->executors[x].alive)
        die(w, x, chance(w, 0.5) ? MX_REASON_CRASHED : MX_REASON_NONE);
    for (uint32_t k = 0; k < w->nexecutors; k++)
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
    for (uint32_t x = 0; x < w->nexecutors; x++)
        if (w->executors[x].alive && w->executors[x].busy)
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
        if (state != MX_STATE_QUARANTINED)
            cr_assert_eq(state == MX_STATE_DONE, ndone == w->trials[t].nstages);
    }
}

static unsigned play(uint64_t seed, unsigned by_state[MX_STATES])
{
    struct world *w = calloc(1, sizeof *w);
    unsigned      ndropped;

    cr_assert(w);
    w->rng = mx_rng_at(mx_stream_make(seed, 0, MX_PURPOSE_ORDER, 0), 0, 0, 0);
    make_work(w);
    w->nexecutors = 1 + below(w, MAX_EXECUTORS);
    w->trouble = mx_rng_uniform(&w->rng) * 0.2;
    w->options.retries = below(w, 4);
    w->options.trial_timeout_s = chance(w, 0.5) ? 8 : 0;
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
    for (uint32_t t = 0; t < w->ntrials; t++)
        by_state[mx_sched_trial_state(w->sched, t)]++;
    ndropped = w->ndropped;
    mx_actions_free(&w->actions);
    mx_sched_free(w->sched);
    free(w);
    return ndropped;
}

Test(sched_simulation, every_schedule_ends_with_each_stage_done_once)
{
    const char *text = getenv("MX_SIMULATION_RUNS");
    unsigned    by_state[MX_STATES] = {0}, ndropped = 0;
    uint64_t    runs = text ? strtoull(text, NULL, 10) : RUNS;

    for (uint64_t seed = 0; seed < runs; seed++)
        ndropped += play(seed, by_state);
    /* The trouble was real. */
    cr_expect_gt(by_state[MX_STATE_DONE], runs);
    cr_expect_gt(by_state[MX_STATE_FAILED], runs / 10);
    cr_expect_gt(by_state[MX_STATE_QUARANTINED], runs / 100);
    cr_expect_gt(ndropped, runs / 10);
}
