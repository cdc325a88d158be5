#include <stdlib.h>
#include <string.h>

#include "sweep/config_reader.h"

/* A list of values; `distinct` refuses equal ones. */
static bool read_list(const struct mx_reader *reader, enum mx_key_id key,
                      const struct mx_node *node, bool distinct, struct mx_axis_values *values)
{
    struct mx_value *list;
    bool             good = true;
    size_t           n = 0;

    if (node->count == 0) {
        mx_error_at(reader->values.messages, node->place, "axis %s has no values",
                    mx_keys[key].name);
        return false;
    }
    if (!(list = mx_arena_alloc(reader->values.arena, node->count, sizeof *list)))
        return false;
    for (const struct mx_node *item = node->first; item; item = item->next, n++)
        good &= mx_value_read(&reader->values, key, item, &list[n]) &&
                mx_value_check_built(&reader->values, key, &list[n], &reader->defaults[key], item);
    if (!good ||
        (distinct && !mx_values_distinct(&reader->values, key, mx_keys[key].type, list, node)))
        return false;
    values->form = MX_AXIS_LIST;
    values->list = list;
    values->count = n;
    return true;
}

bool mx_reader_axis_values(const struct mx_reader *reader, enum mx_key_id key,
                           const struct mx_node *node, bool distinct, struct mx_axis_values *values)
{
    const struct mx_key *row = &mx_keys[key];
    char                 shown[MX_SHOWN_SIZE];

    if (node->kind == MX_NODE_LIST)
        return read_list(reader, key, node, distinct, values);
    if (node->kind == MX_NODE_SCALAR) {
        mx_error_at(reader->values.messages, node->place,
                    "axis %s takes a list or a range (write [%s], or set %s outside grid)",
                    row->name, mx_shown(node->text, shown), row->name);
        return false;
    }
    if (!mx_reader_range(reader, key, node, values))
        return false;
    if (!row->built)
        mx_error_at(reader->values.messages, node->place, "%s is not built yet in this version",
                    row->name);
    return row->built;
}

enum mx_key_id mx_reader_sweepable(const struct mx_reader *reader, const struct mx_node *entry,
                                   const char *what)
{
    enum mx_key_id key = mx_key_find(entry->key->text);

    if (key == KEY_COUNT) {
        mx_reader_unknown_key(reader, entry->key->place, entry->key->text, entry->key->text);
        return KEY_COUNT;
    }
    if (mx_key_sweepable(key))
        return key;
    mx_error_at(reader->values.messages, entry->key->place,
                "%s cannot be %s (only keys of data, model, train, mix and head can)",
                mx_keys[key].name, what);
    return KEY_COUNT;
}

const struct mx_axis_values *mx_reader_axis(const struct mx_block_draft *block, enum mx_key_id key,
                                            struct mx_place *place)
{
    for (size_t a = 0; a < block->naxes; a++)
        for (size_t k = 0; k < block->axes[a].nkeys; k++)
            if (block->axes[a].keys[k] == key) {
                if (place)
                    *place = block->axes[a].places[k];
                return &block->axes[a].values[k];
            }
    return NULL;
}

bool mx_reader_axis_alloc(const struct mx_reader *reader, struct mx_axis_draft *axis, size_t nkeys)
{
    struct mx_arena *arena = reader->values.arena;

    *axis = (struct mx_axis_draft){0};
    axis->keys = mx_arena_alloc(arena, nkeys, sizeof *axis->keys);
    axis->values = mx_arena_alloc(arena, nkeys, sizeof *axis->values);
    axis->places = mx_arena_alloc(arena, nkeys, sizeof *axis->places);
    return axis->keys && axis->values && axis->places;
}

/* Add one key to an axis under construction. */
static bool add_key(struct mx_reader *reader, const struct mx_block_draft *block,
                    struct mx_axis_draft *axis, const struct mx_node *entry, bool zipped)
{
    enum mx_key_id  key = mx_reader_sweepable(reader, entry, "an axis");
    struct mx_place first;

    if (key == KEY_COUNT)
        return false;
    if (mx_reader_axis(block, key, &first)) {
        mx_error_at(reader->values.messages, entry->key->place,
                    "%s is an axis twice, first at line %u", mx_keys[key].name, first.line);
        return false;
    }
    if (!mx_reader_axis_values(reader, key, entry, !zipped, &axis->values[axis->nkeys])) {
        reader->broken[key] = true;
        return false;
    }
    axis->keys[axis->nkeys] = key;
    axis->places[axis->nkeys] = entry->key->place;
    axis->nkeys++;
    return true;
}

static void read_axis(struct mx_reader *reader, struct mx_block_draft *block,
                      const struct mx_node *entry)
{
    struct mx_axis_draft *axis = &block->axes[block->naxes];

    if (!mx_reader_axis_alloc(reader, axis, 1) || !add_key(reader, block, axis, entry, false))
        return;
    axis->count = axis->values[0].count;
    block->naxes++;
}

int mx_reader_compare_tuples(const void *pa, const void *pb, void *of)
{
    const struct mx_axis_draft *axis = of;
    uint64_t                    a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

    for (size_t k = 0; k < axis->nkeys; k++) {
        struct mx_value va = mx_axis_value(&axis->values[k], axis->keys[k], a);
        struct mx_value vb = mx_axis_value(&axis->values[k], axis->keys[k], b);
        int             sign = mx_value_compare(axis->keys[k], &va, &vb);

        if (sign)
            return sign;
    }
    return 0;
}

/* Lists of one length whose tuples are all different. */
static bool check_zip(const struct mx_reader *reader, const struct mx_node *zip,
                      struct mx_axis_draft *axis)
{
    struct mx_messages *messages = reader->values.messages;
    uint64_t           *tuples, n = axis->values[0].count;

    for (size_t k = 1; k < axis->nkeys; k++)
        if (axis->values[k].count != n) {
            mx_error_at(messages, axis->places[k],
                        "zip: %s has %llu value%s and %s has %llu (give them equally many)",
                        mx_keys[axis->keys[k]].name, (unsigned long long)axis->values[k].count,
                        axis->values[k].count == 1 ? "" : "s", mx_keys[axis->keys[0]].name,
                        (unsigned long long)n);
            return false;
        }
    if (n > MX_YAML_MAX_NODES) {
        mx_error_at(messages, zip->place, "zip: more than %d tuples", MX_YAML_MAX_NODES);
        return false;
    }
    if (!(tuples = mx_arena_alloc(reader->values.arena, n, sizeof *tuples)))
        return false;
    for (uint64_t i = 0; i < n; i++)
        tuples[i] = i;
    qsort_r(tuples, n, sizeof *tuples, mx_reader_compare_tuples, axis);
    for (uint64_t i = 1; i < n; i++)
        if (mx_reader_compare_tuples(&tuples[i - 1], &tuples[i], axis) == 0) {
            uint64_t a = tuples[i - 1] + 1, b = tuples[i] + 1;

            mx_error_at(messages, zip->place, "zip: tuples %llu and %llu are equal",
                        (unsigned long long)(a < b ? a : b), (unsigned long long)(a < b ? b : a));
            return false;
        }
    return true;
}

/* zip: {k1: [..], k2: [..]}, one axis of tuples. */
static void read_zip(struct mx_reader *reader, struct mx_block_draft *block,
                     const struct mx_node *zip)
{
    struct mx_axis_draft *axis = &block->axes[block->naxes];
    bool                  good = true;

    if (zip->kind != MX_NODE_MAP || zip->count == 0) {
        mx_error_at(reader->values.messages, zip->place,
                    "zip takes a mapping of keys to lists of one length");
        return;
    }
    if (!mx_reader_axis_alloc(reader, axis, zip->count))
        return;
    for (const struct mx_node *entry = zip->first; entry; entry = entry->next)
        good &= add_key(reader, block, axis, entry, true);
    good = good && check_zip(reader, zip, axis);
    for (size_t k = 0; !good && k < axis->nkeys; k++)
        reader->broken[axis->keys[k]] = true;
    if (!good)
        return;
    axis->count = axis->values[0].count;
    block->naxes++;
}

/* `what` is grid, or a block of grids. {} is a block of one point. */
static void read_block(struct mx_reader *reader, const struct mx_node *node, const char *what)
{
    struct mx_block_draft *block = &reader->blocks[reader->nblocks++];

    block->place = node->place;
    if (node->kind != MX_NODE_MAP) {
        mx_error_at(reader->values.messages, node->place,
                    "%s takes a mapping of keys to lists or ranges", what);
        return;
    }
    if (!(block->axes = mx_arena_alloc(reader->values.arena, node->count, sizeof *block->axes)))
        return;
    for (const struct mx_node *entry = node->first; entry; entry = entry->next)
        if (strcmp(entry->key->text, "zip") == 0)
            read_zip(reader, block, entry);
        else
            read_axis(reader, block, entry);
}

/* A key with a value in its section that every block sweeps: the value would
 * never count. */
static void check_places(const struct mx_reader *reader)
{
    for (size_t k = 0; k < KEY_COUNT; k++) {
        struct mx_place place = {0, 0, 0};
        size_t          swept = 0;

        for (size_t b = 0; reader->attempted[k] && b < reader->nblocks; b++)
            swept += mx_reader_axis(&reader->blocks[b], (enum mx_key_id)k, &place) != NULL;
        if (swept > 0 && swept == reader->nblocks)
            mx_error_at(reader->values.messages, place,
                        "%s is an axis here and has a value at line %u (remove one of them)",
                        mx_keys[k].name, reader->places[k].line);
    }
}

void mx_reader_grid(struct mx_reader *reader, const struct mx_node *grid)
{
    if (!(reader->blocks = mx_arena_alloc(reader->values.arena, 1, sizeof *reader->blocks)))
        return;
    read_block(reader, grid, "grid");
    check_places(reader);
}

void mx_reader_grids(struct mx_reader *reader, const struct mx_node *grids)
{
    if (grids->kind != MX_NODE_LIST || grids->count == 0) {
        mx_error_at(reader->values.messages, grids->place, "grids takes a list of grid blocks");
        return;
    }
    reader->blocks = mx_arena_alloc(reader->values.arena, grids->count, sizeof *reader->blocks);
    if (!reader->blocks)
        return;
    for (const struct mx_node *node = grids->first; node; node = node->next)
        read_block(reader, node, "a block of grids");
    check_places(reader);
}

void mx_reader_settle_defaults(struct mx_reader *reader)
{
    struct mx_config *config = reader->config;

    for (size_t s = 0; s < reader->specials.n; s++) {
        const struct mx_special *special = &reader->specials.key[s];
        bool                     varies = false;

        for (size_t b = 0; b < reader->nblocks; b++)
            varies |= mx_reader_axis(&reader->blocks[b], mx_keys[special->key].other_when.key,
                                     NULL) != NULL;
        if (!varies && !config->given[special->key] && mx_special_holds(special, config->base))
            config->base[special->key] = special->other;
    }
}
