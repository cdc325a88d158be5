#include "worker/net_fold.h"

#include <stdlib.h>
#include <string.h>

/* At work: at[l] is the layer of the new list that makes the output of layer l. */
struct folding {
    const struct worker_net *net;
    struct worker_folded    *to;
    uint32_t                *at;
};

/* The convolution that makes the output of a layer, if a norm, ReLU or sum can still
 * go into it: nobody else reads that output. NULL: there is none. */
static struct worker_layer *open_convolution(const struct folding *folding, uint32_t layer)
{
    struct worker_layer *conv = &folding->to->net.layers[folding->at[layer]];

    return layer > 0 && conv->kind == WORKER_CONV && !conv->relu &&
                   worker_net_users(folding->net, layer) == 1
               ? conv
               : NULL;
}

static bool fold_norm(struct folding *folding, uint32_t l)
{
    const struct worker_layer *norm = &folding->net->layers[l];
    const uint32_t             in = norm->inputs[0];
    struct worker_layer       *conv = open_convolution(folding, in);

    if (!conv || folding->net->layers[in].kind != WORKER_CONV)
        return false;
    conv->bias = true;
    conv->relu = norm->relu;
    folding->to->origins[folding->at[in]].norm = l;
    folding->at[l] = folding->at[in];
    return true;
}

static bool fold_relu(struct folding *folding, uint32_t l)
{
    const struct worker_layer *relu = &folding->net->layers[l];
    struct worker_layer       *conv = open_convolution(folding, relu->inputs[0]);

    if (!conv)
        return false;
    conv->relu = true;
    conv->cap = relu->cap;
    folding->at[l] = folding->at[relu->inputs[0]];
    return true;
}

/* True if a term is there before `conv` runs and nobody but the sum reads it from then
 * on, so that it may be added to. */
static bool is_free(const struct folding *folding, uint32_t term, uint32_t sum, uint32_t conv)
{
    const struct worker_net *net = folding->net;

    if (folding->at[term] == 0 || folding->at[term] >= conv)
        return false;
    for (uint32_t l = term + 1; l < net->nlayers; l++) {
        const struct worker_layer *layer = &net->layers[l];
        const bool                 reads =
            layer->inputs[0] == term || (layer->kind == WORKER_ADD && layer->inputs[1] == term);

        if (l != sum && reads && (l > sum || folding->at[l] >= conv))
            return false;
    }
    return true;
}

static bool fold_sum(struct folding *folding, uint32_t l)
{
    const struct worker_layer *sum = &folding->net->layers[l];

    for (int i = 0; i < 2; i++) {
        const uint32_t       own = sum->inputs[i], other = sum->inputs[1 - i];
        struct worker_layer *conv = open_convolution(folding, own);

        if (!conv || conv->adds || !is_free(folding, other, l, folding->at[own]))
            continue;
        conv->adds = true;
        conv->relu = sum->relu;
        conv->inputs[1] = folding->at[other];
        folding->at[l] = folding->at[own];
        return true;
    }
    return false;
}

static void copy(struct folding *folding, uint32_t l)
{
    struct worker_net   *to = &folding->to->net;
    struct worker_layer *layer = &to->layers[to->nlayers];

    *layer = folding->net->layers[l];
    for (int i = 0; l > 0 && i < 2; i++)
        layer->inputs[i] = folding->at[layer->inputs[i]];
    folding->to->origins[to->nlayers].layer = l;
    folding->at[l] = to->nlayers++;
}

int worker_net_fold(const struct worker_net *net, struct worker_folded *folded, struct mx_err *err)
{
    struct folding folding = {net, folded, calloc(net->nlayers, sizeof *folding.at)};

    memset(folded, 0, sizeof *folded);
    folded->net.layers = calloc(net->nlayers, sizeof *folded->net.layers);
    folded->origins = calloc(net->nlayers, sizeof *folded->origins);
    if (!folding.at || !folded->net.layers || !folded->origins) {
        free(folding.at);
        worker_folded_free(folded);
        return mx_fail(err, MX_ENOMEM, "no memory to fold a network of %u layers", net->nlayers);
    }
    folded->net.room = net->nlayers;
    for (uint32_t l = 0; l < net->nlayers; l++) {
        const enum worker_layer_kind kind = net->layers[l].kind;

        if (!(kind == WORKER_NORM   ? fold_norm(&folding, l)
              : kind == WORKER_RELU ? fold_relu(&folding, l)
              : kind == WORKER_ADD  ? fold_sum(&folding, l)
                                    : false))
            copy(&folding, l);
    }
    free(folding.at);
    return 0;
}

void worker_folded_free(struct worker_folded *folded)
{
    worker_net_free(&folded->net);
    free(folded->origins);
    folded->origins = NULL;
}
