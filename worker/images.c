#include "worker/images.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void worker_images_free(struct worker_images *images)
{
    free(images->pixels);
    free(images->labels);
    free(images->groups);
    *images = (struct worker_images){0};
}

/* Every plane resized so that the shorter side is `size`, the centre kept. */
static int fit_planes(const struct worker_images *images, uint32_t repeat, uint32_t size,
                      uint8_t *out, uint8_t *resized, struct mx_err *err)
{
    uint32_t shorter = images->height < images->width ? images->height : images->width;
    uint32_t to_height = (uint32_t)((uint64_t)images->height * size / shorter);
    uint32_t to_width = (uint32_t)((uint64_t)images->width * size / shorter);
    uint32_t top = (to_height - size) / 2, left = (to_width - size) / 2;
    size_t   planes = (size_t)images->n * images->channels;
    size_t   plane_bytes = (size_t)images->height * images->width;

    for (size_t p = 0; p < planes; p++) {
        const uint8_t *plane = images->pixels + p * plane_bytes;

        if (worker_resize(plane, images->height, images->width, resized, to_height, to_width, err))
            return -1;
        for (uint32_t k = 0; k < repeat; k++)
            for (uint32_t y = 0; y < size; y++, out += size)
                memcpy(out, resized + (size_t)(top + y) * to_width + left, size);
    }
    return 0;
}

int worker_images_fit(struct worker_images *images, uint32_t channels, uint32_t size,
                      struct mx_err *err)
{
    uint32_t shorter = images->height < images->width ? images->height : images->width;
    uint32_t longer = images->height < images->width ? images->width : images->height;
    uint32_t repeat = channels / images->channels;
    uint8_t *pixels, *resized;
    int      rc = -1;

    if (channels == images->channels && size == images->height && size == images->width)
        return 0;
    if (channels != images->channels && images->channels != 1)
        return mx_fail(err, MX_EINVAL, "images of %u channels cannot be turned into %u",
                       images->channels, channels);
    pixels = calloc((size_t)images->n * channels, (size_t)size * size);
    resized = calloc((size_t)size, (size_t)((uint64_t)longer * size / shorter));
    if (!pixels || !resized) {
        mx_fail(err, MX_ENOMEM, "no memory for %u images of %u x %u pixels", images->n, size, size);
        goto done;
    }
    if (fit_planes(images, repeat, size, pixels, resized, err))
        goto done;
    free(images->pixels);
    images->pixels = pixels;
    images->channels = channels;
    images->height = images->width = size;
    pixels = NULL;
    rc = 0;
done:
    free(pixels);
    free(resized);
    return rc;
}

static float round4(double x)
{
    return (float)(floor(x * 1e4 + 0.5) / 1e4);
}

int worker_images_moments(const struct worker_images *images, const char *set_name,
                          float mean[WORKER_MAX_CHANNELS], float sd[WORKER_MAX_CHANNELS],
                          struct mx_err *err)
{
    size_t plane = (size_t)images->height * images->width;
    double count = (double)images->n * (double)plane;

    for (uint32_t c = 0; c < images->channels; c++) {
        uint64_t sum = 0, squares = 0;
        double   m, variance;

        for (uint32_t i = 0; i < images->n; i++) {
            const uint8_t *at = images->pixels + ((size_t)i * images->channels + c) * plane;

            for (size_t k = 0; k < plane; k++) {
                sum += at[k];
                squares += (uint64_t)at[k] * at[k];
            }
        }
        m = (double)sum / count;
        variance = (double)squares / count - m * m;
        mean[c] = round4(m / 255.0);
        sd[c] = round4(sqrt(variance > 0 ? variance : 0) / 255.0);
        if (!(sd[c] > 0))
            return mx_fail(err, MX_EDATA,
                           "%s: all pixels of channel %u are alike, so they cannot be "
                           "normalised: set data.normalize: none or get other images",
                           set_name, c);
    }
    return 0;
}
