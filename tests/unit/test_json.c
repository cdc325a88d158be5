#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdint.h>

#include "base/json.h"

Test(json, puts_commas_where_they_belong)
{
    struct mx_buf  out = {0};
    struct mx_json json = {.out = &out};

    mx_json_object(&json, NULL);
    mx_json_array(&json, "empty");
    mx_json_end_array(&json);
    mx_json_array(&json, "list");
    mx_json_int(&json, NULL, INT64_MIN);
    mx_json_object(&json, NULL);
    mx_json_end_object(&json);
    mx_json_uint(&json, NULL, UINT64_MAX);
    mx_json_end_array(&json);
    mx_json_bool(&json, "yes", true);
    mx_json_bool(&json, "no", false);
    mx_json_null(&json, "nothing");
    mx_json_text(&json, "text", NULL);
    mx_json_end_object(&json);
    cr_expect_str_eq(mx_buf_str(&out),
                     "{\"empty\":[],\"list\":[-9223372036854775808,{},18446744073709551615],"
                     "\"yes\":true,\"no\":false,\"nothing\":null,\"text\":null}");
    mx_buf_free(&out);
}

static const char *quoted(const char *text, struct mx_buf *out)
{
    struct mx_json json = {.out = out};

    mx_buf_clear(out);
    mx_json_text(&json, NULL, text);
    return mx_buf_str(out);
}

Test(json, escapes_what_must_be_escaped)
{
    struct mx_buf out = {0};

    cr_expect_str_eq(quoted("a\"b\\c/d", &out), "\"a\\\"b\\\\c/d\"");
    cr_expect_str_eq(quoted("\n\t\r\x01\x1f\x7f", &out),
                     "\"\\n\\u0009\\u000d\\u0001\\u001f\\u007f\"");
    cr_expect_str_eq(quoted("", &out), "\"\"");
    mx_buf_free(&out);
}

Test(json, passes_characters_and_replaces_bytes_that_are_none)
{
#define BAD "\xEF\xBF\xBD"
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"\xC3\xA9", "\xC3\xA9"},                 /* two bytes */
        {"\xE2\x82\xAC", "\xE2\x82\xAC"},         /* three */
        {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"}, /* four */
        {"\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"}, /* the last one there is */
        {"\x80", BAD},                            /* no first byte */
        {"\xC3", BAD},                            /* cut by the end */
        {"\xE2\x82", BAD BAD},                    /* cut by the end */
        {"\xC3(", BAD "("},                       /* cut by another character */
        {"\xC0\xAF", BAD BAD},                    /* two bytes where one would do */
        {"\xE0\x80\xAF", BAD BAD BAD},            /* three where one would do */
        {"\xF0\x80\x80\xAF", BAD BAD BAD BAD},    /* four where one would do */
        {"\xED\xA0\x80", BAD BAD BAD},            /* half a surrogate pair */
        {"\xF4\x90\x80\x80", BAD BAD BAD BAD},    /* above the last one */
        {"\xFF\xFE", BAD BAD},                    /* never in UTF-8 */
    };
    struct mx_buf out = {0}, expected = {0};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mx_buf_clear(&expected);
        mx_buf_printf(&expected, "\"%s\"", rows[i].shown);
        cr_expect_str_eq(quoted(rows[i].text, &out), mx_buf_str(&expected), "row %zu", i);
    }
    mx_buf_free(&out);
    mx_buf_free(&expected);
}

/* Every byte value in every place of a short text is something jansson reads. */
Test(json, is_read_by_a_strict_reader_whatever_the_text)
{
    struct mx_buf out = {0};

    for (int a = 1; a < 256; a++)
        for (int b = 1; b < 256; b++) {
            char    text[4] = {(char)a, (char)b, 'x', '\0'};
            json_t *read;

            quoted(text, &out);
            read = json_loadb(out.data, out.len, JSON_DECODE_ANY, NULL);
            cr_assert_not_null(read, "bytes %d %d: %s", a, b, out.data);
            json_decref(read);
        }
    mx_buf_free(&out);
}

Test(json, numbers_are_shortest_and_what_is_not_finite_is_null)
{
    struct mx_buf  out = {0};
    struct mx_json json = {.out = &out};

    mx_json_array(&json, NULL);
    mx_json_real(&json, NULL, 0.1);
    mx_json_real(&json, NULL, 1e-5);
    mx_json_real(&json, NULL, 1e16);
    mx_json_real(&json, NULL, -0.0);
    mx_json_real(&json, NULL, NAN);
    mx_json_real(&json, NULL, INFINITY);
    mx_json_real(&json, NULL, -INFINITY);
    mx_json_end_array(&json);
    cr_expect_str_eq(mx_buf_str(&out), "[0.1,1e-05,1e+16,-0,null,null,null]");
    mx_buf_free(&out);
}

Test(json, keys_are_escaped_too)
{
    struct mx_buf  out = {0};
    struct mx_json json = {.out = &out};

    mx_json_object(&json, NULL);
    mx_json_int(&json, "a\"\n", 1);
    mx_json_end_object(&json);
    cr_expect_str_eq(mx_buf_str(&out), "{\"a\\\"\\n\":1}");
    mx_buf_free(&out);
}
