#include "base/json.h"

#include <inttypes.h>
#include <math.h>

#include "base/num.h"

/* Length of the well-formed UTF-8 character at `at`, 0 if it is none. */
static size_t utf8_length(const unsigned char *at)
{
    size_t n = at[0] < 0x80   ? 1
               : at[0] < 0xC2 ? 0
               : at[0] < 0xE0 ? 2
               : at[0] < 0xF0 ? 3
               : at[0] < 0xF5 ? 4
                              : 0;

    for (size_t i = 1; i < n; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    if ((at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F) ||
        (at[0] == 0xF0 && at[1] < 0x90) || (at[0] == 0xF4 && at[1] > 0x8F))
        return 0;
    return n;
}

static void quoted(struct mx_buf *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    mx_buf_text(out, "\"");
    while (*at) {
        size_t n = utf8_length(at);

        if (n == 0) {
            mx_buf_text(out, "\xEF\xBF\xBD");
            n = 1;
        } else if (*at == '"' || *at == '\\') {
            mx_buf_printf(out, "\\%c", *at);
        } else if (*at == '\n') {
            mx_buf_text(out, "\\n");
        } else if (*at < 0x20 || *at == 0x7F) {
            mx_buf_printf(out, "\\u%04x", *at);
        } else {
            mx_buf_add(out, at, n);
        }
        at += n;
    }
    mx_buf_text(out, "\"");
}

static void begin(struct mx_json *json, const char *key)
{
    if (json->comma)
        mx_buf_text(json->out, ",");
    json->comma = true;
    if (key) {
        quoted(json->out, key);
        mx_buf_text(json->out, ":");
    }
}

static void open_container(struct mx_json *json, const char *key, const char *bracket)
{
    begin(json, key);
    mx_buf_text(json->out, bracket);
    json->comma = false;
}

static void close_container(struct mx_json *json, const char *bracket)
{
    mx_buf_text(json->out, bracket);
    json->comma = true;
}

void mx_json_object(struct mx_json *json, const char *key)
{
    open_container(json, key, "{");
}

void mx_json_array(struct mx_json *json, const char *key)
{
    open_container(json, key, "[");
}

void mx_json_end_object(struct mx_json *json)
{
    close_container(json, "}");
}

void mx_json_end_array(struct mx_json *json)
{
    close_container(json, "]");
}

void mx_json_text(struct mx_json *json, const char *key, const char *value)
{
    if (!value) {
        mx_json_null(json, key);
        return;
    }
    begin(json, key);
    quoted(json->out, value);
}

void mx_json_real(struct mx_json *json, const char *key, double value)
{
    char number[MX_NUM_SIZE];

    begin(json, key);
    mx_buf_text(json->out, isfinite(value) ? mx_num_format(value, number) : "null");
}

void mx_json_int(struct mx_json *json, const char *key, int64_t value)
{
    begin(json, key);
    mx_buf_printf(json->out, "%" PRId64, value);
}

void mx_json_uint(struct mx_json *json, const char *key, uint64_t value)
{
    begin(json, key);
    mx_buf_printf(json->out, "%" PRIu64, value);
}

void mx_json_bool(struct mx_json *json, const char *key, bool value)
{
    begin(json, key);
    mx_buf_text(json->out, value ? "true" : "false");
}

void mx_json_null(struct mx_json *json, const char *key)
{
    begin(json, key);
    mx_buf_text(json->out, "null");
}
