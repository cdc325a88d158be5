/* dfr: deep feature reweighting on validation samples (DFR(val): Kirichenko,
 * Izmailov and Wilson 2023, as their released code has it).
 *
 * Tuning: val is halved; on a group-balanced subset of one half, standardised by
 * that subset, an L1 logistic regression is fitted with each strength, and the
 * one whose worst group on the other half is best is taken. Then all of val
 * counts: group-balanced subsets of it, standardised by train, each fitted with that
 * strength; weights and intercepts are averaged. Halves are drawn within each
 * group, so that the smallest one is in both.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/balance.h"
#include "worker/head.h"
#include "worker/selection.h"
#include "worker/strength.h"

struct dfr {
    const struct worker_head_task *task;
    struct worker_head            *head;
    struct worker_rows             val;
    struct worker_groups           sorted; /* all of val */
    struct worker_halves           halves;
    uint32_t                      *subset; /* room for all of val */
    double                        *w, *b;  /* of one subset */
    double                        *sum;    /* (classes, dims + 1): weights, then intercepts */
};

static void clean_up(struct dfr *dfr)
{
    worker_groups_free(&dfr->sorted);
    free(dfr->halves.first);
    free(dfr->halves.second);
    free(dfr->subset);
    free(dfr->w);
    free(dfr->b);
    free(dfr->sum);
}

static int set_up(struct dfr *dfr, struct mx_err *err)
{
    const struct worker_features *features = dfr->task->features;
    const size_t                  n = dfr->val.n, nw = (size_t)features->classes * features->dims;

    if (worker_head_start(features, dfr->head, err) ||
        worker_groups_sort(&dfr->val, features->groups, features->classes, &dfr->sorted, err))
        return -1;
    dfr->halves.first = calloc(n, sizeof *dfr->halves.first);
    dfr->halves.second = calloc(n, sizeof *dfr->halves.second);
    dfr->subset = calloc(n, sizeof *dfr->subset);
    dfr->w = calloc(nw, sizeof *dfr->w);
    dfr->b = calloc(features->classes, sizeof *dfr->b);
    dfr->sum = calloc(nw + features->classes, sizeof *dfr->sum);
    if (!dfr->halves.first || !dfr->halves.second || !dfr->subset || !dfr->w || !dfr->b ||
        !dfr->sum)
        return mx_fail(err, MX_ENOMEM, "no memory for dfr on %u rows", dfr->val.n);
    return 0;
}

/* A balanced subset of some rows of val, in dfr->subset. */
static int draw_subset(struct dfr *dfr, const struct worker_rows *from, struct mx_rng rng,
                       struct worker_rows *subset, struct mx_err *err)
{
    const struct worker_features *features = dfr->task->features;
    struct worker_groups          sorted;

    if (worker_groups_sort(from, features->groups, features->classes, &sorted, err))
        return -1;
    worker_groups_draw_balanced(&sorted, &rng, dfr->subset);
    *subset = *from;
    subset->index = dfr->subset;
    subset->n = worker_groups_balanced_size(&sorted);
    worker_groups_free(&sorted);
    return 0;
}

/* Leaves the strength in head->chosen. */
static int tune(struct dfr *dfr, struct mx_err *err)
{
    const struct worker_head_task *task = dfr->task;
    struct mx_rng                  rng = mx_rng_at(task->head, WORKER_HEAD_DRAW_DFR_HALVES, 0, 0);
    struct worker_rows             fit = dfr->val, choose = dfr->val, subset;
    struct worker_scale            scale = {0};
    int                            result;

    worker_groups_halve(&dfr->sorted, &rng, &dfr->halves);
    fit.index = dfr->halves.first;
    fit.n = dfr->halves.nfirst;
    choose.index = dfr->halves.second;
    choose.n = dfr->halves.nsecond;
    if (choose.n == 0)
        return mx_fail(err, MX_EDATA,
                       "head.method dfr halves val, and no group has two samples there (use more "
                       "validation data, or llr)");
    if (draw_subset(dfr, &fit, mx_rng_at(task->head, WORKER_HEAD_DRAW_DFR_TUNE, 0, 0), &subset,
                    err) ||
        worker_scale_measure(&subset, &scale, err))
        return -1;
    result = worker_strength_choose(task,
                                    &(struct worker_strength_search){
                                        .penalty = WORKER_L1,
                                        .candidates = &task->params->head_dfr_C,
                                        .fit = &subset,
                                        .choose = &choose,
                                        .scale = &scale,
                                    },
                                    dfr->head, err);
    worker_scale_free(&scale);
    return result;
}

/* Fit to one balanced subset of all of val, and add it to the sum. */
static int add_subset(struct dfr *dfr, const struct worker_scale *scale, uint32_t number,
                      struct mx_err *err)
{
    const struct worker_features *features = dfr->task->features;
    const size_t                  nw = (size_t)features->classes * features->dims;
    const struct worker_logistic  logistic = {
         .penalty = WORKER_L1, .c = dfr->head->chosen, .classes = features->classes, .scale = scale};
    struct worker_rows subset;

    if (draw_subset(dfr, &dfr->val,
                    mx_rng_at(dfr->task->head, WORKER_HEAD_DRAW_DFR_SUBSET, number, 0), &subset,
                    err) ||
        worker_logistic_fit(&logistic, &subset, dfr->w, dfr->b, err))
        return -1;
    dfr->head->fit_rows = subset.n;
    for (size_t k = 0; k < nw; k++)
        dfr->sum[k] += dfr->w[k];
    for (uint32_t c = 0; c < features->classes; c++)
        dfr->sum[nw + c] += dfr->b[c];
    return 0;
}

static int refit(struct dfr *dfr, struct mx_err *err)
{
    const struct worker_features *features = dfr->task->features;
    const struct worker_rows      train = worker_rows_all(features, WORKER_FEATURES_TRAIN);
    const size_t                  nw = (size_t)features->classes * features->dims;
    const uint32_t                subsets = (uint32_t)dfr->task->params->head_dfr_subsets;
    struct worker_scale           scale = {0};

    if (worker_scale_measure(&train, &scale, err))
        return -1;
    for (uint32_t s = 0; s < subsets; s++)
        if (worker_head_tick(dfr->task, s, subsets, err) || add_subset(dfr, &scale, s, err)) {
            worker_scale_free(&scale);
            return -1;
        }
    worker_scale_free(&scale);
    for (size_t k = 0; k < nw; k++)
        dfr->head->w[k] = dfr->sum[k] / subsets;
    for (uint32_t c = 0; c < features->classes; c++)
        dfr->head->b[c] = dfr->sum[nw + c] / subsets;
    return 0;
}

int worker_head_dfr(const struct worker_head_task *task, struct worker_head *head,
                    struct mx_err *err)
{
    struct dfr dfr = {
        .task = task, .head = head, .val = worker_rows_all(task->features, WORKER_FEATURES_VAL)};
    int result = -1;

    if (!set_up(&dfr, err) && !tune(&dfr, err) && !refit(&dfr, err))
        result = worker_head_settle(task, head, err);
    clean_up(&dfr);
    return result;
}
