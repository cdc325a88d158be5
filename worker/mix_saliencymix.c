/* saliencymix: cutmix whose box lies around the most salient pixel of the
 * partner (Uddin et al. 2021).
 *
 * Saliency is the fine-grained static one of Montabone and Soto (2010): the
 * differences between a pixel's 8-bit luminance and the mean of its surround,
 * on-centre (lighter) and off-centre (darker) ones alike, added up over the
 * sizes of their paper. The surround of size s is the square of 2 s + 1 pixels
 * a side without the pixel itself, cut at the image's border. The image is the
 * partner after its crop and flip, before normalisation.
 */
#include <math.h>
#include <stdlib.h>

#include "worker/mix.h"
#include "worker/saliency.h"

void *worker_mix_saliencymix_new(const struct worker_params *params,
                                 const struct worker_shape *shape, struct mx_err *err)
{
    (void)params;
    return worker_saliency_new(shape->height, shape->width, err);
}

void worker_mix_saliencymix_free(void *scratch)
{
    worker_saliency_free(scratch);
}

/* The 8-bit luminance of the partner as the batch shows it. */
static void show_partner(const struct worker_mix_scene *scene, struct worker_saliency *saliency)
{
    const struct worker_shape      *shape = scene->shape;
    const struct kern_batch_sample *sample =
        &scene->batch->samples[scene->batch->partner[scene->i]];
    const size_t   plane = (size_t)shape->height * shape->width;
    const uint8_t *pixels = scene->batch->pixels + sample->image * shape->channels * plane;
    uint8_t       *out = worker_saliency_image(saliency);

    for (uint32_t y = 0; y < shape->height; y++)
        for (uint32_t x = 0; x < shape->width; x++, out++) {
            int64_t row = (int64_t)y + sample->shift_y;
            int64_t column = (int64_t)(sample->flip ? shape->width - 1 - x : x) + sample->shift_x;
            bool stored = row >= 0 && row < shape->height && column >= 0 && column < shape->width;

            *out = 0;
            if (stored)
                *out = worker_luminance(pixels + (size_t)row * shape->width + (size_t)column, plane,
                                        shape->channels);
        }
}

void worker_mix_draw_saliencymix(const struct worker_mix_scene *scene, struct worker_mix_draw *draw)
{
    uint32_t side[2], centre[2];
    size_t   peak;

    show_partner(scene, scene->scratch);
    peak = worker_saliency_peak(scene->scratch);
    centre[0] = (uint32_t)(peak / scene->shape->width);
    centre[1] = (uint32_t)(peak % scene->shape->width);
    draw->drawn = worker_mix_lambda(scene->params, &scene->place);
    worker_mix_cut_sides(scene->shape, draw->drawn, side);
    draw->share = worker_mix_clip(scene->shape, centre, side,
                                  (uint32_t[]){side[0] / 2 * 2, side[1] / 2 * 2}, draw);
    worker_mix_paste(draw);
}
