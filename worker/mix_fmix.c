/* fmix: a mask of large, irregular pieces (Harris et al. 2020). Complex
 * Gaussian noise whose high frequencies are damped, transformed back to a grey
 * image, of which the lightest lambda n of n pixels are the base image's.
 *
 * The damping is max(f, 1 / max(H, W))^-decay, f the distance from frequency 0
 * in cycles a pixel; lambda n is rounded up or down with equal chance.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/fourier.h"
#include "worker/mix.h"

enum {
    LARGE = 1 << 16 /* pixels of a batch's masks from which on a device makes them (decision 020) */
};

struct fmix {
    struct worker_fourier *fourier;
    float                 *damping; /* (height, width / 2 + 1) */
    float                 *sorted;  /* (height, width): the grey image, being sorted */
};

static double frequency(uint32_t k, uint32_t n)
{
    return (k <= n / 2 ? (double)k : (double)k - n) / n;
}

/* Divided by its largest value, so that no decay overflows: only the order of
 * the pixels counts. */
static void make_damping(float *damping, double decay, const struct worker_shape *shape)
{
    double longer = shape->height > shape->width ? shape->height : shape->width;

    for (uint32_t v = 0; v < shape->height; v++)
        for (uint32_t u = 0; u <= shape->width / 2; u++) {
            double f = hypot(frequency(v, shape->height), frequency(u, shape->width));

            *damping++ = (float)pow(fmax(f * longer, 1), -decay);
        }
}

void *worker_mix_fmix_new(const struct worker_params *params, const struct worker_shape *shape,
                          struct mx_err *err)
{
    struct fmix *fmix = calloc(1, sizeof *fmix);

    if (!fmix)
        goto nomem;
    fmix->damping = calloc((size_t)shape->height * (shape->width / 2 + 1), sizeof *fmix->damping);
    fmix->sorted = calloc((size_t)shape->height * shape->width, sizeof *fmix->sorted);
    if (!fmix->damping || !fmix->sorted)
        goto nomem;
    if (!(fmix->fourier = worker_fourier_new(shape->height, shape->width, err)))
        goto fail;
    make_damping(fmix->damping, params->mix_decay, shape);
    return fmix;

nomem:
    mx_fail(err, MX_ENOMEM, "no memory for the masks of fmix");
fail:
    worker_mix_fmix_free(fmix);
    return NULL;
}

void worker_mix_fmix_free(void *scratch)
{
    struct fmix *fmix = scratch;

    if (!fmix)
        return;
    worker_fourier_free(fmix->fourier);
    free(fmix->damping);
    free(fmix->sorted);
    free(fmix);
}

/* The k-th largest of n numbers, k from 0, which are put in another order
 * (Hoare's quickselect). */
static float largest(float *x, size_t n, size_t k)
{
    size_t first = 0, last = n - 1;

    while (first < last) {
        float  pivot = x[first + (last - first) / 2];
        size_t i = first, j = last;

        for (;;) {
            while (x[i] > pivot)
                i++;
            while (x[j] < pivot)
                j--;
            if (i >= j)
                break;
            float swap = x[i];

            x[i++] = x[j];
            x[j--] = swap;
        }
        if (k <= j)
            last = j;
        else
            first = j + 1;
    }
    return x[k];
}

/* The `count` lightest pixels are the base image's; of equal ones at the
 * threshold the first in raster order. */
static void cut(const float *grey, float *sorted, size_t pixels, size_t count, uint8_t *mask)
{
    float threshold = INFINITY;

    for (size_t p = 0; p < pixels; p++)
        sorted[p] = grey[p];
    if (count > 0)
        threshold = largest(sorted, pixels, count - 1);
    for (size_t p = 0; p < pixels; p++)
        count -= grey[p] > threshold;
    for (size_t p = 0; p < pixels; p++) {
        bool at = grey[p] == threshold && count > 0;

        count -= at;
        mask[p] = at || grey[p] > threshold ? 2 : 0;
    }
}

bool worker_mix_fmix_is_large(const struct worker_shape *shape, uint32_t masks)
{
    return (uint64_t)shape->height * shape->width * masks >= LARGE;
}

const float *worker_mix_fmix_damping(const void *scratch)
{
    const struct fmix *fmix = scratch;

    return fmix->damping;
}

/* What the mask will be is known but for its places: its share is that of the count. */
static void draw_recipe(const struct worker_mix_scene *scene, const struct mx_rng *noise,
                        size_t count, double lambda, struct worker_mix_draw *draw)
{
    const size_t             pixels = (size_t)scene->shape->height * scene->shape->width;
    struct kern_mask_recipe *recipe = scene->recipe;

    recipe->count = (uint32_t)count;
    recipe->turned = scene->host && 2 * count < pixels;
    memcpy(recipe->key, noise->key, sizeof recipe->key);
    memcpy(recipe->counter, noise->counter, sizeof recipe->counter);
    draw->masked = true;
    draw->drawn = recipe->turned ? 1.0 - lambda : lambda;
    draw->share = (double)(recipe->turned ? pixels - count : count) / (double)pixels;
}

void worker_mix_draw_fmix(const struct worker_mix_scene *scene, struct worker_mix_draw *draw)
{
    struct fmix  *fmix = scene->scratch;
    const size_t  pixels = (size_t)scene->shape->height * scene->shape->width;
    const size_t  values = (size_t)scene->shape->height * (scene->shape->width / 2 + 1);
    struct mx_rng noise = worker_mix_rng(&scene->place, WORKER_DRAW_NOISE);
    struct mx_rng rounding = worker_mix_rng(&scene->place, WORKER_DRAW_ROUNDING);
    const double  lambda = worker_mix_lambda(scene->params, &scene->place);
    double        count = lambda * (double)pixels;
    float        *spectrum = worker_fourier_spectrum(fmix->fourier);

    count = mx_rng_uniform(&rounding) < 0.5 ? ceil(count) : floor(count);
    if (scene->recipe) {
        draw_recipe(scene, &noise, (size_t)count, lambda, draw);
        return;
    }
    for (size_t k = 0; k < values; k++) {
        spectrum[2 * k] = fmix->damping[k] * (float)mx_rng_normal(&noise);
        spectrum[2 * k + 1] = fmix->damping[k] * (float)mx_rng_normal(&noise);
    }
    cut(worker_fourier_inverse(fmix->fourier), fmix->sorted, pixels, (size_t)count, scene->mask);
    worker_mix_take_mask(scene, lambda, draw);
}
