/* canvas.h - a picture to draw on: rectangles, images, smooth lines, text.
 *
 * Coordinates are pixels from the top left; what lies outside is cut off.
 * Colours are 0xRRGGBB. Lines and text have soft edges. The letters are strokes
 * of our own (sweep/font_glyphs.h): no font file is needed, and the same picture comes
 * out everywhere.
 */
#ifndef MX_SWEEP_CANVAS_H
#define MX_SWEEP_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mx_canvas {
    uint32_t height, width;
    uint8_t *pixels; /* (height, width, 3), owned */
};

/* A canvas of one colour. Returns 0, or -1 with MX_ENOMEM. */
int  mx_canvas_init(struct mx_canvas *canvas, uint32_t height, uint32_t width, uint32_t colour,
                    struct mx_err *err);
void mx_canvas_free(struct mx_canvas *canvas); /* it is empty again */

/* Check, before any work, that a picture can be written there: the name ends in .png, and its folder
 * exists. Returns 0, or -1 with MX_EINVAL or MX_EIO. */
int mx_canvas_check_path(const char *path, struct mx_err *err);

/* Write it as a PNG file, whole or not at all. Returns 0, or -1 with MX_EIO or MX_ENOMEM. */
int mx_canvas_write(const struct mx_canvas *canvas, const char *path, struct mx_err *err);

/* Fill [x, x + width) x [y, y + height). */
void mx_canvas_fill(struct mx_canvas *canvas, int y, int x, int height, int width, uint32_t colour);

/* An image (height, width, 3), each pixel `scale` x `scale` large. */
void mx_canvas_image(struct mx_canvas *canvas, int y, int x, const uint8_t *pixels, uint32_t height,
                     uint32_t width, uint32_t scale);

/* The same image made smaller by a whole number: each pixel is the mean of those that it stands for.
 * It is height / divisor x width / divisor large, but at least one pixel a side. */
void mx_canvas_shrunk(struct mx_canvas *canvas, int y, int x, const uint8_t *pixels,
                      uint32_t height, uint32_t width, uint32_t divisor);

/* A round-ended line from (y0, x0) to (y1, x1), `thick` wide. */
void mx_canvas_line(struct mx_canvas *canvas, double y0, double x0, double y1, double x1,
                    double thick, uint32_t colour);

/* How letters look: height of a capital, and thickness of a stroke, in pixels. */
struct mx_font {
    double size, thick;
};

/* Text from x on, its capitals' feet on y; marks of capitals stand a third of their height above
 * them. UTF-8: ASCII, the letters of Latin-1 and Latin-2 and their neighbours up to U+017F, marks of
 * their own (U+0300 ...) and a few signs are known, of the others the code is drawn, [U+65E5]; bytes
 * that are no UTF-8 are boxes. */
void mx_canvas_text(struct mx_canvas *canvas, double y, double x, const char *text,
                    struct mx_font font, uint32_t colour);

/* True if none of its characters is drawn as its code or a box. */
bool mx_font_knows(const char *text);

/* How wide the text will be, in pixels. */
double mx_font_width(const char *text, struct mx_font font);

/* The text, or as many of its first characters as leave room for an ellipsis behind
 * them in `width` pixels and in out's `size` bytes, at least 4. Returns out. */
const char *mx_font_fit(const char *text, struct mx_font font, double width, char *out,
                        size_t size);

/* The text with line ends in place of some blanks, so that each line is at most `width` pixels
 * wide if its words are; at most size - 1 bytes of it. Returns how many lines there are. */
unsigned mx_font_wrap(const char *text, struct mx_font font, double width, char *out, size_t size);

/* The font, or a smaller one in which the text is at most `width` pixels wide, but not below
 * three fifths of it. */
struct mx_font mx_font_shrink(const char *text, struct mx_font font, double width);

#endif
