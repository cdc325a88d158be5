/* Linear layers in bfloat16: factors are, sums are float32, and so is a dst that is `wide`. */
#include "kernels/launch.h"
#include "kernels/nn_cuda.h"

/* One product, columns first, of which all three matrices are dense but for their leading dimensions. */
struct product {
    cublasOperation_t a_as, b_as;
    int               m, n, k;
    const void       *a, *b;
    int               lda, ldb;
    void             *c; /* (m, n), ldc = m */
    cudaDataType_t    type;
};

static int multiply(const struct cuda_op *op, const struct product *p, struct mx_err *err)
{
    const float  one = 1, none = 0;
    struct cuda *cuda = cuda_of(op->op.nn);

    if (kern_cuda_blas_room(cuda, err))
        return -1;
    BLAS_TRY(cublasGemmEx(cuda->blas, p->a_as, p->b_as, p->m, p->n, p->k, &one, p->a, CUDA_R_16BF,
                          p->lda, p->b, CUDA_R_16BF, p->ldb, &none, p->c, p->type, p->m,
                          CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
             err);
    return 0;

fail:
    return -1;
}

/* Numbers of one row of src, those that are more included. */
static int row_of(const struct cuda_op *op)
{
    return (int)(op->halves.filters.places * op->halves.filters.all_inputs);
}

static const void *source_of(const struct cuda_op *op, const struct cuda_copies *copies)
{
    return copies->src ? copies->src : op->op.tensors.src->data;
}

int kern_cuda_bf16_linear_forward(struct cuda_op *op, struct mx_err *err)
{
    const struct kern_tensor *dst = op->op.tensors.dst;
    const struct cuda_copies  copies = kern_cuda_bf16_copies(op);
    const struct product      y = {.a_as = CUBLAS_OP_T,
                                   .b_as = CUBLAS_OP_N,
                                   .m = (int)kern_cuda_width(dst),
                                   .n = (int)dst->dims[0],
                                   .k = row_of(op),
                                   .a = copies.weights,
                                   .lda = row_of(op),
                                   .b = source_of(op, &copies),
                                   .ldb = row_of(op),
                                   .c = dst->data,
                                   .type = dst->last ? CUDA_R_16BF : CUDA_R_32F};

    kern_cuda_bf16_bring(op, true, true);
    if (multiply(op, &y, err))
        return -1;
    if (dst->last)
        kern_cuda_bf16_finish(op);
    else
        kern_cuda_finish(op);
    return 0;
}

static int weights_backward(const struct cuda_op *op, const struct cuda_copies *copies,
                            const void *dy, struct mx_err *err)
{
    const struct product dw = {.a_as = CUBLAS_OP_N,
                               .b_as = CUBLAS_OP_T,
                               .m = row_of(op),
                               .n = (int)op->halves.all,
                               .k = (int)op->op.gradients.dst->dims[0],
                               .a = source_of(op, copies),
                               .lda = row_of(op),
                               .b = dy,
                               .ldb = (int)op->halves.all,
                               .c = copies->gradient,
                               .type = CUDA_R_32F};

    if (multiply(op, &dw, err))
        return -1;
    kern_cuda_bf16_give_weights(op);
    if (op->op.gradients.dst->last)
        kern_cuda_bf16_sum_bias(op);
    else
        kern_cuda_sum_bias(op);
    return 0;
}

int kern_cuda_bf16_linear_backward(struct cuda_op *op, struct mx_err *err)
{
    const struct kern_op_gradients *to = &op->op.gradients;
    const struct kern_bf16_between  of = kern_cuda_between(to->dst);
    const struct cuda_copies        copies = kern_cuda_bf16_copies(op);
    const void                     *dy = copies.dst_gradient ? copies.dst_gradient : to->dst->data;
    struct cuda                    *cuda = cuda_of(op->op.nn);

    kern_cuda_bf16_bring(op, to->weights, to->src);
    if (copies.dst_gradient)
        kern_cuda_narrow(cuda, to->dst->data, copies.dst_gradient, (size_t)to->dst->dims[0], &of);
    if (to->weights && weights_backward(op, &copies, dy, err))
        return -1;
    if (to->src) {
        const struct product dx = {.a_as = CUBLAS_OP_N,
                                   .b_as = CUBLAS_OP_N,
                                   .m = row_of(op),
                                   .n = (int)to->dst->dims[0],
                                   .k = (int)op->halves.all,
                                   .a = copies.weights,
                                   .lda = row_of(op),
                                   .b = dy,
                                   .ldb = (int)op->halves.all,
                                   .c = copies.src_gradient ? copies.src_gradient : to->src->data,
                                   .type = CUDA_R_16BF};

        if (multiply(op, &dx, err))
            return -1;
        kern_cuda_bf16_give_src(op);
    }
    return 0;
}
