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
    WORKER_CONV,   /* square window; with bias if bias; then, where it was folded (net_fold.h), plus
                      its second input if adds, and ReLU as of a RELU if relu */
    WORKER_NORM,   /* batch norm, then ReLU if relu */
    WORKER_ADD,    /* sum of two layers, then ReLU if relu */
    WORKER_RELU,   /* ReLU, at most cap if cap > 0; then, in training, dropout if drop > 0 */
    WORKER_POOL,   /* mean over a window; kernel 0: over windows that share out height and width,
                      as kernels/pool.h has it (1 x 1: over all of them) */
    WORKER_MAX,    /* maximum over a window */
    WORKER_LINEAR, /* with bias; the last layer is one: the logits */
};

enum {
    WORKER_LAYER_NAME = 40, /* bytes of a layer's name, with the NUL */
    WORKER_TENSOR_NAME = 64,
};

struct worker_layer {
    enum worker_layer_kind kind;
    char                   name[WORKER_LAYER_NAME]; /* torchvision's: "layer1.0.conv1" */
    uint32_t               inputs[2];               /* earlier layers; ADD and adds use both */
    uint32_t               channels, height, width; /* of the output */
    uint32_t               kernel, stride, pad;     /* CONV, POOL, MAX */
    uint32_t               more[4]; /* CONV: padding besides: above, left, below, right */
    uint32_t               groups;  /* CONV; at least 1 */
    bool                   bias;    /* CONV */
    bool                   adds;    /* CONV: to its second input, where that lies */
    bool                   relu;
    bool                   flat; /* the output is (n, channels): of a LINEAR, or a RELU on one */
    float                  cap, drop; /* RELU; CONV: cap */
    double                 epsilon;   /* NORM */
};

struct worker_net {
    struct worker_layer *layers; /* owned; in an order in which they can run */
    uint32_t             nlayers, room;
    bool                 unfit; /* the images: a window finds no place in them */
};

/* Describe params->model_arch for images of this shape. model.stem auto is
 * imagenet for sides above 64 (worker_weights_stem() looks into model.weights
 * first). Returns 0, or -1 with MX_EINVAL (images that do not fit, and the smallest
 * that do) or MX_ENOMEM; *net is then empty. Release with worker_net_free(). */
int  worker_net_build(const struct worker_params *params, const struct worker_shape *shape,
                      struct worker_net *net, struct mx_err *err);
void worker_net_free(struct worker_net *net);

/* How many trainable tensors a layer has: 0, 1 or 2. */
unsigned worker_layer_parameters(const struct worker_layer *layer);

/* How many layers' inputs a layer's output goes to. */
uint32_t worker_net_users(const struct worker_net *net, uint32_t layer);

/* The last layer of a stage of a residual network (1 to 3: "layer1." ...); 0 if
 * it has no such stage. */
uint32_t worker_net_stage_end(const struct worker_net *net, unsigned stage);

enum worker_parameter_role {
    WORKER_WEIGHT, /* of CONV and LINEAR */
    WORKER_SCALE,  /* of NORM: "weight" */
    WORKER_SHIFT,  /* of NORM: "bias" */
    WORKER_BIAS,   /* of LINEAR and CONV */
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
 * sticks: net->layers becomes NULL, and worker_net_build() reports it, as it
 * does net->unfit. */
uint32_t worker_net_input(struct worker_net *net, const struct worker_shape *shape);
uint32_t worker_net_conv(struct worker_net *net, const char *name, uint32_t input,
                         uint32_t channels, uint32_t kernel, uint32_t stride, uint32_t pad);
uint32_t worker_net_norm(struct worker_net *net, const char *name, uint32_t input, bool relu);
uint32_t worker_net_add(struct worker_net *net, const char *name, uint32_t a, uint32_t b,
                        bool relu);
uint32_t worker_net_relu(struct worker_net *net, const char *name, uint32_t input, float cap,
                         float drop);
uint32_t worker_net_pool(struct worker_net *net, const char *name, uint32_t input);
uint32_t worker_net_max(struct worker_net *net, const char *name, uint32_t input, uint32_t kernel,
                        uint32_t stride, uint32_t pad);
uint32_t worker_net_linear(struct worker_net *net, const char *name, uint32_t input,
                           uint32_t classes);

/* A convolution of another make. */
struct worker_window {
    uint32_t kernel, stride, pad;
    bool     same;      /* TensorFlow's SAME padding, besides pad */
    bool     depthwise; /* as many groups as the input has channels */
    bool     bias;
};
uint32_t worker_net_window(struct worker_net *net, const char *name, uint32_t input,
                           uint32_t channels, const struct worker_window *window);

/* Means over windows down to side x side: equal ones where they can be, else such as may
 * overlap or repeat. Nothing where it is that already. */
uint32_t worker_net_pool_to(struct worker_net *net, const char *name, uint32_t input,
                            uint32_t side);

/* Set the epsilon of every norm; worker_net_norm() gives 1e-5. */
void worker_net_epsilon(struct worker_net *net, double epsilon);

/* How an architecture is to be built. */
struct worker_form {
    uint32_t classes;
    uint32_t width;    /* channels of its first stage */
    bool     imagenet; /* 7x7 and max-pooling first (vgg: three linear layers last), else for
                          small images */
};

/* The same as worker_net_build() for any form; width 0: as published. */
int worker_net_build_form(unsigned arch, const struct worker_form *form,
                          const struct worker_shape *shape, struct worker_net *net,
                          struct mx_err *err);

/* The architectures: append all layers after the input (layer 0). */
void worker_net_plain_linear(struct worker_net *net, const struct worker_form *form,
                             unsigned depth);
void worker_net_resnet(struct worker_net *net, const struct worker_form *form, unsigned depth);
void worker_net_preact_resnet(struct worker_net *net, const struct worker_form *form,
                              unsigned depth);
void worker_net_wide_resnet(struct worker_net *net, const struct worker_form *form, unsigned depth);
void worker_net_vgg(struct worker_net *net, const struct worker_form *form, unsigned depth);
void worker_net_efficientnet_lite(struct worker_net *net, const struct worker_form *form,
                                  unsigned depth);

/* Their first convolution, by form->imagenet. */
uint32_t worker_net_stem(struct worker_net *net, const struct worker_form *form, uint32_t channels);

#ifdef __cplusplus
}
#endif

#endif
