/* llr, subg, dfr and the regressions behind them against scikit-learn's own
 * numbers (tests/reference/sklearn/make.py). */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/reference/head_data.h"
#include "worker/head.h"
#include "worker/logistic.h"

enum {
    WIDTH = HEAD_DATA_DIMS + 1,
    MAX_VALUES = 3 * WIDTH
};

/* Read the numbers of a line of heads.txt. Returns how many. */
static size_t read_line(const char *name, double *values)
{
    FILE  *file = fopen(MX_SOURCE_DIR "/tests/reference/sklearn/heads.txt", "r");
    char   word[64];
    size_t count = 0;

    cr_assert_not_null(file);
    while (fscanf(file, "%63s %zu", word, &count) == 2) {
        cr_assert_leq(count, MAX_VALUES);
        for (size_t k = 0; k < count; k++)
            cr_assert_eq(fscanf(file, "%lf", &values[k]), 1);
        if (!strcmp(word, name)) {
            fclose(file);
            return count;
        }
    }
    cr_assert_fail("there is no %s", name);
    return 0;
}

static double read_number(const char *name)
{
    double values[MAX_VALUES];

    cr_assert_eq(read_line(name, values), 1);
    return values[0];
}

/* Compare a head with a line: of two classes the line has the difference. */
static void expect_head(const char *name, uint32_t classes, const double *w, const double *b,
                        double tolerance)
{
    const uint32_t lines = classes == 2 ? 1 : classes;
    double         want[MAX_VALUES];

    cr_assert_eq(read_line(name, want), lines * WIDTH);
    for (uint32_t c = 0; c < lines; c++)
        for (uint32_t k = 0; k < WIDTH; k++) {
            const double *row = w + c * HEAD_DATA_DIMS;
            double        got = k == HEAD_DATA_DIMS ? b[c] : row[k];

            if (classes == 2)
                got = k == HEAD_DATA_DIMS ? b[1] - b[0] : row[k + HEAD_DATA_DIMS] - row[k];
            cr_expect(fabs(got - want[c * WIDTH + k]) <= tolerance,
                      "%s: %u of class %u: %.10g, not %.10g", name, k, c, got, want[c * WIDTH + k]);
        }
}

Test(sklearn, regressions_on_all_of_train_are_the_same)
{
    static const char *const penalties[] = {"l1", "l2"}, *const strengths[] = {"1", "0.1", "0.01"};

    for (uint32_t classes = 2; classes <= 3; classes++)
        for (int p = 0; p < 2; p++)
            for (int s = 0; s < 3; s++) {
                struct worker_features  *features = head_data_new(WORKER_F64, classes, 1);
                const struct worker_rows train = worker_rows_all(features, WORKER_FEATURES_TRAIN);
                struct worker_scale      scale = {0};
                const struct worker_logistic logistic = {
                    p == 0 ? WORKER_L1 : WORKER_L2, strtod(strengths[s], NULL), classes, &scale};
                double w[3 * HEAD_DATA_DIMS], b[3];
                char   name[32];

                snprintf(name, sizeof name, "%s.%u.%s", penalties[p], classes, strengths[s]);
                cr_assert_eq(worker_scale_measure(&train, &scale, NULL), 0);
                cr_assert_eq(worker_logistic_fit(&logistic, &train, w, b, NULL), 0);
                expect_head(name, classes, w, b, 1e-6);
                worker_scale_free(&scale);
                head_data_free(features);
            }
}

static void expect_method(enum worker_head_method method, const char *word,
                          enum worker_precision precision, double tolerance)
{
    static const struct worker_list strengths = {7, {1, 0.7, 0.3, 0.1, 0.07, 0.03, 0.01}};
    struct worker_features         *features = head_data_new(precision, 2, 1);
    const struct worker_params      params = {.head_method = method,
                                              .head_precision = precision,
                                              .head_llr_C = strengths,
                                              .head_dfr_C = strengths,
                                              .head_subg_C = strengths,
                                              .head_dfr_subsets = 20};
    const struct worker_head_task   task = {
          .features = features, .params = &params, .head = {{11, 22}}};
    struct worker_head head;
    struct mx_err      err;
    char               name[32];

    cr_assert_eq(worker_head_train(&task, &head, &err), 0, "%s", err.text);
    snprintf(name, sizeof name, "%s.chosen", word);
    cr_expect_eq(head.chosen, read_number(name));
    snprintf(name, sizeof name, "%s.head", word);
    expect_head(name, 2, head.w, head.b, tolerance);
    if (method != WORKER_HEAD_LLR) {
        snprintf(name, sizeof name, "%s.rows", word);
        cr_expect_eq(head.fit_rows, read_number(name));
    }
    worker_head_free(&head);
    head_data_free(features);
}

Test(sklearn, dfr_chooses_the_same_strength_and_gives_the_same_head)
{
    expect_method(WORKER_HEAD_DFR, "dfr", WORKER_F64, 1e-6);
    expect_method(WORKER_HEAD_DFR, "dfr", WORKER_F32, 1e-5);
}

Test(sklearn, llr_chooses_the_same_strength_and_gives_the_same_head)
{
    expect_method(WORKER_HEAD_LLR, "llr", WORKER_F64, 1e-6);
    expect_method(WORKER_HEAD_LLR, "llr", WORKER_F32, 1e-5);
}

Test(sklearn, subg_chooses_the_same_strength_and_gives_the_same_head)
{
    expect_method(WORKER_HEAD_SUBG, "subg", WORKER_F64, 1e-6);
    expect_method(WORKER_HEAD_SUBG, "subg", WORKER_F32, 1e-5);
}
