/* explain_pairs.h - an explainer beside the double-precision reference. */
#ifndef MX_TEST_EXPLAIN_PAIRS_H
#define MX_TEST_EXPLAIN_PAIRS_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/reference/naive_maps.h"
#include "worker/choices.h"
#include "worker/explain.h"

enum {
    EXPLAINED = 3 /* images */
};

struct explain_pair {
    struct worker_shape       shape;
    struct worker_net         net;
    struct naive_net         *naive;
    struct worker_tensor     *tensors;
    size_t                    count;
    struct worker_explainer  *explainer;
    struct worker_map_options options;
    struct worker_map_batch   batch;
    float                    *images;
    uint32_t                  targets[EXPLAINED], rows[EXPLAINED];
    size_t                    pixels, floats;
};

static inline void explain_draw_parameters(struct naive_net *naive, struct mx_rng *rng)
{
    for (size_t p = 0; p < naive->nparameters; p++) {
        const struct worker_parameter *info = &naive->infos[p];
        const double                   spread =
            info->role == WORKER_WEIGHT ? sqrt(2.0 * info->dims[0] / (double)info->count) : 0.3;

        for (size_t k = 0; k < info->count; k++)
            naive->parameters[p][k] =
                (double)(float)((info->role == WORKER_SCALE ? 1 : 0) + spread * mx_rng_normal(rng));
    }
    for (uint32_t l = 0; l < naive->net->nlayers; l++)
        for (uint32_t c = 0; c < naive->net->layers[l].channels; c++) {
            naive->running_mean[l][c] = (double)(float)(0.2 * mx_rng_normal(rng));
            naive->running_variance[l][c] = (double)(float)(0.5 + mx_rng_uniform(rng));
        }
}

static inline void explain_put_tensor(struct explain_pair *pair, const char *name, uint32_t ndims,
                                      const uint32_t *dims, const double *data)
{
    struct worker_tensor *tensor = &pair->tensors[pair->count++];
    size_t                count = 1;

    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->ndims = ndims;
    for (uint32_t d = 0; d < ndims; d++)
        count *= tensor->dims[d] = dims[d];
    tensor->data = malloc(count * sizeof *tensor->data);
    for (size_t k = 0; k < count; k++)
        tensor->data[k] = (float)data[k];
}

/* The reference's state as a list of named tensors. */
static inline void explain_put_all(struct explain_pair *pair)
{
    const struct naive_net *naive = pair->naive;

    pair->tensors =
        calloc(naive->nparameters + 2 * (size_t)pair->net.nlayers, sizeof *pair->tensors);
    for (size_t p = 0; p < naive->nparameters; p++)
        explain_put_tensor(pair, naive->infos[p].name, naive->infos[p].ndims, naive->infos[p].dims,
                           naive->parameters[p]);
    for (uint32_t l = 0; l < pair->net.nlayers; l++) {
        const struct worker_layer *layer = &pair->net.layers[l];
        char                       name[64];

        if (layer->kind != WORKER_NORM)
            continue;
        snprintf(name, sizeof name, "%s.running_mean", layer->name);
        explain_put_tensor(pair, name, 1, &layer->channels, naive->running_mean[l]);
        snprintf(name, sizeof name, "%s.running_var", layer->name);
        explain_put_tensor(pair, name, 1, &layer->channels, naive->running_variance[l]);
    }
}

/* For a network that is listed in pair->net: weights, images, explainer. Few copies of
 * an image, so that plain loops take moments. */
static inline void explain_pair_fill(struct explain_pair *pair, uint32_t batch_size)
{
    const struct worker_layer *input = &pair->net.layers[0];
    struct mx_stream           stream = mx_stream_make(11, 0, MX_PURPOSE_DATA, 0);
    struct mx_rng              rng = mx_rng_at(stream, 0, 0, 0);
    struct mx_err              err;

    pair->pixels = (size_t)input->height * input->width;
    pair->floats = pair->pixels * input->channels;
    pair->naive = naive_net_new(&pair->net, 1);
    explain_draw_parameters(pair->naive, &rng);
    explain_put_all(pair);
    pair->images = malloc(EXPLAINED * pair->floats * sizeof *pair->images);
    for (size_t k = 0; k < EXPLAINED * pair->floats; k++)
        pair->images[k] = (float)mx_rng_normal(&rng);
    for (uint32_t i = 0; i < EXPLAINED; i++) {
        pair->targets[i] =
            (uint32_t)mx_rng_below(&rng, pair->net.layers[pair->net.nlayers - 1].channels);
        pair->rows[i] = 40 + 7 * i;
    }
    pair->batch =
        (struct worker_map_batch){pair->images, pair->targets, pair->rows, EXPLAINED, EXPLAINED};
    pair->options = worker_map_defaults(mx_stream_make(3, 1, MX_PURPOSE_SCORE, 0));
    pair->options.smoothgrad_samples = 2;
    pair->options.integrated_gradients_points = 3;
    pair->options.rise_masks = 3;
    pair->options.occlusion_patch =
        (input->height < input->width ? input->height : input->width) / 3 + 1;
    pair->explainer = worker_explainer_new(
        &pair->net, pair->tensors, pair->count,
        &(struct worker_explainer_plan){WORKER_DEVICE_CPU, 1, batch_size, true}, &err);
    cr_assert_not_null(pair->explainer, "%s", err.text);
}

static inline void explain_pair_new(struct explain_pair *pair, unsigned arch,
                                    struct worker_form form, struct worker_shape shape,
                                    uint32_t batch_size)
{
    struct mx_err err;

    memset(pair, 0, sizeof *pair);
    form.classes = shape.classes;
    cr_assert_eq(worker_net_build_form(arch, &form, &shape, &pair->net, &err), 0, "%s", err.text);
    explain_pair_fill(pair, batch_size);
}

static inline void explain_pair_free(struct explain_pair *pair)
{
    worker_explainer_free(pair->explainer);
    worker_tensors_free(pair->tensors, pair->count);
    naive_net_free(pair->naive);
    worker_net_free(&pair->net);
    free(pair->images);
}

static inline float *explain_maps(struct explain_pair *pair, enum worker_attribution which,
                                  double *figures)
{
    float        *maps = malloc(EXPLAINED * pair->pixels * sizeof *maps);
    struct mx_err err;

    cr_assert_eq(
        worker_explain(pair->explainer, which, &pair->options, &pair->batch, maps, figures, &err),
        0, "%s: %s", worker_map_kinds[which].word, err.text);
    return maps;
}

#endif
