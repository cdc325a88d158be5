#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "worker/head.h"

static double                 weights[] = {1, 2, 3, 4, 5, 6}, biases[] = {7, 8};
static struct worker_features two_classes = {
    .precision = WORKER_F64, .dims = 3, .classes = 2, .head_w = weights, .head_b = biases};

static struct worker_params with_method(enum worker_head_method method)
{
    return (struct worker_params){.head_method = method, .head_precision = WORKER_F64};
}

Test(head, erm_is_the_head_that_came_with_the_backbone)
{
    struct worker_params    params = with_method(WORKER_HEAD_ERM);
    struct worker_head_task task = {.features = &two_classes, .params = &params};
    struct worker_head      head;
    struct mx_err           err = {0};

    cr_assert_eq(worker_head_train(&task, &head, &err), 0, "%s", err.text);
    cr_expect_eq(head.classes, 2);
    cr_expect_eq(head.dims, 3);
    cr_expect_eq(head.groups, 0);
    cr_expect_arr_eq(head.w, weights, sizeof weights);
    cr_expect_arr_eq(head.b, biases, sizeof biases);
    cr_expect(isnan(head.chosen));
    cr_expect_eq(head.nepochs, 0);
    worker_head_free(&head);
    cr_expect_null(head.w);
}

Test(head, methods_that_balance_groups_refuse_a_set_without)
{
    static const enum worker_head_method balancing[] = {WORKER_HEAD_DFR, WORKER_HEAD_GROUP_DRO,
                                                        WORKER_HEAD_SUBG};

    for (size_t m = 0; m < sizeof balancing / sizeof balancing[0]; m++) {
        struct worker_params    params = with_method(balancing[m]);
        struct worker_head_task task = {.features = &two_classes, .params = &params};
        struct worker_head      head;
        struct mx_err           err = {0};

        if (!worker_heads[balancing[m]].built)
            continue;
        cr_expect_eq(worker_head_train(&task, &head, &err), -1);
        cr_expect_eq(err.code, MX_EDATA);
        cr_expect(strstr(err.text, "balances groups, and this data set has none (use llr, "), "%s",
                  err.text);
    }
}

Test(head, a_method_is_built_or_says_that_it_is_not)
{
    struct worker_params    params = with_method(WORKER_HEAD_METHODS);
    struct worker_head_task task = {.features = &two_classes, .params = &params};
    struct worker_head      head;
    struct mx_err           err = {0};

    cr_expect_eq(worker_head_train(&task, &head, &err), -1);
    cr_expect_str_eq(err.text, "no head method has the number 9");
    for (unsigned m = 0; m < WORKER_HEAD_METHODS; m++) {
        if (worker_heads[m].built)
            continue;
        params.head_method = m;
        cr_expect_eq(worker_head_train(&task, &head, &err), -1);
        cr_expect_eq(err.code, MX_EINVAL);
        cr_expect(strstr(err.text, " is not built yet in this version"), "%s", err.text);
    }
}
