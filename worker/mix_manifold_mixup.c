/* manifold_mixup: mixup of the images, or of what a stage of the network makes of
 * them (Verma et al. 2019). One layer of mix.layers is drawn for each batch. */
#include "worker/mix.h"

void worker_mix_draw_manifold_mixup(const struct worker_mix_scene *scene,
                                    struct worker_mix_draw        *draw)
{
    const struct worker_list     *layers = &scene->params->mix_layers;
    const struct worker_mix_place batch = {scene->place.stream, scene->place.epoch,
                                           scene->place.batch, 0};
    struct mx_rng                 rng = worker_mix_rng(&batch, WORKER_DRAW_LAYER);
    double                        lambda = worker_mix_symmetric_lambda(scene);

    draw->layer = (unsigned)layers->items[mx_rng_below(&rng, layers->count)];
    draw->share = draw->drawn = lambda;
    if (draw->layer == WORKER_LAYER_INPUT)
        worker_mix_blend(lambda, draw);
}
