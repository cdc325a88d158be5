/* work.c - stages and trials, and the numbers that stages give. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "world.h"

const char *const sim_metric_names[SIM_METRICS] = {"val.accuracy", "test.cross_entropy"};

/* Of a stage's name alone: the same wherever and whenever it runs. Now and then
 * one of those numbers that are easily lost on the way. */
double sim_metric(uint32_t stage, unsigned k)
{
    static const double odd[] = {INFINITY, -INFINITY, -0.0, 0.0, 4.9e-324, 1e300, 0.1 + 0.2};
    uint64_t            name[] = {sim->seed, stage, k};
    uint64_t            hash = mx_hash64(name, sizeof name);

    if (hash % 16 == 0)
        return odd[hash / 16 % (sizeof odd / sizeof odd[0])];
    return (double)(hash >> 11) * 0x1p-53;
}

struct maker {
    struct mx_plan *plan;
    size_t          stages_room, inputs_room, ninputs, parts_room, nparts;
};

static void *room_for(void *array, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return array;
    *room = 2 * *room + 64;
    if (!(array = realloc(array, *room * size)))
        abort();
    return array;
}

static uint32_t add_stage(struct maker *maker, enum worker_kind kind, const uint32_t *inputs,
                          uint32_t ninputs)
{
    struct mx_plan *plan = maker->plan;
    uint32_t        i = plan->nstages;
    uint64_t        name[] = {sim->seed, i};

    plan->stages = room_for(plan->stages, i, &maker->stages_room, sizeof plan->stages[0]);
    plan->stages[i] = (struct mx_stage){.key = mx_hash128(name, sizeof name),
                                        .kind = kind,
                                        .first_trial = UINT32_MAX,
                                        .first_input = (uint32_t)maker->ninputs,
                                        .ninputs = ninputs};
    for (uint32_t k = 0; k < ninputs; k++) {
        plan->inputs =
            room_for(plan->inputs, maker->ninputs, &maker->inputs_room, sizeof plan->inputs[0]);
        plan->inputs[maker->ninputs++] = inputs[k];
    }
    plan->nstages++;
    return i;
}

static void add_part(struct maker *maker, uint32_t trial, uint32_t stage)
{
    struct mx_plan  *plan = maker->plan;
    struct mx_stage *row = &plan->stages[stage];

    plan->stage_of =
        room_for(plan->stage_of, maker->nparts, &maker->parts_room, sizeof plan->stage_of[0]);
    plan->stage_of[maker->nparts++] = stage;
    plan->trials[trial].nstages++;
    if (row->nuses++ == 0)
        row->first_trial = trial;
}

/* Trainings shared by heads and scores, as sweeps have them; or each its own. */
static void add_trials(struct maker *maker, uint32_t per_backbone)
{
    struct mx_plan *plan = maker->plan;
    double          p_features = sim_uniform(), p_head = sim_uniform(), p_scores = sim_uniform();
    uint32_t        train = 0, features = UINT32_MAX, repeats = 1 + sim_below(4);

    for (uint32_t t = 0; t < plan->ntrials; t++) {
        uint32_t last;

        plan->trials[t] = (struct mx_trial){
            .cell = t / repeats, .repeat = t % repeats, .first_stage = (uint32_t)maker->nparts};
        if (t % per_backbone == 0) {
            train = add_stage(maker, WORKER_STAGE_TRAIN, NULL, 0);
            plan->stages[train].repeat = t % repeats;
            features = sim_chance(p_features) ? add_stage(maker, WORKER_STAGE_FEATURES, &train, 1)
                                              : UINT32_MAX;
        }
        add_part(maker, t, train);
        if (features != UINT32_MAX)
            add_part(maker, t, features);
        last = features != UINT32_MAX ? features : train;
        if (per_backbone > 1 || sim_chance(p_head)) {
            last = add_stage(maker, WORKER_STAGE_HEAD, &last, 1);
            add_part(maker, t, last);
        }
        if (sim_chance(p_scores)) {
            uint32_t both[] = {train, last};

            add_part(maker, t, add_stage(maker, WORKER_STAGE_SCORES, both, last == train ? 1 : 2));
        }
        plan->cells = plan->trials[t].cell + 1;
    }
}

enum {
    LEAST_STAGES =
        200, /* for 200 events, though cells may be quarantined early; sim->size times as many */
    MOST_TRIALS = 2000,
};

/* Few sweeps are large. */
static uint32_t draw_trials(void)
{
    if (sim_chance(0.002))
        return 500 + sim_below(MOST_TRIALS - 499);
    if (sim_chance(0.05))
        return 100 + sim_below(300);
    return 20 + sim_below(60);
}

static void free_plan(struct mx_plan *plan)
{
    free(plan->trials);
    free(plan->stages);
    free(plan->stage_of);
    free(plan->inputs);
    *plan = (struct mx_plan){0};
}

/* Twice as many trials until there are enough stages, or as many trials as there may be. */
static void make_plan(struct mx_plan *plan, uint32_t least)
{
    uint32_t ntrials = draw_trials();

    for (;; ntrials = 2 * ntrials < MOST_TRIALS ? 2 * ntrials : MOST_TRIALS) {
        struct maker maker = {.plan = plan};

        free_plan(plan);
        plan->ntrials = ntrials;
        plan->trials = sim_calloc(plan->ntrials, sizeof plan->trials[0]);
        add_trials(&maker, sim_chance(0.3) ? 1 : 1 + sim_below(12));
        if (!plan->inputs)
            plan->inputs = sim_calloc(1, sizeof plan->inputs[0]);
        if (plan->nstages >= least || ntrials == MOST_TRIALS)
            return;
    }
}

/* One sweep in three stops trainings early, and is a larger one. Draws of its own: what else a seed means does
 * not depend on this. */
static void make_work(struct sim_work *work)
{
    static const enum mx_early_stop rules[] = {MX_EARLY_STOP_MEDIAN, MX_EARLY_STOP_SHA,
                                               MX_EARLY_STOP_ASHA};
    struct mx_rng rng = mx_rng_at(mx_stream_make(sim->seed, 0, MX_PURPOSE_SEARCH, 0), 0, 0, 0);

    const bool judged = mx_rng_below(&rng, 3) == 0;

    make_plan(&work->plan, sim->size * (judged ? 2 * LEAST_STAGES : LEAST_STAGES));
    work->judged = sim_calloc(work->plan.nstages, sizeof work->judged[0]);
    if (!judged)
        return;
    work->options.early = (struct mx_early_rule){.rule = rules[mx_rng_below(&rng, 3)],
                                                 .min_epochs = 1 + (uint32_t)mx_rng_below(&rng, 3),
                                                 .reduction = 2 + (uint32_t)mx_rng_below(&rng, 3),
                                                 .smaller = mx_rng_below(&rng, 2) == 1};
    for (uint32_t s = 0; s < work->plan.nstages; s++)
        if (work->plan.stages[s].kind == WORKER_STAGE_TRAIN) {
            work->plan.stages[s].epochs = (uint32_t)mx_rng_below(&rng, 20);
            work->plan.stages[s].bracket = mx_rng_below(&rng, 5) == 0;
        }
}

void sim_work_make(struct sim_work *work)
{
    double diverging = sim_chance(0.5) ? 0.05 : 0, flaky = sim_chance(0.5) ? 0.1 : 0;
    double scale = 0.3 + 3 * sim_uniform();

    make_work(work);
    work->diverges = sim_calloc(work->plan.nstages, sizeof(bool));
    work->flaky = sim_calloc(work->plan.nstages, sizeof(bool));
    for (uint32_t s = 0; s < work->plan.nstages; s++) {
        work->diverges[s] = sim_chance(diverging);
        work->flaky[s] = sim_chance(flaky);
    }
    work->mean_s[WORKER_STAGE_TRAIN] = 5 * scale;
    work->mean_s[WORKER_STAGE_FEATURES] = scale;
    work->mean_s[WORKER_STAGE_HEAD] = sim_chance(0.5) ? 0.02 * scale : scale;
    work->mean_s[WORKER_STAGE_SCORES] = sim_chance(0.5) ? 0.05 * scale : 2 * scale;
    work->options = (struct mx_sched_options){
        .early = work->options.early,
        .retries = sim_chance(0.3) ? 20 : sim_below(4),
        .trial_timeout_s = sim_chance(0.4) ? 20 * scale : 0,
        .batch_seconds = sim_chance(0.7) ? 0.1 : sim_uniform() * 10,
        .batch_max = sim_chance(0.7) ? 256 : sim_below(8),
    };
}

void sim_work_free(struct sim_work *work)
{
    free_plan(&work->plan);
    free(work->diverges);
    free(work->flaky);
    free(work->judged);
}
