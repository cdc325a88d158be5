/* cost.h - time, memory and disk of a sweep, from what its stages compute.
 *
 * Private to estimate.c, which walks through the cells and hands them in.
 */
#ifndef MX_SWEEP_COST_H
#define MX_SWEEP_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sweep/estimate.h"
#include "sweep/grid.h"

struct mx_costs;

struct mx_costs *mx_costs_new(const struct mx_config *config, const struct mx_grid *grid,
                              struct mx_err *err);
void             mx_costs_free(struct mx_costs *costs); /* NULL is allowed */

/* Take a stage of a cell. `same` is equal for points whose networks cost the same:
 * that is worked out once for each. `fresh`: certainly a stage
 * that was not there before. Returns 0, or -1 with what mx_grid_params() said. */
int mx_costs_take(struct mx_costs *costs, enum worker_kind kind, const struct mx_point *point,
                  uint64_t same, bool fresh, struct mx_err *err);

/* Fill hours, basis, disk, files and memory of an estimate whose counts and
 * kinds are there. */
void mx_costs_fill(const struct mx_costs *costs, unsigned workers, struct mx_estimate *estimate);

#endif
