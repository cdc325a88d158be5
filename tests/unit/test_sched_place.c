/* Which executor runs the stages of which backbone: counted, in virtual time. */
#include <math.h>
#include <string.h>

#include "sched_fixture.h"

enum {
    MAX_BACKBONES = 8,
    MAX_HEADS = 64, /* of each */
    MAX_EXECUTORS = 16,
    MAX_QUEUE = 64,
    TRAIN = 0,
    HEAD = 1
};

static const double seconds_of[] = {[TRAIN] = 10, [HEAD] = 1};

struct order {
    uint64_t lease;
    uint32_t stage;
};

/* Backbones first, then heads, those of the first backbone first. */
struct world {
    struct fixture f;
    uint32_t       nbackbones, nheads, nexecutors;
    struct order   queue[MAX_EXECUTORS][MAX_QUEUE];
    size_t         nqueue[MAX_EXECUTORS];
    double         ends_s[MAX_EXECUTORS];
    unsigned       heads[MAX_EXECUTORS][MAX_BACKBONES]; /* that it ran */
    double         now_s;
};

static uint32_t backbone_of(const struct world *w, uint32_t head)
{
    return (head - w->nbackbones) / w->nheads;
}

static struct world *begin(uint32_t nbackbones, uint32_t nheads, double batch_seconds)
{
    struct mx_sched_options options = {
        .retries = 2, .batch_seconds = batch_seconds, .batch_max = MAX_QUEUE / 2};
    uint32_t               nstages = nbackbones * (1 + nheads);
    struct mx_sched_stage *stages = calloc(nstages, sizeof *stages);
    struct mx_sched_trial *trials = calloc(nstages, sizeof *trials);
    uint32_t(*parts)[2] = calloc(nstages, sizeof *parts);
    struct world *w = calloc(1, sizeof *w);

    cr_assert(stages && trials && parts && w);
    w->nbackbones = nbackbones;
    w->nheads = nheads;
    for (uint32_t i = nbackbones; i < nstages; i++) {
        parts[i][0] = backbone_of(w, i);
        parts[i][1] = i;
        stages[i] = (struct mx_sched_stage){.inputs = parts[i], .ninputs = 1, .kind = HEAD};
        trials[i] = (struct mx_sched_trial){.stages = parts[i], .nstages = 2, .cell = i};
    }
    w->f.sched = mx_sched_new(stages, nstages, trials + nbackbones, nstages - nbackbones, &options,
                              &w->f.err);
    cr_assert(w->f.sched, "%s", w->f.err.text);
    free(stages);
    free(trials);
    free(parts);
    return w;
}

static void finish(struct world *w)
{
    end(&w->f);
    free(w);
}

static void obey(struct world *w)
{
    for (size_t k = 0; k < w->f.actions.count; k++) {
        const struct mx_action *action = &w->f.actions.list[k];
        uint32_t                x = action->executor;

        if (action->kind != MX_ACTION_START)
            continue;
        if (w->nqueue[x] == 0)
            w->ends_s[x] = w->now_s + seconds_of[action->stage < w->nbackbones ? TRAIN : HEAD];
        w->queue[x][w->nqueue[x]++] = (struct order){action->lease, action->stage};
        if (action->stage >= w->nbackbones)
            w->heads[x][backbone_of(w, action->stage)]++;
    }
}

static void tell(struct world *w, struct mx_event event)
{
    event.now_s = w->now_s;
    feed(&w->f, event);
    obey(w);
}

static void start_executors(struct world *w, uint32_t n)
{
    w->nexecutors = n;
    for (uint32_t x = 0; x < n; x++)
        tell(w, (struct mx_event){.kind = MX_EVENT_EXECUTOR_UP, .executor = x});
}

/* The next stage that ends, at whichever executor; false if nothing runs. */
static bool step(struct world *w)
{
    uint32_t     x = MAX_EXECUTORS, stage;
    struct order order;

    for (uint32_t k = 0; k < w->nexecutors; k++)
        if (w->nqueue[k] > 0 && (x == MAX_EXECUTORS || w->ends_s[k] < w->ends_s[x]))
            x = k;
    if (x == MAX_EXECUTORS)
        return false;
    order = w->queue[x][0];
    stage = order.stage;
    w->now_s = w->ends_s[x];
    memmove(w->queue[x], w->queue[x] + 1, --w->nqueue[x] * sizeof order);
    if (w->nqueue[x] > 0)
        w->ends_s[x] += seconds_of[w->queue[x][0].stage < w->nbackbones ? TRAIN : HEAD];
    tell(w, (struct mx_event){.kind = MX_EVENT_STAGE_DONE,
                              .executor = x,
                              .lease = order.lease,
                              .stage = stage,
                              .seconds = seconds_of[stage < w->nbackbones ? TRAIN : HEAD]});
    return true;
}

static void run_all(struct world *w)
{
    while (step(w))
        ;
    cr_assert(mx_sched_finished(w->f.sched));
}

/* How often an executor had to get hold of a backbone. */
static unsigned count_pairs(const struct world *w)
{
    unsigned n = 0;

    for (uint32_t x = 0; x < w->nexecutors; x++)
        for (uint32_t b = 0; b < w->nbackbones; b++)
            n += w->heads[x][b] > 0;
    return n;
}

static void die_of(struct world *w, uint32_t x, uint64_t lease)
{
    w->nqueue[x] = 0;
    tell(w, (struct mx_event){.kind = MX_EVENT_EXECUTOR_LOST,
                              .executor = x,
                              .lease = lease,
                              .reason = MX_REASON_CRASHED});
}

static void die(struct world *w, uint32_t x)
{
    die_of(w, x, 0);
}

/* Four backbones and four executors, which nothing disturbs. */
static void expect_one_each(bool restored)
{
    static const double batches[] = {0, 5, 100};

    for (size_t k = 0; k < 3; k++) {
        struct world *w = begin(4, 50, batches[k]);

        for (uint32_t b = 4; restored && b-- > 0;)
            mx_sched_restore_done(w->f.sched, b);
        start_executors(w, 4);
        run_all(w);
        cr_expect_eq(count_pairs(w), 4, "%u pairs at batches of %g s", count_pairs(w), batches[k]);
        finish(w);
    }
}

Test(sched_place, heads_run_where_their_backbone_was_trained)
{
    expect_one_each(false);
}

Test(sched_place, heads_of_a_backbone_of_an_earlier_incarnation_stay_together)
{
    expect_one_each(true);
}

Test(sched_place, two_executors_take_one_backbone_each)
{
    struct world *w = begin(2, 20, 0);

    mx_sched_restore_done(w->f.sched, 0);
    mx_sched_restore_done(w->f.sched, 1);
    start_executors(w, 2);
    run_all(w);
    cr_expect_eq(w->heads[0][0], 20);
    cr_expect_eq(w->heads[1][1], 20);
    finish(w);
}

Test(sched_place, what_a_dead_executor_held_goes_to_one_other)
{
    struct world *w = begin(3, 40, 0);

    start_executors(w, 3);
    while (w->heads[2][2] < 10)
        cr_assert(step(w));
    die(w, 2);
    run_all(w);
    /* The two that are left end their own heads, then share what is left. */
    cr_expect_eq(w->heads[0][0], 40);
    cr_expect_eq(w->heads[1][1], 40);
    cr_expect_leq(count_pairs(w), 5);
    finish(w);
}

Test(sched_place, one_that_comes_back_holds_nothing)
{
    struct world *w = begin(2, 30, 0);

    start_executors(w, 2);
    while (w->heads[1][1] < 10)
        cr_assert(step(w));
    die(w, 1);
    tell(w, (struct mx_event){.kind = MX_EVENT_EXECUTOR_UP, .executor = 1});
    run_all(w);
    /* It claims it again, since nobody else had a reason to. */
    cr_expect_eq(w->heads[1][1], 31, "with the one that was lost");
    cr_expect_eq(count_pairs(w), 2);
    finish(w);
}

Test(sched_place, what_a_dead_executor_held_comes_before_what_nobody_has_begun)
{
    struct world *w = begin(3, 4, 0);

    for (uint32_t b = 0; b < 3; b++)
        mx_sched_restore_done(w->f.sched, b);
    start_executors(w, 1);
    die_of(w, 0, w->queue[0][0].lease);
    start_executors(w, 1);
    cr_expect_eq(w->heads[0][0], 2);
    run_all(w);
    finish(w);
}

/* 0 makes 1 and 2 possible, and 1 makes 3 possible. */
Test(sched_place, what_the_last_stage_made_possible_comes_first)
{
    static const uint32_t   root[] = {0}, child[] = {1}, all[] = {0, 1, 2, 3};
    struct mx_sched_stage   stages[] = {{.ninputs = 0},
                                        {.inputs = root, .ninputs = 1},
                                        {.inputs = root, .ninputs = 1},
                                        {.inputs = child, .ninputs = 1}};
    struct mx_sched_trial   trial = {all, 4, 0};
    struct mx_sched_options options = {0};
    struct fixture          f = {0};

    f.sched = mx_sched_new(stages, 4, &trial, 1, &options, &f.err);
    cr_assert(f.sched, "%s", f.err.text);
    up(&f, 0);
    report(&f, 0, MX_REASON_NONE);
    report(&f, 0, MX_REASON_NONE);
    cr_expect_eq(only_action(&f, MX_ACTION_START)->stage, 3);
    end(&f);
}

Test(sched_place, what_is_begun_is_ended_before_another_backbone)
{
    struct world *w = begin(6, 10, 0);
    unsigned      nwhole = 0;

    start_executors(w, 2);
    while (w->now_s < 39.5) /* two rounds of 10 + 10 s */
        cr_assert(step(w));
    for (uint32_t b = 0; b < 6; b++)
        nwhole += w->heads[0][b] + w->heads[1][b] == 10;
    cr_expect_eq(nwhole, 4);
    run_all(w);
    cr_expect_eq(count_pairs(w), 6);
    finish(w);
}

Test(sched_place, one_that_helps_stays_with_the_backbone_that_it_has)
{
    struct world *w = begin(4, 60, 5);

    for (uint32_t b = 0; b < 4; b++)
        mx_sched_restore_done(w->f.sched, b);
    start_executors(w, 16);
    run_all(w);
    /* Four hold one each and twelve help; a few help out once more at the end. */
    cr_expect_leq(count_pairs(w), 20, "%u pairs", count_pairs(w));
    cr_expect_leq(w->now_s, 4 * 60.0 / 16 + 3, "%g s", w->now_s);
    finish(w);
}

Test(sched_place, one_that_helped_takes_over_what_the_dead_held)
{
    struct world *w = begin(2, 40, 0);

    mx_sched_restore_done(w->f.sched, 0);
    mx_sched_restore_done(w->f.sched, 1);
    start_executors(w, 3);
    while (w->heads[2][0] < 5)
        cr_assert(step(w));
    die(w, 0);
    die(w, 1);
    while (w->heads[2][1] == 0)
        cr_assert(step(w));
    cr_expect_eq(w->heads[0][0] + w->heads[2][0], 41, "all of it, and the one that was lost");
    run_all(w);
    finish(w);
}

Test(sched_place, nobody_idles_beside_what_another_one_holds)
{
    struct world *w = begin(1, 60, 5);

    start_executors(w, 4);
    run_all(w);
    cr_expect_eq(count_pairs(w), 4);
    /* The work of 60 s is shared out, but for what waits in queues at the end. */
    cr_expect_leq(w->now_s, 10 + 60.0 / 4 + 2);
    finish(w);
}
