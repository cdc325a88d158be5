/* balance.h - rows by group, subsets with as many of each, halves.
 *
 * A set without groups is dealt with by class. Rows are those of a split;
 * draws take a cursor of a random stream (base/rng.h).
 */
#ifndef MX_WORKER_BALANCE_H
#define MX_WORKER_BALANCE_H

#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "worker/rows.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the stream of heads (struct worker_head_task) is drawn from for: the first
 * name of a place in it. They enter results: never renumber. */
enum worker_head_draw {
    WORKER_HEAD_DRAW_DFR_HALVES = 0,
    WORKER_HEAD_DRAW_DFR_TUNE = 1,
    WORKER_HEAD_DRAW_DFR_SUBSET = 2, /* second name: which one */
    WORKER_HEAD_DRAW_SUBG = 3,
    WORKER_HEAD_DRAW_AFR_HALVES = 4,
    WORKER_HEAD_DRAW_DRO_BATCH = 5, /* epoch, batch */
    WORKER_HEAD_DRAW_MIXUP = 6,     /* epoch, sample */
};

/* Rows sorted by group, or by class. A zeroed struct is empty. */
struct worker_groups {
    uint32_t  groups;   /* or classes */
    uint32_t  n;        /* rows in all */
    uint32_t  used;     /* groups that have rows */
    uint32_t  smallest; /* rows of the smallest of them; 0 without rows */
    uint32_t *rows;     /* (n) numbers in the split, group after group, rising within each */
    uint32_t *start;    /* (groups + 1): where each group begins in rows */
};

/* Sort them; groups and classes as in struct worker_features. Returns 0 with
 * *sorted to be released with worker_groups_free(), or -1 with MX_ENOMEM and
 * *sorted empty. */
int  worker_groups_sort(const struct worker_rows *rows, uint32_t groups, uint32_t classes,
                        struct worker_groups *sorted, struct mx_err *err);
void worker_groups_free(struct worker_groups *sorted);

uint32_t worker_groups_count(const struct worker_groups *sorted, uint32_t group);

/* How many rows a balanced subset has: `smallest` of each group that has rows. */
uint32_t worker_groups_balanced_size(const struct worker_groups *sorted);

/* Draw one without replacement into out, group after group. */
void worker_groups_draw_balanced(const struct worker_groups *sorted, struct mx_rng *rng,
                                 uint32_t *out);

/* Part the rows into two halves at random within each group; the odd row of a
 * group is in the first. Both have room for all rows. */
struct worker_halves {
    uint32_t *first, *second;
    uint32_t  nfirst, nsecond;
};
void worker_groups_halve(const struct worker_groups *sorted, struct mx_rng *rng,
                         struct worker_halves *halves);

#ifdef __cplusplus
}
#endif

#endif
