/* llr: the last layer again, on the training features, by L2 logistic
 * regression on standardised features; the strength is the one whose worst
 * validation group (class) is best. */
#include "worker/head.h"
#include "worker/selection.h"
#include "worker/strength.h"

int worker_head_llr(const struct worker_head_task *task, struct worker_head *head,
                    struct mx_err *err)
{
    const struct worker_rows train = worker_rows_all(task->features, WORKER_FEATURES_TRAIN);
    const struct worker_rows val = worker_rows_all(task->features, WORKER_FEATURES_VAL);
    struct worker_scale      scale = {0};
    int                      result = -1;

    if (worker_head_start(task->features, head, err) || worker_scale_measure(&train, &scale, err))
        return -1;
    if (!worker_strength_choose(task,
                                &(struct worker_strength_search){
                                    .penalty = WORKER_L2,
                                    .candidates = &task->params->head_llr_C,
                                    .fit = &train,
                                    .choose = &val,
                                    .scale = &scale,
                                },
                                head, err))
        result = worker_head_settle(task, head, err);
    worker_scale_free(&scale);
    return result;
}
