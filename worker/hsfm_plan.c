/* hsfm_plan.c - which samples HSFM uses for what: the support set, the halves of
 * val, the hard samples of an epoch; and the accuracies that choose an epoch.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/hsfm_parts.h"

static const struct worker_feature_split *split_of(const struct hsfm_plan  *plan,
                                                   enum worker_feature_part part)
{
    return &plan->task->features->split[part];
}

/* Rows of one class, and of one group unless groups is NULL, in order. */
static uint32_t rows_of(const struct worker_feature_split *split, uint32_t class,
                        const uint32_t *groups, uint32_t group, uint32_t *rows)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < split->n; i++)
        if (split->labels[i] == class && (!groups || groups[i] == group))
            rows[n++] = i;
    return n;
}

int worker_hsfm_too_few(uint32_t class, uint32_t found, uint32_t wanted, struct mx_err *err)
{
    return mx_fail(err, MX_EDATA,
                   "hsfm: class %u has %u training samples, head.hsfm.support_per_class is %u: "
                   "lower it, or give more samples",
                   class, found, wanted);
}

/* rows and order have room for all of train. */
static int draw_class(struct hsfm_plan *plan, uint32_t class, uint32_t *rows, uint32_t *order,
                      struct mx_err *err)
{
    const uint32_t wanted = plan->options->support_per_class;
    const uint32_t found = rows_of(split_of(plan, WORKER_FEATURES_TRAIN), class, NULL, 0, rows);
    struct mx_rng  rng = mx_rng_at(plan->task->support, class, 0, 0);

    if (found < wanted)
        return worker_hsfm_too_few(class, found, wanted, err);
    mx_rng_permutation(&rng, order, found);
    for (uint32_t k = 0; k < wanted; k++)
        plan->support[class * wanted + k] = rows[order[k]];
    return 0;
}

/* The given rows of one class, in their order. seen: a flag for each row of train. */
static int take_class(struct hsfm_plan *plan, uint32_t class, bool *seen, struct mx_err *err)
{
    const struct worker_hsfm_options  *options = plan->options;
    const struct worker_feature_split *train = split_of(plan, WORKER_FEATURES_TRAIN);
    const uint32_t                     wanted = options->support_per_class;
    uint32_t                           found = 0;

    for (uint32_t k = 0; k < options->nsupport; k++) {
        const uint32_t row = options->support[k];

        if (row >= train->n)
            return mx_fail(err, MX_EDATA,
                           "head.hsfm.support_indices: row %u, and the training samples end with "
                           "%u (rows count from 0)",
                           row, train->n - 1);
        if (train->labels[row] != class)
            continue;
        if (seen[row])
            return mx_fail(err, MX_EDATA,
                           "head.hsfm.support_indices: row %u stands there twice: give each once",
                           row);
        seen[row] = true;
        if (found < wanted)
            plan->support[class * wanted + found] = row;
        found++;
    }
    if (found != wanted)
        return mx_fail(err, MX_EDATA,
                       "head.hsfm.support_indices: %u rows of class %u, "
                       "head.hsfm.support_per_class is %u: make them equal",
                       found, class, wanted);
    return 0;
}

static int choose_support(struct hsfm_plan *plan, struct mx_err *err)
{
    const struct worker_feature_split *train = split_of(plan, WORKER_FEATURES_TRAIN);
    const uint32_t                     classes = plan->task->features->classes;
    const uint32_t                     each = plan->options->support_per_class;
    uint32_t                          *rows = calloc((size_t)train->n + 1, sizeof *rows);
    uint32_t                          *order = calloc((size_t)train->n + 1, sizeof *order);
    bool                              *seen = calloc((size_t)train->n + 1, sizeof *seen);
    int                                result = 0;

    if (!rows || !order || !seen)
        result = mx_fail(err, MX_ENOMEM, "no memory to choose hsfm's support set");
    for (uint32_t c = 0; result == 0 && c < classes; c++)
        result = plan->options->support ? take_class(plan, c, seen, err)
                                        : draw_class(plan, c, rows, order, err);
    for (uint32_t i = 0; result == 0 && i < plan->n; i++)
        plan->support_labels[i] = i / each;
    free(rows);
    free(order);
    free(seen);
    return result;
}

/* One class, or the part of it in one group: its first half in a random order gives
 * hard samples. rows and order have room for all of val. */
static void halve(struct hsfm_plan *plan, uint32_t class, const uint32_t *groups, uint32_t group,
                  uint32_t *rows, uint32_t *order)
{
    const uint32_t n = rows_of(split_of(plan, WORKER_FEATURES_VAL), class, groups, group, rows);
    struct mx_rng  rng = mx_rng_at(plan->task->head, class, group, 0);

    if (n > 0)
        mx_rng_permutation(&rng, order, n);
    for (uint32_t k = 0; k < n; k++) {
        plan->may_be_hard[rows[order[k]]] = k < n / 2;
        plan->chooses[rows[order[k]]] = k >= n / 2;
    }
}

static int choose_halves(struct hsfm_plan *plan, struct mx_err *err)
{
    const struct worker_features      *features = plan->task->features;
    const struct worker_feature_split *val = split_of(plan, WORKER_FEATURES_VAL);
    const uint32_t                     parts = val->groups ? features->groups : 1;
    uint32_t                          *rows = calloc((size_t)val->n + 1, sizeof *rows);
    uint32_t                          *order = calloc((size_t)val->n + 1, sizeof *order);
    int                                result = 0;

    if (!rows || !order)
        result = mx_fail(err, MX_ENOMEM, "no memory to split the validation set");
    for (uint32_t c = 0; result == 0 && c < features->classes; c++)
        for (uint32_t g = 0; g < parts; g++)
            halve(plan, c, val->groups, g, rows, order);
    free(rows);
    free(order);
    return result;
}

/* How many hard samples every epoch has. */
static uint32_t count_hard(const struct hsfm_plan *plan)
{
    const struct worker_feature_split *val = split_of(plan, WORKER_FEATURES_VAL);
    uint32_t                           hard = 0;

    for (uint32_t c = 0; c < plan->task->features->classes; c++) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < val->n; i++)
            n += plan->may_be_hard[i] && val->labels[i] == c;
        hard += n < plan->options->hard_per_class ? n : plan->options->hard_per_class;
    }
    return hard;
}

static int plan_arrays(struct hsfm_plan *plan, struct mx_err *err)
{
    const size_t rows = (size_t)split_of(plan, WORKER_FEATURES_VAL)->n + 1;

    plan->support = calloc((size_t)plan->n + 1, sizeof *plan->support);
    plan->support_labels = calloc((size_t)plan->n + 1, sizeof *plan->support_labels);
    plan->chooses = malloc(rows * sizeof *plan->chooses);
    plan->may_be_hard = malloc(rows * sizeof *plan->may_be_hard);
    plan->losses = calloc(rows, sizeof *plan->losses);
    plan->predicted = calloc(rows, sizeof *plan->predicted);
    if (!plan->support || !plan->support_labels || !plan->chooses || !plan->may_be_hard ||
        !plan->losses || !plan->predicted)
        return mx_fail(err, MX_ENOMEM, "no memory for hsfm's choices");
    memset(plan->chooses, true, rows * sizeof *plan->chooses);
    memset(plan->may_be_hard, true, rows * sizeof *plan->may_be_hard);
    return 0;
}

int hsfm_plan_make(struct hsfm_plan *plan, const struct worker_head_task *task,
                   const struct worker_hsfm_options *options, struct mx_err *err)
{
    const struct worker_features *features = task->features;
    const uint64_t                n = (uint64_t)features->classes * options->support_per_class;

    *plan = (struct hsfm_plan){.task = task, .options = options};
    if (features->classes < 2)
        return mx_fail(err, MX_EDATA, "hsfm: the data has one class; it needs two or more");
    if (n > UINT32_MAX / 2)
        return mx_fail(err, MX_ENOMEM, "hsfm: no memory for %u support samples of each class",
                       options->support_per_class);
    plan->n = (uint32_t)n;
    if (plan_arrays(plan, err) || choose_support(plan, err) ||
        (options->half && choose_halves(plan, err)))
        return -1;
    plan->gram = worker_hsfm_is_gram(options->form, plan->n, features->dims, features->classes,
                                     options->inner_steps);
    plan->hard_room = count_hard(plan);
    if (plan->hard_room == 0)
        return mx_fail(err, MX_EDATA, "hsfm: the validation split has no sample to be hard%s",
                       options->half ? "; head.hsfm.hard_split: half needs two of a class" : "");
    plan->hard = calloc(plan->hard_room, sizeof *plan->hard);
    return plan->hard ? 0 : mx_fail(err, MX_ENOMEM, "no memory for hsfm's hard samples");
}

void hsfm_plan_free(struct hsfm_plan *plan)
{
    free(plan->support);
    free(plan->support_labels);
    free(plan->chooses);
    free(plan->may_be_hard);
    free(plan->losses);
    free(plan->predicted);
    free(plan->hard);
    *plan = (struct hsfm_plan){0};
}
