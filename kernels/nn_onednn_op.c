#include "kernels/nn_onednn_pass.h"

#include <stdlib.h>

#include "kernels/norm.h"
#include "kernels/pool.h"
#include "kernels/winograd.h"

struct dnn_op {
    struct kern_op        op;
    dnnl_primitive_desc_t forward_pd;
    struct kern_workspace workspace; /* from forward to backward */
    struct kern_primitive pass[KERN_PASSES];
    struct kern_channels  where;            /* NORM, which is ours and works on op.tensors */
    bool                  winograd;         /* CONV: the forward pass is ours too */
    bool                  winograd_back;    /* the backward one too */
    bool                  winograd_weights; /* and that of the weights */
    struct kern_winograd  tiles;
};

/* POOL down to more than one place, which is ours as well. */
static bool is_shared_out(const struct kern_op_shape *shape)
{
    return shape->kind == KERN_POOL && shape->kernel == 0 && shape->side > 1;
}

/* Make a tensor in the order that the operation chose for an argument. */
static struct kern_tensor *chosen_tensor(const struct dnn_op *op, int arg, unsigned ndims,
                                         const dnnl_dims_t dims, struct mx_err *err)
{
    return kern_tensor_new(
        op->op.nn, ndims, dims,
        dnnl_primitive_desc_query_md(op->forward_pd, dnnl_query_exec_arg_md, arg), err);
}

static int make_missing(struct dnn_op *op, struct kern_op_tensors *tensors, struct mx_err *err)
{
    struct kern_op_dims dims = kern_op_dims(&op->op.shape, tensors->src);
    bool weighted = op->op.shape.kind == KERN_CONV || op->op.shape.kind == KERN_LINEAR;

    if (weighted && !tensors->weights &&
        !(tensors->weights =
              chosen_tensor(op, DNNL_ARG_WEIGHTS, dims.weights_ndims, dims.weights, err)))
        return -1;
    if (!tensors->dst &&
        !(tensors->dst = chosen_tensor(op, DNNL_ARG_DST, dims.dst_ndims, dims.dst, err)))
        return -1;
    return 0;
}

static int make_norm(struct dnn_op *op, struct kern_op_tensors *tensors, struct mx_err *err)
{
    if (!tensors->dst && !(tensors->dst = kern_tensor_like(tensors->src, err)))
        return -1;
    op->op.tensors = *tensors;
    return kern_tensor_channels(tensors->src, &op->where, err);
}

static int planes_of(const struct kern_tensor *tensor, struct kern_planes *planes,
                     struct mx_err *err)
{
    planes->height = (uint32_t)tensor->dims[2];
    planes->width = (uint32_t)tensor->dims[3];
    return kern_tensor_channels(tensor, &planes->where, err);
}

static int make_pool(struct dnn_op *op, struct kern_op_tensors *tensors, struct mx_err *err)
{
    const struct kern_op_dims dims = kern_op_dims(&op->op.shape, tensors->src);
    struct kern_planes        planes;

    if (!tensors->dst &&
        !(tensors->dst = kern_tensor_new(op->op.nn, dims.dst_ndims, dims.dst, NULL, err)))
        return -1;
    op->op.tensors = *tensors;
    return planes_of(tensors->src, &planes, err) || planes_of(tensors->dst, &planes, err) ? -1 : 0;
}

/* A 3x3 convolution is ours where that pays (kernels/winograd.h, which runs on one
 * thread), but for the gradient of its weights. */
static int try_winograd(struct dnn_op *op, const struct kern_op_tensors *at, struct mx_err *err)
{
    const struct kern_op_shape *shape = &op->op.shape;
    const uint32_t more = shape->more[0] | shape->more[1] | shape->more[2] | shape->more[3];

    if (shape->kind != KERN_CONV || shape->kernel != 3 || shape->stride != 1 || shape->pad != 1 ||
        shape->groups > 1 || more || op->op.nn->threads > 1)
        return 0;
    op->tiles = (struct kern_winograd){(uint32_t)at->src->dims[0], (uint32_t)at->src->dims[1],
                                       shape->channels, (uint32_t)at->src->dims[2],
                                       (uint32_t)at->src->dims[3]};
    op->winograd = kern_winograd_fits(&op->tiles) && kern_images_in_eights(at->src) &&
                   kern_images_in_eights(at->dst) && kern_weights_in_eights(at->weights);
    op->op.tensors = *at;
    return op->winograd ? kern_reserve_scratch(
                              op->op.nn,
                              kern_winograd_room(op->tiles.in, op->tiles.out) * sizeof(float), err)
                        : 0;
}

struct kern_op *dnn_op_new(struct kern_nn *nn, const struct kern_op_shape *shape,
                           struct kern_op_tensors *tensors, struct mx_err *err)
{
    struct dnn_op *op = calloc(1, sizeof *op);

    if (!op) {
        mx_fail(err, MX_ENOMEM, "no memory for a network operation");
        return NULL;
    }
    op->op.nn = nn;
    op->op.shape = *shape;
    if (shape->kind == KERN_NORM || is_shared_out(shape)) {
        if (shape->kind == KERN_NORM ? make_norm(op, tensors, err) : make_pool(op, tensors, err))
            goto fail;
        return &op->op;
    }
    if (kern_choose(nn, shape, KERN_FORWARD, tensors, NULL, &op->forward_pd, err) ||
        make_missing(op, tensors, err) || try_winograd(op, tensors, err))
        goto fail;
    if (!op->winograd) {
        const struct kern_pass_plan plan = {.nn = nn,
                                            .kind = shape->kind,
                                            .pass = KERN_FORWARD,
                                            .pd = op->forward_pd,
                                            .tensors = {[KERN_SRC] = tensors->src,
                                                        [KERN_WEIGHTS] = tensors->weights,
                                                        [KERN_BIAS] = tensors->bias,
                                                        [KERN_DST] = tensors->dst}};

        if (kern_primitive_build(&plan, &op->workspace, &op->pass[KERN_FORWARD], err))
            goto fail;
    }
    return &op->op;

fail:
    dnn_op_free(&op->op);
    return NULL;
}

void dnn_op_free(struct kern_op *base)
{
    struct dnn_op *op = (struct dnn_op *)base;

    for (int pass = 0; pass < KERN_PASSES; pass++)
        kern_primitive_free(&op->pass[pass], op->op.nn);
    kern_workspace_free(&op->workspace, op->op.nn);
    if (op->forward_pd)
        dnnl_primitive_desc_destroy(op->forward_pd);
    free(op);
}

/* A pass of the backward run that is the library's. */
static int add_primitive(struct dnn_op *op, enum kern_pass pass,
                         const struct kern_op_tensors   *tensors,
                         const struct kern_op_gradients *gradients, struct mx_err *err)
{
    struct kern_pass_plan plan = {.nn = op->op.nn,
                                  .kind = op->op.shape.kind,
                                  .pass = pass,
                                  .tensors = {[KERN_SRC] = tensors->src,
                                              [KERN_WEIGHTS] = tensors->weights,
                                              [KERN_BIAS] = tensors->bias,
                                              [KERN_GRAD_DST] = gradients->dst,
                                              [KERN_GRAD_SRC] = gradients->src,
                                              [KERN_GRAD_WEIGHTS] = gradients->weights,
                                              [KERN_GRAD_BIAS] = gradients->bias}};
    dnnl_primitive_desc_t pd = NULL;
    int                   failed;

    if (kern_choose(op->op.nn, &op->op.shape, pass, tensors, op->forward_pd, &pd, err))
        return -1;
    plan.pd = pd;
    failed = kern_primitive_build(&plan, &op->workspace, &op->pass[pass], err);
    dnnl_primitive_desc_destroy(pd);
    return failed;
}

int dnn_add_backward(struct kern_op *base, const struct kern_op_tensors *tensors,
                     const struct kern_op_gradients *gradients, struct mx_err *err)
{
    struct dnn_op *op = (struct dnn_op *)base;
    const bool     wanted[KERN_PASSES] = {
            [KERN_BACKWARD] = gradients->src, [KERN_BACKWARD_WEIGHTS] = gradients->weights};

    op->op.gradients = *gradients;
    op->winograd_back = op->winograd && gradients->src && kern_images_in_eights(gradients->dst) &&
                        kern_images_in_eights(gradients->src);
    op->winograd_weights = op->winograd && gradients->weights && !gradients->bias &&
                           kern_images_in_eights(gradients->dst) &&
                           kern_weights_in_eights(gradients->weights);
    if (is_shared_out(&op->op.shape))
        return 0;
    for (enum kern_pass pass = KERN_BACKWARD; pass < KERN_PASSES; pass++)
        if (wanted[pass] && kern_pass_exists(op->op.shape.kind, pass) &&
            !(pass == KERN_BACKWARD && op->winograd_back) &&
            !(pass == KERN_BACKWARD_WEIGHTS && op->winograd_weights) &&
            add_primitive(op, pass, tensors, gradients, err))
            return -1;
    return 0;
}

unsigned dnn_image_reorders(const struct kern_op *base)
{
    const struct dnn_op *op = (const struct dnn_op *)base;
    unsigned             reorders = 0;

    for (int pass = 0; pass < KERN_PASSES; pass++)
        reorders += kern_primitive_image_reorders(&op->pass[pass]);
    return reorders;
}

static void run_tiles(const struct dnn_op *op)
{
    const struct kern_op_tensors    *at = &op->op.tensors;
    const struct kern_winograd_after after = {at->bias ? at->bias->data : NULL, op->op.shape.sum,
                                              op->op.shape.relu, op->op.shape.cap};

    kern_winograd_forward(&op->tiles, at->src->data, at->weights->data, &after, at->dst->data,
                          dnn_of(op->op.nn)->scratch);
}

static void run_norm(const struct dnn_op *op, bool backward)
{
    const struct kern_op_tensors   *at = &op->op.tensors;
    const struct kern_op_gradients *to = &op->op.gradients;
    const struct kern_norm          norm = {.x = at->src->data,
                                            .scale = at->weights->data,
                                            .shift = at->bias->data,
                                            .mean = at->mean->data,
                                            .variance = at->variance->data,
                                            .epsilon = (double)op->op.shape.epsilon,
                                            .fixed = op->op.shape.fixed,
                                            .dx = backward ? to->src->data : NULL,
                                            .dscale = to->weights ? to->weights->data : NULL,
                                            .dshift = to->bias ? to->bias->data : NULL};
    const struct kern_norm_sum      sum = {
             .where = op->where, .norms = {&norm}, .y = at->dst->data, .relu = op->op.shape.relu};

    if (backward)
        kern_norm_backward(&sum, &(struct kern_norm_gradient){.a = to->dst->data});
    else
        kern_norm_forward(&sum);
}

static int run_pool(const struct dnn_op *op, bool backward, struct mx_err *err)
{
    const struct kern_tensor *src = backward ? op->op.gradients.src : op->op.tensors.src;
    const struct kern_tensor *dst = backward ? op->op.gradients.dst : op->op.tensors.dst;
    struct kern_planes        in, out;

    if (planes_of(src, &in, err) || planes_of(dst, &out, err))
        return -1;
    if (backward)
        kern_pool_backward(&in, src->data, &out, dst->data);
    else
        kern_pool_forward(&in, src->data, &out, dst->data);
    return 0;
}

int dnn_forward(struct kern_op *base, struct mx_err *err)
{
    struct dnn_op *op = (struct dnn_op *)base;

    if (is_shared_out(&op->op.shape))
        return run_pool(op, false, err);
    if (op->op.shape.kind == KERN_NORM)
        run_norm(op, false);
    else if (op->winograd)
        run_tiles(op);
    else
        return kern_primitive_run(&op->pass[KERN_FORWARD], op->op.nn, err);
    return 0;
}

int dnn_backward(struct kern_op *base, struct mx_err *err)
{
    struct dnn_op *op = (struct dnn_op *)base;

    if (is_shared_out(&op->op.shape))
        return op->op.gradients.src ? run_pool(op, true, err) : 0;
    if (op->op.shape.kind == KERN_NORM && op->op.gradients.src)
        run_norm(op, true);
    if (op->winograd_back && op->op.gradients.src)
        kern_winograd_backward(&op->tiles, op->op.gradients.dst->data, op->op.tensors.weights->data,
                               op->op.gradients.src->data, dnn_of(op->op.nn)->scratch);
    if (op->winograd_weights && op->op.gradients.weights)
        kern_winograd_weights(&op->tiles, op->op.tensors.src->data, op->op.gradients.dst->data,
                              op->op.gradients.weights->data, dnn_of(op->op.nn)->scratch);
    if (kern_primitive_run(&op->pass[KERN_BACKWARD], op->op.nn, err))
        return -1;
    return kern_primitive_run(&op->pass[KERN_BACKWARD_WEIGHTS], op->op.nn, err);
}
