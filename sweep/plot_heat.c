/* plot_heat.c - tables of numbers as colours. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/html.h"
#include "sweep/plot_parts.h"

enum {
    HEAT_NAMES = 140, /* pixels for the names of rows */
    HEAT_WIDTH = 400,
    HEAT_NUMBERS = 12, /* columns that have room for numbers */
    HEAT_DIGITS = 9    /* those that have it for three digits */
};

/* Between the colours of a scale that runs evenly from light to dark: it prints in grey too. */
static const char *blend(const double stops[][3], size_t n, double share, char out[MX_COLOUR_SIZE])
{
    const double at = fmin(fmax(share, 0), 1) * (double)(n - 1);
    const size_t k = at >= (double)(n - 1) ? n - 2 : (size_t)at;
    const double rest = at - (double)k;
    unsigned     c[3];

    for (int i = 0; i < 3; i++)
        c[i] = (unsigned)lround(stops[k][i] + rest * (stops[k + 1][i] - stops[k][i])) & 255;
    snprintf(out, MX_COLOUR_SIZE, "#%02x%02x%02x", c[0], c[1], c[2]);
    return out;
}

/* Whether white can be read better than black on a colour "#rrggbb": by WCAG's relative
 * luminance, of which 0.179 has the same contrast to both. */
static bool is_dark(const char *colour)
{
    static const double weights[] = {0.2126, 0.7152, 0.0722};
    double              luminance = 0;

    for (int i = 0; i < 3; i++) {
        const char   pair[] = {colour[1 + 2 * i], colour[2 + 2 * i], '\0'};
        const double c = (double)strtol(pair, NULL, 16) / 255;

        luminance += weights[i] * (c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
    }
    return luminance < 0.179;
}

const char *mx_plot_shade(double share, char out[MX_COLOUR_SIZE])
{
    static const double stops[][3] = {
        {222, 235, 247}, {158, 202, 225}, {66, 146, 198}, {8, 81, 156}, {5, 34, 84}};

    return blend(stops, sizeof stops / sizeof stops[0], share, out);
}

static const char *sign_shade(double share, char out[MX_COLOUR_SIZE])
{
    static const double stops[][3] = {
        {0, 84, 140}, {120, 178, 214}, {250, 250, 250}, {240, 170, 110}, {184, 76, 0}};

    return blend(stops, sizeof stops / sizeof stops[0], share, out);
}

/* The ends of the colours. */
static void find_range(const struct mx_heat *heat, double *low, double *high)
{
    *low = heat->low;
    *high = heat->high;
    if (isnan(*low) || isnan(*high)) {
        *low = INFINITY;
        *high = -INFINITY;
        for (size_t k = 0; k < heat->rows * heat->columns; k++)
            if (isfinite(heat->values[k])) {
                *low = fmin(*low, heat->values[k]);
                *high = fmax(*high, heat->values[k]);
            }
    }
    if (heat->signs) {
        *high = fmax(fabs(*low), fabs(*high));
        *low = -*high;
    }
    if (!(*high > *low))
        *high = *low + 1;
}

static void put_square(const struct mx_heat *heat, size_t row, size_t column, double low,
                       double high, double width, double height, double top, struct mx_buf *out)
{
    const double v = heat->values[row * heat->columns + column], share = (v - low) / (high - low);
    const double x = HEAT_NAMES + (double)column * width, y = top + (double)row * height;
    char         colour[MX_COLOUR_SIZE] = "none", text[MX_SHOWN_SIZE];

    if (!isnan(v))
        (heat->signs ? sign_shade : mx_plot_shade)(share, colour);

    mx_buf_text(out, "<g><title>");
    mx_html_text(out, heat->row_names[row]);
    mx_buf_text(out, " / ");
    mx_html_text(out, heat->column_names[column]);
    mx_buf_printf(out, ": %s</title><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" ",
                  mx_html_shown(v, text), x, y, width - 1, height - 1);
    mx_buf_printf(out, "fill=\"%s\"/>", colour);
    if (heat->columns <= HEAT_NUMBERS && !isnan(v)) {
        snprintf(text, sizeof text, "%.*f", heat->columns > HEAT_DIGITS ? 2 : 3, v);
        mx_buf_printf(out,
                      "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"%s\" "
                      "font-size=\"%.1f\">%s</text>",
                      x + width / 2, y + height / 2 + 3.5, is_dark(colour) ? "#fff" : "#000",
                      fmin(11, 0.5 * width), strncmp(text, "0.", 2) == 0 ? text + 1 : text);
    }
    mx_buf_text(out, "</g>");
}

/* A name that fits in front of the squares. */
static void put_name(struct mx_buf *out, const char *name, double y)
{
    const size_t most = HEAT_NAMES / 7, len = strlen(name);
    size_t       cut = most - 1;
    char         shown[HEAT_NAMES];

    if (len > most) {
        while (cut > 0 && ((unsigned char)name[cut] & 0xC0) == 0x80)
            cut--; /* no half character */
        snprintf(shown, sizeof shown, "%.*s\xE2\x80\xA6", (int)cut, name);
        name = shown;
    }
    mx_buf_printf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", HEAT_NAMES - 5, y);
    mx_html_text(out, name);
    mx_buf_text(out, "</text>");
}

void mx_heat_svg(const struct mx_heat *heat, struct mx_buf *out)
{
    const double width = (double)(HEAT_WIDTH - HEAT_NAMES - 4) / (double)heat->columns;
    const double height = fmax(fmin(width, 26), 7), top = 38;
    const double small = fmin(12, height - 1);
    double       low, high;

    find_range(heat, &low, &high);
    mx_buf_text(out, "<svg role=\"img\" aria-label=\"");
    mx_html_text(out, heat->alt);
    mx_buf_printf(out, "\" viewBox=\"0 0 %d %.0f\"><text x=\"2\" y=\"12\">", HEAT_WIDTH,
                  top + height * (double)heat->rows + 6);
    mx_html_text(out, heat->row_label);
    mx_buf_printf(out, "</text><text x=\"%d\" y=\"12\">", HEAT_NAMES);
    mx_html_text(out, heat->column_label);
    mx_buf_text(out, "</text>");
    for (size_t c = 0; c < heat->columns && width >= 14; c++) {
        mx_buf_printf(out, "<text x=\"%.1f\" y=\"32\" text-anchor=\"middle\">",
                      HEAT_NAMES + ((double)c + 0.5) * width);
        mx_html_text(out, heat->column_ticks[c]);
        mx_buf_text(out, "</text>");
    }
    mx_buf_printf(out, "<g font-size=\"%.1f\">", small);
    for (size_t r = 0; r < heat->rows; r++) {
        put_name(out, heat->row_names[r], top + ((double)r + 0.5) * height + small / 3);
        for (size_t c = 0; c < heat->columns; c++)
            put_square(heat, r, c, low, high, width, height, top, out);
    }
    mx_buf_text(out, "</g></svg>");
}
