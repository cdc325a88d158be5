/* map_scores.h - the scores of maps by name: which way is better, and what each column
 * of results is named after. docs/maps.md says what they are.
 */
#ifndef MX_WORKER_MAP_SCORES_H
#define MX_WORKER_MAP_SCORES_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum worker_better {
    WORKER_BETTER_LOWER,
    WORKER_BETTER_HIGHER,
    WORKER_BETTER_NEITHER, /* it describes; no ranking can be made of it */
};

struct worker_map_score {
    const char        *word; /* as in score.metrics: test.WORD.ATTRIBUTION[.FILL] */
    enum worker_better better;
    bool               filled; /* one column a fill */
    bool               ours;   /* no source defines it so: reports say that */
};

/* Ended by a row whose word is NULL. */
extern const struct worker_map_score worker_map_scores[];

/* The row of a word; NULL if it is no score of maps. */
const struct worker_map_score *worker_map_score(const char *word);

#ifdef __cplusplus
}
#endif

#endif
