/* axis.h - one axis of a grid block, prepared for questions about equality.
 *
 * Folding asks which entry of an axis is the first to stand for a value, and
 * whether an axis can take a value at all. Lists are sorted by hash once;
 * ranges are monotone and answer by bisection, so they are never written out.
 */
#ifndef MX_SWEEP_AXIS_H
#define MX_SWEEP_AXIS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sweep/config.h"

/* One key's values. The arrays are NULL for ranges. */
struct mx_axis_key {
    enum mx_key_id               key;
    const struct mx_axis_values *values; /* lent */
    uint64_t                    *first;  /* (count) first index with an equal value */
    struct mx_axis_slot         *sorted; /* (count) by hash, then index */
};

/* An axis: a key, or the keys of a zip. */
struct mx_axis_index {
    uint64_t            count;
    size_t              nkeys;
    struct mx_axis_key *keys; /* (nkeys) */
};

/* Prepare an axis, which must outlive the index. Returns 0; or -1 with
 * MX_ENOMEM and an index that may still be freed. */
int mx_axis_index_init(struct mx_axis_index *index, const struct mx_axis *axis, struct mx_err *err);
void mx_axis_index_free(struct mx_axis_index *index);

/* True if entry i is the first of those that agree with it on every used key
 * of the axis; all entries agree if none is used. */
bool mx_axis_index_first(const struct mx_axis_index *index, uint64_t i, const bool used[KEY_COUNT]);

/* True if some entry agrees with value[] on every used key of the axis. */
bool mx_axis_index_contains(const struct mx_axis_index *index,
                            const struct mx_value value[KEY_COUNT], const bool used[KEY_COUNT]);

/* A bijection that spreads every bit over all others. */
uint64_t mx_mix64(uint64_t x);

/* A hash of a key and its value, equal for values that are equal. */
uint64_t mx_value_hash(enum mx_key_id key, const struct mx_value *value);

#endif
