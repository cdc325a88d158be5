/* PNG files through libpng, read from and written to memory. */
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "worker/picture_parts.h"

/* What both directions share: libpng's errors come back by a jump. */
struct stream {
    const uint8_t *data; /* reading: what is left */
    size_t         left;
    struct mx_buf *out; /* writing */
    char           text[128];
    uint8_t       *rows; /* (height, width, step), freed by whoever called setjmp() */
};

static void give_up(png_structp png, png_const_charp text)
{
    struct stream *stream = png_get_error_ptr(png);

    snprintf(stream->text, sizeof stream->text, "%s", text);
    png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void take(png_structp png, png_bytep out, size_t len)
{
    struct stream *stream = png_get_io_ptr(png);

    if (len > stream->left)
        png_error(png, "the file is cut short");
    memcpy(out, stream->data, len);
    stream->data += len;
    stream->left -= len;
}

static void give(png_structp png, png_bytep data, size_t len)
{
    struct stream *stream = png_get_io_ptr(png);

    mx_buf_add(stream->out, data, len);
}

static void flush_nothing(png_structp png)
{
    (void)png;
}

/* Whatever the file holds comes out as bytes, grey or red, green, blue. */
static void choose_pixels(png_structp png)
{
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_strip_alpha(png);
}

/* May be left through give_up(). */
static int decode(png_structp png, png_infop info, struct stream *stream, const char *name,
                  struct worker_picture *picture, struct mx_err *err)
{
    size_t step;

    png_set_read_fn(png, stream, take);
    png_read_info(png, info);
    choose_pixels(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    step = png_get_channels(png, info);
    if (worker_picture_alloc(picture, (uint32_t)step, png_get_image_height(png, info),
                             png_get_image_width(png, info), name, err))
        return -1;
    if (!(stream->rows = calloc(picture->height, picture->width * step)))
        return mx_fail(err, MX_ENOMEM, "no memory for the %u x %u pixels of %s", picture->width,
                       picture->height, name);
    /* An interlaced image is read several times over its rows. */
    for (int pass = png_get_interlace_type(png, info) == PNG_INTERLACE_NONE ? 1 : 7; pass > 0;
         pass--)
        for (uint32_t y = 0; y < picture->height; y++)
            png_read_row(png, stream->rows + (size_t)y * picture->width * step, NULL);
    png_read_end(png, NULL);
    for (uint32_t y = 0; y < picture->height; y++)
        worker_picture_put_row(picture, y, stream->rows + (size_t)y * picture->width * step,
                               (uint32_t)step);
    return 0;
}

int worker_picture_png(const uint8_t *data, size_t len, const char *name,
                       struct worker_picture *picture, struct mx_err *err)
{
    struct stream stream = {.data = data, .left = len};
    png_structp   png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &stream, give_up, ignore);
    png_infop     info = png ? png_create_info_struct(png) : NULL;
    int           rc;

    if (!info)
        rc = mx_fail(err, MX_ENOMEM, "no memory to read %s", name);
    else if (setjmp(png_jmpbuf(png)))
        rc = mx_fail(err, MX_EDATA, "%s is damaged (%s): get the file again", name, stream.text);
    else
        rc = decode(png, info, &stream, name, picture, err);
    png_destroy_read_struct(&png, &info, NULL);
    free(stream.rows);
    return rc;
}

static void encode(png_structp png, png_infop info, const uint8_t *pixels, uint32_t height,
                   uint32_t width, uint32_t channels)
{
    png_set_IHDR(png, info, width, height, 8,
                 channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (uint32_t y = 0; y < height; y++)
        png_write_row(png, pixels + (size_t)y * width * channels);
    png_write_end(png, info);
}

int worker_png_encode(const uint8_t *pixels, uint32_t height, uint32_t width, uint32_t channels,
                      struct mx_buf *out, struct mx_err *err)
{
    struct stream stream = {.out = out};
    png_structp   png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &stream, give_up, ignore);
    png_infop     info = png ? png_create_info_struct(png) : NULL;
    int           rc = 0;

    if (!info) {
        rc = mx_fail(err, MX_ENOMEM, "no memory to write an image");
    } else if (setjmp(png_jmpbuf(png))) {
        rc = mx_fail(err, MX_EIO, "cannot encode an image (%s)", stream.text);
    } else {
        png_set_write_fn(png, &stream, give, flush_nothing);
        encode(png, info, pixels, height, width, channels);
        if (!mx_buf_ok(out))
            rc = mx_fail(err, MX_ENOMEM, "no memory for an image of %u x %u pixels", width, height);
    }
    png_destroy_write_struct(&png, &info);
    return rc;
}

void worker_picture_png_version(struct mx_buf *out)
{
    mx_buf_printf(out, " libpng %s", png_get_libpng_ver(NULL));
}
