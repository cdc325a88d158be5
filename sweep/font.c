/* Letters as strokes.
 *
 * A glyph is drawn on a grid: x from 0 to the right, y from 0 (the lowest a
 * letter reaches) over 4 (the line it stands on) and 12 (a small letter's top)
 * to 16 (a capital's top). Each stroke is a word: its kind, then points of two
 * digits, x and y in base 17: `-` straight lines, `~` a smooth line from the first
 * point to the last that the points between pull towards them, `@` the same,
 * closed.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "sweep/canvas.h"

struct glyph {
    uint32_t    character;
    const char *strokes;
};

/* clang-format off */
static const struct glyph glyphs[] = {
    {' ', "-3"},
    {'!', "-1g18 -1414"}, {'"', "-0g0d -2g2d"}, {'#', "-2g14 -6g54 -0c7c -0878"},
    {'$', "~7e6g0g0a7a741406 -3g34"}, {'%', "@0c3c3g0g @54848858 -147g"},
    {'&', "~842c2g5g5c09045479"}, {'\'', "-1g1d"}, {'(', "~3g0d0732"}, {')', "~0g3d3702"},
    {'*', "-3g39 -0e6b -0b6e"}, {'+', "-0969 -3c36"}, {',', "-1402"}, {'-', "-0959"},
    {'.', "-1414"}, {'/', "-036g"},
    {'0', "@04747g0g"}, {'1', "-1d4g44"}, {'2', "~0e1g7g7b0504 -0474"},
    {'3', "~0f1g7g7a3a ~3a7a741405"}, {'4', "-545g0878"}, {'5', "-6g1g0b ~0b2c7c741405"},
    {'6', "@04747b0b ~6g0f08"}, {'7', "-0g7g24"}, {'8', "@1a6a6g1g @04747a0a"},
    {'9', "@09797g0g ~14757c"},
    {':', "-1414 -1a1a"}, {';', "-1402 -1a1a"}, {'<', "-6c0864"}, {'=', "-0b6b -0767"},
    {'>', "-0c6804"}, {'?', "~0e1g6g6b3b38 -3434"}, {'@', "~6c67989g0g0484"},
    {'A', "-044g84 -1878"}, {'B', "-040g ~0g4g7g7a4a0a ~0a4a8a844404"}, {'C', "~8e6g0g046486"},
    {'D', "-040g ~0g3g8g843404"}, {'E', "-7g0g0474 -0a6a"}, {'F', "-7g0g04 -0a6a"},
    {'G', "~8e6g0g04848a -5a8a"}, {'H', "-0g04 -8g84 -0a8a"}, {'I', "-1g14"},
    {'J', "~5g58540407"}, {'K', "-0g04 -7g09 -3c74"}, {'L', "-0g0464"}, {'M', "-040g58aga4"},
    {'N', "-040g848g"}, {'O', "@04949g0g"}, {'P', "-040g ~0g4g7g794909"},
    {'Q', "@04949g0g -6793"}, {'R', "-040g ~0g4g7g794909 -4984"},
    {'S', "~7e6g0g0a7a741406"}, {'T', "-0g8g -4g44"}, {'U', "~0g080484888g"}, {'V', "-0g448g"},
    {'W', "-0g346g94cg"}, {'X', "-0g84 -048g"}, {'Y', "-0g4a8g -4a44"}, {'Z', "-0g8g0484"},
    {'[', "-3g0g0232"}, {'\\', "-0g63"}, {']', "-0g3g3202"}, {'^', "-0d3g6d"}, {'_', "-0272"},
    {'`', "-0g2e"},
    {'a', "@04646c0c -6c64"}, {'b', "-0g04 @04646c0c"}, {'c', "~6b5c0c045465"},
    {'d', "-6g64 @04646c0c"}, {'e', "-0868 ~686c0c045465"}, {'f', "~5g2g2d24 -0c4c"},
    {'g', "@04646c0c ~6c63601001"}, {'h', "-0g04 ~090c6c6864"}, {'i', "-1c14 -1f1f"},
    {'j', "~2c222000 -2f2f"}, {'k', "-0g04 -5c07 -2964"}, {'l', "~1g161434"},
    {'m', "-0c04 ~090c5c5854 ~595caca8a4"}, {'n', "-0c04 ~090c6c6864"}, {'o', "@04646c0c"},
    {'p', "-0c00 @04646c0c"}, {'q', "-6c60 @04646c0c"}, {'r', "-0c04 ~090c4c5b"},
    {'s', "~6b5c0c0868641405"}, {'t', "~2f262454 -0c5c"}, {'u', "~0c07046467 -6c64"},
    {'v', "-0c346c"}, {'w', "-0c245c84ac"}, {'x', "-0c64 -046c"}, {'y', "-0c34 -6c20"},
    {'z', "-0c6c0464"}, {'{', "~4g2f2b09 ~09272342"}, {'|', "-1g12"}, {'}', "~0g2f2b49 ~49272302"},
    {'~', "~081b576a"},
    {0x3BB, "~0g2g3c74 -3a04"}, {0xD7, "-0b65 -056b"}, {0xB7, "-1919"},
    {0x2026, "-1414 -4444 -7474"},
};
/* clang-format on */

static const char unknown[] = "-04646g0g04";

enum {
    CAPITAL = 12, /* from its feet to its top, in units of the grid */
    FEET = 4,
    GAP = 3,
    MOST_POINTS = 16,
    PIECES = 8, /* straight ones, of each bend */
};

static const char *strokes_of(uint32_t character)
{
    for (size_t g = 0; g < sizeof glyphs / sizeof glyphs[0]; g++)
        if (glyphs[g].character == character)
            return glyphs[g].strokes;
    return unknown;
}

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

static double advance(const char *strokes, struct mx_font font)
{
    return (width_of(strokes) + GAP) * font.size / CAPITAL;
}

double mx_font_width(const char *text, struct mx_font font)
{
    double width = 0;

    while (*text)
        width += advance(strokes_of(next_character(&text)), font);
    return width > 0 ? width - GAP * font.size / CAPITAL + font.thick : 0;
}

void mx_canvas_text(struct mx_canvas *canvas, double y, double x, const char *text,
                    struct mx_font font, uint32_t colour)
{
    struct pen pen = {.canvas = canvas,
                      .y = y,
                      .x = x + font.thick / 2,
                      .unit = font.size / CAPITAL,
                      .thick = font.thick,
                      .colour = colour};

    while (*text) {
        const char *strokes = strokes_of(next_character(&text));

        if (strokes != glyphs[0].strokes)
            draw_glyph(&pen, strokes);
        pen.x += advance(strokes, font);
    }
}

const char *mx_font_fit(const char *text, struct mx_font font, double width, char *out, size_t size)
{
    static const char ellipsis[] = "\xE2\x80\xA6";
    size_t            len = strlen(text);

    snprintf(out, size, "%s", text);
    while (len > 0 && (len + 1 > size || mx_font_width(out, font) > width)) {
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
