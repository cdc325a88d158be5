/* By which algorithms convolutions are done. Where results must repeat, by those named here, none of which adds
 * in an order of its own making; else by what the library expects to be fastest. It is asked for its rules,
 * which look at shapes, and never for a measurement: on one kind of card all executors choose alike. */
#include "kernels/nn_cuda.h"

enum {
    ASKED = 8,            /* algorithms that the library ranks */
    MOST_ROOM = 512 << 20 /* bytes of workspace */
};

/* Whether the library can do it so, in the arithmetic that was asked for. */
#define USABLE(found, wanted)                                                                      \
    ((found)->status == CUDNN_STATUS_SUCCESS && (found)->memory <= MOST_ROOM &&                    \
     ((found)->mathType == (wanted) || (found)->mathType == CUDNN_FMA_MATH))

/* The first usable one of what was found, which is ranked; none: `to` stays as it is. */
#define TAKE_FIRST(found, count, wanted, to)                                                       \
    for (int k = 0; k < (count); k++)                                                              \
        if (USABLE(&(found)[k], wanted)) {                                                         \
            *(to) = (found)[k].algo;                                                               \
            break;                                                                                 \
        }

int kern_cuda_choose_forward(struct cuda_op *op, struct mx_err *err)
{
    const struct cuda            *cuda = cuda_of(op->op.nn);
    cudnnConvolutionFwdAlgoPerf_t found[ASKED];
    int                           count = 0;

    op->by.forward = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
    if (cuda->repeats)
        return 0;
    DNN_TRY(cudnnGetConvolutionForwardAlgorithm_v7(cuda->dnn, op->x, op->w, op->conv, op->y, ASKED,
                                                   &count, found),
            err);
    TAKE_FIRST(found, count, kern_cuda_math(cuda), &op->by.forward)
    return 0;

fail:
    return -1;
}

static int choose_data(struct cuda_op *op, struct mx_err *err)
{
    const struct cuda                *cuda = cuda_of(op->op.nn);
    cudnnConvolutionBwdDataAlgoPerf_t found[ASKED];
    int                               count = 0;

    DNN_TRY(cudnnGetConvolutionBackwardDataAlgorithm_v7(cuda->dnn, op->w, op->y, op->conv, op->x,
                                                        ASKED, &count, found),
            err);
    TAKE_FIRST(found, count, kern_cuda_math(cuda), &op->by.data)
    return 0;

fail:
    return -1;
}

static int choose_weights(struct cuda_op *op, struct mx_err *err)
{
    const struct cuda                  *cuda = cuda_of(op->op.nn);
    cudnnConvolutionBwdFilterAlgoPerf_t found[ASKED];
    int                                 count = 0;

    DNN_TRY(cudnnGetConvolutionBackwardFilterAlgorithm_v7(cuda->dnn, op->x, op->y, op->conv, op->w,
                                                          ASKED, &count, found),
            err);
    TAKE_FIRST(found, count, kern_cuda_math(cuda), &op->by.weights)
    return 0;

fail:
    return -1;
}

int kern_cuda_choose_backward(struct cuda_op *op, struct mx_err *err)
{
    op->by.data = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
    op->by.weights = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
    if (cuda_of(op->op.nn)->repeats)
        return 0;
    return choose_data(op, err) || choose_weights(op, err) ? -1 : 0;
}
