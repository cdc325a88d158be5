#include "sweep/html.h"

#include <math.h>
#include <stdio.h>

#include "base/num.h"
#include "base/utf8.h"

#define REPLACEMENT "\xEF\xBF\xBD"

static const char *escape_of(uint32_t character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\n':
    case '\t':
        return NULL;
    default:
        /* C0, DEL, C1 and what is no character: no HTML document may hold them. */
        return character < 0x20 || (character >= 0x7F && character < 0xA0) ||
                       (character & 0xFFFE) == 0xFFFE || (character >= 0xFDD0 && character < 0xFDF0)
                   ? REPLACEMENT
                   : NULL;
    }
}

void mx_html_text(struct mx_buf *out, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        uint32_t     character;
        const size_t taken = mx_utf8_decode(text, left, &character);
        const char  *escape = taken == 0 ? REPLACEMENT : escape_of(character);
        const size_t len = taken == 0 ? 1 : taken;

        if (escape)
            mx_buf_text(out, escape);
        else
            mx_buf_add(out, text, len);
        text += len;
        left -= len;
    }
}

const char *mx_html_shown(double x, char out[MX_SHOWN_SIZE])
{
    const double size = fabs(x);

    if (isnan(x))
        return strcpy(out, "\xE2\x80\x93");
    if (isinf(x))
        return strcpy(out, x < 0 ? "-\xE2\x88\x9E" : "\xE2\x88\x9E");
    if (x == floor(x) && size < 1e9)
        snprintf(out, MX_SHOWN_SIZE, "%.0f", x);
    else if (size >= 1e-3 && size < 100)
        snprintf(out, MX_SHOWN_SIZE, "%.4f", x);
    else
        snprintf(out, MX_SHOWN_SIZE, "%.4g", x);
    return out;
}

void mx_html_number(struct mx_buf *out, double x)
{
    mx_html_number_as(out, x, x);
}

void mx_html_number_as(struct mx_buf *out, double x, double shown)
{
    char text[MX_SHOWN_SIZE], all[MX_NUM_SIZE];

    if (isnan(x)) {
        mx_buf_text(out, mx_html_shown(x, text));
        return;
    }
    mx_buf_printf(out, "<data value=\"%s\">%s</data>", mx_num_format(x, all),
                  mx_html_shown(shown, text));
}

void mx_html_base64(struct mx_buf *out, const void *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t    *bytes = data;

    for (size_t k = 0; k < len; k += 3) {
        const size_t   left = len - k;
        const uint32_t three = (uint32_t)bytes[k] << 16 |
                               (left > 1 ? (uint32_t)bytes[k + 1] << 8 : 0) |
                               (left > 2 ? (uint32_t)bytes[k + 2] : 0);
        char four[4] = {digits[three >> 18], digits[three >> 12 & 63], '=', '='};

        if (left > 1)
            four[2] = digits[three >> 6 & 63];
        if (left > 2)
            four[3] = digits[three & 63];
        mx_buf_add(out, four, sizeof four);
    }
}
