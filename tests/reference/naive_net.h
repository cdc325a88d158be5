/* naive_net.h - networks by definition: double precision, plain loops.
 *
 * What every backend is compared with. It walks the same list of layers as the
 * engine, knows no layout but row-major, and is itself held against finite
 * differences (tests/unit/test_naive_net.c).
 */
#ifndef MX_NAIVE_NET_H
#define MX_NAIVE_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/reference/naive_layers.h"
#include "worker/net.h"

struct naive_moments;

/* A network with its state. All arrays are owned. */
struct naive_net {
    const struct worker_net *net; /* lent */
    struct worker_parameter *infos;
    size_t                   nparameters;
    uint32_t                 n;                       /* images */
    double                 **parameters, **gradients; /* (nparameters) each */
    double                 **values, **grads;         /* (nlayers): outputs and their gradients */
    double                 **mean, **variance, **running_mean, **running_variance; /* of norms */
    struct naive_moments    *moments;   /* of the optimiser */
    double                   smoothing; /* share of each label spread over all classes */
    /* Mixing within the network: output x_i of this layer (0: of none) becomes
     * share[i] x_i + (1 - share[i]) x_partner[i]. Lent. */
    uint32_t                 hidden_layer;
    const float             *hidden_share;
    const uint32_t          *hidden_partner;
};

struct naive_batch {
    const float    *images;
    const uint32_t *y_a, *y_b;
    const float    *lambda;
};

struct naive_net *naive_net_new(const struct worker_net *net, uint32_t n);
void              naive_net_free(struct naive_net *naive);

/* A mean of n images, as a layer without a window has it. */
struct naive_share naive_share_of(const struct worker_net *net, uint32_t layer, uint32_t n);

/* Mean loss of a batch of naive->n images, leaving outputs (and, in training,
 * the batch's statistics). Logits are naive->values[nlayers - 1]. */
double naive_net_forward(struct naive_net *naive, const struct naive_batch *batch, bool training);

/* Gradients of that loss by every parameter and by every output, the images
 * (layer 0) included. */
void naive_net_backward(struct naive_net *naive, const struct naive_batch *batch);

/* Forward, backward, running statistics and one step of the optimiser. Returns
 * the loss. */
double naive_net_step(struct naive_net *naive, const struct naive_batch *batch,
                      const struct worker_params *params, double lr);

#endif
