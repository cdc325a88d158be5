/* mixup: both images everywhere, in proportion (Zhang et al. 2018). */
#include "worker/mix.h"

void worker_mix_draw_mixup(const struct worker_mix_scene *scene, struct worker_mix_draw *draw)
{
    double lambda = worker_mix_lambda(scene->params, &scene->place);

    if (scene->host && lambda < 0.5)
        lambda = 1.0 - lambda;
    draw->share = lambda;
    draw->outside[0] = draw->inside[0] = (float)lambda;
    draw->outside[1] = draw->inside[1] = 1.0f - (float)lambda;
}
