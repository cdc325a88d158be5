/* The blurred image that deletion can put in place of pixels, and insertion starts from. */
#include <math.h>
#include <stdlib.h>

#include "worker/curve.h"

enum {
    RISE_TAPS = 11,
    RISE_SIGMA = 5,
    RISE_REACH = 4 * RISE_SIGMA, /* where SciPy's gaussian_filter cuts off */
    TAPS_ROOM = 127
};

struct kernel {
    int    taps; /* odd */
    double weight[TAPS_ROOM];
    bool   reflects; /* beyond the edge: the image turned round; else zeros */
};

static void scale_to_one(struct kernel *kernel)
{
    double sum = 0;

    for (int k = 0; k < kernel->taps; k++)
        sum += kernel->weight[k];
    for (int k = 0; k < kernel->taps; k++)
        kernel->weight[k] /= sum;
}

static void make_own(const struct worker_shape *shape, struct kernel *kernel)
{
    const double side = shape->height < shape->width ? shape->height : shape->width;
    const double sigma = 5 * side / 224;

    kernel->taps = 2 * (int)fmin(floor((11 * side / 224 - 1) / 2 + 0.5), TAPS_ROOM / 2) + 1;
    if (kernel->taps < 3)
        kernel->taps = 3;
    kernel->reflects = true;
    for (int k = 0; k < kernel->taps; k++)
        kernel->weight[k] = exp(-pow((k - kernel->taps / 2) / sigma, 2) / 2);
    scale_to_one(kernel);
}

/* One point in the middle of a row of RISE_TAPS, smeared within that row: what reaches
 * its ends is thrown back, ends repeated. */
static void make_rise(struct kernel *kernel)
{
    kernel->taps = RISE_TAPS;
    kernel->reflects = false;
    for (int k = 0; k < RISE_TAPS; k++)
        kernel->weight[k] = 0;
    for (int d = -RISE_REACH; d <= RISE_REACH; d++) {
        int at = ((RISE_TAPS / 2 + d) % (2 * RISE_TAPS) + 2 * RISE_TAPS) % (2 * RISE_TAPS);

        if (at >= RISE_TAPS)
            at = 2 * RISE_TAPS - 1 - at;
        kernel->weight[at] += exp(-pow((double)d / RISE_SIGMA, 2) / 2);
    }
    scale_to_one(kernel);
}

/* The index that stands for one beyond a row of n, the edge itself not repeated; -1: zero. */
static int64_t inside(const struct kernel *kernel, int64_t at, int64_t n)
{
    if (at >= 0 && at < n)
        return at;
    if (!kernel->reflects)
        return -1;
    if (n == 1)
        return 0;
    at = ((at % (2 * n - 2)) + 2 * n - 2) % (2 * n - 2);
    return at < n ? at : 2 * n - 2 - at;
}

/* Blur lines of n values, `stride` apart, into out. */
static void blur_line(const struct kernel *kernel, const double *in, double *out, size_t stride,
                      uint32_t n)
{
    for (int64_t k = 0; k < n; k++) {
        double sum = 0;

        for (int t = 0; t < kernel->taps; t++) {
            const int64_t at = inside(kernel, k + t - kernel->taps / 2, n);

            sum += at < 0 ? 0 : kernel->weight[t] * in[(size_t)at * stride];
        }
        out[(size_t)k * stride] = sum;
    }
}

int worker_blur(const struct worker_shape *shape, bool rise, const float *image, float *out,
                struct mx_err *err)
{
    const size_t  pixels = (size_t)shape->height * shape->width;
    double       *plane = malloc(2 * pixels * sizeof *plane);
    struct kernel kernel;

    if (!plane)
        return mx_fail(err, MX_ENOMEM, "no memory to blur an image");
    if (rise)
        make_rise(&kernel);
    else
        make_own(shape, &kernel);
    for (uint32_t c = 0; c < shape->channels; c++) {
        for (size_t p = 0; p < pixels; p++)
            plane[p] = image[c * pixels + p];
        for (uint32_t y = 0; y < shape->height; y++)
            blur_line(&kernel, plane + (size_t)y * shape->width,
                      plane + pixels + (size_t)y * shape->width, 1, shape->width);
        for (uint32_t x = 0; x < shape->width; x++)
            blur_line(&kernel, plane + pixels + x, plane + x, shape->width, shape->height);
        for (size_t p = 0; p < pixels; p++)
            out[c * pixels + p] = (float)plane[p];
    }
    free(plane);
    return 0;
}
