#include "worker/head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/head_needs.h"

typedef int train_function(const struct worker_head_task *, struct worker_head *, struct mx_err *);

/* NULL: known, but this version cannot do it. */
static train_function *const methods[WORKER_HEAD_METHODS] = {
    [WORKER_HEAD_ERM] = worker_head_erm,
    [WORKER_HEAD_LLR] = worker_head_llr,
    [WORKER_HEAD_DFR] = worker_head_dfr,
    [WORKER_HEAD_JTT_HEAD] = worker_head_jtt,
    [WORKER_HEAD_GROUP_DRO] = worker_head_group_dro,
    [WORKER_HEAD_SUBG] = worker_head_subg,
    [WORKER_HEAD_AFR] = worker_head_afr,
    [WORKER_HEAD_FEATURE_MIXUP] = worker_head_feature_mixup,
    [WORKER_HEAD_HSFM] = worker_head_hsfm,
};

static int check(const struct worker_head_task *task, struct mx_err *err)
{
    const unsigned            number = task->params->head_method;
    struct worker_head_counts counts;
    int                       rc;

    if (number >= WORKER_HEAD_METHODS)
        return mx_fail(err, MX_EINVAL, "no head method has the number %u", number);
    if (!methods[number])
        return mx_fail(err, MX_EINVAL, "head.method %s is not built yet in this version",
                       worker_heads[number].word);
    if (worker_head_count_features(task->features, &counts, err))
        return -1;
    rc = worker_head_needs(task->params, &counts, err);
    worker_head_counts_free(&counts);
    return rc;
}

int worker_head_train(const struct worker_head_task *task, struct worker_head *head,
                      struct mx_err *err)
{
    memset(head, 0, sizeof *head);
    if (check(task, err))
        return -1;
    if (methods[task->params->head_method](task, head, err)) {
        worker_head_free(head);
        return -1;
    }
    return 0;
}

void worker_head_free(struct worker_head *head)
{
    for (uint32_t e = 0; head->epochs && e < head->nepochs; e++) {
        free(head->epochs[e].group_accuracy);
        free(head->epochs[e].hard_count);
    }
    free(head->epochs);
    free(head->w);
    free(head->b);
    free(head->support_rows);
    free(head->support_before);
    free(head->support_after);
    memset(head, 0, sizeof *head);
}

int worker_head_start(const struct worker_features *features, struct worker_head *head,
                      struct mx_err *err)
{
    size_t nw = (size_t)features->classes * features->dims;

    head->classes = features->classes;
    head->dims = features->dims;
    head->groups = features->groups;
    head->chosen = NAN;
    head->w = malloc(nw * sizeof *head->w);
    head->b = malloc(features->classes * sizeof *head->b);
    if (!head->w || !head->b)
        return mx_fail(err, MX_ENOMEM, "no memory for a head of %u classes and %u features",
                       features->classes, features->dims);
    memcpy(head->w, features->head_w, nw * sizeof *head->w);
    memcpy(head->b, features->head_b, features->classes * sizeof *head->b);
    return 0;
}

int worker_head_erm(const struct worker_head_task *task, struct worker_head *head,
                    struct mx_err *err)
{
    return worker_head_start(task->features, head, err);
}
