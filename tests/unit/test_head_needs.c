/* What head methods ask of their samples, told from counts. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/reference/head_cases.h"
#include "tests/reference/head_data.h"
#include "worker/head_needs.h"

/* Features of head_data.h, counted anew before each question. */
static struct mx_err said(const struct worker_features *features,
                          const struct worker_params   *params)
{
    struct worker_head_counts counts;
    struct mx_err             err = {.text = ""};

    cr_assert_eq(worker_head_count_features(features, &counts, NULL), 0);
    cr_expect_eq(worker_head_needs(params, &counts, &err), err.text[0] ? -1 : 0);
    worker_head_counts_free(&counts);
    return err;
}

static void expect_said(const struct worker_features *features, enum worker_head_method method,
                        const char *text)
{
    const struct worker_params params = head_case_params(method);
    struct mx_err              err = said(features, &params);

    cr_expect_str_eq(err.text, text);
    cr_expect_eq(err.code, *text ? MX_EDATA : MX_OK);
}

Test(head_needs, a_group_that_only_the_other_part_has_is_named)
{
    struct worker_features      *features = head_data_new(WORKER_F32, 2, 1);
    struct worker_feature_split *val = &features->split[WORKER_FEATURES_VAL];
    struct worker_feature_split *train = &features->split[WORKER_FEATURES_TRAIN];
    struct worker_params         params = head_case_params(WORKER_HEAD_DFR);
    struct mx_err                err;

    expect_said(features, WORKER_HEAD_DFR, "");
    for (uint32_t i = 0; i < val->n; i++)
        val->groups[i] = val->groups[i] == 2 ? 3 : val->groups[i];
    expect_said(features, WORKER_HEAD_DFR,
                "head.method dfr needs samples of every group, and group 2 has none in val, but "
                "some in train (use llr, jtt_head, afr, feature_mixup or hsfm, or more data)");
    expect_said(features, WORKER_HEAD_SUBG, "");
    params.data_set = WORKER_DATA_METASHIFT;
    err = said(features, &params);
    cr_expect(
        strstr(err.text, ", or more data; without a folder val, validation is cut from train)"),
        "%s", err.text);
    for (uint32_t i = 0; i < train->n; i++)
        train->groups[i] = train->groups[i] == 2 ? 3 : train->groups[i];
    expect_said(features, WORKER_HEAD_DFR, ""); /* group 2 is of the test split alone */
    head_data_free(features);
}

Test(head_needs, a_class_smaller_than_the_support_set_is_named)
{
    struct worker_features *features = head_data_new(WORKER_F32, 2, 1);
    struct worker_params    params = head_case_params(WORKER_HEAD_HSFM);
    struct mx_err           err;
    uint32_t                first = 0;

    for (uint32_t i = 0; i < HEAD_DATA_TRAIN; i++)
        first += features->split[WORKER_FEATURES_TRAIN].labels[i] == 0;
    params.head_hsfm_support_per_class = first;
    err = said(features, &params);
    if (HEAD_DATA_TRAIN - first >= first)
        cr_expect_str_eq(err.text, "");
    params.head_hsfm_support_per_class = HEAD_DATA_TRAIN;
    err = said(features, &params);
    cr_expect(
        strstr(err.text, "hsfm: class 0 has ") == err.text &&
            strstr(err.text, " training samples, head.hsfm.support_per_class is 400: lower it"),
        "%s", err.text);
    strcpy(params.head_hsfm_support_indices, "rows.npy");
    cr_expect_str_eq(said(features, &params).text, "");
    head_data_free(features);
}
