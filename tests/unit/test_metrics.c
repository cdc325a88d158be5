#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "worker/metrics.h"

/* The value of a metric, or fail. */
static double value_of(const struct worker_result *result, const char *name)
{
    for (size_t k = 0; k < result->nmetrics; k++)
        if (!strcmp(result->metrics[k].name, name))
            return result->metrics[k].value;
    cr_assert_fail("there is no %s", name);
    return NAN;
}

static bool has(const struct worker_result *result, const char *name)
{
    for (size_t k = 0; k < result->nmetrics; k++)
        if (!strcmp(result->metrics[k].name, name))
            return true;
    return false;
}

static struct worker_result report(const struct worker_metrics *metrics)
{
    struct worker_result result = {0};

    cr_assert_eq(worker_metrics_report(metrics, "test", &result, NULL), 0);
    return result;
}

#define expect_near(got, want) cr_expect(fabs((got) - (want)) <= 1e-12, "%.17g", (got))

/* n samples of a group, `hits` of them right. */
static void add_group(struct worker_metrics *metrics, uint32_t group, uint32_t n, uint32_t hits)
{
    static const float logits[2][2] = {{0, 1}, {1, 0}};
    const uint32_t     label = 0;

    for (uint32_t i = 0; i < n; i++)
        worker_metrics_add(metrics, logits[i < hits], &label, &group, 1);
}

Test(metrics, both_averages_over_groups_have_their_own_names)
{
    static const uint64_t  trained[] = {70, 5, 5, 20};
    struct worker_metrics *metrics = worker_metrics_new(2, 4, trained, NULL);
    struct worker_result   result;

    add_group(metrics, 0, 10, 10);
    add_group(metrics, 1, 10, 5);
    add_group(metrics, 2, 10, 5);
    add_group(metrics, 3, 10, 9);
    result = report(metrics);
    expect_near(value_of(&result, "test.accuracy"), 0.725);
    expect_near(value_of(&result, "test.adjusted_average_accuracy"), 0.930);
    expect_near(value_of(&result, "test.worst_group_accuracy"), 0.5);
    expect_near(value_of(&result, "test.group_gap"), 0.5);
    expect_near(value_of(&result, "test.group_accuracy.3"), 0.9);
    worker_result_free(&result);
    worker_metrics_free(metrics);
}

Test(metrics, an_empty_group_is_missing_and_never_the_worst)
{
    static const uint64_t  trained[] = {6, 5, 3, 1};
    struct worker_metrics *metrics = worker_metrics_new(2, 4, trained, NULL);
    struct worker_result   result;

    add_group(metrics, 0, 6, 5);
    add_group(metrics, 2, 3, 2);
    add_group(metrics, 3, 1, 1);
    result = report(metrics);
    cr_expect(isnan(value_of(&result, "test.group_accuracy.1")));
    expect_near(value_of(&result, "test.worst_group_accuracy"), 2.0 / 3);
    expect_near(value_of(&result, "test.group_gap"), 1.0 / 3);
    expect_near(value_of(&result, "test.adjusted_average_accuracy"), (6 * 5.0 / 6 + 2 + 1) / 10);
    worker_result_free(&result);
    worker_metrics_free(metrics);
}

Test(metrics, without_groups_there_is_a_worst_class_and_no_worst_group)
{
    static const float     logits[] = {2, 0, 0, /**/ 2, 0, 0, /**/ 0, 2, 0, /**/ 0, 2, 0};
    static const uint32_t  labels[] = {0, 0, 1, 0};
    struct worker_metrics *metrics = worker_metrics_new(3, 0, NULL, NULL);
    struct worker_result   result;

    worker_metrics_add(metrics, logits, labels, NULL, 4);
    result = report(metrics);
    expect_near(value_of(&result, "test.worst_class_accuracy"), 2.0 / 3); /* class 2 is empty */
    cr_expect_not(has(&result, "test.worst_group_accuracy"));
    cr_expect_not(has(&result, "test.group_accuracy.0"));
    worker_result_free(&result);
    worker_metrics_free(metrics);
}

Test(metrics, entropy_and_confidence_equal_a_sum_by_hand)
{
    static const float     logits[] = {1, 2, 3, /**/ -1000, 0, 1000};
    static const uint32_t  labels[] = {0, 1};
    struct worker_metrics *metrics = worker_metrics_new(3, 0, NULL, NULL);
    double                 sum = exp(1) + exp(2) + exp(3);
    struct worker_result   result;

    worker_metrics_add(metrics, logits, labels, NULL, 1);
    expect_near(worker_metrics_cross_entropy(metrics), log(sum) - 1);
    worker_metrics_add(metrics, logits + 3, labels + 1, NULL, 1);
    result = report(metrics);
    expect_near(value_of(&result, "test.cross_entropy"), (log(sum) - 1 + 1000) / 2);
    expect_near(value_of(&result, "test.confidence"), (exp(3) / sum + 1) / 2);
    expect_near(value_of(&result, "test.accuracy"), 0.0);
    worker_result_free(&result);
    worker_metrics_free(metrics);
}

/* Two classes: the logit that gives a confidence. */
static void add_confidence(struct worker_metrics *metrics, double confidence, bool hit)
{
    const float    logits[] = {(float)log(confidence / (1 - confidence)), 0};
    const uint32_t label = !hit;

    worker_metrics_add(metrics, logits, &label, NULL, 1);
}

Test(metrics, calibration_error_equals_three_bins_by_hand)
{
    struct worker_metrics *metrics = worker_metrics_new(2, 0, NULL, NULL);
    struct worker_result   result;

    add_confidence(metrics, 0.61, true); /* (9/15, 10/15] */
    add_confidence(metrics, 0.65, false);
    add_confidence(metrics, 0.95, true); /* (14/15, 1] */
    add_confidence(metrics, 0.99, true);
    add_confidence(metrics, 0.75, false); /* (11/15, 12/15] */
    result = report(metrics);
    cr_expect(fabs(value_of(&result, "test.calibration_error") -
                   (fabs(1 - 1.26) + fabs(2 - 1.94) + 0.75) / 5) <= 1e-7);
    worker_result_free(&result);
    worker_metrics_free(metrics);
}

/* 1/3 = 5/15 with three equal logits: right in one bin, wrong in another would
 * add up instead of cancelling. */
Test(metrics, a_confidence_on_an_edge_belongs_to_the_bin_below)
{
    static const float     even[] = {0, 0, 0}, above[] = {0.001f, 0, 0};
    struct worker_metrics *metrics = worker_metrics_new(3, 0, NULL, NULL);
    double                 higher = exp((double)0.001f) / (exp((double)0.001f) + 2);
    struct worker_result   result;

    worker_metrics_add(metrics, even, (uint32_t[]){0}, NULL, 1); /* a tie: class 0, a hit */
    worker_metrics_add(metrics, above, (uint32_t[]){1}, NULL, 1);
    result = report(metrics);
    expect_near(value_of(&result, "test.calibration_error"), (2.0 / 3 + higher) / 2);
    expect_near(value_of(&result, "test.accuracy"), 0.5);
    worker_result_free(&result);
    worker_metrics_free(metrics);
}

Test(metrics, top_5_counts_ranks_and_is_not_measured_for_5_classes)
{
    static const float     logits[] = {6, 5, 4, 3, 2, 2};
    struct worker_metrics *six = worker_metrics_new(6, 0, NULL, NULL);
    struct worker_metrics *five = worker_metrics_new(5, 0, NULL, NULL);
    struct worker_result   result;

    for (uint32_t label = 0; label < 6; label++)
        worker_metrics_add(six, logits, &label, NULL, 1);
    result = report(six);
    expect_near(value_of(&result, "test.top5_accuracy"), 5.0 / 6); /* of a tie the first */
    worker_result_free(&result);
    worker_metrics_free(six);
    six = worker_metrics_new(6, 0, NULL, NULL);
    worker_metrics_add(six, logits, (uint32_t[]){4}, NULL, 1);
    result = report(six);
    cr_expect_eq(value_of(&result, "test.top5_accuracy"), 1);
    worker_result_free(&result);
    worker_metrics_add(five, logits, (uint32_t[]){4}, NULL, 1);
    result = report(five);
    cr_expect(isnan(value_of(&result, "test.top5_accuracy")));
    worker_result_free(&result);
    worker_metrics_free(six);
    worker_metrics_free(five);
}

Test(metrics, a_nan_is_never_right_and_shows_in_every_mean)
{
    static const float     logits[] = {NAN, 1, 2, NAN, 2, NAN};
    static const uint32_t  labels[] = {0, 0, 0};
    struct worker_metrics *metrics = worker_metrics_new(2, 0, NULL, NULL);
    struct worker_result   result;

    worker_metrics_add(metrics, logits, labels, NULL, 3);
    result = report(metrics);
    cr_expect_eq(value_of(&result, "test.accuracy"), 0);
    cr_expect(isnan(value_of(&result, "test.cross_entropy")));
    cr_expect(isnan(value_of(&result, "test.confidence")));
    cr_expect(isnan(value_of(&result, "test.calibration_error")));
    worker_result_free(&result);
    worker_metrics_free(metrics);
}

Test(metrics, without_samples_nothing_is_measured)
{
    static const uint64_t  trained[] = {1, 1};
    struct worker_metrics *metrics = worker_metrics_new(2, 2, trained, NULL);
    struct worker_result   result = report(metrics);

    cr_expect_eq(result.nmetrics, 13);
    for (size_t k = 0; k < result.nmetrics; k++)
        if (strstr(result.metrics[k].name, "group_count"))
            cr_expect_eq(result.metrics[k].value, 0, "%s", result.metrics[k].name);
        else
            cr_expect(isnan(result.metrics[k].value), "%s", result.metrics[k].name);
    cr_expect(isnan(worker_metrics_accuracy(metrics)));
    worker_result_free(&result);
    worker_metrics_free(metrics);
    worker_metrics_free(NULL);
}

Test(metrics, do_not_depend_on_how_samples_are_cut_into_batches)
{
    float                  logits[60];
    uint32_t               labels[20];
    struct worker_metrics *whole = worker_metrics_new(3, 0, NULL, NULL);
    struct worker_metrics *parts = worker_metrics_new(3, 0, NULL, NULL);
    struct worker_result   a, b;

    for (uint32_t k = 0; k < 60; k++)
        logits[k] = (float)sin(k * 1.7);
    for (uint32_t k = 0; k < 20; k++)
        labels[k] = k % 3;
    worker_metrics_add(whole, logits, labels, NULL, 20);
    for (uint32_t k = 0; k < 20; k += 4)
        worker_metrics_add(parts, logits + (size_t)3 * k, labels + k, NULL, 4);
    a = report(whole);
    b = report(parts);
    for (size_t k = 0; k < a.nmetrics; k++)
        cr_expect(!memcmp(&a.metrics[k].value, &b.metrics[k].value, sizeof(double)), "%s",
                  a.metrics[k].name);
    worker_result_free(&a);
    worker_result_free(&b);
    worker_metrics_free(whole);
    worker_metrics_free(parts);
}
