#include "sweep/grid.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/grid_private.h"
#include "sweep/search.h"

static void add_axis_key(struct mx_grid *grid, enum mx_key_id key)
{
    for (size_t i = 0; i < grid->naxis_keys; i++)
        if (grid->axis_keys[i] == key)
            return;
    grid->axis_keys[grid->naxis_keys++] = key;
}

static int too_many(struct mx_err *err, const struct mx_axis *axis)
{
    return mx_fail(err, MX_ERANGE,
                   "the grid has more than %" PRId64 " points: axis '%s' with its %" PRIu64
                   " values is too much; "
                   "use fewer values",
                   INT64_MAX, mx_keys[axis->keys[0]].name, axis->count);
}

static int add_axis(struct mx_grid *grid, struct mx_grid_block *block, const struct mx_axis *axis,
                    struct mx_err *err)
{
    uint64_t total;

    if (mx_axis_index_init(&block->axes[block->naxes++], axis, err))
        return -1;
    for (size_t k = 0; k < axis->nkeys; k++) {
        add_axis_key(grid, axis->keys[k]);
        block->varies[axis->keys[k]] = true;
    }
    if (__builtin_mul_overflow(block->count, axis->count, &block->count) ||
        __builtin_add_overflow(grid->count, block->count, &total) || total > INT64_MAX)
        return too_many(err, axis);
    return 0;
}

static int add_block(struct mx_grid *grid, const struct mx_block *source, struct mx_err *err)
{
    struct mx_grid_block *block = &grid->blocks[grid->nblocks++];

    block->first = grid->count;
    block->count = 1;
    if (!(block->axes = calloc(source->naxes + 1, sizeof *block->axes)))
        return mx_fail(err, MX_ENOMEM, "no memory for a grid of %zu axes", source->naxes);
    for (size_t a = 0; a < source->naxes; a++)
        if (add_axis(grid, block, &source->axes[a], err))
            return -1;
    grid->count += block->count;
    return 0;
}

static void read_table(struct mx_grid *grid)
{
    for (unsigned k = 0; k < KEY_COUNT; k++) {
        grid->defaults[k] = mx_default_value(k);
        for (const struct mx_condition *c = mx_keys[k].used; c->words; c++)
            grid->decides[c->key] = true;
    }
    mx_specials_find(&grid->specials);
    for (size_t s = 0; s < grid->specials.n; s++)
        grid->decides[mx_keys[grid->specials.key[s].key].other_when.key] = true;
}

struct mx_grid *mx_grid_new(const struct mx_config *config, struct mx_err *err)
{
    struct mx_grid *grid = calloc(1, sizeof *grid);

    if (!grid || !(grid->blocks = calloc(config->nblocks, sizeof *grid->blocks))) {
        mx_fail(err, MX_ENOMEM, "no memory for a grid of %zu blocks", config->nblocks);
        goto fail;
    }
    grid->config = config;
    read_table(grid);
    for (size_t b = 0; b < config->nblocks; b++)
        if (add_block(grid, &config->blocks[b], err))
            goto fail;
    if (config->base[KEY_SEARCH_BUDGET].integer > 0 &&
        mx_search_choose(grid, &grid->chosen, &grid->nchosen, err))
        goto fail;
    return grid;
fail:
    mx_grid_free(grid);
    return NULL;
}

void mx_grid_free(struct mx_grid *grid)
{
    if (!grid)
        return;
    for (size_t b = 0; b < grid->nblocks; b++) {
        for (size_t a = 0; a < grid->blocks[b].naxes; a++)
            mx_axis_index_free(&grid->blocks[b].axes[a]);
        free(grid->blocks[b].axes);
    }
    free(grid->blocks);
    free(grid->chosen);
    free(grid);
}

uint64_t mx_grid_count(const struct mx_grid *grid)
{
    return grid->count;
}

uint64_t mx_grid_walked(const struct mx_grid *grid)
{
    return grid->chosen ? grid->nchosen : grid->count;
}

bool mx_grid_searched(const struct mx_grid *grid)
{
    return grid->chosen;
}

size_t mx_grid_axis_keys(const struct mx_grid *grid, const enum mx_key_id **keys)
{
    *keys = grid->axis_keys;
    return grid->naxis_keys;
}

void mx_axis_set(const struct mx_axis_index *axis, uint64_t i, struct mx_value value[KEY_COUNT])
{
    for (size_t k = 0; k < axis->nkeys; k++)
        value[axis->keys[k].key] = mx_axis_value(axis->keys[k].values, axis->keys[k].key, i);
}

void mx_grid_used(const struct mx_value raw[KEY_COUNT], bool used[KEY_COUNT])
{
    for (unsigned k = 0; k < KEY_COUNT; k++)
        used[k] = !mx_key_sweepable(k) || mx_key_used(k, raw);
}

/* What a key that the block does not vary holds beside these values. */
static const struct mx_value *unvaried(const struct mx_grid *grid, enum mx_key_id key,
                                       const struct mx_value value[KEY_COUNT])
{
    for (size_t s = 0; s < grid->specials.n; s++)
        if (grid->specials.key[s].key == key && !grid->config->given[key] &&
            mx_special_holds(&grid->specials.key[s], value))
            return &grid->specials.key[s].other;
    return &grid->config->base[key];
}

size_t mx_grid_settle(const struct mx_grid *grid, const struct mx_grid_block *block,
                      struct mx_value raw[KEY_COUNT], enum mx_key_id *changed)
{
    size_t n = 0;

    for (size_t s = 0; s < grid->specials.n; s++) {
        enum mx_key_id         key = grid->specials.key[s].key;
        const struct mx_value *value = unvaried(grid, key, raw);

        if (block->varies[key] || mx_value_equal(key, value, &raw[key]))
            continue;
        raw[key] = *value;
        changed[n++] = key;
    }
    return n;
}

static size_t block_of(const struct mx_grid *grid, uint64_t number)
{
    size_t b = grid->nblocks - 1;

    while (grid->blocks[b].first > number)
        b--;
    return b;
}

void mx_grid_refold(const struct mx_grid *grid, struct mx_point *point)
{
    mx_grid_used(point->value, point->used);
    for (unsigned k = 0; k < KEY_COUNT; k++)
        if (!point->used[k])
            point->value[k] = grid->defaults[k];
}

void mx_grid_point(const struct mx_grid *grid, uint64_t number, struct mx_point *point)
{
    const struct mx_grid_block *block = &grid->blocks[block_of(grid, number)];
    enum mx_key_id              settled[MX_SPECIALS];

    memcpy(point->value, grid->config->base, sizeof point->value);
    number -= block->first;
    for (size_t a = block->naxes; a-- > 0; number /= block->axes[a].count)
        mx_axis_set(&block->axes[a], number % block->axes[a].count, point->value);
    mx_grid_settle(grid, block, point->value, settled);
    mx_grid_refold(grid, point);
}

void mx_grid_reset(const struct mx_grid *grid, struct mx_point *point, unsigned sections)
{
    for (unsigned k = 0; k < KEY_COUNT; k++)
        if (sections >> mx_keys[k].section & 1u) {
            point->value[k] = grid->defaults[k];
            point->used[k] = false;
        }
}

/* Within a block the axes are independent of each other: which keys are used
 * follows from the values of used keys, so an earlier point folds to the same
 * cell if and only if some axis has an earlier entry with the same used values. */
static bool repeats_in_block(const struct mx_grid_block *block, uint64_t number,
                             const struct mx_point *point)
{
    for (size_t a = block->naxes; a-- > 0; number /= block->axes[a].count)
        if (!mx_axis_index_first(&block->axes[a], number % block->axes[a].count, point->used))
            return true;
    return false;
}

static bool block_contains(const struct mx_grid *grid, const struct mx_grid_block *block,
                           const struct mx_point *point)
{
    for (size_t i = 0; i < grid->naxis_keys; i++) {
        enum mx_key_id key = grid->axis_keys[i];

        if (point->used[key] && !block->varies[key] &&
            !mx_value_equal(key, &point->value[key], unvaried(grid, key, point->value)))
            return false;
    }
    for (size_t a = 0; a < block->naxes; a++)
        if (!mx_axis_index_contains(&block->axes[a], point->value, point->used))
            return false;
    return true;
}

bool mx_grid_earlier_block(const struct mx_grid *grid, size_t block, const struct mx_point *point)
{
    for (size_t b = 0; b < block; b++)
        if (block_contains(grid, &grid->blocks[b], point))
            return true;
    return false;
}

enum mx_point_fate mx_grid_fate(const struct mx_grid *grid, uint64_t number,
                                const struct mx_point *point)
{
    size_t                      b = block_of(grid, number);
    const struct mx_grid_block *block = &grid->blocks[b];

    if (repeats_in_block(block, number - block->first, point) ||
        mx_grid_earlier_block(grid, b, point))
        return MX_POINT_FOLDED;
    return mx_grid_excluded(grid, point) ? MX_POINT_EXCLUDED : MX_POINT_CELL;
}
