/* Stages that compare the models of a plan with each other. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "sweep/cross.h"
#include "sweep/estimate.h"
#include "sweep/plan.h"
#include "tests/unit/draw_config.h"
#include "worker/params.h"

static int fingerprint(void *user, const struct worker_params *params, uint64_t *out,
                       struct mx_err *err)
{
    (void)user;
    (void)err;
    *out = 7 + strlen(params->model_weights);
    return 0;
}

/* Ask for maps and for their comparison. */
static void ask(struct build *b)
{
    const struct mx_value map = build_choice(WORKER_MAP_GRADCAM),
                          metric = build_choice(MX_METRIC_INTER_MODEL_MAP);

    b->config.base[KEY_SCORE_ATTRIBUTIONS].list.items = build_keep(b, &map, 1, sizeof map);
    b->config.base[KEY_SCORE_ATTRIBUTIONS].list.count = 1;
    b->config.base[KEY_SCORE_METRICS].list.items = build_keep(b, &metric, 1, sizeof metric);
    b->config.base[KEY_SCORE_METRICS].list.count = 1;
}

/* Three ways to mix, at two rates, in two repeats: twelve models. */
static struct build *twelve(void)
{
    struct build *b = build_new();

    ask(b);
    b->config.base[KEY_REPEATS] = build_int(2);
    BUILD_LIST(b, KEY_TRAIN_LR, build_real(0.1), build_real(0.2));
    BUILD_LIST(b, KEY_MIX_STRATEGY, build_choice(WORKER_MIX_MIXUP), build_choice(WORKER_MIX_CUTMIX),
               build_choice(WORKER_MIX_NONE));
    return b;
}

struct planned {
    struct mx_grid *grid;
    struct mx_plan *plan;
};

static struct planned plan_of(const struct build *b)
{
    struct planned p = {.grid = mx_grid_new(&b->config, NULL)};
    struct mx_err  err = {.text = ""};

    p.plan = mx_plan_new(&b->config, p.grid, fingerprint, NULL, &err);
    cr_assert_not_null(p.plan, "%s", err.text);
    return p;
}

static void planned_free(struct planned p)
{
    mx_plan_free(p.plan);
    mx_grid_free(p.grid);
}

static uint32_t count(const struct mx_plan *plan, enum worker_kind kind)
{
    uint32_t n = 0;

    for (uint32_t s = 0; s < plan->nstages; s++)
        n += plan->stages[s].kind == kind;
    return n;
}

/* The stage of a kind that a trial has; it has one. */
static const struct mx_stage *stage_of(const struct mx_plan *plan, uint32_t trial,
                                       enum worker_kind kind)
{
    const struct mx_trial *t = &plan->trials[trial];

    for (uint32_t k = 0; k < t->nstages; k++)
        if (plan->stages[plan->stage_of[t->first_stage + k]].kind == kind)
            return &plan->stages[plan->stage_of[t->first_stage + k]];
    cr_assert_fail("trial %u has no such stage", trial);
    return NULL;
}

static const struct mx_stage *input_of(const struct mx_plan *plan, const struct mx_stage *stage,
                                       uint32_t i)
{
    return &plan->stages[plan->inputs[stage->first_input + i]];
}

Test(cross, lets_every_model_score_the_maps_of_all_and_gives_each_trial_its_numbers)
{
    struct build         *b = twelve();
    struct planned        p = plan_of(b);
    const struct mx_plan *plan = p.plan;

    cr_assert_eq(plan->ntrials, 12);
    cr_expect_eq(count(plan, WORKER_STAGE_SCORER), 12);
    cr_expect_eq(count(plan, WORKER_STAGE_INTER_MODEL), 1);
    cr_expect_eq(count(plan, WORKER_STAGE_STANDING), 12);
    for (uint32_t t = 0; t < plan->ntrials; t++) {
        const struct mx_stage *train = stage_of(plan, t, WORKER_STAGE_TRAIN);
        const struct mx_stage *scorer = stage_of(plan, t, WORKER_STAGE_SCORER);
        const struct mx_stage *join = stage_of(plan, t, WORKER_STAGE_INTER_MODEL);
        const struct mx_stage *standing = stage_of(plan, t, WORKER_STAGE_STANDING);

        cr_assert_eq(scorer->ninputs, 13);
        cr_expect_eq(input_of(plan, scorer, 0), train);
        cr_expect_eq(scorer->repeat, plan->trials[t].repeat);
        cr_assert_eq(join->ninputs, 24);
        cr_expect_eq(join->nuses, 12);
        cr_assert_eq(standing->ninputs, 2);
        cr_expect_eq(input_of(plan, standing, 0), join);
        cr_expect_eq(input_of(plan, standing, 1), stage_of(plan, t, WORKER_STAGE_MAPS));
        cr_expect_eq(standing, &plan->stages[plan->stage_of[plan->trials[t].first_stage +
                                                            plan->trials[t].nstages - 1]]);
        for (uint32_t i = 0; i < 12; i++) {
            const struct mx_stage *maps = input_of(plan, scorer, i + 1);

            cr_expect_eq(maps->kind, WORKER_STAGE_MAPS);
            cr_expect_eq(input_of(plan, join, i), maps);
            cr_expect_eq(input_of(plan, join, i + 12)->kind, WORKER_STAGE_SCORER);
            cr_expect_eq(input_of(plan, maps, 0), input_of(plan, input_of(plan, join, i + 12), 0));
            cr_expect_eq(maps->repeat, i / 6, "first repeats come first");
        }
    }
    planned_free(p);
    build_free(b);
}

Test(cross, tells_a_worker_whose_model_each_input_is_of)
{
    struct build     *b = twelve();
    struct planned    p = plan_of(b);
    const uint32_t    last = p.plan->ntrials - 1;
    struct worker_job job = {.kind = WORKER_STAGE_TRAIN};
    char              name[MX_TRIAL_NAME_SIZE];

    cr_assert_eq(
        mx_plan_job(p.plan, &b->config,
                    (uint32_t)(stage_of(p.plan, last, WORKER_STAGE_SCORER) - p.plan->stages), &job,
                    NULL),
        0);
    cr_expect_eq(job.kind, WORKER_STAGE_SCORER);
    cr_expect_eq(job.repeat, 1);
    cr_assert_eq(job.ninputs, 13);
    cr_expect_str_eq(job.inputs[0].name, mx_trial_name(&p.plan->trials[last], name));
    cr_expect_eq(job.inputs[0].repeat, 1);
    cr_expect_str_eq(job.inputs[1].name, mx_trial_name(&p.plan->trials[0], name));
    cr_expect_eq(job.inputs[1].repeat, 0);
    worker_job_free(&job);
    planned_free(p);
    build_free(b);
}

Test(cross, takes_first_repeats_first_where_models_are_bounded)
{
    struct build  *b = twelve();
    struct planned p;

    b->config.base[KEY_SCORE_INTER_MODEL_MODELS] = build_int(7);
    p = plan_of(b);
    cr_expect_eq(count(p.plan, WORKER_STAGE_SCORER), 7);
    for (uint32_t t = 0; t < p.plan->ntrials; t++)
        cr_expect_eq(p.plan->trials[t].nstages, p.plan->trials[t].repeat == 0 || t == 1 ? 5 : 2);
    planned_free(p);
    build_free(b);
}

Test(cross, adds_an_outside_scorer_that_no_trial_waits_for_but_through_the_comparison)
{
    struct build          *b = twelve();
    struct planned         p;
    const struct mx_stage *join, *outside, *train;
    struct worker_job      job = {.kind = WORKER_STAGE_TRAIN};

    b->config.base[KEY_SCORE_INTER_MODEL_REFERENCE] = build_text("auto");
    p = plan_of(b);
    join = stage_of(p.plan, 0, WORKER_STAGE_INTER_MODEL);
    cr_assert_eq(join->ninputs, 25);
    outside = input_of(p.plan, join, 24);
    train = input_of(p.plan, outside, 0);
    cr_expect_eq(outside->kind, WORKER_STAGE_SCORER);
    cr_expect_eq(outside->nuses, 0);
    cr_expect_eq(train->nuses, 0);
    cr_expect_eq(train->repeat, 2);
    cr_expect_eq(count(p.plan, WORKER_STAGE_TRAIN), 13);
    cr_assert_eq(mx_plan_job(p.plan, &b->config, (uint32_t)(train - p.plan->stages), &job, NULL),
                 0);
    cr_expect_eq(job.params.mix_strategy, WORKER_MIX_NONE);
    cr_expect_eq(job.repeat, 2);
    cr_assert_eq(mx_plan_job(p.plan, &b->config, (uint32_t)(outside - p.plan->stages), &job, NULL),
                 0);
    cr_expect_str_eq(job.inputs[0].name, "");
    worker_job_free(&job);
    planned_free(p);
    b->config.base[KEY_SCORE_INTER_MODEL_REFERENCE] = build_text("/w/outside.safetensors");
    p = plan_of(b);
    outside = input_of(p.plan, stage_of(p.plan, 0, WORKER_STAGE_INTER_MODEL), 24);
    cr_expect_eq(count(p.plan, WORKER_STAGE_TRAIN), 12);
    cr_expect_eq(outside->ninputs, 12);
    cr_assert_eq(mx_plan_job(p.plan, &b->config, (uint32_t)(outside - p.plan->stages), &job, NULL),
                 0);
    cr_expect_str_eq(job.params.model_weights, "/w/outside.safetensors");
    worker_job_free(&job);
    planned_free(p);
    build_free(b);
}

Test(cross, one_more_model_makes_another_comparison_of_the_same_trainings)
{
    struct build  *small = twelve(), *large = twelve();
    struct planned p, q;

    large->config.base[KEY_REPEATS] = build_int(3);
    p = plan_of(small);
    q = plan_of(large);
    for (uint32_t t = 0; t < p.plan->ntrials; t++) {
        const uint32_t                u = t / 2 * 3 + t % 2;
        static const enum worker_kind same[] = {WORKER_STAGE_TRAIN, WORKER_STAGE_MAPS},
                                      other[] = {WORKER_STAGE_SCORER, WORKER_STAGE_INTER_MODEL,
                                                 WORKER_STAGE_STANDING};

        for (size_t k = 0; k < 2; k++)
            cr_expect_eq(stage_of(p.plan, t, same[k])->key.low,
                         stage_of(q.plan, u, same[k])->key.low);
        for (size_t k = 0; k < 3; k++)
            cr_expect_neq(stage_of(p.plan, t, other[k])->key.low,
                          stage_of(q.plan, u, other[k])->key.low);
    }
    planned_free(p);
    planned_free(q);
    build_free(small);
    build_free(large);
}

Test(cross, refuses_more_models_than_can_meet)
{
    struct build   *b = twelve();
    struct mx_grid *grid;
    struct mx_err   err;

    b->config.base[KEY_REPEATS] = build_int(50);
    grid = mx_grid_new(&b->config, NULL);
    cr_expect_null(mx_plan_new(&b->config, grid, fingerprint, NULL, &err));
    cr_expect_eq(err.code, MX_EINVAL);
    cr_expect_str_eq(err.text,
                     "300 models would be compared with each other, and the cost is their square; "
                     "set score.inter_model.models to at most 256");
    mx_grid_free(grid);
    build_free(b);
}

/* Whatever the grid, plan and estimate agree. */
Test(cross, counts_what_a_plan_holds)
{
    static const char *const outside[] = {"", "auto", "/w/outside.safetensors"};
    uint64_t                 compared = 0;

    for (uint32_t seed = 0; seed < 120; seed++) {
        struct mx_rng      rng = mx_rng_at(mx_stream_make(22, 0, MX_PURPOSE_ORDER, 0), seed, 0, 0);
        struct build      *b = draw_config(&rng);
        struct mx_grid    *grid;
        struct mx_plan    *plan;
        struct mx_estimate estimate;
        struct mx_err      err;

        ask(b);
        b->config.base[KEY_REPEATS] = build_int(1 + seed % 2);
        b->config.base[KEY_SCORE_INTER_MODEL_MODELS] = build_int(seed % 4 ? 0 : 3);
        b->config.base[KEY_SCORE_INTER_MODEL_REFERENCE] = build_text(outside[seed % 3]);
        grid = mx_grid_new(&b->config, NULL);
        plan = mx_plan_new(&b->config, grid, fingerprint, NULL, &err);
        cr_assert_eq(mx_estimate(&b->config, grid, 2, &estimate, NULL), 0);
        for (int kind = 0; plan && kind < WORKER_STAGE_KINDS; kind++) {
            uint64_t uses = 0;

            for (uint32_t s = 0; s < plan->nstages; s++)
                uses += (int)plan->stages[s].kind == kind ? plan->stages[s].nuses : 0;
            cr_assert_eq(estimate.kinds[kind].planned, count(plan, (enum worker_kind)kind),
                         "config %u kind %d", seed, kind);
            if (seed % 4) /* bounded, it is a share */
                cr_assert_eq(estimate.kinds[kind].uses, uses, "config %u kind %d", seed, kind);
        }
        if (plan)
            compared += count(plan, WORKER_STAGE_INTER_MODEL);
        mx_plan_free(plan);
        mx_grid_free(grid);
        build_free(b);
    }
    cr_expect_gt(compared, 50);
}

Test(cross, the_time_of_its_stages_is_that_of_the_comparison)
{
    struct build         *b = twelve();
    const struct mx_value fill = build_choice(WORKER_FILL_ZERO),
                          curve = build_choice(WORKER_INTER_DELETION);
    struct mx_grid    *grid;
    struct mx_estimate estimate;
    double             all_s = 0, cross_s;

    b->config.base[KEY_MODEL_ARCH] = build_choice(WORKER_ARCH_RESNET8);
    b->config.base[KEY_SCORE_IMAGES] = b->config.base[KEY_SCORE_INTER_MODEL_IMAGES] = build_int(50);
    b->config.base[KEY_SCORE_STEPS] = b->config.base[KEY_SCORE_BOOTSTRAP] = build_int(10);
    b->config.base[KEY_SCORE_FILLS].list.items = build_keep(b, &fill, 1, sizeof fill);
    b->config.base[KEY_SCORE_FILLS].list.count = 1;
    b->config.base[KEY_SCORE_INTER_MODEL_CURVES].list.items =
        build_keep(b, &curve, 1, sizeof curve);
    b->config.base[KEY_SCORE_INTER_MODEL_CURVES].list.count = 1;
    cr_assert_not_null(grid = mx_grid_new(&b->config, NULL));
    cr_assert_eq(mx_estimate(&b->config, grid, 1, &estimate, NULL), 0);
    cr_assert(estimate.timed);
    for (size_t k = 0; k < WORKER_STAGE_KINDS; k++)
        all_s += estimate.kind_s[k] * (double)estimate.kinds[k].planned;
    cross_s = estimate.kind_s[WORKER_STAGE_SCORER] * 12 +
              estimate.kind_s[WORKER_STAGE_INTER_MODEL] +
              estimate.kind_s[WORKER_STAGE_STANDING] * 12;
    cr_expect(cross_s > 0);
    cr_expect(fabs(cross_s / (3600 * estimate.cross.hours_mid) - 1) <= 1e-9);
    cr_expect(fabs(all_s / (3600 * estimate.hours_mid) - 1) <= 1e-9);
    mx_grid_free(grid);
    build_free(b);
}
