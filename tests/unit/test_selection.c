#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "worker/selection.h"

/* One feature; the head says class 1 above 0. Groups of 6, 0, 3 and 1 samples, of which 5, 2 and 1
 * are right. */
static double   x[] = {1, 1, 1, 1, 1, -1, 1, 1, -1, 1};
static uint32_t labels[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static uint32_t groups[] = {0, 0, 0, 0, 0, 0, 2, 2, 2, 3};

static struct worker_features features = {
    .precision = WORKER_F64,
    .dims = 1,
    .classes = 2,
    .groups = 4,
    .split = {[WORKER_FEATURES_VAL] = {.n = 10, .x64 = x, .labels = labels, .groups = groups}},
};
static const double w[] = {-1, 1}, b[] = {0, 0};

#define expect_near(got, want) cr_expect(fabs((got) - (want)) <= 1e-15, "%.17g", (got))

Test(selection, an_empty_group_is_missing_and_not_the_worst)
{
    const struct worker_rows val = worker_rows_all(&features, WORKER_FEATURES_VAL);
    struct worker_verdict    verdict;
    double                   by_group[4];

    cr_assert_eq(worker_judge(&val, 2, 4, w, b, &verdict, by_group, NULL), 0);
    expect_near(verdict.accuracy, 0.8);
    expect_near(verdict.worst, 2.0 / 3);
    cr_expect_not(verdict.one_class);
    expect_near(by_group[0], 5.0 / 6);
    cr_expect(isnan(by_group[1]));
    expect_near(by_group[3], 1.0);
}

Test(selection, without_groups_the_worst_class_counts)
{
    const struct worker_rows val = worker_rows_all(&features, WORKER_FEATURES_VAL);
    struct worker_verdict    verdict;

    labels[5] = 0;
    labels[0] = 0;
    cr_assert_eq(worker_judge(&val, 2, 0, w, b, &verdict, NULL, NULL), 0);
    expect_near(verdict.worst, 0.5);
    expect_near(verdict.accuracy, 0.8);
}

Test(selection, of_equal_logits_the_first_class_is_predicted)
{
    static const double      nothing[] = {0, 0};
    const struct worker_rows val = worker_rows_all(&features, WORKER_FEATURES_VAL);
    struct worker_verdict    verdict;

    cr_assert_eq(worker_judge(&val, 2, 4, nothing, nothing, &verdict, NULL, NULL), 0);
    expect_near(verdict.accuracy, 0.0);
    cr_expect(verdict.one_class);
}

Test(selection, no_rows_give_no_numbers)
{
    struct worker_rows    none = worker_rows_all(&features, WORKER_FEATURES_VAL);
    struct worker_verdict verdict;

    none.n = 0;
    cr_assert_eq(worker_judge(&none, 2, 4, w, b, &verdict, NULL, NULL), 0);
    cr_expect(isnan(verdict.accuracy));
    cr_expect(isnan(verdict.worst));
}

/* Epochs with (average, worst) of (.9, .4), (.88, .7), (.91, .55): the second is kept. Here by
 * thresholds: a bias of b predicts class 1 where x + b > -x - b. */
Test(selection, the_best_worst_group_is_kept_and_a_later_tie_replaces_it)
{
    static const double      biases[][2] = {{0, -2}, {0, 0}, {0, 0.5}, {0, -2}};
    const struct worker_rows val = worker_rows_all(&features, WORKER_FEATURES_VAL);
    struct worker_head       head = {.classes = 2, .dims = 1, .groups = 4};
    double                   kept_w[2], kept_b[2];

    head.w = kept_w;
    head.b = kept_b;
    cr_assert_eq(worker_head_make_epochs(&head, 4, NULL), 0);
    for (uint32_t e = 0; e < 4; e++)
        cr_assert_eq(worker_head_end_epoch(&val, &head, w, biases[e], e, NULL), 0);
    cr_expect_eq(head.nepochs, 4);
    cr_expect_eq(head.kept, 2);
    expect_near(kept_b[1], 0.5);
    expect_near(head.epochs[0].val_worst_group_accuracy, 0.0);
    expect_near(head.epochs[2].val_worst_group_accuracy, 2.0 / 3);
    expect_near(head.epochs[2].val_accuracy, 0.8);
    expect_near(head.epochs[2].outer_loss, 2.0);
    cr_expect(isnan(head.epochs[2].edit_norm));
    cr_expect(isnan(head.epochs[2].group_accuracy[1]));
    head.w = head.b = NULL; /* not the heap's */
    worker_head_free(&head);
}

Test(selection, a_head_that_is_not_finite_names_its_epoch)
{
    static const double      broken[] = {0, INFINITY};
    const struct worker_rows val = worker_rows_all(&features, WORKER_FEATURES_VAL);
    struct worker_head       head = {.classes = 2, .dims = 1, .groups = 4};
    struct mx_err            err;
    double                   kept_w[2], kept_b[2];

    head.w = kept_w;
    head.b = kept_b;
    cr_assert_eq(worker_head_make_epochs(&head, 4, NULL), 0);
    cr_assert_eq(worker_head_end_epoch(&val, &head, w, b, NAN, &err), 0);
    cr_expect_eq(worker_head_end_epoch(&val, &head, w, broken, 1, &err), -1);
    cr_expect_eq(err.code, MX_EDIVERGED);
    cr_expect_str_eq(
        err.text,
        "a weight of the head is not finite in epoch 1 (lower the learning rate of head.method)");
    head.w = head.b = NULL;
    worker_head_free(&head);
}
