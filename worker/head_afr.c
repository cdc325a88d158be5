/* afr: automatic feature reweighting (Qiu et al. 2023). Samples that the
 * backbone did not train on, here half of val, weigh the more the less sure
 * the backbone's own head is of their label; that head is then moved by
 * full-batch gradient descent on their weighted loss, held back by the distance
 * that it has come. The other half of val chooses the epoch. Halves are drawn
 * within each group, or class. */
#include <math.h>
#include <stdlib.h>

#include "worker/balance.h"
#include "worker/head.h"
#include "worker/linear_head.h"
#include "worker/selection.h"

struct afr {
    const struct worker_head_task *task;
    struct worker_head            *head;
    struct worker_groups           sorted; /* val */
    struct worker_halves           halves;
    struct worker_rows             fit, choose;
    struct worker_linear           linear;
    double                        *weight;  /* (fit) */
    double                        *scratch; /* (classes) */
};

static int set_up(struct afr *afr, struct mx_err *err)
{
    const struct worker_features *features = afr->task->features;
    const struct worker_rows      val = worker_rows_all(features, WORKER_FEATURES_VAL);
    struct mx_rng rng = mx_rng_at(afr->task->head, WORKER_HEAD_DRAW_AFR_HALVES, 0, 0);

    if (worker_head_start(features, afr->head, err) ||
        worker_head_make_epochs(afr->head, (uint32_t)afr->task->params->head_afr_epochs, err) ||
        worker_linear_new(features, &afr->linear, err) ||
        worker_groups_sort(&val, features->groups, features->classes, &afr->sorted, err))
        return -1;
    afr->halves.first = calloc(val.n, sizeof *afr->halves.first);
    afr->halves.second = calloc(val.n, sizeof *afr->halves.second);
    afr->weight = calloc(val.n, sizeof *afr->weight);
    afr->scratch = calloc(features->classes, sizeof *afr->scratch);
    if (!afr->halves.first || !afr->halves.second || !afr->weight || !afr->scratch)
        return mx_fail(err, MX_ENOMEM, "no memory for afr on %u rows", val.n);
    worker_groups_halve(&afr->sorted, &rng, &afr->halves);
    if (afr->halves.nsecond == 0)
        return mx_fail(err, MX_EDATA,
                       "head.method afr halves val, and no group has two samples there (use more "
                       "validation data, or llr)");
    afr->fit = afr->choose = val;
    afr->fit.index = afr->halves.first;
    afr->fit.n = afr->halves.nfirst;
    afr->choose.index = afr->halves.second;
    afr->choose.n = afr->halves.nsecond;
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

    if (!worker_selection_needs_val(task, err) && !set_up(&afr, err))
        result = train(&afr, err);
    worker_linear_free(&afr.linear);
    worker_groups_free(&afr.sorted);
    free(afr.halves.first);
    free(afr.halves.second);
    free(afr.weight);
    free(afr.scratch);
    return result;
}
