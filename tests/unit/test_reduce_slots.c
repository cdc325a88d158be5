#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "reduce/slots.h"

enum {
    SLOTS = 5000,
    STEPS = 60000
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

static bool has(const struct reduce_slots *slots, uint64_t slot, uint64_t wanted)
{
    uint64_t bits = ~wanted;

    return reduce_slots_get(slots, slot, &bits) && bits == wanted;
}

Test(slots, are_empty_at_first)
{
    struct reduce_slots *slots = new_slots();
    uint64_t             bits = 7;

    cr_expect_eq(reduce_slots_count(slots), 0);
    cr_expect_not(reduce_slots_get(slots, 0, &bits));
    cr_expect_eq(bits, 7);
    reduce_slots_clear(slots, 0, UINT64_MAX);
    reduce_slots_free(slots);
    reduce_slots_free(NULL);
}

Test(slots, keep_the_last_value_set)
{
    struct reduce_slots *slots = new_slots();

    set(slots, 3, 1);
    set(slots, 3, UINT64_MAX);
    set(slots, UINT64_MAX, 0);
    cr_expect_eq(reduce_slots_count(slots), 2);
    cr_expect(has(slots, 3, UINT64_MAX));
    cr_expect(has(slots, UINT64_MAX, 0));
    reduce_slots_free(slots);
}

/* One step of the comparison with plain arrays: set a slot, or clear a few. */
static void step(struct mx_rng *rng, struct reduce_slots *slots, uint64_t *values, bool *there)
{
    uint64_t slot = mx_rng_below(rng, SLOTS);

    if (mx_rng_below(rng, 8) > 0) {
        values[slot] = (uint64_t)mx_rng_u32(rng) << 32 | mx_rng_u32(rng);
        there[slot] = true;
        set(slots, slot, values[slot]);
    } else {
        uint64_t count = mx_rng_below(rng, 200);

        reduce_slots_clear(slots, slot, count);
        for (uint64_t s = slot; s < slot + count && s < SLOTS; s++)
            there[s] = false;
    }
}

Test(slots, agree_with_a_plain_array_after_any_sets_and_clears)
{
    struct reduce_slots *slots = new_slots();
    struct mx_rng        rng = mx_rng_at(mx_stream_make(1, 0, MX_PURPOSE_ORDER, 0), 0, 0, 0);
    static uint64_t      values[SLOTS];
    static bool          there[SLOTS];
    uint64_t             count = 0, bits;
    unsigned             wrong = 0;

    for (unsigned k = 0; k < STEPS; k++)
        step(&rng, slots, values, there);
    for (uint64_t s = 0; s < SLOTS; s++) {
        count += there[s];
        wrong += there[s] ? !has(slots, s, values[s]) : reduce_slots_get(slots, s, &bits);
    }
    cr_expect_eq(wrong, 0, "%u slots differ", wrong);
    cr_expect_eq(reduce_slots_count(slots), count);
    cr_expect_gt(count, 100);
    reduce_slots_free(slots);
}

Test(slots, are_cleared_within_the_range_only)
{
    static const struct {
        uint64_t first, count, left;
    } cases[] = {{0, 0, 300},    {0, 1, 299},   {63, 1, 299},   {63, 2, 298}, {64, 64, 236},
                 {10, 200, 100}, {299, 9, 299}, {300, 50, 300}, {1, 298, 2},  {5, UINT64_MAX, 5}};

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct reduce_slots *slots = new_slots();
        uint64_t             bits;

        for (uint64_t s = 0; s < 300; s++)
            set(slots, s, s);
        reduce_slots_clear(slots, cases[c].first, cases[c].count);
        cr_expect_eq(reduce_slots_count(slots), cases[c].left, "case %zu", c);
        for (uint64_t s = 0; s < 300; s++)
            cr_expect_neq(reduce_slots_get(slots, s, &bits),
                          s >= cases[c].first && s - cases[c].first < cases[c].count,
                          "case %zu, slot %llu", c, (unsigned long long)s);
        reduce_slots_free(slots);
    }
}

Test(slots, give_their_pages_in_order)
{
    static const uint64_t wanted[] = {0, 2, 1000, UINT64_MAX / 64};
    struct reduce_slots  *slots = new_slots();
    uint64_t             *pages, there;
    const uint64_t       *values;
    size_t                n;

    set(slots, UINT64_MAX, 5);
    set(slots, 64000, 4);
    set(slots, 130, 3);
    set(slots, 129, 2);
    set(slots, 0, 1);
    set(slots, 70, 9);
    reduce_slots_clear(slots, 70, 1);
    cr_assert_not_null(pages = reduce_slots_pages(slots, &n, NULL));
    cr_assert_eq(n, 4);
    cr_expect_arr_eq(pages, wanted, sizeof wanted);
    values = reduce_slots_page(slots, 2, &there);
    cr_expect_eq(there, 6);
    cr_expect(values[0] == 2 && values[1] == 3);
    reduce_slots_page(slots, 1, &there);
    cr_expect_eq(there, 0);
    free(pages);
    reduce_slots_free(slots);
}

Test(slots, differ_at_the_first_slot_that_is_not_the_same_in_both)
{
    struct reduce_slots *a = new_slots(), *b = new_slots();
    uint64_t             slot = 0;

    for (uint64_t s = 0; s < 1000; s += 7) {
        set(a, s, s);
        set(b, s, s);
    }
    cr_expect_not(reduce_slots_differ(a, b, &slot));
    set(a, 5000, 0); /* in a page that b has not */
    cr_expect(reduce_slots_differ(a, b, &slot) && slot == 5000);
    set(b, 4000, 0);
    cr_expect(reduce_slots_differ(a, b, &slot) && slot == 4000);
    set(a, 994, 1);
    cr_expect(reduce_slots_differ(a, b, &slot) && slot == 994);
    set(b, 991, 1);
    cr_expect(reduce_slots_differ(a, b, &slot) && slot == 991);
    cr_expect(reduce_slots_differ(b, a, &slot) && slot == 991);
    reduce_slots_free(a);
    reduce_slots_free(b);
}

Test(slots, that_come_and_go_leave_the_others)
{
    struct reduce_slots *slots = new_slots();

    for (uint64_t page = 0; page < 30000; page++) {
        set(slots, page * REDUCE_PAGE_SLOTS, page);
        if (page >= 2)
            reduce_slots_clear(slots, (page - 2) * REDUCE_PAGE_SLOTS, 1);
    }
    cr_expect_eq(reduce_slots_count(slots), 2);
    cr_expect(has(slots, 29999 * REDUCE_PAGE_SLOTS, 29999));
    cr_expect(has(slots, 29998 * REDUCE_PAGE_SLOTS, 29998));
    reduce_slots_free(slots);
}
