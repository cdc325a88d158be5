/* puzzle.h - which blocks of two images to show, and where: the two exact
 * problems of PuzzleMix (Kim, Choo, Song 2020).
 *
 * Images are cut into K x K blocks, numbered row by row. The mask gives each
 * block z in {0, 1/2, 1}, the weight of image a; labels are 2 z. Neighbouring
 * blocks i (left or above) and j share a border.
 *
 *   E(z) = sum over blocks of
 *            z u_b + (1 - z) u_a - eta / K^2 log Binomial(2 z; 2, lambda)
 *        + sum over borders of
 *            b' gamma / 2 { z_i [d(a_i,b_j) + d(a_i,a_j)] + (1 - z_i) [d(b_i,a_j) + d(b_i,b_j)]
 *                         + the same with i and j exchanged }
 *            + b' (1 + gamma w) (z_i - z_j)^2
 *   w = (d(a_i,b_j) + d(b_i,a_j) - d(a_i,a_j) - d(b_i,b_j)) / 2,  b' = beta / (16 K)
 *
 * u is the saliency of a block, d the difference of colours along a border, in
 * [0, 1]. With gamma at most 1 the weights of (z_i - z_j)^2 are not negative, so
 * one minimum cut with two nodes a block (Ishikawa 2003) finds the lowest energy.
 */
#ifndef MX_WORKER_PUZZLE_H
#define MX_WORKER_PUZZLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WORKER_PUZZLE_SIDE = 16, /* blocks a side, at most */
    WORKER_PUZZLE_BLOCKS = WORKER_PUZZLE_SIDE * WORKER_PUZZLE_SIDE,
};

/* Differences along a border: ab = d(a_i, b_j). */
struct worker_border {
    double aa, ab, ba, bb;
};

struct worker_puzzle {
    uint32_t             side;                     /* K */
    double               lambda, beta, gamma, eta; /* gamma in [0, 1], the others at least 0 */
    double               u_a[WORKER_PUZZLE_BLOCKS], u_b[WORKER_PUZZLE_BLOCKS];
    struct worker_border right[WORKER_PUZZLE_BLOCKS]; /* with the block to the right; none in the
                                                         last column */
    struct worker_border below[WORKER_PUZZLE_BLOCKS]; /* with the one below; none in the last row */
};

struct worker_puzzler; /* memory for one K */

/* Returns memory to be released with worker_puzzler_free(), or NULL with MX_ENOMEM. */
struct worker_puzzler *worker_puzzler_new(uint32_t side, struct mx_err *err);
void                   worker_puzzler_free(struct worker_puzzler *puzzler); /* NULL is allowed */

/* The labels 2 z of lowest energy; of several, all of them lowest, those that
 * show least of a. Costs are rounded to 2^-40 of the largest. A lambda of 0 or 1
 * counts as 1e-9 away from it. */
void worker_puzzle_mask(struct worker_puzzler *puzzler, const struct worker_puzzle *puzzle,
                        uint8_t *labels);

/* Move the blocks of one image to where they are seen: K rounds in which every
 * block chooses its cheapest place, at cost
 *     t dist^2 / (K - 1)^2 - saliency [the place shows something of the image]
 * (of equal ones the first), and of those that chose one place the cheapest has
 * it (the first of equal ones); for the others it becomes dearer by 1. from[place]
 * is the block seen there; a place that nobody got keeps its own. */
void worker_puzzle_transport(struct worker_puzzler *puzzler, const double *saliency,
                             const bool *shown, double t, uint16_t *from);

#ifdef __cplusplus
}
#endif

#endif
