/* A trained network's tensors become an explainer's weights, norms folded:
 * scale (conv(x) + bias - mean) / sqrt(variance + epsilon) + shift is one convolution. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/explain_parts.h"
#include "worker/safetensors.h"

/* The tensors of a network, looked up by name. */
struct source {
    const struct worker_tensor *tensors;
    size_t                      count;
};

static const float *find(const struct source *source, const char *layer, const char *word,
                         size_t floats, struct mx_err *err)
{
    char name[WORKER_TENSOR_NAME];

    snprintf(name, sizeof name, "%s.%s", layer, word);
    for (size_t t = 0; t < source->count; t++) {
        const struct worker_tensor *tensor = &source->tensors[t];
        size_t                      has = 1;

        if (strcmp(tensor->name, name) != 0)
            continue;
        for (uint32_t d = 0; d < tensor->ndims; d++)
            has *= tensor->dims[d];
        if (has == floats)
            return tensor->data;
        mx_fail(err, MX_EINVAL,
                "tensor '%s' has %zu numbers, and %zu in the network to be explained", name, has,
                floats);
        return NULL;
    }
    mx_fail(err, MX_EINVAL, "tensor '%s' is missing, which the network to be explained has", name);
    return NULL;
}

/* Multiply weights and bias of a convolution by what the norm after it does. */
static int fold(const struct source *source, const struct worker_layer *norm, size_t per_channel,
                float *weights, float *bias, struct mx_err *err)
{
    static const char *const words[] = {"weight", "bias", "running_mean", "running_var"};
    const float             *own[4];

    for (int w = 0; w < 4; w++)
        if (!(own[w] = find(source, norm->name, words[w], norm->channels, err)))
            return -1;
    for (uint32_t c = 0; c < norm->channels; c++) {
        double factor = own[0][c] / sqrt((double)own[3][c] + norm->epsilon);

        for (size_t k = 0; k < per_channel; k++)
            weights[c * per_channel + k] = (float)(factor * weights[c * per_channel + k]);
        bias[c] = (float)(factor * ((double)bias[c] - own[2][c]) + own[1][c]);
    }
    return 0;
}

/* The norm that is folded into convolution l; NULL: none is. */
static const struct worker_layer *folded_norm(const struct worker_explainer *explainer, uint32_t l)
{
    for (uint32_t k = l + 1; k < explainer->net->nlayers; k++)
        if (explainer->layers[k].folded && explainer->net->layers[k].inputs[0] == l)
            return &explainer->net->layers[k];
    return NULL;
}

static int fill_weighted(struct worker_explainer *explainer, const struct source *source,
                         uint32_t l, struct mx_err *err)
{
    const struct worker_layer *at = &explainer->net->layers[l];
    const struct worker_layer *in = &explainer->net->layers[at->inputs[0]];
    const struct worker_layer *norm = folded_norm(explainer, l);
    const size_t               per_channel = at->kind == WORKER_CONV
                                                 ? (size_t)in->channels / at->groups * at->kernel * at->kernel
                                                 : (size_t)in->channels * in->height * in->width;
    const float *weights = find(source, at->name, "weight", at->channels * per_channel, err);
    const float *bias = NULL;
    float       *plain, *own;
    int          result = -1;

    if (!weights || ((at->kind == WORKER_LINEAR || at->bias) &&
                     !(bias = find(source, at->name, "bias", at->channels, err))))
        return -1;
    if (!(plain = malloc(at->channels * (per_channel + 1) * sizeof *plain)))
        return mx_fail(err, MX_ENOMEM, "no memory for the weights of %s", at->name);
    own = plain + at->channels * per_channel;
    memcpy(plain, weights, at->channels * per_channel * sizeof *plain);
    memset(own, 0, at->channels * sizeof *own);
    if (bias)
        memcpy(own, bias, at->channels * sizeof *own);
    if (!norm || !fold(source, norm, per_channel, plain, own, err))
        result = kern_tensor_write(explainer->layers[l].weights, plain, err) ||
                         kern_tensor_write(explainer->layers[l].bias, own, err)
                     ? -1
                     : 0;
    free(plain);
    if (result == 0)
        explain_relevance_fill(explainer, l);
    return result;
}

static int fill_norm(struct worker_explainer *explainer, const struct source *source, uint32_t l,
                     struct mx_err *err)
{
    static const char *const    words[] = {"weight", "bias", "running_mean", "running_var"};
    const struct explain_layer *at = &explainer->layers[l];
    struct kern_tensor *const   own[] = {at->weights, at->bias, at->mean, at->variance};
    const struct worker_layer  *desc = &explainer->net->layers[l];

    for (int w = 0; w < 4; w++) {
        const float *from = find(source, desc->name, words[w], desc->channels, err);

        if (!from || kern_tensor_write(own[w], from, err))
            return -1;
    }
    return 0;
}

int explain_weights_fill(struct worker_explainer *explainer, const struct worker_tensor *tensors,
                         size_t count, struct mx_err *err)
{
    const struct source source = {tensors, count};

    for (uint32_t l = 1; l < explainer->net->nlayers; l++) {
        const enum worker_layer_kind kind = explainer->net->layers[l].kind;

        if ((kind == WORKER_CONV || kind == WORKER_LINEAR) &&
            fill_weighted(explainer, &source, l, err))
            return -1;
        if (kind == WORKER_NORM && !explainer->layers[l].folded &&
            fill_norm(explainer, &source, l, err))
            return -1;
    }
    return 0;
}

static int read_tensor(const struct worker_safetensors *file, const char *path,
                       const struct worker_stored *stored, struct worker_tensor *out,
                       struct mx_err *err)
{
    char shown[WORKER_STORED_SHOWN];

    if (strlen(stored->name) >= sizeof out->name || stored->ndims > 4)
        return mx_fail(err, MX_EDATA,
                       "%s: tensor '%s' is none of a network's: take it out of the file", path,
                       worker_stored_shown(stored->name, shown));
    memcpy(out->name, stored->name, strlen(stored->name) + 1);
    out->ndims = stored->ndims;
    for (uint32_t d = 0; d < stored->ndims; d++)
        out->dims[d] = (uint32_t)stored->dims[d];
    if (!(out->data = malloc((stored->count ? stored->count : 1) * sizeof *out->data)))
        return mx_fail(err, MX_ENOMEM, "no memory to read '%s' of %s", out->name, path);
    return worker_safetensors_read(file, stored, out->data, err);
}

int worker_tensors_read(const char *path, struct worker_tensor **tensors, size_t *count,
                        struct mx_err *err)
{
    struct worker_safetensors *file = worker_safetensors_open(path, err);
    struct worker_tensor      *list = NULL;
    size_t                     n;

    if (!file)
        return -1;
    n = worker_safetensors_count(file);
    if (!(list = calloc(n + 1, sizeof *list))) {
        mx_fail(err, MX_ENOMEM, "no memory to read %s", path);
        goto fail;
    }
    for (size_t t = 0; t < n; t++)
        if (read_tensor(file, path, worker_safetensors_at(file, t), &list[t], err))
            goto fail;
    worker_safetensors_close(file);
    *tensors = list;
    *count = n;
    return 0;

fail:
    if (list)
        worker_tensors_free(list, n);
    worker_safetensors_close(file);
    return -1;
}
