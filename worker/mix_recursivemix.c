/* recursivemix: an image of the batch before, as it was mixed itself, shrunk into
 * a box (Yang et al. 2022). Its label, mixed itself, goes with it. The share of
 * the side is sqrt(U(0, 1/2)), so that of the area is uniform before clipping. */
#include <math.h>

#include "worker/mix.h"

void worker_mix_draw_recursivemix(const struct worker_mix_scene *scene,
                                  struct worker_mix_draw        *draw)
{
    struct mx_rng rng = worker_mix_rng(&scene->place, WORKER_DRAW_SCALE);

    worker_mix_patch(scene, sqrt(0.5 * mx_rng_uniform(&rng)), draw);
}
