/* picture_files.h - JPEG and PNG files made for a test. */
#ifndef MX_TEST_PICTURE_FILES_H
#define MX_TEST_PICTURE_FILES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* jpeglib.h uses what stdio.h declares. */
#include <jpeglib.h>
#include <png.h>

#include "base/buf.h"
#include "base/file.h"

static inline void to_buf(png_structp png, png_bytep data, size_t len)
{
    mx_buf_add(png_get_io_ptr(png), data, len);
}

/* A PNG of any kind: rows of `row_bytes` each, as the file holds them. */
static inline struct mx_buf png_of(uint32_t height, uint32_t width, int colour, int bits,
                                   int interlace, const uint8_t *pixels, size_t row_bytes)
{
    struct mx_buf out = {0};
    png_structp   png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop     info = png_create_info_struct(png);
    png_color     palette[4] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {9, 8, 7}};
    png_bytep    *rows = calloc(height, sizeof *rows);

    for (uint32_t y = 0; y < height; y++)
        rows[y] = (png_bytep)(uintptr_t)(pixels + y * row_bytes);
    png_set_write_fn(png, &out, to_buf, NULL);
    png_set_IHDR(png, info, width, height, bits, colour, interlace, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (colour == PNG_COLOR_TYPE_PALETTE)
        png_set_PLTE(png, info, palette, 4);
    png_write_info(png, info);
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(rows);
    return out;
}

/* A JPEG of one colour; an APP1 segment is put in if exif_len > 0. */
static inline struct mx_buf jpeg_of(uint32_t height, uint32_t width, J_COLOR_SPACE space,
                                    const uint8_t *colour, const void *exif, unsigned exif_len)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr       errors;
    struct mx_buf               out = {0};
    unsigned char              *data = NULL;
    unsigned long               len = 0;
    int                         step = space == JCS_GRAYSCALE ? 1 : space == JCS_CMYK ? 4 : 3;
    uint8_t                    *row = malloc((size_t)width * 4);

    for (uint32_t k = 0; k < width * (uint32_t)step; k++)
        row[k] = colour[k % (uint32_t)step];
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &data, &len);
    jpeg.image_width = width;
    jpeg.image_height = height;
    jpeg.input_components = step;
    jpeg.in_color_space = space;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 95, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    if (exif_len > 0)
        jpeg_write_marker(&jpeg, JPEG_APP0 + 1, exif, exif_len);
    for (uint32_t y = 0; y < height; y++)
        jpeg_write_scanlines(&jpeg, &row, 1);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    mx_buf_add(&out, data, len);
    free(data);
    free(row);
    return out;
}

/* Write a buffer to folder/name, whose folders are made; it is freed. */
static inline void put_buf(const char *folder, const char *name, struct mx_buf buf)
{
    char *path = mx_path_join(folder, name), *slash = path ? strrchr(path, '/') : NULL;
    FILE *file;

    if (!slash)
        abort();
    *slash = '\0';
    if (mx_dir_make(path, NULL))
        abort();
    *slash = '/';
    if (!(file = fopen(path, "wb")) || fwrite(mx_buf_str(&buf), 1, buf.len, file) != buf.len ||
        fclose(file))
        abort();
    mx_buf_free(&buf);
    free(path);
}

/* A square PNG of one grey level, as three channels. */
static inline void put_level(const char *folder, const char *name, uint32_t side, uint8_t level)
{
    uint8_t *pixels = malloc((size_t)side * side);

    if (!pixels)
        abort();
    memset(pixels, level, (size_t)side * side);
    put_buf(folder, name,
            png_of(side, side, PNG_COLOR_TYPE_GRAY, 8, PNG_INTERLACE_NONE, pixels, side));
    free(pixels);
}

static inline void put_text(const char *folder, const char *name, const char *text)
{
    struct mx_buf buf = {0};

    mx_buf_text(&buf, text);
    put_buf(folder, name, buf);
}

#endif
