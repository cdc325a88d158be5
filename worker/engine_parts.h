/* engine_parts.h - the inside of an engine, for engine*.c and bench_train.c. */
#ifndef MX_WORKER_ENGINE_PARTS_H
#define MX_WORKER_ENGINE_PARTS_H

#include "kernels/nn.h"
#include "worker/engine.h"
#include "worker/net.h"
#include "worker/net_memory.h"

/* One layer at one batch size. */
struct engine_layer {
    struct kern_op        *op; /* NULL: INPUT and ADD */
    struct kern_op_tensors tensors;
    struct kern_tensor    *grad, *gives;    /* gradients of the output and of the first input */
    struct kern_tensor    *mean, *variance; /* NORM in training: of this batch */
};

/* The network at one batch size, for training or for inference. */
struct engine_plan {
    uint32_t             n;
    bool                 training;
    struct engine_layer *layers;
    struct worker_memory memory;
    char                *block; /* the engine's, or its own if that is too small */
    bool                 own_block;
    float               *statistics; /* of the batch, all norms */
    size_t               statistics_bytes;
};

struct engine_parameter {
    struct worker_parameter info;
    struct kern_tensor     *value, *grad;
    float                  *buffer; /* momentum, in the same order */
    size_t                  floats; /* padding included */
};

enum {
    ENGINE_PLANS = 4 /* sizes of training batches kept at a time */
};

struct worker_engine {
    struct worker_params     params;
    struct worker_net        net;
    uint32_t                 batch_size;
    struct kern_nn          *nn;
    struct engine_parameter *parameters;
    size_t                   nparameters;
    uint32_t                *first;    /* (nlayers): a layer's first parameter */
    struct kern_tensor *(*running)[2]; /* (nlayers): running mean and variance of norms */
    float             *state;          /* values, gradients, momentum, running statistics */
    size_t             state_bytes;
    struct engine_plan training[ENGINE_PLANS]; /* the first is of batch_size */
    struct engine_plan inference;
    char              *block; /* shared by all plans: one runs at a time */
    size_t             block_bytes;
    uint64_t           steps;
};

/* Make operations and lay out memory for n images; engine_plan_bind() gives it
 * memory. On failure the plan is to be freed all the same. */
int  engine_plan_build(struct worker_engine *engine, struct engine_plan *plan, uint32_t n,
                       bool training, struct mx_err *err);
int  engine_plan_bind(struct worker_engine *engine, struct engine_plan *plan, struct mx_err *err);
void engine_plan_free(struct engine_plan *plan, uint32_t nlayers);

/* Make the state (needs the orders that the first plan chose) and draw it. */
int  engine_state_new(struct worker_engine *engine, struct mx_stream init, struct mx_err *err);
void engine_state_free(struct worker_engine *engine);

#endif
