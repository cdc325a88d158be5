#include <criterion/criterion.h>
#include <math.h>

#include "base/csv.h"

Test(csv, puts_commas_between_the_fields_of_a_line)
{
    struct mx_buf out = {0};
    struct mx_csv csv = {.out = &out};

    mx_csv_text(&csv, "");
    mx_csv_plain(&csv, "a");
    mx_csv_uint(&csv, UINT64_MAX);
    mx_csv_end_line(&csv);
    mx_csv_real(&csv, 0.1);
    mx_csv_end_line(&csv);
    cr_expect_str_eq(mx_buf_str(&out), ",a,18446744073709551615\n0.1\n");
    mx_buf_free(&out);
}

Test(csv, quotes_what_a_reader_would_take_for_something_else)
{
    static const struct {
        const char *text, *field;
    } rows[] = {{"a b;c", "a b;c"},   {"a,b", "\"a,b\""},   {"\"", "\"\"\"\""},
                {"a\nb", "\"a\nb\""}, {"a\rb", "\"a\rb\""}, {"say \"x\"", "\"say \"\"x\"\"\""}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mx_buf out = {0};
        struct mx_csv csv = {.out = &out};

        mx_csv_text(&csv, rows[i].text);
        cr_expect_str_eq(mx_buf_str(&out), rows[i].field);
        mx_buf_free(&out);
    }
}

Test(csv, what_is_not_there_is_an_empty_field)
{
    struct mx_buf out = {0};
    struct mx_csv csv = {.out = &out};

    mx_csv_real(&csv, NAN);
    mx_csv_utc(&csv, 0);
    mx_csv_utc(&csv, 1764000000.125);
    cr_expect_str_eq(mx_buf_str(&out), ",,2025-11-24T16:00:00.125Z");
    mx_buf_free(&out);
}
