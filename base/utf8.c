#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

size_t mx_utf8_decode(const void *text, size_t left, uint32_t *character)
{
    const unsigned char  *at = text;
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t                n = at[0] < 0x80   ? 1
                              : at[0] < 0xc0 ? 0
                              : at[0] < 0xe0 ? 2
                              : at[0] < 0xf0 ? 3
                              : at[0] < 0xf8 ? 4
                                             : 0;
    uint32_t              c;

    if (n == 0 || n > left)
        return 0;
    c = n == 1 ? at[0] : at[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (at[i] & 0x3f);
    }
    if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *character = c;
    return n;
}

char *mx_utf8_shown(const char *text, char *out, size_t size)
{
    size_t left = strlen(text), at = 0;

    while (left > 0 && at + sizeof "\\xNN" <= size) {
        uint32_t character = 0;
        size_t   n = mx_utf8_decode(text, left, &character);

        if (n == 0 || character < 0x20 || character == 0x7F) {
            n = 1;
            at += (size_t)snprintf(out + at, sizeof "\\xNN", "\\x%02X", (unsigned char)*text);
        } else {
            memcpy(out + at, text, n);
            at += n;
        }
        text += n;
        left -= n;
    }
    out[at] = '\0';
    return out;
}
