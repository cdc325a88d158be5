/* hsfm_score.c - what an epoch of HSFM is judged by, and which samples are hard. */
#include <math.h>
#include <stdlib.h>

#include "worker/hsfm_parts.h"

static const struct worker_feature_split *val_of(const struct hsfm_plan *plan)
{
    return &plan->task->features->split[WORKER_FEATURES_VAL];
}

/* A candidate for the hard set. */
struct candidate {
    double   loss;
    uint32_t row;
};

/* The largest loss first, of equal ones the first row. */
static int compare(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->loss != y->loss)
        return x->loss > y->loss ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

int hsfm_pick_hard(struct hsfm_plan *plan, struct mx_err *err)
{
    const struct worker_feature_split *val = val_of(plan);
    struct candidate                  *all = malloc((size_t)val->n * sizeof *all);

    if (!all)
        return mx_fail(err, MX_ENOMEM, "no memory to pick hard samples");
    plan->nhard = 0;
    for (uint32_t c = 0; c < plan->task->features->classes; c++) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < val->n; i++)
            if (plan->may_be_hard[i] && val->labels[i] == c)
                all[n++] = (struct candidate){plan->losses[i], i};
        qsort(all, n, sizeof *all, compare);
        for (uint32_t k = 0; k < n && k < plan->options->hard_per_class; k++)
            plan->hard[plan->nhard++] = all[k].row;
    }
    free(all);
    return 0;
}

uint32_t hsfm_hard_errors(const struct hsfm_plan *plan)
{
    uint32_t errors = 0;

    for (uint32_t k = 0; k < plan->nhard; k++)
        errors += plan->predicted[plan->hard[k]] != val_of(plan)->labels[plan->hard[k]];
    return errors;
}

void hsfm_hard_counts(const struct hsfm_plan *plan, double *counts)
{
    const uint32_t *groups = val_of(plan)->groups;

    if (!counts || !groups)
        return;
    for (uint32_t g = 0; g < plan->task->features->groups; g++)
        counts[g] = 0;
    for (uint32_t k = 0; k < plan->nhard; k++)
        counts[groups[plan->hard[k]]]++;
}

/* Samples and right answers of one part: a group or a class. */
struct tally {
    uint64_t n, right;
};

static double accuracy_of(struct tally tally)
{
    return tally.n > 0 ? (double)tally.right / (double)tally.n : NAN;
}

int hsfm_score(const struct hsfm_plan *plan, struct worker_head_epoch *epoch, struct mx_err *err)
{
    const struct worker_features      *features = plan->task->features;
    const struct worker_feature_split *val = val_of(plan);
    const uint32_t                    *parts = val->groups ? val->groups : val->labels;
    const uint32_t                     nparts = val->groups ? features->groups : features->classes;
    struct tally                      *tally = calloc(nparts, sizeof *tally), all = {0, 0};

    if (!tally)
        return mx_fail(err, MX_ENOMEM, "no memory for the accuracies of %u groups", nparts);
    for (uint32_t i = 0; i < val->n; i++)
        if (plan->chooses[i]) {
            const bool right = plan->predicted[i] == val->labels[i];

            tally[parts[i]].n++;
            tally[parts[i]].right += right;
            all.n++;
            all.right += right;
        }
    epoch->val_accuracy = accuracy_of(all);
    epoch->val_worst_group_accuracy = NAN;
    for (uint32_t p = 0; p < nparts; p++) {
        const double accuracy = accuracy_of(tally[p]);

        if (!(epoch->val_worst_group_accuracy <= accuracy) && tally[p].n > 0)
            epoch->val_worst_group_accuracy = accuracy;
        if (val->groups && epoch->group_accuracy)
            epoch->group_accuracy[p] = accuracy;
    }
    free(tally);
    return 0;
}

bool hsfm_collapsed(const struct hsfm_plan *plan)
{
    const uint32_t n = val_of(plan)->n;

    for (uint32_t i = 1; i < n; i++)
        if (plan->predicted[i] != plan->predicted[0])
            return false;
    return n > 0;
}
