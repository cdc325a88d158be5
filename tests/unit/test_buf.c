#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

Test(buf, an_empty_one_is_the_empty_text)
{
    struct mx_buf buf = {0};

    cr_expect_str_eq(mx_buf_str(&buf), "");
    cr_expect(mx_buf_ok(&buf));
    mx_buf_add(&buf, NULL, 0);
    cr_expect_str_eq(mx_buf_str(&buf), "");
    cr_expect_eq(buf.len, 0);
    mx_buf_free(&buf);
    mx_buf_free(&buf);
    cr_expect_str_eq(mx_buf_str(&buf), "");
}

/* Lengths around every growth step; each byte is checked at the end. */
Test(buf, keeps_every_byte_while_it_grows)
{
    struct mx_buf buf = {0};
    size_t        total = 0;

    for (size_t n = 0; n < 300; n++) {
        char piece[300];

        memset(piece, (int)(n % 251), sizeof piece);
        mx_buf_add(&buf, piece, n);
        total += n;
        cr_assert_eq(buf.len, total);
        cr_assert_eq(buf.data[total], '\0');
    }
    for (size_t n = 0, at = 0; n < 300; at += n, n++)
        for (size_t i = 0; i < n; i++)
            cr_assert_eq((unsigned char)buf.data[at + i], n % 251);
    mx_buf_free(&buf);
}

Test(buf, printf_of_exactly_the_room_left_fits)
{
    for (size_t before = 0; before < 130; before++) {
        struct mx_buf buf = {0};

        for (size_t i = 0; i < before; i++)
            mx_buf_text(&buf, "x");
        mx_buf_printf(&buf, "%d-%s", 12345, "end");
        cr_assert_eq(buf.len, before + 9);
        cr_assert_str_eq(mx_buf_str(&buf) + before, "12345-end");
        mx_buf_free(&buf);
    }
}

Test(buf, remembers_that_memory_ran_out)
{
    struct mx_buf buf = {0};

    mx_buf_text(&buf, "kept");
    mx_buf_add(&buf, "never read", SIZE_MAX / 2 + 2);
    cr_expect_not(mx_buf_ok(&buf));
    cr_expect_str_eq(mx_buf_str(&buf), "");
    mx_buf_text(&buf, "more");
    cr_expect_not(mx_buf_ok(&buf));
    cr_expect_eq(buf.len, 4, "nothing is added after a failure");
    mx_buf_clear(&buf);
    mx_buf_text(&buf, "again");
    cr_expect(mx_buf_ok(&buf));
    cr_expect_str_eq(mx_buf_str(&buf), "again");
    mx_buf_free(&buf);
}

Test(buf, a_length_that_overflows_is_a_failure)
{
    struct mx_buf buf = {0};

    mx_buf_text(&buf, "1");
    mx_buf_add(&buf, "x", SIZE_MAX);
    cr_expect_not(mx_buf_ok(&buf));
    mx_buf_free(&buf);
}

Test(buf, integers_are_written_with_all_their_digits)
{
    static const uint64_t rows[] = {0, 9, 10, 4294967296, 9999999999999999999u, UINT64_MAX};
    struct mx_buf         buf = {0}, expected = {0};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mx_buf_uint(&buf, rows[i]);
        mx_buf_printf(&expected, "%llu", (unsigned long long)rows[i]);
    }
    cr_expect_str_eq(mx_buf_str(&buf), mx_buf_str(&expected));
    mx_buf_free(&buf);
    mx_buf_free(&expected);
}
