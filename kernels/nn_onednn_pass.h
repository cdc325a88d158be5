/* nn_onednn_pass.h - one pass of an operation as a primitive of oneDNN, with its
 * arguments and what reorders them. Private to nn_onednn_pass.c and nn_onednn_op.c.
 */
#ifndef KERN_NN_ONEDNN_PASS_H
#define KERN_NN_ONEDNN_PASS_H

#include "kernels/nn_onednn.h"

enum {
    KERN_MAX_OPERANDS = 10, /* of a pass, workspace and scratch aside */
    KERN_MAX_ARGS = KERN_MAX_OPERANDS + 2,
};

/* Which tensor an argument of a primitive is. */
enum kern_operand {
    KERN_SRC,
    KERN_WEIGHTS,
    KERN_BIAS,
    KERN_DST,
    KERN_GRAD_DST,
    KERN_GRAD_SRC,
    KERN_GRAD_WEIGHTS,
    KERN_GRAD_BIAS,
    KERN_OPERANDS
};

/* An operand that the primitive wants in another order than its tensor has. */
struct kern_port {
    dnnl_primitive_t reorder;
    dnnl_memory_t    inner;
    void            *data;
    size_t           bytes;
    dnnl_exec_arg_t  args[2];
    bool             output;
    bool             images; /* not weights */
};

/* What one pass leaves to the others of its operation. memory NULL: nothing. */
struct kern_workspace {
    dnnl_memory_t memory;
    void         *data;
    size_t        bytes;
};

/* All zero: there is no such pass, and running it does nothing. */
struct kern_primitive {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t  args[KERN_MAX_ARGS];
    int              nargs;
    struct kern_port ports[KERN_MAX_OPERANDS];
    int              nports;
    dnnl_memory_t    scratch;
    void            *scratch_at; /* what scratch points to */
};

/* True if operations of this kind have this pass. */
bool kern_pass_exists(enum kern_op_kind kind, enum kern_pass pass);

/* What a primitive is built for; tensors that an operation does without are NULL. */
struct kern_pass_plan {
    struct kern_nn             *nn;
    enum kern_op_kind           kind;
    enum kern_pass              pass;
    const_dnnl_primitive_desc_t pd;
    struct kern_tensor         *tensors[KERN_OPERANDS];
};

/* Build *out, which is all zero, and the workspace if it is the first to want one. What
 * was made before a failure stays there. */
int kern_primitive_build(const struct kern_pass_plan *plan, struct kern_workspace *workspace,
                         struct kern_primitive *out, struct mx_err *err);

void kern_primitive_free(struct kern_primitive *primitive, struct kern_nn *nn);
void kern_workspace_free(struct kern_workspace *workspace, struct kern_nn *nn);

/* How many of its images, outputs and gradients of these are reordered. */
unsigned kern_primitive_image_reorders(const struct kern_primitive *primitive);

int kern_primitive_run(struct kern_primitive *primitive, struct kern_nn *nn, struct mx_err *err);

#endif
