#include "worker/explain.h"

#include <math.h>
#include <string.h>

#include "worker/explain_parts.h"

/* Row = enum worker_attribution. */
// clang-format off
const struct worker_map_kind worker_map_kinds[WORKER_MAPS] = {
    {"gradient",             WORKER_MAP_NEEDS_NOTHING,                      map_gradient},
    {"input_x_gradient",     WORKER_MAP_IS_SIGNED,                          map_input_x_gradient},
    {"smoothgrad",           WORKER_MAP_IS_DRAWN,                           map_smoothgrad},
    {"integrated_gradients", WORKER_MAP_IS_SIGNED,                          map_integrated_gradients},
    {"guided_backprop",      WORKER_MAP_IS_SIGNED,                          map_guided_backprop},
    {"gradcam",              WORKER_MAP_NEEDS_CHANNELS,                     map_gradcam},
    {"gradcam++",            WORKER_MAP_NEEDS_CHANNELS,                     map_gradcam_plus_plus},
    {"layer_relevance",      WORKER_MAP_NEEDS_RELEVANCE,                    map_layer_relevance},
    {"occlusion",            WORKER_MAP_NEEDS_NOTHING,                      map_occlusion},
    {"rise",                 WORKER_MAP_IS_DRAWN,                           map_rise},
    {"random",               WORKER_MAP_IS_DRAWN | WORKER_MAP_IS_CONTROL,   map_random},
    {"centre",               WORKER_MAP_IS_CONTROL,                         map_centre},
};
// clang-format on

struct worker_map_options worker_map_defaults(struct mx_stream stream)
{
    return (struct worker_map_options){.smoothgrad_samples = 25,
                                       .integrated_gradients_points = 50,
                                       .smoothgrad_sigma = 0.15,
                                       .stream = stream};
}

/* The first mean over values of both signs; 0: none. */
static uint32_t signed_mean(const struct worker_explainer *explainer)
{
    for (uint32_t l = 1; l < explainer->net->nlayers; l++)
        if (explainer->net->layers[l].kind == WORKER_POOL &&
            !explainer->layers[explainer->net->layers[l].inputs[0]].positive)
            return l;
    return 0;
}

int worker_map_possible(const struct worker_explainer *explainer, enum worker_attribution which,
                        struct mx_err *err)
{
    const struct worker_map_kind *kind = &worker_map_kinds[which];
    uint32_t                      mean;

    if (kind->needs & WORKER_MAP_NEEDS_CHANNELS && explainer->cam == 0)
        return mx_fail(err, MX_EINVAL,
                       "%s needs a layer of channels before the classifier, and this network has "
                       "none (take gradient or integrated_gradients)",
                       kind->word);
    if (!(kind->needs & WORKER_MAP_NEEDS_RELEVANCE))
        return 0;
    if (!explainer->relevance)
        return mx_fail(err, MX_EINVAL, "%s of an explainer that was built without it", kind->word);
    if ((mean = signed_mean(explainer)))
        return mx_fail(err, MX_EINVAL,
                       "%s cannot go through %s, a mean over values of both signs (take "
                       "integrated_gradients)",
                       kind->word, explainer->net->layers[mean].name);
    return 0;
}

static int check_targets(const struct worker_explainer *explainer,
                         const struct worker_map_batch *batch, struct mx_err *err)
{
    const uint32_t classes = explain_classes(explainer);

    if (batch->ntargets != batch->n)
        return mx_fail(err, MX_EINVAL, "%u target classes for %u images: there must be one each",
                       batch->ntargets, batch->n);
    for (uint32_t i = 0; i < batch->n; i++)
        if (batch->targets[i] >= classes)
            return mx_fail(err, MX_EINVAL, "image %u has target class %u, of %u", i,
                           batch->targets[i], classes);
    return 0;
}

static int check_maps(const char *word, const float *maps, uint32_t n, size_t pixels,
                      struct mx_err *err)
{
    for (size_t k = 0; k < n * pixels; k++)
        if (!isfinite(maps[k]))
            return mx_fail(err, MX_EDIVERGED, "%s of image %zu is not finite", word, k / pixels);
    return 0;
}

int worker_explain(struct worker_explainer *explainer, enum worker_attribution which,
                   const struct worker_map_options *options, const struct worker_map_batch *batch,
                   float *maps, double *figures, struct mx_err *err)
{
    const struct worker_layer *input = &explainer->net->layers[0];
    const size_t pixels = (size_t)input->height * input->width, image = pixels * input->channels;

    if (worker_map_possible(explainer, which, err) || check_targets(explainer, batch, err))
        return -1;
    for (uint32_t i = 0; figures && i < batch->n; i++)
        figures[i] = NAN;
    for (uint32_t done = 0; done < batch->n; done += explainer->n) {
        const uint32_t          left = batch->n - done;
        struct worker_map_batch some = {batch->images + done * image, batch->targets + done,
                                        batch->rows + done, left, left};

        some.n = some.ntargets = left < explainer->n ? left : explainer->n;
        if (worker_map_kinds[which].map(explainer, options, &some, maps + done * pixels,
                                        figures ? figures + done : NULL, err))
            return -1;
    }
    return check_maps(worker_map_kinds[which].word, maps, batch->n, pixels, err);
}
