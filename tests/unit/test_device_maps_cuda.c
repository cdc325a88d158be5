/* Every function of kernels/device_maps.h does on a GPU what it does on the CPU, between guard words, at
 * awkward shapes and on numbers that are not finite. Elements have the same bits; a channel's weight, the one
 * sum in another order, is in double precision.
 * A plain program, so that it can end with "skipped": ctest: quick machine */
#include "device_twins.h"

enum {
    CLASSES = 5,
    ARRAYS = 4
};

/* The function of its side. */
#define ON(s, name, ...) twins->on[s]->maps->name(twins->nn[s], __VA_ARGS__)

static void draw_all(struct twins *twins, struct twin a[ARRAYS], size_t n, struct mx_rng *rng)
{
    for (int i = 0; i < ARRAYS; i++)
        a[i] = twin_drawn(twins, n, rng, true);
}

/* All are looked at, those that were only read too. */
static void compare_all(struct twins *twins, struct twin a[ARRAYS], const char *name)
{
    for (int i = 0; i < ARRAYS; i++) {
        twin_same(twins, &a[i], name);
        twin_free(twins, &a[i]);
    }
}

static void check_relevance(struct twins *twins, size_t n, struct mx_rng *rng)
{
    struct twin a[ARRAYS];

    draw_all(twins, a, n, rng);
    for (int s = 0; s < TWIN_SIDES; s++) {
        ON(s, split, a[0].at[s], a[1].at[s], n, true);
        ON(s, split, a[2].at[s], a[1].at[s], n, false);
        ON(s, multiply, a[3].at[s], a[1].at[s], n);
    }
    compare_all(twins, a, "split, multiply");
    draw_all(twins, a, n, rng);
    for (int s = 0; s < TWIN_SIDES; s++) {
        ON(s, divide, a[0].at[s], a[1].at[s], a[0].at[s], a[2].at[s], n);
        ON(s, divide, a[3].at[s], a[3].at[s], a[1].at[s], NULL, n);
    }
    compare_all(twins, a, "divide");
    draw_all(twins, a, n, rng);
    for (int s = 0; s < TWIN_SIDES; s++) {
        ON(s, share, a[0].at[s], a[1].at[s], a[2].at[s], a[3].at[s], n);
        ON(s, stabilise, a[2].at[s], a[3].at[s], 1e-6f, n);
    }
    compare_all(twins, a, "share, stabilise");
}

/* Arrays of double, as twice as many floats. */
static void check_sums(struct twins *twins, size_t n, struct mx_rng *rng)
{
    float      *zeros = calloc(2 * n + 1, sizeof *zeros);
    struct twin sums = twin_new(twins, 2 * n, zeros), in = twin_drawn(twins, n, rng, true);
    struct twin out = twin_new(twins, n, NULL), scaled = twin_new(twins, n, NULL);

    for (int s = 0; s < TWIN_SIDES; s++) {
        double *to = (double *)(void *)sums.at[s];

        ON(s, add, to, in.at[s], 0.3, n);
        ON(s, scale, scaled.at[s], in.at[s], 0.7, n);
        ON(s, add, to, scaled.at[s], 1.0 / 3, n);
        ON(s, round, out.at[s], to, 1.5, n);
    }
    twin_same(twins, &in, "add, scale");
    twin_same(twins, &out, "add, round");
    twin_same(twins, &scaled, "scale");
    twin_fetch(twins, &sums, "add");
    twin_free(twins, &sums), twin_free(twins, &in), twin_free(twins, &out);
    twin_free(twins, &scaled);
    free(zeros);
}

static void check_noise(struct twins *twins, const struct kern_map_sides *sides, struct mx_rng *rng)
{
    const size_t floats = (size_t)sides->n * sides->channels * sides->height * sides->width;
    struct twin  out = twin_drawn(twins, floats, rng, true),
                in = twin_drawn(twins, floats, rng, false);
    double      sigma[64];
    struct twin theirs;
    float       words[2 * 64];

    for (uint32_t i = 0; i < sides->n; i++)
        sigma[i] = mx_rng_uniform(rng);
    memcpy(words, sigma, sides->n * sizeof *sigma);
    theirs = twin_new(twins, 2 * (size_t)sides->n, words);
    for (int s = 0; s < TWIN_SIDES; s++)
        ON(s, noise, out.at[s], in.at[s], (const double *)(const void *)theirs.at[s], sides);
    twin_same(twins, &out, "noise");
    twin_same(twins, &in, "noise, what is read");
    twin_free(twins, &out), twin_free(twins, &in), twin_free(twins, &theirs);
}

static void check_pixels(struct twins *twins, const struct kern_map_sides *sides,
                         struct mx_rng *rng)
{
    const size_t pixels = (size_t)sides->n * sides->height * sides->width;
    struct twin  in = twin_drawn(twins, pixels * sides->channels, rng, true);
    struct twin  by = twin_drawn(twins, pixels * sides->channels, rng, false);
    struct twin  maps[3];

    for (int m = 0; m < 3; m++)
        maps[m] = twin_new(twins, pixels, NULL);
    for (int s = 0; s < TWIN_SIDES; s++) {
        ON(s, largest, maps[0].at[s], in.at[s], sides);
        ON(s, sum, maps[1].at[s], in.at[s], NULL, sides);
        ON(s, sum, maps[2].at[s], in.at[s], by.at[s], sides);
    }
    for (int m = 0; m < 3; m++) {
        twin_same(twins, &maps[m], m ? "sum" : "largest");
        twin_free(twins, &maps[m]);
    }
    twin_same(twins, &in, "sum, what is read");
    twin_free(twins, &in), twin_free(twins, &by);
}

/* Variants from the first on, and from the middle of an image's. */
static void check_variants(struct twins *twins, const struct kern_map_sides *sides, uint64_t first,
                           struct mx_rng *rng)
{
    enum {
        VARIANTS = 5
    };
    const size_t                  pixels = (size_t)sides->height * sides->width;
    const size_t                  image = pixels * sides->channels;
    const uint32_t                columns = sides->width > 3 ? (sides->width - 2) / 2 + 1 : 1;
    const uint32_t                rows = sides->height > 3 ? (sides->height - 2) / 2 + 1 : 1;
    const struct kern_map_windows windows = {3, 2, columns, columns * rows};
    const uint64_t all = (uint64_t)sides->n * windows.count, left = all - first % all;
    const uint32_t hidden = left < VARIANTS ? (uint32_t)left : VARIANTS;
    struct twin    in = twin_drawn(twins, sides->n * image, rng, true);
    struct twin    masks = twin_drawn(twins, (VARIANTS + 1) * pixels, rng, false);
    struct twin    out = twin_new(twins, VARIANTS * image, NULL);
    struct twin    masked = twin_new(twins, VARIANTS * image, NULL);
    float         *zeros = calloc(2 * sides->n * pixels + 1, sizeof *zeros);
    struct twin    sums = twin_new(twins, 2 * sides->n * pixels, zeros);
    struct twin    rounded = twin_new(twins, sides->n * pixels, NULL);
    struct twin    logits = twin_drawn(twins, (size_t)VARIANTS * CLASSES, rng, false), targets;
    uint32_t       classes[64];
    float          words[64];

    for (uint32_t i = 0; i < sides->n; i++)
        classes[i] = (uint32_t)mx_rng_below(rng, CLASSES);
    memcpy(words, classes, sides->n * sizeof *classes);
    targets = twin_new(twins, sides->n, words);
    for (int s = 0; s < TWIN_SIDES; s++) {
        ON(s, hide, out.at[s], in.at[s], sides, &windows, first % all, hidden);
        ON(s, mask, masked.at[s], in.at[s], masks.at[s], sides, first, VARIANTS);
        ON(s, weigh, (double *)(void *)sums.at[s], masks.at[s], logits.at[s],
           (const uint32_t *)(const void *)targets.at[s], CLASSES, sides, first, VARIANTS);
        ON(s, round, rounded.at[s], (const double *)(const void *)sums.at[s], 1, sides->n * pixels);
    }
    twin_same(twins, &in, "hide, what is read");
    twin_same(twins, &out, "hide");
    twin_same(twins, &masked, "mask");
    twin_fetch(twins, &sums, "weigh");
    twin_same(twins, &rounded, "weigh");
    twin_free(twins, &in), twin_free(twins, &masks), twin_free(twins, &out);
    twin_free(twins, &masked), twin_free(twins, &sums), twin_free(twins, &rounded);
    twin_free(twins, &logits), twin_free(twins, &targets);
    free(zeros);
}

/* Steps of curves, in an order of pixels that is any: the first variant is from, the last one to. */
static void check_replace(struct twins *twins, const struct kern_map_sides *sides, uint64_t first,
                          bool zeros, struct mx_rng *rng)
{
    enum {
        VARIANTS = 5
    };
    const size_t                pixels = (size_t)sides->height * sides->width;
    const size_t                image = pixels * sides->channels;
    const struct kern_map_steps steps = {(uint32_t)(pixels + 2) / 3 + 1, 3};
    const uint64_t              all = (uint64_t)sides->n * steps.count, left = all - first % all;
    const uint32_t              some = left < VARIANTS ? (uint32_t)left : VARIANTS;
    struct twin                 from = twin_drawn(twins, sides->n * image, rng, true);
    struct twin                 to = twin_drawn(twins, sides->n * image, rng, true);
    struct twin                 out = twin_new(twins, VARIANTS * image, NULL), ranks;
    uint32_t                   *list = calloc(sides->n * pixels, sizeof *list);

    for (size_t k = 0; k < sides->n * pixels; k++)
        list[k] = (uint32_t)((k % pixels * 7 + k / pixels) % pixels);
    ranks = twin_new(twins, sides->n * pixels, (const float *)(const void *)list);
    for (int s = 0; s < TWIN_SIDES; s++)
        ON(s, replace, out.at[s], from.at[s], zeros ? NULL : to.at[s],
           (const uint32_t *)(const void *)ranks.at[s], sides, &steps, first % all, some);
    twin_same(twins, &from, "replace, what is read");
    twin_same(twins, &out, zeros ? "replace by zeros" : "replace");
    twin_free(twins, &from), twin_free(twins, &to), twin_free(twins, &out);
    twin_free(twins, &ranks);
    free(list);
}

/* A weight is a sum in double, so that it may be off by a few units in the last place of that, and a
 * map by one of a float; cubes of gradients do not make it more. */
static void check_cam(struct twins *twins, const struct kern_map_sides *sides, bool plus_plus,
                      struct mx_rng *rng)
{
    const size_t points = (size_t)sides->height * sides->width;
    const size_t channels = (size_t)sides->n * sides->channels;
    struct twin  values = twin_drawn(twins, channels * points, rng, false);
    struct twin  gradients = twin_drawn(twins, channels * points, rng, false);
    struct twin  weights = twin_new(twins, 2 * channels, NULL);
    struct twin  out = twin_new(twins, sides->n * points, NULL);

    for (int s = 0; s < TWIN_SIDES; s++)
        ON(s, cam, out.at[s], (double *)(void *)weights.at[s], values.at[s], gradients.at[s], sides,
           plus_plus);
    twin_near(twins, &out, plus_plus ? "cam, ++" : "cam", 1.2e-7, 0);
    twin_fetch(twins, &weights, "cam");
    twin_same(twins, &values, "cam, what is read");
    twin_free(twins, &values), twin_free(twins, &gradients), twin_free(twins, &weights);
    twin_free(twins, &out);
}

int main(void)
{
    static const size_t                sizes[] = {0, 1, 3, 33, 257};
    static const struct kern_map_sides shapes[] = {{1, 1, 1, 1},  {2, 3, 1, 7}, {3, 5, 9, 5},
                                                   {1, 33, 4, 3}, {7, 1, 5, 8}, {2, 3, 17, 16}};
    struct mx_rng rng = mx_rng_at(mx_stream_make(9, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    struct twins  twins;
    int           status = twins_open(&twins);

    if (status)
        return status;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        check_relevance(&twins, sizes[k], &rng);
        check_sums(&twins, sizes[k], &rng);
    }
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        check_noise(&twins, &shapes[k], &rng);
        check_pixels(&twins, &shapes[k], &rng);
        check_variants(&twins, &shapes[k], 0, &rng);
        check_variants(&twins, &shapes[k], 4 + k, &rng);
        check_replace(&twins, &shapes[k], 0, k % 2 == 0, &rng);
        check_replace(&twins, &shapes[k], 4 + 3 * k, k % 2 == 1, &rng);
        check_cam(&twins, &shapes[k], false, &rng);
        check_cam(&twins, &shapes[k], true, &rng);
    }
    return twins_close(&twins);
}
