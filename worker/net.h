/* net.h - a network as data: a list of layers, each naming its inputs.
 *
 * One description serves the engine, the estimate of its cost and the
 * double-precision reference of the tests. A new architecture is a new
 * function that fills the list; nothing else knows its name.
 */
#ifndef MX_WORKER_NET_H
#define MX_WORKER_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "worker/dataset.h"
#include "worker/params.h"

#ifdef __cplusplus
extern "C" {
#endif

enum worker_layer_kind {
    WORKER_INPUT,  /* the images; always layer 0, and only it */
    WORKER_CONV,   /* square window, no bias */
    WORKER_NORM,   /* batch norm, then ReLU if relu */
    WORKER_ADD,    /* sum of two layers, then ReLU if relu */
    WORKER_POOL,   /* mean over height and width */
    WORKER_LINEAR, /* with bias; always the last layer, and only it: the logits */
};

enum {
    WORKER_LAYER_NAME = 40, /* bytes of a layer's name, with the NUL */
    WORKER_TENSOR_NAME = 64,
};

struct worker_layer {
    enum worker_layer_kind kind;
    char                   name[WORKER_LAYER_NAME]; /* torchvision's: "layer1.0.conv1" */
    uint32_t               inputs[2];               /* earlier layers; ADD uses both */
    uint32_t               channels, height, width; /* of the output */
    uint32_t               kernel, stride, pad;     /* CONV */
    bool                   relu;
};

struct worker_net {
    struct worker_layer *layers; /* owned; in an order in which they can run */
    uint32_t             nlayers, room;
};

/* Describe params->model_arch for images of this shape. Returns 0, or -1 with
 * MX_EINVAL (an architecture or stem that is not built, images too small) or
 * MX_ENOMEM; *net is then empty. Release with worker_net_free(). */
int  worker_net_build(const struct worker_params *params, const struct worker_shape *shape,
                      struct worker_net *net, struct mx_err *err);
void worker_net_free(struct worker_net *net);

/* How many layers' inputs a layer's output goes to. */
uint32_t worker_net_users(const struct worker_net *net, uint32_t layer);

/* The last layer of a stage of a residual network (1 to 3: "layer1." ...); 0 if
 * it has no such stage. */
uint32_t worker_net_stage_end(const struct worker_net *net, unsigned stage);

enum worker_parameter_role {
    WORKER_WEIGHT, /* of CONV and LINEAR */
    WORKER_SCALE,  /* of NORM: "weight" */
    WORKER_SHIFT,  /* of NORM: "bias" */
    WORKER_BIAS,   /* of LINEAR */
};

/* A trainable tensor. Its place in the list is its number in the init stream. */
struct worker_parameter {
    char                       name[WORKER_TENSOR_NAME]; /* "layer1.0.conv1.weight" */
    enum worker_parameter_role role;
    uint32_t                   layer;
    uint32_t                   ndims, dims[4]; /* as torchvision has it: (out, in, h, w) */
    size_t                     count;          /* product of dims */
};

/* List the trainable tensors, layer by layer. Returns 0 and an array to be
 * released with free(), or -1 with MX_ENOMEM. */
int worker_net_parameters(const struct worker_net *net, struct worker_parameter **parameters,
                          size_t *count, struct mx_err *err);

/* Append a layer; its output shape follows from its inputs. The first error
 * sticks: net->layers becomes NULL, and worker_net_build() reports it. */
uint32_t worker_net_input(struct worker_net *net, const struct worker_shape *shape);
uint32_t worker_net_conv(struct worker_net *net, const char *name, uint32_t input,
                         uint32_t channels, uint32_t kernel, uint32_t stride, uint32_t pad);
uint32_t worker_net_norm(struct worker_net *net, const char *name, uint32_t input, bool relu);
uint32_t worker_net_add(struct worker_net *net, const char *name, uint32_t a, uint32_t b,
                        bool relu);
uint32_t worker_net_pool(struct worker_net *net, const char *name, uint32_t input);
uint32_t worker_net_linear(struct worker_net *net, const char *name, uint32_t input,
                           uint32_t classes);

/* The architectures: append all layers after the input (layer 0). */
void worker_net_plain_linear(struct worker_net *net, const struct worker_shape *shape);
void worker_net_cifar_resnet(struct worker_net *net, const struct worker_shape *shape,
                             unsigned depth);

#ifdef __cplusplus
}
#endif

#endif
