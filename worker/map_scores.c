#include "worker/map_scores.h"

#include <string.h>

#define BY(stage)     WORKER_STAGE_##stage
#define BETTER(which) WORKER_BETTER_##which
#define FILLED        WORKER_SCORE_FILLED
#define OURS          WORKER_SCORE_OURS
#define MARKS         WORKER_SCORE_MARKS
#define NO_MAP        WORKER_SCORE_NO_MAP
#define ENDS          WORKER_SCORE_ENDS
#define SEGMENTS      WORKER_SCORE_SEGMENTS

// clang-format off
const struct worker_map_score worker_map_scores[] = {
    {"occlusion_accuracy",              BY(SCORES),      BETTER(HIGHER),  NO_MAP | OURS},
    {"deletion",                        BY(SCORES),      BETTER(LOWER),   FILLED},
    {"insertion",                       BY(SCORES),      BETTER(HIGHER),  FILLED},
    {"deletion_normalised",             BY(SCORES),      BETTER(LOWER),   FILLED | OURS},
    {"insertion_normalised",            BY(SCORES),      BETTER(HIGHER),  FILLED | OURS},
    {"deletion_least_first",            BY(SCORES),      BETTER(HIGHER),  FILLED},
    {"symmetric_relevance_gain",        BY(SCORES),      BETTER(HIGHER),  FILLED},
    {"random_order_deletion",           BY(SCORES),      BETTER(HIGHER),  FILLED | OURS},
    {"inter_model_map",                 BY(INTER_MODEL), BETTER(HIGHER),  FILLED | OURS},
    {"inter_model_scorer",              BY(INTER_MODEL), BETTER(NEITHER), FILLED | OURS},
    {"inter_model_self",                BY(INTER_MODEL), BETTER(NEITHER), FILLED | OURS},
    {"inter_model_reference",           BY(INTER_MODEL), BETTER(LOWER),   FILLED | OURS},
    {"pointing_game",                   BY(SCORES),      BETTER(HIGHER),  MARKS},
    {"energy_pointing_game",            BY(SCORES),      BETTER(HIGHER),  MARKS},
    {"energy_pointing_game_minus_area", BY(SCORES),      BETTER(HIGHER),  MARKS | OURS},
    {"max_box_accuracy",                BY(SCORES),      BETTER(HIGHER),  MARKS},
    {"max_box_accuracy_v2",             BY(SCORES),      BETTER(HIGHER),  MARKS},
    {"mask_iou",                        BY(SCORES),      BETTER(HIGHER),  MARKS},
    {"relevance_rank",                  BY(SCORES),      BETTER(HIGHER),  MARKS},
    {"gini",                            BY(SCORES),      BETTER(NEITHER), 0},
    {"entropy",                         BY(SCORES),      BETTER(NEITHER), 0},
    {"randomisation_correlation",       BY(SCORES),      BETTER(LOWER),   0},
    {"completeness_median",             BY(MAPS),        BETTER(LOWER),   OURS},
    {"completeness_p95",                BY(MAPS),        BETTER(LOWER),   OURS},
    {"all_zero_maps",                   BY(MAPS),        BETTER(NEITHER), OURS},
    {"relevance_sum",                   BY(MAPS),        BETTER(NEITHER), OURS},
    {"map_intervals",                   BY(SCORES),      BETTER(NEITHER), ENDS},
    {"concepts",                        BY(SCORES),      BETTER(HIGHER),  NO_MAP | SEGMENTS},
    {"concept_units",                   BY(SCORES),      BETTER(HIGHER),  NO_MAP | SEGMENTS},
    {NULL,                              BY(TRAIN),       BETTER(NEITHER), 0},
};
// clang-format on

_Static_assert(sizeof worker_map_scores / sizeof worker_map_scores[0] == WORKER_SCORES + 1,
               "a row for every score");
_Static_assert((int)WORKER_SCORES <= 64, "a bit for every score");

const struct worker_map_score *worker_map_score(const char *word)
{
    for (const struct worker_map_score *score = worker_map_scores; score->word; score++)
        if (strcmp(score->word, word) == 0)
            return score;
    return NULL;
}

uint64_t worker_scores_of(enum worker_kind stage)
{
    uint64_t set = 0;

    for (unsigned k = 0; k < WORKER_SCORES; k++)
        set |= (uint64_t)(worker_map_scores[k].stage == stage) << k;
    return set;
}

uint64_t worker_scores_that_are(unsigned is)
{
    uint64_t set = 0;

    for (unsigned k = 0; k < WORKER_SCORES; k++)
        set |= (uint64_t)((worker_map_scores[k].is & is) != 0) << k;
    return set;
}
