#include "worker/head_needs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "worker/choices.h"
#include "worker/hsfm.h"

/* The split whose groups a method balances. */
enum balanced {
    NOTHING,
    TRAIN,
    VAL
};

static const enum balanced balances[WORKER_HEAD_METHODS] = {
    [WORKER_HEAD_DFR] = VAL, [WORKER_HEAD_GROUP_DRO] = TRAIN, [WORKER_HEAD_SUBG] = TRAIN};

int worker_head_count(const struct worker_head_samples *train,
                      const struct worker_head_samples *val, uint32_t classes, uint32_t groups,
                      struct worker_head_counts *counts, struct mx_err *err)
{
    *counts = (struct worker_head_counts){.classes = classes, .groups = groups, .val = val->n};
    counts->train_class = calloc((size_t)classes + 1, sizeof *counts->train_class);
    counts->train_group = calloc((size_t)groups + 1, sizeof *counts->train_group);
    counts->val_group = calloc((size_t)groups + 1, sizeof *counts->val_group);
    if (!counts->train_class || !counts->train_group || !counts->val_group) {
        worker_head_counts_free(counts);
        return mx_fail(err, MX_ENOMEM, "no memory to count %u groups", groups);
    }
    for (uint32_t i = 0; i < train->n; i++)
        counts->train_class[train->labels[i]]++;
    for (uint32_t i = 0; groups > 0 && i < train->n; i++)
        counts->train_group[train->groups[i]]++;
    for (uint32_t i = 0; groups > 0 && i < val->n; i++)
        counts->val_group[val->groups[i]]++;
    return 0;
}

int worker_head_count_features(const struct worker_features *features,
                               struct worker_head_counts *counts, struct mx_err *err)
{
    const struct worker_feature_split *train = &features->split[WORKER_FEATURES_TRAIN];
    const struct worker_feature_split *val = &features->split[WORKER_FEATURES_VAL];

    return worker_head_count(&(struct worker_head_samples){train->labels, train->groups, train->n},
                             &(struct worker_head_samples){val->labels, val->groups, val->n},
                             features->classes, features->groups, counts, err);
}

void worker_head_counts_free(struct worker_head_counts *counts)
{
    free(counts->train_class);
    free(counts->train_group);
    free(counts->val_group);
    memset(counts, 0, sizeof *counts);
}

/* Groups of the test split alone do not matter. */
static int needs_every_group(const struct worker_params      *params,
                             const struct worker_head_counts *counts, struct mx_err *err)
{
    const char     *method = worker_heads[params->head_method].word;
    const bool      in_val = balances[params->head_method] == VAL;
    const uint32_t *own = in_val ? counts->val_group : counts->train_group;
    const uint32_t *other = in_val ? counts->train_group : counts->val_group;

    for (uint32_t g = 0; g < counts->groups; g++)
        if (own[g] == 0 && other[g] > 0)
            return mx_fail(err, MX_EDATA,
                           "head.method %s needs samples of every group, and group %u has none in "
                           "%s, but some in %s (use llr, jtt_head, afr, feature_mixup or hsfm, or "
                           "more data%s)",
                           method, g, in_val ? "val" : "train", in_val ? "train" : "val",
                           params->data_set == WORKER_DATA_METASHIFT
                               ? "; without a folder val, validation is cut from train"
                               : "");
    return 0;
}

static int needs_support(const struct worker_params      *params,
                         const struct worker_head_counts *counts, struct mx_err *err)
{
    const uint32_t wanted = (uint32_t)params->head_hsfm_support_per_class;

    for (uint32_t c = 0; c < counts->classes && !params->head_hsfm_support_indices[0]; c++)
        if (counts->train_class[c] < wanted)
            return worker_hsfm_too_few(c, counts->train_class[c], wanted, err);
    return 0;
}

int worker_head_needs(const struct worker_params *params, const struct worker_head_counts *counts,
                      struct mx_err *err)
{
    const char *method = worker_heads[params->head_method].word;

    if (params->head_method == WORKER_HEAD_ERM)
        return 0;
    if (balances[params->head_method] != NOTHING && counts->groups == 0)
        return mx_fail(err, MX_EDATA,
                       "head.method %s balances groups, and this data set has none (use llr, "
                       "jtt_head, afr, feature_mixup or hsfm)",
                       method);
    if (counts->val == 0)
        return mx_fail(err, MX_EDATA,
                       "head.method %s chooses by validation samples, and there are none (set "
                       "data.val_fraction, or give val_x.npy)",
                       method);
    if (balances[params->head_method] != NOTHING && needs_every_group(params, counts, err))
        return -1;
    return params->head_method == WORKER_HEAD_HSFM ? needs_support(params, counts, err) : 0;
}
