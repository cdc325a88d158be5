/* cutmix: a box of the partner pasted at its own place (Yun et al. 2019). The
 * label follows the pixels left after clipping, not the lambda that was drawn. */
#include <math.h>

#include "worker/mix.h"

void worker_mix_draw_cutmix(const struct worker_params *params, const struct worker_shape *shape,
                            const struct worker_mix_place *place, bool host,
                            struct worker_mix_draw *draw)
{
    double   r = sqrt(1.0 - worker_mix_lambda(params, place));
    uint32_t side[2] = {(uint32_t)(shape->height * r), (uint32_t)(shape->width * r)};
    /* [c - side/2, c + side/2): an odd side loses a pixel, as published. */
    uint32_t length[2] = {side[0] / 2 * 2, side[1] / 2 * 2};

    (void)host; /* the base image keeps its label whatever its share */
    draw->share = worker_mix_box(shape, place, side, length, draw);
    draw->outside[0] = draw->inside[1] = 1.0f;
    draw->outside[1] = draw->inside[0] = 0.0f;
}
