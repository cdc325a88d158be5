#include "sweep/plan_index.h"

#include <stdlib.h>

/* The slot that holds the key, or the free one where it would go. Of other entries mostly
 * the tag says so, and their keys are left alone. */
static struct mx_plan_slot *slot_of(const struct mx_plan_index *index, struct mx_hash128 key)
{
    const uint32_t tag = (uint32_t)key.low;
    size_t         at = tag & (index->room - 1);

    for (; index->slots[at].number; at = (at + 1) & (index->room - 1)) {
        struct mx_hash128 there;

        if (index->slots[at].tag != tag)
            continue;
        there = index->key_of(index->user, index->slots[at].number - 1);
        if (there.low == key.low && there.high == key.high)
            break;
    }
    return &index->slots[at];
}

bool mx_plan_index_find(const struct mx_plan_index *index, struct mx_hash128 key, uint32_t *number)
{
    const struct mx_plan_slot *slot;

    if (index->room == 0)
        return false;
    slot = slot_of(index, key);
    if (slot->number)
        *number = slot->number - 1;
    return slot->number != 0;
}

/* The first free slot for a tag. */
static struct mx_plan_slot *free_slot(struct mx_plan_slot *slots, size_t room, uint32_t tag)
{
    size_t at = tag & (room - 1);

    while (slots[at].number)
        at = (at + 1) & (room - 1);
    return &slots[at];
}

static int grow(struct mx_plan_index *index, struct mx_err *err)
{
    size_t               old_room = index->room, room = old_room ? 2 * old_room : 64;
    struct mx_plan_slot *old = index->slots, *slots = calloc(room, sizeof *slots);

    if (!slots)
        return mx_fail(err, MX_ENOMEM, "no memory for a plan of %zu entries", index->count);
    for (size_t i = 0; i < old_room; i++)
        if (old[i].number)
            *free_slot(slots, room, old[i].tag) = old[i];
    free(old);
    index->slots = slots;
    index->room = room;
    return 0;
}

int mx_plan_index_add(struct mx_plan_index *index, uint32_t number, struct mx_err *err)
{
    uint32_t tag;

    if (4 * (index->count + 1) > 3 * index->room && grow(index, err))
        return -1;
    tag = (uint32_t)index->key_of(index->user, number).low;
    *free_slot(index->slots, index->room, tag) = (struct mx_plan_slot){number + 1, tag};
    index->count++;
    return 0;
}

void mx_plan_index_free(struct mx_plan_index *index)
{
    free(index->slots);
    index->slots = NULL;
    index->room = index->count = 0;
}
