/* What all head methods but hsfm have to keep to. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/reference/head_cases.h"
#include "worker/head.h"

static const enum worker_head_method methods[] = {
    WORKER_HEAD_LLR,       WORKER_HEAD_DFR, WORKER_HEAD_SUBG,         WORKER_HEAD_JTT_HEAD,
    WORKER_HEAD_GROUP_DRO, WORKER_HEAD_AFR, WORKER_HEAD_FEATURE_MIXUP};
#define EACH_METHOD(m)                                                                             \
    size_t m = 0;                                                                                  \
    m < sizeof methods / sizeof methods[0];                                                        \
    m++

static struct worker_head train(enum worker_head_method method, struct worker_features *features)
{
    const struct worker_params    params = head_case_params(method);
    const struct worker_head_task task = head_case_task(features, &params);
    struct worker_head            head;
    struct mx_err                 err = {0};

    cr_assert_eq(worker_head_train(&task, &head, &err), 0, "%s: %s", worker_heads[method].word,
                 err.text);
    return head;
}

static void expect_same(const struct worker_head *a, const struct worker_head *b, const char *word)
{
    const size_t nw = (size_t)a->classes * a->dims;

    cr_expect_arr_eq(a->w, b->w, nw * sizeof *a->w, "weights of %s", word);
    cr_expect_arr_eq(a->b, b->b, a->classes * sizeof *a->b, "intercepts of %s", word);
    cr_expect_eq(a->nepochs, b->nepochs);
    cr_expect_eq(a->kept, b->kept);
}

static void fail_with(enum worker_head_method method, struct worker_features *features,
                      const char *text)
{
    const struct worker_params    params = head_case_params(method);
    const struct worker_head_task task = head_case_task(features, &params);
    struct worker_head            head;
    struct mx_err                 err = {0};

    cr_expect_eq(worker_head_train(&task, &head, &err), -1);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, text);
    cr_expect_null(head.w);
}

Test(rivals, nothing_of_the_test_split_is_looked_at)
{
    for (EACH_METHOD(m)) {
        struct worker_features      *features = head_data_new(WORKER_F64, 2, 1);
        struct worker_feature_split *test = &features->split[WORKER_FEATURES_TEST];
        struct worker_head           head = train(methods[m], features), again;

        for (uint32_t i = 0; i < test->n; i++) {
            test->labels[i] = 1 - test->labels[i];
            test->groups[i] = 3 - test->groups[i];
        }
        for (size_t k = 0; k < (size_t)test->n * HEAD_DATA_DIMS; k++)
            test->x64[k] = NAN;
        again = train(methods[m], features);
        expect_same(&head, &again, worker_heads[methods[m]].word);
        worker_head_free(&head);
        worker_head_free(&again);
        head_data_free(features);
    }
}

Test(rivals, float32_heads_have_the_values_of_floats_near_those_of_float64)
{
    for (EACH_METHOD(m)) {
        struct worker_features *single = head_data_new(WORKER_F32, 2, 1);
        struct worker_features *twice = head_data_new(WORKER_F64, 2, 1);
        struct worker_head      a = train(methods[m], single), b = train(methods[m], twice);

        for (uint32_t k = 0; k < 2 * HEAD_DATA_DIMS; k++) {
            cr_expect_eq(a.w[k], (double)(float)a.w[k]);
            cr_expect(fabs(a.w[k] - b.w[k]) <= 1e-4, "%s: %g and %g", worker_heads[methods[m]].word,
                      a.w[k], b.w[k]);
        }
        cr_expect_eq(a.kept, b.kept);
        worker_head_free(&a);
        worker_head_free(&b);
        head_data_free(single);
        head_data_free(twice);
    }
}

Test(rivals, three_classes_are_learnt_better_than_by_chance)
{
    for (EACH_METHOD(m)) {
        struct worker_features *features = head_data_new(WORKER_F32, 3, 1);
        struct worker_head      head = train(methods[m], features);
        double accuracy = head_case_accuracy(features, WORKER_FEATURES_TEST, &head);

        cr_expect_geq(accuracy, 0.5, "%s: %g", worker_heads[methods[m]].word, accuracy);
        cr_expect_not(head.collapsed);
        worker_head_free(&head);
        head_data_free(features);
    }
}

/* The subset of the streams is of the repeat: another one gives another head. */
Test(rivals, draws_come_from_the_stream_of_heads)
{
    static const enum worker_head_method drawing[] = {WORKER_HEAD_DFR, WORKER_HEAD_SUBG,
                                                      WORKER_HEAD_GROUP_DRO, WORKER_HEAD_AFR,
                                                      WORKER_HEAD_FEATURE_MIXUP};

    for (size_t m = 0; m < sizeof drawing / sizeof drawing[0]; m++) {
        struct worker_features    *features = head_data_new(WORKER_F64, 2, 1);
        const struct worker_params params = head_case_params(drawing[m]);
        struct worker_head_task    task = head_case_task(features, &params);
        struct worker_head         a, b;

        cr_assert_eq(worker_head_train(&task, &a, NULL), 0);
        task.head.key[0]++;
        cr_assert_eq(worker_head_train(&task, &b, NULL), 0);
        cr_expect_arr_neq(a.w, b.w, sizeof(double) * 2 * HEAD_DATA_DIMS);
        worker_head_free(&a);
        worker_head_free(&b);
        head_data_free(features);
    }
}

/* Validation groups of 9, 9, 3 and 3: tuned on halves, fitted on 3 of each. */
Test(rivals, dfr_fits_on_all_balanced_validation_rows)
{
    struct worker_features *features = head_data_new(WORKER_F64, 2, 1);
    struct worker_head      head;

    head_case_thin_out(features, WORKER_FEATURES_VAL, (const uint32_t[]){9, 9, 3, 3});
    head = train(WORKER_HEAD_DFR, features);
    cr_expect_eq(head.fit_rows, 12);
    worker_head_free(&head);
    head_data_free(features);
}

Test(rivals, subg_fits_on_the_size_of_the_smallest_training_group)
{
    struct worker_features *features = head_data_new(WORKER_F64, 2, 1);
    struct worker_head      head;

    head_case_thin_out(features, WORKER_FEATURES_TRAIN, (const uint32_t[]){50, 20, 11, 30});
    head = train(WORKER_HEAD_SUBG, features);
    cr_expect_eq(head.fit_rows, 44);
    worker_head_free(&head);
    head_data_free(features);
}

Test(rivals, a_penalty_that_leaves_nothing_is_told_as_collapsed)
{
    struct worker_features       *features = head_data_new(WORKER_F64, 2, 1);
    struct worker_params          params = head_case_params(WORKER_HEAD_DFR);
    const struct worker_head_task task = head_case_task(features, &params);
    struct worker_head            head;

    params.head_dfr_C = (struct worker_list){1, {1e-9}};
    cr_assert_eq(worker_head_train(&task, &head, NULL), 0);
    cr_expect(head.collapsed);
    cr_expect_eq(head.w[0], 0);
    cr_expect_eq(head.chosen, 1e-9);
    worker_head_free(&head);
    head_data_free(features);
}

Test(rivals, a_set_without_validation_samples_is_refused)
{
    for (EACH_METHOD(m)) {
        struct worker_features *features = head_data_new(WORKER_F64, 2, 1);
        char                    text[200];

        features->split[WORKER_FEATURES_VAL].n = 0;
        snprintf(text, sizeof text,
                 "head.method %s chooses by validation samples, and there are none (set "
                 "data.val_fraction, or give val_x.npy)",
                 worker_heads[methods[m]].word);
        fail_with(methods[m], features, text);
        head_data_free(features);
    }
}

Test(rivals, dfr_says_what_it_needs)
{
    struct worker_features *features = head_data_new(WORKER_F64, 2, 1);

    head_case_thin_out(features, WORKER_FEATURES_VAL, (const uint32_t[]){1, 1, 1, 1});
    fail_with(WORKER_HEAD_DFR, features,
              "head.method dfr halves val, and no group has two samples there (use more validation "
              "data, or llr)");
    head_case_thin_out(features, WORKER_FEATURES_VAL, (const uint32_t[]){1, 1, 1, 0});
    fail_with(WORKER_HEAD_DFR, features,
              "head.method dfr needs samples of every group, and group 3 has none in val, but some "
              "in train (use llr, jtt_head, afr, feature_mixup or hsfm, or more data)");
    head_data_free(features);
}

static bool stop_at_two(void *user, uint64_t done, uint64_t total)
{
    (void)user;
    cr_expect_leq(done, total);
    return done == 2;
}

Test(rivals, a_head_can_be_stopped)
{
    for (EACH_METHOD(m)) {
        struct worker_features    *features = head_data_new(WORKER_F64, 2, 1);
        const struct worker_params params = head_case_params(methods[m]);
        struct worker_head_task    task = head_case_task(features, &params);
        struct worker_head         head;
        struct mx_err              err = {0};

        task.tick = stop_at_two;
        cr_expect_eq(worker_head_train(&task, &head, &err), -1);
        cr_expect_eq(err.code, MX_EINTERRUPTED, "%s: %s", worker_heads[methods[m]].word, err.text);
        cr_expect_null(head.w);
        head_data_free(features);
    }
}
