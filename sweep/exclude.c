#include <stdlib.h>

#include "sweep/grid_private.h"
#include "sweep/walk.h"

enum {
    LOOKED_AT = 1000000 /* values or points, before a rule gets the benefit of the doubt */
};

static bool number_matches(const struct mx_match *match, const struct mx_value *value)
{
    double x = mx_keys[match->key].type == MX_TYPE_INT ? (double)value->integer : value->real;

    return (!match->has_below || x < match->below) && (!match->has_above || x > match->above);
}

static bool value_matches(const struct mx_match *match, const struct mx_value *value)
{
    for (size_t i = 0; i < match->nany; i++)
        if (mx_value_equal(match->key, value, &match->any[i]))
            return true;
    return match->nany == 0 && number_matches(match, value);
}

static bool rule_matches(const struct mx_exclude *rule, const struct mx_point *point)
{
    for (size_t m = 0; m < rule->nmatches; m++) {
        const struct mx_match *match = &rule->matches[m];

        if (!point->used[match->key] || !value_matches(match, &point->value[match->key]))
            return false;
    }
    return true;
}

bool mx_grid_excluded(const struct mx_grid *grid, const struct mx_point *point)
{
    for (size_t i = 0; i < grid->config->nexcludes; i++)
        if (rule_matches(&grid->config->excludes[i], point))
            return true;
    return false;
}

static bool axis_can_match(const struct mx_match *match, const struct mx_axis_values *values)
{
    for (uint64_t i = 0; i < values->count && i < LOOKED_AT; i++) {
        struct mx_value value = mx_axis_value(values, match->key, i);

        if (value_matches(match, &value))
            return true;
    }
    return values->count > LOOKED_AT;
}

static bool other_default_matches(const struct mx_grid *grid, const struct mx_match *match)
{
    for (size_t s = 0; s < grid->specials.n; s++)
        if (grid->specials.key[s].key == match->key && !grid->config->given[match->key])
            return value_matches(match, &grid->specials.key[s].other);
    return false;
}

/* True unless the condition fails for every value that its key takes in the
 * block, used or not. */
static bool block_can_match(const struct mx_grid *grid, const struct mx_grid_block *block,
                            const struct mx_match *match)
{
    if (!block->varies[match->key])
        return value_matches(match, &grid->config->base[match->key]) ||
               other_default_matches(grid, match);
    for (size_t a = 0; a < block->naxes; a++)
        for (size_t k = 0; k < block->axes[a].nkeys; k++)
            if (block->axes[a].keys[k].key == match->key)
                return axis_can_match(match, block->axes[a].keys[k].values);
    return false;
}

static bool rule_can_match(const struct mx_grid *grid, const struct mx_exclude *rule)
{
    for (size_t b = 0; b < grid->nblocks; b++) {
        size_t m = 0;

        while (m < rule->nmatches && block_can_match(grid, &grid->blocks[b], &rule->matches[m]))
            m++;
        if (m == rule->nmatches)
            return true;
    }
    return false;
}

/* Strike out the rules that match the point; how many remain. */
static size_t strike(const struct mx_grid *grid, const struct mx_point *point, bool *open)
{
    size_t left = 0;

    for (size_t i = 0; i < grid->config->nexcludes; i++)
        if (open[i]) {
            open[i] = !rule_matches(&grid->config->excludes[i], point);
            left += open[i];
        }
    return left;
}

int mx_grid_unmatched_excludes(const struct mx_grid *grid, bool *unmatched, struct mx_err *err)
{
    size_t          n = grid->config->nexcludes;
    bool           *open = calloc(n + 1, sizeof *open);
    struct mx_walk *walk = mx_walk_new(grid, err);
    uint64_t        looked = 0;

    if (!open || !walk) {
        free(open);
        mx_walk_free(walk);
        return mx_fail(err, MX_ENOMEM, "no memory to look at the exclude rules");
    }
    for (size_t i = 0; i < n; i++) {
        open[i] = rule_can_match(grid, &grid->config->excludes[i]);
        unmatched[i] = !open[i];
    }
    while (looked < LOOKED_AT && mx_walk_next(walk)) {
        looked++;
        if (strike(grid, mx_walk_point(walk), open) == 0)
            break;
    }
    for (size_t i = 0; i < n; i++)
        unmatched[i] |= open[i] && looked == grid->count;
    mx_walk_free(walk);
    free(open);
    return 0;
}
