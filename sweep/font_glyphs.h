/* font_glyphs.h - letters as strokes; between font.c, which draws them, and font_glyphs.c. Nobody
 * else's.
 *
 * A glyph is drawn on a grid: x from 0 to the right, y from 0 (the lowest a
 * letter reaches) over 4 (the line it stands on) and 12 (a small letter's top)
 * to 16 (a capital's top). Each stroke is a word: its kind, then points of two
 * digits, x and y in base 17: `-` straight lines, `~` a smooth line from the first
 * point to the last that the points between pull towards them, `@` the same,
 * closed.
 */
#ifndef MX_SWEEP_FONT_GLYPHS_H
#define MX_SWEEP_FONT_GLYPHS_H

#include <stdbool.h>
#include <stdint.h>

struct font_glyph {
    const char *strokes; /* NULL: a mark on the letter before */
    const char *mark;    /* six wide, to be centred over the strokes; NULL = none */
    bool        high;    /* the letter reaches a capital's top: a mark above it stands higher */
    bool        behind;  /* the mark stands behind the letter */
};

/* ASCII, the Latin letters of U+00C0 to U+017F, some signs; a box for what is not known. */
struct font_glyph font_glyph_of(uint32_t character);

#endif
