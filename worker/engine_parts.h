/* engine_parts.h - the inside of an engine, for engine*.c and bench_train.c. */
#ifndef MX_WORKER_ENGINE_PARTS_H
#define MX_WORKER_ENGINE_PARTS_H

#include "kernels/device.h"
#include "kernels/nn.h"
#include "worker/engine.h"
#include "worker/net.h"
#include "worker/net_fold.h"
#include "worker/net_memory.h"

/* One layer at one batch size. */
struct engine_layer {
    struct kern_op        *op; /* NULL: INPUT, NORM, ADD, RELU */
    struct kern_op_tensors tensors;
    struct kern_tensor    *grad, *gives;  /* gradients of the output and of the first input */
    struct kern_channels   where;         /* NORM */
    struct kern_tensor    *folded[2];     /* weights and bias with a norm in them, owned */
    struct kern_tensor    *statistics[2]; /* NORM: mean and variance, of the batch or running */
    struct kern_tensor    *own[2];        /* ... in training: of the batch */
};

/* Room to mix the output of a stage (manifold_mixup). */
struct engine_hidden {
    uint32_t layer[WORKER_MIX_LAYERS]; /* of the network, for each enum worker_mix_layer */
    float   *unmixed;                  /* the output as it was, which the backward pass reads */
    float   *gradient;                 /* of the mixed output */
    size_t   bytes;                    /* of each */
    bool     lent;                     /* by the first plan, as plans take turns */
    const struct worker_batch *batch;  /* at work; NULL: it does not mix within the network */
};

/* The work of a step, noted for the steps that are like it. */
struct engine_replay {
    enum worker_mix_layer layer; /* that mixes */
    bool                  targets, lambda;
    uint32_t              runs; /* 0: this one is free */
    struct kern_replay   *work; /* NULL: not yet */
};

enum {
    ENGINE_REPLAYS = 2 * WORKER_MIX_LAYERS
};

/* The network at one batch size, for one use. */
struct engine_plan {
    uint32_t                    n;
    struct kern_nn             *nn; /* the engine's, and its table */
    const struct kern_device   *on;
    enum worker_memory_use      use;
    const struct worker_net    *net;     /* the engine's, or what it folds to */
    const struct worker_origin *origins; /* of its layers; NULL: the engine's own */
    struct engine_layer        *layers;
    struct worker_memory        memory;
    char                       *block; /* the engine's, or its own if that is too small */
    bool                        own_block;
    struct engine_replay        replays[ENGINE_REPLAYS]; /* training, on a device that notes */
    struct engine_hidden       *hidden; /* training: for mixing within the network; NULL: never */
};

struct engine_parameter {
    struct worker_parameter info;
    struct kern_tensor     *value, *grad;
    size_t                  offset, floats; /* of each part of the state; padding included */
};

/* What a network remembers, one array a part. All parts have the parameters at
 * the same offsets, in the same orders; values and averages also have the running
 * statistics, behind them. Parts that this training does not use are NULL. What
 * comes before the gradients is what the next step depends on: one block. */
enum engine_part {
    ENGINE_VALUES,
    ENGINE_MOMENTUM, /* of the gradient: sgd's buffer, adamw's mean */
    ENGINE_SQUARES,  /* adamw's mean of squared gradients */
    ENGINE_AVERAGE,  /* moving average of the values */
    ENGINE_GRADIENTS,
    ENGINE_STATE_PARTS
};

enum {
    ENGINE_PLANS = 4 /* sizes of training batches kept at a time */
};

/* In the init stream, parameters have the names 0, 1, ...; what a layer drops has
 * this and its number, then the step. */
#define ENGINE_DROPOUT 0x80000000u

struct worker_engine {
    struct worker_params      params;
    struct worker_net         net;
    uint32_t                  batch_size;
    struct kern_nn           *nn;
    const struct kern_device *on; /* what it runs on: arrays are its, unless the host is said */
    struct engine_parameter  *parameters;
    size_t                    nparameters;
    uint32_t                 *first;   /* (nlayers): a layer's first parameter */
    struct kern_tensor *(*running)[2]; /* (nlayers): running mean and variance of norms */
    float               *state;        /* all parts, in their order */
    float               *part[ENGINE_STATE_PARTS];
    size_t               part_floats, state_bytes;
    struct engine_plan   training[ENGINE_PLANS]; /* the first is of batch_size */
    struct engine_plan   inference;              /* of the folded network */
    struct worker_folded folded;
    float               *statistics; /* of a batch, all norms: shared as the block is */
    size_t               statistics_bytes;
    float               *folded_state; /* its weights and biases that are not the engine's own */
    size_t               folded_bytes;
    uint64_t             folded_from; /* name of the state that they were made from */
    bool                 is_folded;
    struct engine_plan   explaining; /* n 0 where the strategy asks for no gradient of images */
    char                *block;      /* shared by all plans: one runs at a time */
    size_t               block_bytes;
    uint64_t             steps;
    uint64_t             changes; /* of the state, where it is not the host's to look at */
    struct kern_now     *now;   /* a device that is not the host: what changes from step to step */
    bool                 plain; /* ... steps are not noted, since one could not be, or for tests; */
    struct mx_err        why_plain; /* ... if one could not be; */
    bool                 told_plain;
    uint64_t             replays; /* ... steps that were replayed */
    float               *images;  /* a device that is not the host: of the batch at work; ... */
    float               *seen;    /* ... the host's copy of the logits; ... */
    float               *shadow;  /* ... and of the state, for checkpoints */
    double               hits;    /* of the last step: worker_batch_hits() */
    struct mx_stream     init;    /* of first weights; with ENGINE_DROPOUT, of what is dropped */
};

/* worker_engine_new() for any network, which becomes the engine's (or is released). */
struct worker_engine *engine_new(const struct worker_params *params, enum worker_device device,
                                 struct worker_net *net, uint32_t batch_size, struct mx_stream init,
                                 struct mx_err *err);

/* Make operations and lay out memory for n images; engine_plan_bind() gives it
 * memory. On failure the plan is to be freed all the same. */
int    engine_plan_build(struct worker_engine *engine, struct engine_plan *plan, uint32_t n,
                         enum worker_memory_use use, struct mx_err *err);
int    engine_plan_bind(struct worker_engine *engine, struct engine_plan *plan, struct mx_err *err);
size_t engine_plan_statistics(const struct engine_plan *plan); /* bytes */
void   engine_plan_free(struct engine_plan *plan);

/* NORM: make its tensors; run what is at work at a layer, where a norm is: alone, or
 * absorbed by a sum (then with the sum). They return false, having done nothing, at a
 * layer that has no norm. The backward pass takes the parts of the gradient as they
 * are, and leaves a sum's whole gradient in place. */
int  engine_norm_build(struct worker_engine *engine, struct engine_plan *plan, uint32_t layer,
                       struct mx_err *err);
bool engine_norm_forward(const struct engine_plan *plan, uint32_t layer);
bool engine_norm_backward(const struct worker_engine *engine, const struct engine_plan *plan,
                          uint32_t layer);

/* Bring images where a plan has them, the host's or those in the engine's own room. */
int engine_bring(struct worker_engine *engine, float *to, const float *images, size_t floats,
                 struct mx_err *err);

/* Run a plan that has its images (in place of layer 0): every output, logits
 * last; then, from the gradient of the logits, every other gradient. */
int engine_forward(struct worker_engine *engine, struct engine_plan *plan, struct mx_err *err);
int engine_backward(struct worker_engine *engine, struct engine_plan *plan, struct mx_err *err);

/* The number that a layer of a plan has in the engine's network. */
uint32_t engine_layer_origin(const struct engine_plan *plan, uint32_t layer);

/* Want room for what the inference plan folds; give it its place; bring that up to date with the weights
 * and statistics that are shown. */
int engine_fold_want(struct worker_engine *engine, struct mx_err *err);
int engine_fold_bind(struct worker_engine *engine, struct mx_err *err);
int engine_fold(struct worker_engine *engine, enum engine_part shown, struct mx_err *err);

/* The array at an offset of plan->memory; the elements of a layer's output, padding included. */
float *engine_plan_at(const struct engine_plan *plan, size_t offset);
size_t engine_layer_elements(const struct engine_layer *layer);

/* Make room to mix at the layers of mix.layers, in a plan that is built. Returns
 * 0, or -1 with MX_ENOMEM, or MX_EINVAL where the network has no such layer. */
int  engine_hidden_new(const struct worker_engine *engine, struct engine_plan *plan,
                       struct mx_err *err);
void engine_hidden_free(struct engine_plan *plan);

/* The logits of n images where the host can read them, until the next call. NULL with *err. */
const float *engine_see(struct worker_engine *engine, const struct kern_tensor *logits, uint32_t n,
                        struct mx_err *err);

/* True if the batch at work mixes the output of layer l. */
bool engine_hidden_at(const struct engine_plan *plan, uint32_t l);

/* Mix that output, which has just been made; and, from the parts of its gradient
 * in place, make the gradient of the layer before its ReLU. */
void engine_hidden_forward(const struct engine_plan *plan, uint32_t l);
void engine_hidden_backward(const struct engine_plan *plan, uint32_t l, bool relu);

/* Want room for the state (needs the orders that the first plan chose); make and draw it. */
int  engine_state_want(struct worker_engine *engine, struct mx_err *err);
int  engine_state_new(struct worker_engine *engine, struct mx_stream init, struct mx_err *err);
void engine_state_free(struct worker_engine *engine);

/* How many parts a training keeps, values and gradients included. */
unsigned engine_state_parts(const struct worker_params *params);

/* Floats that a parameter takes of each part, with what aligns the next one. */
size_t engine_parameter_room(const struct engine_parameter *parameter);

/* Fill a tensor of the state from row-major numbers of the host's. */
int engine_write(struct worker_engine *engine, struct kern_tensor *tensor, const float *plain,
                 struct mx_err *err);

/* Let the network's weights and statistics be those of a part: VALUES, as all
 * functions expect and leave it, or AVERAGE. */
int engine_state_show(struct worker_engine *engine, enum engine_part part, struct mx_err *err);

/* The part to score and to keep: the average, once there is one. */
enum engine_part engine_state_scored(const struct worker_engine *engine);

/* All of the memory, once all plans are built: everything gets its place. */
int engine_make_memory(struct worker_engine *engine, struct mx_err *err);

/* A step on a device that is not the host (engine_replay.c). */
int engine_step_queued(struct worker_engine *engine, struct engine_plan *plan,
                       const struct worker_batch *batch, double lr, double *loss,
                       struct mx_err *err);

/* Parts of a step: let the plan read a batch and mix where it says; the loss of its logits; running
 * statistics from those of the batch; hits, and a failure for a loss that is not finite. */
int              engine_show(struct worker_engine *engine, struct engine_plan *plan,
                             const struct worker_batch *batch, struct mx_err *err);
struct kern_loss engine_loss(const struct worker_engine *engine, const struct engine_plan *plan,
                             const struct worker_batch *batch);
void             engine_statistics(struct worker_engine *engine, const struct engine_plan *plan);
int              engine_look(struct worker_engine *engine, const struct engine_plan *plan,
                             const struct worker_batch *batch, double loss, struct mx_err *err);

/* How the rows of the batch at work mix within the network; n 0: they do not. */
struct kern_rows engine_hidden_rows(const struct engine_plan *plan);

/* Queue an update that reads engine->now, which engine_bring_now() brings. */
int  engine_bring_now(struct worker_engine *engine, double lr, struct mx_err *err);
void engine_queue_update(struct worker_engine *engine);

/* One step of the optimiser at learning rate lr, from the gradients; and of the
 * moving average, statistics included. */
int engine_update(struct worker_engine *engine, double lr, struct mx_err *err);

#endif
