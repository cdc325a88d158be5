/* Noisy linear imputation: Rong, Leemann, Borisov, Kasneci, Kasneci, "A consistent and
 * efficient evaluation strategy for attribution methods", ICML 2022. With the weights
 * left as they are and each row's sum on the diagonal the matrix is symmetric, and
 * positive as long as a pixel is left: conjugate gradients (Hestenes, Stiefel 1952). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/curve.h"

static const double beside = 1.0 / 6, across = 1.0 / 12, tolerance = 1e-6, noise_sd = 0.01;

enum {
    NEIGHBOURS = 8
};

/* An unknown, a removed pixel: its neighbours that are unknown too, and the sum of the
 * weights of all its neighbours. */
struct unknown {
    uint32_t pixel, count, to[NEIGHBOURS];
    double   weight[NEIGHBOURS], sum;
};

/* The equations of one mask; all channels share them. */
struct equations {
    uint32_t        height, width, count;
    const bool     *removed;
    struct unknown *unknowns; /* (count) */
    uint32_t       *number;   /* (pixels): which unknown a removed pixel is */
    double         *right, *value, *residual, *direction, *product; /* (count) each */
};

/* Note the neighbours of a pixel. */
static void link_neighbours(const struct equations *e, struct unknown *own)
{
    const uint32_t y = own->pixel / e->width, x = own->pixel % e->width;

    for (uint32_t v = y > 0 ? y - 1 : 0; v <= y + 1 && v < e->height; v++)
        for (uint32_t u = x > 0 ? x - 1 : 0; u <= x + 1 && u < e->width; u++) {
            const uint32_t q = v * e->width + u;
            const double   weight = v == y || u == x ? beside : across;

            if (q == own->pixel)
                continue;
            own->sum += weight;
            if (e->removed[q]) {
                own->to[own->count] = e->number[q];
                own->weight[own->count++] = weight;
            }
        }
}

static int equations_new(struct equations *e, const struct worker_shape *shape, const bool *removed,
                         struct mx_err *err)
{
    const uint32_t pixels = shape->height * shape->width;

    *e = (struct equations){.height = shape->height, .width = shape->width, .removed = removed};
    e->unknowns = calloc(pixels, sizeof *e->unknowns);
    e->number = calloc(pixels, sizeof *e->number);
    e->right = calloc(5 * (size_t)pixels, sizeof *e->right);
    if (!e->unknowns || !e->number || !e->right)
        return mx_fail(err, MX_ENOMEM, "no memory to fill in pixels of an image");
    e->value = e->right + pixels;
    e->residual = e->value + pixels;
    e->direction = e->residual + pixels;
    e->product = e->direction + pixels;
    for (uint32_t p = 0; p < pixels; p++)
        if (removed[p]) {
            e->number[p] = e->count;
            e->unknowns[e->count++].pixel = p;
        }
    for (uint32_t k = 0; k < e->count; k++)
        link_neighbours(e, &e->unknowns[k]);
    return 0;
}

static void equations_free(struct equations *e)
{
    free(e->unknowns);
    free(e->number);
    free(e->right);
}

/* What the neighbours that are left give to each equation. */
static void set_right(struct equations *e, const float *plane)
{
    for (uint32_t k = 0; k < e->count; k++) {
        const uint32_t y = e->unknowns[k].pixel / e->width, x = e->unknowns[k].pixel % e->width;

        e->right[k] = 0;
        for (uint32_t v = y > 0 ? y - 1 : 0; v <= y + 1 && v < e->height; v++)
            for (uint32_t u = x > 0 ? x - 1 : 0; u <= x + 1 && u < e->width; u++)
                if (!e->removed[v * e->width + u])
                    e->right[k] += (v == y || u == x ? beside : across) * plane[v * e->width + u];
    }
}

/* product = matrix x direction; returns direction . product. */
static double apply(const struct equations *e)
{
    double dot = 0;

    for (uint32_t k = 0; k < e->count; k++) {
        const struct unknown *own = &e->unknowns[k];
        double                sum = own->sum * e->direction[k];

        for (uint32_t i = 0; i < own->count; i++)
            sum -= own->weight[i] * e->direction[own->to[i]];
        e->product[k] = sum;
        dot += sum * e->direction[k];
    }
    return dot;
}

static double square(const struct equations *e)
{
    double sum = 0;

    for (uint32_t k = 0; k < e->count; k++)
        sum += e->residual[k] * e->residual[k];
    return sum;
}

/* Fill value[] from right[]. */
static void solve(struct equations *e)
{
    double rr, goal;

    for (uint32_t k = 0; k < e->count; k++) {
        e->value[k] = 0;
        e->residual[k] = e->direction[k] = e->right[k];
    }
    rr = square(e);
    goal = tolerance * tolerance * rr;
    for (uint32_t round = 0; rr > goal && round < 10 * e->count; round++) {
        const double step = rr / apply(e), before = rr;

        for (uint32_t k = 0; k < e->count; k++) {
            e->value[k] += step * e->direction[k];
            e->residual[k] -= step * e->product[k];
        }
        rr = square(e);
        for (uint32_t k = 0; k < e->count; k++)
            e->direction[k] = e->residual[k] + rr / before * e->direction[k];
    }
}

int worker_road(const struct worker_shape *shape, const float *image, const bool *removed,
                struct mx_stream stream, uint32_t row, float *out, struct mx_err *err)
{
    const size_t     pixels = (size_t)shape->height * shape->width;
    struct equations e;

    if (equations_new(&e, shape, removed, err)) {
        equations_free(&e);
        return -1;
    }
    memcpy(out, image, shape->channels * pixels * sizeof *out);
    for (uint32_t c = 0; c < shape->channels; c++) {
        set_right(&e, image + c * pixels);
        solve(&e);
        for (uint32_t k = 0; k < e.count; k++)
            out[c * pixels + e.unknowns[k].pixel] = (float)e.value[k];
    }
    for (uint32_t k = 0; k < e.count; k++) {
        const uint32_t p = e.unknowns[k].pixel;
        struct mx_rng  rng = mx_rng_at(stream, WORKER_DRAW_ROAD, row, p);

        for (uint32_t c = 0; c < shape->channels; c++)
            out[c * pixels + p] = (float)(out[c * pixels + p] + noise_sd * mx_rng_normal(&rng));
    }
    equations_free(&e);
    return 0;
}
