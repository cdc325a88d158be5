/* plan_cuda_parts.h - what the files of plans share: descriptors of cuDNN's backend, all of which stay until the plan ends.
 *
 * Private to plan_cuda*.c. Functions that make one return NULL with *err.
 */
#ifndef KERN_PLAN_CUDA_PARTS_H
#define KERN_PLAN_CUDA_PARTS_H

#include "kernels/nn_cuda.h"
#include "kernels/plan_cuda.h"

enum {
    KERN_PLAN_PARTS = 48, /* descriptors of a plan at most */
    KERN_PLAN_TENSORS = 5
};

/* Which array a number stands for in a graph and when it runs. */
enum kern_plan_tensor {
    KERN_PLAN_X = 1,
    KERN_PLAN_W,
    KERN_PLAN_Y,
    KERN_PLAN_SUM, /* what y held */
    KERN_PLAN_BIAS,
    KERN_PLAN_VIRTUAL /* and on: in registers alone */
};

struct kern_plan {
    struct kern_plan        *next;
    struct kern_convolution  of;
    cudnnBackendDescriptor_t parts[KERN_PLAN_PARTS];
    size_t                   nparts;
    cudnnBackendDescriptor_t plan;    /* one of the parts; NULL: the library offers none */
    bool                     has_sum; /* made in place: y is read as KERN_PLAN_SUM */
    size_t                   workspace;
};

/* A new part, not finalised. */
cudnnBackendDescriptor_t kern_plan_part(struct kern_plan *plan, cudnnBackendDescriptorType_t type,
                                        struct mx_err *err);

/* The last part goes. */
void kern_plan_drop(struct kern_plan *plan);

/* The operations of plan->of, and their number, in `operations`; 0 with *err. */
size_t kern_plan_operations(struct kern_plan *plan, const struct kern_planner *planner,
                            cudnnBackendDescriptor_t operations[4], struct mx_err *err);

/* Make plan->plan, by the library's first engine that computes as the planner says; 1: it is there, 0: the library offers
 * none, -1: *err. */
int kern_plan_choose(struct kern_plan *plan, const struct kern_planner *planner,
                     struct mx_err *err);

#endif
