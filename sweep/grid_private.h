/* grid_private.h - what grid.c and walk.c share; nobody else includes it. */
#ifndef MX_SWEEP_GRID_PRIVATE_H
#define MX_SWEEP_GRID_PRIVATE_H

#include "sweep/axis.h"
#include "sweep/defaults.h"
#include "sweep/grid.h"

struct mx_grid_block {
    uint64_t              first, count; /* its points in the numbering */
    size_t                naxes;
    struct mx_axis_index *axes;              /* (naxes) */
    bool                  varies[KEY_COUNT]; /* key is an axis here */
};

struct mx_grid {
    const struct mx_config *config; /* lent */
    uint64_t                count;
    size_t                  nblocks;
    struct mx_grid_block   *blocks;
    size_t                  naxis_keys;
    enum mx_key_id          axis_keys[KEY_COUNT]; /* union, by first appearance */
    struct mx_value         defaults[KEY_COUNT];  /* of the table */
    bool                    decides[KEY_COUNT];   /* which other keys are used depends on it, or
                                                     what they hold by default */
    struct mx_specials      specials;
    uint64_t               *chosen; /* sorted points; NULL: there is no search.budget */
    size_t                  nchosen;
};

/* Values of entry i of an axis into value[]. */
void mx_axis_set(const struct mx_axis_index *axis, uint64_t i, struct mx_value value[KEY_COUNT]);

/* Give keys whose default depends on others what they hold beside these values,
 * unless they were set. The keys that changed go into changed[0..n), with room
 * for MX_SPECIALS; returns n. */
size_t mx_grid_settle(const struct mx_grid *grid, const struct mx_grid_block *block,
                      struct mx_value raw[KEY_COUNT], enum mx_key_id *changed);

/* Which keys a point uses, from its values before folding. */
void mx_grid_used(const struct mx_value raw[KEY_COUNT], bool used[KEY_COUNT]);

/* True if a block before number `block` has a point that folds to this one. */
bool mx_grid_earlier_block(const struct mx_grid *grid, size_t block, const struct mx_point *point);

bool mx_grid_excluded(const struct mx_grid *grid, const struct mx_point *point);

#endif
