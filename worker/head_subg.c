/* subg: logistic regression on a subset of the training samples with as many of
 * each group as the smallest has (SUBG: Idrissi et al. 2022, here on frozen
 * features). Standardised by the subset; L2; the strength is the one whose
 * worst validation group is best. */
#include <stdlib.h>

#include "worker/balance.h"
#include "worker/head.h"
#include "worker/selection.h"
#include "worker/strength.h"

static int train_on(const struct worker_head_task *task, const struct worker_rows *subset,
                    struct worker_head *head, struct mx_err *err)
{
    const struct worker_rows val = worker_rows_all(task->features, WORKER_FEATURES_VAL);
    struct worker_scale      scale = {0};
    int                      result;

    if (worker_scale_measure(subset, &scale, err))
        return -1;
    result = worker_strength_choose(task,
                                    &(struct worker_strength_search){
                                        .penalty = WORKER_L2,
                                        .candidates = &task->params->head_subg_C,
                                        .fit = subset,
                                        .choose = &val,
                                        .scale = &scale,
                                    },
                                    head, err);
    worker_scale_free(&scale);
    return result;
}

int worker_head_subg(const struct worker_head_task *task, struct worker_head *head,
                     struct mx_err *err)
{
    const struct worker_features *features = task->features;
    struct worker_rows            subset = worker_rows_all(features, WORKER_FEATURES_TRAIN);
    struct worker_groups          sorted = {0};
    struct mx_rng                 rng = mx_rng_at(task->head, WORKER_HEAD_DRAW_SUBG, 0, 0);
    uint32_t                     *index = NULL;
    int                           result = -1;

    if (worker_head_start(features, head, err) ||
        worker_groups_sort(&subset, features->groups, features->classes, &sorted, err))
        return -1;
    subset.n = worker_groups_balanced_size(&sorted);
    subset.index = index = calloc(subset.n ? subset.n : 1, sizeof *index);
    if (!index) {
        mx_fail(err, MX_ENOMEM, "no memory for a subset of %u rows", subset.n);
        goto done;
    }
    worker_groups_draw_balanced(&sorted, &rng, index);
    if (!train_on(task, &subset, head, err))
        result = worker_head_settle(task, head, err);
done:
    free(index);
    worker_groups_free(&sorted);
    return result;
}
