/* What a head says of the rows of a split, and how sure one can be of it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/head_score.h"
#include "worker/intervals.h"

enum {
    N = 37,
    DIMS = 43 /* lanes and a rest */
};

static struct mx_stream draws(void)
{
    return mx_stream_make(5, 0, MX_PURPOSE_BOOTSTRAP, 0);
}

Test(head_score, logits_are_products_of_rows_and_weights_in_either_precision)
{
    static float  x32[N * DIMS];
    static double x64[N * DIMS], w[3 * DIMS], b[3] = {0.5, -1, 2}, logits[N * 3];
    struct mx_rng rng = mx_rng_at(draws(), 0, 0, 0);

    for (size_t k = 0; k < N * DIMS; k++)
        x64[k] = (double)(x32[k] = (float)mx_rng_normal(&rng));
    for (size_t k = 0; k < 3 * DIMS; k++)
        w[k] = (double)(float)mx_rng_normal(&rng);
    for (int wide = 0; wide < 2; wide++) {
        struct worker_features f = {
            .precision = wide ? WORKER_F64 : WORKER_F32, .dims = DIMS, .classes = 3};

        f.split[WORKER_FEATURES_TEST] = (struct worker_feature_split){
            .n = N, .x32 = wide ? NULL : x32, .x64 = wide ? x64 : NULL};
        worker_head_logits(&f, WORKER_FEATURES_TEST, w, b, logits);
        for (size_t i = 0; i < N; i++)
            for (size_t c = 0; c < 3; c++) {
                double sum = b[c];

                for (size_t d = 0; d < DIMS; d++)
                    sum += x64[i * DIMS + d] * w[c * DIMS + d];
                cr_assert(!(fabs(logits[i * 3 + c] - sum) > (wide ? 1e-13 : 2e-5)));
            }
    }
}

/* Eight rows of one feature; the head says 1 where it is above 0. */
static struct worker_features eight_rows(double *x, uint32_t *labels, uint32_t *groups)
{
    struct worker_features f = {.precision = WORKER_F64, .dims = 1, .classes = 2, .groups = 4};

    f.split[WORKER_FEATURES_VAL] =
        (struct worker_feature_split){.n = 8, .x64 = x, .labels = labels, .groups = groups};
    if (!groups)
        f.groups = 0;
    return f;
}

/* Sizes 6, 0, 3, 1 and hits 5, -, 2, 1 of the worst group's definition. */
Test(head_score, a_group_without_samples_is_missing_and_never_the_worst)
{
    const double           w[] = {-1, 1}, b[] = {0, 0};
    double                 x[] = {1, 1, 1, 1, 1, -1, 1, 1}, logits[16], by_part[4];
    uint32_t               labels[] = {1, 1, 1, 1, 1, 1, 0, 1};
    uint32_t               groups[] = {0, 0, 0, 0, 0, 0, 2, 3};
    struct worker_features f = eight_rows(x, labels, groups);

    struct worker_head_accuracy got;

    worker_head_logits(&f, WORKER_FEATURES_VAL, w, b, logits);
    got = worker_head_accuracy(&f, WORKER_FEATURES_VAL, logits, by_part);
    cr_expect(got.plain == 6.0 / 8);
    cr_expect(got.worst == 0.0, "group 2");
    cr_expect(by_part[0] == 5.0 / 6);
    cr_expect(isnan(by_part[1]));
    cr_expect(by_part[3] == 1.0);
    groups[6] = 3;
    got = worker_head_accuracy(&f, WORKER_FEATURES_VAL, logits, by_part);
    cr_expect(got.worst == 0.5, "group 3, of two");
}

Test(head_score, without_groups_the_worst_class_counts)
{
    const double           w[] = {-1, 1}, b[] = {0, 0};
    double                 x[] = {1, 1, 1, 1, 1, -1, 1, NAN}, logits[16], by_part[4];
    uint32_t               labels[] = {1, 1, 1, 1, 1, 0, 0, 1};
    struct worker_features f = eight_rows(x, labels, NULL);

    struct worker_head_accuracy got;

    cr_expect_eq(worker_head_parts(&f), 2);
    worker_head_logits(&f, WORKER_FEATURES_VAL, w, b, logits);
    got = worker_head_accuracy(&f, WORKER_FEATURES_VAL, logits, by_part);
    cr_expect(got.plain == 6.0 / 8, "a row with a NaN is never right");
    cr_expect(got.worst == 0.5);
    cr_expect(by_part[1] == 5.0 / 6);
}

/* n images in two groups, `right` of each hundred right, group 1 a fifth of them. */
static void hits_of(uint8_t *hits, uint32_t *groups, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        groups[i] = i % 5 == 4;
        hits[i] = groups[i] ? i % 2 == 0 : i % 10 != 0;
    }
}

Test(head_score, intervals_have_the_width_that_the_binomial_law_gives)
{
    enum {
        IMAGES = 2000
    };
    static uint8_t          hits[IMAGES];
    static uint32_t         groups[IMAGES];
    struct worker_intervals got;
    double                  p = 0.8, plain;

    hits_of(hits, groups, IMAGES);
    cr_assert_eq(worker_bootstrap(hits, groups, IMAGES, 2, 2000, draws(), WORKER_FEATURES_TEST,
                                  NULL, &got, NULL),
                 0);
    plain = 2 * 1.959964 * sqrt(p * (1 - p) / IMAGES);
    cr_expect(got.accuracy.low < p && p < got.accuracy.high);
    cr_expect(!(fabs((got.accuracy.high - got.accuracy.low) / plain - 1) > 0.08));
    plain = 2 * 1.959964 * sqrt(0.5 * 0.5 / (IMAGES / 5));
    cr_expect(got.worst_group.low < 0.5 && 0.5 < got.worst_group.high);
    cr_expect(!(fabs((got.worst_group.high - got.worst_group.low) / plain - 1) > 0.08));
}

Test(head_score, resamples_depend_on_the_stream_and_not_on_the_head)
{
    enum {
        IMAGES = 300
    };
    static uint8_t          hits[IMAGES], wrong[IMAGES];
    static uint32_t         groups[IMAGES];
    struct worker_intervals first, second, other, mirrored;

    hits_of(hits, groups, IMAGES);
    for (uint32_t i = 0; i < IMAGES; i++)
        wrong[i] = !hits[i];
    worker_bootstrap(hits, groups, IMAGES, 2, 100, draws(), WORKER_FEATURES_VAL, NULL, &first,
                     NULL);
    worker_bootstrap(hits, groups, IMAGES, 2, 100, draws(), WORKER_FEATURES_VAL, NULL, &second,
                     NULL);
    worker_bootstrap(hits, groups, IMAGES, 2, 100, draws(), WORKER_FEATURES_TEST, NULL, &other,
                     NULL);
    worker_bootstrap(wrong, groups, IMAGES, 2, 100, draws(), WORKER_FEATURES_VAL, NULL, &mirrored,
                     NULL);
    cr_expect_arr_eq(&first, &second, sizeof first);
    cr_expect(first.accuracy.low != other.accuracy.low ||
              first.worst_group.low != other.worst_group.low);
    cr_expect(!(fabs(mirrored.accuracy.low - (1 - first.accuracy.high)) > 1e-12),
              "the same images were drawn");
}

Test(head_score, resamples_that_are_kept_are_those_that_would_be_drawn)
{
    enum {
        IMAGES = 300
    };
    static uint8_t           hits[IMAGES], one[IMAGES];
    static uint32_t          groups[IMAGES];
    struct worker_resamples *kept = worker_resamples_new();
    struct worker_intervals  drawn, first, second;
    const uint8_t           *all;

    hits_of(hits, groups, IMAGES);
    worker_bootstrap(hits, groups, IMAGES, 2, 100, draws(), WORKER_FEATURES_VAL, NULL, &drawn,
                     NULL);
    worker_bootstrap(hits, groups, IMAGES, 2, 100, draws(), WORKER_FEATURES_VAL, kept, &first,
                     NULL);
    all = worker_resamples_get(kept, draws(), WORKER_FEATURES_VAL, IMAGES, 100);
    worker_bootstrap(hits, groups, IMAGES, 2, 100, draws(), WORKER_FEATURES_VAL, kept, &second,
                     NULL);
    cr_expect_arr_eq(&drawn, &first, sizeof drawn);
    cr_expect_arr_eq(&drawn, &second, sizeof drawn);
    cr_expect_eq(worker_resamples_get(kept, draws(), WORKER_FEATURES_VAL, IMAGES, 100), all,
                 "they are kept");
    worker_resample(draws(), WORKER_FEATURES_VAL, 7, IMAGES, one);
    cr_expect_arr_eq(all + 7 * IMAGES, one, IMAGES);
    for (uint32_t repeat = 1; repeat < 40; repeat++)
        cr_expect_neq(worker_resamples_get(kept, mx_stream_make(5, repeat, MX_PURPOSE_BOOTSTRAP, 0),
                                           0, IMAGES, 100),
                      NULL, "room is made");
    cr_expect_eq(worker_resamples_get(kept, draws(), 0, 1 << 20, 100), NULL, "too many to keep");
    worker_resamples_free(kept);
}

Test(head_score, intervals_of_nothing_are_not_there)
{
    struct worker_intervals got;
    const uint8_t           hits[] = {1, 1, 0};

    cr_assert_eq(worker_bootstrap(hits, NULL, 0, 0, 100, draws(), 0, NULL, &got, NULL), 0);
    cr_expect(isnan(got.accuracy.low) && isnan(got.worst_group.high));
    cr_assert_eq(worker_bootstrap(hits, NULL, 3, 0, 0, draws(), 0, NULL, &got, NULL), 0);
    cr_expect(isnan(got.accuracy.high));
    cr_assert_eq(worker_bootstrap(hits, NULL, 3, 0, 1, draws(), 0, NULL, &got, NULL), 0);
    cr_expect(got.accuracy.low == got.accuracy.high && isnan(got.worst_group.low));
}
