/* Colour jitter, on values in [0, 1]. */
#include <math.h>

#include "worker/augment.h"

enum {
    COLOURS = 3
};

/* The share of the image, around 1. */
static float draw_share(double strength, double uniform)
{
    const double low = strength < 1 ? 1 - strength : 0;

    return (float)(low + (1 + strength - low) * uniform);
}

void worker_jitter_draw(const struct worker_params *params, struct mx_rng *rng,
                        struct worker_jitter *jitter)
{
    const double strength[WORKER_JITTERS] = {
        params->data_jitter_brightness, params->data_jitter_contrast,
        params->data_jitter_saturation, params->data_jitter_hue};

    mx_rng_permutation(rng, jitter->order, WORKER_JITTERS);
    for (int j = 0; j < WORKER_JITTERS; j++) {
        const double uniform = mx_rng_uniform(rng);

        jitter->used[j] = strength[j] > 0;
        jitter->factor[j] = j == WORKER_JITTER_HUE ? (float)(strength[j] * (2 * uniform - 1))
                                                   : draw_share(strength[j], uniform);
    }
}

static float clamp(float value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

static float luminance(const float *values, size_t plane, size_t k)
{
    return 0.2989f * values[k] + 0.587f * values[plane + k] + 0.114f * values[2 * plane + k];
}

static void brighten(float *values, size_t n, float share)
{
    for (size_t k = 0; k < n; k++)
        values[k] = clamp(share * values[k]);
}

static void contrast(float *values, uint32_t channels, size_t plane, float share)
{
    const size_t n = channels * plane;
    double       sum = 0;
    float        rest;

    if (channels == COLOURS)
        for (size_t k = 0; k < plane; k++)
            sum += (double)luminance(values, plane, k);
    else
        for (size_t k = 0; k < n; k++)
            sum += (double)values[k];
    rest = (1 - share) * (float)(sum / (double)(channels == COLOURS ? plane : n));
    for (size_t k = 0; k < n; k++)
        values[k] = clamp(share * values[k] + rest);
}

static void saturate(float *values, size_t plane, float share)
{
    for (size_t k = 0; k < plane; k++) {
        const float rest = (1 - share) * luminance(values, plane, k);

        for (size_t c = 0; c < COLOURS; c++)
            values[c * plane + k] = clamp(share * values[c * plane + k] + rest);
    }
}

/* The hue, in sixths of a circle from red: which colour is largest, and where between
 * its neighbours. `range`: largest less smallest, above 0. */
static float hue_of(float red, float green, float blue, float most, float range)
{
    if (most == red)
        return (green - blue) / range;
    if (most == green)
        return 2 + (blue - red) / range;
    return 4 + (red - green) / range;
}

/* A colour of the hexagon of full saturation: 1 near its own hue, 0 on the far side. */
static float full_colour(float hue, float own)
{
    float distance = fabsf(hue - own);

    if (distance > 3)
        distance = 6 - distance;
    return clamp(2 - distance);
}

static void turn_hue(float *values, size_t plane, float turn)
{
    for (size_t k = 0; k < plane; k++) {
        float *red = values + k, *green = red + plane, *blue = green + plane;
        float  most = fmaxf(fmaxf(*red, *green), *blue);
        float  least = fminf(fminf(*red, *green), *blue), hue;

        if (!(most > least))
            continue;
        hue = hue_of(*red, *green, *blue, most, most - least) + 6 * turn;
        hue -= 6 * floorf(hue / 6);
        *red = least + (most - least) * full_colour(hue, 0);
        *green = least + (most - least) * full_colour(hue, 2);
        *blue = least + (most - least) * full_colour(hue, 4);
    }
}

static void apply_one(int which, float factor, float *values, uint32_t channels, size_t plane)
{
    if (which == WORKER_JITTER_BRIGHTNESS)
        brighten(values, channels * plane, factor);
    else if (which == WORKER_JITTER_CONTRAST)
        contrast(values, channels, plane, factor);
    else if (channels == COLOURS && which == WORKER_JITTER_SATURATION)
        saturate(values, plane, factor);
    else if (channels == COLOURS)
        turn_hue(values, plane, factor);
}

void worker_jitter_apply(const struct worker_jitter *jitter, uint8_t *image, uint32_t channels,
                         size_t plane, float *values)
{
    const size_t n = channels * plane;

    for (size_t k = 0; k < n; k++)
        values[k] = (float)image[k] / 255;
    for (int j = 0; j < WORKER_JITTERS; j++)
        if (jitter->used[jitter->order[j]])
            apply_one((int)jitter->order[j], jitter->factor[jitter->order[j]], values, channels,
                      plane);
    for (size_t k = 0; k < n; k++)
        image[k] = (uint8_t)(255 * values[k] + 0.5f);
}
