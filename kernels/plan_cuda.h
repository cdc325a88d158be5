/* plan_cuda.h - convolutions by cuDNN's graph interface.
 *
 * A plan is one pass of one convolution, forward together with what is done to its result, as cuDNN
 * turned it into kernels. The library ranks its engines by the shapes and the card, and the first one is taken that
 * computes as was asked for (docs/decisions/022-fusion-by-cudnn.md). No engine is compiled or timed for it.
 *
 * Private to *_cuda.c. Images are (n, channels, height, width), filters (filters, channels of a group, height, width):
 * float32 and row-major, with KERN_BF16 bfloat16 and channels-last.
 */
#ifndef KERN_PLAN_CUDA_H
#define KERN_PLAN_CUDA_H

#include <cudnn.h>

#include "kernels/nn.h"

struct kern_plan; /* what cuDNN made */

enum kern_pass {
    KERN_FORWARD,
    KERN_TO_DATA,   /* the gradient of the images */
    KERN_TO_WEIGHTS /* the gradient of the filters */
};

struct kern_convolution {
    enum kern_pass pass;
    int64_t        x[4], w[4], y[4];
    int64_t        pad, stride; /* as in struct kern_op_shape, and so are these, forward alone: */
    bool  sum, bias, relu; /* to what y holds; one number a filter, of the type of the images */
    float cap;
};

/* How plans of a device compute. */
struct kern_planner {
    cudnnHandle_t       handle;
    enum kern_precision precision;
    bool                repeats; /* no engine that adds in an order of its own */
};

/* The plan of a convolution, made unless it is among those made before, which are `*plans` (NULL: none so far); *plan is NULL
 * if the library offers none. Returns 0, or -1 with *err, as kern_cudnn_check() has it. Plans stay until all of them are freed. */
int  kern_plan_of(struct kern_plan **plans, const struct kern_planner *planner,
                  const struct kern_convolution *convolution, const struct kern_plan **plan,
                  struct mx_err *err);
void kern_plans_free(struct kern_plan *plans); /* NULL is allowed */

/* Bytes of workspace that it needs while it runs. */
size_t kern_plan_workspace(const struct kern_plan *plan);

/* Where a plan works: the device's memory, aligned to 16 bytes. Of x, w and y, the one whose gradient it makes is
 * written. */
struct kern_plan_places {
    const void *x, *w, *y, *bias;
    void       *workspace;
};

/* Queue it on the handle's stream. */
int kern_plan_run(const struct kern_plan *plan, cudnnHandle_t handle,
                  const struct kern_plan_places *at, struct mx_err *err);

#endif
