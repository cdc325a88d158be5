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
