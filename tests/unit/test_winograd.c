/* 3x3 convolutions by Winograd's tiles against the definition, in double. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/winograd.h"
#include "tests/reference/naive_layers.h"

/* One image and several; sides that are whole tiles, odd, and of more tiles than go at once. */
static const struct kern_winograd shapes[] = {
    {1, 32, 32, 4, 4},   {2, 32, 48, 4, 6},   {5, 48, 32, 8, 8},  {3, 64, 32, 10, 4},
    {1, 16, 16, 7, 7},   {7, 16, 32, 13, 11}, {2, 48, 16, 8, 35}, {1, 16, 16, 34, 66},
    {13, 16, 16, 12, 9}, {2, 80, 16, 6, 6}};

enum {
    SHAPES = sizeof shapes / sizeof shapes[0]
};

struct array {
    size_t  n;
    float  *blocked;
    double *wide; /* row-major */
};

static struct array array_new(size_t n)
{
    struct array a = {n, aligned_alloc(64, (n + 15) / 16 * 16 * sizeof(float)),
                      calloc(n, sizeof(double))};

    for (size_t i = 0; i < n; i++)
        a.blocked[i] = NAN;
    return a;
}

static void array_free(struct array *a)
{
    free(a->blocked);
    free(a->wide);
}

static size_t image_place(uint32_t channels, size_t points, size_t i)
{
    const size_t p = i % points, c = i / points % channels, image = i / points / channels;

    return ((image * channels + c) / 8 * points + p) * 8 + c % 8;
}

static size_t weight_place(uint32_t in, size_t i)
{
    const size_t tap = i % 9, c = i / 9 % in, out = i / 9 / in;

    return ((out / 8 * (in / 8) + c / 8) * 9 + tap) * 64 + c % 8 * 8 + out % 8;
}

static struct array draw_images(const struct kern_winograd *s, uint32_t channels,
                                struct mx_rng *rng)
{
    const size_t points = (size_t)s->height * s->width;
    struct array a = array_new(s->n * channels * points);

    for (size_t i = 0; rng && i < a.n; i++)
        a.wide[i] = a.blocked[image_place(channels, points, i)] = (float)mx_rng_normal(rng);
    return a;
}

static struct array draw_weights(const struct kern_winograd *s, struct mx_rng *rng)
{
    struct array a = array_new((size_t)s->in * s->out * 9);

    for (size_t i = 0; i < a.n; i++)
        a.wide[i] = a.blocked[weight_place(s->in, i)] = (float)mx_rng_normal(rng);
    return a;
}

/* Each may be off by what is about five deviations of the error, all together by less. */
static void expect_images(const struct array *a, const struct kern_winograd *s, uint32_t channels,
                          uint32_t terms, const char *what)
{
    const double tolerance = 4e-6 * sqrt(9.0 * terms);
    double       error = 0, norm = 0;

    for (size_t i = 0; i < a->n; i++) {
        const double got = a->blocked[image_place(channels, (size_t)s->height * s->width, i)];

        error += pow(got - a->wide[i], 2);
        norm += a->wide[i] * a->wide[i];
        cr_assert(fabs(got - a->wide[i]) <= tolerance * fmax(1, fabs(a->wide[i])),
                  "%s %zu of %ux%u is %.9g, not %.9g", what, i, s->height, s->width, got,
                  a->wide[i]);
    }
    cr_assert(sqrt(error / norm) <= 1e-6, "%s of %ux%u: error %.3g", what, s->height, s->width,
              sqrt(error / norm));
}

/* As expect_images(), of sums over all outputs. */
static void expect_weights(const struct array *a, const struct kern_winograd *s)
{
    const double terms = (double)s->n * s->height * s->width, tolerance = 4e-6 * sqrt(terms);

    for (size_t i = 0; i < a->n; i++) {
        const double got = a->blocked[weight_place(s->in, i)];

        cr_assert(fabs(got - a->wide[i]) <= tolerance * fmax(1, fabs(a->wide[i])),
                  "gradient %zu of %u to %u channels at %ux%u is %.9g, not %.9g", i, s->in, s->out,
                  s->height, s->width, got, a->wide[i]);
    }
}

static float *room_for(const struct kern_winograd *s)
{
    const size_t bytes = kern_winograd_room(s->in, s->out) * sizeof(float);
    float       *room = aligned_alloc(64, (bytes + 63) / 64 * 64);

    memset(room, 0, bytes);
    return room;
}

Test(winograd, equals_the_definition_in_all_passes)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(4, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    for (size_t k = 0; k < SHAPES && kern_winograd_fits(&shapes[k]); k++) {
        const struct kern_winograd *s = &shapes[k];
        const struct naive_conv     naive =
            naive_conv_shape(s->n, s->in, s->height, s->width, s->out, 3, 1, 1);
        struct array x = draw_images(s, s->in, &rng), w = draw_weights(s, &rng);
        struct array y = draw_images(s, s->out, NULL), dy = draw_images(s, s->out, &rng);
        struct array dx = draw_images(s, s->in, NULL), dw = array_new(w.n);
        float       *room = room_for(s);

        kern_winograd_forward(s, x.blocked, w.blocked, NULL, y.blocked, room);
        kern_winograd_backward(s, dy.blocked, w.blocked, dx.blocked, room);
        naive_conv_forward(&naive, x.wide, w.wide, y.wide);
        naive_conv_backward(&naive, x.wide, w.wide, dy.wide, dx.wide, dw.wide);
        expect_images(&y, s, s->out, s->in, "output");
        expect_images(&dx, s, s->in, s->out, "gradient");
        kern_winograd_weights(s, x.blocked, dy.blocked, dw.blocked, room);
        expect_weights(&dw, s);
        array_free(&x), array_free(&w), array_free(&y), array_free(&dy);
        array_free(&dx), array_free(&dw);
        free(room);
    }
}

Test(winograd, adds_bias_and_what_is_there_and_caps)
{
    const struct kern_winograd *s = &shapes[1];
    const struct naive_conv     naive =
        naive_conv_shape(s->n, s->in, s->height, s->width, s->out, 3, 1, 1);
    const size_t  points = (size_t)s->height * s->width;
    struct mx_rng rng = mx_rng_at(mx_stream_make(4, 0, MX_PURPOSE_DATA, 0), 1, 0, 0);
    struct array  x = draw_images(s, s->in, &rng), w = draw_weights(s, &rng);
    struct array  y = draw_images(s, s->out, &rng);
    float        *room = room_for(s), bias[48];

    for (uint32_t c = 0; c < s->out; c++)
        bias[c] = (float)c - 20;
    if (kern_winograd_fits(s)) {
        double *sum = calloc(y.n, sizeof *sum);

        naive_conv_forward(&naive, x.wide, w.wide, sum);
        for (size_t i = 0; i < y.n; i++)
            y.wide[i] = fmin(6, fmax(0, y.wide[i] + sum[i] + (double)bias[i / points % s->out]));
        kern_winograd_forward(s, x.blocked, w.blocked,
                              &(struct kern_winograd_after){bias, true, true, 6}, y.blocked, room);
        expect_images(&y, s, s->out, 4 * s->in, "capped output");
        free(sum);
    }
    array_free(&x), array_free(&w), array_free(&y);
    free(room);
}

Test(winograd, an_image_has_the_same_bits_alone_and_in_company)
{
    const struct kern_winograd *s = &shapes[2];
    const struct kern_winograd  one = {1, s->in, s->out, s->height, s->width};
    const size_t                points = (size_t)s->height * s->width;
    struct mx_rng               rng = mx_rng_at(mx_stream_make(4, 0, MX_PURPOSE_DATA, 0), 2, 0, 0);
    struct array                x = draw_images(s, s->in, &rng), w = draw_weights(s, &rng);
    struct array y = draw_images(s, s->out, NULL), alone = draw_images(&one, s->out, NULL);
    float       *room = room_for(s);

    if (kern_winograd_fits(s)) {
        kern_winograd_forward(s, x.blocked, w.blocked, NULL, y.blocked, room);
        for (uint32_t i = 0; i < s->n; i++) {
            kern_winograd_forward(&one, x.blocked + i * s->in * points, w.blocked, NULL,
                                  alone.blocked, room);
            cr_expect_arr_eq(alone.blocked, y.blocked + i * s->out * points,
                             s->out * points * sizeof(float));
        }
    }
    array_free(&x), array_free(&w), array_free(&y), array_free(&alone);
    free(room);
}

/* Sums over 8192 places: in single precision one after another, the definition's are off by
 * 3e-6 to 4e-6 of their norm. */
Test(winograd, gradients_of_weights_over_many_places_stay_exact)
{
    const struct kern_winograd s = {8, 16, 16, 32, 32};
    const struct naive_conv naive = naive_conv_shape(s.n, s.in, s.height, s.width, s.out, 3, 1, 1);
    struct mx_rng           rng = mx_rng_at(mx_stream_make(4, 0, MX_PURPOSE_DATA, 0), 3, 0, 0);
    struct array            x = draw_images(&s, s.in, &rng), dy = draw_images(&s, s.out, &rng);
    struct array            dx = draw_images(&s, s.in, NULL), w = draw_weights(&s, &rng);
    struct array            dw = array_new(w.n);
    float                  *room = room_for(&s);
    double                  error = 0, norm = 0;

    if (kern_winograd_fits(&s)) {
        kern_winograd_weights(&s, x.blocked, dy.blocked, dw.blocked, room);
        naive_conv_backward(&naive, x.wide, w.wide, dy.wide, dx.wide, dw.wide);
        for (size_t i = 0; i < dw.n; i++) {
            error += pow(dw.blocked[weight_place(s.in, i)] - dw.wide[i], 2);
            norm += dw.wide[i] * dw.wide[i];
        }
        cr_expect(sqrt(error / norm) <= 1e-6, "error %.3g", sqrt(error / norm));
    }
    array_free(&x), array_free(&dy), array_free(&dx), array_free(&w), array_free(&dw);
    free(room);
}

Test(winograd, does_not_fit_small_sides_and_channels_that_are_no_sixteens)
{
    const struct kern_winograd other[] = {{1, 32, 32, 3, 8}, {1, 32, 32, 8, 3}, {1, 32, 32, 5, 5},
                                          {1, 24, 32, 8, 8}, {1, 32, 8, 8, 8},  {1, 40, 32, 8, 8},
                                          {1, 32, 40, 8, 8}};

    for (size_t k = 0; k < sizeof other / sizeof other[0]; k++)
        cr_expect(!kern_winograd_fits(&other[k]), "shape %zu", k);
}
