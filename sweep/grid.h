/* grid.h - the points of a sweep, numbered, folded and named.
 *
 * Points are the elements of all blocks' products, numbered through the blocks
 * in file order with each block's last axis turning fastest. Nothing is written
 * out: a point is computed from its number (mixed radix). Folding erases the
 * parameters that a point's strategy does not use; what then remains and is
 * not excluded is a cell, named by a hash of its content.
 */
#ifndef MX_SWEEP_GRID_H
#define MX_SWEEP_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "sweep/config.h"

struct mx_grid;

/* A point with its values. used[k] is false where key k is folded away; then
 * value[k] is the default and must not matter. */
struct mx_point {
    struct mx_value value[KEY_COUNT];
    bool            used[KEY_COUNT];
};

/* Build the numbering over a configuration, which must outlive it. Returns
 * NULL with MX_ERANGE if the points cannot be counted in 63 bits, or what
 * mx_search_choose() says. */
struct mx_grid *mx_grid_new(const struct mx_config *config, struct mx_err *err);
void            mx_grid_free(struct mx_grid *grid); /* NULL is allowed */

/* How many points there are; 1 or more. */
uint64_t mx_grid_count(const struct mx_grid *grid);

/* How many points a walk goes over: all, or those that search.* has chosen. */
uint64_t mx_grid_walked(const struct mx_grid *grid);

/* True if search.budget bounds the cells. */
bool mx_grid_searched(const struct mx_grid *grid);

/* Compute a point, folded. number < count. Allocates nothing. */
void mx_grid_point(const struct mx_grid *grid, uint64_t number, struct mx_point *point);

enum mx_point_fate {
    MX_POINT_CELL,     /* stands for its cell */
    MX_POINT_EXCLUDED, /* matched by an exclude rule */
    MX_POINT_FOLDED,   /* another point before it is the same cell */
};

/* What becomes of a point. Decided from the point alone: a point is the first
 * of its cell if no axis has an earlier entry with the same values of the used
 * keys, and no earlier block contains it. A point that repeats an earlier one is
 * folded, whether or not an exclude rule matches them. */
enum mx_point_fate mx_grid_fate(const struct mx_grid *grid, uint64_t number,
                                const struct mx_point *point);

/* Set unmatched[i] for every exclude rule i that can match no point. Where more
 * than a million points would have to be looked at, a rule is named only if the
 * values of a single key tell. Returns 0, or -1 with MX_ENOMEM. */
int mx_grid_unmatched_excludes(const struct mx_grid *grid, bool *unmatched, struct mx_err *err);

/* The cell id of formats.md: XXH3-64 of the sorted "key=value\n" lines of every
 * used key of data, model, train, mix and head, except data.path. `scratch` is
 * reused between calls. */
uint64_t mx_grid_cell(const struct mx_point *point, struct mx_buf *scratch);

/* Fold away every key whose section's bit (1u << section) is set. */
void mx_grid_reset(const struct mx_grid *grid, struct mx_point *point, unsigned sections);

/* After values of a point were changed: fold away what it does not use any more. */
void mx_grid_refold(const struct mx_grid *grid, struct mx_point *point);

/* The axis keys of results.csv: union over the blocks, in order of first
 * appearance. *keys is lent by the grid. */
size_t mx_grid_axis_keys(const struct mx_grid *grid, const enum mx_key_id **keys);

/* Which scores (bits of enum worker_score) a value of score.metrics asks for; its other
 * words are no scores of maps. */
uint64_t mx_scores_asked(const struct mx_value *metrics);

/* The parameters of a point for the workers; paths made absolute against the
 * config's directory, data.path filled from the set's default place. */
struct worker_params;
int mx_grid_params(const struct mx_grid *grid, const struct mx_point *point,
                   struct worker_params *params, struct mx_err *err);

#endif
