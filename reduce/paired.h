/* paired.h - two cells compared over the repeats that both have.
 *
 * Cells of one repeat share initial weights and batches, so their differences vary less than
 * they do: Student's t of the differences, two sides. Where many pairs stand in one table, p
 * values are adjusted by Holm (1979): the chance of even one mistaken claim in the table
 * stays below the level.
 */
#ifndef REDUCE_PAIRED_H
#define REDUCE_PAIRED_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What can not be told is NaN: everything of no pair, low, high and p of fewer than two. */
struct reduce_paired {
    size_t n;
    double mean;      /* of the differences */
    double low, high; /* 95 % interval of it */
    double p; /* that the true one is 0; 0 where all are equal and not 0, 1 where all are 0 */
};

/* From differences[0..n), none of them NaN. */
struct reduce_paired reduce_paired(const double *differences, size_t n);

enum {
    REDUCE_FEW_PAIRS = 5 /* below it a test says too little to be shown */
};

/* Adjust p[0..n) in place; NaN take no part and stay. Returns 0, or -1 if there is no memory. */
int reduce_holm(double *p, size_t n);

#ifdef __cplusplus
}
#endif

#endif
