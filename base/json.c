#include "base/json.h"

#include <math.h>
#include <string.h>

#include "base/num.h"
#include "base/utf8.h"

/* Bytes at the front that stand for themselves. */
static size_t plain(const unsigned char *at, const unsigned char *end)
{
    const unsigned char *begin = at;

    while (at < end && *at >= 0x20 && *at < 0x7F && *at != '"' && *at != '\\')
        at++;
    return (size_t)(at - begin);
}

static void quoted(struct mx_buf *out, const char *text)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + strlen(text);

    mx_buf_text(out, "\"");
    while (at < end) {
        uint32_t character;
        size_t   n = plain(at, end);

        if (n > 0) {
            mx_buf_add(out, at, n);
            at += n;
            continue;
        }
        n = mx_utf8_decode(at, (size_t)(end - at), &character);
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
    if (value < 0)
        mx_buf_text(json->out, "-");
    mx_buf_uint(json->out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void mx_json_uint(struct mx_json *json, const char *key, uint64_t value)
{
    begin(json, key);
    mx_buf_uint(json->out, value);
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
