/* Noisy linear imputation: Rong, Leemann, Borisov, Kasneci, Kasneci, "A consistent and
 * efficient evaluation strategy for attribution methods", ICML 2022. With the weights
 * left as they are and each row's sum on the diagonal the matrix is symmetric, and
 * positive as long as a pixel is left: conjugate gradients (Hestenes, Stiefel 1952). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/curve.h"

static const double beside = 1.0 / 6, across = 1.0 / 12, tolerance = 1e-6, noise_sd = 0.01;

struct system {
    int64_t     height, width;
    const bool *removed;
};

/* For pixel p: the sum of weights of its neighbours, and of weight x value over those
 * that are removed (or left). */
static double around(const struct system *s, size_t p, const double *values, bool removed,
                     double *weights)
{
    const int64_t y = (int64_t)p / s->width, x = (int64_t)p % s->width;
    double        sum = 0;

    *weights = 0;
    for (int64_t v = y > 0 ? y - 1 : 0; v <= y + 1 && v < s->height; v++)
        for (int64_t u = x > 0 ? x - 1 : 0; u <= x + 1 && u < s->width; u++) {
            const size_t q = (size_t)(v * s->width + u);
            const double weight = v == y || u == x ? beside : across;

            if (q == p)
                continue;
            *weights += weight;
            if (s->removed[q] == removed)
                sum += weight * values[q];
        }
    return sum;
}

/* product = matrix x vector, at removed pixels; returns vector . product. */
static double apply(const struct system *s, const double *vector, double *product)
{
    const size_t n = (size_t)(s->height * s->width);
    double       dot = 0;

    for (size_t p = 0; p < n; p++) {
        double weights;

        if (!s->removed[p])
            continue;
        product[p] = -around(s, p, vector, true, &weights);
        product[p] += weights * vector[p];
        dot += vector[p] * product[p];
    }
    return dot;
}

static double square(const struct system *s, const double *vector)
{
    const size_t n = (size_t)(s->height * s->width);
    double       sum = 0;

    for (size_t p = 0; p < n; p++)
        sum += s->removed[p] ? vector[p] * vector[p] : 0;
    return sum;
}

/* Fill the removed pixels of one channel; work holds 3 n numbers. */
static void solve(const struct system *s, double *values, double *work)
{
    const size_t n = (size_t)(s->height * s->width);
    double      *residual = work, *direction = work + n, *product = work + 2 * n;
    double       rr, goal, unused;

    for (size_t p = 0; p < n; p++)
        if (s->removed[p]) {
            residual[p] = direction[p] = around(s, p, values, false, &unused);
        }
    for (size_t p = 0; p < n; p++)
        values[p] = s->removed[p] ? 0 : values[p];
    rr = square(s, residual);
    goal = tolerance * tolerance * rr;
    for (size_t round = 0; rr > goal && round < 10 * n; round++) {
        const double step = rr / apply(s, direction, product), before = rr;

        for (size_t p = 0; p < n; p++)
            if (s->removed[p]) {
                values[p] += step * direction[p];
                residual[p] -= step * product[p];
            }
        rr = square(s, residual);
        for (size_t p = 0; p < n; p++)
            if (s->removed[p])
                direction[p] = residual[p] + rr / before * direction[p];
    }
}

int worker_road(const struct worker_shape *shape, const float *image, const bool *removed,
                struct mx_stream stream, uint32_t row, float *out, struct mx_err *err)
{
    const size_t        n = (size_t)shape->height * shape->width;
    const struct system s = {shape->height, shape->width, removed};
    double             *work = calloc(4 * n, sizeof *work), *values = work + 3 * n;

    if (!work)
        return mx_fail(err, MX_ENOMEM, "no memory to fill in pixels of an image");
    memcpy(out, image, shape->channels * n * sizeof *out);
    for (uint32_t c = 0; c < shape->channels; c++) {
        for (size_t p = 0; p < n; p++)
            values[p] = image[c * n + p];
        solve(&s, values, work);
        for (size_t p = 0; p < n; p++)
            if (removed[p])
                out[c * n + p] = (float)values[p];
    }
    for (size_t p = 0; p < n; p++) {
        struct mx_rng rng = mx_rng_at(stream, WORKER_DRAW_ROAD, row, (uint32_t)p);

        for (uint32_t c = 0; removed[p] && c < shape->channels; c++)
            out[c * n + p] = (float)(out[c * n + p] + noise_sd * mx_rng_normal(&rng));
    }
    free(work);
    return 0;
}
