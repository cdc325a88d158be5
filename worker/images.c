#include "worker/images.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/moments_wide.h"
#include "worker/picture.h"
#include "worker/resample.h"

enum {
    MOMENTS_BLOCK = 1024 /* pixels: 255^2 times as much is below 2^32 */
};

void worker_images_free(struct worker_images *images)
{
    if (!images->at)
        free(images->pixels);
    free(images->at);
    free(images->labels);
    free(images->groups);
    *images = (struct worker_images){0};
}

int worker_images_differ(const struct worker_images *train, const char *set, const char *place,
                         struct mx_err *err)
{
    char     shown[WORKER_SHOWN_SIZE];
    uint32_t i = 1;

    while (i < train->n && train->labels[i] == train->labels[0])
        i++;
    if (train->n < 2 || i < train->n)
        return 0;
    return mx_fail(err, MX_EDATA,
                   "%s: all training images in %s are of class %u: there is nothing to tell apart",
                   set, worker_shown_path(place, shown), train->labels[0]);
}

/* Of the resized plane (height, width) the centre, into out (size, size). */
static void cut_centre(const uint8_t *plane, uint32_t height, uint32_t width, uint8_t *out,
                       uint32_t size)
{
    const uint8_t *at = plane + (size_t)((height - size) / 2) * width + (width - size) / 2;

    for (uint32_t y = 0; y < size; y++)
        memcpy(out + (size_t)y * size, at + (size_t)y * width, size);
}

/* The middle of the planes once they are resized. */
static int resize_centre(struct worker_resampler *resampler, const uint8_t *planes,
                         uint32_t channels, uint32_t height, uint32_t width, uint8_t *out,
                         uint32_t size, struct mx_err *err)
{
    const size_t   plane = (size_t)height * width, square = (size_t)size * size;
    const uint32_t shorter = height < width ? height : width;
    const uint32_t to_height = (uint32_t)((uint64_t)height * size / shorter);
    const uint32_t to_width = (uint32_t)((uint64_t)width * size / shorter);

    if (worker_resampler_room(resampler, height, width, to_height, to_width, err))
        return -1;
    worker_resampler_aim_at_centre(resampler, height, width, to_height, to_width, size);
    for (uint32_t c = 0; c < channels; c++)
        worker_resampler_run(resampler,
                             (struct worker_window){planes + c * plane, width, height, width},
                             out + c * square);
    return 0;
}

int worker_fit_planes(struct worker_resampler *resampler, const uint8_t *planes, uint32_t channels,
                      uint32_t height, uint32_t width, uint8_t *out, uint32_t size,
                      struct mx_err *err)
{
    struct worker_resampler *own = NULL;
    int                      rc = 0;

    if ((height < width ? height : width) != size) {
        if (!resampler && !(resampler = own = worker_resampler_new(1, 1, 1, 1, err)))
            return -1;
        rc = resize_centre(resampler, planes, channels, height, width, out, size, err);
        worker_resampler_free(own);
        return rc;
    }
    for (uint32_t c = 0; c < channels; c++)
        cut_centre(planes + (size_t)c * height * width, height, width,
                   out + (size_t)c * size * size, size);
    return 0;
}

int worker_fit_plane(const uint8_t *plane, uint32_t height, uint32_t width, uint8_t *out,
                     uint32_t size, struct mx_err *err)
{
    return worker_fit_planes(NULL, plane, 1, height, width, out, size, err);
}

/* One image of `from` channels into `to` of them. */
static int fit_image(const uint8_t *pixels, const struct worker_images *images, uint8_t *out,
                     uint32_t to, uint32_t size, struct mx_err *err)
{
    const size_t square = (size_t)size * size;

    if (worker_fit_planes(NULL, pixels, images->channels, images->height, images->width, out, size,
                          err))
        return -1;
    for (uint32_t c = images->channels; c < to; c++)
        memcpy(out + c * square, out, square);
    return 0;
}

static int make_grey(struct worker_images *images, struct mx_err *err)
{
    const size_t plane = (size_t)images->height * images->width;

    for (uint32_t i = 0; i < images->n; i++) {
        struct worker_picture picture = {.channels = images->channels,
                                         .height = images->height,
                                         .width = images->width,
                                         .pixels = images->pixels + i * images->channels * plane};

        if (worker_picture_channels(&picture, 1, err))
            return -1;
        memmove(images->pixels + i * plane, picture.pixels, plane);
    }
    images->channels = 1;
    return 0;
}

int worker_images_fit(struct worker_images *images, uint32_t channels, uint32_t size,
                      struct mx_err *err)
{
    const size_t from = (size_t)images->channels * images->height * images->width;
    const size_t to = (size_t)channels * size * size;
    uint8_t     *pixels;

    if (images->channels == 3 && channels == 1)
        return make_grey(images, err) ? -1 : worker_images_fit(images, 1, size, err);
    if (channels == images->channels && size == images->height && size == images->width)
        return 0;
    if (channels != images->channels && images->channels != 1)
        return mx_fail(err, MX_EINVAL, "images of %u channels cannot be turned into %u",
                       images->channels, channels);
    if (!(pixels = calloc(images->n, to)))
        return mx_fail(err, MX_ENOMEM, "no memory for %u images of %u x %u pixels", images->n, size,
                       size);
    for (uint32_t i = 0; i < images->n; i++)
        if (fit_image(images->pixels + i * from, images, pixels + i * to, channels, size, err)) {
            free(pixels);
            return -1;
        }
    free(images->pixels);
    images->pixels = pixels;
    images->channels = channels;
    images->height = images->width = size;
    return 0;
}

/* A block's sums fit in 32 bits. */
static void add_block(const uint8_t *pixels, uint32_t n, uint64_t *sum, uint64_t *squares)
{
    uint32_t s = 0, q = 0;

    for (uint32_t k = 0; k < n; k++) {
        s += pixels[k];
        q += (uint32_t)pixels[k] * pixels[k];
    }
    *sum += s;
    *squares += q;
}

void worker_moments_add(struct worker_moments *moments, const uint8_t *pixels, uint32_t n,
                        uint32_t channels, size_t plane)
{
    moments->pixels += n * plane;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < channels; c++, pixels += plane) {
            uint64_t *sum = &moments->sum[c], *squares = &moments->squares[c];
            size_t    k = worker_moments_wide(pixels, plane, sum, squares);

            for (; k + MOMENTS_BLOCK <= plane; k += MOMENTS_BLOCK)
                add_block(pixels + k, MOMENTS_BLOCK, sum, squares);
            add_block(pixels + k, (uint32_t)(plane - k), sum, squares);
        }
}

static float round4(double x)
{
    return (float)(floor(x * 1e4 + 0.5) / 1e4);
}

int worker_moments_round(const struct worker_moments *moments, uint32_t channels,
                         const char *set_name, float mean[WORKER_MAX_CHANNELS],
                         float sd[WORKER_MAX_CHANNELS], struct mx_err *err)
{
    const double count = (double)moments->pixels;

    for (uint32_t c = 0; c < channels; c++) {
        double m = (double)moments->sum[c] / count;
        double variance = (double)moments->squares[c] / count - m * m;

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

int worker_images_moments(const struct worker_images *images, const char *set_name,
                          float mean[WORKER_MAX_CHANNELS], float sd[WORKER_MAX_CHANNELS],
                          struct mx_err *err)
{
    struct worker_moments moments = {0};

    worker_moments_add(&moments, images->pixels, images->n, images->channels,
                       (size_t)images->height * images->width);
    return worker_moments_round(&moments, images->channels, set_name, mean, sd, err);
}
