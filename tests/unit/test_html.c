#include <criterion/criterion.h>
#include <math.h>

#include "sweep/html.h"

static void expect_text(const char *text, const char *want)
{
    struct mx_buf out = {0};

    mx_html_text(&out, text);
    cr_expect_str_eq(mx_buf_str(&out), want);
    mx_buf_free(&out);
}

Test(html, what_html_reads_is_escaped)
{
    expect_text("<script>alert('a' & \"b\")</script>",
                "&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)&lt;/script&gt;");
    expect_text("\xCE\xBB \xE2\x89\xA5 1\n", "\xCE\xBB \xE2\x89\xA5 1\n");
    expect_text("", "");
}

Test(html, what_is_no_text_is_replaced)
{
    expect_text("a\xFF\xC0\x80z", "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz");
    expect_text("\x01\x7F\x1B[31m", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD[31m");
    expect_text("\xC2\x85\xEF\xBF\xBE", "\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void expect_number(double x, const char *want)
{
    struct mx_buf out = {0};

    mx_html_number(&out, x);
    cr_expect_str_eq(mx_buf_str(&out), want);
    mx_buf_free(&out);
}

Test(html, numbers_are_short_and_have_all_digits_beside_them)
{
    expect_number(0.8123456789012345, "<data value=\"0.8123456789012345\">0.8123</data>");
    expect_number(1, "<data value=\"1\">1</data>");
    expect_number(12345.678, "<data value=\"12345.678\">1.235e+04</data>");
    expect_number(-2.5e-7, "<data value=\"-2.5e-07\">-2.5e-07</data>");
    expect_number(-INFINITY, "<data value=\"-inf\">-\xE2\x88\x9E</data>");
    expect_number(NAN, "\xE2\x80\x93");
}

static void expect_base64(const char *bytes, size_t len, const char *want)
{
    struct mx_buf out = {0};

    mx_html_base64(&out, bytes, len);
    cr_expect_str_eq(mx_buf_str(&out), want);
    mx_buf_free(&out);
}

/* RFC 4648, section 10, and the ends of the alphabet. */
Test(html, base64_equals_the_standards_examples)
{
    expect_base64("", 0, "");
    expect_base64("f", 1, "Zg==");
    expect_base64("fo", 2, "Zm8=");
    expect_base64("foo", 3, "Zm9v");
    expect_base64("foobar", 6, "Zm9vYmFy");
    expect_base64("\xFF\xEF\xBE", 3, "/+++");
}
