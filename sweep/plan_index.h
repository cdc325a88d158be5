/* plan_index.h - which entry of a plan has a key: a hash table of numbers.
 *
 * The keys stay where they are; the table asks for them by number.
 */
#ifndef MX_SWEEP_PLAN_INDEX_H
#define MX_SWEEP_PLAN_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"

struct mx_plan_slot {
    uint32_t number; /* of the entry + 1, 0 = free */
    uint32_t tag;    /* the low bits of its key */
};

/* Empty with only the first two members set. */
struct mx_plan_index {
    struct mx_hash128 (*key_of)(const void *user, uint32_t number);
    const void          *user;
    struct mx_plan_slot *slots; /* open addressing */
    size_t               room;  /* 0 or a power of two */
    size_t               count;
};

/* True, and the entry's number in *number, if there is one with this key. */
bool mx_plan_index_find(const struct mx_plan_index *index, struct mx_hash128 key, uint32_t *number);

/* Add an entry whose key is not in the index yet. Returns 0, or -1 with
 * MX_ENOMEM. */
int mx_plan_index_add(struct mx_plan_index *index, uint32_t number, struct mx_err *err);

void mx_plan_index_free(struct mx_plan_index *index);

#endif
