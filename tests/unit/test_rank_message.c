#include <criterion/criterion.h>
#include <string.h>

#include "sweep/rank_message.h"

/* A message of a type with every field set; put and take keep those of the type. */
static struct mx_rank_message full(enum mx_rank_message_type type)
{
    struct mx_rank_message m = {.type = type,
                                .executor = 7,
                                .life = 3,
                                .round = 9,
                                .lease = UINT64_MAX - 5,
                                .nslots = (uint64_t)1 << 40,
                                .reason = MX_REASON_STALLED,
                                .lossy = true,
                                .gpu = {true, 2.5, 700},
                                .text = "why",
                                .device = "a CPU",
                                .bytes = "\0\1\2",
                                .len = 3};

    strcpy(m.place.host, "node7");
    m.place.cpus[3] = 0xF0;
    strcpy(m.process.boot, "boot");
    m.process.pid = 4711;
    m.process.start = 99;
    strcpy(m.start.directory, "/a/b");
    strcpy(m.start.root.host, "node0");
    m.start.first = 12;
    m.start.workers = 4;
    m.start.rank_timeout_s = 2.5;
    return m;
}

static const enum mx_rank_message_type all[] = {
    MX_RANK_HELLO,  MX_RANK_UP,    MX_RANK_LOST,  MX_RANK_ANSWER, MX_RANK_LEAVING,
    MX_RANK_ENDED,  MX_RANK_START, MX_RANK_ORDER, MX_RANK_KILL,   MX_RANK_DROP,
    MX_RANK_REDUCE, MX_RANK_QUIT,  MX_RANK_BYE,   MX_RANK_BEAT,   MX_RANK_TREE};

enum {
    ALL = sizeof all / sizeof all[0]
};

Test(rank_message, comes_back_with_the_fields_of_its_type)
{
    struct mx_buf          out = {0};
    struct mx_rank_message m, back;
    size_t                 at = 0;

    for (size_t i = 0; i < ALL; i++) {
        m = full(all[i]);
        mx_rank_message_put(&out, &m);
    }
    for (size_t i = 0; i < ALL; i++) {
        long used = mx_rank_message_take(out.data + at, out.len - at, &back, NULL);

        cr_assert_gt(used, 0);
        cr_expect_eq(back.type, all[i]);
        at += (size_t)used;
        if (back.type == MX_RANK_ORDER) {
            cr_expect_eq(back.executor, 7);
            cr_expect_eq(back.life, 3);
            cr_assert_eq(back.len, 3);
            cr_expect_eq(memcmp(back.bytes, "\0\1\2", 3), 0);
        } else if (back.type == MX_RANK_START) {
            cr_expect_str_eq(back.start.directory, "/a/b");
            cr_expect_str_eq(back.start.root.host, "node0");
            cr_expect_eq(back.start.first, 12);
            cr_expect_eq(back.start.workers, 4);
            cr_expect_eq(back.start.rank_timeout_s, 2.5);
        } else if (back.type == MX_RANK_HELLO) {
            cr_expect_str_eq(back.place.host, "node7");
            cr_expect_eq(back.place.cpus[3], 0xF0);
            cr_expect_eq(back.process.pid, 4711);
            cr_expect_eq(back.process.start, 99);
        } else if (back.type == MX_RANK_LOST) {
            cr_expect_eq(back.lease, UINT64_MAX - 5);
            cr_expect_eq(back.reason, MX_REASON_STALLED);
            cr_expect(back.gpu.known);
            cr_expect_eq(back.gpu.seconds, 2.5);
            cr_expect_eq(back.gpu.energy_j, 700);
            cr_expect_str_eq(back.text, "why");
        } else if (back.type == MX_RANK_BYE) {
            cr_expect(back.lossy);
        }
    }
    cr_expect_eq(at, out.len);
    mx_buf_free(&out);
}

Test(rank_message, is_not_complete_until_its_last_byte)
{
    for (size_t i = 0; i < ALL; i++) {
        struct mx_rank_message m = full(all[i]), back;
        struct mx_buf          out = {0};

        mx_rank_message_put(&out, &m);
        for (size_t len = 0; len < out.len; len++)
            cr_assert_eq(mx_rank_message_take(out.data, len, &back, NULL), 0);
        cr_expect_eq(mx_rank_message_take(out.data, out.len, &back, NULL), (long)out.len);
        mx_buf_free(&out);
    }
}

Test(rank_message, of_an_unknown_type_or_a_damaged_one_is_refused)
{
    struct mx_rank_message m = full(MX_RANK_LOST), back;
    struct mx_buf          out = {0};
    struct mx_err          err = {0};
    size_t                 frame = mx_wire_begin(&out, 3);

    mx_wire_end(&out, frame);
    cr_expect_eq(mx_rank_message_take(out.data, out.len, &back, &err), -1);
    cr_expect_str_eq(err.text, "a message of type 3, which ranks do not send");

    mx_buf_clear(&out);
    m.reason = (enum mx_reason)MX_REASONS;
    mx_rank_message_put(&out, &m);
    cr_expect_eq(mx_rank_message_take(out.data, out.len, &back, &err), -1);
    cr_expect_str_eq(err.text, "a message of type 66 is damaged");

    mx_buf_clear(&out);
    frame = mx_wire_begin(&out, MX_RANK_ENDED);
    mx_put_u8(&out, 0);
    mx_wire_end(&out, frame);
    cr_expect_eq(mx_rank_message_take(out.data, out.len, &back, &err), -1);
    mx_buf_free(&out);
}
