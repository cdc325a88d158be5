/* cutout: a square set to 0, the mean colour after normalisation; the label
 * stays (DeVries and Taylor 2017). mix.size is the square's side, which holds
 * for odd sides too; by default half of the image's shorter side. */
#include <math.h>

#include "worker/mix.h"

void worker_mix_draw_cutout(const struct worker_mix_scene *scene, struct worker_mix_draw *draw)
{
    const struct worker_shape *shape = scene->shape;
    uint32_t shorter = shape->height < shape->width ? shape->height : shape->width;
    uint32_t longer = shape->height < shape->width ? shape->width : shape->height;
    uint32_t side = shorter / 2;

    if (scene->params->mix_size > 2 * (int64_t)longer)
        side = 2 * longer; /* covers the image from any centre */
    else if (scene->params->mix_size > 0)
        side = (uint32_t)scene->params->mix_size;
    draw->drawn = fmax(1.0 - (double)side * side / ((double)shape->height * shape->width), 0);
    draw->share = worker_mix_box(shape, &scene->place, (uint32_t[]){side, side},
                                 (uint32_t[]){side, side}, draw);
    draw->outside[0] = 1.0f;
    draw->outside[1] = draw->inside[0] = draw->inside[1] = 0.0f;
}
