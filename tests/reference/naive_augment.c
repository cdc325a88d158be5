#include "tests/reference/naive_augment.h"

#include <math.h>
#include <stdlib.h>

/* Weight of source pixel `from_at` in output pixel `to_at`, not normalised. */
static double weight(uint32_t from, uint32_t to, uint32_t from_at, uint32_t to_at)
{
    const double scale = (double)from / to, support = fmax(1, scale);

    return fmax(0, 1 - fabs(from_at + 0.5 - (to_at + 0.5) * scale) / support);
}

void naive_resize(const uint8_t *plane, size_t stride, uint32_t height, uint32_t width, double *out,
                  uint32_t to_height, uint32_t to_width)
{
    double *rows = malloc((size_t)height * to_width * sizeof *rows);

    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < to_width; x++) {
            double sum = 0, weights = 0;

            for (uint32_t k = 0; k < width; k++) {
                sum += weight(width, to_width, k, x) * plane[y * stride + k];
                weights += weight(width, to_width, k, x);
            }
            rows[(size_t)y * to_width + x] = floor(sum / weights + 0.5);
        }
    for (uint32_t y = 0; y < to_height; y++)
        for (uint32_t x = 0; x < to_width; x++) {
            double sum = 0, weights = 0;

            for (uint32_t k = 0; k < height; k++) {
                sum += weight(height, to_height, k, y) * rows[(size_t)k * to_width + x];
                weights += weight(height, to_height, k, y);
            }
            out[(size_t)y * to_width + x] = sum / weights;
        }
    free(rows);
}

static double luminance(const double *values, size_t plane, size_t k)
{
    return 0.2989 * values[k] + 0.587 * values[plane + k] + 0.114 * values[2 * plane + k];
}

static double blend(double value, double other, double factor)
{
    return fmin(1, fmax(0, factor * value + (1 - factor) * other));
}

/* Hue from 0 to 1, saturation and value of a colour. */
static void to_hsv(const double rgb[3], double hsv[3])
{
    const double most = fmax(rgb[0], fmax(rgb[1], rgb[2]));
    const double range = most - fmin(rgb[0], fmin(rgb[1], rgb[2]));
    double       hue = 0;

    hsv[1] = range > 0 ? range / most : 0;
    hsv[2] = most;
    if (range > 0 && most == rgb[0])
        hue = (rgb[1] - rgb[2]) / range;
    else if (range > 0 && most == rgb[1])
        hue = (rgb[2] - rgb[0]) / range + 2;
    else if (range > 0)
        hue = (rgb[0] - rgb[1]) / range + 4;
    hsv[0] = fmod(hue / 6 + 1, 1);
}

static void from_hsv(const double hsv[3], double rgb[3])
{
    const int    sixth = (int)floor(hsv[0] * 6) % 6;
    const double part = hsv[0] * 6 - floor(hsv[0] * 6), s = hsv[1], v = hsv[2];
    const double p = v * (1 - s), q = v * (1 - s * part), t = v * (1 - s * (1 - part));
    const double table[6][3] = {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}};

    for (int c = 0; c < 3; c++)
        rgb[c] = table[sixth][c];
}

static void turn(double *values, size_t plane, size_t k, double factor)
{
    double rgb[3] = {values[k], values[plane + k], values[2 * plane + k]}, hsv[3];

    to_hsv(rgb, hsv);
    hsv[0] = fmod(hsv[0] + factor + 1, 1);
    from_hsv(hsv, rgb);
    for (size_t c = 0; c < 3; c++)
        values[c * plane + k] = rgb[c];
}

void naive_jitter(const uint8_t *image, uint32_t channels, size_t plane, const uint32_t order[4],
                  const double factor[4], double *out)
{
    const size_t n = channels * plane;

    for (size_t k = 0; k < n; k++)
        out[k] = image[k] / 255.0;
    for (int j = 0; j < 4; j++) {
        const uint32_t which = order[j];
        double         mean = 0;

        for (size_t k = 0; k < plane; k++)
            mean += (channels == 3 ? luminance(out, plane, k) : out[k]) / (double)plane;
        for (size_t k = 0; which < 2 && k < n; k++)
            out[k] = blend(out[k], which == 0 ? 0 : mean, factor[which]);
        for (size_t k = 0; channels == 3 && which == 2 && k < plane; k++) {
            const double grey = luminance(out, plane, k);

            for (size_t c = 0; c < 3; c++)
                out[c * plane + k] = blend(out[c * plane + k], grey, factor[2]);
        }
        for (size_t k = 0; channels == 3 && which == 3 && k < plane; k++)
            turn(out, plane, k, factor[3]);
    }
}
