#include "sweep/canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"
#include "worker/picture.h"

int mx_canvas_init(struct mx_canvas *canvas, uint32_t height, uint32_t width, uint32_t colour,
                   struct mx_err *err)
{
    *canvas = (struct mx_canvas){.height = height, .width = width};
    if (!(canvas->pixels = calloc((size_t)height * width, 3)))
        return mx_fail(err, MX_ENOMEM, "no memory for a picture of %u x %u pixels", width, height);
    mx_canvas_fill(canvas, 0, 0, (int)height, (int)width, colour);
    return 0;
}

int mx_canvas_check_path(const char *path, struct mx_err *err)
{
    const char *slash = strrchr(path, '/');
    const char *ending = strrchr(slash ? slash : path, '.');
    char       *folder;
    struct stat at;
    int         rc = 0;

    if (!ending || strcasecmp(ending, ".png") != 0)
        return mx_fail(err, MX_EINVAL,
                       "--out %s: pictures are PNG files: give a name that ends in "
                       ".png",
                       path);
    if (!slash || slash == path)
        return 0;
    if (!(folder = strndup(path, (size_t)(slash - path))))
        return mx_fail(err, MX_ENOMEM, "no memory for a path");
    if (stat(folder, &at) || !S_ISDIR(at.st_mode))
        rc = mx_fail(err, MX_EIO, "--out %s: there is no folder %s: make it first", path, folder);
    free(folder);
    return rc;
}

int mx_canvas_write(const struct mx_canvas *canvas, const char *path, struct mx_err *err)
{
    struct mx_buf file = {0};
    int rc = worker_png_encode(canvas->pixels, canvas->height, canvas->width, 3, &file, err);

    if (rc == 0)
        rc = mx_file_write(path, mx_buf_str(&file), file.len, err);
    mx_buf_free(&file);
    return rc;
}

void mx_canvas_free(struct mx_canvas *canvas)
{
    free(canvas->pixels);
    *canvas = (struct mx_canvas){0};
}

static uint8_t *at(struct mx_canvas *canvas, int y, int x)
{
    if (y < 0 || x < 0 || y >= (int)canvas->height || x >= (int)canvas->width)
        return NULL;
    return canvas->pixels + ((size_t)y * canvas->width + (size_t)x) * 3;
}

/* Lay a colour over a pixel; cover: 0 to 1. */
static void blend(struct mx_canvas *canvas, int y, int x, uint32_t colour, double cover)
{
    uint8_t *pixel = at(canvas, y, x);

    for (int c = 0; pixel && c < 3; c++) {
        double ink = colour >> (16 - 8 * c) & 255;

        pixel[c] = (uint8_t)(pixel[c] + (ink - pixel[c]) * cover + 0.5);
    }
}

void mx_canvas_fill(struct mx_canvas *canvas, int y, int x, int height, int width, uint32_t colour)
{
    for (int row = y; row < y + height; row++)
        for (int column = x; column < x + width; column++)
            blend(canvas, row, column, colour, 1);
}

void mx_canvas_image(struct mx_canvas *canvas, int y, int x, const uint8_t *pixels, uint32_t height,
                     uint32_t width, uint32_t scale)
{
    for (uint32_t row = 0; row < height * scale; row++)
        for (uint32_t column = 0; column < width * scale; column++) {
            const uint8_t *from = pixels + ((size_t)(row / scale) * width + column / scale) * 3;
            uint8_t       *to = at(canvas, y + (int)row, x + (int)column);

            if (to)
                memcpy(to, from, 3);
        }
}

/* Of the pixels [y0, y0 + divisor) x [x0, x0 + divisor), as far as there are any. */
static void mean_pixel(const uint8_t *pixels, uint32_t height, uint32_t width, uint32_t y0,
                       uint32_t x0, uint32_t divisor, uint8_t out[3])
{
    const uint32_t y1 = height - y0 < divisor ? height : y0 + divisor;
    const uint32_t x1 = width - x0 < divisor ? width : x0 + divisor;
    const double   n = (double)(y1 - y0) * (x1 - x0);
    double         sum[3] = {0};

    for (uint32_t y = y0; y < y1; y++)
        for (uint32_t x = x0; x < x1; x++)
            for (int c = 0; c < 3; c++)
                sum[c] += pixels[((size_t)y * width + x) * 3 + (size_t)c];
    for (int c = 0; c < 3; c++)
        out[c] = (uint8_t)(sum[c] / n + 0.5);
}

void mx_canvas_shrunk(struct mx_canvas *canvas, int y, int x, const uint8_t *pixels,
                      uint32_t height, uint32_t width, uint32_t divisor)
{
    const uint32_t rows = height > divisor ? height / divisor : 1;
    const uint32_t columns = width > divisor ? width / divisor : 1;

    for (uint32_t row = 0; row < rows; row++)
        for (uint32_t column = 0; column < columns; column++) {
            uint8_t *to = at(canvas, y + (int)row, x + (int)column);

            if (to)
                mean_pixel(pixels, height, width, row * divisor, column * divisor, divisor, to);
        }
}

/* Distance of a point from a line between two others. */
static double distance(double y, double x, double y0, double x0, double y1, double x1)
{
    double dy = y1 - y0, dx = x1 - x0, length = dy * dy + dx * dx;
    double along = length > 0 ? ((y - y0) * dy + (x - x0) * dx) / length : 0;

    along = fmin(fmax(along, 0), 1);
    return hypot(y - y0 - along * dy, x - x0 - along * dx);
}

void mx_canvas_line(struct mx_canvas *canvas, double y0, double x0, double y1, double x1,
                    double thick, uint32_t colour)
{
    const double reach = thick / 2 + 1;

    for (int y = (int)floor(fmin(y0, y1) - reach); y <= (int)ceil(fmax(y0, y1) + reach); y++)
        for (int x = (int)floor(fmin(x0, x1) - reach); x <= (int)ceil(fmax(x0, x1) + reach); x++) {
            double cover = thick / 2 + 0.5 - distance(y + 0.5, x + 0.5, y0, x0, y1, x1);

            if (cover > 0)
                blend(canvas, y, x, colour, fmin(cover, 1));
        }
}
