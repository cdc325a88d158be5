/* cuDNN: which algorithms are fast. The first is not supported, the second wants more memory than anybody has, the third
 * adds in an order of its own where there is such a one. */
#include "tests/fakegpu/cudnn_parts.h"

/* What is told of one algorithm. */
struct rank {
    int           algo;
    cudnnStatus_t status;
    bool          greedy, repeats;
};

static const struct rank forward[] = {
    {CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD, CUDNN_STATUS_NOT_SUPPORTED, false, true},
    {CUDNN_CONVOLUTION_FWD_ALGO_FFT, CUDNN_STATUS_SUCCESS, true, true},
    {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, CUDNN_STATUS_SUCCESS, false, true},
    {CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM, CUDNN_STATUS_SUCCESS, false, true},
};
static const struct rank to_data[] = {
    {CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD, CUDNN_STATUS_NOT_SUPPORTED, false, true},
    {CUDNN_CONVOLUTION_BWD_DATA_ALGO_FFT, CUDNN_STATUS_SUCCESS, true, true},
    {CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, CUDNN_STATUS_SUCCESS, false, false},
    {CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, CUDNN_STATUS_SUCCESS, false, true},
};
static const struct rank to_filter[] = {
    {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD, CUDNN_STATUS_NOT_SUPPORTED, false, true},
    {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT, CUDNN_STATUS_SUCCESS, true, true},
    {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, CUDNN_STATUS_SUCCESS, false, false},
    {CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, CUDNN_STATUS_SUCCESS, false, true},
};

enum {
    RANKS = sizeof forward / sizeof *forward
};

/* Checked, and how many are told. */
static int enter(const char *call, cudnnHandle_t handle, const void *x, const void *w,
                 const void *convolution, const void *y, int asked, const int *count)
{
    struct fake_cudnn *of;

    (void)fake_enter(call);
    of = fake_object("handle", handle, FAKE_CUDNN);
    (void)fake_tensor_of("xDesc", x);
    (void)fake_filter_of("wDesc", w);
    (void)fake_convolution_of("convDesc", convolution);
    (void)fake_tensor_of("yDesc", y);
    if (asked <= 0)
        fake_misuse("requestedAlgoCount", "%d is not above 0", asked);
    fake_check_host("returnedAlgoCount", count, sizeof *count);
    of->ranked = true;
    return asked < RANKS ? asked : RANKS;
}

/* Fill in what the three kinds of results have in common. */
#define FILL(word, results, n, ranks, w, convolution)                                              \
    for (int k = 0; k < (n); k++) {                                                                \
        const struct fake_tensor filter = fake_tensor_of_filter(fake_filter_of("wDesc", w));       \
                                                                                                   \
        fake_check_host("perfResults", &(results)[k], sizeof(results)[k]);                         \
        (results)[k].algo = (word)(ranks)[k].algo;                                                 \
        (results)[k].status = filter.type == CUDNN_DATA_FLOAT || (ranks)[k].algo == 1              \
                                  ? (ranks)[k].status                                              \
                                  : CUDNN_STATUS_NOT_SUPPORTED;                                    \
        (results)[k].time = (float)k;                                                              \
        (results)[k].memory =                                                                      \
            (ranks)[k].greedy ? (size_t)1 << 40 : fake_workspace(&filter, (ranks)[k].algo);        \
        (results)[k].determinism =                                                                 \
            (ranks)[k].repeats ? CUDNN_DETERMINISTIC : CUDNN_NON_DETERMINISTIC;                    \
        (results)[k].mathType = fake_convolution_of("convDesc", convolution)->math;                \
    }

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const cudnnFilterDescriptor_t w,
    const cudnnConvolutionDescriptor_t convolution, const cudnnTensorDescriptor_t y,
    const int asked, int *count, cudnnConvolutionFwdAlgoPerf_t *results)
{
    const int n =
        enter("cudnnGetConvolutionForwardAlgorithm_v7", handle, x, w, convolution, y, asked, count);

    FILL(cudnnConvolutionFwdAlgo_t, results, n, forward, w, convolution)
    *count = n;
    return fake_cudnn_leave(fake_sticking());
}

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(
    cudnnHandle_t handle, const cudnnFilterDescriptor_t w, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t convolution, const cudnnTensorDescriptor_t dx,
    const int asked, int *count, cudnnConvolutionBwdDataAlgoPerf_t *results)
{
    const int n = enter("cudnnGetConvolutionBackwardDataAlgorithm_v7", handle, dx, w, convolution,
                        dy, asked, count);

    FILL(cudnnConvolutionBwdDataAlgo_t, results, n, to_data, w, convolution)
    *count = n;
    return fake_cudnn_leave(fake_sticking());
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t convolution, const cudnnFilterDescriptor_t dw,
    const int asked, int *count, cudnnConvolutionBwdFilterAlgoPerf_t *results)
{
    const int n = enter("cudnnGetConvolutionBackwardFilterAlgorithm_v7", handle, x, dw, convolution,
                        dy, asked, count);

    FILL(cudnnConvolutionBwdFilterAlgo_t, results, n, to_filter, dw, convolution)
    *count = n;
    return fake_cudnn_leave(fake_sticking());
}
