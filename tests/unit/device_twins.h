/* device_twins.h - the same arrays on the CPU and on a GPU, between guard words.
 *
 * For plain programs that compare the two: what fails is printed. A twin's numbers are the same on
 * both sides to begin with; what the two have become is fetched, its guards are looked at, and
 * then compared: bit for bit, or as near as its largest number allows. A NaN is near to a NaN
 * alone. */
#ifndef MX_TEST_DEVICE_TWINS_H
#define MX_TEST_DEVICE_TWINS_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/device.h"
#include "kernels/kern.h"
#include "kernels/nn.h"

enum {
    TWIN_SIDES = 2,   /* 0: the CPU; 1: the GPU */
    TWIN_GUARD = 64,  /* floats before and behind an array: it stays aligned */
    TWIN_SKIPPED = 77 /* exit status of a program without a GPU */
};

static const float twin_guard_word = -12345.5f;

struct twins {
    struct kern_nn           *nn[TWIN_SIDES];
    const struct kern_device *on[TWIN_SIDES];
    unsigned                  failed; /* comparisons */
};

struct twin {
    size_t n;                /* floats */
    float *at[TWIN_SIDES];   /* the device's */
    float *back[TWIN_SIDES]; /* fetched: the numbers */
    float *room[TWIN_SIDES]; /* guards, numbers, guards, on the host */
};

/* The GPU computes so. 0; TWIN_SKIPPED without a GPU, which is said; 1. */
static inline int twins_open_in(struct twins *twins, enum kern_precision precision)
{
    struct mx_err err = {0};

    memset(twins, 0, sizeof *twins);
    if (!kern_cuda(&err)) {
        printf("skipped: %s\n", err.text);
        return TWIN_SKIPPED;
    }
    if (!(twins->nn[0] = kern_nn_new(1, &err)) ||
        !(twins->nn[1] = kern_nn_new_cuda(precision, true, &err))) {
        printf("FAILED: %s\n", err.text);
        return 1;
    }
    for (int s = 0; s < TWIN_SIDES; s++)
        twins->on[s] = kern_nn_device(twins->nn[s]);
    return 0;
}

static inline int twins_open(struct twins *twins)
{
    return twins_open_in(twins, KERN_F32);
}

/* The exit status. */
static inline int twins_close(struct twins *twins)
{
    kern_nn_free(twins->nn[1]);
    kern_nn_free(twins->nn[0]);
    return twins->failed > 0;
}

static inline void twins_must(bool ok, const char *what, const struct mx_err *err)
{
    if (!ok) {
        printf("FAILED: %s: %s\n", what, err->text);
        exit(1);
    }
}

static inline bool twins_fail(struct twins *twins, const char *name, const char *what)
{
    printf("FAILED: %s: %s\n", name, what);
    twins->failed++;
    return false;
}

/* values NULL: NaN throughout, for what is to be written. */
static inline struct twin twin_new(struct twins *twins, size_t n, const float *values)
{
    const size_t  all = n + 2 * (size_t)TWIN_GUARD;
    struct twin   twin = {.n = n};
    struct mx_err err = {0};

    for (int s = 0; s < TWIN_SIDES; s++) {
        float *memory;

        twins_must((twin.room[s] = malloc(all * sizeof(float))), "no memory", &err);
        twin.back[s] = twin.room[s] + TWIN_GUARD;
        for (size_t k = 0; k < all; k++)
            twin.room[s][k] = twin_guard_word;
        for (size_t k = 0; k < n; k++)
            twin.back[s][k] = values ? values[k] : NAN;
        memory = twins->on[s]->alloc(twins->nn[s], KERN_ALIGN, all * sizeof(float), &err);
        twins_must(memory && !twins->on[s]->put(twins->nn[s], memory, twin.room[s],
                                                all * sizeof(float), &err),
                   "an array", &err);
        twin.at[s] = memory + TWIN_GUARD;
    }
    return twin;
}

static inline void twin_free(struct twins *twins, struct twin *twin)
{
    for (int s = 0; s < TWIN_SIDES; s++) {
        if (twin->at[s])
            twins->on[s]->release(twins->nn[s], twin->at[s] - TWIN_GUARD);
        free(twin->room[s]);
    }
    memset(twin, 0, sizeof *twin);
}

/* Bring both sides to the host; false, said, if a guard word was written. */
static inline bool twin_fetch(struct twins *twins, struct twin *twin, const char *name)
{
    const size_t  all = twin->n + 2 * (size_t)TWIN_GUARD;
    struct mx_err err = {0};

    for (int s = 0; s < TWIN_SIDES; s++) {
        if (twins->on[s]->get(twins->nn[s], twin->room[s], twin->at[s] - TWIN_GUARD,
                              all * sizeof(float), &err))
            return twins_fail(twins, name, err.text);
        for (size_t k = 0; k < TWIN_GUARD; k++)
            if (!(twin->room[s][k] == twin_guard_word))
                return twins_fail(twins, name, "written before its array");
            else if (!(twin->back[s][twin->n + k] == twin_guard_word))
                return twins_fail(twins, name, "written behind its array");
    }
    return true;
}

/* tolerance: of the largest number (at least `least`); 0: bit for bit. */
static inline bool twins_agree(struct twins *twins, const char *name, const float *cpu,
                               const float *gpu, size_t n, double tolerance, double least)
{
    double largest = least;
    char   text[140];

    for (size_t k = 0; k < n; k++)
        if (isfinite(cpu[k]))
            largest = fmax(largest, fabs((double)cpu[k]));
    for (size_t k = 0; k < n; k++) {
        const double difference = fabs((double)cpu[k] - (double)gpu[k]);

        if ((isnan(cpu[k]) && isnan(gpu[k])) || memcmp(&cpu[k], &gpu[k], sizeof *cpu) == 0 ||
            (tolerance > 0 && difference <= tolerance * largest))
            continue;
        snprintf(text, sizeof text, "number %zu of %zu is %.9g on the GPU, %.9g on the CPU", k, n,
                 (double)gpu[k], (double)cpu[k]);
        return twins_fail(twins, name, text);
    }
    return true;
}

static inline bool twin_near(struct twins *twins, struct twin *twin, const char *name,
                             double tolerance, double least)
{
    return twin_fetch(twins, twin, name) &&
           twins_agree(twins, name, twin->back[0], twin->back[1], twin->n, tolerance, least);
}

static inline bool twin_same(struct twins *twins, struct twin *twin, const char *name)
{
    return twin_near(twins, twin, name, 0, 0);
}

/* Sums that the host got; NaN and infinities must be the same. */
static inline bool twins_near(struct twins *twins, const char *name, const double values[2],
                              double tolerance)
{
    char text[100];

    if (fabs(values[0] - values[1]) <= tolerance * fabs(values[0]) ||
        (isnan(values[0]) && isnan(values[1])) || (isinf(values[0]) && values[0] == values[1]))
        return true;
    snprintf(text, sizeof text, "%.17g on the GPU, %.17g on the CPU", values[1], values[0]);
    return twins_fail(twins, name, text);
}

/* Normal numbers; with `odd`, every seventh is one that kernels may trip over. */
static inline float *twins_drawn(size_t n, struct mx_rng *rng, bool odd)
{
    static const float oddities[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-40f, 1e30f, -1e30f};
    float             *values = calloc(n + 1, sizeof *values);

    twins_must(values, "no memory", &(struct mx_err){0});
    for (size_t k = 0; k < n; k++) {
        values[k] = (float)mx_rng_normal(rng);
        if (odd && mx_rng_below(rng, 7) == 0)
            values[k] = oddities[mx_rng_below(rng, sizeof oddities / sizeof *oddities)];
    }
    return values;
}

static inline struct twin twin_drawn(struct twins *twins, size_t n, struct mx_rng *rng, bool odd)
{
    float      *values = twins_drawn(n, rng, odd);
    struct twin twin = twin_new(twins, n, values);

    free(values);
    return twin;
}

#endif
