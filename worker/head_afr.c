/* afr: automatic feature reweighting (Qiu et al. 2023). Samples that the
 * backbone did not train on weigh the more the less sure the backbone's own head is
 * of their label; that head is then moved by full-batch gradient descent on their
 * weighted loss, held back by the distance that it has come. These samples are half of
 * val, drawn within each group, or class, and the other half chooses the epoch; or they
 * are the part of train that the train stage has held out, and all of val chooses. */
#include <math.h>
#include <stdlib.h>

#include "worker/balance.h"
#include "worker/head.h"
#include "worker/images.h"
#include "worker/linear_head.h"
#include "worker/selection.h"

struct afr {
    const struct worker_head_task *task;
    struct worker_head            *head;
    uint32_t                      *rows[2]; /* that are fitted to, and that choose */
    struct worker_rows             fit, choose;
    struct worker_linear           linear;
    double                        *weight;  /* (fit) */
    double                        *scratch; /* (classes) */
};

/* Both halves of val. */
static int halve(struct afr *afr, struct mx_err *err)
{
    const struct worker_features *features = afr->task->features;
    const struct worker_rows      val = worker_rows_all(features, WORKER_FEATURES_VAL);
    struct mx_rng        rng = mx_rng_at(afr->task->head, WORKER_HEAD_DRAW_AFR_HALVES, 0, 0);
    struct worker_halves halves = {.first = afr->rows[0], .second = afr->rows[1]};
    struct worker_groups sorted;

    if (worker_groups_sort(&val, features->groups, features->classes, &sorted, err))
        return -1;
    worker_groups_halve(&sorted, &rng, &halves);
    worker_groups_free(&sorted);
    if (halves.nsecond == 0)
        return mx_fail(err, MX_EDATA,
                       "head.method afr halves val, and no group has two samples there (use more "
                       "validation data, or llr)");
    afr->fit = afr->choose = val;
    afr->fit.index = halves.first;
    afr->fit.n = halves.nfirst;
    afr->choose.index = halves.second;
    afr->choose.n = halves.nsecond;
    return 0;
}

/* What was held out of training, and all of val. */
static int take_holdout(struct afr *afr, struct mx_err *err)
{
    const struct worker_features *features = afr->task->features;
    const struct worker_rows      train = worker_rows_all(features, WORKER_FEATURES_TRAIN);
    uint8_t                      *marks = calloc((size_t)train.n + 1, 1);
    int                           rc = -1;

    if (!marks)
        mx_fail(err, MX_ENOMEM, "no memory for afr on %u rows", train.n);
    else
        rc = worker_mark_holdout(train.split->labels, train.n, features->classes, afr->task->seed,
                                 marks, err);
    afr->choose = worker_rows_all(features, WORKER_FEATURES_VAL);
    afr->fit = train;
    afr->fit.index = afr->rows[0];
    afr->fit.n = 0;
    for (uint32_t i = 0; rc == 0 && i < train.n; i++)
        if (marks[i])
            afr->rows[0][afr->fit.n++] = i;
    free(marks);
    if (rc == 0 && afr->fit.n == 0)
        rc = mx_fail(err, MX_EDATA,
                     "head.afr.split: holdout: a fifth of each class of %u training images is "
                     "none (use val_half, or more images)",
                     train.n);
    return rc;
}

static int set_up(struct afr *afr, struct mx_err *err)
{
    const struct worker_params   *params = afr->task->params;
    const struct worker_features *features = afr->task->features;
    const bool                    holdout = params->head_afr_split == WORKER_AFR_SPLIT_HOLDOUT;
    const size_t                  most =
        (size_t)features->split[WORKER_FEATURES_TRAIN].n + features->split[WORKER_FEATURES_VAL].n;

    if (worker_head_start(features, afr->head, err) ||
        worker_head_make_epochs(afr->head, (uint32_t)params->head_afr_epochs, err) ||
        worker_linear_new(features, &afr->linear, err))
        return -1;
    afr->rows[0] = calloc(most, sizeof *afr->rows[0]);
    afr->rows[1] = calloc(most, sizeof *afr->rows[1]);
    afr->weight = calloc(most, sizeof *afr->weight);
    afr->scratch = calloc(features->classes, sizeof *afr->scratch);
    if (!afr->rows[0] || !afr->rows[1] || !afr->weight || !afr->scratch)
        return mx_fail(err, MX_ENOMEM, "no memory for afr on %zu rows", most);
    if (holdout ? take_holdout(afr, err) : halve(afr, err))
        return -1;
    worker_linear_take_erm(&afr->linear);
    return 0;
}

/* exp(-gamma p) n / n_class, divided by their sum; p is the backbone's head's. */
static void weigh(struct afr *afr)
{
    const uint32_t n = afr->fit.n;
    double         sum = 0;

    for (uint32_t i = 0; i < n; i++)
        afr->scratch[worker_row_label(&afr->fit, i)] += 1.0 / n;
    for (uint32_t i = 0; i < n; i++)
        afr->weight[i] = 1 / afr->scratch[worker_row_label(&afr->fit, i)];
    for (uint32_t i = 0; i < n; i++) {
        worker_linear_loss(&afr->linear, &afr->fit, i, afr->scratch);
        afr->weight[i] *=
            exp(-afr->task->params->head_afr_gamma * afr->scratch[worker_row_label(&afr->fit, i)]);
        sum += afr->weight[i];
    }
    for (uint32_t i = 0; i < n; i++)
        afr->weight[i] /= sum;
}

/* reg times the squared distance from the head it began with: its gradient is
 * added. Returns it. */
static double hold_back(struct afr *afr)
{
    const struct worker_features *features = afr->task->features;
    const size_t                  nw = (size_t)features->classes * features->dims;
    const double                  reg = afr->task->params->head_afr_reg;
    struct worker_linear         *linear = &afr->linear;
    double                        squares = 0;

    for (size_t k = 0; k < nw; k++) {
        double away = linear->w[k] - features->head_w[k];

        linear->gradient_w[k] += 2 * reg * away;
        squares += away * away;
    }
    for (uint32_t c = 0; c < features->classes; c++) {
        double away = linear->b[c] - features->head_b[c];

        linear->gradient_b[c] += 2 * reg * away;
        squares += away * away;
    }
    return reg * squares;
}

static int train(struct afr *afr, struct mx_err *err)
{
    const struct worker_params *params = afr->task->params;
    const uint32_t              epochs = (uint32_t)params->head_afr_epochs;

    weigh(afr);
    afr->head->fit_rows = afr->fit.n;
    for (uint32_t e = 0; e < epochs; e++) {
        double loss;

        if (worker_head_tick(afr->task, e, epochs, err))
            return -1;
        loss = worker_linear_gradient(&afr->linear, &afr->fit, afr->weight);
        loss += hold_back(afr);
        worker_linear_descend(&afr->linear, params->head_afr_lr);
        if (worker_head_end_epoch(&afr->choose, afr->head, afr->linear.w, afr->linear.b, loss, err))
            return -1;
    }
    return worker_head_settle(afr->task, afr->head, err);
}

int worker_head_afr(const struct worker_head_task *task, struct worker_head *head,
                    struct mx_err *err)
{
    struct afr afr = {.task = task, .head = head};
    int        result = -1;

    if (!set_up(&afr, err))
        result = train(&afr, err);
    worker_linear_free(&afr.linear);
    free(afr.rows[0]);
    free(afr.rows[1]);
    free(afr.weight);
    free(afr.scratch);
    return result;
}
