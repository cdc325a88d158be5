#include "worker/mix.h"

#include <math.h>

#include "worker/choices.h"

const struct worker_mix worker_mixes[WORKER_MIXES] = {
    [WORKER_MIX_NONE] = {.draw = NULL},
    [WORKER_MIX_MIXUP] = {.traits = WORKER_MIX_PAIRS, .draw = worker_mix_draw_mixup},
    [WORKER_MIX_CUTMIX] = {.traits = WORKER_MIX_PAIRS | WORKER_MIX_CLIPS,
                           .draw = worker_mix_draw_cutmix},
    [WORKER_MIX_CUTOUT] = {.draw = worker_mix_draw_cutout},
    [WORKER_MIX_SALIENCYMIX] = {.traits = WORKER_MIX_PAIRS | WORKER_MIX_CLIPS,
                                .draw = worker_mix_draw_saliencymix,
                                .scratch_new = worker_mix_saliencymix_new,
                                .scratch_free = worker_mix_saliencymix_free},
    [WORKER_MIX_RESIZEMIX] = {.traits = WORKER_MIX_PAIRS | WORKER_MIX_CLIPS,
                              .draw = worker_mix_draw_resizemix},
    [WORKER_MIX_FMIX] = {.traits = WORKER_MIX_PAIRS | WORKER_MIX_MASKS | WORKER_MIX_NOISE,
                         .draw = worker_mix_draw_fmix,
                         .scratch_new = worker_mix_fmix_new,
                         .scratch_free = worker_mix_fmix_free},
    [WORKER_MIX_PUZZLEMIX] = {.traits = WORKER_MIX_PAIRS | WORKER_MIX_MASKS | WORKER_MIX_GRADIENT |
                                        WORKER_MIX_EACH,
                              .draw = worker_mix_draw_puzzlemix,
                              .scratch_new = worker_mix_puzzlemix_new,
                              .scratch_free = worker_mix_puzzlemix_free},
    [WORKER_MIX_GRIDMIX] = {.traits = WORKER_MIX_PAIRS | WORKER_MIX_MASKS,
                            .draw = worker_mix_draw_gridmix},
    [WORKER_MIX_MANIFOLD_MIXUP] = {.traits = WORKER_MIX_PAIRS | WORKER_MIX_HIDDEN,
                                   .draw = worker_mix_draw_manifold_mixup},
    [WORKER_MIX_RECURSIVEMIX] = {.traits = WORKER_MIX_PAIRS | WORKER_MIX_HISTORY | WORKER_MIX_CLIPS,
                                 .draw = worker_mix_draw_recursivemix},
};

const struct worker_mix_draw worker_mix_blank = {
    .share = 1, .drawn = 1, .outside = {1, 0}, .inside = {1, 0}};

uint32_t worker_mix_strategies(const struct worker_params *params)
{
    const struct worker_list *choices = &params->mix_choices;
    uint32_t                  set = 0;

    if (params->mix_strategy != WORKER_MIX_CHOICES)
        return UINT32_C(1) << params->mix_strategy;
    for (uint32_t k = 0; k < choices->count; k++)
        set |= UINT32_C(1) << (unsigned)choices->items[k];
    return set;
}

unsigned worker_mix_traits(const struct worker_params *params)
{
    const uint32_t set = worker_mix_strategies(params);
    unsigned       traits = 0;

    for (unsigned s = 0; s < WORKER_MIXES; s++)
        traits |= set >> s & 1 ? worker_mixes[s].traits : 0;
    return traits;
}

struct mx_rng worker_mix_rng(const struct worker_mix_place *place, enum worker_mix_what what)
{
    enum {
        KINDS = 16
    };

    return mx_rng_at(place->stream, place->epoch, place->batch,
                     place->slot * KINDS + (uint32_t)what);
}

unsigned worker_mix_strategy(const struct worker_params *params, struct mx_stream stream,
                             uint32_t epoch, uint32_t batch)
{
    const struct worker_list *choices = &params->mix_choices;
    struct worker_mix_place   place = {stream, epoch, batch, 0};
    struct mx_rng             rng = worker_mix_rng(&place, WORKER_DRAW_CHOICE);

    if (params->mix_strategy != WORKER_MIX_CHOICES)
        return params->mix_strategy;
    return (unsigned)choices->items[mx_rng_below(&rng, choices->count)];
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

double worker_mix_symmetric_lambda(const struct worker_mix_scene *scene)
{
    double lambda = worker_mix_lambda(scene->params, &scene->place);

    return scene->host && lambda < 0.5 ? 1.0 - lambda : lambda;
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

void worker_mix_patch(const struct worker_mix_scene *scene, double scale,
                      struct worker_mix_draw *draw)
{
    draw->patch[0] = (uint32_t)(scene->shape->height * scale);
    draw->patch[1] = (uint32_t)(scene->shape->width * scale);
    draw->drawn = 1.0 - scale * scale;
    draw->share = worker_mix_box(scene->shape, &scene->place, draw->patch, draw->patch, draw);
    worker_mix_paste(draw);
}

void worker_mix_blend(double lambda, struct worker_mix_draw *draw)
{
    draw->share = draw->drawn = lambda;
    draw->outside[0] = draw->inside[0] = (float)lambda;
    draw->outside[1] = draw->inside[1] = 1.0f - (float)lambda;
}

void worker_mix_take_mask(const struct worker_mix_scene *scene, double lambda,
                          struct worker_mix_draw *draw)
{
    const size_t pixels = (size_t)scene->shape->height * scene->shape->width;
    uint64_t     halves = 0;

    for (size_t p = 0; p < pixels; p++)
        halves += scene->mask[p];
    if (scene->host && halves < pixels) {
        for (size_t p = 0; p < pixels; p++)
            scene->mask[p] = (uint8_t)(2 - scene->mask[p]);
        halves = 2 * pixels - halves;
        lambda = 1.0 - lambda;
    }
    draw->masked = true;
    draw->drawn = lambda;
    draw->share = (double)halves / (2.0 * (double)pixels);
}

double worker_mix_weight(const struct worker_params *params, const struct worker_mix *strategy,
                         double share, double drawn)
{
    const bool clips = strategy->traits & WORKER_MIX_CLIPS;

    return clips && params->mix_weight == WORKER_WEIGHT_DRAWN ? drawn : share;
}

static void apply_labels(struct worker_batch *batch, uint32_t i, double weight, unsigned rule,
                         uint32_t other_label)
{
    if (rule == WORKER_LABELS_HOST)
        return;
    if (rule == WORKER_LABELS_DOMINANT) {
        if (weight < 0.5)
            batch->y_a[i] = batch->y_b[i] = other_label;
        return;
    }
    batch->y_b[i] = other_label;
    batch->lambda[i] = (float)weight;
}

void worker_mix_apply(struct worker_batch *batch, uint32_t i, const struct worker_mix *strategy,
                      const struct worker_mix_draw *draw, uint32_t mask,
                      const struct worker_params *params, uint32_t other_label)
{
    struct kern_batch_sample *sample = &batch->samples[i];
    const bool                pairs = strategy->traits & WORKER_MIX_PAIRS;

    batch->area[i] = (float)draw->share;
    batch->drawn[i] = (float)draw->drawn;
    if (pairs)
        apply_labels(batch, i, worker_mix_weight(params, strategy, draw->share, draw->drawn),
                     params->mix_labels, other_label);
    if (pairs && params->mix_labels == WORKER_LABELS_ONLY)
        return;
    batch->layer = draw->layer;
    sample->y0 = draw->y0;
    sample->x0 = draw->x0;
    sample->y1 = draw->y1;
    sample->x1 = draw->x1;
    for (int k = 0; k < 2; k++) {
        sample->outside[k] = draw->outside[k];
        sample->inside[k] = draw->inside[k];
    }
    sample->mask = draw->masked ? 1 + mask : 0;
    sample->moves = draw->blocks ? 1 + mask : 0;
    sample->blocks = draw->blocks;
    sample->patch_y = draw->corner[0];
    sample->patch_x = draw->corner[1];
    sample->patch_height = draw->patch[0];
    sample->patch_width = draw->patch[1];
}
