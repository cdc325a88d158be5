#include "sweep/cost_maps.h"

#include <stdlib.h>

#include "worker/choices.h"
#include "worker/explain.h"
#include "worker/net.h"

/* Places of occlusion's patch along a side: a seventh of it, in steps of half that. */
enum {
    WINDOWS = 13
};

/* A forward pass and the way back to the image, which takes as long. */
static const double both_ways = 2;

static double rise_masks(const struct worker_params *params, const struct worker_shape *shape)
{
    const uint32_t side = shape->height < shape->width ? shape->height : shape->width;

    if (params->score_rise_masks)
        return (double)params->score_rise_masks;
    return side <= 64 ? 2000 : 4000;
}

static double passes_of(enum worker_attribution which, const struct worker_params *params,
                        const struct worker_shape *shape)
{
    switch (which) {
    case WORKER_MAP_SMOOTHGRAD:
        return both_ways * (double)params->score_smoothgrad_samples;
    case WORKER_MAP_INTEGRATED_GRADIENTS:
        return both_ways * (double)params->score_integrated_gradients_points;
    case WORKER_MAP_LAYER_RELEVANCE:
        return 2 * both_ways;
    case WORKER_MAP_OCCLUSION:
        return WINDOWS * WINDOWS;
    case WORKER_MAP_RISE:
        return rise_masks(params, shape);
    case WORKER_MAP_RANDOM:
    case WORKER_MAP_CENTRE:
        return 0;
    default:
        return both_ways;
    }
}

double mx_maps_passes(const struct worker_params *params, const struct worker_shape *shape)
{
    const struct worker_list *list = &params->score_attributions;
    double                    passes = 1; /* which class is predicted */

    for (uint32_t k = 0; k < list->count; k++)
        passes += passes_of((enum worker_attribution)list->items[k], params, shape);
    return passes;
}

static bool asked(const struct worker_params *params, enum worker_attribution which)
{
    for (uint32_t k = 0; k < params->score_attributions.count; k++)
        if ((enum worker_attribution)params->score_attributions.items[k] == which)
            return true;
    return false;
}

uint32_t mx_maps_count(const struct worker_params *params)
{
    return params->score_attributions.count + !asked(params, WORKER_MAP_RANDOM) +
           !asked(params, WORKER_MAP_CENTRE);
}

uint64_t mx_maps_bytes(const struct worker_params *params, const struct worker_shape *shape)
{
    const uint64_t           copies = asked(params, WORKER_MAP_LAYER_RELEVANCE) ? 3 : 2;
    struct worker_net        net;
    struct worker_parameter *list = NULL;
    size_t                   count = 0;
    uint64_t                 values = 0, weights = 0;

    if (worker_net_build(params, shape, &net, NULL))
        return 0;
    for (uint32_t l = 0; l < net.nlayers; l++)
        values += (uint64_t)net.layers[l].channels * net.layers[l].height * net.layers[l].width;
    if (worker_net_parameters(&net, &list, &count, NULL) == 0)
        for (size_t p = 0; p < count; p++)
            weights += list[p].count;
    free(list);
    worker_net_free(&net);
    return (WORKER_MAP_BATCH * values * copies + 2 * weights) * sizeof(float);
}
