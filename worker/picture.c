#include "worker/picture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/utf8.h"
#include "kernels/wide.h"
#include "worker/picture_parts.h"

void worker_picture_free(struct worker_picture *picture)
{
    free(picture->pixels);
    *picture = (struct worker_picture){0};
}

int worker_picture_alloc(struct worker_picture *picture, uint32_t channels, uint32_t height,
                         uint32_t width, const char *name, struct mx_err *err)
{
    if ((uint64_t)height * width > WORKER_MAX_PIXELS)
        return mx_fail(err, MX_EDATA,
                       "%s has %u x %u pixels: more than %d million in all, make it smaller", name,
                       width, height, WORKER_MAX_PIXELS / 1000000);
    if (!(picture->pixels = malloc((size_t)channels * height * width)))
        return mx_fail(err, MX_ENOMEM, "no memory for the %u x %u pixels of %s", width, height,
                       name);
    picture->channels = channels;
    picture->height = height;
    picture->width = width;
    return 0;
}

typedef uint8_t sixteen __attribute__((vector_size(16), aligned(1), may_alias));

/* Colours side by side into planes, 16 pixels at a time: returns how many were done. */
KERN_IN_PLACE uint32_t split_colours(const uint8_t *row, uint32_t width, uint8_t *red,
                                     uint8_t *green, uint8_t *blue)
{
    uint32_t x = 0;

    for (; x + 16 <= width; x += 16, row += 48) {
        const sixteen a = *(const sixteen *)row, b = *(const sixteen *)(row + 16);
        const sixteen c = *(const sixteen *)(row + 32);
        const sixteen r =
            __builtin_shufflevector(a, b, 0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 0, 0, 0, 0, 0);
        const sixteen g =
            __builtin_shufflevector(a, b, 1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 0, 0, 0, 0, 0);
        const sixteen l =
            __builtin_shufflevector(a, b, 2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 0, 0, 0, 0, 0, 0);

        *(sixteen *)(red + x) =
            __builtin_shufflevector(r, c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 20, 23, 26, 29);
        *(sixteen *)(green + x) =
            __builtin_shufflevector(g, c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 18, 21, 24, 27, 30);
        *(sixteen *)(blue + x) =
            __builtin_shufflevector(l, c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 19, 22, 25, 28, 31);
    }
    return x;
}

KERN_WIDE static uint32_t split_wide(const uint8_t *row, uint32_t width, uint8_t *red,
                                     uint8_t *green, uint8_t *blue)
{
    return split_colours(row, width, red, green, blue);
}

void worker_picture_put_row(struct worker_picture *picture, uint32_t y, const uint8_t *row,
                            uint32_t step)
{
    const size_t   plane = (size_t)picture->height * picture->width;
    uint8_t       *out = picture->pixels + (size_t)y * picture->width;
    const uint32_t done = step == 3 && picture->channels == 3 && kern_has_wide_vectors()
                              ? split_wide(row, picture->width, out, out + plane, out + 2 * plane)
                              : 0;

    for (uint32_t c = 0; c < picture->channels; c++, out += plane)
        for (uint32_t x = done; x < picture->width; x++)
            out[x] = row[(size_t)x * step + c];
}

int worker_picture_decode(const void *data, size_t len, const char *name,
                          struct worker_picture *picture, struct mx_err *err)
{
    static const uint8_t jpeg[] = {0xFF, 0xD8, 0xFF}, png[] = {0x89, 'P', 'N', 'G'};
    char                 shown[WORKER_SHOWN_SIZE];
    int                  rc;

    *picture = (struct worker_picture){.turn = 1};
    worker_shown_path(name, shown);
    if (len >= sizeof jpeg && !memcmp(data, jpeg, sizeof jpeg))
        rc = worker_picture_jpeg(data, len, shown, picture, err);
    else if (len >= sizeof png && !memcmp(data, png, sizeof png))
        rc = worker_picture_png(data, len, shown, picture, err);
    else if (len == 0)
        rc = mx_fail(err, MX_EDATA, "%s is empty: get the file again", shown);
    else
        rc = mx_fail(err, MX_EDATA, "%s is neither a JPEG nor a PNG file: convert it", shown);
    if (rc)
        worker_picture_free(picture);
    return rc;
}

int worker_picture_status(const char *path, struct stat *st, struct mx_err *err)
{
    char shown[WORKER_SHOWN_SIZE];

    if (stat(path, st) && errno == ENOENT)
        return mx_fail(
            err, MX_EIO,
            "there is no file %s: get it again, or take it out of the set's table if one "
            "names it",
            worker_shown_path(path, shown));
    if (stat(path, st))
        return mx_fail_errno(err, MX_EIO, errno, "cannot open %s", worker_shown_path(path, shown));
    if (S_ISDIR(st->st_mode))
        return mx_fail(err, MX_EIO, "%s is a folder, and an image file is due there",
                       worker_shown_path(path, shown));
    if (!S_ISREG(st->st_mode)) /* opening a pipe would block */
        return mx_fail(err, MX_EIO, "%s is not a file", worker_shown_path(path, shown));
    return 0;
}

int worker_picture_check(const char *path, struct mx_err *err)
{
    struct stat st;

    return worker_picture_status(path, &st, err);
}

int worker_picture_load(const char *path, struct mx_buf *data, struct mx_err *err)
{
    return worker_picture_check(path, err) ? -1
                                           : mx_file_read(path, WORKER_MAX_FILE_BYTES, data, err);
}

void worker_picture_decoders(struct mx_buf *out)
{
    worker_picture_jpeg_version(out);
    worker_picture_png_version(out);
}

int worker_picture_read(const char *path, struct worker_picture *picture, struct mx_err *err)
{
    struct mx_buf data = {0};
    int           rc = -1;

    *picture = (struct worker_picture){0};
    if (worker_picture_load(path, &data, err) == 0)
        rc = worker_picture_decode(mx_buf_str(&data), data.len, path, picture, err);
    mx_buf_free(&data);
    return rc;
}

/* Luminance of a colour, as ITU-R BT.601 has it, in 16 bits of fraction. */
static uint8_t grey_of(unsigned red, unsigned green, unsigned blue)
{
    return (uint8_t)((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

int worker_picture_channels(struct worker_picture *picture, uint32_t channels, struct mx_err *err)
{
    const size_t plane = (size_t)picture->height * picture->width;
    uint8_t     *pixels = picture->pixels;

    if (channels == 1 && picture->channels == 3) {
        for (size_t k = 0; k < plane; k++)
            pixels[k] = grey_of(pixels[k], pixels[plane + k], pixels[2 * plane + k]);
    } else if (channels == 3 && picture->channels == 1) {
        if (!(pixels = realloc(pixels, 3 * plane)))
            return mx_fail(err, MX_ENOMEM, "no memory for an image of %u x %u pixels",
                           picture->width, picture->height);
        memcpy(pixels + plane, pixels, plane);
        memcpy(pixels + 2 * plane, pixels, plane);
        picture->pixels = pixels;
    }
    picture->channels = channels;
    return 0;
}

const char *worker_shown_path(const char *path, char out[WORKER_SHOWN_SIZE])
{
    static const char dots[] = "...";
    size_t            left = strlen(path), at = 0;

    if (left > WORKER_SHOWN_SIZE / 4 * 3) {
        path += left - WORKER_SHOWN_SIZE / 4 * 3;
        at = strlen(strcpy(out, dots));
    }
    mx_utf8_shown(path, out + at, WORKER_SHOWN_SIZE - at);
    return out;
}
