#include "sweep/walk.h"

#include <stdlib.h>
#include <string.h>

#include "sweep/grid_private.h"

enum {
    MEMO_ROOM = 256 /* a power of two */
};

/* Which keys are used depends on a few keys only, and their values come back
 * again and again: what was worked out is kept. */
struct memo {
    bool     filled;
    uint64_t conditions; /* hash of all that conditions see of the axes */
    bool     used[KEY_COUNT];
};

struct mx_walk {
    const struct mx_grid *grid;
    uint64_t              number;
    bool                  started;
    size_t                choice; /* of grid->chosen, where there is one */
    size_t                block;
    uint64_t              digit[KEY_COUNT]; /* per axis of the block */
    struct mx_value       raw[KEY_COUNT];   /* before folding */
    struct mx_point       point;
    bool                  repeats[KEY_COUNT]; /* axis stands at an entry like an earlier one */
    size_t                nrepeats;
    size_t                nchanged;
    enum mx_key_id        changed[2 * KEY_COUNT]; /* moved, then used or folded anew */
    struct memo           memo[MEMO_ROOM];
};

struct mx_walk *mx_walk_new(const struct mx_grid *grid, struct mx_err *err)
{
    struct mx_walk *walk = calloc(1, sizeof *walk);

    if (!walk)
        mx_fail(err, MX_ENOMEM, "no memory to walk through the grid");
    else
        walk->grid = grid;
    return walk;
}

void mx_walk_free(struct mx_walk *walk)
{
    free(walk);
}

/* Conditions on numbers ask for zero or not, those on words for the word. */
static uint64_t seen(enum mx_key_id key, const struct mx_value *value)
{
    return mx_keys[key].type == MX_TYPE_CHOICE ? value->choice : value->integer != 0;
}

static const bool *used_now(struct mx_walk *walk)
{
    uint64_t     hash = 0;
    struct memo *memo;

    for (size_t i = 0; i < walk->grid->naxis_keys; i++) {
        enum mx_key_id key = walk->grid->axis_keys[i];

        if (walk->grid->decides[key])
            hash = (hash ^ seen(key, &walk->raw[key])) * UINT64_C(0x9e3779b97f4a7c15) + key;
    }
    hash ^= hash >> 32;
    memo = &walk->memo[hash & (MEMO_ROOM - 1)];
    if (!memo->filled || memo->conditions != hash) {
        mx_grid_used(walk->raw, memo->used);
        memo->conditions = hash;
        memo->filled = true;
    }
    return memo->used;
}

static void set_repeats(struct mx_walk *walk, size_t from)
{
    const struct mx_grid_block *block = &walk->grid->blocks[walk->block];

    for (size_t a = from; a < block->naxes; a++) {
        bool repeats = !mx_axis_index_first(&block->axes[a], walk->digit[a], walk->point.used);

        walk->nrepeats += repeats;
        walk->nrepeats -= walk->repeats[a];
        walk->repeats[a] = repeats;
    }
}

/* Bring the point up to date after axes `from` and on moved. */
static void fold(struct mx_walk *walk, size_t from, bool conditions_moved)
{
    const bool *used = conditions_moved ? used_now(walk) : NULL;

    if (used && memcmp(used, walk->point.used, sizeof walk->point.used) != 0) {
        for (unsigned k = 0; k < KEY_COUNT; k++)
            if (used[k] != walk->point.used[k])
                walk->changed[walk->nchanged++] = k;
        memcpy(walk->point.used, used, sizeof walk->point.used);
        from = 0; /* the other axes' keys may count now, or count no more */
    }
    for (size_t i = 0; i < walk->nchanged; i++) {
        enum mx_key_id key = walk->changed[i];

        walk->point.value[key] = walk->point.used[key] ? walk->raw[key] : walk->grid->defaults[key];
    }
    set_repeats(walk, from);
}

/* Go to a point of block b, whatever was there before. */
static void jump(struct mx_walk *walk, size_t b, uint64_t number)
{
    const struct mx_grid_block *block = &walk->grid->blocks[b];
    uint64_t                    rest = number - block->first;

    walk->number = number;
    walk->block = b;
    memcpy(walk->raw, walk->grid->config->base, sizeof walk->raw);
    for (size_t a = block->naxes; a-- > 0;) {
        walk->digit[a] = rest % block->axes[a].count;
        rest /= block->axes[a].count;
        mx_axis_set(&block->axes[a], walk->digit[a], walk->raw);
    }
    mx_grid_settle(walk->grid, block, walk->raw, walk->changed); /* all are, below */
    memset(walk->repeats, 0, sizeof walk->repeats);
    walk->nrepeats = 0;
    walk->nchanged = KEY_COUNT;
    for (unsigned k = 0; k < KEY_COUNT; k++)
        walk->changed[k] = k;
    fold(walk, 0, true);
}

/* Turn the block's odometer by one. */
static void turn(struct mx_walk *walk)
{
    const struct mx_grid_block *block = &walk->grid->blocks[walk->block];
    size_t                      a = block->naxes;
    bool                        conditions_moved = false;

    walk->nchanged = 0;
    do {
        const struct mx_axis_index *axis = &block->axes[--a];

        if (axis->count > 1) {
            walk->digit[a] = walk->digit[a] + 1 == axis->count ? 0 : walk->digit[a] + 1;
            mx_axis_set(axis, walk->digit[a], walk->raw);
            for (size_t k = 0; k < axis->nkeys; k++) {
                walk->changed[walk->nchanged++] = axis->keys[k].key;
                conditions_moved |= walk->grid->decides[axis->keys[k].key];
            }
        }
    } while (walk->digit[a] == 0);
    if (conditions_moved)
        walk->nchanged +=
            mx_grid_settle(walk->grid, block, walk->raw, walk->changed + walk->nchanged);
    fold(walk, a, conditions_moved);
}

/* Chosen points are far apart: none is made from the one before. */
static bool next_choice(struct mx_walk *walk)
{
    const struct mx_grid *grid = walk->grid;
    size_t                b = walk->block;

    walk->choice += walk->started;
    walk->started = true;
    if (walk->choice == grid->nchosen)
        return false;
    while (grid->chosen[walk->choice] >= grid->blocks[b].first + grid->blocks[b].count)
        b++;
    jump(walk, b, grid->chosen[walk->choice]);
    return true;
}

static bool next_point(struct mx_walk *walk)
{
    const struct mx_grid_block *block = &walk->grid->blocks[walk->block];

    if (!walk->started) {
        walk->started = true;
        jump(walk, 0, 0);
        return true;
    }
    if (walk->number + 1 == walk->grid->count)
        return false;
    if (walk->number + 1 == block->first + block->count) {
        jump(walk, walk->block + 1, walk->number + 1);
        return true;
    }
    walk->number++;
    turn(walk);
    return true;
}

bool mx_walk_next(struct mx_walk *walk)
{
    return walk->grid->chosen ? next_choice(walk) : next_point(walk);
}

uint64_t mx_walk_number(const struct mx_walk *walk)
{
    return walk->number;
}

const struct mx_point *mx_walk_point(const struct mx_walk *walk)
{
    return &walk->point;
}

enum mx_point_fate mx_walk_fate(const struct mx_walk *walk)
{
    if (walk->nrepeats > 0 || mx_grid_earlier_block(walk->grid, walk->block, &walk->point))
        return MX_POINT_FOLDED;
    return mx_grid_excluded(walk->grid, &walk->point) ? MX_POINT_EXCLUDED : MX_POINT_CELL;
}

size_t mx_walk_changed(const struct mx_walk *walk, const enum mx_key_id **keys)
{
    *keys = walk->changed;
    return walk->nchanged;
}
