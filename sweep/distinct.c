#include "sweep/distinct.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

enum {
    REGISTER_BITS = 14,
    REGISTERS = 1 << REGISTER_BITS,
    FIRST_ROOM = 1 << 8,
};

struct mx_distinct {
    uint64_t  limit;
    uint64_t  count; /* in the table, key 0 included */
    uint64_t  room;  /* of the table, a power of two */
    uint64_t *table; /* open addressing, 0 = free; NULL once the limit is passed */
    bool      zero;  /* key 0 was taken */
    uint8_t   registers[REGISTERS];
};

struct mx_distinct *mx_distinct_new(uint64_t limit, struct mx_err *err)
{
    struct mx_distinct *distinct = calloc(1, sizeof *distinct);

    if (distinct && (distinct->table = calloc(FIRST_ROOM, sizeof *distinct->table))) {
        distinct->limit = limit;
        distinct->room = FIRST_ROOM;
        return distinct;
    }
    mx_fail(err, MX_ENOMEM, "no memory to count stages");
    mx_distinct_free(distinct);
    return NULL;
}

void mx_distinct_free(struct mx_distinct *distinct)
{
    if (!distinct)
        return;
    free(distinct->table);
    free(distinct);
}

/* A register holds the longest run of leading zeros, plus one, among the
 * hashes that fall to it. */
static void note(struct mx_distinct *distinct, uint64_t hash)
{
    uint64_t rest = hash << REGISTER_BITS;
    unsigned run = rest ? (unsigned)__builtin_clzll(rest) + 1 : 64 - REGISTER_BITS + 1;
    uint8_t *cell = &distinct->registers[hash >> (64 - REGISTER_BITS)];

    if (run > *cell)
        *cell = (uint8_t)run;
}

/* The place of a key in the table, or the free one where it would go. */
static uint64_t *place(uint64_t *table, uint64_t room, uint64_t hash)
{
    uint64_t at = hash & (room - 1);

    while (table[at] && table[at] != hash)
        at = (at + 1) & (room - 1);
    return &table[at];
}

static int grow(struct mx_distinct *distinct, struct mx_err *err)
{
    uint64_t  room = 2 * distinct->room;
    uint64_t *table = calloc(room, sizeof *table);

    if (!table)
        return mx_fail(err, MX_ENOMEM, "no memory to count stages");
    for (uint64_t i = 0; i < distinct->room; i++)
        if (distinct->table[i])
            *place(table, room, distinct->table[i]) = distinct->table[i];
    free(distinct->table);
    distinct->table = table;
    distinct->room = room;
    return 0;
}

static void stop_being_exact(struct mx_distinct *distinct)
{
    for (uint64_t i = 0; i < distinct->room; i++)
        if (distinct->table[i])
            note(distinct, distinct->table[i]);
    if (distinct->zero)
        note(distinct, 0);
    free(distinct->table);
    distinct->table = NULL;
}

int mx_distinct_add(struct mx_distinct *distinct, uint64_t hash, struct mx_err *err)
{
    uint64_t *at;

    if (!distinct->table) {
        note(distinct, hash);
        return 0;
    }
    at = place(distinct->table, distinct->room, hash);
    if (hash ? *at != 0 : distinct->zero)
        return 0;
    if (distinct->count == distinct->limit) {
        stop_being_exact(distinct);
        note(distinct, hash);
        return 0;
    }
    if (4 * (distinct->count + 1) > 3 * distinct->room) {
        if (grow(distinct, err))
            return -1;
        at = place(distinct->table, distinct->room, hash);
    }
    if (hash)
        *at = hash;
    else
        distinct->zero = true;
    distinct->count++;
    return 1;
}

/* The published estimate with its correction for few keys. The one for many
 * keys is about 32-bit hashes that run into each other; 64-bit ones do not. */
static double estimate(const struct mx_distinct *distinct)
{
    double   m = REGISTERS, sum = 0, raw;
    unsigned empty = 0;

    for (unsigned i = 0; i < REGISTERS; i++) {
        sum += ldexp(1, -(int)distinct->registers[i]);
        empty += distinct->registers[i] == 0;
    }
    raw = 0.7213 / (1 + 1.079 / m) * m * m / sum;
    return raw <= 2.5 * m && empty ? m * log(m / empty) : raw;
}

uint64_t mx_distinct_count(const struct mx_distinct *distinct)
{
    return distinct->table ? distinct->count : (uint64_t)llround(estimate(distinct));
}

bool mx_distinct_estimated(const struct mx_distinct *distinct)
{
    return !distinct->table;
}
