#include <stdlib.h>
#include <string.h>

#include "sweep/config_reader.h"

/* Take key k out of an axis, whose other keys stay zipped. */
static void shrink_axis(struct mx_axis_draft *axis, size_t k)
{
    size_t rest = axis->nkeys - k - 1;

    memmove(axis->keys + k, axis->keys + k + 1, rest * sizeof *axis->keys);
    memmove(axis->values + k, axis->values + k + 1, rest * sizeof *axis->values);
    memmove(axis->places + k, axis->places + k + 1, rest * sizeof *axis->places);
    axis->nkeys--;
}

static int by_number(const void *pa, const void *pb)
{
    uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

    return (a > b) - (a < b);
}

/* Without one of its keys a zip may hold equal tuples: keep the first of each. */
static void merge_tuples(const struct mx_reader *reader, struct mx_axis_draft *axis)
{
    uint64_t *kept = mx_arena_alloc(reader->values.arena, axis->count, sizeof *kept), n = 0;

    if (!kept)
        return;
    for (uint64_t i = 0; i < axis->count; i++)
        kept[i] = i;
    qsort_r(kept, axis->count, sizeof *kept, mx_reader_compare_tuples, axis);
    for (uint64_t i = 0; i < axis->count; i++)
        if (n == 0 || mx_reader_compare_tuples(&kept[n - 1], &kept[i], axis) != 0)
            kept[n++] = kept[i];
        else if (kept[i] < kept[n - 1])
            kept[n - 1] = kept[i];
    qsort(kept, n, sizeof *kept, by_number);
    for (size_t k = 0; n < axis->count && k < axis->nkeys; k++) {
        struct mx_value *list = mx_arena_alloc(reader->values.arena, n, sizeof *list);

        for (uint64_t i = 0; list && i < n; i++)
            list[i] = mx_axis_value(&axis->values[k], axis->keys[k], kept[i]);
        axis->values[k] = (struct mx_axis_values){.form = MX_AXIS_LIST, .list = list, .count = n};
    }
    axis->count = n;
}

void mx_reader_drop_axis(struct mx_reader *reader, enum mx_key_id key)
{
    for (size_t b = 0; b < reader->nblocks; b++) {
        struct mx_block_draft *block = &reader->blocks[b];

        for (size_t a = block->naxes; a-- > 0;) {
            struct mx_axis_draft *axis = &block->axes[a];
            size_t                nkeys = axis->nkeys;

            for (size_t k = nkeys; k-- > 0;)
                if (axis->keys[k] == key)
                    shrink_axis(axis, k);
            if (axis->nkeys == 0) {
                block->naxes--;
                memmove(axis, axis + 1, (block->naxes - a) * sizeof *axis);
            } else if (axis->nkeys < nkeys) {
                merge_tuples(reader, axis);
            }
        }
    }
}

/* A new last axis of a block, or the place of the key's own axis. */
static void put_axis(struct mx_reader *reader, struct mx_block_draft *block, enum mx_key_id key,
                     const struct mx_axis_values *values, struct mx_place place)
{
    struct mx_axis_draft *axes, *axis;
    size_t                at = 0;

    while (at < block->naxes && !(block->axes[at].nkeys == 1 && block->axes[at].keys[0] == key))
        at++;
    axes = mx_arena_alloc(reader->values.arena, block->naxes + 1, sizeof *axes);
    if (!axes)
        return;
    for (size_t a = 0; a < block->naxes; a++)
        axes[a] = block->axes[a];
    axis = &axes[at];
    if (!mx_reader_axis_alloc(reader, axis, 1))
        return;
    *axis->keys = key;
    *axis->values = *values;
    *axis->places = place;
    axis->nkeys = 1;
    axis->count = values->count;
    block->axes = axes;
    block->naxes += at == block->naxes;
}

void mx_reader_set_axis(struct mx_reader *reader, enum mx_key_id key, const struct mx_node *node)
{
    struct mx_axis_values values = {0};

    if (!mx_reader_axis_values(reader, key, node, true, &values)) {
        reader->broken[key] = true;
        return;
    }
    if (reader->nblocks == 0) {
        reader->blocks = mx_arena_alloc(reader->values.arena, 1, sizeof *reader->blocks);
        if (!reader->blocks)
            return;
        reader->nblocks = 1;
    }
    for (size_t b = 0; b < reader->nblocks; b++) {
        struct mx_block_draft *block = &reader->blocks[b];

        for (size_t a = 0; a < block->naxes; a++)
            for (size_t k = 0; k < block->axes[a].nkeys; k++)
                if (block->axes[a].nkeys > 1 && block->axes[a].keys[k] == key) {
                    mx_error_at(reader->values.messages, node->place,
                                "%s is part of a zip and cannot be replaced alone",
                                mx_keys[key].name);
                    return;
                }
        put_axis(reader, block, key, &values, node->place);
    }
    reader->attempted[key] = true;
}
