/* search.h - which cells of a grid are run where search.budget bounds their number.
 *
 * The choice is a function of the configuration alone: nothing is looked up
 * while a sweep runs, and one that is resumed chooses the same. With a larger
 * budget the cells of a smaller one are among the chosen ones.
 */
#ifndef MX_SWEEP_SEARCH_H
#define MX_SWEEP_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sweep/grid.h"

/* Dimensions that `sobol` needs: at most MX_SOBOL_DIMS can be had. */
unsigned mx_search_dims(const struct mx_config *config);

/* Choose up to search.budget points that stand for a cell:
 *   grid    the first ones
 *   random  at random, every cell with the same chance, none twice
 *   sobol   as a Sobol sequence over the axes has them (over blocks first, by their
 *           sizes), shifted by the seed; what it gives twice or what is no cell is
 *           passed over, and what is missing in the end is drawn at random
 * *points is sorted and to be freed. A grid of fewer cells gives all of them.
 * Returns 0; or -1 with MX_ERANGE if 10^8 points were looked at without finding
 * as many as asked for, MX_ENOMEM. */
int mx_search_choose(const struct mx_grid *grid, uint64_t **points, size_t *count,
                     struct mx_err *err);

#endif
