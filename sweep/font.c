/* font.c - text of strokes (sweep/font_glyphs.h) on a canvas. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "sweep/canvas.h"
#include "sweep/font_glyphs.h"

/* Pixels: text that was shrunk to a width fits it, whatever the last bits say. */
static const double SLACK = 1e-6;

enum {
    CAPITAL = 12, /* from its feet to its top, in units of the grid */
    FEET = 4,
    GAP = 3,
    MARK = 6, /* how wide marks are */
    RISE = 4, /* of marks above capitals */
    MOST_POINTS = 16,
    PIECES = 8, /* straight ones, of each bend */
};

static int digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Where the glyph ends on the right. */
static int width_of(const char *strokes)
{
    int width = 0;

    for (const char *s = strokes; *s; s++) {
        if (*s == '-' || *s == '~' || *s == '@' || *s == ' ')
            continue;
        width = digit(*s) > width ? digit(*s) : width;
        s += s[1] != '\0' && s[1] != ' ';
    }
    return width;
}

/* A pen: where the glyph's origin lies, and the size of a unit. */
struct pen {
    struct mx_canvas *canvas;
    double            y, x, unit, thick;
    uint32_t          colour;
};

struct point {
    double y, x;
};

static void draw_line(const struct pen *pen, struct point a, struct point b)
{
    mx_canvas_line(pen->canvas, pen->y - (a.y - FEET) * pen->unit, pen->x + a.x * pen->unit,
                   pen->y - (b.y - FEET) * pen->unit, pen->x + b.x * pen->unit, pen->thick,
                   pen->colour);
}

static struct point middle(struct point a, struct point b)
{
    return (struct point){(a.y + b.y) / 2, (a.x + b.x) / 2};
}

/* A parabola from a to b, pulled by `pull`. */
static void draw_bend(const struct pen *pen, struct point a, struct point pull, struct point b)
{
    struct point before = a;

    for (int k = 1; k <= PIECES; k++) {
        double       t = (double)k / PIECES, s = 1 - t;
        struct point next = {s * s * a.y + 2 * s * t * pull.y + t * t * b.y,
                             s * s * a.x + 2 * s * t * pull.x + t * t * b.x};

        draw_line(pen, before, next);
        before = next;
    }
}

static void draw_stroke(const struct pen *pen, char kind, const struct point *p, int n)
{
    if (kind == '-') {
        for (int k = 0; k < n; k++)
            if (k > 0 || n == 1)
                draw_line(pen, p[k ? k - 1 : 0], p[k]);
    } else if (kind == '@') {
        for (int k = 0; k < n; k++)
            draw_bend(pen, middle(p[k], p[(k + 1) % n]), p[(k + 1) % n],
                      middle(p[(k + 1) % n], p[(k + 2) % n]));
    } else {
        for (int k = 1; k + 1 < n; k++)
            draw_bend(pen, k == 1 ? p[0] : middle(p[k - 1], p[k]), p[k],
                      k + 2 == n ? p[n - 1] : middle(p[k], p[k + 1]));
    }
}

static void draw_glyph(const struct pen *pen, const char *strokes)
{
    while (*strokes) {
        char         kind = *strokes++;
        struct point points[MOST_POINTS];
        int          n = 0;

        for (; n < MOST_POINTS && *strokes && *strokes != ' ' && strokes[1]; strokes += 2)
            points[n++] = (struct point){digit(strokes[1]), digit(strokes[0])};
        draw_stroke(pen, kind, points, n);
        strokes += strcspn(strokes, "-~@");
    }
}

/* The next character of a text; bytes that are none count one by one. */
static uint32_t next_character(const char **text)
{
    uint32_t character = 0xFFFD;
    size_t   n = mx_utf8_decode(*text, strlen(*text), &character);

    *text += n ? n : 1;
    return n ? character : 0xFFFD;
}

static bool is_box(uint32_t character)
{
    return font_glyph_of(character).strokes == font_glyph_of(0xFFFD).strokes;
}

/* A text as it is drawn: a character without a glyph is its code, [U+65E5], not a box like others. */
struct reader {
    const char *text;
    char        code[16];
    const char *more; /* of code */
};

static bool is_left(const struct reader *reader)
{
    return *reader->text || (reader->more && *reader->more);
}

static uint32_t next_drawn(struct reader *reader)
{
    uint32_t character;

    if (reader->more && *reader->more)
        return (uint32_t)*reader->more++;
    character = next_character(&reader->text);
    if (character == 0xFFFD || !is_box(character))
        return character;
    snprintf(reader->code, sizeof reader->code, "[U+%04X]", (unsigned)character);
    reader->more = reader->code + 1;
    return (uint32_t)reader->code[0];
}

/* How far the next letter stands behind a glyph's begin; 0 of a mark alone. */
static double advance(const struct font_glyph *glyph, struct mx_font font)
{
    if (!glyph->strokes)
        return 0;
    return (width_of(glyph->strokes) + (glyph->behind ? 2 : 0) + GAP) * font.size / CAPITAL;
}

/* A mark over, under or behind a letter of that width which begins at the pen. */
static void draw_mark(struct pen pen, const struct font_glyph *glyph, int width)
{
    const bool below = digit(glyph->mark[2]) <= FEET;

    pen.x += pen.unit * (glyph->behind ? width - 1 : (width - MARK) / 2.0);
    if (glyph->high && !below && !glyph->behind)
        pen.y -= RISE * pen.unit;
    draw_glyph(&pen, glyph->mark);
}

bool mx_font_knows(const char *text)
{
    while (*text)
        if (is_box(next_character(&text)))
            return false;
    return true;
}

double mx_font_width(const char *text, struct mx_font font)
{
    struct reader reader = {.text = text};
    double        width = 0;

    while (is_left(&reader)) {
        const struct font_glyph glyph = font_glyph_of(next_drawn(&reader));

        width += advance(&glyph, font);
    }
    return width > 0 ? width - GAP * font.size / CAPITAL + font.thick : 0;
}

void mx_canvas_text(struct mx_canvas *canvas, double y, double x, const char *text,
                    struct mx_font font, uint32_t colour)
{
    struct pen    pen = {.canvas = canvas,
                         .y = y,
                         .x = x + font.thick / 2,
                         .unit = font.size / CAPITAL,
                         .thick = font.thick,
                         .colour = colour};
    struct reader reader = {.text = text};
    double        step = 0;
    int           width = 0;
    bool          high = false;

    while (is_left(&reader)) {
        struct font_glyph glyph = font_glyph_of(next_drawn(&reader));

        if (glyph.strokes) { /* else a mark on the letter that the pen still stands at */
            pen.x += step;
            width = width_of(glyph.strokes);
            high = glyph.high;
            step = advance(&glyph, font);
            if (strlen(glyph.strokes) > 2)
                draw_glyph(&pen, glyph.strokes);
        }
        glyph.high = high;
        if (glyph.mark)
            draw_mark(pen, &glyph, width);
    }
}

const char *mx_font_fit(const char *text, struct mx_font font, double width, char *out, size_t size)
{
    static const char ellipsis[] = "\xE2\x80\xA6";
    size_t            len = strlen(text), behind = 1; /* bytes that follow: the end, or more */

    snprintf(out, size, "%s", text);
    while (len > 0 && (len + behind > size || mx_font_width(out, font) > width + SLACK)) {
        behind = sizeof ellipsis;
        do /* a whole character less */
            len--;
        while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80);
        snprintf(out, size, "%.*s%s", (int)len, text, ellipsis);
    }
    return out;
}

unsigned mx_font_wrap(const char *text, struct mx_font font, double width, char *out, size_t size)
{
    char    *line = out, *blank = NULL;
    unsigned lines = 1;

    snprintf(out, size, "%s", text);
    for (char *at = out; *at; at++) { /* up to the next blank or the end */
        char *end = at + 1, held = *end;

        if (*at == ' ')
            blank = at;
        if (held != ' ' && held != '\0')
            continue;
        *end = '\0';
        if (blank && mx_font_width(line, font) > width) {
            *blank = '\n';
            line = blank + 1;
            blank = NULL;
            lines++;
        }
        *end = held;
    }
    return lines;
}

struct mx_font mx_font_shrink(const char *text, struct mx_font font, double width)
{
    const double least = 0.6, wide = mx_font_width(text, font);
    double       share = wide > width ? width / wide : 1;

    share = share > least ? share : least;
    return (struct mx_font){font.size * share, font.thick * share};
}
