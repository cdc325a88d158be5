#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/csv_read.h"
#include "base/file.h"

static char path[] = "/tmp/mx_table_XXXXXX";

static void make_file(void)
{
    int fd = mkstemp(path);

    cr_assert_geq(fd, 0);
    close(fd);
}

static void remove_file(void)
{
    unlink(path);
}

TestSuite(table, .init = make_file, .fini = remove_file);

/* Every row as "LINE[field|field]". */
static void expect_rows(const char *text, size_t len, bool blanks, const char *due)
{
    struct mx_buf    out = {0};
    struct mx_err    err = {.text = ""};
    struct mx_table *table;
    int              rc;

    cr_assert_eq(mx_file_write(path, text, len, NULL), 0);
    table = mx_table_open(path, blanks, 1000, &err);
    cr_assert_not_null(table, "%s", err.text);
    while ((rc = mx_table_next(table, &err)) > 0) {
        mx_buf_printf(&out, "%zu[", mx_table_line(table));
        for (size_t k = 0; k < mx_table_fields(table); k++)
            mx_buf_printf(&out, "%s%s", k ? "|" : "", mx_table_field(table, k));
        mx_buf_text(&out, "]");
    }
    cr_expect_eq(rc, 0, "%s", err.text);
    cr_expect_str_eq(mx_buf_str(&out), due);
    mx_table_close(table);
    mx_buf_free(&out);
}

#define EXPECT(text, blanks, due) expect_rows(text, sizeof text - 1, blanks, due)

Test(table, rows_come_with_their_lines_whatever_ends_them)
{
    EXPECT("", false, "");
    EXPECT("\n\n", false, "");
    EXPECT("a,b\nc,d\n", false, "1[a|b]2[c|d]");
    EXPECT("\xEF\xBB\xBF"
           "a,b\r\n\r\nc,\r\n,d",
           false, "1[a|b]3[c|]4[|d]");
    EXPECT("a", false, "1[a]");
    EXPECT("a,", false, "1[a|]");
}

Test(table, quotes_hold_commas_quotes_and_lines)
{
    EXPECT("\"a,b\",\"say \"\"x\"\"\"\n\"two\nlines\",c\nd\n", false,
           "1[a,b|say \"x\"]2[two\nlines|c]4[d]");
}

Test(table, blanks_separate_where_asked)
{
    EXPECT("  12\n5_o Male \n000001.jpg -1  1 \r\n\"q\t2", true,
           "1[12]2[5_o|Male]3[000001.jpg|-1|1]4[\"q|2]");
}

static void expect_refused(const char *text, size_t len, const char *due)
{
    struct mx_err    err = {.code = MX_OK};
    struct mx_buf    whole = {0};
    struct mx_table *table;

    cr_assert_eq(mx_file_write(path, text, len, NULL), 0);
    table = mx_table_open(path, false, 20, &err);
    while (table && mx_table_next(table, &err) > 0)
        continue;
    mx_buf_printf(&whole, "%s%s", path, due);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, mx_buf_str(&whole));
    mx_buf_free(&whole);
    mx_table_close(table);
}

Test(table, what_is_no_table_is_refused)
{
    struct mx_err err;

    expect_refused("a,b\nc,\"d\n", 9, ":2: a quote is opened here and never closed");
    expect_refused("a\0b", 3, " is no text: it holds a byte 0: save it as UTF-8");
    expect_refused("\"a\"b,c\n", 7,
                   ":1: text follows a closing quote: quote whole fields, and double each quote "
                   "within them");
    unlink(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_expect_null(mx_table_open(path, false, 10, &err)); /* opening it would wait for ever */
    cr_expect_str_eq(err.text + strlen(path), " is a pipe, not a file");
    unlink(path);
    expect_refused("123456789012345678901", 21, " is larger than 20 bytes");
    cr_expect_null(mx_table_open("/nonexistent/x.csv", false, 10, &err));
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, "cannot open /nonexistent/x.csv: No such file or directory");
}
