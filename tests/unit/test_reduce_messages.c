#include "base/wire.h"
#include "reduce_net.h"

/* A new root with one child takes a body. */
static int take(uint64_t nslots, unsigned child, const void *body, size_t len, struct mx_err *err)
{
    struct reduce_slots *slots = reduce_slots_new(NULL);
    struct reduce_part  *part = reduce_part_new(slots, nslots, 0, 2, ROUND, NULL);
    int                  rc = reduce_part_take(part, child, body, len, err);

    reduce_part_free(part);
    reduce_slots_free(slots);
    return rc;
}

static void begin(struct mx_buf *out, uint32_t round, uint64_t block, uint8_t form)
{
    mx_buf_clear(out);
    mx_put_u32(out, round);
    mx_put_u64(out, block);
    mx_put_u8(out, form);
}

/* The first message of one who contributes n slots, cut anywhere or with a byte
 * behind it. */
static void expect_cuts_refused(uint64_t n, uint64_t nslots)
{
    struct net      net;
    struct message *message;
    char           *longer;

    open_net(&net, 2, nslots);
    for (uint64_t s = 0; s < n; s++)
        give(&net, 1, s, s);
    start_net(&net, ROUND);
    cr_assert_eq(send_one(&net, 1, NULL), 1);
    message = net.front[1];
    for (size_t len = 0; len < message->len; len++) {
        struct mx_err err = {0};
        void         *cut = malloc(len + 1); /* so that reading on is seen */

        memcpy(cut, message->body, len);
        cr_expect_eq(take(nslots, 1, cut, len, &err), -1, "%zu of %zu bytes", len, message->len);
        cr_expect_eq(err.code, MX_EINTERNAL);
        free(cut);
    }
    cr_expect_eq(take(nslots, 1, message->body, message->len, NULL), 0);
    longer = calloc(1, message->len + 1);
    memcpy(longer, message->body, message->len);
    cr_expect_eq(take(nslots, 1, longer, message->len + 1, NULL), -1);
    free(longer);
    close_net(&net);
}

Test(messages, refuses_a_message_that_is_cut_at_any_byte_or_too_long)
{
    expect_cuts_refused(0, 9000);
    expect_cuts_refused(5, 9000);
    expect_cuts_refused(300, 300);
}

Test(messages, refuses_what_is_no_message)
{
    struct mx_buf out = {0};
    struct mx_err err = {0};

    begin(&out, ROUND, 0, 3); /* no such form */
    cr_expect_eq(take(9000, 1, out.data, out.len, &err), -1);
    cr_expect_str_eq(err.text, "from participant 1: a message of the reduction, of block 0, is not "
                               "well-formed");
    begin(&out, ROUND, 0, 0); /* more empty blocks than there are */
    mx_put_u64(&out, 4);
    cr_expect_eq(take(9000, 1, out.data, out.len, NULL), -1);
    begin(&out, ROUND, 0, 0); /* none */
    mx_put_u64(&out, 0);
    cr_expect_eq(take(9000, 1, out.data, out.len, NULL), -1);
    begin(&out, ROUND, 3, 0); /* behind the last block */
    mx_put_u64(&out, 1);
    cr_expect_eq(take(9000, 1, out.data, out.len, NULL), -1);
    begin(&out, ROUND, 0, 0); /* a byte too many */
    mx_put_u64(&out, 3);
    cr_expect_eq(take(9000, 1, out.data, out.len, NULL), 0);
    mx_put_u8(&out, 0);
    cr_expect_eq(take(9000, 1, out.data, out.len, NULL), -1);
    mx_buf_free(&out);
}

/* A sparse block of two slots. */
static int take_two(uint64_t nslots, uint32_t a, uint32_t b)
{
    struct mx_buf out = {0};
    int           rc;

    begin(&out, ROUND, 0, 2);
    mx_put_u32(&out, 2);
    mx_put_u32(&out, a);
    mx_put_u64(&out, 1);
    mx_put_u32(&out, b);
    mx_put_u64(&out, 1);
    rc = take(nslots, 1, out.data, out.len, NULL);
    mx_buf_free(&out);
    return rc;
}

/* A dense block of one word of mask and this many values. */
static int take_mask(uint64_t nslots, uint64_t mask, unsigned values)
{
    struct mx_buf out = {0};
    int           rc;

    begin(&out, ROUND, 0, 1);
    mx_put_u64(&out, mask);
    while (values-- > 0)
        mx_put_u64(&out, 1);
    rc = take(nslots, 1, out.data, out.len, NULL);
    mx_buf_free(&out);
    return rc;
}

Test(messages, refuses_offsets_out_of_order_and_slots_beyond_the_block)
{
    cr_expect_eq(take_two(10, 3, 9), 0);
    cr_expect_eq(take_two(10, 3, 10), -1);
    cr_expect_eq(take_two(10, 3, 3), -1);
    cr_expect_eq(take_two(10, 9, 3), -1);
    cr_expect_eq(take_two(1, 0, 1), -1);
    cr_expect_eq(take_mask(10, 0x201, 2), 0);
    cr_expect_eq(take_mask(10, 0x401, 2), -1);
    cr_expect_eq(take_mask(10, 0x201, 1), -1);
    cr_expect_eq(take_mask(10, 0x201, 3), -1);
    cr_expect_eq(take_mask(10, 0, 0), -1);
    cr_expect_eq(take_mask(64, UINT64_MAX, 64), 0);
}

Test(messages, refuses_blocks_out_of_order_and_from_strangers)
{
    struct mx_buf        out = {0};
    struct mx_err        err = {0};
    struct reduce_slots *slots = reduce_slots_new(NULL);
    struct reduce_part  *part = reduce_part_new(slots, 20000, 0, 3, ROUND, NULL);

    begin(&out, ROUND, 0, 0);
    mx_put_u64(&out, 2);
    cr_expect_eq(reduce_part_take(part, 3, out.data, out.len, &err), -1);
    cr_expect_str_eq(err.text, "participant 3 of the reduction sent a block to participant 0, "
                               "which is not its parent");
    cr_expect_eq(reduce_part_take(part, 1, out.data, out.len, &err), 0);
    cr_expect_eq(reduce_part_take(part, 1, out.data, out.len, &err), -1);
    cr_expect_str_eq(err.text, "participant 1 of the reduction sent block 0 where block 2 should "
                               "come");
    begin(&out, ROUND, 4, 0);
    mx_put_u64(&out, 1);
    cr_expect_eq(reduce_part_take(part, 2, out.data, out.len, &err), -1);
    cr_expect_str_eq(err.text, "participant 2 of the reduction sent block 4 where block 0 should "
                               "come");
    reduce_part_free(part);
    reduce_slots_free(slots);
    mx_buf_free(&out);
}

/* Takes a run of the first `blocks` blocks, which is well, then this message. */
static int take_behind(uint64_t nslots, uint64_t blocks, const struct mx_buf *message)
{
    struct reduce_slots *slots = reduce_slots_new(NULL);
    struct reduce_part  *part = reduce_part_new(slots, nslots, 0, 2, ROUND, NULL);
    struct mx_buf        out = {0};
    int                  rc;

    begin(&out, ROUND, 0, 0);
    mx_put_u64(&out, blocks);
    cr_assert_eq(reduce_part_take(part, 1, out.data, out.len, NULL), 0);
    rc = reduce_part_take(part, 1, message->data, message->len, NULL);
    reduce_part_free(part);
    reduce_slots_free(slots);
    mx_buf_free(&out);
    return rc;
}

Test(messages, refuses_blocks_beyond_the_table)
{
    struct mx_buf out = {0};

    begin(&out, ROUND, 2, 0); /* blocks 2 and 3 of three */
    mx_put_u64(&out, 2);
    cr_expect_eq(take_behind(9000, 2, &out), -1);
    begin(&out, ROUND, 2, 0);
    mx_put_u64(&out, 1);
    cr_expect_eq(take_behind(9000, 2, &out), 0);
    begin(&out, ROUND, 1, 2); /* one slot of block 1 of one */
    mx_put_u32(&out, 1);
    mx_put_u32(&out, 0);
    mx_put_u64(&out, 5);
    cr_expect_eq(take_behind(10, 1, &out), -1);
    mx_buf_free(&out);
}

Test(messages, ignores_older_rounds_and_refuses_newer_ones)
{
    struct mx_buf out = {0};
    struct mx_err err = {0};

    begin(&out, ROUND - 1, 0, 0);
    mx_put_u64(&out, 1);
    cr_expect_eq(take(10, 1, out.data, out.len, NULL), 1);
    cr_expect_eq(take(10, 9, out.data, out.len, NULL), 1); /* it may be one that is lost now */
    begin(&out, ROUND + 1, 0, 0);
    mx_put_u64(&out, 1);
    cr_expect_eq(take(10, 1, out.data, out.len, &err), -1);
    cr_expect_eq(err.code, MX_EINTERNAL);
    cr_expect_str_eq(err.text, "participant 1 of the reduction is in round 4, participant 0 in "
                               "round 3");
    mx_buf_free(&out);
}
