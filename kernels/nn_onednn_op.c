#include "kernels/nn_onednn.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/norm.h"
#include "kernels/winograd.h"

enum {
    MAX_OPERANDS = 10, /* of a pass, workspace and scratch aside */
    MAX_ARGS = MAX_OPERANDS + 2,
};

/* An operand that the primitive wants in another order than its tensor has. */
struct port {
    dnnl_primitive_t reorder;
    dnnl_memory_t    inner;
    void            *data;
    size_t           bytes;
    dnnl_exec_arg_t  args[2];
    bool             output;
    bool             images; /* not weights */
};

struct pass {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t  args[MAX_ARGS];
    int              nargs;
    struct port      ports[MAX_OPERANDS];
    int              nports;
    dnnl_memory_t    scratch;
    void            *scratch_at; /* what scratch points to */
};

struct kern_op {
    struct kern_nn          *nn;
    struct kern_op_shape     shape;
    dnnl_primitive_desc_t    forward_pd;
    dnnl_memory_t            workspace; /* from forward to backward; NULL: none */
    void                    *workspace_data;
    size_t                   workspace_bytes;
    struct pass              pass[KERN_PASSES];
    struct kern_channels     where;         /* NORM, which is ours and works on the tensors below */
    bool                     winograd;      /* CONV: the forward pass is ours too */
    bool                     winograd_back; /* the backward one too */
    struct kern_winograd     tiles;
    struct kern_op_tensors   tensors;
    struct kern_op_gradients gradients;
};

/* Which tensor an argument of a primitive is. */
enum operand {
    SRC,
    WEIGHTS,
    BIAS,
    DST,
    GRAD_DST,
    GRAD_SRC,
    GRAD_WEIGHTS,
    GRAD_BIAS,
    OPERANDS
};

struct row {
    int          arg;
    enum operand operand;
};

/* The arguments of each pass; one that is 0 ends the list. A pass without
 * arguments does not exist. A convolution may have no bias. */
// clang-format off
static const struct row passes[][KERN_PASSES][MAX_OPERANDS] = {
    [KERN_CONV] = {
        [KERN_FORWARD] = {{DNNL_ARG_SRC, SRC}, {DNNL_ARG_WEIGHTS, WEIGHTS}, {DNNL_ARG_BIAS, BIAS},
                          {DNNL_ARG_DST, DST}},
        [KERN_BACKWARD] = {{DNNL_ARG_WEIGHTS, WEIGHTS}, {DNNL_ARG_DIFF_DST, GRAD_DST},
                           {DNNL_ARG_DIFF_SRC, GRAD_SRC}},
        [KERN_BACKWARD_WEIGHTS] = {{DNNL_ARG_SRC, SRC}, {DNNL_ARG_DIFF_DST, GRAD_DST},
                                   {DNNL_ARG_DIFF_WEIGHTS, GRAD_WEIGHTS},
                                   {DNNL_ARG_DIFF_BIAS, GRAD_BIAS}}},
    [KERN_POOL] = {
        [KERN_FORWARD] = {{DNNL_ARG_SRC, SRC}, {DNNL_ARG_DST, DST}},
        [KERN_BACKWARD] = {{DNNL_ARG_DIFF_DST, GRAD_DST}, {DNNL_ARG_DIFF_SRC, GRAD_SRC}}},
    [KERN_MAX_POOL] = {
        [KERN_FORWARD] = {{DNNL_ARG_SRC, SRC}, {DNNL_ARG_DST, DST}},
        [KERN_BACKWARD] = {{DNNL_ARG_DIFF_DST, GRAD_DST}, {DNNL_ARG_DIFF_SRC, GRAD_SRC}}},
    [KERN_LINEAR] = {
        [KERN_FORWARD] = {{DNNL_ARG_SRC, SRC}, {DNNL_ARG_WEIGHTS, WEIGHTS}, {DNNL_ARG_BIAS, BIAS},
                          {DNNL_ARG_DST, DST}},
        [KERN_BACKWARD] = {{DNNL_ARG_WEIGHTS, WEIGHTS}, {DNNL_ARG_DIFF_DST, GRAD_DST},
                           {DNNL_ARG_DIFF_SRC, GRAD_SRC}},
        [KERN_BACKWARD_WEIGHTS] = {{DNNL_ARG_SRC, SRC}, {DNNL_ARG_DIFF_DST, GRAD_DST},
                                   {DNNL_ARG_DIFF_WEIGHTS, GRAD_WEIGHTS},
                                   {DNNL_ARG_DIFF_BIAS, GRAD_BIAS}}},
};
// clang-format on

static bool is_output(enum operand operand)
{
    return operand == DST || operand >= GRAD_SRC;
}

/* Put a reorder between a tensor and the order in which the primitive takes it. */
static int add_port(struct kern_nn *nn, struct pass *pass, const struct row *row,
                    const struct kern_tensor *tensor, kern_const_md wanted, struct mx_err *err)
{
    struct port *port = &pass->ports[pass->nports++];
    bool         output = is_output(row->operand);

    port->output = output;
    port->images = row->operand != WEIGHTS && row->operand != GRAD_WEIGHTS;
    port->bytes = dnnl_memory_desc_get_size(wanted);
    if (!(port->data = kern_own_memory(nn, port->bytes)))
        return mx_fail(err, MX_ENOMEM, "no memory to reorder a tensor of %zu bytes", port->bytes);
    DNN_TRY(dnnl_memory_create(&port->inner, wanted, nn->engine, port->data), err);
    DNN_TRY(kern_reorder_new(&port->reorder, nn, output ? wanted : tensor->md,
                             output ? tensor->md : wanted),
            err);
    port->args[0].arg = DNNL_ARG_FROM;
    port->args[0].memory = output ? port->inner : tensor->memory;
    port->args[1].arg = DNNL_ARG_TO;
    port->args[1].memory = output ? tensor->memory : port->inner;
    return 0;

fail:
    return -1;
}

static int add_operand(struct kern_nn *nn, struct pass *pass, const_dnnl_primitive_desc_t pd,
                       const struct row *row, const struct kern_tensor *tensor, struct mx_err *err)
{
    dnnl_memory_t memory = tensor->memory;

    if (tensor->ndims > 1) { /* vectors have one order only */
        kern_const_md wanted = dnnl_primitive_desc_query_md(pd, dnnl_query_exec_arg_md, row->arg);

        if (!dnnl_memory_desc_equal(wanted, tensor->md)) {
            if (add_port(nn, pass, row, tensor, wanted, err))
                return -1;
            memory = pass->ports[pass->nports - 1].inner;
        }
    }
    pass->args[pass->nargs].arg = row->arg;
    pass->args[pass->nargs++].memory = memory;
    return 0;
}

/* Scratch is shared by all operations and as large as the largest wants. */
static int add_scratch(struct kern_nn *nn, struct pass *pass, const_dnnl_primitive_desc_t pd,
                       struct mx_err *err)
{
    kern_const_md md = dnnl_primitive_desc_query_md(pd, dnnl_query_scratchpad_md, 0);
    size_t        bytes = md ? dnnl_memory_desc_get_size(md) : 0;

    if (bytes == 0)
        return 0;
    if (kern_reserve_scratch(nn, bytes, err))
        return -1;
    pass->scratch_at = nn->scratch;
    DNN_TRY(dnnl_memory_create(&pass->scratch, md, nn->engine, nn->scratch), err);
    pass->args[pass->nargs].arg = DNNL_ARG_SCRATCHPAD;
    pass->args[pass->nargs++].memory = pass->scratch;
    return 0;

fail:
    return -1;
}

static int add_workspace(struct kern_op *op, struct pass *pass, const_dnnl_primitive_desc_t pd,
                         struct mx_err *err)
{
    kern_const_md md = dnnl_primitive_desc_query_md(pd, dnnl_query_workspace_md, 0);
    size_t        bytes = md ? dnnl_memory_desc_get_size(md) : 0;

    if (bytes == 0)
        return 0;
    if (!op->workspace) {
        if (!(op->workspace_data = kern_own_memory(op->nn, bytes)))
            return mx_fail(err, MX_ENOMEM, "no memory for a workspace of %zu bytes", bytes);
        op->workspace_bytes = bytes;
        DNN_TRY(dnnl_memory_create(&op->workspace, md, op->nn->engine, op->workspace_data), err);
    }
    pass->args[pass->nargs].arg = DNNL_ARG_WORKSPACE;
    pass->args[pass->nargs++].memory = op->workspace;
    return 0;

fail:
    return -1;
}

static int build_pass(struct kern_op *op, enum kern_pass which, const_dnnl_primitive_desc_t pd,
                      struct kern_tensor *const tensors[OPERANDS], struct mx_err *err)
{
    struct pass      *pass = &op->pass[which];
    const struct row *rows = passes[op->shape.kind][which];

    for (int r = 0; r < MAX_OPERANDS && rows[r].arg; r++)
        if (tensors[rows[r].operand] &&
            add_operand(op->nn, pass, pd, &rows[r], tensors[rows[r].operand], err))
            return -1;
    if (add_workspace(op, pass, pd, err) || add_scratch(op->nn, pass, pd, err))
        return -1;
    DNN_TRY(dnnl_primitive_create(&pass->primitive, pd), err);
    return 0;

fail:
    return -1;
}

/* Make a tensor in the order that the operation chose for an argument. */
static struct kern_tensor *chosen_tensor(const struct kern_op *op, int arg, unsigned ndims,
                                         const dnnl_dims_t dims, struct mx_err *err)
{
    return kern_tensor_new(
        op->nn, ndims, dims,
        dnnl_primitive_desc_query_md(op->forward_pd, dnnl_query_exec_arg_md, arg), err);
}

static int make_missing(struct kern_op *op, struct kern_op_tensors *tensors, struct mx_err *err)
{
    struct kern_op_dims dims = kern_op_dims(&op->shape, tensors->src);
    bool                weighted = op->shape.kind == KERN_CONV || op->shape.kind == KERN_LINEAR;

    if (weighted && !tensors->weights &&
        !(tensors->weights =
              chosen_tensor(op, DNNL_ARG_WEIGHTS, dims.weights_ndims, dims.weights, err)))
        return -1;
    if (!tensors->dst &&
        !(tensors->dst = chosen_tensor(op, DNNL_ARG_DST, dims.dst_ndims, dims.dst, err)))
        return -1;
    return 0;
}

static int make_norm(struct kern_op *op, struct kern_op_tensors *tensors, struct mx_err *err)
{
    if (!tensors->dst && !(tensors->dst = kern_tensor_like(tensors->src, err)))
        return -1;
    op->tensors = *tensors;
    return kern_tensor_channels(tensors->src, &op->where, err);
}

/* A 3x3 convolution is ours where that pays (kernels/winograd.h, which runs on one
 * thread), but for the gradient of its weights. */
static int try_winograd(struct kern_op *op, const struct kern_op_tensors *at, struct mx_err *err)
{
    const struct kern_op_shape *shape = &op->shape;
    const uint32_t more = shape->more[0] | shape->more[1] | shape->more[2] | shape->more[3];

    if (shape->kind != KERN_CONV || shape->kernel != 3 || shape->stride != 1 || shape->pad != 1 ||
        shape->groups > 1 || more || op->nn->threads > 1)
        return 0;
    op->tiles = (struct kern_winograd){(uint32_t)at->src->dims[0], (uint32_t)at->src->dims[1],
                                       shape->channels, (uint32_t)at->src->dims[2],
                                       (uint32_t)at->src->dims[3]};
    op->winograd = kern_winograd_fits(&op->tiles) && kern_images_in_eights(at->src) &&
                   kern_images_in_eights(at->dst) && kern_weights_in_eights(at->weights);
    op->tensors = *at;
    return op->winograd
               ? kern_reserve_scratch(
                     op->nn, kern_winograd_room(op->tiles.in, op->tiles.out) * sizeof(float), err)
               : 0;
}

struct kern_op *kern_op_new(struct kern_nn *nn, const struct kern_op_shape *shape,
                            struct kern_op_tensors *tensors, struct mx_err *err)
{
    struct kern_op *op = calloc(1, sizeof *op);

    if (!op) {
        mx_fail(err, MX_ENOMEM, "no memory for a network operation");
        return NULL;
    }
    op->nn = nn;
    op->shape = *shape;
    if (shape->kind == KERN_NORM) {
        if (make_norm(op, tensors, err))
            goto fail;
        return op;
    }
    if (kern_choose(nn, shape, KERN_FORWARD, tensors, NULL, &op->forward_pd, err) ||
        make_missing(op, tensors, err) || try_winograd(op, tensors, err))
        goto fail;
    if (!op->winograd) {
        struct kern_tensor *const all[OPERANDS] = {[SRC] = tensors->src,
                                                   [WEIGHTS] = tensors->weights,
                                                   [BIAS] = tensors->bias,
                                                   [DST] = tensors->dst};

        if (build_pass(op, KERN_FORWARD, op->forward_pd, all, err))
            goto fail;
    }
    return op;

fail:
    kern_op_free(op);
    return NULL;
}

static void free_pass(struct kern_op *op, struct pass *pass)
{
    for (int p = 0; p < pass->nports; p++) {
        struct port *port = &pass->ports[p];

        if (port->reorder)
            dnnl_primitive_destroy(port->reorder);
        if (port->inner)
            dnnl_memory_destroy(port->inner);
        kern_free_memory(op->nn, port->data, port->bytes);
    }
    if (pass->scratch)
        dnnl_memory_destroy(pass->scratch);
    if (pass->primitive)
        dnnl_primitive_destroy(pass->primitive);
}

void kern_op_free(struct kern_op *op)
{
    if (!op)
        return;
    for (int which = 0; which < KERN_PASSES; which++)
        free_pass(op, &op->pass[which]);
    if (op->workspace)
        dnnl_memory_destroy(op->workspace);
    kern_free_memory(op->nn, op->workspace_data, op->workspace_bytes);
    if (op->forward_pd)
        dnnl_primitive_desc_destroy(op->forward_pd);
    free(op);
}

int kern_op_add_backward(struct kern_op *op, const struct kern_op_tensors *tensors,
                         const struct kern_op_gradients *gradients, struct mx_err *err)
{
    struct kern_tensor *const all[OPERANDS] = {
        [SRC] = tensors->src,         [WEIGHTS] = tensors->weights,
        [BIAS] = tensors->bias,       [GRAD_DST] = gradients->dst,
        [GRAD_SRC] = gradients->src,  [GRAD_WEIGHTS] = gradients->weights,
        [GRAD_BIAS] = gradients->bias};

    op->gradients = *gradients;
    for (enum kern_pass which = KERN_BACKWARD; which < KERN_PASSES; which++) {
        dnnl_primitive_desc_t pd = NULL;
        int                   failed;

        if (!passes[op->shape.kind][which][0].arg || (which == KERN_BACKWARD && !gradients->src) ||
            (which == KERN_BACKWARD_WEIGHTS && !gradients->weights))
            continue;
        if (which == KERN_BACKWARD && op->winograd) {
            op->winograd_back =
                kern_images_in_eights(gradients->dst) && kern_images_in_eights(gradients->src);
            if (op->winograd_back)
                continue;
        }
        if (kern_choose(op->nn, &op->shape, which, tensors, op->forward_pd, &pd, err))
            return -1;
        failed = build_pass(op, which, pd, all, err);
        dnnl_primitive_desc_destroy(pd);
        if (failed)
            return -1;
    }
    return 0;
}

unsigned kern_op_image_reorders(const struct kern_op *op)
{
    unsigned reorders = 0;

    for (int which = 0; which < KERN_PASSES; which++)
        for (int p = 0; p < op->pass[which].nports; p++)
            reorders += op->pass[which].ports[p].images;
    return reorders;
}

static dnnl_status_t run_ports(const struct kern_op *op, const struct pass *pass, bool output)
{
    dnnl_status_t status = dnnl_success;

    for (int p = 0; status == dnnl_success && p < pass->nports; p++)
        if (pass->ports[p].output == output)
            status = dnnl_primitive_execute(pass->ports[p].reorder, op->nn->stream, 2,
                                            pass->ports[p].args);
    return status;
}

static int run_pass(struct kern_op *op, struct pass *pass, struct mx_err *err)
{
    if (!pass->primitive)
        return 0;
    if (pass->scratch && pass->scratch_at != op->nn->scratch) { /* it grew meanwhile */
        pass->scratch_at = op->nn->scratch;
        DNN_TRY(dnnl_memory_set_data_handle(pass->scratch, pass->scratch_at), err);
    }
    DNN_TRY(run_ports(op, pass, false), err);
    DNN_TRY(dnnl_primitive_execute(pass->primitive, op->nn->stream, pass->nargs, pass->args), err);
    DNN_TRY(run_ports(op, pass, true), err);
    DNN_TRY(dnnl_stream_wait(op->nn->stream), err);
    return 0;

fail:
    return -1;
}

static void run_tiles(const struct kern_op *op)
{
    const struct kern_op_tensors    *at = &op->tensors;
    const struct kern_winograd_after after = {at->bias ? at->bias->data : NULL, op->shape.sum,
                                              op->shape.relu, op->shape.cap};

    kern_winograd_forward(&op->tiles, at->src->data, at->weights->data, &after, at->dst->data,
                          op->nn->scratch);
}

static void run_norm(const struct kern_op *op, bool backward)
{
    const struct kern_op_tensors   *at = &op->tensors;
    const struct kern_op_gradients *to = &op->gradients;
    const struct kern_norm          norm = {.x = at->src->data,
                                            .scale = at->weights->data,
                                            .shift = at->bias->data,
                                            .mean = at->mean->data,
                                            .variance = at->variance->data,
                                            .epsilon = (double)op->shape.epsilon,
                                            .fixed = op->shape.fixed,
                                            .dx = backward ? to->src->data : NULL,
                                            .dscale = to->weights ? to->weights->data : NULL,
                                            .dshift = to->bias ? to->bias->data : NULL};
    const struct kern_norm_sum      sum = {
             .where = op->where, .norms = {&norm}, .y = at->dst->data, .relu = op->shape.relu};

    if (backward)
        kern_norm_backward(&sum, &(struct kern_norm_gradient){.a = to->dst->data});
    else
        kern_norm_forward(&sum);
}

int kern_op_forward(struct kern_op *op, struct mx_err *err)
{
    if (op->shape.kind == KERN_NORM)
        run_norm(op, false);
    else if (op->winograd)
        run_tiles(op);
    else
        return run_pass(op, &op->pass[KERN_FORWARD], err);
    return 0;
}

int kern_op_backward(struct kern_op *op, struct mx_err *err)
{
    if (op->shape.kind == KERN_NORM && op->gradients.src)
        run_norm(op, true);
    if (op->winograd_back)
        kern_winograd_backward(&op->tiles, op->gradients.dst->data, op->tensors.weights->data,
                               op->gradients.src->data, op->nn->scratch);
    if (run_pass(op, &op->pass[KERN_BACKWARD], err))
        return -1;
    return run_pass(op, &op->pass[KERN_BACKWARD_WEIGHTS], err);
}
