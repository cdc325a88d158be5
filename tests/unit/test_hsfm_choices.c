/* What HSFM chooses: its support set, its hard samples, and by which parameters. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/unit/hsfm_small.h"
#include "worker/npy.h"

/* ---- the support set ---- */

Test(hsfm_choices, support_is_in_class_order_and_a_smaller_one_is_part_of_a_larger)
{
    struct worker_features       *features = features_new(WORKER_F64);
    const struct worker_head_task task = task_of(features);
    struct worker_hsfm_options    few = small_options(), many = small_options();
    struct hsfm_plan              small, large;

    many.support_per_class = 9;
    small = plan_of(&task, &few);
    large = plan_of(&task, &many);
    cr_assert_eq(small.n, 12);
    cr_assert_eq(large.n, 27);
    for (uint32_t i = 0; i < large.n; i++) {
        cr_expect_eq(large.support_labels[i], i / 9);
        cr_expect_eq(features->split[WORKER_FEATURES_TRAIN].labels[large.support[i]], i / 9);
        for (uint32_t k = 0; k < i; k++)
            cr_expect_neq(large.support[i], large.support[k]);
        if (i % 9 < 4)
            cr_expect_eq(small.support[i / 9 * 4 + i % 9], large.support[i]);
    }
    hsfm_plan_free(&small);
    hsfm_plan_free(&large);
    formula_features_free(features);
}

Test(hsfm_choices, another_stream_gives_another_support_set)
{
    struct worker_features    *features = features_new(WORKER_F64);
    struct worker_head_task    task = task_of(features);
    struct worker_hsfm_options o = small_options();
    struct hsfm_plan           first = plan_of(&task, &o), second;

    task.support = mx_stream_make(1, 1, MX_PURPOSE_SUPPORT, 0);
    second = plan_of(&task, &o);
    cr_expect(memcmp(first.support, second.support, first.n * sizeof *first.support) != 0);
    hsfm_plan_free(&first);
    hsfm_plan_free(&second);
    formula_features_free(features);
}

Test(hsfm_choices, given_support_is_taken_in_class_order)
{
    static const uint32_t      rows[] = {5, 3, 9, 1, 4, 2}; /* classes 2 0 0 1 1 2 */
    static const uint32_t      wanted[] = {3, 9, 1, 4, 5, 2};
    struct worker_features    *features = features_new(WORKER_F64);
    struct worker_hsfm_options o = small_options();
    struct worker_head         head;

    o.support_per_class = 2;
    o.support = rows;
    o.nsupport = 6;
    head = train(features, &o);
    cr_assert_eq(head.nsupport, 6);
    for (uint32_t i = 0; i < 6; i++) {
        cr_expect_eq(head.support_rows[i], wanted[i]);
        for (uint32_t j = 0; j < DIMS; j++)
            cr_expect_eq(head.support_before[i * DIMS + j],
                         features->split[WORKER_FEATURES_TRAIN].x64[wanted[i] * DIMS + j]);
    }
    worker_head_free(&head);
    formula_features_free(features);
}

Test(hsfm_choices, given_support_that_does_not_fit_is_refused)
{
    static const uint32_t      beyond[] = {0, 1, 240}, twice[] = {0, 1, 1}, wrong[] = {0, 1, 3};
    struct worker_features    *features = features_new(WORKER_F32);
    struct worker_hsfm_options o = small_options();

    o.support_per_class = 1;
    o.nsupport = 3;
    o.support = beyond;
    expect_refusal(features, &o, MX_EDATA,
                   "head.hsfm.support_indices: row 240, and the training samples end with 239 "
                   "(rows count from 0)");
    o.support = twice;
    expect_refusal(features, &o, MX_EDATA,
                   "head.hsfm.support_indices: row 1 stands there twice: give each once");
    o.support = wrong;
    expect_refusal(features, &o, MX_EDATA,
                   "head.hsfm.support_indices: 2 rows of class 0, head.hsfm.support_per_class is "
                   "1: make them equal");
    formula_features_free(features);
}

Test(hsfm_choices, a_class_with_too_few_samples_is_named)
{
    struct worker_features    *features = features_new(WORKER_F32);
    struct worker_hsfm_options o = small_options();

    for (uint32_t i = 2; i < 200; i += 3)
        features->split[WORKER_FEATURES_TRAIN].labels[i] = 0;
    o.support_per_class = 16;
    expect_refusal(features, &o, MX_EDATA,
                   "hsfm: class 2 has 14 training samples, head.hsfm.support_per_class is 16: "
                   "lower it, or give more samples");
    o.support_per_class = 147;
    expect_refusal(features, &o, MX_EDATA,
                   "hsfm: class 0 has 146 training samples, head.hsfm.support_per_class is 147: "
                   "lower it, or give more samples");
    formula_features_free(features);
}

/* ---- hard samples ---- */

Test(hsfm_choices, hard_samples_are_the_largest_losses_and_of_equal_ones_the_first)
{
    struct worker_features       *features = features_new(WORKER_F64);
    const struct worker_head_task task = task_of(features);
    struct worker_hsfm_options    o = small_options();
    struct hsfm_plan              plan;

    o.hard_per_class = 3;
    plan = plan_of(&task, &o);
    for (uint32_t i = 0; i < VAL; i++) /* row i is of class i % 3 */
        plan.losses[i] = 1;
    plan.losses[100] = 2; /* class 1 */
    plan.losses[4] = 0.5;
    cr_assert_eq(hsfm_pick_hard(&plan, NULL), 0);
    {
        static const uint32_t wanted[] = {0, 3, 6, 100, 1, 7, 2, 5, 8};

        cr_assert_eq(plan.nhard, 9);
        for (uint32_t k = 0; k < 9; k++)
            cr_expect_eq(plan.hard[k], wanted[k]);
    }
    for (uint32_t i = 0; i < VAL; i++)
        plan.predicted[i] = 0;
    cr_expect_eq(hsfm_hard_errors(&plan), 6);
    cr_expect(hsfm_collapsed(&plan));
    plan.predicted[150] = 1;
    cr_expect(!hsfm_collapsed(&plan));
    hsfm_plan_free(&plan);
    formula_features_free(features);
}

Test(hsfm_choices, a_small_class_gives_all_it_has)
{
    struct worker_features    *features = features_new(WORKER_F32);
    struct worker_hsfm_options o = small_options();
    struct worker_head         head;
    double                     sum = 0;

    o.hard_per_class = 1000;
    head = train(features, &o);
    for (uint32_t g = 0; g < head.groups; g++)
        sum += head.epochs[0].hard_count[g];
    cr_expect_eq(sum, VAL);
    worker_head_free(&head);
    formula_features_free(features);
}

Test(hsfm_choices, halves_share_no_sample_and_split_every_group)
{
    struct worker_features       *features = features_new(WORKER_F32);
    const struct worker_head_task task = task_of(features);
    struct worker_hsfm_options    o = small_options();
    struct hsfm_plan              plan;
    uint32_t                      hard[2 * CLASSES] = {0}, chooses[2 * CLASSES] = {0};

    o.half = true;
    o.hard_per_class = 1000;
    plan = plan_of(&task, &o);
    for (uint32_t i = 0; i < VAL; i++) {
        const uint32_t g = features->split[WORKER_FEATURES_VAL].groups[i];

        cr_expect(plan.may_be_hard[i] != plan.chooses[i]);
        hard[g] += plan.may_be_hard[i];
        chooses[g] += plan.chooses[i];
    }
    for (uint32_t g = 0; g < 2 * CLASSES; g++)
        cr_expect(chooses[g] - hard[g] <= 1, "group %u: %u hard, %u choose", g, hard[g],
                  chooses[g]);
    cr_assert_eq(hsfm_pick_hard(&plan, NULL), 0);
    for (uint32_t k = 0; k < plan.nhard; k++)
        cr_expect(plan.may_be_hard[plan.hard[k]]);
    hsfm_plan_free(&plan);
    formula_features_free(features);
}

/* ---- by way of parameters ---- */

static void params_of(struct worker_params *params)
{
    memset(params, 0, sizeof *params);
    params->head_method = WORKER_HEAD_HSFM;
    params->head_hsfm_support_per_class = 2;
    params->head_hsfm_inner_steps = 3;
    params->head_hsfm_inner_lr = 1e-3;
    params->head_hsfm_outer_lr = 0.1;
    params->head_hsfm_edit_steps = 2;
    params->head_hsfm_hard_per_class = 10;
    params->head_hsfm_epochs = 5;
    params->head_hsfm_grad_clip = 10;
    params->head_hsfm_hard_split = WORKER_HARD_SPLIT_HALF;
    params->head_hsfm_form = WORKER_HSFM_FORM_GRAM;
}

Test(hsfm_choices, parameters_mean_what_the_options_say)
{
    static const int64_t       rows[] = {5, 3, 9, 1, 4, 2};
    static const uint32_t      same_rows[] = {5, 3, 9, 1, 4, 2};
    const uint64_t             six = 6;
    struct worker_features    *features = features_new(WORKER_F64);
    struct worker_params       params;
    struct worker_head_task    task = task_of(features);
    struct worker_hsfm_options o = small_options();
    struct worker_head         by_params, by_options;
    char                       folder[] = "/tmp/mx_hsfm_XXXXXX";
    struct mx_err              err;

    params_of(&params);
    cr_assert_not_null(mkdtemp(folder));
    snprintf(params.head_hsfm_support_indices, sizeof params.head_hsfm_support_indices,
             "%s/support.npy", folder);
    cr_assert_eq(
        worker_npy_write(params.head_hsfm_support_indices, WORKER_NPY_I64, 1, &six, rows, &err), 0,
        "%s", err.text);
    o.support_per_class = 2;
    o.support = same_rows;
    o.nsupport = 6;
    o.half = true;
    o.form = WORKER_HSFM_FORM_GRAM;
    task.params = &params;
    cr_assert_eq(worker_head_train(&task, &by_params, &err), 0, "%s", err.text);
    by_options = train(features, &o);
    cr_expect_eq(memcmp(by_params.w, by_options.w, CLASSES * DIMS * sizeof(double)), 0);
    cr_expect_eq(by_params.nepochs, 5);
    cr_expect(by_params.gram);
    worker_head_free(&by_params);
    worker_head_free(&by_options);
    formula_features_free(features);
    mx_dir_remove(folder, NULL);
}
