/* Convolutions of cuDNN: by plans (plan_cuda.h), which add a bias and apply a ReLU on the way, or, where the library offers
 * none, by calls that name an algorithm. None of those named adds in an order of its own making. */
#include "kernels/launch.h"
#include "kernels/nn_cuda.h"
#include "kernels/plan_cuda.h"

static const float one = 1, none = 0;

static const cudnnConvolutionFwdAlgo_t forward = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
static const cudnnConvolutionBwdDataAlgo_t   to_data = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
static const cudnnConvolutionBwdFilterAlgo_t to_weights = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;

bool kern_cuda_is_uneven(const struct kern_op_shape *shape)
{
    return (shape->more[0] | shape->more[1] | shape->more[2] | shape->more[3]) != 0;
}

static int own_memory(struct cuda_op *op, float **memory, struct mx_err *err)
{
    if (kern_cuda_want(op->op.nn, memory, KERN_ALIGN, op->padded_bytes, err))
        return -1;
    op->op.nn->bytes += op->padded_bytes;
    return 0;
}

/* By default cuDNN may round the factors of float32 to TF32, and to nothing shorter. */
cudnnMathType_t kern_cuda_math(const struct cuda *cuda)
{
    static const cudnnMathType_t types[] = {[KERN_F32] = CUDNN_FMA_MATH,
                                            [KERN_TF32] = CUDNN_DEFAULT_MATH,
                                            [KERN_BF16] = CUDNN_TENSOR_OP_MATH};

    return types[cuda->precision];
}

static bool is_half(const struct cuda_op *op)
{
    return cuda_of(op->op.nn)->precision == KERN_BF16;
}

/* How cuDNN sees it: images with all padding that is not alike on both sides. */
struct seen {
    cudnnTensorFormat_t format;
    cudnnDataType_t     type;
    int                 in, out, filters, inputs, groups; /* channels; inputs of a filter */
};

static struct seen see(const struct cuda_op *op)
{
    const struct kern_op_shape *shape = &op->op.shape;
    const int                   groups = shape->groups > 1 ? (int)shape->groups : 1;
    const int                   in = (int)op->op.tensors.src->dims[1], out = (int)shape->channels;

    if (!is_half(op))
        return (struct seen){
            CUDNN_TENSOR_NCHW, CUDNN_DATA_FLOAT, in, out, out, in / groups, groups};
    return (struct seen){.format = CUDNN_TENSOR_NHWC,
                         .type = CUDNN_DATA_BFLOAT16,
                         .in = (in + KERN_EIGHT - 1) / KERN_EIGHT * KERN_EIGHT,
                         .out = (int)op->halves.all,
                         .filters = (int)op->halves.all,
                         .inputs = (int)op->halves.filters.all_inputs,
                         .groups = (int)op->halves.groups};
}

static int describe(struct cuda_op *op, struct mx_err *err)
{
    const struct kern_op_shape *shape = &op->op.shape;
    const int64_t              *in = op->op.tensors.src->dims, *out = op->op.tensors.dst->dims;
    const int                   pad = (int)shape->pad, stride = (int)shape->stride;
    const struct seen           as = see(op);

    DNN_TRY(cudnnCreateTensorDescriptor(&op->x), err);
    DNN_TRY(cudnnCreateTensorDescriptor(&op->y), err);
    DNN_TRY(cudnnCreateFilterDescriptor(&op->w), err);
    DNN_TRY(cudnnCreateConvolutionDescriptor(&op->conv), err);
    DNN_TRY(cudnnSetTensor4dDescriptor(op->x, as.format, as.type, (int)in[0], as.in,
                                       (int)op->height, (int)op->width),
            err);
    DNN_TRY(cudnnSetTensor4dDescriptor(op->y, as.format, as.type, (int)out[0], as.out, (int)out[2],
                                       (int)out[3]),
            err);
    DNN_TRY(cudnnSetFilter4dDescriptor(op->w, as.type, as.format, as.filters, as.inputs,
                                       (int)shape->kernel, (int)shape->kernel),
            err);
    DNN_TRY(cudnnSetConvolution2dDescriptor(op->conv, pad, pad, stride, stride, 1, 1,
                                            CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
            err);
    DNN_TRY(cudnnSetConvolutionGroupCount(op->conv, as.groups), err);
    DNN_TRY(cudnnSetConvolutionMathType(op->conv, kern_cuda_math(cuda_of(op->op.nn))), err);
    return 0;

fail:
    return -1;
}

static int reserve(struct cuda_op *op, size_t bytes, struct mx_err *err)
{
    struct cuda *cuda = cuda_of(op->op.nn);

    return kern_cuda_room(cuda, &cuda->scratch, &cuda->scratch_bytes, bytes, err);
}

static struct kern_planner planner_of(const struct cuda_op *op)
{
    const struct cuda *cuda = cuda_of(op->op.nn);

    return (struct kern_planner){
        .handle = cuda->dnn, .precision = cuda->precision, .repeats = cuda->repeats};
}

static struct kern_convolution convolution_of(const struct cuda_op *op, enum kern_pass pass)
{
    const struct kern_op_shape *shape = &op->op.shape;
    const int64_t              *in = op->op.tensors.src->dims, *out = op->op.tensors.dst->dims;
    const struct seen           as = see(op);
    const bool                  ahead = pass == KERN_FORWARD;

    return (struct kern_convolution){
        .pass = pass,
        .x = {in[0], as.in, (int64_t)op->height, (int64_t)op->width},
        .w = {as.filters, as.inputs, (int64_t)shape->kernel, (int64_t)shape->kernel},
        .y = {out[0], as.out, out[2], out[3]},
        .pad = (int64_t)shape->pad,
        .stride = (int64_t)shape->stride,
        .sum = ahead && shape->sum,
        .bias = ahead && op->op.tensors.bias,
        .relu = ahead && shape->relu,
        .cap = shape->cap};
}

/* Make the plan of a pass, if there is one, with room for its work. */
static int make_plan(struct cuda_op *op, enum kern_pass pass, struct mx_err *err)
{
    const struct kern_planner     planner = planner_of(op);
    const struct kern_convolution convolution = convolution_of(op, pass);

    if (kern_plan_of(&cuda_of(op->op.nn)->plans, &planner, &convolution, &op->plans[pass], err))
        return -1;
    return op->plans[pass] ? reserve(op, kern_plan_workspace(op->plans[pass]), err) : 0;
}

int kern_cuda_conv_new(struct cuda_op *op, struct mx_err *err)
{
    size_t bytes = 0;

    if (describe(op, err) || make_plan(op, KERN_FORWARD, err))
        return -1;
    if (!op->plans[KERN_FORWARD])
        DNN_TRY(cudnnGetConvolutionForwardWorkspaceSize(cuda_of(op->op.nn)->dnn, op->x, op->w,
                                                        op->conv, op->y, forward, &bytes),
                err);
    if (!is_half(op) && kern_cuda_is_uneven(&op->op.shape) && own_memory(op, &op->padded, err))
        return -1;
    return reserve(op, bytes, err);

fail:
    return -1;
}

int kern_cuda_conv_add_backward(struct cuda_op *op, struct mx_err *err)
{
    const struct kern_op_gradients *gradients = &op->op.gradients;
    cudnnHandle_t                   dnn = cuda_of(op->op.nn)->dnn;
    size_t                          data = 0, weights = 0;

    if ((gradients->src && make_plan(op, KERN_TO_DATA, err)) ||
        (gradients->weights && make_plan(op, KERN_TO_WEIGHTS, err)))
        return -1;
    if (gradients->src && !op->plans[KERN_TO_DATA])
        DNN_TRY(cudnnGetConvolutionBackwardDataWorkspaceSize(dnn, op->w, op->y, op->conv, op->x,
                                                             to_data, &data),
                err);
    if (gradients->weights && !op->plans[KERN_TO_WEIGHTS])
        DNN_TRY(cudnnGetConvolutionBackwardFilterWorkspaceSize(dnn, op->x, op->y, op->conv, op->w,
                                                               to_weights, &weights),
                err);
    if (gradients->src && !is_half(op) && kern_cuda_is_uneven(&op->op.shape) &&
        own_memory(op, &op->padded_grad, err))
        return -1;
    return reserve(op, data > weights ? data : weights, err);

fail:
    return -1;
}

void kern_cuda_conv_free(struct cuda_op *op)
{
    if (op->x)
        (void)cudnnDestroyTensorDescriptor(op->x);
    if (op->y)
        (void)cudnnDestroyTensorDescriptor(op->y);
    if (op->w)
        (void)cudnnDestroyFilterDescriptor(op->w);
    if (op->conv)
        (void)cudnnDestroyConvolutionDescriptor(op->conv);
}

/* Copy between images and the same with padding on some sides. */
static void pad(const struct cuda_op *op, bool back, const float *in, float *out)
{
    const int64_t       *dims = op->op.tensors.src->dims;
    const uint32_t      *more = op->op.shape.more;
    struct kern_pad_args args = {.in = in,
                                 .out = out,
                                 .above = (int32_t)more[0],
                                 .left = (int32_t)more[1],
                                 .in_height = (uint32_t)dims[2],
                                 .in_width = (uint32_t)dims[3],
                                 .out_height = op->height,
                                 .out_width = op->width};

    if (back)
        args = (struct kern_pad_args){.in = in,
                                      .out = out,
                                      .above = -(int32_t)more[0],
                                      .left = -(int32_t)more[1],
                                      .in_height = op->height,
                                      .in_width = op->width,
                                      .out_height = (uint32_t)dims[2],
                                      .out_width = (uint32_t)dims[3]};
    args.n = (size_t)(dims[0] * dims[1]) * args.out_height * args.out_width;
    LAUNCH(cuda_of(op->op.nn), pad, &args);
}

/* What cuDNN reads and writes: copies where tensors are not as it takes them. */
struct places {
    const void *x, *w, *bias;
    void       *dx, *dw;
};

static struct places places_of(const struct cuda_op *op)
{
    const struct kern_op_tensors *at = &op->op.tensors;
    const struct kern_tensor     *dx = op->op.gradients.src, *dw = op->op.gradients.weights;
    const struct cuda_copies      copies = kern_cuda_bf16_copies(op);
    const void                   *x = is_half(op) ? copies.src : op->padded;
    void                         *to = is_half(op) ? copies.src_gradient : op->padded_grad;

    return (struct places){.x = x ? x : at->src->data,
                           .w = is_half(op) ? copies.weights : at->weights->data,
                           .bias = is_half(op) || !at->bias ? copies.bias : at->bias->data,
                           .dx = to || !dx ? to : dx->data,
                           .dw = is_half(op) || !dw ? copies.gradient : dw->data};
}

static int run_plan(const struct cuda_op *op, enum kern_pass pass, struct kern_plan_places at,
                    struct mx_err *err)
{
    const struct cuda *cuda = cuda_of(op->op.nn);

    at.workspace = cuda->scratch;
    return kern_plan_run(op->plans[pass], cuda->dnn, &at, err);
}

/* By a call that names its algorithm; what is done to the result comes behind it. */
static int forward_by_name(const struct cuda_op *op, const struct places *at, struct mx_err *err)
{
    struct cuda *cuda = cuda_of(op->op.nn);

    DNN_TRY(cudnnConvolutionForward(cuda->dnn, &one, op->x, at->x, op->w, at->w, op->conv, forward,
                                    cuda->scratch, cuda->scratch_bytes,
                                    op->op.shape.sum ? &one : &none, op->y,
                                    op->op.tensors.dst->data),
            err);
    if (is_half(op))
        kern_cuda_bf16_finish(op);
    else
        kern_cuda_finish(op);
    return 0;

fail:
    return -1;
}

int kern_cuda_conv_forward(struct cuda_op *op, struct mx_err *err)
{
    const struct places at = places_of(op);
    const bool          planned = op->plans[KERN_FORWARD];

    if (is_half(op))
        kern_cuda_bf16_bring(op, true, true);
    else if (op->padded)
        pad(op, false, op->op.tensors.src->data, op->padded);
    if (!planned)
        return forward_by_name(op, &at, err);
    if (is_half(op))
        kern_cuda_bf16_bring_bias(op);
    return run_plan(op, KERN_FORWARD,
                    (struct kern_plan_places){
                        .x = at.x, .w = at.w, .y = op->op.tensors.dst->data, .bias = at.bias},
                    err);
}

static int weights_backward(const struct cuda_op *op, const struct places *at, struct mx_err *err)
{
    struct cuda *cuda = cuda_of(op->op.nn);
    const float *dy = op->op.gradients.dst->data;

    if (!op->plans[KERN_TO_WEIGHTS])
        DNN_TRY(cudnnConvolutionBackwardFilter(cuda->dnn, &one, op->x, at->x, op->y, dy, op->conv,
                                               to_weights, cuda->scratch, cuda->scratch_bytes,
                                               &none, op->w, at->dw),
                err);
    else if (run_plan(op, KERN_TO_WEIGHTS,
                      (struct kern_plan_places){.x = at->x, .w = at->dw, .y = dy}, err))
        return -1;
    if (is_half(op)) {
        kern_cuda_bf16_give_weights(op);
        kern_cuda_bf16_sum_bias(op);
    } else {
        kern_cuda_sum_bias(op);
    }
    return 0;

fail:
    return -1;
}

static int data_backward(const struct cuda_op *op, const struct places *at, struct mx_err *err)
{
    struct cuda *cuda = cuda_of(op->op.nn);
    const float *dy = op->op.gradients.dst->data;

    if (!op->plans[KERN_TO_DATA])
        DNN_TRY(cudnnConvolutionBackwardData(cuda->dnn, &one, op->w, at->w, op->y, dy, op->conv,
                                             to_data, cuda->scratch, cuda->scratch_bytes, &none,
                                             op->x, at->dx),
                err);
    else if (run_plan(op, KERN_TO_DATA, (struct kern_plan_places){.x = at->dx, .w = at->w, .y = dy},
                      err))
        return -1;
    if (is_half(op))
        kern_cuda_bf16_give_src(op);
    else if (op->padded_grad)
        pad(op, true, op->padded_grad, op->op.gradients.src->data);
    return 0;

fail:
    return -1;
}

int kern_cuda_conv_backward(struct cuda_op *op, struct mx_err *err)
{
    const struct kern_op_gradients *to = &op->op.gradients;
    const struct places             at = places_of(op);

    if (is_half(op))
        kern_cuda_bf16_bring(op, to->weights, to->src);
    if (to->weights && weights_backward(op, &at, err))
        return -1;
    return to->src ? data_backward(op, &at, err) : 0;
}
