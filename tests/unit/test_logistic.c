/* Logistic regression against the plainest solvers there are. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/reference/head_data.h"
#include "tests/reference/naive_logistic.h"
#include "worker/logistic.h"

enum {
    SIZE = HEAD_DATA_DIMS + 1
};

/* The training features, standardised by the book, and the labels as signs. */
struct plain {
    double               *x;
    int                  *y;
    struct naive_logistic problem;
    double                mean[HEAD_DATA_DIMS], sd[HEAD_DATA_DIMS];
};

static double value(const struct worker_feature_split *split, uint32_t i, uint32_t k)
{
    size_t at = (size_t)i * HEAD_DATA_DIMS + k;

    return split->x64 ? split->x64[at] : (double)split->x32[at];
}

static struct plain standardise(const struct worker_features *features, uint32_t class, double c)
{
    const struct worker_feature_split *split = &features->split[WORKER_FEATURES_TRAIN];
    const uint32_t                     n = split->n;
    struct plain plain = {.x = calloc((size_t)n * HEAD_DATA_DIMS, sizeof(double)),
                          .y = calloc(n, sizeof(int))};

    for (uint32_t k = 0; k < HEAD_DATA_DIMS; k++) {
        for (uint32_t i = 0; i < n; i++)
            plain.mean[k] += value(split, i, k) / n;
        for (uint32_t i = 0; i < n; i++)
            plain.sd[k] += pow(value(split, i, k) - plain.mean[k], 2) / n;
        plain.sd[k] = sqrt(plain.sd[k]);
        for (uint32_t i = 0; i < n; i++)
            plain.x[(size_t)i * HEAD_DATA_DIMS + k] =
                (value(split, i, k) - plain.mean[k]) / plain.sd[k];
    }
    for (uint32_t i = 0; i < n; i++)
        plain.y[i] = split->labels[i] == class ? 1 : -1;
    plain.problem = (struct naive_logistic){plain.x, plain.y, n, HEAD_DATA_DIMS, c};
    return plain;
}

static void plain_free(struct plain *plain)
{
    free(plain->x);
    free(plain->y);
}

/* The weights of standardised features that a class's folded ones stand for, times factor. */
static void unfold(const struct plain *plain, const double *w, double b, double factor, double *out)
{
    out[HEAD_DATA_DIMS] = factor * b;
    for (uint32_t k = 0; k < HEAD_DATA_DIMS; k++) {
        out[k] = factor * w[k] * plain->sd[k];
        out[HEAD_DATA_DIMS] += factor * w[k] * plain->mean[k];
    }
}

static void expect_optimum(enum worker_precision precision, enum worker_penalty penalty,
                           uint32_t classes, double c)
{
    struct worker_features      *features = head_data_new(precision, classes, 1);
    const struct worker_rows     train = worker_rows_all(features, WORKER_FEATURES_TRAIN);
    struct worker_scale          scale = {0};
    const struct worker_logistic logistic = {penalty, c, classes, &scale};
    double                       w[3 * HEAD_DATA_DIMS], b[3];
    struct mx_err                err = {0};

    cr_assert_eq(worker_scale_measure(&train, &scale, &err), 0);
    cr_assert_eq(worker_logistic_fit(&logistic, &train, w, b, &err), 0, "%s", err.text);
    for (uint32_t class = classes == 2 ? 1 : 0; class < classes; class ++) {
        struct plain plain = standardise(features, class, c);
        double       want[SIZE], got[SIZE], lowest, reached;

        unfold(&plain, w + class * HEAD_DATA_DIMS, b[class], classes == 2 ? 2 : 1, got);
        lowest = penalty == WORKER_L1 ? naive_logistic_l1(&plain.problem, want)
                                      : naive_logistic_l2(&plain.problem, want);
        reached = penalty == WORKER_L1 ? naive_objective_l1(&plain.problem, got)
                                       : naive_objective_l2(&plain.problem, got);
        cr_expect(fabs(reached - lowest) <= 1e-10 * lowest, "objective %.15g, lowest %.15g",
                  reached, lowest);
        for (uint32_t k = 0; k < SIZE; k++) {
            cr_expect(fabs(got[k] - want[k]) <= 1e-7, "weight %u of class %u: %.12g, not %.12g", k,
                      class, got[k], want[k]);
            cr_expect(penalty == WORKER_L2 || (want[k] == 0) == (fabs(got[k]) <= 1e-12) ||
                          k == HEAD_DATA_DIMS,
                      "weight %u of class %u is %g", k, class, got[k]);
        }
        plain_free(&plain);
    }
    if (classes == 2)
        for (uint32_t k = 0; k < HEAD_DATA_DIMS; k++)
            cr_expect_eq(w[k], -w[HEAD_DATA_DIMS + k]);
    worker_scale_free(&scale);
    head_data_free(features);
}

Test(logistic, l1_reaches_the_optimum_for_every_strength)
{
    static const double strengths[] = {10, 1, 0.1, 0.03, 0.01, 0.001};

    for (size_t k = 0; k < sizeof strengths / sizeof strengths[0]; k++)
        expect_optimum(WORKER_F64, WORKER_L1, 2, strengths[k]);
}

Test(logistic, l2_reaches_the_optimum_for_every_strength)
{
    static const double strengths[] = {10, 1, 0.1, 0.01, 0.001};

    for (size_t k = 0; k < sizeof strengths / sizeof strengths[0]; k++)
        expect_optimum(WORKER_F64, WORKER_L2, 2, strengths[k]);
}

Test(logistic, float_features_are_solved_in_double)
{
    expect_optimum(WORKER_F32, WORKER_L1, 2, 0.1);
    expect_optimum(WORKER_F32, WORKER_L2, 2, 0.1);
}

Test(logistic, more_classes_are_one_against_the_rest)
{
    expect_optimum(WORKER_F64, WORKER_L1, 3, 0.1);
    expect_optimum(WORKER_F64, WORKER_L2, 3, 0.1);
}

/* Copies of the first columns beside each other: no unique optimum for L1, and
 * the objective is still the lowest. */
Test(logistic, a_feature_that_never_varies_and_one_that_comes_twice_are_no_trouble)
{
    for (int penalty = WORKER_L1; penalty <= WORKER_L2; penalty++) {
        struct worker_features      *features = head_data_new(WORKER_F64, 2, 1);
        struct worker_feature_split *split = &features->split[WORKER_FEATURES_TRAIN];
        const struct worker_rows     train = worker_rows_all(features, WORKER_FEATURES_TRAIN);
        struct worker_scale          scale = {0};
        const struct worker_logistic logistic = {(enum worker_penalty)penalty, 0.1, 2, &scale};
        double                       w[2 * HEAD_DATA_DIMS], b[2], got[SIZE], want[SIZE], lowest;
        struct plain                 plain;
        struct mx_err                err = {0};

        for (uint32_t i = 0; i < split->n; i++) {
            split->x64[i * HEAD_DATA_DIMS + 3] = 0.1;
            split->x64[i * HEAD_DATA_DIMS + 5] = split->x64[i * HEAD_DATA_DIMS + 4];
        }
        cr_assert_eq(worker_scale_measure(&train, &scale, &err), 0);
        cr_expect_eq(scale.inverse[3], 1);
        cr_assert_eq(worker_logistic_fit(&logistic, &train, w, b, &err), 0, "%s", err.text);
        plain = standardise(features, 1, 0.1);
        for (uint32_t i = 0; i < split->n; i++)
            plain.x[i * HEAD_DATA_DIMS + 3] = 0;
        plain.sd[3] = 1;
        lowest = penalty == WORKER_L1 ? naive_logistic_l1(&plain.problem, want)
                                      : naive_logistic_l2(&plain.problem, want);
        unfold(&plain, w + HEAD_DATA_DIMS, b[1], 2, got);
        cr_expect(fabs((penalty == WORKER_L1 ? naive_objective_l1(&plain.problem, got)
                                             : naive_objective_l2(&plain.problem, got)) -
                       lowest) <= 1e-10 * lowest);
        plain_free(&plain);
        worker_scale_free(&scale);
        head_data_free(features);
    }
}

Test(logistic, separable_rows_have_an_optimum_too)
{
    double                      x[] = {-3, -2, 2, 3};
    uint32_t                    labels[] = {0, 0, 1, 1};
    struct worker_feature_split split = {.n = 4, .x64 = x, .labels = labels};
    const struct worker_rows    rows = {.split = &split, .dims = 1, .n = 4};

    for (int penalty = WORKER_L1; penalty <= WORKER_L2; penalty++)
        for (double c = 1e-6; c < 1e9; c *= 100) {
            const struct worker_logistic logistic = {(enum worker_penalty)penalty, c, 2, NULL};
            double                       w[2], b[2];
            struct mx_err                err = {0};

            cr_expect_eq(worker_logistic_fit(&logistic, &rows, w, b, &err), 0, "C %g: %s", c,
                         err.text);
            cr_expect(w[1] >= 0 && w[0] == -w[1], "C %g: %g", c, w[1]);
            cr_expect(fabs(b[1]) <= 1e-6, "C %g: %g", c, b[1]);
        }
}

Test(logistic, names_the_class_without_rows)
{
    struct worker_features      *features = head_data_new(WORKER_F64, 3, 1);
    uint32_t                     index[] = {0, 1, 2, 3, 4};
    struct worker_rows           rows = worker_rows_all(features, WORKER_FEATURES_TRAIN);
    const struct worker_logistic logistic = {WORKER_L1, 1, 3, NULL}, two = {WORKER_L2, 1, 2, NULL};
    double                       w[3 * HEAD_DATA_DIMS], b[3];
    struct mx_err                err;

    rows.index = index;
    rows.n = 5;
    for (uint32_t i = 0; i < 5; i++)
        features->split[WORKER_FEATURES_TRAIN].labels[i] = i % 2;
    cr_expect_eq(worker_logistic_fit(&logistic, &rows, w, b, &err), -1);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, "a logistic regression on 5 rows, of which none is of class 2: more "
                               "samples of that class are needed");
    for (uint32_t i = 0; i < 5; i++)
        features->split[WORKER_FEATURES_TRAIN].labels[i] = 1;
    cr_expect_eq(worker_logistic_fit(&two, &rows, w, b, &err), -1);
    cr_expect_str_eq(err.text, "a logistic regression on 5 rows, all of class 1");
    head_data_free(features);
}
