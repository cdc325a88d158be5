/* jtt_head, group_dro, afr and feature_mixup against plain versions of them. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/reference/head_cases.h"
#include "tests/reference/head_data.h"
#include "tests/reference/naive_heads.h"
#include "worker/group_weights.h"
#include "worker/head.h"

static void expect_as_naive_on(enum worker_afr_split split, enum worker_head_method method,
                               uint32_t classes)
{
    struct worker_features       *features = head_data_new(WORKER_F64, classes, 1);
    struct worker_params          params = head_case_params(method);
    const struct worker_head_task task = head_case_task(features, &params);
    struct worker_head            head;
    struct naive_head             naive;
    struct mx_err                 err = {0};

    params.head_hsfm_hard_per_class = 20;
    params.head_afr_split = split;
    cr_assert_eq(worker_head_train(&task, &head, &err), 0, "%s", err.text);
    naive_head_train(&task, &naive);
    cr_expect_eq(head.kept, naive.kept);
    cr_expect_eq(head.errors, naive.errors);
    cr_expect_geq(head.nepochs, 10);
    for (uint32_t e = 0; e < head.nepochs; e++) {
        cr_expect(fabs(head.epochs[e].outer_loss - naive.losses[e]) <= 1e-10 * naive.losses[e],
                  "epoch %u: loss %.15g, not %.15g", e, head.epochs[e].outer_loss, naive.losses[e]);
        if (method != WORKER_HEAD_AFR || split == WORKER_AFR_SPLIT_HOLDOUT) /* not by a half */
            cr_expect_eq(head.epochs[e].val_worst_group_accuracy, naive.worst[e]);
    }
    for (uint32_t k = 0; k < classes * HEAD_DATA_DIMS; k++)
        cr_expect(fabs(head.w[k] - naive.w[k]) <= 1e-9, "weight %u: %.12g, not %.12g", k, head.w[k],
                  naive.w[k]);
    for (uint32_t c = 0; c < classes; c++)
        cr_expect(fabs(head.b[c] - naive.b[c]) <= 1e-9);
    naive_head_free(&naive);
    worker_head_free(&head);
    head_data_free(features);
}

static void expect_as_naive(enum worker_head_method method, uint32_t classes)
{
    expect_as_naive_on(WORKER_AFR_SPLIT_VAL_HALF, method, classes);
}

Test(rival_steps, jtt_head_is_what_its_definition_says)
{
    expect_as_naive(WORKER_HEAD_JTT_HEAD, 2);
    expect_as_naive(WORKER_HEAD_JTT_HEAD, 3);
}

Test(rival_steps, group_dro_is_what_its_definition_says)
{
    expect_as_naive(WORKER_HEAD_GROUP_DRO, 2);
    expect_as_naive(WORKER_HEAD_GROUP_DRO, 3);
}

Test(rival_steps, afr_is_what_its_definition_says)
{
    expect_as_naive(WORKER_HEAD_AFR, 2);
    expect_as_naive(WORKER_HEAD_AFR, 3);
    expect_as_naive_on(WORKER_AFR_SPLIT_HOLDOUT, WORKER_HEAD_AFR, 2);
    expect_as_naive_on(WORKER_AFR_SPLIT_HOLDOUT, WORKER_HEAD_AFR, 3);
}

Test(rival_steps, feature_mixup_is_what_its_definition_says)
{
    expect_as_naive(WORKER_HEAD_FEATURE_MIXUP, 2);
    expect_as_naive(WORKER_HEAD_FEATURE_MIXUP, 3);
}

#define expect_near(got, want, tolerance)                                                          \
    cr_expect(fabs((got) - (want)) <= (tolerance), "%.10g, not %.10g", (got), (want))

/* Weights of 1/3, rate 0.1, batch losses of 1 and 2, the third group absent. */
Test(rival_steps, an_absent_group_keeps_its_raw_weight)
{
    const struct worker_group_loss losses[] = {{2, 2}, {3, 6}, {0, 0}};
    double                         weights[] = {1.0 / 3, 1.0 / 3, 1.0 / 3};
    double                         loss = worker_group_weights_update(weights, losses, 3, 0.1);

    expect_near(weights[0], 0.332225, 5e-7);
    expect_near(weights[1], 0.367165, 5e-7);
    expect_near(weights[2], 0.300610, 5e-7);
    expect_near(loss, 1.066556, 1e-6);
    expect_near(weights[0] + weights[1] + weights[2], 1.0, 1e-15);
}

/* 8 samples of loss 1 and 2 of loss 3, weights .5: 2, and not the .7 of normalised weights that
 * are divided once more. */
Test(rival_steps, the_loss_is_a_weighted_sum_of_mean_group_losses)
{
    const struct worker_group_loss losses[] = {{8, 8}, {2, 6}};
    double                         weights[] = {0.5, 0.5};

    expect_near(worker_group_weights_update(weights, losses, 2, 0), 2.0, 1e-15);
    expect_near(weights[0], 0.5, 0.0);
}

Test(rival_steps, huge_losses_do_not_overflow_the_weights)
{
    const struct worker_group_loss losses[] = {{1, 1e5}, {1, 2e5}};
    double                         weights[] = {0.5, 0.5};

    expect_near(worker_group_weights_update(weights, losses, 2, 1), 2e5, 1e-9);
    expect_near(weights[0], 0.0, 0.0);
    expect_near(weights[1], 1.0, 0.0);
}

/* A head that is right about all of train: no sample is upweighted, and that is told. */
Test(rival_steps, an_empty_error_set_of_jtt_is_counted_as_such)
{
    struct worker_features      *features = head_data_new(WORKER_F64, 2, 1);
    struct worker_params         params = head_case_params(WORKER_HEAD_JTT_HEAD);
    struct worker_feature_split *train = &features->split[WORKER_FEATURES_TRAIN];
    struct worker_head_task      task = head_case_task(features, &params);
    struct worker_head           plain, weighted;

    for (uint32_t i = 0; i < train->n; i++)
        for (uint32_t d = 0; d < HEAD_DATA_DIMS; d++)
            train->x64[i * HEAD_DATA_DIMS + d] = train->labels[i] > 0 ? 100 : -100;
    cr_assert_eq(worker_head_train(&task, &weighted, NULL), 0);
    cr_expect_eq(weighted.errors, 0);
    params.head_jtt_head_upweight = 1;
    cr_assert_eq(worker_head_train(&task, &plain, NULL), 0);
    cr_expect_arr_eq(plain.w, weighted.w, sizeof(double) * 2 * HEAD_DATA_DIMS);
    worker_head_free(&plain);
    worker_head_free(&weighted);
    head_data_free(features);
}

enum {
    RAW_DIMS = 512
};

/* Features as a backbone gives them: none below zero, means up to 8, spreads from .005 to 10, all times
 * `size`. A sixteenth of them say the label, and another the attribute. */
static void fill_raw(struct worker_feature_split *split, uint32_t n, uint32_t name, float size)
{
    split->n = n;
    split->x32 = malloc((size_t)n * RAW_DIMS * sizeof *split->x32);
    split->labels = malloc(n * sizeof *split->labels);
    split->groups = malloc(n * sizeof *split->groups);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t label = i % 2,
                       attribute = head_data_uniform(name, i) < 0.85 ? label : !label;

        split->labels[i] = label;
        split->groups[i] = 2 * label + attribute;
        for (uint32_t d = 0; d < RAW_DIMS; d++) {
            const double spread = 0.005 * pow(2000, (double)(d % 37) / 36);
            const double noise = head_data_uniform(name + 1, i * RAW_DIMS + d) +
                                 head_data_uniform(name + 2, i * RAW_DIMS + d) - 1;
            const double said = d % 16 == 0 ? label : d % 16 == 1 ? attribute : 0;

            split->x32[i * RAW_DIMS + d] =
                size * (float)fmax(0, d % 9 + spread * (1 + noise + 0.5 * said));
        }
    }
}

static struct worker_features *raw_features(float size)
{
    struct worker_features *features = calloc(1, sizeof *features);

    *features = (struct worker_features){
        .precision = WORKER_F32, .dims = RAW_DIMS, .classes = 2, .groups = 4};
    fill_raw(&features->split[WORKER_FEATURES_TRAIN], 600, 40, size);
    fill_raw(&features->split[WORKER_FEATURES_VAL], 240, 50, size);
    fill_raw(&features->split[WORKER_FEATURES_TEST], 240, 60, size);
    features->head_w = calloc((size_t)2 * RAW_DIMS, sizeof *features->head_w);
    features->head_b = calloc(2, sizeof *features->head_b);
    return features;
}

/* At the default rate, on features of any size: the loss falls from round to round, and
 * the head is good. */
Test(rival_steps, jtt_head_goes_downhill_on_features_that_nobody_standardised)
{
    for (int k = 0; k < 3; k++) {
        static const float      sizes[] = {1, 1e-3F, 1e4F};
        struct worker_features *features = raw_features(sizes[k]);
        struct worker_params    params = head_case_params(WORKER_HEAD_JTT_HEAD);
        struct worker_head_task task = head_case_task(features, &params);
        struct worker_head      head;
        struct mx_err           err = {0};

        params.head_jtt_head_steps = 30;
        params.head_jtt_head_upweight = 20;
        params.head_jtt_head_lr = 1;
        cr_assert_eq(worker_head_train(&task, &head, &err), 0, "%s", err.text);
        for (uint32_t e = 0; e < head.nepochs; e++)
            cr_expect(head.epochs[e].outer_loss < (e > 0 ? head.epochs[e - 1].outer_loss : 0.69),
                      "size %g, round %u: %g", (double)sizes[k], e, head.epochs[e].outer_loss);
        cr_expect(head_case_accuracy(features, WORKER_FEATURES_TEST, &head) > 0.9, "%g: %g",
                  (double)sizes[k], head_case_accuracy(features, WORKER_FEATURES_TEST, &head));
        worker_head_free(&head);
        worker_features_free(features);
    }
}

Test(rival_steps, a_head_that_flies_apart_names_its_epoch)
{
    struct worker_features       *features = head_data_new(WORKER_F64, 2, 1);
    struct worker_params          params = head_case_params(WORKER_HEAD_AFR);
    const struct worker_head_task task = head_case_task(features, &params);
    struct worker_head            head;
    struct mx_err                 err = {0};

    params.head_afr_reg = 1e6;
    params.head_afr_lr = 1000;
    cr_expect_eq(worker_head_train(&task, &head, &err), -1);
    cr_expect_eq(err.code, MX_EDIVERGED);
    cr_expect(strstr(err.text, "a weight of the head is not finite in epoch "), "%s", err.text);
    head_data_free(features);
}

Test(rival_steps, group_dro_and_subg_refuse_a_training_group_without_samples)
{
    static const enum worker_head_method on_train[] = {WORKER_HEAD_GROUP_DRO, WORKER_HEAD_SUBG};

    for (size_t m = 0; m < 2; m++) {
        struct worker_features       *features = head_data_new(WORKER_F32, 2, 1);
        const struct worker_params    params = head_case_params(on_train[m]);
        const struct worker_head_task task = head_case_task(features, &params);
        struct worker_head            head;
        struct mx_err                 err = {0};
        char                          text[256];

        head_case_thin_out(features, WORKER_FEATURES_TRAIN, (const uint32_t[]){50, 20, 0, 30});
        cr_expect_eq(worker_head_train(&task, &head, &err), -1);
        snprintf(text, sizeof text,
                 "head.method %s needs samples of every group, and group 2 has none in train, but "
                 "some in val (use llr, jtt_head, afr, feature_mixup or hsfm, or more data)",
                 worker_heads[on_train[m]].word);
        cr_expect_str_eq(err.text, text);
        head_data_free(features);
    }
}

Test(rival_steps, feature_mixup_counts_hard_samples_by_group)
{
    struct worker_features       *features = head_data_new(WORKER_F32, 2, 1);
    struct worker_params          params = head_case_params(WORKER_HEAD_FEATURE_MIXUP);
    const struct worker_head_task task = head_case_task(features, &params);
    struct worker_head            head;

    params.head_hsfm_hard_per_class = 1000; /* more than there are: all of val */
    cr_assert_eq(worker_head_train(&task, &head, NULL), 0);
    for (uint32_t g = 0; g < 4; g++) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < HEAD_DATA_VAL; i++)
            n += features->split[WORKER_FEATURES_VAL].groups[i] == g;
        cr_expect_eq(head.epochs[0].hard_count[g], n);
    }
    worker_head_free(&head);
    head_data_free(features);
}
