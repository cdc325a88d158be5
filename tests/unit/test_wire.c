#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/wire.h"

enum {
    TYPE = 7
};

/* A frame with one field of every kind. */
static void write_frame(struct mx_buf *out)
{
    size_t frame = mx_wire_begin(out, TYPE);

    mx_put_u8(out, 0xFE);
    mx_put_u32(out, 0xDEADBEEF);
    mx_put_u64(out, UINT64_MAX - 1);
    mx_put_i64(out, INT64_MIN);
    mx_put_real(out, -0.0);
    mx_put_text(out, "text \xE2\x82\xAC");
    mx_put_text(out, "");
    mx_wire_end(out, frame);
}

/* Read such a body; true if all of it was well-formed and as written. */
static bool read_frame(const void *data, size_t body_len)
{
    struct mx_wire wire = mx_wire_body(data, body_len);
    char           text[16], empty[1];
    bool           same = mx_take_u8(&wire) == 0xFE;
    double         zero;

    same &= mx_take_u32(&wire) == 0xDEADBEEF;
    same &= mx_take_u64(&wire) == UINT64_MAX - 1;
    same &= mx_take_i64(&wire) == INT64_MIN;
    zero = mx_take_real(&wire);
    same &= zero == 0 && signbit(zero);
    mx_take_text(&wire, text, sizeof text);
    mx_take_text(&wire, empty, sizeof empty);
    same &= strcmp(text, "text \xE2\x82\xAC") == 0;
    return mx_wire_done(&wire) && same;
}

Test(wire, reads_what_it_wrote)
{
    struct mx_buf out = {0};
    uint16_t      type = 0;
    size_t        body = 0;

    write_frame(&out);
    cr_assert_eq(mx_wire_peek(out.data, out.len, &type, &body, NULL), 1);
    cr_expect_eq(type, TYPE);
    cr_expect_eq(body, out.len - MX_WIRE_HEAD);
    cr_expect(read_frame(out.data, body));
    mx_buf_free(&out);
}

/* The layout is a contract between two programs of the same version. */
Test(wire, lays_out_bytes_little_end_first)
{
    static const unsigned char expected[] = {'M', 'X', 'S', 'W', 1, 0, 2, 1, 4,    0,
                                             0,   0,   0,   0,   0, 0, 4, 3, 0x02, 0x01};
    struct mx_buf              out = {0};
    size_t                     frame = mx_wire_begin(&out, 0x0102);

    mx_put_u32(&out, 0x01020304);
    mx_wire_end(&out, frame);
    cr_assert_eq(out.len, sizeof expected);
    cr_expect_arr_eq(out.data, expected, sizeof expected);
    mx_buf_free(&out);
}

Test(wire, keeps_every_bit_of_a_nan)
{
    uint64_t       bits = 0x7FF8000000001234, back;
    struct mx_buf  out = {0};
    struct mx_wire wire;
    double         x;

    memcpy(&x, &bits, sizeof x);
    mx_wire_begin(&out, 1);
    mx_put_real(&out, x);
    mx_wire_end(&out, 0);
    wire = mx_wire_body(out.data, 8);
    x = mx_take_real(&wire);
    memcpy(&back, &x, sizeof back);
    cr_expect_eq(back, bits);
    mx_buf_free(&out);
}

/* Copies of exactly that many bytes, so that a sanitizer sees any read past the end. */
Test(wire, asks_for_more_at_every_length_that_is_too_short)
{
    struct mx_buf out = {0};

    cr_expect_eq(mx_wire_peek(NULL, 0, NULL, NULL, NULL), 0);
    write_frame(&out);
    for (size_t len = 0; len < out.len; len++) {
        char    *copy = malloc(len + !len);
        uint16_t type;
        size_t   body;

        memcpy(copy, out.data, len);
        cr_expect_eq(mx_wire_peek(copy, len, &type, &body, NULL), 0, "%zu bytes", len);
        free(copy);
    }
    mx_buf_free(&out);
}

Test(wire, a_body_cut_at_any_byte_is_a_failure)
{
    struct mx_buf out = {0};

    write_frame(&out);
    for (size_t body = 0; body < out.len - MX_WIRE_HEAD; body++) {
        char *copy = malloc(MX_WIRE_HEAD + body);

        memcpy(copy, out.data, MX_WIRE_HEAD + body);
        cr_expect_not(read_frame(copy, body), "%zu bytes", body);
        free(copy);
    }
    mx_buf_free(&out);
}

Test(wire, bytes_left_over_are_a_failure)
{
    struct mx_buf  out = {0};
    struct mx_wire wire;

    mx_wire_begin(&out, 1);
    mx_put_u32(&out, 5);
    wire = mx_wire_body(out.data, 4);
    cr_expect_eq(mx_take_u8(&wire), 5);
    cr_expect_not(mx_wire_done(&wire));
    mx_buf_free(&out);
}

Test(wire, after_a_failure_everything_is_zero_or_empty)
{
    struct mx_buf  out = {0};
    struct mx_wire wire;
    char           text[4] = "abc";

    mx_wire_begin(&out, 1);
    mx_put_u32(&out, 0xFFFFFFFF);
    mx_put_u8(&out, 9);
    wire = mx_wire_body(out.data, 5);
    cr_expect_eq(mx_take_u64(&wire), 0);
    cr_expect_eq(mx_take_u8(&wire), 0, "though a byte is there");
    mx_take_text(&wire, text, sizeof text);
    cr_expect_str_eq(text, "");
    cr_expect_not(mx_wire_done(&wire));
    mx_buf_free(&out);
}

/* A text whose length field lies, longer than the room, or with a NUL inside. */
Test(wire, refuses_texts_that_lie_about_their_length)
{
    static const uint64_t lengths[] = {4, 5, 8, 9, UINT32_MAX, UINT64_MAX, UINT64_MAX - 7};

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct mx_buf  out = {0};
        struct mx_wire wire;
        char           text[9] = "old";

        mx_wire_begin(&out, 1);
        mx_put_u64(&out, lengths[i]);
        mx_buf_add(&out, i == 0 ? "ab\0" : "abc", 3);
        wire = mx_wire_body(out.data, out.len - MX_WIRE_HEAD);
        mx_take_text(&wire, text, sizeof text);
        cr_expect_str_eq(text, "");
        cr_expect_not(mx_wire_done(&wire));
        mx_buf_free(&out);
    }
}

Test(wire, a_text_needs_room_for_its_end)
{
    struct mx_buf  out = {0};
    struct mx_wire wire;
    char           text[4];

    mx_wire_begin(&out, 1);
    mx_put_text(&out, "abc");
    wire = mx_wire_body(out.data, out.len - MX_WIRE_HEAD);
    mx_take_text(&wire, text, 4);
    cr_expect_str_eq(text, "abc");
    cr_expect(mx_wire_done(&wire));
    wire = mx_wire_body(out.data, out.len - MX_WIRE_HEAD);
    mx_take_text(&wire, text, 3);
    cr_expect_not(mx_wire_done(&wire));
    mx_buf_free(&out);
}

Test(wire, says_what_is_no_frame_of_ours)
{
    struct mx_buf out = {0};
    struct mx_err err;
    uint16_t      type;
    size_t        body;

    write_frame(&out);
    out.data[4] = 2;
    cr_expect_eq(mx_wire_peek(out.data, out.len, &type, &body, &err), -1);
    cr_expect_eq(err.code, MX_EINTERNAL);
    cr_expect_str_eq(err.text, "a message of version 2, this program speaks 1");
    out.data[4] = 1;
    out.data[12] = 4; /* 16 GiB and more */
    cr_expect_eq(mx_wire_peek(out.data, out.len, &type, &body, &err), -1);
    cr_expect_eq(err.code, MX_EINTERNAL);
    out.data[12] = 0;
    out.data[1] = 'x';
    cr_expect_eq(mx_wire_peek(out.data, 2, &type, &body, &err), -1, "told as early as it shows");
    cr_expect_str_eq(err.text, "a message does not start as ours do");
    mx_buf_free(&out);
}

Test(wire, the_longest_body_is_taken_and_one_byte_more_is_not)
{
    unsigned char head[MX_WIRE_HEAD] = {'M', 'X', 'S', 'W', 1, 0, 1, 0, 0, 0, 0, 4};
    uint16_t      type;
    size_t        body;

    cr_expect_eq(mx_wire_peek(head, sizeof head, &type, &body, NULL), 0);
    cr_expect_eq(body, (size_t)MX_WIRE_MAX_BODY);
    head[8] = 1;
    cr_expect_eq(mx_wire_peek(head, sizeof head, &type, &body, NULL), -1);
}

Test(wire, a_writer_of_too_long_a_body_learns_it)
{
    struct mx_buf out = {0};
    char         *long_text = malloc(MX_WIRE_MAX_BODY);
    size_t        frame = mx_wire_begin(&out, 1);

    memset(long_text, 'x', MX_WIRE_MAX_BODY - 8);
    long_text[MX_WIRE_MAX_BODY - 8] = '\0';
    mx_put_text(&out, long_text);
    mx_wire_end(&out, frame);
    cr_expect(mx_buf_ok(&out));
    mx_put_u8(&out, 0);
    mx_wire_end(&out, frame);
    cr_expect_not(mx_buf_ok(&out));
    free(long_text);
    mx_buf_free(&out);
}

/* Whatever the bytes are: no crash, and never accepted as what was written. */
Test(wire, survives_random_bytes)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(1, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    for (int i = 0; i < 20000; i++) {
        struct mx_buf out = {0};
        uint16_t      type;
        size_t        body;

        write_frame(&out);
        for (uint64_t flips = 1 + mx_rng_below(&rng, 3); flips > 0; flips--)
            out.data[mx_rng_below(&rng, out.len)] ^= (char)(1 + mx_rng_below(&rng, 255));
        if (mx_wire_peek(out.data, out.len, &type, &body, NULL) == 1 && type == TYPE &&
            read_frame(out.data, body)) {
            struct mx_buf same = {0};

            write_frame(&same);
            cr_assert_eq(memcmp(out.data, same.data, same.len), 0);
            mx_buf_free(&same);
        }
        mx_buf_free(&out);
    }
}

Test(wire, bytes_come_back_where_they_lie_and_are_checked_against_the_end)
{
    struct mx_buf  out = {0};
    uint16_t       type;
    size_t         body, len, frame = mx_wire_begin(&out, TYPE);
    struct mx_wire wire;
    const char    *bytes;

    mx_put_bytes(&out, "a\0b", 3);
    mx_put_bytes(&out, "", 0);
    mx_wire_end(&out, frame);
    cr_assert_eq(mx_wire_peek(out.data, out.len, &type, &body, NULL), 1);
    wire = mx_wire_body(out.data, body);
    bytes = mx_take_bytes(&wire, &len);
    cr_assert_eq(len, 3);
    cr_expect_eq(memcmp(bytes, "a\0b", 3), 0);
    mx_take_bytes(&wire, &len);
    cr_expect_eq(len, 0);
    cr_expect(mx_wire_done(&wire));

    wire = mx_wire_body(out.data, body - 9);
    cr_expect_null(mx_take_bytes(&wire, &len), "longer than what is left");
    cr_expect_eq(len, 0);
    cr_expect(wire.failed);
    mx_buf_free(&out);
}
