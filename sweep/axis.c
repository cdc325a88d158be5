#include "sweep/axis.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

struct mx_axis_slot {
    uint64_t hash, index;
};

/* Stafford's variant 13 of the murmur finaliser, as in SplitMix64. */
uint64_t mx_mix64(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t hash_scalar(enum mx_type type, const struct mx_value *value)
{
    uint64_t bits = 0;
    double   real;

    switch (type) {
    case MX_TYPE_REAL:
    case MX_TYPE_DURATION:
        real = value->real == 0 ? 0 : value->real; /* -0 equals 0 */
        memcpy(&bits, &real, sizeof bits);
        return bits;
    case MX_TYPE_INT:
        return (uint64_t)value->integer;
    case MX_TYPE_BOOL:
        return value->boolean;
    case MX_TYPE_CHOICE:
        return value->choice;
    case MX_TYPE_TEXT:
    case MX_TYPE_PATH:
        return value->text && *value->text ? mx_hash64(value->text, strlen(value->text)) : 0;
    case MX_TYPE_LIST:
        break;
    }
    return 0;
}

uint64_t mx_value_hash(enum mx_key_id key, const struct mx_value *value)
{
    const struct mx_key *row = &mx_keys[key];
    uint64_t             hash = mx_mix64((uint64_t)key + 1);

    if (row->type != MX_TYPE_LIST)
        return mx_mix64(hash + hash_scalar(row->type, value));
    hash += value->list.count;
    for (size_t i = 0; i < value->list.count; i++)
        hash = mx_mix64(hash + hash_scalar(row->element, &value->list.items[i]));
    return mx_mix64(hash);
}

static int by_hash(const void *a, const void *b)
{
    const struct mx_axis_slot *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* The first entry equal to *value among those of its hash, or count. */
static uint64_t find_in_list(const struct mx_axis_key *k, const struct mx_value *value)
{
    uint64_t hash = mx_value_hash(k->key, value), low = 0, high = k->values->count;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (k->sorted[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < k->values->count && k->sorted[low].hash == hash; low++)
        if (mx_value_equal(k->key, value, &k->values->list[k->sorted[low].index]))
            return k->sorted[low].index;
    return k->values->count;
}

static double number_of(enum mx_key_id key, const struct mx_value *value)
{
    return mx_keys[key].type == MX_TYPE_INT ? (double)value->integer : value->real;
}

/* The first entry of a range equal to *value, or count. */
static uint64_t find_in_range(const struct mx_axis_key *k, const struct mx_value *value)
{
    const struct mx_axis_values *values = k->values;
    double                       sign = values->to < values->from ? -1 : 1;
    double                       target = number_of(k->key, value);
    uint64_t                     low = 0, high = values->count;
    struct mx_value              at;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        at = mx_axis_value(values, k->key, middle);
        if (sign * (number_of(k->key, &at) - target) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == values->count)
        return low;
    at = mx_axis_value(values, k->key, low);
    return mx_value_equal(k->key, &at, value) ? low : values->count;
}

static uint64_t find_value(const struct mx_axis_key *k, const struct mx_value *value)
{
    return k->sorted ? find_in_list(k, value) : find_in_range(k, value);
}

/* The first entry of a key with the value of entry i. */
static uint64_t first_of(const struct mx_axis_key *k, uint64_t i)
{
    struct mx_value value;

    if (k->first)
        return k->first[i];
    value = mx_axis_value(k->values, k->key, i);
    return find_in_range(k, &value);
}

/* The same as first_of(k, i) == i, without the bisection. */
static bool is_first(const struct mx_axis_key *k, uint64_t i)
{
    struct mx_value here, before;

    if (k->first)
        return k->first[i] == i;
    if (i == 0)
        return true;
    here = mx_axis_value(k->values, k->key, i);
    before = mx_axis_value(k->values, k->key, i - 1);
    return !mx_value_equal(k->key, &here, &before);
}

static int index_list(struct mx_axis_key *k, struct mx_err *err)
{
    uint64_t n = k->values->count;

    k->first = malloc(n * sizeof *k->first);
    k->sorted = malloc(n * sizeof *k->sorted);
    if (!k->first || !k->sorted)
        return mx_fail(err, MX_ENOMEM, "no memory for the values of axis '%s'",
                       mx_keys[k->key].name);
    for (uint64_t i = 0; i < n; i++)
        k->sorted[i] = (struct mx_axis_slot){mx_value_hash(k->key, &k->values->list[i]), i};
    qsort(k->sorted, n, sizeof *k->sorted, by_hash);
    for (uint64_t i = 0; i < n; i++)
        k->first[i] = find_in_list(k, &k->values->list[i]);
    return 0;
}

int mx_axis_index_init(struct mx_axis_index *index, const struct mx_axis *axis, struct mx_err *err)
{
    *index = (struct mx_axis_index){.count = axis->count};
    if (!(index->keys = calloc(axis->nkeys, sizeof *index->keys)))
        return mx_fail(err, MX_ENOMEM, "no memory for an axis of %zu keys", axis->nkeys);
    for (size_t i = 0; i < axis->nkeys; i++) {
        struct mx_axis_key *k = &index->keys[index->nkeys++];

        k->key = axis->keys[i];
        k->values = &axis->values[i];
        if (k->values->form == MX_AXIS_LIST && index_list(k, err))
            return -1;
    }
    return 0;
}

void mx_axis_index_free(struct mx_axis_index *index)
{
    for (size_t i = 0; i < index->nkeys; i++) {
        free(index->keys[i].first);
        free(index->keys[i].sorted);
    }
    free(index->keys);
    *index = (struct mx_axis_index){0};
}

static bool agree(const struct mx_axis_index *index, uint64_t i, uint64_t j,
                  const bool used[KEY_COUNT])
{
    for (size_t n = 0; n < index->nkeys; n++)
        if (used[index->keys[n].key] &&
            first_of(&index->keys[n], i) != first_of(&index->keys[n], j))
            return false;
    return true;
}

bool mx_axis_index_first(const struct mx_axis_index *index, uint64_t i, const bool used[KEY_COUNT])
{
    uint64_t earliest = 0; /* no entry before it can agree with i on all used keys */

    if (index->nkeys == 1)
        return used[index->keys[0].key] ? is_first(&index->keys[0], i) : i == 0;
    for (size_t n = 0; n < index->nkeys; n++)
        if (used[index->keys[n].key]) {
            uint64_t first = first_of(&index->keys[n], i);

            earliest = first > earliest ? first : earliest;
        }
    for (; earliest < i; earliest++)
        if (agree(index, earliest, i, used))
            return false;
    return true;
}

/* True if entry i agrees with value[] on every used key. */
static bool entry_is(const struct mx_axis_index *index, uint64_t i,
                     const struct mx_value value[KEY_COUNT], const bool used[KEY_COUNT])
{
    for (size_t n = 0; n < index->nkeys; n++) {
        const struct mx_axis_key *k = &index->keys[n];
        struct mx_value           own;

        if (!used[k->key])
            continue;
        own = mx_axis_value(k->values, k->key, i);
        if (!mx_value_equal(k->key, &own, &value[k->key]))
            return false;
    }
    return true;
}

bool mx_axis_index_contains(const struct mx_axis_index *index,
                            const struct mx_value value[KEY_COUNT], const bool used[KEY_COUNT])
{
    uint64_t earliest = 0;

    for (size_t n = 0; n < index->nkeys; n++) {
        const struct mx_axis_key *k = &index->keys[n];
        uint64_t                  first = used[k->key] ? find_value(k, &value[k->key]) : 0;

        if (first == index->count)
            return false;
        earliest = first > earliest ? first : earliest;
    }
    if (index->nkeys == 1)
        return true;
    for (; earliest < index->count; earliest++)
        if (entry_is(index, earliest, value, used))
            return true;
    return false;
}
