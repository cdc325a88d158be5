#include <criterion/criterion.h>
#include <string.h>

#include "sweep/canvas.h"
#include "sweep/font_glyphs.h"

static const struct mx_font font = {24, 2};

enum {
    HEIGHT = 80,
    WIDTH = 400,
    FEET = 50
};

static struct mx_canvas drawn(const char *text)
{
    struct mx_canvas canvas;

    cr_assert_eq(mx_canvas_init(&canvas, HEIGHT, WIDTH, 0xffffff, NULL), 0);
    mx_canvas_text(&canvas, FEET, 10, text, font, 0);
    return canvas;
}

/* How much ink there is in rows [from, to). */
static unsigned ink(const struct mx_canvas *canvas, int from, int to)
{
    unsigned sum = 0;

    for (size_t k = (size_t)from * WIDTH * 3; k < (size_t)to * WIDTH * 3; k += 3)
        sum += 255u - canvas->pixels[k];
    return sum;
}

static bool same(const char *a, const char *b)
{
    struct mx_canvas x = drawn(a), y = drawn(b);
    const bool       is = memcmp(x.pixels, y.pixels, (size_t)HEIGHT * WIDTH * 3) == 0;

    mx_canvas_free(&x);
    mx_canvas_free(&y);
    return is;
}

/* U+00C0 as UTF-8. */
static const char *utf8(uint32_t c, char out[4])
{
    out[0] = (char)(0xC0 | c >> 6);
    out[1] = (char)(0x80 | (c & 0x3F));
    out[2] = '\0';
    return out;
}

/* Names in other letters are not drawn at all where a number can stand for them. */
Test(font, knows_which_text_it_has_letters_for)
{
    cr_expect(mx_font_knows(""));
    cr_expect(mx_font_knows("011.Rusty_Blackbird \xC3\xA9\xC5\x82 e\xCC\x81 \xCE\xBB"));
    cr_expect_not(mx_font_knows("\xE6\x97\xA5\xE6\x9C\xAC"));
    cr_expect_not(mx_font_knows("cat \xD0\xB6"));
    cr_expect_not(mx_font_knows("cat\xFF"));
}

/* As names of sweeps and sets: two of them are to look different. */
Test(font, a_letter_that_it_does_not_have_is_drawn_as_its_code)
{
    static const struct mx_font small = {6, 1};

    cr_expect(same("\xE6\x97\xA5", "[U+65E5]"));
    cr_expect(same("a\xD0\xB6", "a[U+0436]"));
    cr_expect(same("\xF0\x9F\x90\xB1", "[U+1F431]"));
    cr_expect_not(same("\xE6\x97\xA5", "\xE6\x9C\xAC"));
    cr_expect_eq(mx_font_width("\xE6\x97\xA5 \xE6\x9C\xAC", small),
                 mx_font_width("[U+65E5] [U+672C]", small));
    cr_expect(same("\xFF", "\xEF\xBF\xBD"));
}

Test(font, every_latin_letter_is_drawn_and_none_is_a_box)
{
    const char *box = font_glyph_of(0x4E2D).strokes;

    cr_assert_not_null(box);
    for (uint32_t c = 0xC0; c <= 0x17F; c++) {
        const struct font_glyph glyph = font_glyph_of(c);
        char                    text[4];

        if (c == 0x132 || c == 0x133 || c == 0x138 || c == 0x17F)
            continue; /* letters of no present spelling: as they come */
        cr_expect_not_null(glyph.strokes, "U+%04X", c);
        cr_expect_neq(glyph.strokes, box, "U+%04X", c);
        cr_expect_gt(mx_font_width(utf8(c, text), font), 0);
    }
}

Test(font, letters_that_differ_look_different)
{
    static const char letters[] = "AaEeOoUuIiNnCcSsZzYyLlDdTtRrGgKkHhJjWw";
    char              mine[4], other[4], plain[2] = "";

    for (uint32_t c = 0xC0; c <= 0x17F; c++) {
        if (font_glyph_of(c).mark == NULL)
            continue;
        for (const char *l = letters; *l; l++) {
            plain[0] = *l;
            cr_expect_not(same(utf8(c, mine), plain), "U+%04X is %c", c, *l);
        }
        cr_expect(c == 0x17F || !same(mine, utf8(c + 1, other)), "U+%04X", c);
    }
}

Test(font, marks_stand_above_or_below_their_letter)
{
    struct mx_canvas plain = drawn("ae"), above = drawn("\xC3\xA1\xC4\x9B");
    struct mx_canvas capital = drawn("E"), higher = drawn("\xC3\x89"), below = drawn("\xC3\xA7");

    /* Small letters are 16 pixels high, capitals 24, each from row 50 up. */
    cr_expect_eq(ink(&plain, 0, FEET - 18), 0);
    cr_expect_gt(ink(&above, 0, FEET - 18), 0);
    cr_expect_eq(ink(&above, FEET - 14, HEIGHT), ink(&plain, FEET - 14, HEIGHT));
    cr_expect_eq(ink(&capital, 0, FEET - 26), 0);
    cr_expect_gt(ink(&higher, 0, FEET - 26), 0);
    cr_expect_gt(ink(&below, FEET + 2, HEIGHT), 0);
    mx_canvas_free(&plain);
    mx_canvas_free(&above);
    mx_canvas_free(&capital);
    mx_canvas_free(&higher);
    mx_canvas_free(&below);
}

Test(font, a_mark_of_its_own_is_drawn_on_the_letter_before_it)
{
    cr_expect(same("e\xCC\x81t", "\xC3\xA9t"));
    cr_expect(same("E\xCC\x81t", "\xC3\x89t"));
    cr_expect(same("c\xCC\xA7", "\xC3\xA7"));
    cr_expect_eq(mx_font_width("e\xCC\x81", font), mx_font_width("e", font));
}
