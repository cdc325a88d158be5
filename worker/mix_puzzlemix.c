/* puzzlemix: the salient blocks of both images, fitted together (Kim, Choo,
 * Song 2020). Saliency is the length of the loss's gradient over the channels of
 * a pixel of the clean image; mask and places of the blocks are the exact
 * solutions of worker/puzzle.h. Lambda is the mean of the mask, of each image.
 *
 * Colours are those of the images in [0, 1]: along a border, the mean absolute
 * difference over channels and up to four cells, each the mean of the block's
 * pixels that it covers. Without a network's gradient every pixel is as salient
 * as any other.
 */
#include <math.h>
#include <stdlib.h>

#include "worker/mix.h"
#include "worker/puzzle.h"

enum {
    GRIDS = 4,
    CELLS = 4, /* of a block along a side, at most */
    POOLED = WORKER_PUZZLE_SIDE * CELLS,
};

struct puzzlemix {
    uint32_t               ngrids;
    struct worker_puzzler *puzzlers[GRIDS]; /* for each K that divides both sides */
    uint32_t               sides[GRIDS];
    struct worker_puzzle   puzzle;
    double                *pooled[2]; /* (channels, K cells, K cells): colours of both images */
};

/* How one image is cut: pixels and cells of a block, on each axis. */
struct cutting {
    uint32_t side;             /* K */
    uint32_t height, width;    /* pixels of a block */
    uint32_t down, along;      /* its cells */
    uint32_t channels, stride; /* stride: pixels of an image's row */
};

static struct cutting cutting_of(const struct worker_shape *shape, uint32_t side)
{
    struct cutting cutting = {.side = side,
                              .height = shape->height / side,
                              .width = shape->width / side,
                              .channels = shape->channels,
                              .stride = shape->width};

    cutting.down = cutting.height < CELLS ? cutting.height : CELLS;
    cutting.along = cutting.width < CELLS ? cutting.width : CELLS;
    return cutting;
}

void *worker_mix_puzzlemix_new(const struct worker_params *params, const struct worker_shape *shape,
                               struct mx_err *err)
{
    struct puzzlemix *puzzlemix = calloc(1, sizeof *puzzlemix);

    (void)params;
    if (!puzzlemix)
        goto nomem;
    for (uint32_t side = 2; side <= WORKER_PUZZLE_SIDE; side *= 2) {
        if (shape->height % side || shape->width % side)
            continue;
        puzzlemix->sides[puzzlemix->ngrids] = side;
        if (!(puzzlemix->puzzlers[puzzlemix->ngrids++] = worker_puzzler_new(side, err)))
            goto fail;
    }
    if (puzzlemix->ngrids == 0) {
        mx_fail(err, MX_EINVAL,
                "images of %u x %u pixels cannot be cut in halves, as puzzlemix does (set "
                "data.size to an even number)",
                shape->height, shape->width);
        goto fail;
    }
    for (int k = 0; k < 2; k++)
        if (!(puzzlemix->pooled[k] =
                  calloc((size_t)shape->channels * POOLED * POOLED, sizeof(double))))
            goto nomem;
    return puzzlemix;

nomem:
    mx_fail(err, MX_ENOMEM, "no memory for puzzlemix");
fail:
    worker_mix_puzzlemix_free(puzzlemix);
    return NULL;
}

void worker_mix_puzzlemix_free(void *scratch)
{
    struct puzzlemix *puzzlemix = scratch;

    if (!puzzlemix)
        return;
    for (uint32_t k = 0; k < puzzlemix->ngrids; k++)
        worker_puzzler_free(puzzlemix->puzzlers[k]);
    free(puzzlemix->pooled[0]);
    free(puzzlemix->pooled[1]);
    free(puzzlemix);
}

static double pixel_saliency(const float *gradient, size_t plane, uint32_t channels)
{
    double squares = 0;

    for (uint32_t c = 0; c < channels; c++)
        squares += (double)gradient[c * plane] * (double)gradient[c * plane];
    return sqrt(squares / channels);
}

/* Saliency of each block, summing to 1; equal where there is none at all. */
static void pool_saliency(const struct cutting *cut, const float *gradient, double *out)
{
    const size_t   plane = (size_t)cut->side * cut->height * cut->stride;
    const uint32_t blocks = cut->side * cut->side;
    double         sum = 0;

    for (uint32_t b = 0; b < blocks; b++)
        out[b] = 0;
    for (size_t p = 0; gradient && p < plane; p++) {
        size_t block = p / cut->stride / cut->height * cut->side + p % cut->stride / cut->width;
        double saliency = pixel_saliency(gradient + p, plane, cut->channels);

        out[block] += saliency;
        sum += saliency;
    }
    for (uint32_t b = 0; b < blocks; b++)
        out[b] = sum > 0 ? out[b] / sum : 1.0 / blocks;
}

/* Mean over cell (v, u) of a block grid, counted over the whole image. */
static double cell_mean(const struct cutting *cut, const float *pixels, uint32_t v, uint32_t u)
{
    uint32_t y0 = v / cut->down * cut->height + v % cut->down * cut->height / cut->down;
    uint32_t y1 = v / cut->down * cut->height + (v % cut->down + 1) * cut->height / cut->down;
    uint32_t x0 = u / cut->along * cut->width + u % cut->along * cut->width / cut->along;
    uint32_t x1 = u / cut->along * cut->width + (u % cut->along + 1) * cut->width / cut->along;
    double   sum = 0;

    for (uint32_t y = y0; y < y1; y++)
        for (uint32_t x = x0; x < x1; x++)
            sum += (double)pixels[(size_t)y * cut->stride + x];
    return sum / ((y1 - y0) * (x1 - x0));
}

/* Colours of the cells in [0, 1], but for a constant a channel: only differences count. */
static void pool_colours(const struct cutting *cut, const float *image, const float *sd,
                         double *out)
{
    const size_t plane = (size_t)cut->side * cut->height * cut->stride;

    for (uint32_t c = 0; c < cut->channels; c++, image += plane)
        for (uint32_t v = 0; v < cut->side * cut->down; v++)
            for (uint32_t u = 0; u < cut->side * cut->along; u++)
                *out++ = cell_mean(cut, image, v, u) * (double)sd[c];
}

/* Mean difference of `cells` cells, `next` apart along the border, over all
 * channels. */
static double along_border(const struct cutting *cut, const double *p, const double *q,
                           uint32_t cells, size_t next)
{
    const size_t plane = (size_t)cut->side * cut->down * cut->side * cut->along;
    double       sum = 0;

    for (uint32_t c = 0; c < cut->channels; c++, p += plane, q += plane)
        for (uint32_t k = 0; k < cells; k++)
            sum += fabs(p[k * next] - q[k * next]);
    return sum / (cut->channels * cells);
}

/* The border between cells that begin at place i and place j. */
static struct worker_border border_at(const struct cutting *cut, double *const pooled[2], size_t i,
                                      size_t j, uint32_t cells, size_t next)
{
    const double *a = pooled[0], *b = pooled[1];

    return (struct worker_border){.aa = along_border(cut, a + i, a + j, cells, next),
                                  .ab = along_border(cut, a + i, b + j, cells, next),
                                  .ba = along_border(cut, b + i, a + j, cells, next),
                                  .bb = along_border(cut, b + i, b + j, cells, next)};
}

static void compare_borders(const struct cutting *cut, double *const pooled[2],
                            struct worker_puzzle *puzzle)
{
    const size_t row = (size_t)cut->side * cut->along; /* cells of an image's row */

    for (uint32_t y = 0; y < cut->side; y++)
        for (uint32_t x = 0; x < cut->side; x++) {
            size_t corner = y * cut->down * row + x * cut->along;
            size_t right = corner + cut->along, below = corner + cut->down * row;

            if (x + 1 < cut->side)
                puzzle->right[y * cut->side + x] =
                    border_at(cut, pooled, right - 1, right, cut->down, row);
            if (y + 1 < cut->side)
                puzzle->below[y * cut->side + x] =
                    border_at(cut, pooled, below - row, below, cut->along, 1);
        }
}

/* Under `host` the base image shows at least half: by lambda, and if the mask
 * leaves it less all the same, by the mask's complement. */
static void make_mask(const struct worker_mix_scene *scene, struct worker_puzzler *puzzler,
                      struct worker_puzzle *puzzle, uint8_t *labels)
{
    const uint32_t blocks = puzzle->side * puzzle->side;
    uint32_t       sum = 0;

    puzzle->lambda = worker_mix_symmetric_lambda(scene);
    worker_puzzle_mask(puzzler, puzzle, labels);
    for (uint32_t b = 0; b < blocks; b++)
        sum += labels[b];
    for (uint32_t b = 0; scene->host && sum < blocks && b < blocks; b++)
        labels[b] = (uint8_t)(2 - labels[b]);
}

static void fill_mask(const struct worker_mix_scene *scene, const struct cutting *cut,
                      const uint8_t *labels)
{
    for (uint32_t y = 0; y < scene->shape->height; y++)
        for (uint32_t x = 0; x < scene->shape->width; x++)
            scene->mask[(size_t)y * scene->shape->width + x] =
                labels[y / cut->height * cut->side + x / cut->width];
}

/* Each image's blocks go where something of it is shown. */
static void move_blocks(const struct worker_mix_scene *scene, struct worker_puzzler *puzzler,
                        const struct worker_puzzle *puzzle, const uint8_t *labels)
{
    const double t = scene->params->mix_transport_cost;
    bool         shown[WORKER_PUZZLE_BLOCKS];

    for (uint32_t b = 0; b < puzzle->side * puzzle->side; b++)
        shown[b] = labels[b] > 0;
    worker_puzzle_transport(puzzler, puzzle->u_a, shown, t, scene->moves);
    for (uint32_t b = 0; b < puzzle->side * puzzle->side; b++)
        shown[b] = labels[b] < 2;
    worker_puzzle_transport(puzzler, puzzle->u_b, shown, t, scene->moves + KERN_MOVES / 2);
}

void worker_mix_draw_puzzlemix(const struct worker_mix_scene *scene, struct worker_mix_draw *draw)
{
    struct puzzlemix             *own = scene->scratch;
    struct worker_puzzle         *puzzle = &own->puzzle;
    const struct worker_mix_place place = {scene->place.stream, scene->place.epoch,
                                           scene->place.batch, 0};
    struct mx_rng        rng = worker_mix_rng(&place, WORKER_DRAW_BLOCKS); /* of the whole batch */
    const uint32_t       grid = (uint32_t)mx_rng_below(&rng, own->ngrids);
    const struct cutting cut = cutting_of(scene->shape, own->sides[grid]);
    const size_t         image =
        (size_t)scene->shape->channels * scene->shape->height * scene->shape->width;
    const size_t pair[2] = {scene->i * image, scene->batch->partner[scene->i] * image};
    const float *gradient = scene->batch->gradient, *images = scene->batch->images;
    uint8_t      labels[WORKER_PUZZLE_BLOCKS];

    puzzle->side = cut.side;
    puzzle->beta = scene->params->mix_beta;
    puzzle->gamma = scene->params->mix_gamma;
    puzzle->eta = scene->params->mix_eta;
    pool_saliency(&cut, gradient ? gradient + pair[0] : NULL, puzzle->u_a);
    pool_saliency(&cut, gradient ? gradient + pair[1] : NULL, puzzle->u_b);
    for (int k = 0; k < 2; k++)
        pool_colours(&cut, images + pair[k], scene->set->sd, own->pooled[k]);
    compare_borders(&cut, own->pooled, puzzle);
    make_mask(scene, own->puzzlers[grid], puzzle, labels);
    fill_mask(scene, &cut, labels);
    move_blocks(scene, own->puzzlers[grid], puzzle, labels);
    draw->blocks = cut.side;
    worker_mix_take_mask(scene, puzzle->lambda, draw);
}
