/* What HSFM keeps, flags and reports of its epochs. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/hsfm_small.h"

/* ---- epochs ---- */

Test(hsfm_choices, the_last_of_equal_epochs_is_kept)
{
    struct worker_features    *features = features_new(WORKER_F64);
    struct worker_hsfm_options o = small_options();
    struct worker_head         head;

    o.inner_lr = 1e-12; /* no prediction changes */
    head = train(features, &o);
    cr_expect_eq(head.nepochs, 5);
    cr_expect_eq(head.kept, 4);
    for (uint32_t e = 0; e < 5; e++)
        cr_expect_eq(head.epochs[e].val_worst_group_accuracy,
                     head.epochs[4].val_worst_group_accuracy);
    worker_head_free(&head);
    formula_features_free(features);
}

Test(hsfm_choices, head_edits_and_flags_are_those_of_the_kept_epoch)
{
    struct worker_features    *features = features_new(WORKER_F64);
    struct worker_hsfm_options o = small_options();
    struct worker_head         all, cut;

    o.inner_lr = 1; /* fast enough to get worse again */
    o.epochs = 12;
    all = train(features, &o);
    cr_assert(all.kept + 1 < all.nepochs, "%u", all.kept);
    for (uint32_t e = 0; e < all.nepochs; e++)
        cr_expect(all.epochs[e].val_worst_group_accuracy <=
                  all.epochs[all.kept].val_worst_group_accuracy);
    o.epochs = all.kept + 1;
    cut = train(features, &o);
    cr_expect_eq(cut.kept, all.kept);
    cr_expect_eq(memcmp(cut.w, all.w, CLASSES * DIMS * sizeof *all.w), 0);
    cr_expect_eq(memcmp(cut.b, all.b, CLASSES * sizeof *all.b), 0);
    cr_expect_eq(memcmp(cut.support_after, all.support_after, all.nsupport * DIMS * sizeof *all.w),
                 0);
    cr_expect_eq(cut.errors, all.errors);
    cr_expect(fabs(formula_worst_group(features, WORKER_FEATURES_VAL, all.w, all.b) -
                   all.epochs[all.kept].val_worst_group_accuracy) <= 1e-15);
    worker_head_free(&all);
    worker_head_free(&cut);
    formula_features_free(features);
}

Test(hsfm_choices, the_size_of_an_edit_is_that_of_the_rows)
{
    struct worker_features    *features = features_new(WORKER_F64);
    struct worker_hsfm_options o = small_options();
    struct worker_head         head;
    double                     sum = 0;

    o.epochs = 1;
    head = train(features, &o);
    for (uint32_t k = 0; k < head.nsupport * DIMS; k++)
        sum += pow(head.support_after[k] - head.support_before[k], 2);
    cr_expect(sum > 0);
    cr_expect(fabs(sqrt(sum) - head.epochs[0].edit_norm) <= 1e-12);
    worker_head_free(&head);
    formula_features_free(features);
}

Test(hsfm_choices, without_groups_the_worst_class_decides)
{
    struct worker_features    *features = features_new(WORKER_F64);
    struct worker_hsfm_options o = small_options();
    struct worker_head         head;

    for (int part = 0; part < WORKER_FEATURE_PARTS; part++)
        for (uint32_t i = 0; i < features->split[part].n; i++)
            features->split[part].groups[i] = features->split[part].labels[i];
    features->groups = CLASSES;
    o.epochs = 1;
    head = train(features, &o);
    {
        const double worst = head.epochs[0].val_worst_group_accuracy;

        worker_head_free(&head);
        for (int part = 0; part < WORKER_FEATURE_PARTS; part++) {
            free(features->split[part].groups);
            features->split[part].groups = NULL;
        }
        features->groups = 0;
        head = train(features, &o);
        cr_expect_eq(head.epochs[0].val_worst_group_accuracy, worst);
        cr_expect_eq(head.groups, 0);
    }
    worker_head_free(&head);
    formula_features_free(features);
}

Test(hsfm_choices, a_head_that_knows_one_class_is_flagged)
{
    struct worker_features    *features = features_new(WORKER_F32);
    struct worker_hsfm_options o = small_options();
    struct worker_head         head = train(features, &o);

    cr_expect(!head.collapsed);
    worker_head_free(&head);
    features->head_b[1] = 1000;
    head = train(features, &o);
    cr_expect(head.collapsed);
    cr_expect_eq(head.errors, 20); /* the hard ones of the other two classes */
    worker_head_free(&head);
    formula_features_free(features);
}

Test(hsfm_choices, what_is_not_finite_names_the_epoch)
{
    struct worker_features    *features = features_new(WORKER_F32);
    struct worker_hsfm_options o = small_options();

    o.outer_lr = 1e30;
    expect_refusal(features, &o, MX_EDIVERGED,
                   "hsfm: the loss of the hard samples or its gradient is not finite in epoch 0; "
                   "lower head.hsfm.outer_lr or head.hsfm.inner_lr");
    o = small_options();
    o.inner_lr = 1e38;
    o.edit_steps = 1;
    o.outer_lr = 1e-30;
    expect_refusal(features, &o, MX_EDIVERGED,
                   "hsfm: the loss of the hard samples or its gradient is not finite in epoch 0; "
                   "lower head.hsfm.outer_lr or head.hsfm.inner_lr");
    formula_features_free(features);
}

static bool end_in_epoch_two(void *user, uint64_t done, uint64_t total)
{
    cr_expect_eq(total, 10);
    *(uint64_t *)user = done;
    return done == 4;
}

Test(hsfm_choices, ends_when_asked_to)
{
    struct worker_features    *features = features_new(WORKER_F32);
    struct worker_hsfm_options o = small_options();
    struct worker_head_task    task = task_of(features);
    struct worker_head         head = {0};
    struct mx_err              err;
    uint64_t                   done = 0;

    task.tick = end_in_epoch_two;
    task.user = &done;
    cr_expect_eq(worker_hsfm_train(&task, &o, &head, &err), -1);
    cr_expect_eq(err.code, MX_EINTERRUPTED);
    cr_expect_str_eq(err.text, "hsfm was asked to end in epoch 2");
    cr_expect_eq(done, 4);
    cr_expect_null(head.w);
    formula_features_free(features);
}

/* ---- many cells ---- */

static struct worker_hsfm_options cell(uint32_t k)
{
    struct worker_hsfm_options o = small_options();

    o.support_per_class = 2 + k % 5;
    o.inner_steps = 1 + k % 7;
    o.inner_lr = 1e-3 * (1 + k);
    o.form = k % 3 == 0   ? WORKER_HSFM_FORM_AUTO
             : k % 3 == 1 ? WORKER_HSFM_FORM_GRAM
                          : WORKER_HSFM_FORM_DIRECT;
    return o;
}

Test(hsfm_choices, a_cell_has_the_same_bits_alone_and_among_2_7_and_32)
{
    static const uint32_t batches[] = {2, 7, 32};

    for (int precision = WORKER_F32; precision <= WORKER_F64; precision++) {
        struct worker_features    *features = features_new((enum worker_precision)precision);
        struct worker_hsfm_options o = cell(1);
        struct worker_head         alone = train(features, &o);

        for (int b = 0; b < 3; b++)
            for (uint32_t k = 0; k < batches[b]; k++) {
                struct worker_hsfm_options other = cell(k);
                struct worker_head         head = train(features, &other);

                if (k == 1) {
                    cr_expect_eq(memcmp(head.w, alone.w, CLASSES * DIMS * sizeof *head.w), 0);
                    cr_expect_eq(memcmp(head.support_after, alone.support_after,
                                        alone.nsupport * DIMS * sizeof *head.w),
                                 0);
                }
                worker_head_free(&head);
            }
        worker_head_free(&alone);
        formula_features_free(features);
    }
}
