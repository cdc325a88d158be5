/* resizemix: the whole partner, shrunk, in a box (Qin et al. 2020). What the
 * image's border cuts off the box is cut off the partner, which is not squeezed. */
#include "worker/mix.h"

void worker_mix_draw_resizemix(const struct worker_mix_scene *scene, struct worker_mix_draw *draw)
{
    const double *scale = scene->params->mix_scale.items;
    struct mx_rng rng = worker_mix_rng(&scene->place, WORKER_DRAW_SCALE);

    worker_mix_patch(scene, scale[0] + (scale[1] - scale[0]) * mx_rng_uniform(&rng), draw);
}
