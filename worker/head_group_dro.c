/* group_dro: the last layer against an adversary that weighs the groups (Sagawa
 * et al. 2020, algorithm 1, here on frozen features).
 *
 * A batch is BATCH draws, each of a group at random and then of one of its
 * training samples, as in the algorithm; an epoch has as many batches as train
 * has samples for. Each batch first moves the weights of the groups, then the
 * head, by plain gradient descent on the weighted sum of mean group losses and
 * l2 / 2 times the squared norm. The head starts as the one that came with the
 * backbone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/balance.h"
#include "worker/group_weights.h"
#include "worker/head.h"
#include "worker/linear_head.h"
#include "worker/selection.h"

enum {
    BATCH = 128
};

double worker_group_weights_update(double *weights, const struct worker_group_loss *losses,
                                   uint32_t groups, double rate)
{
    double sum = 0, loss = 0, most = 0;

    /* All divided by the largest factor: large losses must not overflow. */
    for (uint32_t g = 0; g < groups; g++)
        if (losses[g].n > 0)
            most = fmax(most, rate * losses[g].sum / losses[g].n);
    for (uint32_t g = 0; g < groups; g++) {
        weights[g] *= exp((losses[g].n > 0 ? rate * losses[g].sum / losses[g].n : 0) - most);
        sum += weights[g];
    }
    for (uint32_t g = 0; g < groups; g++) {
        weights[g] /= sum;
        if (losses[g].n > 0)
            loss += weights[g] * losses[g].sum / losses[g].n;
    }
    return loss;
}

struct dro {
    const struct worker_head_task *task;
    struct worker_head            *head;
    struct worker_linear           linear;
    struct worker_groups           sorted;  /* train */
    double                        *weights; /* (groups); 0 where train has no samples */
    struct worker_group_loss      *losses;  /* (groups), of a batch */
    uint32_t                       index[BATCH];
    double                         by[BATCH]; /* of each sample's loss */
};

static int set_up(struct dro *dro, struct mx_err *err)
{
    const struct worker_features *features = dro->task->features;
    const struct worker_rows      train = worker_rows_all(features, WORKER_FEATURES_TRAIN);

    if (worker_head_start(features, dro->head, err) ||
        worker_head_make_epochs(dro->head, (uint32_t)dro->task->params->head_group_dro_epochs,
                                err) ||
        worker_linear_new(features, &dro->linear, err) ||
        worker_groups_sort(&train, features->groups, features->classes, &dro->sorted, err))
        return -1;
    dro->weights = calloc(features->groups, sizeof *dro->weights);
    dro->losses = calloc(features->groups, sizeof *dro->losses);
    if (!dro->weights || !dro->losses)
        return mx_fail(err, MX_ENOMEM, "no memory for %u groups", features->groups);
    for (uint32_t g = 0; g < features->groups; g++)
        dro->weights[g] = worker_groups_count(&dro->sorted, g) > 0 ? 1.0 / dro->sorted.used : 0;
    worker_linear_take_erm(&dro->linear);
    return 0;
}

/* The k-th of those groups that have samples. */
static uint32_t group_at(const struct worker_groups *sorted, uint64_t k)
{
    uint32_t g = 0;

    while (worker_groups_count(sorted, g) == 0 || k-- > 0)
        g++;
    return g;
}

static void draw_batch(struct dro *dro, uint32_t epoch, uint32_t batch)
{
    struct mx_rng rng = mx_rng_at(dro->task->head, WORKER_HEAD_DRAW_DRO_BATCH, epoch, batch);

    for (uint32_t i = 0; i < BATCH; i++) {
        uint32_t g = group_at(&dro->sorted, mx_rng_below(&rng, dro->sorted.used));

        dro->index[i] = dro->sorted.rows[dro->sorted.start[g] +
                                         mx_rng_below(&rng, worker_groups_count(&dro->sorted, g))];
    }
}

/* Move the groups' weights and the head. Returns the loss. */
static double step(struct dro *dro, uint32_t epoch, uint32_t batch)
{
    const struct worker_params *params = dro->task->params;
    const uint32_t              groups = dro->task->features->groups;
    const size_t                nw = (size_t)dro->head->classes * dro->head->dims;
    struct worker_rows          rows = worker_rows_all(dro->task->features, WORKER_FEATURES_TRAIN);
    double                      loss;

    draw_batch(dro, epoch, batch);
    rows.index = dro->index;
    rows.n = BATCH;
    memset(dro->losses, 0, groups * sizeof *dro->losses);
    for (uint32_t i = 0; i < BATCH; i++) {
        struct worker_group_loss *group = &dro->losses[worker_row_group(&rows, i)];

        group->n++;
        group->sum += worker_linear_loss(&dro->linear, &rows, i, NULL);
    }
    loss = worker_group_weights_update(dro->weights, dro->losses, groups,
                                       params->head_group_dro_group_lr);
    for (uint32_t i = 0; i < BATCH; i++) {
        uint32_t g = worker_row_group(&rows, i);

        dro->by[i] = dro->weights[g] / dro->losses[g].n;
    }
    worker_linear_gradient(&dro->linear, &rows, dro->by);
    for (size_t k = 0; k < nw; k++)
        dro->linear.gradient_w[k] += params->head_group_dro_l2 * dro->linear.w[k];
    for (uint32_t c = 0; c < dro->head->classes; c++)
        dro->linear.gradient_b[c] += params->head_group_dro_l2 * dro->linear.b[c];
    worker_linear_descend(&dro->linear, params->head_group_dro_lr);
    return loss;
}

static int train(struct dro *dro, struct mx_err *err)
{
    const struct worker_rows val = worker_rows_all(dro->task->features, WORKER_FEATURES_VAL);
    const uint32_t           epochs = (uint32_t)dro->task->params->head_group_dro_epochs;
    const uint32_t           batches = (dro->sorted.n + BATCH - 1) / BATCH;

    for (uint32_t e = 0; e < epochs; e++) {
        double loss = 0;

        if (worker_head_tick(dro->task, e, epochs, err))
            return -1;
        for (uint32_t b = 0; b < batches; b++)
            loss += step(dro, e, b) / batches;
        if (worker_head_end_epoch(&val, dro->head, dro->linear.w, dro->linear.b, loss, err))
            return -1;
    }
    return worker_head_settle(dro->task, dro->head, err);
}

int worker_head_group_dro(const struct worker_head_task *task, struct worker_head *head,
                          struct mx_err *err)
{
    struct dro *dro = calloc(1, sizeof *dro);
    int         result = -1;

    if (!dro)
        return mx_fail(err, MX_ENOMEM, "no memory for group_dro");
    dro->task = task;
    dro->head = head;
    if (!set_up(dro, err))
        result = train(dro, err);
    worker_linear_free(&dro->linear);
    worker_groups_free(&dro->sorted);
    free(dro->weights);
    free(dro->losses);
    free(dro);
    return result;
}
