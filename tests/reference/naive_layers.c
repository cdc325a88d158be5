#include "tests/reference/naive_layers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct naive_conv naive_conv_shape(uint32_t n, uint32_t in, uint32_t height, uint32_t width,
                                   uint32_t out, uint32_t kernel, uint32_t stride, uint32_t pad)
{
    struct naive_conv shape = {.n = n,
                               .in = in,
                               .height = height,
                               .width = width,
                               .out = out,
                               .kernel = kernel,
                               .stride = stride,
                               .pad = pad};

    naive_conv_pad(&shape, 1, (const uint32_t[4]){0, 0, 0, 0});
    return shape;
}

void naive_conv_pad(struct naive_conv *shape, uint32_t groups, const uint32_t more[4])
{
    const uint32_t rows = shape->height + 2 * shape->pad + more[0] + more[2];
    const uint32_t columns = shape->width + 2 * shape->pad + more[1] + more[3];

    shape->groups = groups;
    memcpy(shape->more, more, sizeof shape->more);
    shape->out_height = (rows - shape->kernel) / shape->stride + 1;
    shape->out_width = (columns - shape->kernel) / shape->stride + 1;
}

/* Calls visit for each product of a convolution: y[iy] takes x[ix] w[iw]. */
struct conv_arrays {
    const double *x, *w, *dy;
    double       *y, *dx, *dw;
};

static void conv_products(const struct naive_conv *s, const struct conv_arrays *a,
                          void (*visit)(const struct conv_arrays *, size_t, size_t, size_t),
                          uint32_t i, uint32_t o, uint32_t row, uint32_t column)
{
    size_t         iy = (((size_t)i * s->out + o) * s->out_height + row) * s->out_width + column;
    const uint32_t inputs = s->in / s->groups, first = o / (s->out / s->groups) * inputs;

    for (uint32_t c = 0; c < inputs; c++)
        for (uint32_t ky = 0; ky < s->kernel; ky++)
            for (uint32_t kx = 0; kx < s->kernel; kx++) {
                int64_t h = (int64_t)row * s->stride + ky - s->pad - s->more[0];
                int64_t w = (int64_t)column * s->stride + kx - s->pad - s->more[1];

                if (h >= 0 && h < s->height && w >= 0 && w < s->width)
                    visit(a, iy,
                          (((size_t)i * s->in + first + c) * s->height + (size_t)h) * s->width +
                              (size_t)w,
                          (((size_t)o * inputs + c) * s->kernel + ky) * s->kernel + kx);
            }
}

static void conv_all(const struct naive_conv *s, const struct conv_arrays *a,
                     void (*visit)(const struct conv_arrays *, size_t, size_t, size_t))
{
    for (uint32_t i = 0; i < s->n; i++)
        for (uint32_t o = 0; o < s->out; o++)
            for (uint32_t row = 0; row < s->out_height; row++)
                for (uint32_t column = 0; column < s->out_width; column++)
                    conv_products(s, a, visit, i, o, row, column);
}

static void visit_forward(const struct conv_arrays *a, size_t iy, size_t ix, size_t iw)
{
    a->y[iy] += a->x[ix] * a->w[iw];
}

static void visit_backward(const struct conv_arrays *a, size_t iy, size_t ix, size_t iw)
{
    a->dx[ix] += a->dy[iy] * a->w[iw];
    a->dw[iw] += a->dy[iy] * a->x[ix];
}

void naive_conv_forward(const struct naive_conv *shape, const double *x, const double *w, double *y)
{
    const struct conv_arrays arrays = {.x = x, .w = w, .y = y};

    memset(y, 0, sizeof *y * shape->n * shape->out * shape->out_height * (size_t)shape->out_width);
    conv_all(shape, &arrays, visit_forward);
}

void naive_conv_backward(const struct naive_conv *shape, const double *x, const double *w,
                         const double *dy, double *dx, double *dw)
{
    const struct conv_arrays arrays = {.x = x, .w = w, .dy = dy, .dx = dx, .dw = dw};

    conv_all(shape, &arrays, visit_backward);
}

/* Gather the values under a window: their places in one plane. Returns how many. */
static size_t under_window(const struct naive_conv *s, uint32_t row, uint32_t column,
                           size_t *places)
{
    size_t count = 0;

    for (uint32_t ky = 0; ky < s->kernel; ky++)
        for (uint32_t kx = 0; kx < s->kernel; kx++) {
            int64_t h = (int64_t)row * s->stride + ky - s->pad;
            int64_t w = (int64_t)column * s->stride + kx - s->pad;

            if (h >= 0 && h < s->height && w >= 0 && w < s->width)
                places[count++] = (size_t)h * s->width + (size_t)w;
        }
    return count;
}

/* dy NULL: forward. */
static void pool_plane(const struct naive_conv *s, bool max, const double *x, double *y,
                       const double *dy, double *dx)
{
    size_t *places = malloc((size_t)s->kernel * s->kernel * sizeof *places);

    for (uint32_t row = 0; row < s->out_height; row++)
        for (uint32_t column = 0; column < s->out_width; column++) {
            size_t at = (size_t)row * s->out_width + column, top = 0;
            size_t count = under_window(s, row, column, places);
            double sum = 0;

            for (size_t k = 0; k < count; k++) {
                top = x[places[k]] > x[places[top]] ? k : top;
                sum += x[places[k]];
            }
            if (!dy)
                y[at] = max ? x[places[top]] : sum / (double)count;
            for (size_t k = 0; dy && k < count; k++)
                dx[places[k]] += max ? (k == top ? dy[at] : 0) : dy[at] / (double)count;
        }
    free(places);
}

static void pool_all(const struct naive_conv *s, bool max, const double *x, double *y,
                     const double *dy, double *dx)
{
    const size_t in = (size_t)s->height * s->width, out = (size_t)s->out_height * s->out_width;

    for (size_t plane = 0; plane < (size_t)s->n * s->in; plane++)
        pool_plane(s, max, x + plane * in, dy ? NULL : y + plane * out,
                   dy ? dy + plane * out : NULL, dy ? dx + plane * in : NULL);
}

void naive_pool_forward(const struct naive_conv *shape, bool max, const double *x, double *y)
{
    pool_all(shape, max, x, y, NULL, NULL);
}

void naive_pool_backward(const struct naive_conv *shape, bool max, const double *x,
                         const double *dy, double *dx)
{
    pool_all(shape, max, x, NULL, dy, dx);
}

/* First row of window i of so many over `length` rows; last row. */
static uint32_t first_of(uint32_t i, uint32_t windows, uint32_t length)
{
    return (uint32_t)floor((double)i * length / windows);
}

static uint32_t last_of(uint32_t i, uint32_t windows, uint32_t length)
{
    return (uint32_t)ceil((double)(i + 1) * length / windows) - 1;
}

/* dy NULL: forward. */
static void share_window(const struct naive_share *s, uint32_t row, uint32_t column,
                         const double *x, double *y, const double *dy, double *dx)
{
    const uint32_t top = first_of(row, s->out_height, s->height);
    const uint32_t bottom = last_of(row, s->out_height, s->height);
    const uint32_t left = first_of(column, s->out_width, s->width);
    const uint32_t right = last_of(column, s->out_width, s->width);
    const double   count = (double)(bottom - top + 1) * (right - left + 1);

    for (uint32_t r = top; r <= bottom; r++)
        for (uint32_t c = left; c <= right; c++)
            if (dy)
                dx[r * s->width + c] += dy[row * s->out_width + column] / count;
            else
                y[row * s->out_width + column] += x[r * s->width + c] / count;
}

static void share_all(const struct naive_share *s, const double *x, double *y, const double *dy,
                      double *dx)
{
    const size_t in = (size_t)s->height * s->width, out = (size_t)s->out_height * s->out_width;

    for (size_t plane = 0; plane < s->planes; plane++)
        for (uint32_t row = 0; row < s->out_height; row++)
            for (uint32_t column = 0; column < s->out_width; column++)
                share_window(s, row, column, dy ? NULL : x + plane * in,
                             dy ? NULL : y + plane * out, dy ? dy + plane * out : NULL,
                             dy ? dx + plane * in : NULL);
}

void naive_share_forward(const struct naive_share *shape, const double *x, double *y)
{
    memset(y, 0, sizeof *y * shape->planes * shape->out_height * shape->out_width);
    share_all(shape, x, y, NULL, NULL);
}

void naive_share_backward(const struct naive_share *shape, const double *dy, double *dx)
{
    share_all(shape, NULL, NULL, dy, dx);
}

/* Index of the k-th of the n x size values of a channel. */
static size_t nth(const struct naive_norm *s, uint32_t channel, size_t k)
{
    return (k / s->size * s->channels + channel) * s->size + k % s->size;
}

static void take_statistics(const struct naive_norm *s, uint32_t c, const double *x, double *mean,
                            double *variance)
{
    const size_t count = (size_t)s->n * s->size;
    double       sum = 0, squares = 0;

    for (size_t k = 0; k < count; k++)
        sum += x[nth(s, c, k)];
    *mean = sum / (double)count;
    for (size_t k = 0; k < count; k++)
        squares += pow(x[nth(s, c, k)] - *mean, 2);
    *variance = squares / (double)count;
}

void naive_norm_forward(const struct naive_norm *s, const double *x, const double *scale,
                        const double *shift, double *mean, double *variance, double *y)
{
    for (uint32_t c = 0; c < s->channels; c++) {
        if (s->training)
            take_statistics(s, c, x, &mean[c], &variance[c]);
        for (size_t k = 0; k < (size_t)s->n * s->size; k++) {
            size_t i = nth(s, c, k);

            y[i] = (x[i] - mean[c]) / sqrt(variance[c] + s->epsilon) * scale[c] + shift[c];
            if (s->relu && y[i] < 0)
                y[i] = 0;
        }
    }
}

void naive_norm_backward(const struct naive_norm *s, const double *x, const double *y,
                         const double *scale, const double *mean, const double *variance,
                         const double *dy, double *dx, double *dscale, double *dshift)
{
    const size_t count = (size_t)s->n * s->size;

    for (uint32_t c = 0; c < s->channels; c++) {
        double deviation = sqrt(variance[c] + s->epsilon), sum = 0, products = 0;

        for (size_t k = 0; k < count; k++) {
            size_t i = nth(s, c, k);
            double g = s->relu && !(y[i] > 0) ? 0 : dy[i];

            sum += g;
            products += g * (x[i] - mean[c]) / deviation;
        }
        dscale[c] += products;
        dshift[c] += sum;
        for (size_t k = 0; k < count; k++) {
            size_t i = nth(s, c, k);
            double g = s->relu && !(y[i] > 0) ? 0 : dy[i];
            double normal = (x[i] - mean[c]) / deviation;

            dx[i] += scale[c] / deviation * (g - (sum + normal * products) / (double)count);
        }
    }
}

void naive_linear_forward(uint32_t n, uint32_t in, uint32_t out, const double *x, const double *w,
                          const double *bias, double *y)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t o = 0; o < out; o++) {
            double sum = bias[o];

            for (uint32_t c = 0; c < in; c++)
                sum += x[(size_t)i * in + c] * w[(size_t)o * in + c];
            y[(size_t)i * out + o] = sum;
        }
}

void naive_linear_backward(uint32_t n, uint32_t in, uint32_t out, const double *x, const double *w,
                           const double *dy, double *dx, double *dw, double *dbias)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t o = 0; o < out; o++) {
            double g = dy[(size_t)i * out + o];

            dbias[o] += g;
            for (uint32_t c = 0; c < in; c++) {
                dx[(size_t)i * in + c] += g * w[(size_t)o * in + c];
                dw[(size_t)o * in + c] += g * x[(size_t)i * in + c];
            }
        }
}
