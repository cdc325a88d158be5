/* What heads cost, beside the network that they share. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "sweep/estimate.h"
#include "tests/unit/build_config.h"

static struct mx_estimate estimate_of(const struct build *b)
{
    struct mx_grid    *grid = mx_grid_new(&b->config, NULL);
    struct mx_estimate estimate;

    cr_assert_not_null(grid);
    cr_assert_eq(mx_estimate(&b->config, grid, 1, &estimate, NULL), 0);
    mx_grid_free(grid);
    return estimate;
}

static struct build *with_head(enum worker_head_method method)
{
    struct build *b = build_new();

    b->config.base[KEY_DATA_SYNTHETIC_N] = build_int(20000);
    b->config.base[KEY_MODEL_ARCH] = build_choice(WORKER_ARCH_RESNET8);
    b->config.base[KEY_HEAD_METHOD] = build_choice(method);
    return b;
}

Test(estimate_heads, time_is_of_the_training_the_extraction_and_every_head)
{
    struct build      *b = with_head(WORKER_HEAD_ERM);
    struct mx_estimate none = estimate_of(b), one, three;
    double             head;

    b->config.base[KEY_HEAD_METHOD] = build_choice(WORKER_HEAD_HSFM);
    b->config.base[KEY_HEAD_HSFM_SUPPORT_PER_CLASS] = build_int(1000);
    b->config.base[KEY_HEAD_HSFM_EPOCHS] = build_int(1000);
    one = estimate_of(b);
    BUILD_LIST(b, KEY_HEAD_HSFM_INNER_LR, build_real(1e-5), build_real(2e-5), build_real(3e-5));
    three = estimate_of(b);
    cr_expect(none.timed && one.timed && three.timed);
    head = (three.hours_mid - one.hours_mid) / 2;
    cr_expect_gt(head, 0);
    cr_expect_gt(one.hours_mid - head, none.hours_mid, "the extraction takes time too");
    cr_expect_lt(one.hours_mid - head, 1.2 * none.hours_mid, "little of it");
    build_free(b);
}

Test(estimate_heads, memory_holds_features_and_what_a_method_adds)
{
    struct build      *b = with_head(WORKER_HEAD_ERM);
    struct mx_estimate none = estimate_of(b), small, wide, large;

    b->config.base[KEY_HEAD_METHOD] = build_choice(WORKER_HEAD_HSFM);
    small = estimate_of(b);
    b->config.base[KEY_HEAD_PRECISION] = build_choice(WORKER_F64);
    wide = estimate_of(b);
    b->config.base[KEY_HEAD_PRECISION] = build_choice(WORKER_F32);
    b->config.base[KEY_HEAD_HSFM_SUPPORT_PER_CLASS] = build_int(5000);
    large = estimate_of(b);
    /* 25,000 images of 64 numbers. */
    cr_expect_geq(small.memory_bytes, none.memory_bytes + 25000 * 64 * 4);
    cr_expect_geq(wide.memory_bytes, small.memory_bytes + 25000 * 64 * 4);
    cr_expect_gt(large.memory_bytes, small.memory_bytes);
    build_free(b);
}

Test(estimate_heads, disk_follows_what_is_kept)
{
    struct build      *b = with_head(WORKER_HEAD_LLR);
    struct mx_estimate weights, results, all;

    BUILD_LIST(b, KEY_HEAD_PRECISION, build_choice(WORKER_F32), build_choice(WORKER_F64));
    weights = estimate_of(b);
    b->config.base[KEY_SCHEDULE_KEEP] = build_choice(MX_KEEP_RESULTS);
    results = estimate_of(b);
    b->config.base[KEY_SCHEDULE_KEEP] = build_choice(MX_KEEP_ALL);
    all = estimate_of(b);
    cr_expect_eq(weights.files, results.files + 1 + 11, "weights, and eleven arrays");
    cr_expect_geq(weights.disk_bytes, results.disk_bytes + 25000 * (64 * 4 + 8));
    cr_expect_eq(all.files, weights.files + 2 * 7, "two heads");
    build_free(b);
}

Test(estimate_heads, of_features_nothing_is_known_before_they_are_read)
{
    struct build      *b = build_new();
    struct mx_estimate got;

    b->config.base[KEY_DATA_SET] = build_choice(WORKER_DATA_FEATURES);
    b->config.base[KEY_DATA_PATH] = build_text("frozen");
    b->config.base[KEY_HEAD_METHOD] = build_choice(WORKER_HEAD_LLR);
    got = estimate_of(b);
    cr_expect_not(got.timed);
    cr_expect_str_eq(got.basis, "unknown: what features /configs/frozen holds is known once its "
                                "files are read");
    cr_expect_eq(got.kinds[WORKER_STAGE_HEAD].planned, 1);
    cr_expect_eq(got.kinds[WORKER_STAGE_TRAIN].planned, 0);
    build_free(b);
}
