/* map_scores.h - the scores of networks and of their maps by name: which way is better,
 * which stage measures them, and what each column of results is named after.
 * docs/maps.md says what they are.
 */
#ifndef MX_WORKER_MAP_SCORES_H
#define MX_WORKER_MAP_SCORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/choices.h"
#include "worker/stage.h"

#ifdef __cplusplus
extern "C" {
#endif

enum worker_better {
    WORKER_BETTER_LOWER,
    WORKER_BETTER_HIGHER,
    WORKER_BETTER_NEITHER, /* it describes; no ranking can be made of it */
};

/* Bits of params->score_metrics. */
enum worker_score {
    WORKER_SCORE_OCCLUSION_ACCURACY,
    WORKER_SCORE_DELETION,
    WORKER_SCORE_INSERTION,
    WORKER_SCORE_DELETION_NORMALISED,
    WORKER_SCORE_INSERTION_NORMALISED,
    WORKER_SCORE_DELETION_LEAST_FIRST,
    WORKER_SCORE_SYMMETRIC_RELEVANCE_GAIN,
    WORKER_SCORE_RANDOM_ORDER_DELETION,
    WORKER_SCORE_INTER_MODEL_MAP,
    WORKER_SCORE_INTER_MODEL_SCORER,
    WORKER_SCORE_INTER_MODEL_SELF,
    WORKER_SCORE_INTER_MODEL_REFERENCE,
    WORKER_SCORE_POINTING_GAME,
    WORKER_SCORE_ENERGY_POINTING_GAME,
    WORKER_SCORE_ENERGY_POINTING_GAME_MINUS_AREA,
    WORKER_SCORE_MAX_BOX_ACCURACY,
    WORKER_SCORE_MAX_BOX_ACCURACY_V2,
    WORKER_SCORE_MASK_IOU,
    WORKER_SCORE_RELEVANCE_RANK,
    WORKER_SCORE_GINI,
    WORKER_SCORE_ENTROPY,
    WORKER_SCORE_RANDOMISATION_CORRELATION,
    WORKER_SCORE_COMPLETENESS_MEDIAN,
    WORKER_SCORE_COMPLETENESS_P95,
    WORKER_SCORE_ALL_ZERO_MAPS,
    WORKER_SCORE_RELEVANCE_SUM,
    WORKER_SCORE_MAP_INTERVALS,
    WORKER_SCORE_CONCEPTS,
    WORKER_SCORE_CONCEPT_UNITS,
    WORKER_SCORES /* how many */
};

#define WORKER_SCORE_BIT(score) (UINT64_C(1) << WORKER_SCORE_##score)

enum {
    WORKER_SCORE_FILLED = 1,    /* one column a fill */
    WORKER_SCORE_OURS = 2,      /* no source defines it so: reports say that */
    WORKER_SCORE_MARKS = 4,     /* needs boxes or masks */
    WORKER_SCORE_NO_MAP = 8,    /* of the network itself: it needs no attribution */
    WORKER_SCORE_ENDS = 16,     /* no score: that the others' intervals are wanted */
    WORKER_SCORE_SEGMENTS = 32, /* needs segments */
};

struct worker_map_score {
    const char        *word; /* as in score.metrics: test.WORD.ATTRIBUTION[.FILL] */
    enum worker_kind   stage;
    enum worker_better better;
    unsigned           is; /* of the enum above */
};

/* By enum worker_score; ended by a row whose word is NULL. */
extern const struct worker_map_score worker_map_scores[];

/* The row of a word; NULL if it is no score of maps. */
const struct worker_map_score *worker_map_score(const char *word);

/* The scores that stages of a kind measure, and those with any of the properties `is`,
 * as bits. */
uint64_t worker_scores_of(enum worker_kind stage);
uint64_t worker_scores_that_are(unsigned is);

/* How many curves with a fill one attribution has for params->score_metrics. */
unsigned worker_score_curves(const struct worker_params *params, enum worker_fill fill);

#ifdef __cplusplus
}
#endif

#endif
