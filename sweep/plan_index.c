#include "sweep/plan_index.h"

#include <stdlib.h>

/* The slot that holds the key, or the free one where it would go. */
static uint32_t *slot_of(const struct mx_plan_index *index, struct mx_hash128 key)
{
    size_t at = key.low & (index->room - 1);

    while (index->slots[at]) {
        struct mx_hash128 there = index->key_of(index->user, index->slots[at] - 1);

        if (there.low == key.low && there.high == key.high)
            break;
        at = (at + 1) & (index->room - 1);
    }
    return &index->slots[at];
}

bool mx_plan_index_find(const struct mx_plan_index *index, struct mx_hash128 key, uint32_t *number)
{
    const uint32_t *slot;

    if (index->room == 0)
        return false;
    slot = slot_of(index, key);
    if (*slot)
        *number = *slot - 1;
    return *slot != 0;
}

static int grow(struct mx_plan_index *index, struct mx_err *err)
{
    size_t    old_room = index->room, room = old_room ? 2 * old_room : 64;
    uint32_t *old = index->slots, *slots = calloc(room, sizeof *slots);

    if (!slots)
        return mx_fail(err, MX_ENOMEM, "no memory for a plan of %zu entries", index->count);
    index->slots = slots;
    index->room = room;
    for (size_t i = 0; i < old_room; i++)
        if (old[i])
            *slot_of(index, index->key_of(index->user, old[i] - 1)) = old[i];
    free(old);
    return 0;
}

int mx_plan_index_add(struct mx_plan_index *index, uint32_t number, struct mx_err *err)
{
    if (4 * (index->count + 1) > 3 * index->room && grow(index, err))
        return -1;
    *slot_of(index, index->key_of(index->user, number)) = number + 1;
    index->count++;
    return 0;
}

void mx_plan_index_free(struct mx_plan_index *index)
{
    free(index->slots);
    index->slots = NULL;
    index->room = index->count = 0;
}
