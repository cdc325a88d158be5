/* map_numbers.h - what a map is like by itself, and beside another (methods.md 3). */
#ifndef MX_WORKER_MAP_NUMBERS_H
#define MX_WORKER_MAP_NUMBERS_H

#include <stddef.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Both are of abs(map); higher gini and lower entropy are simpler maps, neither is
 * better as such. */

/* Sparseness from 0 (all pixels alike, or zero) to (n - 1) / n (one pixel). Returns 0, or
 * -1 with MX_ENOMEM. */
int worker_map_gini(const float *map, size_t n, double *gini, struct mx_err *err);

/* Natural logarithm, from 0 (one pixel) to log n (all alike); NaN for a map of zeros. */
double worker_map_entropy(const float *map, size_t n);

/* Spearman's correlation of two maps, equal values sharing their mean rank; NaN if either
 * is flat. For model randomisation near 0 is good: a map that stays the same when the
 * weights are drawn anew does not depend on them. Returns 0, or -1 with MX_ENOMEM. */
int worker_map_spearman(const float *a, const float *b, size_t n, double *correlation,
                        struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
