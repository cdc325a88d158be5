#include <criterion/criterion.h>
#include <stdio.h>

#include "sweep/plan.h"
#include "tests/unit/build_config.h"
#include "worker/params.h"

/* The data of a place is its path's first letter; "bad" cannot be read. */
static int fingerprint(void *user, const struct worker_params *params, uint64_t *out,
                       struct mx_err *err)
{
    if (user)
        ++*(unsigned *)user;
    if (strstr(params->data_path, "bad"))
        return mx_fail(err, MX_EDATA, "%s cannot be read", params->data_path);
    *out = (uint64_t)strlen(params->data_path);
    return 0;
}

struct planned {
    struct mx_grid *grid;
    struct mx_plan *plan;
};

static struct planned plan_of(const struct build *b)
{
    struct planned p;

    p.grid = mx_grid_new(&b->config, NULL);
    cr_assert_not_null(p.grid);
    p.plan = mx_plan_new(&b->config, p.grid, fingerprint, NULL, NULL);
    cr_assert_not_null(p.plan);
    return p;
}

static void planned_free(struct planned p)
{
    mx_plan_free(p.plan);
    mx_grid_free(p.grid);
}

static size_t count_kind(const struct mx_plan *plan, enum worker_kind kind)
{
    size_t n = 0;

    for (uint32_t s = 0; s < plan->nstages; s++)
        n += plan->stages[s].kind == kind;
    return n;
}

Test(plan, gives_each_cell_and_repeat_one_train_stage)
{
    struct build  *b = build_new();
    struct planned p;

    b->config.base[KEY_REPEATS] = build_int(3);
    BUILD_LIST(b, KEY_TRAIN_LR, build_real(0.1), build_real(0.2));
    BUILD_LIST(b, KEY_MIX_STRATEGY, build_choice(WORKER_MIX_NONE), build_choice(WORKER_MIX_MIXUP));
    BUILD_LIST(b, KEY_MIX_ALPHA, build_real(0.2), build_real(0.4), build_real(1));
    p = plan_of(b);
    cr_expect_eq(p.plan->points, 12);
    cr_expect_eq(p.plan->folded, 4);
    cr_expect_eq(p.plan->excluded, 0);
    cr_expect_eq(p.plan->cells, 8);
    cr_expect_eq(p.plan->ntrials, 24);
    cr_expect_eq(p.plan->nstages, 24);
    cr_expect_eq(count_kind(p.plan, WORKER_STAGE_TRAIN), 24);
    for (uint32_t t = 0; t < p.plan->ntrials; t++) {
        cr_expect_eq(p.plan->trials[t].repeat, t % 3);
        cr_expect_eq(p.plan->trials[t].nstages, 1);
        cr_expect_eq(p.plan->trials[t].cell, p.plan->trials[t - t % 3].cell);
        if (t > 0)
            cr_expect_geq(p.plan->trials[t].point, p.plan->trials[t - 1].point);
    }
    planned_free(p);
    build_free(b);
}

static struct build *twenty_hsfm_settings(void)
{
    struct build *b = build_new();

    b->config.base[KEY_HEAD_METHOD] = build_choice(WORKER_HEAD_HSFM);
    BUILD_LIST(b, KEY_HEAD_HSFM_INNER_STEPS, build_int(1), build_int(5), build_int(10),
               build_int(15));
    BUILD_LIST(b, KEY_HEAD_HSFM_EPOCHS, build_int(10), build_int(20), build_int(30), build_int(40),
               build_int(50));
    return b;
}

Test(plan, puts_twenty_heads_behind_one_train_and_one_features_stage)
{
    struct build         *b = twenty_hsfm_settings();
    struct planned        p = plan_of(b);
    const struct mx_plan *plan = p.plan;

    cr_expect_eq(plan->ntrials, 20);
    cr_expect_eq(plan->nstages, 22);
    cr_expect_eq(count_kind(plan, WORKER_STAGE_TRAIN), 1);
    cr_expect_eq(count_kind(plan, WORKER_STAGE_FEATURES), 1);
    cr_expect_eq(count_kind(plan, WORKER_STAGE_HEAD), 20);
    for (uint32_t t = 0; t < plan->ntrials; t++) {
        const uint32_t        *stages = &plan->stage_of[plan->trials[t].first_stage];
        const struct mx_stage *train = &plan->stages[stages[0]];
        const struct mx_stage *features = &plan->stages[stages[1]];
        const struct mx_stage *head = &plan->stages[stages[2]];

        cr_assert_eq(plan->trials[t].nstages, 3);
        cr_expect_eq(train->kind, WORKER_STAGE_TRAIN);
        cr_expect_eq(train->nuses, 20);
        cr_expect_eq(train->ninputs, 0);
        cr_expect_eq(features->kind, WORKER_STAGE_FEATURES);
        cr_expect_eq(features->nuses, 20);
        cr_assert_eq(features->ninputs, 1);
        cr_expect_eq(plan->inputs[features->first_input], stages[0]);
        cr_expect_eq(head->kind, WORKER_STAGE_HEAD);
        cr_expect_eq(head->first_trial, t);
        cr_expect_eq(head->nuses, 1);
        cr_assert_eq(head->ninputs, 1);
        cr_expect_eq(plan->inputs[head->first_input], stages[1]);
    }
    planned_free(p);
    build_free(b);
}

Test(plan, shares_the_network_of_erm_with_other_heads)
{
    struct build  *b = build_new();
    struct planned p;

    BUILD_LIST(b, KEY_HEAD_METHOD, build_choice(WORKER_HEAD_ERM), build_choice(WORKER_HEAD_DFR),
               build_choice(WORKER_HEAD_LLR));
    p = plan_of(b);
    cr_expect_eq(p.plan->ntrials, 3);
    cr_expect_eq(count_kind(p.plan, WORKER_STAGE_TRAIN), 1);
    cr_expect_eq(p.plan->stages[0].nuses, 3);
    cr_expect_eq(count_kind(p.plan, WORKER_STAGE_FEATURES), 1);
    cr_expect_eq(count_kind(p.plan, WORKER_STAGE_HEAD), 2);
    cr_expect_eq(p.plan->trials[0].nstages, 1);
    planned_free(p);
    build_free(b);
}

/* erm, and afr on both kinds of samples that its network did not see. */
Test(plan, a_holdout_has_a_network_of_its_own_and_other_heads_share_theirs)
{
    struct build          *b = build_new();
    struct planned         p;
    struct worker_job      job = {.ninputs = 0};
    const struct mx_trial *trials;
    const uint32_t        *stage_of;

    BUILD_LIST(b, KEY_HEAD_METHOD, build_choice(WORKER_HEAD_ERM), build_choice(WORKER_HEAD_AFR));
    BUILD_LIST(b, KEY_HEAD_AFR_SPLIT, build_choice(WORKER_AFR_SPLIT_VAL_HALF),
               build_choice(WORKER_AFR_SPLIT_HOLDOUT));
    p = plan_of(b);
    trials = p.plan->trials;
    stage_of = p.plan->stage_of;
    cr_assert_eq(p.plan->ntrials, 3);
    cr_expect_eq(count_kind(p.plan, WORKER_STAGE_TRAIN), 2);
    cr_expect_eq(count_kind(p.plan, WORKER_STAGE_FEATURES), 2);
    cr_expect_eq(count_kind(p.plan, WORKER_STAGE_HEAD), 2);
    cr_expect_eq(stage_of[trials[1].first_stage], stage_of[trials[0].first_stage]);
    cr_expect_neq(stage_of[trials[2].first_stage], stage_of[trials[0].first_stage]);
    cr_assert_eq(mx_plan_job(p.plan, &b->config, stage_of[trials[2].first_stage], &job, NULL), 0);
    cr_expect_eq(job.params.head_afr_split, WORKER_AFR_SPLIT_HOLDOUT);
    cr_expect(worker_param_has(&job.used, WORKER_PARAM_head_afr_split));
    cr_assert_eq(mx_plan_job(p.plan, &b->config, stage_of[trials[0].first_stage], &job, NULL), 0);
    cr_expect_eq(job.params.head_afr_split, WORKER_AFR_SPLIT_VAL_HALF);
    cr_expect_not(worker_param_has(&job.used, WORKER_PARAM_head_afr_split));
    worker_job_free(&job);
    planned_free(p);
    build_free(b);
}

Test(plan, has_only_head_stages_on_stored_features)
{
    struct build  *b = twenty_hsfm_settings();
    struct planned p;

    b->config.base[KEY_DATA_SET] = build_choice(WORKER_DATA_FEATURES);
    BUILD_LIST(b, KEY_TRAIN_LR, build_real(0.1), build_real(0.2));
    p = plan_of(b);
    cr_expect_eq(p.plan->cells, 20);
    cr_expect_eq(p.plan->folded, 20);
    cr_expect_eq(p.plan->nstages, 20);
    cr_expect_eq(count_kind(p.plan, WORKER_STAGE_HEAD), 20);
    cr_expect_eq(p.plan->stages[0].ninputs, 0);
    planned_free(p);
    build_free(b);
}

/* The key of the only stage. */
static struct mx_hash128 only_key(const struct build *b)
{
    struct planned    p = plan_of(b);
    struct mx_hash128 key = p.plan->stages[0].key;

    cr_assert_eq(p.plan->nstages, 1);
    planned_free(p);
    return key;
}

Test(plan, keys_a_stage_by_what_determines_it)
{
    struct build     *b = build_new();
    struct mx_value  *base = b->config.base;
    struct mx_hash128 key = only_key(b);

    base[KEY_SCHEDULE_RETRIES] = build_int(7);
    base[KEY_MIX_ALPHA] = build_real(0.3);  /* unused under strategy none */
    base[KEY_DATA_PATH] = build_text("/x"); /* unused by synthetic */
    cr_expect_eq(only_key(b).low, key.low);
    base[KEY_SEED] = build_int(1);
    cr_expect_neq(only_key(b).low, key.low);
    base[KEY_SEED] = build_int(0);
    base[KEY_SEEDS] = build_choice(1);
    cr_expect_neq(only_key(b).low, key.low);
    base[KEY_SEEDS] = build_choice(0);
    base[KEY_TRAIN_THREADS] = build_int(2);
    cr_expect_neq(only_key(b).low, key.low);
    base[KEY_TRAIN_THREADS] = build_int(1);
    base[KEY_SCORE_BOOTSTRAP] = build_int(10);
    cr_expect_neq(only_key(b).low, key.low, "its intervals are others");
    base[KEY_SCORE_BOOTSTRAP] = build_int(1000);
    base[KEY_HEAD_AFR_SPLIT] = build_choice(WORKER_AFR_SPLIT_HOLDOUT); /* unused under erm */
    cr_expect_eq(only_key(b).low, key.low);
    base[KEY_TRAIN_WEIGHT_DECAY] = build_real(0);
    cr_expect_neq(only_key(b).low, key.low);
    build_free(b);
}

Test(plan, keys_data_by_its_fingerprint_and_not_by_its_place)
{
    struct build     *b = build_new();
    struct mx_value  *base = b->config.base;
    struct mx_hash128 key;

    base[KEY_DATA_SET] = build_choice(WORKER_DATA_MNIST);
    base[KEY_DATA_PATH] = build_text("/one");
    key = only_key(b);
    base[KEY_DATA_PATH] = build_text("/two");
    cr_expect_eq(only_key(b).low, key.low);
    cr_expect_eq(only_key(b).high, key.high);
    base[KEY_DATA_PATH] = build_text("/three");
    cr_expect_neq(only_key(b).low, key.low);
    build_free(b);
}

Test(plan, asks_for_a_fingerprint_only_where_data_keys_move)
{
    struct build   *b = build_new();
    struct mx_grid *grid;
    struct mx_plan *plan;
    unsigned        asked = 0;

    BUILD_LIST(b, KEY_DATA_TRAIN_LIMIT, build_int(100), build_int(200));
    BUILD_LIST(b, KEY_TRAIN_LR, build_real(0.1), build_real(0.2), build_real(0.3));
    grid = mx_grid_new(&b->config, NULL);
    plan = mx_plan_new(&b->config, grid, fingerprint, &asked, NULL);
    cr_expect_eq(plan->cells, 6);
    cr_expect_eq(asked, 2);
    mx_plan_free(plan);
    mx_grid_free(grid);
    build_free(b);
}

static void expect_failure(const struct build *b, enum mx_code code, const char *text)
{
    struct mx_err   err = {0};
    struct mx_grid *grid = mx_grid_new(&b->config, NULL);

    cr_assert_null(mx_plan_new(&b->config, grid, fingerprint, NULL, &err));
    cr_expect_eq(err.code, code);
    cr_expect_str_eq(err.text, text);
    mx_grid_free(grid);
}

Test(plan, names_two_cells_that_differ_only_in_their_place)
{
    struct build *b = build_new();

    b->config.base[KEY_DATA_SET] = build_choice(WORKER_DATA_MNIST);
    BUILD_LIST(b, KEY_TRAIN_LR, build_real(0.1), build_real(1e-5));
    BUILD_LIST(b, KEY_DATA_PATH, build_text("a"), build_text("b"));
    expect_failure(b, MX_EINVAL,
                   "two different cells have the id 5b1b18d7cc73d178: number 0 (train.lr=0.1 "
                   "data.path=a) and number 1 (train.lr=0.1 data.path=b); data.path is no part of "
                   "an id, so cells must differ in another key");
    build_free(b);
}

Test(plan, says_that_no_cell_is_left)
{
    struct build   *b = build_new();
    struct mx_match all = build_is(b, KEY_MIX_STRATEGY, build_choice(WORKER_MIX_NONE));

    BUILD_LIST(b, KEY_TRAIN_LR, build_real(0.1), build_real(0.2));
    build_exclude(b, 1, &all);
    expect_failure(b, MX_EINVAL, "no cell is left: exclude rules match all 2 points");
    build_free(b);
}

Test(plan, refuses_more_points_than_a_run_takes)
{
    struct build *b = build_new();

    build_linear(b, KEY_TRAIN_EPOCHS, 1, 10000, 10000);
    build_linear(b, KEY_TRAIN_LR, 0.1, 0.2, 1001);
    expect_failure(b, MX_ERANGE,
                   "the grid has 10010000 points, more than the 10000000 that can be run without "
                   "search.budget; use fewer values");
    build_free(b);
}

Test(plan, passes_on_what_the_data_says)
{
    struct build *b = build_new();

    b->config.base[KEY_DATA_SET] = build_choice(WORKER_DATA_MNIST);
    b->config.base[KEY_DATA_PATH] = build_text("bad");
    expect_failure(b, MX_EDATA, "/configs/bad cannot be read");
    build_free(b);
}

Test(plan, gives_workers_the_parameters_of_the_stage_alone)
{
    struct build     *b = twenty_hsfm_settings();
    struct planned    p;
    struct worker_job job = {.ninputs = 0};
    char              key[MX_HASH128_HEX];

    b->config.base[KEY_SEED] = build_int(11);
    b->config.base[KEY_REPEATS] = build_int(2);
    b->config.base[KEY_MIX_ALPHA] = build_real(0.25); /* folded: strategy is none */
    b->config.base[KEY_TRAIN_LR] = build_real(0.5);
    b->config.base[KEY_SCORE_BOOTSTRAP] = build_int(300);
    p = plan_of(b);
    cr_assert_eq(p.plan->stages[3].kind, WORKER_STAGE_TRAIN); /* of repeat 1 */
    cr_assert_eq(mx_plan_job(p.plan, &b->config, 3, &job, NULL), 0);
    cr_expect_eq(job.kind, WORKER_STAGE_TRAIN);
    cr_expect_eq(job.seed, 11);
    cr_expect_eq(job.repeat, 1);
    cr_expect_eq(job.stream_extra, 0);
    cr_expect_str_eq(job.key, mx_hash128_hex(p.plan->stages[3].key, key));
    cr_expect_str_eq(job.folder, "");
    cr_expect_eq(job.params.data_set, WORKER_DATA_SYNTHETIC);
    cr_expect_eq(job.params.train_lr, 0.5);
    cr_expect_eq(job.params.mix_alpha, 1.0);
    cr_expect_eq(job.params.head_method, WORKER_HEAD_ERM, "a head is no part of a training");
    cr_assert_eq(mx_plan_job(p.plan, &b->config, 5, &job, NULL), 0);
    cr_expect_eq(job.kind, WORKER_STAGE_HEAD);
    cr_expect_eq(job.params.head_method, WORKER_HEAD_HSFM);
    cr_expect_eq(job.params.train_lr, 0.1);
    cr_expect_eq(job.params.score_bootstrap, 300, "a head has intervals");
    cr_assert_eq(job.ninputs, 1);
    cr_expect_eq(job.inputs[0].kind, WORKER_STAGE_FEATURES);
    cr_expect_str_eq(job.inputs[0].key, mx_hash128_hex(p.plan->stages[4].key, key));
    cr_assert_eq(mx_plan_job(p.plan, &b->config, 3, &job, NULL), 0);
    cr_expect_eq(job.ninputs, 0);
    cr_expect_eq(job.params.score_bootstrap, 300, "so has a training");
    cr_expect(worker_param_has(&job.used, WORKER_PARAM_train_lr));
    cr_expect_not(worker_param_has(&job.used, WORKER_PARAM_mix_alpha), "unused by strategy none");
    cr_expect_not(worker_param_has(&job.used, WORKER_PARAM_head_method));
    cr_assert_eq(mx_plan_job(p.plan, &b->config, 4, &job, NULL), 0);
    cr_expect_eq(job.kind, WORKER_STAGE_FEATURES);
    cr_expect(worker_param_has(&job.used, WORKER_PARAM_model_arch));
    cr_expect_not(worker_param_has(&job.used, WORKER_PARAM_train_lr));
    cr_expect_not(worker_param_has(&job.used, WORKER_PARAM_score_bootstrap));
    worker_job_free(&job);
    planned_free(p);
    build_free(b);
}

Test(plan, makes_the_next_job_as_if_it_were_the_first)
{
    struct build     *b = build_new();
    struct planned    p;
    struct worker_job next = {.ninputs = 0}, alone = {.ninputs = 0};

    b->config.base[KEY_REPEATS] = build_int(3);
    b->config.base[KEY_SEEDS] = build_choice(1);
    p = plan_of(b);
    for (uint32_t before = 0; before < p.plan->nstages; before++)
        for (uint32_t stage = 0; stage < p.plan->nstages; stage++) {
            cr_assert_eq(mx_plan_job(p.plan, &b->config, before, &next, NULL), 0);
            cr_assert_eq(mx_plan_next_job(p.plan, &b->config, before, stage, &next, NULL), 0);
            cr_assert_eq(mx_plan_job(p.plan, &b->config, stage, &alone, NULL), 0);
            cr_assert_eq(next.kind, alone.kind);
            cr_assert_eq(next.repeat, alone.repeat);
            cr_assert_eq(next.stream_extra, alone.stream_extra);
            cr_assert_str_eq(next.key, alone.key);
            cr_assert_arr_eq(&next.params, &alone.params, sizeof next.params);
        }
    planned_free(p);
    build_free(b);
}

Test(plan, gives_independent_stages_streams_of_their_own)
{
    struct build     *b = build_new();
    struct planned    p;
    struct worker_job job = {.ninputs = 0};

    b->config.base[KEY_SEEDS] = build_choice(1);
    p = plan_of(b);
    cr_assert_eq(mx_plan_job(p.plan, &b->config, 0, &job, NULL), 0);
    cr_expect_eq(job.stream_extra, p.plan->stages[0].key.high);
    planned_free(p);
    build_free(b);
}

Test(plan, makes_paths_absolute_against_the_configuration)
{
    struct build     *b = build_new();
    struct planned    p;
    struct worker_job job = {.ninputs = 0};

    b->config.base[KEY_DATA_SET] = build_choice(WORKER_DATA_MNIST);
    b->config.base[KEY_DATA_PATH] = build_text("data/mnist");
    p = plan_of(b);
    cr_assert_eq(mx_plan_job(p.plan, &b->config, 0, &job, NULL), 0);
    cr_expect_str_eq(job.params.data_path, "/configs/data/mnist");
    planned_free(p);
    build_free(b);
}

/* Another number for each content of the file of rows. */
static int with_support(void *user, const struct worker_params *params, uint64_t *out,
                        struct mx_err *err)
{
    (void)err;
    *out = params->head_hsfm_support_indices[0] ? *(const uint64_t *)user : 7;
    return 0;
}

Test(plan, the_rows_of_a_support_set_are_part_of_a_heads_key_alone)
{
    struct build   *b = build_new();
    struct mx_plan *plans[2];
    struct mx_grid *grid;
    uint64_t        content[2] = {1, 2};

    b->config.base[KEY_HEAD_METHOD] = build_choice(WORKER_HEAD_HSFM);
    b->config.base[KEY_HEAD_HSFM_SUPPORT_INDICES] = build_text("rows.npy");
    grid = mx_grid_new(&b->config, NULL);
    for (int k = 0; k < 2; k++)
        cr_assert_not_null(plans[k] =
                               mx_plan_new(&b->config, grid, with_support, &content[k], NULL));
    cr_assert_eq(plans[0]->nstages, 3);
    for (int s = 0; s < 2; s++)
        cr_expect_arr_eq(&plans[0]->stages[s].key, &plans[1]->stages[s].key,
                         sizeof(struct mx_hash128));
    cr_expect_neq(plans[0]->stages[2].key.low, plans[1]->stages[2].key.low);
    for (int k = 0; k < 2; k++)
        mx_plan_free(plans[k]);
    mx_grid_free(grid);
    build_free(b);
}

Test(plan, names_trials_by_cell_and_repeat)
{
    struct mx_trial trial = {.cell = 0xabc, .repeat = 12};
    char            name[MX_TRIAL_NAME_SIZE];

    cr_expect_str_eq(mx_trial_name(&trial, name), "0000000000000abc.r12");
}
