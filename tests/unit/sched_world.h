/* sched_world.h - executors of a simulation: they take orders, work, hang, die and
 * report, and what they say reaches the scheduler early, late, twice or never. */
#ifndef MX_TESTS_SCHED_WORLD_H
#define MX_TESTS_SCHED_WORLD_H

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "sweep/sched.h"

enum {
    MAX_STAGES = 96,
    MAX_TRIALS = 48,
    MAX_RANKS = 3,
    RANK_SIZE = 3,  /* executors of a rank at most ... */
    RANK_STEP = 20, /* ... with numbers from here to the next rank's */
    MAX_EXECUTORS = MAX_RANKS * RANK_STEP,
    MAX_BATCH = 8,
    MAX_MESSAGES = 1024,
    MAX_EVENTS = 20000
};

/* On its way to rank 0; or, `inside`, what ends at an executor. */
struct message {
    double          at_s;
    bool            inside;
    unsigned        life;
    struct mx_event event;
};

/* What an executor really does. */
struct executor {
    bool     exists, alive, gone, working, hangs;
    unsigned life;
    struct {
        uint64_t lease;
        uint32_t stage;
    } queue[MAX_BATCH];
    size_t   nqueue;
    uint64_t last_lease;     /* that it ended */
    double   last_message_s; /* its ups and losses keep their order */
};

/* What rank 0 has been told of an executor. */
struct known {
    bool up, overdue;
};

struct world {
    struct mx_rng           rng;
    struct mx_sched_stage   stages[MAX_STAGES];
    struct mx_sched_trial   trials[MAX_TRIALS];
    uint32_t                inputs[MAX_STAGES][MAX_TRIALS], parts[MAX_TRIALS][4];
    uint32_t                nstages, ntrials, nranks;
    bool                    diverges[MAX_STAGES], flaky[MAX_STAGES];
    struct mx_sched_options options;
    unsigned                incarnation;
    struct mx_sched        *sched;
    struct mx_actions       actions;
    double                  now_s, trouble;
    struct executor         executors[MAX_EXECUTORS];
    struct known            known[MAX_EXECUTORS];
    struct message          messages[MAX_MESSAGES];
    size_t                  nmessages;
    uint64_t                lease[MAX_STAGES]; /* held, 0 = none */
    uint32_t                holder[MAX_STAGES];
    /* The journal. */
    unsigned                done[MAX_STAGES], failed[MAX_STAGES], attempts[MAX_STAGES];
    enum mx_reason          reason[MAX_STAGES];
    unsigned                told[MAX_TRIALS];
    unsigned                nevents, nranks_lost;
    bool                    was_done[MAX_TRIALS];        /* at some moment */
    bool                    was_quarantined[MAX_TRIALS]; /* as told last */
    bool                    drained;
};

static inline bool chance(struct world *w, double p)
{
    return mx_rng_uniform(&w->rng) < p;
}

static inline uint32_t below(struct world *w, uint32_t n)
{
    return (uint32_t)mx_rng_below(&w->rng, n);
}

static inline uint32_t add_stage(struct world *w, const uint32_t *inputs, size_t ninputs,
                                 bool partial_ok, unsigned kind)
{
    uint32_t i = w->nstages++;

    if (ninputs > 0)
        memcpy(w->inputs[i], inputs, ninputs * sizeof inputs[0]);
    w->stages[i] = (struct mx_sched_stage){
        .inputs = w->inputs[i], .ninputs = ninputs, .partial_ok = partial_ok, .kind = kind};
    w->diverges[i] = chance(w, 0.05);
    w->flaky[i] = chance(w, 0.1);
    return i;
}

/* Backbones shared by heads, and at times a stage over all backbones. */
static inline void make_work(struct world *w)
{
    uint32_t nbackbones = 1 + below(w, 6), backbones[6], across = UINT32_MAX;

    for (uint32_t b = 0; b < nbackbones; b++)
        backbones[b] = add_stage(w, NULL, 0, false, 0);
    if (chance(w, 0.5))
        across = add_stage(w, backbones, nbackbones, chance(w, 0.7), 2);
    w->ntrials = 1 + below(w, MAX_TRIALS);
    for (uint32_t t = 0; t < w->ntrials; t++) {
        uint32_t backbone = backbones[below(w, nbackbones)];
        size_t   n = 0;

        w->parts[t][n++] = backbone;
        if (chance(w, 0.6))
            w->parts[t][n++] = add_stage(w, &backbone, 1, false, 1);
        if (across != UINT32_MAX && chance(w, 0.5))
            w->parts[t][n++] = across;
        w->trials[t] = (struct mx_sched_trial){w->parts[t], n, below(w, 1 + w->ntrials / 3)};
    }
}

static inline void post(struct world *w, struct message message)
{
    cr_assert_lt(w->nmessages, MAX_MESSAGES);
    w->messages[w->nmessages++] = message;
}

/* Ups and losses of one executor arrive in order. */
static inline void post_in_order(struct world *w, uint32_t x, double delay_s, struct mx_event event)
{
    double at_s = fmax(w->now_s + delay_s, w->executors[x].last_message_s + 1e-6);

    w->executors[x].last_message_s = at_s;
    event.executor = x;
    post(w, (struct message){.at_s = at_s, .event = event});
}

/* The lease that a loss names: what ran, nothing, or what ran before. */
static inline uint64_t named_lease(struct world *w, const struct executor *x)
{
    if (chance(w, 0.2))
        return x->last_lease;
    return x->working && chance(w, 0.9) ? x->queue[0].lease : 0;
}

static inline void die(struct world *w, uint32_t x, enum mx_reason reason)
{
    struct executor *executor = &w->executors[x];
    struct mx_event  lost = {
         .kind = MX_EVENT_EXECUTOR_LOST, .lease = named_lease(w, executor), .reason = reason};

    executor->alive = executor->working = executor->hangs = false;
    executor->nqueue = 0;
    executor->life++;
    /* Now and then the loss is never told: the next life speaks for it. */
    if (!chance(w, 0.1))
        post_in_order(w, x, mx_rng_uniform(&w->rng), lost);
    post_in_order(w, x, 1 + mx_rng_uniform(&w->rng),
                  (struct mx_event){.kind = MX_EVENT_EXECUTOR_UP, .host = x / RANK_STEP});
}

/* The executors of a rank go for good, unless they are the last. */
static inline void lose_rank(struct world *w, uint32_t rank)
{
    uint32_t nleft = 0;

    for (uint32_t r = 0; r < w->nranks; r++)
        nleft += !w->executors[r * RANK_STEP].gone;
    if (nleft < 2 || w->executors[rank * RANK_STEP].gone)
        return;
    w->nranks_lost++;
    for (uint32_t x = rank * RANK_STEP; x < (rank + 1) * RANK_STEP; x++) {
        if (!w->executors[x].exists)
            continue;
        /* What it has said before may still be on its way; nothing follows. */
        w->executors[x] = (struct executor){.exists = true,
                                            .gone = true,
                                            .life = w->executors[x].life + 1,
                                            .last_message_s = w->executors[x].last_message_s};
        post_in_order(
            w, x, 0.1,
            (struct mx_event){.kind = MX_EVENT_EXECUTOR_LOST, .reason = MX_REASON_CRASHED});
        post_in_order(w, x, 0.1, (struct mx_event){.kind = MX_EVENT_EXECUTOR_GONE});
    }
}

static inline double told_seconds(struct world *w, double seconds)
{
    static const double odd[] = {NAN, 0, -1, INFINITY};

    return chance(w, 0.1) ? odd[below(w, 4)] : seconds;
}

/* An executor takes up the next of its orders. */
static inline void work(struct world *w, uint32_t x)
{
    static const double scale_s[] = {10, 0.5, 3}; /* of the kinds */
    struct executor    *executor = &w->executors[x];
    uint32_t            stage = executor->queue[0].stage;
    struct message      end = {.inside = true, .life = executor->life};
    double              seconds = mx_rng_uniform(&w->rng) * scale_s[w->stages[stage].kind];

    if (!executor->alive || executor->working || executor->nqueue == 0)
        return;
    executor->working = true;
    if ((executor->hangs = chance(w, w->trouble)))
        return;
    end.at_s = w->now_s + seconds;
    end.event = (struct mx_event){.kind = MX_EVENT_STAGE_DONE,
                                  .executor = x,
                                  .lease = executor->queue[0].lease,
                                  .stage = stage,
                                  .seconds = told_seconds(w, seconds)};
    if (w->diverges[stage]) {
        end.event.kind = MX_EVENT_STAGE_FAILED;
        end.event.reason = chance(w, 0.5) ? MX_REASON_DIVERGED : MX_REASON_DATA_ERROR;
    } else if (w->flaky[stage] && chance(w, 0.7)) {
        end.event.kind = MX_EVENT_STAGE_FAILED;
        end.event.reason = MX_REASON_OUT_OF_MEMORY;
    }
    post(w, end);
}

/* A stage ended at its executor: it reports, now or late, once or more. */
static inline void work_ended(struct world *w, const struct message *end)
{
    struct executor *executor = &w->executors[end->event.executor];
    struct message   report = {.event = end->event};

    if (!executor->alive || executor->life != end->life)
        return;
    executor->last_lease = executor->queue[0].lease;
    executor->nqueue--;
    memmove(executor->queue, executor->queue + 1, executor->nqueue * sizeof executor->queue[0]);
    executor->working = false;
    do {
        report.at_s = w->now_s + mx_rng_uniform(&w->rng) * (chance(w, w->trouble) ? 20 : 0.1);
        post(w, report);
    } while (chance(w, w->trouble));
    work(w, end->event.executor);
}

#endif
