#include "worker/map_scores.h"

#include <string.h>

// clang-format off
const struct worker_map_score worker_map_scores[] = {
    {"deletion",                        WORKER_BETTER_LOWER,   true,  false},
    {"insertion",                       WORKER_BETTER_HIGHER,  true,  false},
    {"deletion_normalised",             WORKER_BETTER_LOWER,   true,  true},
    {"insertion_normalised",            WORKER_BETTER_HIGHER,  true,  true},
    {"deletion_least_first",            WORKER_BETTER_HIGHER,  true,  false},
    {"symmetric_relevance_gain",        WORKER_BETTER_HIGHER,  true,  false},
    {"random_order_deletion",           WORKER_BETTER_HIGHER,  true,  true},
    {"inter_model_map",                 WORKER_BETTER_HIGHER,  true,  true},
    {"inter_model_scorer",              WORKER_BETTER_NEITHER, true,  true},
    {"inter_model_self",                WORKER_BETTER_NEITHER, true,  true},
    {"inter_model_reference",           WORKER_BETTER_LOWER,   true,  true},
    {"pointing_game",                   WORKER_BETTER_HIGHER,  false, false},
    {"energy_pointing_game",            WORKER_BETTER_HIGHER,  false, false},
    {"energy_pointing_game_minus_area", WORKER_BETTER_HIGHER,  false, true},
    {"max_box_accuracy",                WORKER_BETTER_HIGHER,  false, false},
    {"max_box_accuracy_v2",             WORKER_BETTER_HIGHER,  false, false},
    {"mask_iou",                        WORKER_BETTER_HIGHER,  false, false},
    {"relevance_rank",                  WORKER_BETTER_HIGHER,  false, false},
    {"gini",                            WORKER_BETTER_NEITHER, false, false},
    {"entropy",                         WORKER_BETTER_NEITHER, false, false},
    {"randomisation_correlation",       WORKER_BETTER_LOWER,   false, false},
    {"completeness_median",             WORKER_BETTER_LOWER,   false, true},
    {"completeness_p95",                WORKER_BETTER_LOWER,   false, true},
    {"all_zero_maps",                   WORKER_BETTER_NEITHER, false, true},
    {"relevance_sum",                   WORKER_BETTER_NEITHER, false, true},
    {NULL,                              WORKER_BETTER_NEITHER, false, false},
};
// clang-format on

const struct worker_map_score *worker_map_score(const char *word)
{
    for (const struct worker_map_score *score = worker_map_scores; score->word; score++)
        if (strcmp(score->word, word) == 0)
            return score;
    return NULL;
}
