/* Maps that hide parts of an image and look at the logit (Zeiler and Fergus 2014;
 * Petsiuk and others 2018). Variants of several images fill a batch together. */
#include <stdlib.h>
#include <string.h>

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

/* One image with window k replaced by zero. */
static void hide(const struct worker_layer *input, const float *image, struct window w, float *out)
{
    const size_t pixels = (size_t)input->height * input->width;

    memcpy(out, image, input->channels * pixels * sizeof *out);
    for (uint32_t c = 0; c < input->channels; c++)
        for (uint32_t y = w.top; y < w.bottom; y++)
            memset(out + c * pixels + (size_t)y * input->width + w.left, 0,
                   (w.right - w.left) * sizeof *out);
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

/* The logits of every image with every window hidden: (n, windows). */
static int hide_all(struct worker_explainer *explainer, const struct worker_map_batch *batch,
                    const struct patches *p, double *logits, struct mx_err *err)
{
    const struct worker_layer *input = &explainer->net->layers[0];
    const size_t               floats = explain_image_floats(explainer);
    const uint64_t             each = (uint64_t)p->rows * p->columns, all = batch->n * each;

    for (uint64_t done = 0; done < all; done += explainer->n) {
        const uint32_t n = all - done < explainer->n ? (uint32_t)(all - done) : explainer->n;

        for (uint32_t v = 0; v < n; v++)
            hide(input, batch->images + (done + v) / each * floats,
                 window_at(p, (uint32_t)((done + v) % each)), explainer->images + v * floats);
        if (explain_forward(explainer, explainer->images, n, err))
            return -1;
        for (uint32_t v = 0; v < n; v++)
            logits[done + v] = explain_logit(explainer, v, batch->targets[(done + v) / each]);
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
    int                        result;

    (void)figures;
    if (!logits)
        return mx_fail(err, MX_ENOMEM, "no memory for %zu hidden windows", batch->n * each);
    result = hide_all(explainer, batch, &p, logits, err);
    if (result == 0)
        result = explain_forward(explainer, batch->images, batch->n, err);
    for (uint32_t i = 0; result == 0 && i < batch->n; i++) {
        const double whole = explain_logit(explainer, i, batch->targets[i]);
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

/* Sums of mask x logit over all masks, each image behind mask k in turn. */
static int mask_all(struct worker_explainer *explainer, const struct worker_map_batch *batch,
                    const struct worker_map_options *options, uint32_t count, float *masks,
                    double *sums, struct mx_err *err)
{
    const struct worker_layer *input = &explainer->net->layers[0];
    const size_t               pixels = (size_t)input->height * input->width;
    const size_t               floats = explain_image_floats(explainer);
    const uint64_t             all = (uint64_t)batch->n * count;

    for (uint64_t done = 0; done < all; done += explainer->n) {
        const uint32_t n = all - done < explainer->n ? (uint32_t)(all - done) : explainer->n;

        for (uint32_t v = 0; v < n; v++) {
            const uint32_t m = (uint32_t)((done + v) / batch->n);
            const float   *image = batch->images + (done + v) % batch->n * floats;
            float         *mask = masks + v * pixels;

            if (v > 0 && (done + v) % batch->n > 0)
                memcpy(mask, mask - pixels, pixels * sizeof *mask);
            else
                worker_map_rise_mask(options->stream, m, input->height, input->width, mask);
            for (size_t k = 0; k < floats; k++)
                explainer->images[v * floats + k] = image[k] * mask[k % pixels];
        }
        if (explain_forward(explainer, explainer->images, n, err))
            return -1;
        for (uint32_t v = 0; v < n; v++) {
            const uint32_t i = (uint32_t)((done + v) % batch->n);
            const double   logit = explain_logit(explainer, v, batch->targets[i]);

            for (size_t k = 0; k < pixels; k++)
                sums[i * pixels + k] += logit * masks[v * pixels + k];
        }
    }
    return 0;
}

EXPLAIN_MAP(map_rise)
{
    const struct worker_layer *input = &explainer->net->layers[0];
    const size_t               pixels = (size_t)input->height * input->width;
    const uint32_t             count = options->rise_masks                 ? options->rise_masks
                                       : shorter_side(input) <= SMALL_SIDE ? 2000
                                                                           : 4000;
    float                     *masks = malloc(explainer->n * pixels * sizeof *masks);
    double                    *sums = calloc(batch->n * pixels, sizeof *sums);
    int                        result = -1;

    (void)figures;
    if (!masks || !sums)
        mx_fail(err, MX_ENOMEM, "no memory for the masks of %u images", explainer->n);
    else
        result = mask_all(explainer, batch, options, count, masks, sums, err);
    for (size_t k = 0; result == 0 && k < batch->n * pixels; k++)
        maps[k] = (float)(sums[k] / (0.5 * count));
    free(masks);
    free(sums);
    return result;
}
