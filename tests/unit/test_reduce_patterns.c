/* A table as words that are added up: what a library does to them, an ordinary loop does here. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "reduce/patterns.h"
#include "reduce/slots.h"

enum {
    MEMBERS = 5,
};

static struct reduce_slots *new_slots(void)
{
    struct reduce_slots *slots = reduce_slots_new(NULL);

    cr_assert_not_null(slots);
    return slots;
}

static void set(struct reduce_slots *slots, uint64_t slot, uint64_t bits)
{
    cr_assert_eq(reduce_slots_set(slots, slot, bits, NULL), 0);
}

/* The sum of the members' pieces, piece by piece, into sum. The first failure is returned. */
static int sum_all(struct reduce_slots *const *members, unsigned count, uint64_t nslots,
                   struct reduce_slots *sum, struct mx_err *err)
{
    const size_t words = reduce_piece_words(REDUCE_PIECE_SLOTS);
    uint64_t    *own = malloc(words * sizeof *own), *all = malloc(words * sizeof *all);
    int          rc = 0;

    cr_assert(own && all);
    for (uint64_t first = 0; first < nslots && rc == 0; first += REDUCE_PIECE_SLOTS) {
        const uint64_t left = nslots - first;
        const size_t   n = (size_t)(left < REDUCE_PIECE_SLOTS ? left : REDUCE_PIECE_SLOTS);

        memset(all, 0, words * sizeof *all);
        for (unsigned m = 0; m < count; m++) {
            reduce_piece_fill(members[m], first, n, own);
            for (size_t k = 0; k < reduce_piece_words(n); k++)
                all[k] += own[k];
        }
        rc = reduce_piece_take(all, first, n, sum, err);
    }
    free(own);
    free(all);
    return rc;
}

/* Slots dealt out at random, with every pattern of bits that a sum of numbers could spoil. */
static void deal(struct reduce_slots **members, struct reduce_slots *all, uint64_t nslots,
                 unsigned one_in)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(5, 0, MX_PURPOSE_ORDER, 0), 0, 0, 0);

    for (uint64_t slot = 0; slot < nslots; slot++) {
        uint64_t bits = (uint64_t)mx_rng_u32(&rng) << 32 | mx_rng_u32(&rng);

        if (mx_rng_u32(&rng) % one_in != 0)
            continue;
        if (slot % 3 == 0)
            bits = slot % 2 ? UINT64_MAX : 0; /* NaN of all ones; zero, which is there as well */
        set(members[mx_rng_u32(&rng) % MEMBERS], slot, bits);
        set(all, slot, bits);
    }
}

static void check_table(uint64_t nslots, unsigned one_in)
{
    struct reduce_slots *members[MEMBERS], *all = new_slots(), *sum = new_slots();
    struct mx_err        err = {0};
    uint64_t             slot = 0;

    for (unsigned m = 0; m < MEMBERS; m++)
        members[m] = new_slots();
    deal(members, all, nslots, one_in);
    cr_assert_eq(sum_all(members, MEMBERS, nslots, sum, &err), 0, "%s", err.text);
    cr_expect_not(reduce_slots_differ(sum, all, &slot), "%llu slots: slot %llu",
                  (unsigned long long)nslots, (unsigned long long)slot);
    for (unsigned m = 0; m < MEMBERS; m++)
        reduce_slots_free(members[m]);
    reduce_slots_free(all);
    reduce_slots_free(sum);
}

Test(patterns, are_summed_to_what_was_contributed_bit_for_bit)
{
    for (uint64_t nslots = 1; nslots <= 200; nslots++)
        check_table(nslots, 2);
    check_table(5000, 1);
    check_table(REDUCE_PIECE_SLOTS, 50);
    check_table(REDUCE_PIECE_SLOTS + 1, 50);
    check_table(2 * REDUCE_PIECE_SLOTS + 77, 1000);
}

/* The sum of two masks that share a slot looks like the mask of another one. */
Test(patterns, tell_that_a_slot_was_contributed_twice)
{
    static const uint64_t slots[] = {0, 63, 64, 199};

    for (size_t k = 0; k < sizeof slots / sizeof slots[0]; k++) {
        struct reduce_slots *members[] = {new_slots(), new_slots(), new_slots()};
        struct reduce_slots *sum = new_slots();
        struct mx_err        err = {0};

        for (unsigned m = 0; m < 3; m++)
            set(members[m], 100 + m, m);
        set(members[0], slots[k], 5);
        set(members[2], slots[k], 5);
        cr_expect_eq(sum_all(members, 3, 200, sum, &err), -1);
        cr_expect_eq(err.code, MX_EINTERNAL);
        /* The carry of bit 63 is lost. */
        cr_expect_str_eq(err.text,
                         slots[k] == 63
                             ? "of slots 0 to 199 of the result table some were contributed "
                               "twice: 5 contributions to 3 slots"
                             : "of slots 0 to 199 of the result table some were contributed "
                               "twice: 5 contributions to 4 slots");
        for (unsigned m = 0; m < 3; m++)
            reduce_slots_free(members[m]);
        reduce_slots_free(sum);
    }
}

Test(patterns, leave_out_what_lies_beyond_the_table)
{
    struct reduce_slots *slots = new_slots(), *sum = new_slots();
    uint64_t             words[128] = {0};

    set(slots, 69, 1);
    set(slots, 70, 2);
    words[reduce_piece_words(70)] = 77;
    reduce_piece_fill(slots, 0, 70, words);
    cr_expect_eq(words[reduce_piece_words(70)], 77);
    cr_assert_eq(reduce_piece_take(words, 0, 70, sum, NULL), 0);
    cr_expect_eq(reduce_slots_count(sum), 1);
    cr_expect(reduce_slots_get(sum, 69, &words[0]));
    reduce_slots_free(slots);
    reduce_slots_free(sum);
}

Test(patterns, travel_as_messages_of_a_bounded_size_and_come_back)
{
    const uint64_t       nslots = 300000;
    struct reduce_slots *sum = new_slots(), *got = new_slots();
    struct mx_buf        part = {0};
    struct mx_err        err = {0};
    uint64_t             block = 0, slot = 0;
    unsigned             parts = 0;
    int                  rc = 1;

    for (uint64_t s = 0; s < nslots; s += s < 9000 ? 1 : 1017)
        set(sum, s, ~s);
    for (; rc > 0; parts++) {
        mx_buf_clear(&part);
        rc = reduce_sum_emit(sum, nslots, 9, &block, 20000, &part, &err);
        cr_assert(rc >= 0, "%s", err.text);
        cr_expect_lt(part.len, 60000);
        cr_assert_eq(reduce_sum_take(part.data, part.len, nslots, 8, got, &err), 0);
        cr_assert_eq(reduce_slots_count(got) == 0, parts == 0, "another round's");
        cr_assert_eq(reduce_sum_take(part.data, part.len, nslots, 9, got, &err), 0);
    }
    cr_expect_gt(parts, 2);
    cr_expect_not(reduce_slots_differ(sum, got, &slot), "slot %llu", (unsigned long long)slot);
    mx_buf_free(&part);
    reduce_slots_free(sum);
    reduce_slots_free(got);
}

Test(patterns, refuse_messages_that_are_cut)
{
    struct reduce_slots *sum = new_slots(), *got = new_slots();
    struct mx_buf        part = {0};
    struct mx_err        err = {0};
    uint64_t             block = 0;

    set(sum, 5, 6);
    cr_assert_eq(reduce_sum_emit(sum, 100, 1, &block, 20000, &part, &err), 0);
    for (size_t len = 1; len < part.len; len++) {
        cr_expect_eq(reduce_sum_take(part.data, len, 100, 1, got, &err), -1, "%zu bytes", len);
        cr_expect_eq(err.code, MX_EINTERNAL);
    }
    cr_expect_eq(reduce_slots_count(got), 0);
    mx_buf_free(&part);
    reduce_slots_free(sum);
    reduce_slots_free(got);
}

Test(patterns, of_two_tables_are_joined_unless_they_share_a_slot)
{
    struct reduce_slots *a = new_slots(), *b = new_slots();
    struct mx_err        err = {0};
    uint64_t             bits;

    set(a, 1, 10);
    set(a, 130, 11);
    set(b, 0, 12);
    set(b, 2, 13);
    set(b, 500, 14);
    cr_assert_eq(reduce_slots_join(a, b, &err), 0);
    cr_expect_eq(reduce_slots_count(a), 5);
    cr_expect(reduce_slots_get(a, 0, &bits) && bits == 12);
    cr_expect(reduce_slots_get(a, 1, &bits) && bits == 10);
    cr_expect(reduce_slots_get(a, 2, &bits) && bits == 13);
    cr_expect_eq(reduce_slots_join(a, b, &err), -1);
    cr_expect_eq(err.code, MX_EINTERNAL);
    cr_expect_str_eq(err.text, "slot 0 of the result table was contributed twice");
    reduce_slots_free(a);
    reduce_slots_free(b);
}
