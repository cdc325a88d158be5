/* same_ids.h - two different cells with one id.
 *
 * The only key that makes cells different and is no part of an id is data.path
 * (docs/cell-ids.md): results of two such cells could not be told apart.
 */
#ifndef MX_SWEEP_SAME_IDS_H
#define MX_SWEEP_SAME_IDS_H

#include <stdint.h>

#include "base/err.h"
#include "sweep/grid.h"

/* Fill *err with MX_EINVAL that names both points. Returns -1. */
int mx_same_id(const struct mx_grid *grid, uint64_t first, uint64_t second, uint64_t id,
               struct mx_err *err);

/* Look for two such cells among the first million points. Returns 0; or -1 with
 * MX_EINVAL, or MX_ENOMEM. Takes no time where data.path is no axis. */
int mx_same_ids_check(const struct mx_grid *grid, struct mx_err *err);

#endif
