/* Maps that hide parts of an image and look at the logit (Zeiler and Fergus 2014;
 * Petsiuk and others 2018). Variants of several images fill a batch together. */
#include <stdlib.h>

#include "worker/explain_parts.h"

enum {
    CELLS = 7,      /* a side of RISE's grids; occlusion's patch is a part of as many */
    SMALL_SIDE = 64 /* up to which RISE needs fewer masks */
};

static uint32_t shorter_side(const struct worker_layer *input)
{
    return input->height < input->width ? input->height : input->width;
}

/* Windows along a side: the last one may be cut off by the edge, none is left out. */
static uint32_t windows(uint32_t side, uint32_t patch, uint32_t stride)
{
    return side <= patch ? 1 : (side - patch + stride - 1) / stride + 1;
}

struct window {
    uint32_t top, left, bottom, right; /* exclusive */
};

struct patches {
    uint32_t height, width, patch, stride, rows, columns;
};

static struct patches patches_of(const struct worker_layer       *input,
                                 const struct worker_map_options *options)
{
    struct patches p = {.height = input->height, .width = input->width};

    p.patch = options->occlusion_patch;
    if (p.patch == 0)
        p.patch = (2 * shorter_side(input) + CELLS) / (2 * CELLS); /* rounded */
    if (p.patch == 0)
        p.patch = 1;
    p.stride = p.patch > 1 ? p.patch / 2 : 1;
    p.rows = windows(p.height, p.patch, p.stride);
    p.columns = windows(p.width, p.patch, p.stride);
    return p;
}

static struct window window_at(const struct patches *p, uint32_t k)
{
    struct window w = {k / p->columns * p->stride, k % p->columns * p->stride, 0, 0};

    w.bottom = w.top + p->patch < p->height ? w.top + p->patch : p->height;
    w.right = w.left + p->patch < p->width ? w.left + p->patch : p->width;
    return w;
}

/* Every pixel: the mean drop over the windows that cover it. */
static void spread(const struct patches *p, const double *drops, float *map)
{
    for (uint32_t y = 0; y < p->height; y++)
        for (uint32_t x = 0; x < p->width; x++) {
            double   sum = 0;
            uint32_t count = 0;

            for (uint32_t k = 0; k < p->rows * p->columns; k++) {
                const struct window w = window_at(p, k);

                if (y >= w.top && y < w.bottom && x >= w.left && x < w.right) {
                    sum += drops[k];
                    count++;
                }
            }
            map[(size_t)y * p->width + x] = (float)(sum / count);
        }
}

static int put_clean(struct worker_explainer *explainer, const struct worker_map_batch *batch,
                     struct mx_err *err)
{
    return explainer->on->put(explainer->nn, explainer->images, batch->images,
                              batch->n * explain_image_floats(explainer) * sizeof(float), err);
}

/* The logits of every image with every window hidden: (n, windows). */
static int hide_all(struct worker_explainer *explainer, const struct worker_map_batch *batch,
                    const struct patches *p, double *logits, struct mx_err *err)
{
    const uint64_t                each = (uint64_t)p->rows * p->columns, all = batch->n * each;
    const struct kern_map_windows windows = {p->patch, p->stride, p->columns, (uint32_t)each};
    const struct kern_map_sides   sides = explain_sides(explainer, batch->n);
    const size_t                  classes = explain_classes(explainer);

    for (uint64_t done = 0; done < all; done += explainer->n) {
        const uint32_t n = all - done < explainer->n ? (uint32_t)(all - done) : explainer->n;
        const float   *rows;

        explainer->on->maps->hide(explainer->nn, explain_input(explainer), explainer->images,
                                  &sides, &windows, done, n);
        if (explain_run(explainer, n, err) || !(rows = explain_logits(explainer, n, err)))
            return -1;
        for (uint32_t v = 0; v < n; v++)
            logits[done + v] = rows[v * classes + batch->targets[(done + v) / each]];
    }
    return 0;
}

EXPLAIN_MAP(map_occlusion)
{
    const struct worker_layer *input = &explainer->net->layers[0];
    const size_t               pixels = (size_t)input->height * input->width;
    const struct patches       p = patches_of(input, options);
    const size_t               each = (size_t)p.rows * p.columns;
    double                    *logits = calloc(batch->n * each + 1, sizeof *logits);
    const float               *rows = NULL;
    int                        result;

    (void)figures;
    if (!logits)
        return mx_fail(err, MX_ENOMEM, "no memory for %zu hidden windows", batch->n * each);
    result = put_clean(explainer, batch, err) || hide_all(explainer, batch, &p, logits, err)
                 ? -1
                 : explain_forward(explainer, batch->images, batch->n, err);
    if (result == 0 && !(rows = explain_logits(explainer, batch->n, err)))
        result = -1;
    for (uint32_t i = 0; result == 0 && i < batch->n; i++) {
        const double whole = rows[(size_t)i * explain_classes(explainer) + batch->targets[i]];
        double      *drops = logits + i * each;

        for (size_t k = 0; k < each; k++)
            drops[k] = whole - drops[k];
        spread(&p, drops, maps + i * pixels);
    }
    free(logits);
    return result;
}

/* Petsiuk and others, section 3.2: a grid of CELLS x CELLS zeros and ones is made larger
 * than the image by one cell, and the image's part is cut out of it at random. */
void worker_map_rise_mask(struct mx_stream stream, uint32_t m, uint32_t height, uint32_t width,
                          float *mask)
{
    struct mx_rng  rng = mx_rng_at(stream, WORKER_MAP_RISE, m, 0);
    const uint32_t rows = (height + CELLS - 1) / CELLS, columns = (width + CELLS - 1) / CELLS;
    float          grid[CELLS * CELLS];
    uint32_t       top, left;

    for (int k = 0; k < CELLS * CELLS; k++)
        grid[k] = mx_rng_uniform(&rng) < 0.5 ? 1 : 0;
    top = (uint32_t)mx_rng_below(&rng, rows);
    left = (uint32_t)mx_rng_below(&rng, columns);
    worker_map_cut(grid, CELLS, CELLS,
                   &(struct worker_map_cutout){(CELLS + 1) * rows, (CELLS + 1) * columns, top, left,
                                               height, width},
                   mask);
}

/* What RISE holds: masks as they are drawn, and on the device masks, sums, targets. */
struct rising {
    struct worker_explainer       *explainer;
    const struct worker_map_batch *batch;
    float                         *drawn, *masks; /* (explainer->n, pixels) */
    double                        *sums;          /* (n, pixels) */
    uint32_t                      *targets;       /* (n) */
};

static int rising_new(struct worker_explainer *explainer, const struct worker_map_batch *batch,
                      struct rising *r, struct mx_err *err)
{
    const size_t pixels = explain_pixels(explainer);

    *r = (struct rising){.explainer = explainer, .batch = batch};
    if (!(r->drawn = malloc(explainer->n * pixels * sizeof *r->drawn)))
        return mx_fail(err, MX_ENOMEM, "no memory for the masks of %u images", explainer->n);
    r->masks = explain_room(explainer, explainer->n * pixels * sizeof *r->masks, false, err);
    if (r->masks)
        r->sums = explain_room(explainer, batch->n * pixels * sizeof *r->sums, true, err);
    if (r->sums)
        r->targets = explain_room(explainer, batch->n * sizeof *r->targets, false, err);
    if (!r->targets || put_clean(explainer, batch, err))
        return -1;
    return explainer->on->put(explainer->nn, r->targets, batch->targets,
                              batch->n * sizeof *r->targets, err);
}

static void rising_free(struct rising *r)
{
    explain_room_free(r->explainer, r->masks);
    explain_room_free(r->explainer, r->sums);
    explain_room_free(r->explainer, r->targets);
    free(r->drawn);
}

/* The masks that n variants from `first` on are behind: every image behind one, then the next. */
static int put_masks(struct rising *r, struct mx_stream stream, uint64_t first, uint32_t n,
                     struct mx_err *err)
{
    const struct worker_layer *input = &r->explainer->net->layers[0];
    const size_t               pixels = explain_pixels(r->explainer);
    const uint64_t             from = first / r->batch->n, to = (first + n - 1) / r->batch->n;

    for (uint64_t m = from; m <= to; m++)
        worker_map_rise_mask(stream, (uint32_t)m, input->height, input->width,
                             r->drawn + (m - from) * pixels);
    return r->explainer->on->put(r->explainer->nn, r->masks, r->drawn,
                                 (to - from + 1) * pixels * sizeof *r->masks, err);
}

/* Sums of mask x logit over all masks. */
static int mask_all(struct rising *r, struct mx_stream stream, uint32_t count, struct mx_err *err)
{
    struct worker_explainer      *explainer = r->explainer;
    const struct kern_map_device *maps = explainer->on->maps;
    const struct kern_map_sides   sides = explain_sides(explainer, r->batch->n);
    const struct kern_tensor     *logits = explainer->layers[explainer->net->nlayers - 1].value;
    const uint64_t                all = (uint64_t)r->batch->n * count;

    for (uint64_t done = 0; done < all; done += explainer->n) {
        const uint32_t n = all - done < explainer->n ? (uint32_t)(all - done) : explainer->n;

        if (put_masks(r, stream, done, n, err))
            return -1;
        maps->mask(explainer->nn, explain_input(explainer), explainer->images, r->masks, &sides,
                   done, n);
        if (explain_run(explainer, n, err))
            return -1;
        maps->weigh(explainer->nn, r->sums, r->masks, kern_tensor_data(logits), r->targets,
                    explain_classes(explainer), &sides, done, n);
    }
    return 0;
}

EXPLAIN_MAP(map_rise)
{
    const uint32_t count = options->rise_masks ? options->rise_masks
                           : shorter_side(&explainer->net->layers[0]) <= SMALL_SIDE ? 2000
                                                                                    : 4000;
    struct rising  r;
    int            result =
        rising_new(explainer, batch, &r, err) || mask_all(&r, options->stream, count, err) ? -1 : 0;

    (void)figures;
    if (result == 0) {
        explainer->on->maps->round(explainer->nn, explainer->maps, r.sums, 0.5 * count,
                                   batch->n * explain_pixels(explainer));
        result = explain_take_maps(explainer, batch->n, maps, err);
    }
    rising_free(&r);
    return result;
}
