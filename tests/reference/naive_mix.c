#include "tests/reference/naive_mix.h"

#include <math.h>
#include <stdlib.h>

static double surround_mean(const uint8_t *image, int64_t height, int64_t width, int64_t y,
                            int64_t x, int64_t size)
{
    double sum = 0, count = 0;

    for (int64_t v = 0; v < height; v++)
        for (int64_t u = 0; u < width; u++)
            if (llabs(v - y) <= size && llabs(u - x) <= size && (v != y || u != x)) {
                sum += image[v * width + u];
                count++;
            }
    return count > 0 ? sum / count : image[y * width + x];
}

void naive_saliency(const uint8_t *image, uint32_t height, uint32_t width, const uint32_t *sizes,
                    uint32_t nsizes, double *out)
{
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++, out++) {
            *out = 0;
            for (uint32_t s = 0; s < nsizes; s++) {
                double on = image[(size_t)y * width + x] -
                            surround_mean(image, height, width, y, x, sizes[s]);

                *out += fmax(on, 0) + fmax(-on, 0);
            }
        }
}

/* A column that is not its own mirror image stands for that one too: its
 * conjugate adds the same real part once more. */
static double fourier_pixel(const float *spectrum, uint32_t height, uint32_t width, uint32_t y,
                            uint32_t x)
{
    const double turn = 6.283185307179586476925;
    double       sum = 0;

    for (uint32_t v = 0; v < height; v++)
        for (uint32_t u = 0; u <= width / 2; u++, spectrum += 2) {
            double down = turn * v * y / height, along = turn * u * x / width;

            if ((width - u) % width == u) /* over rows a complex number, of which along rows
                                             only the real part counts */
                sum += (spectrum[0] * cos(down) - spectrum[1] * sin(down)) * cos(along);
            else
                sum += 2 * (spectrum[0] * cos(down + along) - spectrum[1] * sin(down + along));
        }
    return sum;
}

void naive_fourier_inverse(const float *spectrum, uint32_t height, uint32_t width, double *out)
{
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            *out++ = fourier_pixel(spectrum, height, width, y, x);
}
