#include <criterion/criterion.h>
#include <string.h>

#include "sweep/text_table.h"

static const struct mx_text_column columns[] = {
    {"#", NULL, true, false, false},
    {"mix.strategy", "strategy", false, true, false},
    {"value", NULL, false, false, false},
    {"extra", NULL, false, false, true},
};

static struct mx_text_table *table_of_two(void)
{
    struct mx_text_table *table = mx_text_table_new(columns, 4);
    static const char    *cells[] = {"1",   "cutmix", "0.9 \xC2\xB1 0.1", "a", "10", "puzzle mix",
                                     "0.8", "b"};

    cr_assert(table);
    for (size_t k = 0; k < 8; k++)
        mx_text_table_add(table, cells[k]);
    return table;
}

static void expect(unsigned width, const char *expected)
{
    struct mx_text_table *table = table_of_two();
    struct mx_buf         out = {0};

    cr_expect_eq(mx_text_table_print(table, width, &out), width > 0 && width < 30 ? 3 : 4);
    cr_expect_str_eq(mx_buf_str(&out), expected, "at %u:\n%s", width, mx_buf_str(&out));
    for (char *line = out.data, *end; width > 0 && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        cr_expect_leq(mx_text_width(line), width);
    }
    mx_buf_free(&out);
    mx_text_table_free(table);
}

Test(text_table, aligns_by_characters_not_bytes)
{
    expect(0, " #  mix.strategy  value      extra\n"
              " 1  cutmix        0.9 \xC2\xB1 0.1  a\n"
              "10  puzzle mix    0.8        b\n");
}

Test(text_table, takes_short_heads_then_shortens_then_leaves_out_then_cuts)
{
    expect(32, " #  strategy    value      extra\n"
               " 1  cutmix      0.9 \xC2\xB1 0.1  a\n"
               "10  puzzle mix  0.8        b\n");
    expect(30, " #  strategy  value      extra\n"
               " 1  cutmix    0.9 \xC2\xB1 0.1  a\n"
               "10  puzzle \xE2\x80\xA6  0.8        b\n");
    expect(24, " #  strategy   value\n"
               " 1  cutmix     0.9 \xC2\xB1 0.1\n"
               "10  puzzle m\xE2\x80\xA6  0.8\n");
    expect(10, " #  st\xE2\x80\xA6  v\n"
               " 1  cu\xE2\x80\xA6  0\n"
               "10  pu\xE2\x80\xA6  0\n");
}
