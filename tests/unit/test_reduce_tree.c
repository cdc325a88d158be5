#include "reduce_net.h"

/* Bits of any kind, awkward ones often. */
static uint64_t draw_bits(struct mx_rng *rng)
{
    static const uint64_t special[] = {
        0,
        UINT64_MAX,
        UINT64_C(0x8000000000000000), /* -0 */
        UINT64_C(0x7ff0000000000000), /* infinities */
        UINT64_C(0xfff0000000000000),
        UINT64_C(0x7ff8000000000000), /* quiet and signalling NaN with payloads */
        UINT64_C(0xfff8deadbeef0001),
        UINT64_C(0x7ff0000000000001),
        1,
        UINT64_C(0x000fffffffffffff),
    };
    const size_t n = sizeof special / sizeof special[0];
    uint64_t     k = mx_rng_below(rng, 2 * n);

    return k < n ? special[k] : (uint64_t)mx_rng_u32(rng) << 32 | mx_rng_u32(rng);
}

/* Give slots out: in stretches of random length, each to one participant or to
 * nobody, and each with its own density. */
static void deal(struct net *net, struct mx_rng *rng)
{
    for (uint64_t slot = 0; slot < net->nslots;) {
        uint64_t end = slot + 1 + mx_rng_below(rng, mx_rng_below(rng, 4) ? 40 : 6000);
        unsigned p = (unsigned)mx_rng_below(rng, net->count + 2);
        uint64_t step = 1 + mx_rng_below(rng, mx_rng_below(rng, 2) ? 1 : 50);

        for (; slot < end && slot < net->nslots; slot += step)
            if (p < net->count)
                give(net, p, slot, draw_bits(rng));
    }
}

Test(tree, has_one_parent_for_each_and_the_parents_children_name_it)
{
    for (unsigned count = 1; count <= 70; count++) {
        unsigned named = 0;

        cr_expect_eq(reduce_parent(0, count), REDUCE_NO_PARENT);
        for (unsigned p = 0; p < count; p++) {
            unsigned children[REDUCE_MAX_CHILDREN];
            size_t   n = reduce_children(p, count, children);

            for (size_t c = 0; c < n; c++) {
                cr_expect(children[c] > p && children[c] < count);
                cr_expect(c == 0 || children[c] > children[c - 1]);
                cr_expect_eq(reduce_parent(children[c], count), (int)p);
            }
            named += (unsigned)n;
        }
        cr_expect_eq(named, count - 1);
    }
}

Test(tree, is_binomial)
{
    unsigned children[REDUCE_MAX_CHILDREN];

    cr_expect_eq(reduce_children(0, 17, children), 5);
    cr_expect(children[0] == 1 && children[1] == 2 && children[4] == 16);
    cr_expect_eq(reduce_children(8, 17, children), 3);
    cr_expect(children[0] == 9 && children[1] == 10 && children[2] == 12);
    cr_expect_eq(reduce_children(16, 17, children), 0);
    cr_expect_eq(reduce_children(0, UINT32_MAX, children), 32);
}

Test(tree, sums_every_bit_pattern_exactly_for_any_count_and_order)
{
    static const uint64_t sizes[] = {0, 1, 63, 64, 65, 4095, 4096, 4097, 8192, 30011};

    for (unsigned count = 1; count <= MOST; count++)
        for (uint32_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            struct mx_rng rng = rng_of(count, s);
            struct net    net;

            open_net(&net, count, sizes[s]);
            deal(&net, &rng);
            start_net(&net, ROUND);
            cr_expect_eq(run_net(&net, &rng, NULL), 0);
            expect_all(&net, "random");
            close_net(&net);
        }
}

Test(tree, takes_children_that_are_far_ahead_of_the_others)
{
    struct mx_rng rng = rng_of(100, 0);
    struct net    net;

    open_net(&net, 8, 30011);
    deal(&net, &rng);
    start_net(&net, ROUND);
    /* One after another, the last of the root's children first. */
    for (unsigned p = 7; p > 0; p--)
        while (send_one(&net, p, NULL) == 1)
            cr_assert_eq(deliver_one(&net, p, NULL), 1);
    cr_expect(finished(&net));
    expect_all(&net, "one by one");
    close_net(&net);
}

Test(tree, waits_until_every_child_has_sent_the_block)
{
    struct net net;

    open_net(&net, 4, 10);
    give(&net, 3, 9, 5);
    start_net(&net, ROUND);
    cr_expect_eq(send_one(&net, 2, NULL), 0);
    cr_expect_eq(send_one(&net, 1, NULL), 1);
    cr_expect_eq(deliver_one(&net, 1, NULL), 1);
    cr_expect_not(reduce_part_finished(net.parts[0]));
    cr_expect_eq(send_one(&net, 3, NULL), 1);
    cr_expect_eq(deliver_one(&net, 3, NULL), 1);
    cr_expect_eq(send_one(&net, 2, NULL), 1);
    cr_expect_eq(send_one(&net, 2, NULL), 0);
    cr_expect_eq(deliver_one(&net, 2, NULL), 1);
    cr_expect(finished(&net));
    cr_expect_eq(send_one(&net, 0, NULL), 0); /* the root sends nothing */
    expect_all(&net, "one slot");
    close_net(&net);
}

Test(tree, of_nobody_who_contributes_costs_a_few_bytes)
{
    struct net net;

    open_net(&net, 8, UINT64_C(1) << 40);
    start_net(&net, ROUND);
    for (unsigned p = 7; p > 0; p--) {
        cr_assert_eq(send_one(&net, p, NULL), 1);
        cr_expect_eq(net.front[p]->len, EMPTY_BYTES);
        cr_assert_eq(deliver_one(&net, p, NULL), 1);
    }
    cr_expect(finished(&net));
    cr_expect_eq(reduce_part_bytes(net.parts[0]), 3 * EMPTY_BYTES);
    cr_expect_eq(reduce_part_bytes(net.parts[4]), 3 * EMPTY_BYTES); /* two came, one went */
    cr_expect_eq(reduce_part_bytes(net.parts[7]), EMPTY_BYTES);
    expect_all(&net, "nothing");
    close_net(&net);
}

/* Bytes of the messages that a leaf sends for its first n slots of a block. */
static uint64_t bytes_of(uint64_t n, uint64_t nslots)
{
    struct net net;
    uint64_t   bytes;

    open_net(&net, 2, nslots);
    for (uint64_t s = 0; s < n; s++)
        give(&net, 1, s, s);
    start_net(&net, ROUND);
    while (send_one(&net, 1, NULL) == 1)
        cr_assert_eq(deliver_one(&net, 1, NULL), 1);
    expect_all(&net, "first slots");
    bytes = reduce_part_bytes(net.parts[1]);
    close_net(&net);
    return bytes;
}

Test(tree, sends_a_block_in_the_shorter_of_two_forms)
{
    cr_expect_eq(bytes_of(1, 4096), HEAD_BYTES + 4 + 12);
    cr_expect_eq(bytes_of(126, 4096), HEAD_BYTES + 4 + 126 * 12);
    cr_expect_eq(bytes_of(127, 4096), HEAD_BYTES + 512 + 127 * 8);
    cr_expect_eq(bytes_of(4096, 4096), HEAD_BYTES + 512 + 4096 * 8);
    cr_expect_eq(bytes_of(65, 65), HEAD_BYTES + 16 + 65 * 8); /* two words of mask */
    cr_expect_eq(bytes_of(1, 3 * 4096), HEAD_BYTES + 4 + 12 + EMPTY_BYTES);
}

/* Two participants give the same slot: who is told, and what. */
static void expect_twice(unsigned count, unsigned a, unsigned b, const char *text)
{
    struct mx_rng rng = rng_of(200, a);
    struct mx_err err = {0};
    struct net    net;

    open_net(&net, count, 10000);
    give(&net, a, 5000, 0);
    give(&net, b, 4999, 1);
    give(&net, b, 5000, 0);
    start_net(&net, ROUND);
    cr_expect_eq(run_net(&net, &rng, &err), -1);
    cr_expect_eq(err.code, MX_EINTERNAL);
    cr_expect_str_eq(err.text, text);
    close_net(&net);
}

Test(tree, names_the_slot_that_two_contributed)
{
    expect_twice(2, 0, 1,
                 "slot 5000 of the result table was contributed twice, the second time by "
                 "participant 1 or one behind it");
    expect_twice(8, 5, 7,
                 "slot 5000 of the result table was contributed twice, the second time by "
                 "participant 6 or one behind it");
    expect_twice(8, 7, 0,
                 "slot 5000 of the result table was contributed twice, the second time by "
                 "participant 4 or one behind it");
}

Test(tree, refuses_a_slot_beyond_the_table)
{
    struct mx_err err = {0};
    struct net    net;

    open_net(&net, 2, 100);
    give(&net, 1, 99, 1);
    start_net(&net, ROUND);
    give(&net, 0, 100, 1);
    cr_expect_null(reduce_part_new(net.slots[0], 100, 0, 2, ROUND, &err));
    cr_expect_eq(err.code, MX_EINTERNAL);
    cr_expect_str_eq(err.text, "slot 100 was contributed to a result table of 100");
    close_net(&net);
}

Test(tree, comparison_finds_one_wrong_bit_and_says_who_has_the_slot)
{
    struct mx_rng rng = rng_of(300, 0);
    uint64_t      slot = 0, sum = 0, wanted = 0;
    unsigned      there = 0;
    struct net    net;

    open_net(&net, 5, 9000);
    deal(&net, &rng);
    give(&net, 4, 8999, 16);
    start_net(&net, ROUND);
    cr_assert_eq(run_net(&net, &rng, NULL), 0);
    reduce_slots_set(net.all, 8999, 17, NULL);
    cr_expect_eq(reduce_part_compare(net.parts[0], net.all, &slot, &sum, &wanted, &there), 1);
    cr_expect(slot == 8999 && sum == 16 && wanted == 17 && there == 3);
    reduce_slots_clear(net.all, 8999, 1);
    cr_expect_eq(reduce_part_compare(net.parts[0], net.all, &slot, &sum, &wanted, &there), 1);
    cr_expect(slot == 8999 && sum == 16 && wanted == 0 && there == 1);
    reduce_slots_set(net.all, 8999, 16, NULL);
    reduce_slots_set(net.all, 20000, 1, NULL);
    cr_expect_eq(reduce_part_compare(net.parts[0], net.all, &slot, &sum, &wanted, &there), 1);
    cr_expect(slot == 20000 && sum == 0 && wanted == 1 && there == 2);
    close_net(&net);
}

/* Participant p is lost: the root has its slots from elsewhere, and those behind
 * it move up. */
static void lose(struct net *net, unsigned lost)
{
    uint64_t bits;

    for (uint64_t s = 0; s < net->nslots; s++)
        if (reduce_slots_get(net->slots[lost], s, &bits))
            cr_assert_eq(reduce_slots_set(net->slots[0], s, bits, NULL), 0);
    for (unsigned p = 0; p < net->count; p++) {
        reduce_part_free(net->parts[p]);
        net->parts[p] = NULL;
    }
    reduce_slots_free(net->slots[lost]);
    net->count--;
    for (unsigned p = lost; p < net->count; p++)
        net->slots[p] = net->slots[p + 1];
    net->slots[net->count] = NULL;
}

Test(tree, starts_again_with_those_that_live_and_ignores_what_was_under_way)
{
    struct mx_rng rng = rng_of(400, 0);
    unsigned      sent = 0, ignored = 0;
    struct net    net;

    open_net(&net, 7, 30011);
    deal(&net, &rng);
    start_net(&net, ROUND);
    for (unsigned k = 0; k < 40; k++)
        sent += send_one(&net, 1 + k % 6, NULL) == 1;
    forget_messages(&net, 6);
    lose(&net, 4);
    start_net(&net, ROUND + 1);
    for (unsigned p = 1; p < net.count; p++)
        while (net.front[p]) {
            cr_expect_eq(deliver_one(&net, p, NULL), 2);
            ignored++;
        }
    cr_expect_gt(sent, 10);
    cr_expect_gt(ignored, 10);
    cr_expect_eq(run_net(&net, &rng, NULL), 0);
    expect_all(&net, "after a loss");
    close_net(&net);
}
