/* jtt_head: just train twice, on a last layer (after Liu et al. 2021; ours). A
 * head from zero makes `steps` full-batch gradient steps on the training
 * samples; those it is wrong about then weigh `upweight` times as much as the
 * others, and a second head, from zero too, is trained on the weighted mean
 * loss. The second one makes ROUNDS times as many steps and is judged on val
 * after each round. */
#include <stdlib.h>

#include "worker/head.h"
#include "worker/linear_head.h"
#include "worker/selection.h"

enum {
    ROUNDS = 10
};

struct jtt {
    const struct worker_head_task *task;
    struct worker_head            *head;
    struct worker_rows             train;
    struct worker_linear           linear;
    double                        *weight; /* (train) of each sample, summing to 1 */
};

static int descend(struct jtt *jtt, const double *weight, uint64_t done, double *loss,
                   struct mx_err *err)
{
    const struct worker_params *params = jtt->task->params;
    const uint64_t              steps = (uint64_t)params->head_jtt_head_steps;

    for (uint64_t s = 0; s < steps; s++) {
        if (worker_head_tick(jtt->task, done + s, (ROUNDS + 1) * steps, err))
            return -1;
        *loss = worker_linear_gradient(&jtt->linear, &jtt->train, weight);
        worker_linear_descend(&jtt->linear, params->head_jtt_head_lr);
    }
    return 0;
}

/* Of equal logits the first class is predicted, as everywhere. */
static bool is_right(const struct jtt *jtt, uint32_t i, double *probability)
{
    uint32_t best = 0;

    worker_linear_loss(&jtt->linear, &jtt->train, i, probability);
    for (uint32_t c = 1; c < jtt->head->classes; c++)
        if (probability[c] > probability[best])
            best = c;
    return best == worker_row_label(&jtt->train, i);
}

static int weigh(struct jtt *jtt, struct mx_err *err)
{
    double *probability = calloc(jtt->head->classes, sizeof *probability);
    double  sum = 0;

    if (!probability)
        return mx_fail(err, MX_ENOMEM, "no memory for %u classes", jtt->head->classes);
    for (uint32_t i = 0; i < jtt->train.n; i++) {
        bool right = is_right(jtt, i, probability);

        jtt->head->errors += !right;
        jtt->weight[i] = right ? 1 : jtt->task->params->head_jtt_head_upweight;
        sum += jtt->weight[i];
    }
    for (uint32_t i = 0; i < jtt->train.n; i++)
        jtt->weight[i] /= sum;
    free(probability);
    return 0;
}

static int train_twice(struct jtt *jtt, struct mx_err *err)
{
    const struct worker_rows val = worker_rows_all(jtt->task->features, WORKER_FEATURES_VAL);
    const uint64_t           steps = (uint64_t)jtt->task->params->head_jtt_head_steps;
    double                   loss = 0;

    if (descend(jtt, NULL, 0, &loss, err) || weigh(jtt, err))
        return -1;
    worker_linear_reset(&jtt->linear);
    for (uint64_t r = 0; r < ROUNDS; r++)
        if (descend(jtt, jtt->weight, (r + 1) * steps, &loss, err) ||
            worker_head_end_epoch(&val, jtt->head, jtt->linear.w, jtt->linear.b, loss, err))
            return -1;
    return worker_head_settle(jtt->task, jtt->head, err);
}

int worker_head_jtt(const struct worker_head_task *task, struct worker_head *head,
                    struct mx_err *err)
{
    struct jtt jtt = {.task = task,
                      .head = head,
                      .train = worker_rows_all(task->features, WORKER_FEATURES_TRAIN)};
    int        result = -1;

    if (worker_selection_needs_val(task, err) || worker_head_start(task->features, head, err) ||
        worker_head_make_epochs(head, ROUNDS, err) ||
        worker_linear_new(task->features, &jtt.linear, err))
        return -1;
    jtt.weight = calloc(jtt.train.n ? jtt.train.n : 1, sizeof *jtt.weight);
    if (!jtt.weight)
        mx_fail(err, MX_ENOMEM, "no memory for the weights of %u samples", jtt.train.n);
    else
        result = train_twice(&jtt, err);
    free(jtt.weight);
    worker_linear_free(&jtt.linear);
    return result;
}
