#include "base/log.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

const char *const mx_log_level_names[MX_LOG_LEVELS] = {"debug", "info", "warning", "error"};

/* Escaped text is longer than the text, so the line is made with less of it
 * until it fits; the first try fits nearly always. */
enum {
    WORST_ESCAPE = 6,   /* bytes of \u001b for one byte */
    FRAME = 1024,       /* more than the line around the text needs */
    NAME = MX_LOG_NAME, /* bytes of host and trial that are shown */
};

/* Copy `room` bytes of text at most, whole characters only, and `more` behind
 * what had to be cut; returns out. */
static const char *shorten(const char *text, size_t room, const char *more, char *out)
{
    size_t len = strnlen(text, room + 1);
    bool   whole = len <= room;

    if (!whole)
        for (len = room; len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80;)
            len--;
    memcpy(out, text, len);
    strcpy(out + len, whole ? "" : more);
    return out;
}

static void text_line(const struct mx_log_record *record, struct mx_buf *out)
{
    char utc[MX_UTC_SIZE];

    mx_buf_printf(out, "%s %s", mx_clock_format_utc(record->utc_s, utc),
                  mx_log_level_names[record->level]);
    if (record->host)
        mx_buf_printf(out, " %s", record->host);
    if (record->rank >= 0)
        mx_buf_printf(out, "%s%d", record->host ? "/" : " /", record->rank);
    if (record->trial)
        mx_buf_printf(out, " %s", record->trial);
    mx_buf_text(out, record->host || record->rank >= 0 || record->trial ? ": " : " ");
    for (const unsigned char *at = (const unsigned char *)record->text; *at; at++) {
        if (*at == '\n')
            mx_buf_text(out, "\\n");
        else if (*at < 0x20 || *at == 0x7F)
            mx_buf_printf(out, "\\x%02x", *at);
        else
            mx_buf_add(out, at, 1);
    }
}

static void json_line(const struct mx_log_record *record, struct mx_buf *out)
{
    struct mx_json json = {.out = out};
    char           utc[MX_UTC_SIZE];

    mx_json_object(&json, NULL);
    mx_json_text(&json, "time", mx_clock_format_utc(record->utc_s, utc));
    mx_json_text(&json, "level", mx_log_level_names[record->level]);
    mx_json_text(&json, "host", record->host);
    if (record->rank >= 0)
        mx_json_int(&json, "rank", record->rank);
    else
        mx_json_null(&json, "rank");
    mx_json_text(&json, "trial", record->trial);
    mx_json_text(&json, "text", record->text);
    mx_json_end_object(&json);
}

static void format_line(const struct mx_log_record *record, enum mx_log_format format,
                        struct mx_buf *out)
{
    (format == MX_LOG_JSON ? json_line : text_line)(record, out);
    mx_buf_text(out, "\n");
}

void mx_log_line(const struct mx_log_record *record, enum mx_log_format format, struct mx_buf *out)
{
    struct mx_log_record shown = *record;
    size_t               start = out->len;
    char                 text[MX_LOG_LINE], host[NAME + 1], trial[NAME + 1];

    if (record->host)
        shown.host = shorten(record->host, NAME, "", host);
    if (record->trial)
        shown.trial = shorten(record->trial, NAME, "", trial);
    shown.text = shorten(record->text, MX_LOG_LINE - FRAME, "...", text);
    format_line(&shown, format, out);
    if (mx_buf_ok(out) && out->len - start > MX_LOG_LINE) {
        out->len = start;
        shown.text = shorten(record->text, (MX_LOG_LINE - FRAME) / WORST_ESCAPE, "...", text);
        format_line(&shown, format, out);
    }
}

int mx_log_write(int fd, const char *name, const struct mx_log_record *record,
                 enum mx_log_format format, struct mx_err *err)
{
    struct mx_buf line = {0};
    int           rc;

    mx_log_line(record, format, &line);
    if (mx_buf_ok(&line))
        rc = mx_file_write_all(fd, line.data, line.len, name, err);
    else
        rc = mx_fail(err, MX_ENOMEM, "no memory to write %s", name);
    mx_buf_free(&line);
    return rc;
}
