/* explain_parts.h - the inside of an explainer, for explain*.c and map_*.c. */
#ifndef MX_WORKER_EXPLAIN_PARTS_H
#define MX_WORKER_EXPLAIN_PARTS_H

#include "kernels/device.h"
#include "kernels/nn.h"
#include "worker/explain.h"

/* Memory that many tensors take in turn, as large as the largest. */
enum explain_slot {
    EXPLAIN_GIVES, /* a part of a gradient on its way to a layer with several users */
    EXPLAIN_PLUS,  /* positive values of a signed input; and what its positive ... */
    EXPLAIN_MINUS, /* negative values; ... and its negative contributions sum to */
    EXPLAIN_SUM_PLUS,
    EXPLAIN_SUM_MINUS,
    EXPLAIN_BACK_PLUS, /* what comes back through each */
    EXPLAIN_BACK_MINUS,
    EXPLAIN_SLOTS,
    EXPLAIN_OWN, /* memory of its own */
};

/* A tensor of the explainer, and where it lies. */
struct explain_held {
    struct kern_tensor       *tensor;
    const struct kern_tensor *same; /* in the memory of this one */
    enum explain_slot         slot;
};

/* A convolution by weights of one sign, without bias. */
struct explain_part {
    struct kern_op     *op;
    struct kern_tensor *src, *weights, *sum, *back;
};

struct explain_layer {
    struct kern_op     *op; /* NULL: INPUT, ADD, RELU, a folded NORM */
    struct kern_tensor *value, *grad, *gives;
    struct kern_tensor *weights, *bias, *mean, *variance;
    bool                folded; /* a NORM within the convolution before it, whose tensors it has */
    bool                shared; /* several users: gradients add up */
    bool                filled; /* backward: grad has something */
    bool                positive; /* its output is never negative */
    struct explain_part part[2];  /* relevance: of positive and of negative inputs */
    struct kern_tensor *share;    /* relevance, ADD: what its first term gets */
};

struct worker_explainer {
    const struct worker_net  *net;
    uint32_t                  n; /* images at a time */
    struct kern_nn           *nn;
    const struct kern_device *on; /* where tensors, images and maps lie */
    struct explain_layer     *layers;
    struct explain_held      *held;
    size_t                    nheld, room;
    char                     *block;
    size_t                    bytes; /* of block */
    uint32_t                  cam;   /* the layer of gradcam; 0: none */
    bool                      relevance;
    float                    *images; /* (n, image): those that a map is made of */
    float                    *maps;   /* (n, pixels) */
    float                    *logits; /* (n, classes), the host's */
};

/* How the backward pass treats a ReLU. */
enum explain_mode {
    EXPLAIN_GRADIENT,
    EXPLAIN_GUIDED,
};

size_t   explain_pixels(const struct worker_explainer *explainer);
size_t   explain_image_floats(const struct worker_explainer *explainer);
uint32_t explain_classes(const struct worker_explainer *explainer);
size_t   explain_floats(const struct kern_tensor *tensor);

/* Channels, height and width of n images. */
struct kern_map_sides explain_sides(const struct worker_explainer *explainer, uint32_t n);

/* Where the network takes its images from, on the device. */
float *explain_input(const struct worker_explainer *explainer);

/* Outputs of n images, up to a batch, that are there; the rest of the batch is zeros. */
int explain_run(struct worker_explainer *explainer, uint32_t n, struct mx_err *err);

/* The same for images of the host. */
int explain_forward(struct worker_explainer *explainer, const float *images, uint32_t n,
                    struct mx_err *err);

/* After it: the logits (n, classes) of the first n images, theirs until the next pass; NULL with
 * *err. */
const float *explain_logits(struct worker_explainer *explainer, uint32_t n, struct mx_err *err);

/* The maps of n images, from where the device made them. */
int explain_take_maps(struct worker_explainer *explainer, uint32_t n, float *maps,
                      struct mx_err *err);

/* Bytes of the device, for one call; NULL with *err. Zeros, if wanted. */
void *explain_room(struct worker_explainer *explainer, size_t bytes, bool zeros,
                   struct mx_err *err);
void  explain_room_free(struct worker_explainer *explainer, void *room); /* or NULL */

/* Begin at the last layer's gradient: at each image's target 1, or what values (n, classes) has there. */
int explain_start(struct worker_explainer *explainer, const uint32_t *targets, const float *values,
                  uint32_t n, struct mx_err *err);

/* Gradients of the targets' logits down to layer `until` (0: the images), in
 * layers[until].grad. */
int explain_backward(struct worker_explainer *explainer, const uint32_t *targets, uint32_t n,
                     enum explain_mode mode, uint32_t until, struct mx_err *err);

/* Relevance of the images, in layers[0].grad. */
int explain_relevance(struct worker_explainer *explainer, const uint32_t *targets, uint32_t n,
                      struct mx_err *err);

/* Let a part of the gradient reach a layer; data may be its very memory. */
void explain_give(struct worker_explainer *explainer, uint32_t layer, const float *data);

/* Add what relevance needs to layer l, a convolution or a sum. */
int explain_relevance_build(struct worker_explainer *explainer, uint32_t l, struct mx_err *err);

/* Fill their weights from those of the convolution. */
void explain_relevance_fill(struct worker_explainer *explainer, uint32_t l);

/* Own a tensor (NULL: an error before, passed on), and say where it lies. */
struct kern_tensor *explain_hold(struct worker_explainer *explainer, struct kern_tensor *tensor,
                                 enum explain_slot slot, const struct kern_tensor *same,
                                 struct mx_err *err);

/* The shape of a layer's operation. */
struct kern_op_shape explain_op_shape(const struct worker_layer *layer);

/* Fill all weights, norms folded. */
int explain_weights_fill(struct worker_explainer *explainer, const struct worker_tensor *tensors,
                         size_t count, struct mx_err *err);

/* A map of each kind (struct worker_map_kind). */
#define EXPLAIN_MAP(name)                                                                          \
    int name(struct worker_explainer *explainer, const struct worker_map_options *options,         \
             const struct worker_map_batch *batch, float *maps, double *figures,                   \
             struct mx_err *err)
EXPLAIN_MAP(map_gradient);
EXPLAIN_MAP(map_input_x_gradient);
EXPLAIN_MAP(map_smoothgrad);
EXPLAIN_MAP(map_integrated_gradients);
EXPLAIN_MAP(map_guided_backprop);
EXPLAIN_MAP(map_gradcam);
EXPLAIN_MAP(map_gradcam_plus_plus);
EXPLAIN_MAP(map_layer_relevance);
EXPLAIN_MAP(map_occlusion);
EXPLAIN_MAP(map_rise);
EXPLAIN_MAP(map_random);
EXPLAIN_MAP(map_centre);

#endif
