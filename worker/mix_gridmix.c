/* gridmix: a grid of cells, each from the base image with probability lambda
 * (Baek, Bang, Shim 2021; the cells' number is mix.cells a side). Cells differ
 * by a pixel where the sides do not divide, and the label follows the pixels. */
#include <string.h>

#include "worker/mix.h"

static uint32_t begin_of(uint32_t cell, uint32_t cells, uint32_t side)
{
    return (uint32_t)((uint64_t)cell * side / cells);
}

void worker_mix_draw_gridmix(const struct worker_mix_scene *scene, struct worker_mix_draw *draw)
{
    const uint32_t height = scene->shape->height, width = scene->shape->width;
    const uint32_t cells = (uint32_t)scene->params->mix_cells;
    double         lambda = worker_mix_lambda(scene->params, &scene->place);
    struct mx_rng  rng = worker_mix_rng(&scene->place, WORKER_DRAW_CELLS);

    for (uint32_t row = 0; row < cells; row++)
        for (uint32_t column = 0; column < cells; column++) {
            uint8_t  halves = mx_rng_uniform(&rng) < lambda ? 2 : 0;
            uint32_t x0 = begin_of(column, cells, width), x1 = begin_of(column + 1, cells, width);

            for (uint32_t y = begin_of(row, cells, height); y < begin_of(row + 1, cells, height);
                 y++)
                memset(scene->mask + (size_t)y * width + x0, halves, x1 - x0);
        }
    worker_mix_take_mask(scene, lambda, draw);
}
