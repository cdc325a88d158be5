/* walk.h - all points of a grid one after another, at a small cost each.
 *
 * Going from a point to the next touches only the axes that turn, so a walk
 * over 10^8 points takes seconds and no more memory than one over ten. What it
 * says of a point is what mx_grid_point() and mx_grid_fate() say.
 */
#ifndef MX_SWEEP_WALK_H
#define MX_SWEEP_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sweep/grid.h"

struct mx_walk;

/* Start before point 0 of a grid, which must outlive the walk. Returns a walk
 * to be released with mx_walk_free(), or NULL with MX_ENOMEM. */
struct mx_walk *mx_walk_new(const struct mx_grid *grid, struct mx_err *err);
void            mx_walk_free(struct mx_walk *walk); /* NULL is allowed */

/* Go to the next point, of those that search.* has chosen if it bounds the cells
 * (all of them are cells); false if there is none. The rest may be called once
 * this has returned true. */
bool mx_walk_next(struct mx_walk *walk);

uint64_t               mx_walk_number(const struct mx_walk *walk);
const struct mx_point *mx_walk_point(const struct mx_walk *walk); /* lent, until the next step */
enum mx_point_fate     mx_walk_fate(const struct mx_walk *walk);

/* The keys whose value or use may differ from the point before; all keys at
 * the start of a block. A key may be named twice. *keys is lent. */
size_t mx_walk_changed(const struct mx_walk *walk, const enum mx_key_id **keys);

#endif
