#include "tests/reference/naive_head_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The first half of each group, drawn; the rest is the other half. */
static void halve(const struct naive_run *run, bool *in_first)
{
    const struct worker_feature_split *val = &run->f->split[WORKER_FEATURES_VAL];
    struct mx_rng                      rng = mx_rng_at(run->task->head, 4, 0, 0);

    memset(in_first, 0, val->n);
    for (uint32_t g = 0; g < run->f->groups; g++) {
        uint32_t  n = naive_count(val->groups, val->n, g);
        uint32_t *rows = calloc(n + 1, sizeof *rows);

        for (uint32_t i = 0; i < n; i++)
            rows[i] = naive_kth(val->groups, val->n, g, i);
        for (uint32_t i = 0; i < n - n / 2; i++) {
            uint32_t j = i + (uint32_t)mx_rng_below(&rng, n - i), row = rows[j];

            rows[j] = rows[i];
            rows[i] = row;
            in_first[row] = true;
        }
        free(rows);
    }
}

/* The part that afr is fitted to, and which of its rows: half of val, or a fifth of each
 * class of train. */
struct weighed {
    enum worker_feature_part part;
    bool                    *in;     /* (rows of the part) */
    double                  *weight; /* (rows of the part) */
};

static double afr_epoch(struct naive_run *run, const struct weighed *fit)
{
    const struct worker_params        *p = run->task->params;
    const struct worker_feature_split *split = &run->f->split[fit->part];
    double                             loss = 0;

    naive_no_gradient(run);
    for (uint32_t i = 0; i < split->n; i++)
        if (fit->in[i])
            loss += naive_add_sample(run, naive_row(run, fit->part, i), split->labels[i],
                                     fit->weight[i]);
    for (uint32_t k = 0; k < run->f->classes * run->f->dims; k++) {
        loss += p->head_afr_reg * pow(run->w[k] - run->f->head_w[k], 2);
        run->gw[k] += 2 * p->head_afr_reg * (run->w[k] - run->f->head_w[k]);
    }
    for (uint32_t c = 0; c < run->f->classes; c++) {
        loss += p->head_afr_reg * pow(run->b[c] - run->f->head_b[c], 2);
        run->gb[c] += 2 * p->head_afr_reg * (run->b[c] - run->f->head_b[c]);
    }
    naive_go_down(run, p->head_afr_lr);
    return loss;
}

/* Place (class, 5) of the split stream draws them; .2 n is rounded, half up. */
static void hold_out(const struct naive_run *run, bool *in)
{
    const struct worker_feature_split *train = &run->f->split[WORKER_FEATURES_TRAIN];
    const struct mx_stream stream = mx_stream_make(run->task->seed, 0, MX_PURPOSE_SPLIT, 0);
    uint32_t              *order = calloc(train->n, sizeof *order);
    uint32_t              *members = calloc(train->n, sizeof *members);

    for (uint32_t c = 0; c < run->f->classes; c++) {
        struct mx_rng rng = mx_rng_at(stream, c, 5, 0);
        uint32_t      n = 0;

        for (uint32_t i = 0; i < train->n; i++)
            if (train->labels[i] == c)
                members[n++] = i;
        mx_rng_permutation(&rng, order, n);
        for (uint32_t k = 0; k < (2 * n + 5) / 10; k++)
            in[members[order[k]]] = true;
    }
    free(order);
    free(members);
}

static void afr_weights(const struct naive_run *run, const struct weighed *fit)
{
    const struct worker_feature_split *split = &run->f->split[fit->part];
    double                             sum = 0;

    for (uint32_t i = 0; i < split->n; i++) {
        const double *row = naive_row(run, fit->part, i);
        uint32_t      same = 0;

        for (uint32_t j = 0; j < split->n; j++)
            same += fit->in[j] && split->labels[j] == split->labels[i];
        if (fit->in[i])
            fit->weight[i] = exp(-run->task->params->head_afr_gamma *
                                 naive_probability(run, row, split->labels[i])) /
                             same;
        sum += fit->weight[i];
    }
    for (uint32_t i = 0; i < split->n; i++)
        fit->weight[i] /= sum;
}

void naive_afr(struct naive_run *run)
{
    const struct worker_params        *p = run->task->params;
    const bool                         holdout = p->head_afr_split == WORKER_AFR_SPLIT_HOLDOUT;
    const struct worker_feature_split *val = &run->f->split[WORKER_FEATURES_VAL];
    const uint32_t                     most = val->n + run->f->split[WORKER_FEATURES_TRAIN].n;
    struct weighed                     fit = {holdout ? WORKER_FEATURES_TRAIN : WORKER_FEATURES_VAL,
                          calloc(most, sizeof *fit.in), calloc(most, sizeof *fit.weight)};
    uint32_t *others = calloc(val->n, sizeof *others), nothers = 0;

    if (holdout)
        hold_out(run, fit.in);
    else
        halve(run, fit.in);
    afr_weights(run, &fit);
    for (uint32_t i = 0; i < val->n; i++)
        if (holdout || !fit.in[i])
            others[nothers++] = i;
    for (int64_t e = 0; e < p->head_afr_epochs; e++) {
        double loss = afr_epoch(run, &fit);

        naive_end_epoch(run, others, nothers, loss);
    }
    free(fit.in);
    free(fit.weight);
    free(others);
}
