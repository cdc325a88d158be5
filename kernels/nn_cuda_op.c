/* Operations of networks: linear layers from cuBLAS, the rest but for convolutions (nn_cuda_conv.c)
 * from kernels of ours. */
#include <stdlib.h>
#include <string.h>

#include "kernels/launch.h"
#include "kernels/nn_cuda.h"

static const float one = 1, none = 0;

static bool is_half(const struct cuda_op *op)
{
    return cuda_of(op->op.nn)->precision == KERN_BF16;
}

static uint32_t places(const struct kern_op_shape *shape, uint32_t length)
{
    return (length + 2 * shape->pad - shape->kernel) / shape->stride + 1;
}

/* The output's dimensions. */
static unsigned dst_dims(const struct cuda_op *op, const struct kern_tensor *src, uint32_t dims[4])
{
    const struct kern_op_shape *shape = &op->op.shape;

    for (int d = 0; d < 4; d++)
        dims[d] = (uint32_t)src->dims[d];
    if (shape->kind == KERN_CONV || shape->kind == KERN_LINEAR)
        dims[1] = shape->channels;
    if (shape->kind == KERN_LINEAR)
        return 2;
    if (shape->kind == KERN_POOL && shape->kernel == 0) {
        dims[2] = dims[3] = shape->side > 1 ? shape->side : 1;
    } else if (shape->kind != KERN_NORM) {
        dims[2] = places(shape, op->height);
        dims[3] = places(shape, op->width);
    }
    return 4;
}

static unsigned weights_dims(const struct cuda_op *op, const struct kern_tensor *src,
                             uint32_t dims[5])
{
    const struct kern_op_shape *shape = &op->op.shape;
    const uint32_t              groups = shape->groups > 1 ? shape->groups : 1;
    unsigned                    ndims = 0;

    if (groups > 1)
        dims[ndims++] = groups;
    dims[ndims++] = shape->channels / groups;
    dims[ndims++] = (uint32_t)src->dims[1] / groups;
    for (unsigned d = 2; d < src->ndims; d++)
        dims[ndims++] = shape->kind == KERN_CONV ? shape->kernel : (uint32_t)src->dims[d];
    return ndims;
}

/* Tensors that the caller left to us. */
static int make_missing(struct cuda_op *op, struct kern_op_tensors *tensors, struct mx_err *err)
{
    const bool weighted = op->op.shape.kind == KERN_CONV || op->op.shape.kind == KERN_LINEAR;
    uint32_t   dims[5];
    unsigned   ndims;

    if (weighted && !tensors->weights) {
        ndims = weights_dims(op, tensors->src, dims);
        if (!(tensors->weights = kern_tensor_plain(op->op.nn, ndims, dims, err)))
            return -1;
    }
    if (!tensors->dst) {
        ndims = dst_dims(op, tensors->src, dims);
        tensors->dst = op->op.shape.wide ? kern_tensor_plain(op->op.nn, ndims, dims, err)
                                         : kern_tensor_inner(op->op.nn, ndims, dims, err);
        if (!tensors->dst)
            return -1;
    }
    return 0;
}

static int check_shape(const struct cuda_op *op, struct mx_err *err)
{
    const struct kern_op_shape *shape = &op->op.shape;

    if (shape->kind != KERN_CONV && kern_cuda_is_uneven(shape))
        return mx_fail(err, MX_EINTERNAL, "only convolutions have padding on some sides");
    if (shape->kind != KERN_NORM && shape->kind != KERN_LINEAR && shape->kernel > 0 &&
        (op->height + 2 * shape->pad < shape->kernel || op->width + 2 * shape->pad < shape->kernel))
        return mx_fail(err, MX_EINTERNAL, "a window of %u finds no place", shape->kernel);
    return 0;
}

struct kern_op *kern_cuda_op_new(struct kern_nn *nn, const struct kern_op_shape *shape,
                                 struct kern_op_tensors *tensors, struct mx_err *err)
{
    struct cuda_op     *op = calloc(1, sizeof *op);
    struct kern_tensor *src = tensors->src;

    if (!op) {
        mx_fail(err, MX_ENOMEM, "no memory for a network operation");
        return NULL;
    }
    op->op.nn = nn;
    op->op.shape = *shape;
    if (src->ndims == 4) {
        op->height = (uint32_t)src->dims[2] + shape->more[0] + shape->more[2];
        op->width = (uint32_t)src->dims[3] + shape->more[1] + shape->more[3];
        op->padded_bytes =
            (size_t)(src->dims[0] * src->dims[1]) * op->height * op->width * sizeof(float);
    }
    if (check_shape(op, err) || make_missing(op, tensors, err))
        goto fail;
    op->op.tensors = *tensors;
    if (is_half(op) && kern_cuda_bf16_prepare(op, err))
        goto fail;
    if (shape->kind == KERN_CONV && kern_cuda_conv_new(op, err))
        goto fail;
    return &op->op;

fail:
    kern_cuda_op_free(&op->op);
    return NULL;
}

void kern_cuda_op_free(struct kern_op *base)
{
    struct cuda_op *op = (struct cuda_op *)base;
    struct cuda    *cuda = cuda_of(base->nn);

    kern_cuda_conv_free(op);
    cuda->nn.bytes -=
        (op->padded ? op->padded_bytes : 0) + (op->padded_grad ? op->padded_bytes : 0);
    kern_cuda_release(cuda, op->padded);
    kern_cuda_release(cuda, op->padded_grad);
    free(op);
}

int kern_cuda_add_backward(struct kern_op *base, const struct kern_op_tensors *tensors,
                           const struct kern_op_gradients *gradients, struct mx_err *err)
{
    base->tensors = *tensors;
    base->gradients = *gradients;
    if (is_half((struct cuda_op *)base) &&
        kern_cuda_bf16_prepare_backward((struct cuda_op *)base, err))
        return -1;
    return base->shape.kind == KERN_CONV ? kern_cuda_conv_add_backward((struct cuda_op *)base, err)
                                         : 0;
}

void kern_cuda_finish(const struct cuda_op *op)
{
    const struct kern_op_shape   *shape = &op->op.shape;
    const struct kern_op_tensors *at = &op->op.tensors;
    const bool                    relu = shape->kind == KERN_CONV && shape->relu;
    const size_t                  n = at->dst->bytes / sizeof(float);
    const struct kern_finish_args args = {
        .n = n,
        .y = at->dst->data,
        .bias = at->bias ? at->bias->data : NULL,
        .channels = shape->channels,
        .points = (uint32_t)(n / (size_t)at->dst->dims[0] / shape->channels),
        .relu = relu,
        .cap = shape->cap};

    if (at->bias || relu)
        LAUNCH(cuda_of(op->op.nn), finish, &args);
}

void kern_cuda_sum_bias(const struct cuda_op *op)
{
    const struct kern_tensor    *dy = op->op.gradients.dst, *bias = op->op.gradients.bias;
    struct kern_channel_sum_args args = {.blocks = op->op.shape.channels,
                                         .x = dy->data,
                                         .images = (uint32_t)dy->dims[0],
                                         .channels = op->op.shape.channels};

    if (!bias)
        return;
    args.points =
        (uint32_t)(dy->bytes / sizeof(float) / (size_t)dy->dims[0] / op->op.shape.channels);
    args.sum = bias->data;
    LAUNCH(cuda_of(op->op.nn), channel_sum, &args);
}

/* One product, in the terms of cuBLAS: columns first, so that a row-major array is transposed. */
struct product {
    cublasOperation_t a_as, b_as;
    int               m, n, k;
    const float      *a, *b;
    int               lda, ldb;
    float            *c; /* (m, n), ldc = m */
};

static int multiply(struct cuda_op *op, const struct product *p, struct mx_err *err)
{
    if (kern_cuda_blas_room(cuda_of(op->op.nn), err))
        return -1;
    BLAS_TRY(cublasSgemm(cuda_of(op->op.nn)->blas, p->a_as, p->b_as, p->m, p->n, p->k, &one, p->a,
                         p->lda, p->b, p->ldb, &none, p->c, p->m),
             err);
    return 0;

fail:
    return -1;
}

static int linear_forward(struct cuda_op *op, struct mx_err *err)
{
    const struct kern_op_tensors *at = &op->op.tensors;
    const int                     n = (int)at->src->dims[0], out = (int)op->op.shape.channels;
    const int                     in = (int)(at->src->bytes / sizeof(float)) / n;
    const struct product          y = {.a_as = CUBLAS_OP_T,
                                       .b_as = CUBLAS_OP_N,
                                       .m = out,
                                       .n = n,
                                       .k = in,
                                       .a = at->weights->data,
                                       .lda = in,
                                       .b = at->src->data,
                                       .ldb = in,
                                       .c = at->dst->data};

    if (multiply(op, &y, err))
        return -1;
    kern_cuda_finish(op);
    return 0;
}

static int linear_backward(struct cuda_op *op, struct mx_err *err)
{
    const struct kern_op_tensors   *at = &op->op.tensors;
    const struct kern_op_gradients *to = &op->op.gradients;
    const int                       n = (int)at->src->dims[0], out = (int)op->op.shape.channels;
    const int                       in = (int)(at->src->bytes / sizeof(float)) / n;

    if (to->weights) {
        const struct product dw = {.a_as = CUBLAS_OP_N,
                                   .b_as = CUBLAS_OP_T,
                                   .m = in,
                                   .n = out,
                                   .k = n,
                                   .a = at->src->data,
                                   .lda = in,
                                   .b = to->dst->data,
                                   .ldb = out,
                                   .c = to->weights->data};

        if (multiply(op, &dw, err))
            return -1;
        kern_cuda_sum_bias(op);
    }
    if (to->src) {
        const struct product dx = {.a_as = CUBLAS_OP_N,
                                   .b_as = CUBLAS_OP_N,
                                   .m = in,
                                   .n = n,
                                   .k = out,
                                   .a = at->weights->data,
                                   .lda = in,
                                   .b = to->dst->data,
                                   .ldb = out,
                                   .c = to->src->data};

        return multiply(op, &dx, err);
    }
    return 0;
}

static void run_pool(const struct cuda_op *op, bool backward)
{
    const struct kern_op_shape     *shape = &op->op.shape;
    const struct kern_op_tensors   *at = &op->op.tensors;
    const struct kern_op_gradients *to = &op->op.gradients;
    struct cuda                    *cuda = cuda_of(op->op.nn);
    const struct kern_pool_args     of = {.x = at->src->data,
                                          .dy = backward ? to->dst->data : NULL,
                                          .y = at->dst->data,
                                          .dx = backward ? to->src->data : NULL,
                                          .in_height = op->height,
                                          .in_width = op->width,
                                          .out_height = (uint32_t)at->dst->dims[2],
                                          .out_width = (uint32_t)at->dst->dims[3],
                                          .kernel = shape->kernel,
                                          .stride = shape->stride,
                                          .pad = shape->pad};
    const size_t                    in = at->src->bytes / sizeof(float);
    const size_t                    out = at->dst->bytes / sizeof(float);

    if (shape->kind == KERN_MAX_POOL && backward)
        LAUNCH(cuda, max_pool_backward, (&(struct kern_max_pool_backward_args){in, of}));
    else if (shape->kind == KERN_MAX_POOL)
        LAUNCH(cuda, max_pool, (&(struct kern_max_pool_args){out, of}));
    else if (backward)
        LAUNCH(cuda, mean_pool_backward, (&(struct kern_mean_pool_backward_args){in, of}));
    else
        LAUNCH(cuda, mean_pool, (&(struct kern_mean_pool_args){out, of}));
}

static int run_norm(const struct cuda_op *op, bool backward, struct mx_err *err)
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
    struct kern_norm_sum sum = {.norms = {&norm}, .y = at->dst->data, .relu = op->op.shape.relu};

    if (kern_tensor_channels(at->src, &sum.where, err))
        return -1;
    if (backward)
        op->op.nn->device->norm_backward(op->op.nn, &sum,
                                         &(struct kern_norm_gradient){.a = to->dst->data});
    else
        op->op.nn->device->norm_forward(op->op.nn, &sum);
    return 0;
}

int kern_cuda_forward(struct kern_op *base, struct mx_err *err)
{
    struct cuda_op *op = (struct cuda_op *)base;
    int             result = 0;

    if (base->shape.kind == KERN_CONV)
        result = kern_cuda_conv_forward(op, err);
    else if (base->shape.kind == KERN_LINEAR)
        result = is_half(op) ? kern_cuda_bf16_linear_forward(op, err) : linear_forward(op, err);
    else if (base->shape.kind == KERN_NORM)
        result = run_norm(op, false, err);
    else if (is_half(op))
        kern_cuda_bf16_pool(op, false);
    else
        run_pool(op, false);
    return result ? result : kern_tell_failure(cuda_of(base->nn), err);
}

int kern_cuda_backward(struct kern_op *base, struct mx_err *err)
{
    struct cuda_op *op = (struct cuda_op *)base;
    int             result = 0;

    if (base->shape.kind == KERN_CONV)
        result = kern_cuda_conv_backward(op, err);
    else if (base->shape.kind == KERN_LINEAR)
        result = is_half(op) ? kern_cuda_bf16_linear_backward(op, err) : linear_backward(op, err);
    else if (base->shape.kind == KERN_NORM && base->gradients.src)
        result = run_norm(op, true, err);
    else if (base->gradients.src && is_half(op))
        kern_cuda_bf16_pool(op, true);
    else if (base->gradients.src)
        run_pool(op, true);
    return result ? result : kern_tell_failure(cuda_of(base->nn), err);
}
