/* cuDNN: convolutions by the algorithms that a call names. */
#include "tests/fakegpu/cudnn_work.h"

/* ---- checks ---- */

static bool channels_last(const struct fake_tensor *t)
{
    return t->strides[1] == 1 && (t->strides[3] == t->dims[1] || t->dims[3] == 1);
}

/* bfloat16: channels last and in eights, by the algorithms that tensor cores know. */
static void check_half(const struct fake_work *work, const struct fake_filter *filter, int algo,
                       const char *const names[3])
{
    static const int known[] = {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM,
                                CUDNN_CONVOLUTION_BWD_DATA_ALGO_1,
                                CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1};

    if (filter->format != CUDNN_TENSOR_NHWC || !channels_last(&work->x) || !channels_last(&work->y))
        fake_misuse(names[0], "bfloat16 is supported channels-last alone");
    fake_check_eights(work, names[1]);
    if (work->convolution.math != CUDNN_TENSOR_OP_MATH)
        fake_misuse("convDesc", "bfloat16 without CUDNN_TENSOR_OP_MATH");
    if (algo != known[work->pass])
        fake_misuse("algo", "%d is not supported with bfloat16", algo);
}

/* Dimensions, orders and types that go together; names as the pass calls them. */
static void check(const struct fake_work *work, const struct fake_filter *filter, int algo,
                  const char *const names[3])
{
    const struct fake_tensor *all[] = {&work->x, &work->w, &work->y};

    fake_check_shapes(work, names);
    if (filter->format == CUDNN_TENSOR_NHWC &&
        !(channels_last(&work->x) && channels_last(&work->y)))
        fake_misuse(names[1], "is NHWC, and a tensor is not");
    for (int t = 0; t < 3; t++)
        if (all[t]->type != work->x.type)
            fake_misuse(names[t], "data type %d, and that of %s is %d", (int)all[t]->type, names[0],
                        (int)work->x.type);
    if (work->x.type != CUDNN_DATA_FLOAT)
        check_half(work, filter, algo, names);
}

size_t fake_workspace(const struct fake_tensor *w, int algo)
{
    return algo == 0 ? 0 : (size_t)(w->dims[1] * w->dims[2] * w->dims[3]) * 64 + (size_t)algo * 256;
}

/* Algorithms that add in an order of their own are no use: results must repeat. */
static void check_algorithm(enum fake_pass pass, int algo)
{
    static const int count[] = {CUDNN_CONVOLUTION_FWD_ALGO_COUNT,
                                CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT,
                                CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT};

    if (algo < 0 || algo >= count[pass])
        fake_misuse("algo", "%d is none", algo);
    if ((pass == FAKE_TO_DATA && algo == CUDNN_CONVOLUTION_BWD_DATA_ALGO_0) ||
        (pass == FAKE_TO_FILTER && (algo == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0 ||
                                    algo == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3)))
        fake_misuse("algo", "%d does not repeat its sums", algo);
}

static cudnnStatus_t convolve(cudnnHandle_t handle, struct fake_work *work, int algo,
                              const struct fake_filter *filter, const char *const names[3],
                              const char *const data[3])
{
    const struct fake_cudnn  *of = fake_object("handle", handle, FAKE_CUDNN);
    cudaError_t               status = fake_sticking();
    size_t                    needed = fake_workspace(&work->w, algo);
    const struct fake_tensor *tensors[3][3] = {{&work->x, &work->w, &work->y},
                                               {&work->w, &work->y, &work->x},
                                               {&work->x, &work->y, &work->w}};
    struct fake_span          spans[4];

    check_algorithm(work->pass, algo);
    check(work, filter, algo, names);
    if (work->workspace_bytes < needed)
        fake_misuse("workSpaceSizeInBytes", "%zu, and the algorithm needs %zu",
                    work->workspace_bytes, needed);
    spans[0] = fake_tensor_span(data[0], tensors[work->pass][0], work->in, false);
    spans[1] = fake_tensor_span(data[1], tensors[work->pass][1], work->other, false);
    spans[2] = fake_tensor_span(data[2], tensors[work->pass][2], work->out, true);
    spans[3] = (struct fake_span){"workSpace", work->workspace, work->workspace_bytes, 16, true};
    if (status == cudaSuccess)
        fake_cudnn_queue(of, fake_convolve, work, sizeof *work, spans, 4);
    return fake_cudnn_leave(status);
}

static struct fake_work work_of(const char *call, enum fake_pass pass, const void *alpha,
                                const void *beta, const void *convolution)
{
    struct fake_work work = {.pass = pass};

    (void)fake_enter(call);
    work.alpha = fake_scalar("alpha", alpha);
    work.beta = fake_scalar("beta", beta);
    work.convolution = *fake_convolution_of("convDesc", convolution);
    work.rounding = work.convolution.math == CUDNN_FMA_MATH ? FAKE_EXACT : FAKE_TO_TF32;
    return work;
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void *alpha,
                                      const cudnnTensorDescriptor_t xDesc, const void *x,
                                      const cudnnFilterDescriptor_t wDesc, const void *w,
                                      const cudnnConvolutionDescriptor_t convDesc,
                                      cudnnConvolutionFwdAlgo_t algo, void *workSpace, size_t bytes,
                                      const void *beta, const cudnnTensorDescriptor_t yDesc,
                                      void *y)
{
    static const char *const names[] = {"xDesc", "wDesc", "yDesc"}, *const data[] = {"x", "w", "y"};
    struct fake_work work = work_of("cudnnConvolutionForward", FAKE_FORWARD, alpha, beta, convDesc);
    const struct fake_filter *filter = fake_filter_of("wDesc", wDesc);

    if (fake_library_lacks_memory()) {
        (void)fake_leave(cudaSuccess);
        return CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
    }
    work.x = *fake_tensor_of("xDesc", xDesc);
    work.w = fake_tensor_of_filter(filter);
    work.y = *fake_tensor_of("yDesc", yDesc);
    work.in = x;
    work.other = w;
    work.out = y;
    work.workspace = workSpace;
    work.workspace_bytes = bytes;
    return convolve(handle, &work, (int)algo, filter, names, data);
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void *alpha,
                                           const cudnnFilterDescriptor_t wDesc, const void *w,
                                           const cudnnTensorDescriptor_t dyDesc, const void *dy,
                                           const cudnnConvolutionDescriptor_t convDesc,
                                           cudnnConvolutionBwdDataAlgo_t algo, void *workSpace,
                                           size_t bytes, const void *beta,
                                           const cudnnTensorDescriptor_t dxDesc, void *dx)
{
    static const char *const names[] = {"dxDesc", "wDesc", "dyDesc"};
    static const char *const data[] = {"w", "dy", "dx"};
    struct fake_work         work =
        work_of("cudnnConvolutionBackwardData", FAKE_TO_DATA, alpha, beta, convDesc);
    const struct fake_filter *filter = fake_filter_of("wDesc", wDesc);

    if (fake_library_lacks_memory()) {
        (void)fake_leave(cudaSuccess);
        return CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
    }
    work.x = *fake_tensor_of("dxDesc", dxDesc);
    work.w = fake_tensor_of_filter(filter);
    work.y = *fake_tensor_of("dyDesc", dyDesc);
    work.in = w;
    work.other = dy;
    work.out = dx;
    work.workspace = workSpace;
    work.workspace_bytes = bytes;
    return convolve(handle, &work, (int)algo, filter, names, data);
}

cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void *alpha,
                                             const cudnnTensorDescriptor_t xDesc, const void *x,
                                             const cudnnTensorDescriptor_t dyDesc, const void *dy,
                                             const cudnnConvolutionDescriptor_t convDesc,
                                             cudnnConvolutionBwdFilterAlgo_t algo, void *workSpace,
                                             size_t bytes, const void *beta,
                                             const cudnnFilterDescriptor_t dwDesc, void *dw)
{
    static const char *const names[] = {"xDesc", "dwDesc", "dyDesc"};
    static const char *const data[] = {"x", "dy", "dw"};
    struct fake_work         work =
        work_of("cudnnConvolutionBackwardFilter", FAKE_TO_FILTER, alpha, beta, convDesc);
    const struct fake_filter *filter = fake_filter_of("dwDesc", dwDesc);

    if (fake_library_lacks_memory()) {
        (void)fake_leave(cudaSuccess);
        return CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
    }
    work.x = *fake_tensor_of("xDesc", xDesc);
    work.w = fake_tensor_of_filter(filter);
    work.y = *fake_tensor_of("dyDesc", dyDesc);
    work.in = x;
    work.other = dy;
    work.out = dw;
    work.workspace = workSpace;
    work.workspace_bytes = bytes;
    return convolve(handle, &work, (int)algo, filter, names, data);
}

/* ---- questions ---- */

static cudnnStatus_t ask(const char *call, enum fake_pass pass, cudnnHandle_t handle, const void *x,
                         const void *w, const void *y, const void *convolution, int algo,
                         size_t *bytes)
{
    static const char *const  names[] = {"xDesc", "wDesc", "yDesc"};
    struct fake_work          work = {.pass = pass};
    const struct fake_filter *filter;

    (void)fake_enter(call);
    (void)fake_object("handle", handle, FAKE_CUDNN);
    filter = fake_filter_of("wDesc", w);
    work.convolution = *fake_convolution_of("convDesc", convolution);
    work.x = *fake_tensor_of("xDesc", x);
    work.w = fake_tensor_of_filter(filter);
    work.y = *fake_tensor_of("yDesc", y);
    check_algorithm(pass, algo);
    check(&work, filter, algo, names);
    fake_check_host("sizeInBytes", bytes, sizeof *bytes);
    *bytes = fake_workspace(&work.w, algo);
    return fake_cudnn_leave(fake_sticking());
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t                      handle,
                                                      const cudnnTensorDescriptor_t      xDesc,
                                                      const cudnnFilterDescriptor_t      wDesc,
                                                      const cudnnConvolutionDescriptor_t convDesc,
                                                      const cudnnTensorDescriptor_t      yDesc,
                                                      cudnnConvolutionFwdAlgo_t algo, size_t *bytes)
{
    return ask("cudnnGetConvolutionForwardWorkspaceSize", FAKE_FORWARD, handle, xDesc, wDesc, yDesc,
               convDesc, (int)algo, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(
    cudnnHandle_t handle, const cudnnFilterDescriptor_t wDesc, const cudnnTensorDescriptor_t dyDesc,
    const cudnnConvolutionDescriptor_t convDesc, const cudnnTensorDescriptor_t dxDesc,
    cudnnConvolutionBwdDataAlgo_t algo, size_t *bytes)
{
    return ask("cudnnGetConvolutionBackwardDataWorkspaceSize", FAKE_TO_DATA, handle, dxDesc, wDesc,
               dyDesc, convDesc, (int)algo, bytes);
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t xDesc, const cudnnTensorDescriptor_t dyDesc,
    const cudnnConvolutionDescriptor_t convDesc, const cudnnFilterDescriptor_t dwDesc,
    cudnnConvolutionBwdFilterAlgo_t algo, size_t *bytes)
{
    return ask("cudnnGetConvolutionBackwardFilterWorkspaceSize", FAKE_TO_FILTER, handle, xDesc,
               dwDesc, dyDesc, convDesc, (int)algo, bytes);
}
