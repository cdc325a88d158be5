/* mixup: both images everywhere, in proportion (Zhang et al. 2018). */
#include "worker/mix.h"

void worker_mix_draw_mixup(const struct worker_mix_scene *scene, struct worker_mix_draw *draw)
{
    worker_mix_blend(worker_mix_symmetric_lambda(scene), draw);
}
