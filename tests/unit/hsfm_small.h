/* hsfm_small.h - small trainings of HSFM for the tests. */
#ifndef MX_TESTS_HSFM_SMALL_H
#define MX_TESTS_HSFM_SMALL_H

#include <criterion/criterion.h>

#include "tests/reference/naive_hsfm.h"
#include "worker/hsfm_parts.h"

enum {
    DIMS = 12,
    CLASSES = 3,
    TRAIN = 240,
    VAL = 151
};

static inline struct worker_features *features_new(enum worker_precision precision)
{
    return formula_features(precision, DIMS, CLASSES, TRAIN, VAL, 1, 7);
}

static inline struct worker_hsfm_options small_options(void)
{
    struct worker_hsfm_options o = worker_hsfm_defaults();

    o.support_per_class = 4;
    o.inner_steps = 3;
    o.inner_lr = 1e-3;
    o.outer_lr = 0.1;
    o.edit_steps = 2;
    o.hard_per_class = 10;
    o.epochs = 5;
    return o;
}

static inline struct worker_head_task task_of(const struct worker_features *features)
{
    return (struct worker_head_task){.features = features,
                                     .support = mx_stream_make(1, 0, MX_PURPOSE_SUPPORT, 0),
                                     .head = mx_stream_make(1, 0, MX_PURPOSE_HEAD, 0)};
}

static inline struct worker_head train(const struct worker_features     *features,
                                       const struct worker_hsfm_options *options)
{
    const struct worker_head_task task = task_of(features);
    struct worker_head            head;
    struct mx_err                 err;

    cr_assert_eq(worker_hsfm_train(&task, options, &head, &err), 0, "%s", err.text);
    return head;
}

static inline struct hsfm_plan plan_of(const struct worker_head_task    *task,
                                       const struct worker_hsfm_options *options)
{
    struct hsfm_plan plan;
    struct mx_err    err;

    cr_assert_eq(hsfm_plan_make(&plan, task, options, &err), 0, "%s", err.text);
    return plan;
}

static inline void expect_refusal(const struct worker_features     *features,
                                  const struct worker_hsfm_options *options, enum mx_code code,
                                  const char *text)
{
    const struct worker_head_task task = task_of(features);
    struct worker_head            head = {0};
    struct mx_err                 err;

    cr_expect_eq(worker_hsfm_train(&task, options, &head, &err), -1);
    cr_expect_eq(err.code, code);
    cr_expect_str_eq(err.text, text);
    cr_expect_null(head.w);
    cr_expect_null(head.epochs);
}

#endif
