#include "sweep/utf8.h"

#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

/* Characters that YAML does not allow in a stream. */
static bool is_control(uint32_t c)
{
    if (c < 0x20)
        return c != '\t' && c != '\n' && c != '\r';
    return (c >= 0x7f && c < 0xa0 && c != 0x85) || c == 0xfffe || c == 0xffff;
}

/* A place that moves through the text as libyaml's mark does. */
struct cursor {
    size_t   at;
    unsigned line, column;
};

static void step(struct cursor *cursor, const char *text, size_t len, uint32_t c, size_t bytes)
{
    bool crlf = c == '\r' && cursor->at + 1 < len && text[cursor->at + 1] == '\n';

    cursor->at += bytes;
    cursor->column++;
    if ((c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029) && !crlf) {
        cursor->line++;
        cursor->column = 1;
    }
}

const char *mx_utf8_check(const char *text, size_t len, unsigned *line, unsigned *column)
{
    struct cursor cursor = {0, 1, 1};
    const char   *problem = NULL;

    if (len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0))
        problem = "the text is UTF-16 (save it as UTF-8)";
    while (!problem && cursor.at < len) {
        uint32_t c = 0;
        size_t   bytes = mx_utf8_decode(text + cursor.at, len - cursor.at, &c);

        if (bytes == 0)
            problem = "a byte that is not UTF-8 (save the file as UTF-8)";
        else if (is_control(c))
            problem = "a control character (remove it)";
        else
            step(&cursor, text, len, c, bytes);
    }
    if (problem) {
        *line = cursor.line;
        *column = cursor.column;
    }
    return problem;
}

uint32_t mx_utf8_at(const char *text, size_t len, unsigned line, unsigned column)
{
    struct cursor cursor = {0, 1, 1};

    while (cursor.at < len) {
        uint32_t c = 0;
        size_t   bytes = mx_utf8_decode(text + cursor.at, len - cursor.at, &c);

        if (bytes == 0)
            break;
        if (cursor.line == line && cursor.column == column)
            return c;
        step(&cursor, text, len, c, bytes);
    }
    return 0;
}
