#include "tests/reference/head_cases.h"

#include <string.h>

struct worker_params head_case_params(enum worker_head_method method)
{
    static const struct worker_list strengths = {7, {1, 0.7, 0.3, 0.1, 0.07, 0.03, 0.01}};

    return (struct worker_params){
        .head_method = method,
        .head_hsfm_inner_steps = 15,
        .head_hsfm_hard_per_class = 64,
        .head_llr_C = strengths,
        .head_dfr_C = strengths,
        .head_subg_C = strengths,
        .head_dfr_subsets = 20,
        .head_jtt_head_steps = 20,
        .head_jtt_head_upweight = 5,
        .head_jtt_head_lr = 0.8,
        .head_group_dro_lr = 0.003,
        .head_group_dro_group_lr = 0.05,
        .head_group_dro_l2 = 1e-4,
        .head_group_dro_epochs = 12,
        .head_afr_gamma = 4,
        .head_afr_reg = 0.01,
        .head_afr_lr = 0.01,
        .head_afr_epochs = 40,
        .head_feature_mixup_alpha = 1,
        .head_feature_mixup_epochs = 10,
        .head_feature_mixup_lr = 1e-3,
    };
}

struct worker_head_task head_case_task(const struct worker_features *features,
                                       const struct worker_params   *params)
{
    return (struct worker_head_task){
        .features = features, .params = params, .support = {{33, 44}}, .head = {{11, 22}}};
}

void head_case_thin_out(struct worker_features *features, enum worker_feature_part part,
                        const uint32_t *keep)
{
    struct worker_feature_split *split = &features->split[part];
    const uint32_t               dims = features->dims;
    uint32_t                     kept[16] = {0}, n = 0;

    for (uint32_t i = 0; i < split->n; i++) {
        uint32_t g = split->groups[i];

        if (kept[g] == keep[g])
            continue;
        kept[g]++;
        if (split->x64)
            memmove(split->x64 + (size_t)n * dims, split->x64 + (size_t)i * dims,
                    dims * sizeof(double));
        else
            memmove(split->x32 + (size_t)n * dims, split->x32 + (size_t)i * dims,
                    dims * sizeof(float));
        split->labels[n] = split->labels[i];
        split->groups[n] = g;
        n++;
    }
    split->n = n;
}

double head_case_accuracy(const struct worker_features *features, enum worker_feature_part part,
                          const struct worker_head *head)
{
    const struct worker_feature_split *split = &features->split[part];
    uint32_t                           hits = 0;

    for (uint32_t i = 0; i < split->n; i++) {
        uint32_t best = 0;
        double   most = 0;

        for (uint32_t c = 0; c < head->classes; c++) {
            double logit = head->b[c];

            for (uint32_t k = 0; k < head->dims; k++) {
                size_t at = (size_t)i * head->dims + k;

                logit += head->w[c * head->dims + k] *
                         (split->x64 ? split->x64[at] : (double)split->x32[at]);
            }
            if (c == 0 || logit > most) {
                best = c;
                most = logit;
            }
        }
        hits += best == split->labels[i];
    }
    return (double)hits / split->n;
}
