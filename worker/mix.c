#include "worker/mix.h"

#include <math.h>

#include "worker/choices.h"

const struct worker_mix worker_mixes[] = {
    [WORKER_MIX_NONE] = {.draw = NULL},
    [WORKER_MIX_MIXUP] = {.pairs = true, .draw = worker_mix_draw_mixup},
    [WORKER_MIX_CUTMIX] = {.pairs = true, .draw = worker_mix_draw_cutmix},
    [WORKER_MIX_CUTOUT] = {.pairs = false, .draw = worker_mix_draw_cutout},
    [WORKER_MIX_SALIENCYMIX] = {.pairs = true,
                                .draw = worker_mix_draw_saliencymix,
                                .scratch_new = worker_mix_saliencymix_new,
                                .scratch_free = worker_mix_saliencymix_free},
    [WORKER_MIX_RESIZEMIX] = {.pairs = true, .draw = worker_mix_draw_resizemix},
    [WORKER_MIX_FMIX] = {.pairs = true,
                         .masks = true,
                         .draw = worker_mix_draw_fmix,
                         .scratch_new = worker_mix_fmix_new,
                         .scratch_free = worker_mix_fmix_free},
    [WORKER_MIX_GRIDMIX] = {.pairs = true, .masks = true, .draw = worker_mix_draw_gridmix},
    [WORKER_MIX_RECURSIVEMIX] = {.pairs = true, .draw = NULL}, /* the last word of the list */
};

struct mx_rng worker_mix_rng(const struct worker_mix_place *place, enum worker_mix_what what)
{
    enum {
        KINDS = 16
    };

    return mx_rng_at(place->stream, place->epoch, place->batch,
                     place->slot * KINDS + (uint32_t)what);
}

static double chance_of(const struct worker_params *params, uint32_t epoch)
{
    if (params->mix_off_epochs > 0 && epoch >= params->train_epochs - params->mix_off_epochs)
        return 0;
    if (epoch < params->mix_ramp_epochs)
        return params->mix_prob * epoch / (double)params->mix_ramp_epochs;
    return params->mix_prob;
}

bool worker_mix_whether(const struct worker_params *params, struct mx_stream stream, uint32_t epoch,
                        uint32_t batch)
{
    struct worker_mix_place place = {stream, epoch, batch, 0};
    struct mx_rng           rng = worker_mix_rng(&place, WORKER_DRAW_WHETHER);

    return mx_rng_uniform(&rng) < chance_of(params, epoch);
}

double worker_mix_lambda(const struct worker_params *params, const struct worker_mix_place *place)
{
    struct mx_rng rng = worker_mix_rng(place, WORKER_DRAW_LAMBDA);

    return params->mix_alpha > 0 ? mx_rng_beta(&rng, params->mix_alpha, params->mix_alpha) : 1.0;
}

/* [centre - side/2, centre - side/2 + length) within [0, end). Returns where it
 * begins before clipping. */
static int32_t clip(uint32_t centre, uint32_t side, uint32_t length, uint32_t end, uint32_t *low,
                    uint32_t *high)
{
    int64_t first = (int64_t)centre - side / 2, last = first + length;

    *low = first < 0 ? 0 : (uint32_t)first;
    *high = last > end ? end : (uint32_t)last; /* the centre lies inside: never below 0 */
    return (int32_t)first;
}

double worker_mix_clip(const struct worker_shape *shape, const uint32_t centre[2],
                       const uint32_t side[2], const uint32_t length[2],
                       struct worker_mix_draw *draw)
{
    double whole = (double)shape->height * shape->width;

    draw->corner[0] = clip(centre[0], side[0], length[0], shape->height, &draw->y0, &draw->y1);
    draw->corner[1] = clip(centre[1], side[1], length[1], shape->width, &draw->x0, &draw->x1);
    return 1.0 - (double)(draw->y1 - draw->y0) * (draw->x1 - draw->x0) / whole;
}

double worker_mix_box(const struct worker_shape *shape, const struct worker_mix_place *place,
                      const uint32_t side[2], const uint32_t length[2],
                      struct worker_mix_draw *draw)
{
    struct mx_rng rng = worker_mix_rng(place, WORKER_DRAW_CENTRE);
    uint32_t      centre[2];

    centre[1] = (uint32_t)mx_rng_below(&rng, shape->width);
    centre[0] = (uint32_t)mx_rng_below(&rng, shape->height);
    return worker_mix_clip(shape, centre, side, length, draw);
}

void worker_mix_cut_sides(const struct worker_shape *shape, double lambda, uint32_t side[2])
{
    double r = sqrt(1.0 - lambda);

    side[0] = (uint32_t)(shape->height * r);
    side[1] = (uint32_t)(shape->width * r);
}

void worker_mix_paste(struct worker_mix_draw *draw)
{
    draw->outside[0] = draw->inside[1] = 1.0f;
    draw->outside[1] = draw->inside[0] = 0.0f;
}

void worker_mix_take_mask(const struct worker_mix_scene *scene, struct worker_mix_draw *draw)
{
    const size_t pixels = (size_t)scene->shape->height * scene->shape->width;
    uint64_t     halves = 0;

    for (size_t p = 0; p < pixels; p++)
        halves += scene->mask[p];
    if (scene->host && halves < pixels) {
        for (size_t p = 0; p < pixels; p++)
            scene->mask[p] = (uint8_t)(2 - scene->mask[p]);
        halves = 2 * pixels - halves;
    }
    draw->masked = true;
    draw->share = (double)halves / (2.0 * (double)pixels);
}

static void apply_labels(struct worker_batch *batch, uint32_t i, double share, unsigned rule,
                         uint32_t other_label)
{
    if (rule == WORKER_LABELS_HOST)
        return;
    if (rule == WORKER_LABELS_DOMINANT) {
        if (share < 0.5)
            batch->y_a[i] = batch->y_b[i] = other_label;
        return;
    }
    batch->y_b[i] = other_label;
    batch->lambda[i] = (float)share;
}

void worker_mix_apply(struct worker_batch *batch, uint32_t i, const struct worker_mix *strategy,
                      const struct worker_mix_draw *draw, uint32_t mask, unsigned rule,
                      uint32_t other_label)
{
    struct kern_batch_sample *sample = &batch->samples[i];

    batch->area[i] = (float)draw->share;
    if (strategy->pairs)
        apply_labels(batch, i, draw->share, rule, other_label);
    if (strategy->pairs && rule == WORKER_LABELS_ONLY)
        return;
    sample->y0 = draw->y0;
    sample->x0 = draw->x0;
    sample->y1 = draw->y1;
    sample->x1 = draw->x1;
    for (int k = 0; k < 2; k++) {
        sample->outside[k] = draw->outside[k];
        sample->inside[k] = draw->inside[k];
    }
    sample->mask = draw->masked ? 1 + mask : 0;
    sample->patch_y = draw->corner[0];
    sample->patch_x = draw->corner[1];
    sample->patch_height = draw->patch[0];
    sample->patch_width = draw->patch[1];
}
