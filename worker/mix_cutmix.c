/* cutmix: a box of the partner pasted at its own place (Yun et al. 2019). The
 * label follows the pixels left after clipping, or the lambda that was drawn
 * (mix.weight). */
#include "worker/mix.h"

void worker_mix_draw_cutmix(const struct worker_mix_scene *scene, struct worker_mix_draw *draw)
{
    uint32_t side[2];

    draw->drawn = worker_mix_lambda(scene->params, &scene->place);
    worker_mix_cut_sides(scene->shape, draw->drawn, side);
    /* [c - side/2, c + side/2): an odd side loses a pixel, as published. */
    draw->share = worker_mix_box(scene->shape, &scene->place, side,
                                 (uint32_t[]){side[0] / 2 * 2, side[1] / 2 * 2}, draw);
    worker_mix_paste(draw);
}
