/* edits.h - what edited support features mean: the real images near them.
 *
 * HSFM moves features of training images to where no image is. What they have
 * come to mean is told by the training images that are nearest (Euclidean
 * distance in feature space) before and after, by the groups that those
 * belong to, and, where a model has text features in the same space (CLIP), by
 * the change of similarity to each text.
 */
#ifndef MX_WORKER_EDITS_H
#define MX_WORKER_EDITS_H

#include <stdint.h>

#include "base/err.h"
#include "worker/features.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is asked; lent, all of it. */
struct worker_edits_question {
    const struct worker_features *features;
    uint32_t                      n;              /* support features, 1 or more */
    const uint32_t               *rows;           /* (n) of train */
    const double                 *before, *after; /* (n, dims) */
    uint32_t                      neighbours;     /* 1 or more, below the rows of train */
    const double                 *texts;          /* (ntexts, dims), or NULL */
    uint32_t                      ntexts;
};

struct worker_neighbour {
    double   distance;
    uint32_t row; /* of train */
};

/* The answer; a zeroed struct is empty. Parts are groups, or classes in a set without. */
struct worker_edits {
    uint32_t                 n, neighbours, parts, ntexts;
    double                  *moved;                      /* (n): distance from before to after */
    struct worker_neighbour *before, *after;             /* (n, neighbours), nearest first; of equal
                                                           ones the first row; never the image itself */
    uint32_t                *part;                       /* (n) of each support image */
    uint64_t                *count_before, *count_after; /* (parts, parts): how many neighbours of
                                                            support images of a part are of another */
    double                  *text_before, *text_after;   /* (n, ntexts): cosine similarity; of a
                                                           zero vector: 0 */
};

/* Compare every support feature with every training row, in double. Returns 0 with
 * *edits to be released with worker_edits_free(); or -1 with *edits empty: MX_EINVAL
 * if there are not so many neighbours, MX_EDATA if a row is not one of train, MX_ENOMEM. */
int  worker_edits_measure(const struct worker_edits_question *question, struct worker_edits *edits,
                          struct mx_err *err);
void worker_edits_free(struct worker_edits *edits);

/* The part of a training row. */
uint32_t worker_edits_part(const struct worker_features *features, uint32_t row);

#ifdef __cplusplus
}
#endif

#endif
