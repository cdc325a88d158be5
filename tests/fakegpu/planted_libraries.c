/* Misuse of cuBLAS and cuDNN. */
#include "tests/fakegpu/planted.h"

#include <cublas_v2.h>
#include <cudnn.h>

// clang-format off
WRAPPED(cublasStatus_t, cublasSgemm_v2, cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n, int k, const float *alpha, const float *A, int lda, const float *B, int ldb, const float *beta, float *C, int ldc);
WRAPPED(cublasStatus_t, cublasGemmEx, cublasHandle_t handle, cublasOperation_t transa, cublasOperation_t transb, int m, int n, int k, const void *alpha, const void *A, cudaDataType Atype, int lda, const void *B, cudaDataType Btype, int ldb, const void *beta, void *C, cudaDataType Ctype, int ldc, cublasComputeType_t computeType, cublasGemmAlgo_t algo);
WRAPPED(cudnnStatus_t, cudnnSetFilter4dDescriptor, cudnnFilterDescriptor_t descriptor, cudnnDataType_t type, cudnnTensorFormat_t format, int k, int c, int h, int w);
WRAPPED(cublasStatus_t, cublasSetWorkspace_v2, cublasHandle_t handle, void *workspace, size_t bytes);
WRAPPED(cublasStatus_t, cublasSetMathMode, cublasHandle_t handle, cublasMath_t mode);
WRAPPED(cublasStatus_t, cublasDestroy_v2, cublasHandle_t handle);
WRAPPED(cudnnStatus_t, cudnnDestroy, cudnnHandle_t handle);
WRAPPED(cudnnStatus_t, cudnnSetStream, cudnnHandle_t handle, cudaStream_t stream);
WRAPPED(cudnnStatus_t, cudnnSetTensor4dDescriptor, cudnnTensorDescriptor_t descriptor, cudnnTensorFormat_t format, cudnnDataType_t type, int n, int c, int h, int w);
WRAPPED(cudnnStatus_t, cudnnSetTensor4dDescriptorEx, cudnnTensorDescriptor_t descriptor, cudnnDataType_t type, int n, int c, int h, int w, int ns, int cs, int hs, int ws);
WRAPPED(cudnnStatus_t, cudnnSetConvolutionGroupCount, cudnnConvolutionDescriptor_t descriptor, int groups);
WRAPPED(cudnnStatus_t, cudnnSetConvolution2dDescriptor, cudnnConvolutionDescriptor_t descriptor, int pad_h, int pad_w, int u, int v, int dilation_h, int dilation_w, cudnnConvolutionMode_t mode, cudnnDataType_t type);
WRAPPED(cudnnStatus_t, cudnnSetConvolutionMathType, cudnnConvolutionDescriptor_t descriptor, cudnnMathType_t type);
WRAPPED(cudnnStatus_t, cudnnDestroyTensorDescriptor, cudnnTensorDescriptor_t descriptor);
WRAPPED(cudnnStatus_t, cudnnConvolutionForward, cudnnHandle_t handle, const void *alpha, const cudnnTensorDescriptor_t xDesc, const void *x, const cudnnFilterDescriptor_t wDesc, const void *w, const cudnnConvolutionDescriptor_t convDesc, cudnnConvolutionFwdAlgo_t algo, void *workSpace, size_t bytes, const void *beta, const cudnnTensorDescriptor_t yDesc, void *y);
WRAPPED(cudnnStatus_t, cudnnConvolutionBackwardData, cudnnHandle_t handle, const void *alpha, const cudnnFilterDescriptor_t wDesc, const void *w, const cudnnTensorDescriptor_t dyDesc, const void *dy, const cudnnConvolutionDescriptor_t convDesc, cudnnConvolutionBwdDataAlgo_t algo, void *workSpace, size_t bytes, const void *beta, const cudnnTensorDescriptor_t dxDesc, void *dx);
WRAPPED(cudnnStatus_t, cudnnConvolutionBackwardFilter, cudnnHandle_t handle, const void *alpha, const cudnnTensorDescriptor_t xDesc, const void *x, const cudnnTensorDescriptor_t dyDesc, const void *dy, const cudnnConvolutionDescriptor_t convDesc, cudnnConvolutionBwdFilterAlgo_t algo, void *workSpace, size_t bytes, const void *beta, const cudnnFilterDescriptor_t dwDesc, void *dw);
// clang-format on

cublasStatus_t __wrap_cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t transa,
                                     cublasOperation_t transb, int m, int n, int k,
                                     const float *alpha, const float *A, int lda, const float *B,
                                     int ldb, const float *beta, float *C, int ldc)
{
    if (planted("leading dimension too small"))
        lda--;
    if (planted("product past the end"))
        n++;
    if (planted("product into its own factor"))
        C = (float *)(uintptr_t)A;
    if (planted("product of unaligned memory"))
        A = (const float *)(const void *)((const char *)A + 2);
    if (planted("no operation"))
        transb = (cublasOperation_t)7;
    if (planted("scalar on the device"))
        alpha = A;
    if (planted("factor in host memory"))
        B = alpha;
    if (planted("negative size"))
        k = -1;
    if (planted("destroyed cuBLAS handle"))
        cublasDestroy(handle);
    if (planted("stream of the handle destroyed")) {
        cudaStream_t other = NULL;

        cudaStreamCreate(&other);
        cublasSetStream(handle, other);
        cudaStreamDestroy(other);
    }
    if (planted("product on a stream that nobody waits for")) {
        cudaStream_t other = NULL;

        cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking);
        cublasSetStream(handle, other);
    }
    return __real_cublasSgemm_v2(handle, transa, transb, m, n, k, alpha, A, lda, B, ldb, beta, C,
                                 ldc);
}

/* Whether the program has come to bfloat16: some misuse is none before. */
static int halves;

cublasStatus_t __wrap_cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa,
                                   cublasOperation_t transb, int m, int n, int k, const void *alpha,
                                   const void *A, cudaDataType Atype, int lda, const void *B,
                                   cudaDataType Btype, int ldb, const void *beta, void *C,
                                   cudaDataType Ctype, int ldc, cublasComputeType_t computeType,
                                   cublasGemmAlgo_t algo)
{
    if (planted("factor of unaligned bfloat16"))
        A = (const char *)A + 2;
    if (planted("factors of two types"))
        Btype = CUDA_R_16F;
    if (planted("sums in half precision"))
        computeType = CUBLAS_COMPUTE_16F;
    if (planted("rows of no eights"))
        ldb += 4;
    if (planted("product in bfloat16 past the end"))
        n++;
    if (planted("product in bfloat16 into its own factor"))
        C = (void *)(uintptr_t)A;
    return __real_cublasGemmEx(handle, transa, transb, m, n, k, alpha, A, Atype, lda, B, Btype, ldb,
                               beta, C, Ctype, ldc, computeType, algo);
}

cudnnStatus_t __wrap_cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t descriptor,
                                                cudnnDataType_t type, cudnnTensorFormat_t format,
                                                int k, int c, int h, int w)
{
    halves = type == CUDNN_DATA_BFLOAT16;
    if (halves && planted("filter of another type"))
        type = CUDNN_DATA_FLOAT;
    if (halves && planted("bfloat16 row-major"))
        format = CUDNN_TENSOR_NCHW;
    return __real_cudnnSetFilter4dDescriptor(descriptor, type, format, k, c, h, w);
}

cublasStatus_t __wrap_cublasSetWorkspace_v2(cublasHandle_t handle, void *workspace, size_t bytes)
{
    if (planted("cuBLAS's workspace of the host"))
        workspace = &workspace;
    if (planted("cuBLAS's workspace not aligned"))
        workspace = (char *)workspace + 16;
    return __real_cublasSetWorkspace_v2(handle, workspace, bytes);
}

cublasStatus_t __wrap_cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode)
{
    return __real_cublasSetMathMode(handle,
                                    planted("no way of computing") ? (cublasMath_t)77 : mode);
}

cublasStatus_t __wrap_cublasDestroy_v2(cublasHandle_t handle)
{
    if (planted("cuBLAS handle never destroyed"))
        return CUBLAS_STATUS_SUCCESS;
    return __real_cublasDestroy_v2(handle);
}

cudnnStatus_t __wrap_cudnnDestroy(cudnnHandle_t handle)
{
    if (planted("cuDNN handle never destroyed"))
        return CUDNN_STATUS_SUCCESS;
    return __real_cudnnDestroy(handle);
}

cudnnStatus_t __wrap_cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    if (planted("cuBLAS handle as one of cuDNN")) {
        cublasHandle_t other = NULL;

        cublasCreate(&other);
        handle = (cudnnHandle_t)(void *)other;
    }
    return __real_cudnnSetStream(handle, stream);
}

cudnnStatus_t __wrap_cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t descriptor,
                                                cudnnTensorFormat_t format, cudnnDataType_t type,
                                                int n, int c, int h, int w)
{
    if (planted("descriptor of another type"))
        type = CUDNN_DATA_DOUBLE;
    if (planted("dimension of nothing"))
        n = 0;
    if (planted("descriptor that is not set"))
        return CUDNN_STATUS_SUCCESS;
    return __real_cudnnSetTensor4dDescriptor(descriptor, format, type, n, c, h, w);
}

cudnnStatus_t __wrap_cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t descriptor,
                                                  cudnnDataType_t type, int n, int c, int h, int w,
                                                  int ns, int cs, int hs, int ws)
{
    if (planted("strides that overlap"))
        cs--;
    if (planted("stride too large"))
        ns += 64;
    return __real_cudnnSetTensor4dDescriptorEx(descriptor, type, n, c, h, w, ns, cs, hs, ws);
}

cudnnStatus_t __wrap_cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t descriptor,
                                                   int                          groups)
{
    return __real_cudnnSetConvolutionGroupCount(descriptor,
                                                planted("wrong number of groups") ? 3 : groups);
}

cudnnStatus_t __wrap_cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t descriptor,
                                                     int pad_h, int pad_w, int u, int v,
                                                     int dilation_h, int dilation_w,
                                                     cudnnConvolutionMode_t mode,
                                                     cudnnDataType_t        type)
{
    if (planted("convolution with turned windows"))
        mode = CUDNN_CONVOLUTION;
    return __real_cudnnSetConvolution2dDescriptor(descriptor,
                                                  planted("wrong padding") ? pad_h + 1 : pad_h,
                                                  pad_w, u, v, dilation_h, dilation_w, mode, type);
}

cudnnStatus_t __wrap_cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t descriptor,
                                                 cudnnMathType_t              type)
{
    if (planted("float32 as half precision"))
        type = CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION;
    if (halves && planted("bfloat16 without tensor cores"))
        type = CUDNN_FMA_MATH;
    return __real_cudnnSetConvolutionMathType(descriptor, type);
}

cudnnStatus_t __wrap_cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t descriptor)
{
    if (planted("descriptor never destroyed"))
        return CUDNN_STATUS_SUCCESS;
    if (planted("descriptor destroyed twice"))
        __real_cudnnDestroyTensorDescriptor(descriptor);
    return __real_cudnnDestroyTensorDescriptor(descriptor);
}

cudnnStatus_t __wrap_cudnnConvolutionForward(cudnnHandle_t handle, const void *alpha,
                                             const cudnnTensorDescriptor_t xDesc, const void *x,
                                             const cudnnFilterDescriptor_t wDesc, const void *w,
                                             const cudnnConvolutionDescriptor_t convDesc,
                                             cudnnConvolutionFwdAlgo_t algo, void *workSpace,
                                             size_t bytes, const void *beta,
                                             const cudnnTensorDescriptor_t yDesc, void *y)
{
    cudnnTensorDescriptor_t input = xDesc;

    if (planted("workspace too small"))
        bytes--;
    if (planted("workspace of the host"))
        workSpace = &workSpace;
    if (planted("workspace not aligned"))
        workSpace = (char *)workSpace + 4;
    if (planted("workspace over the output"))
        workSpace = y;
    if (planted("convolution into its input"))
        y = (void *)(uintptr_t)x;
    if (planted("convolution of freed memory"))
        cudaFree((void *)(uintptr_t)x);
    if (planted("no such algorithm"))
        algo = (cudnnConvolutionFwdAlgo_t)99;
    if (halves && planted("algorithm that bfloat16 lacks"))
        algo = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM;
    if (halves && planted("convolution of unaligned bfloat16"))
        x = (const char *)x + 2;
    if (planted("filter as a tensor"))
        input = (cudnnTensorDescriptor_t)(void *)wDesc;
    if (planted("destroyed cuDNN handle"))
        cudnnDestroy(handle);
    return __real_cudnnConvolutionForward(handle, alpha, input, x, wDesc, w, convDesc, algo,
                                          workSpace, bytes, beta, yDesc, y);
}

cudnnStatus_t __wrap_cudnnConvolutionBackwardData(
    cudnnHandle_t handle, const void *alpha, const cudnnFilterDescriptor_t wDesc, const void *w,
    const cudnnTensorDescriptor_t dyDesc, const void *dy,
    const cudnnConvolutionDescriptor_t convDesc, cudnnConvolutionBwdDataAlgo_t algo,
    void *workSpace, size_t bytes, const void *beta, const cudnnTensorDescriptor_t dxDesc, void *dx)
{
    const int swapped = planted("input and output exchanged");

    if (planted("missing wait between libraries")) {
        cudaStream_t other = NULL;

        cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking);
        cudnnSetStream(handle, other);
    }
    return __real_cudnnConvolutionBackwardData(handle, alpha, wDesc, w, swapped ? dxDesc : dyDesc,
                                               dy, convDesc, algo, workSpace, bytes, beta,
                                               swapped ? dyDesc : dxDesc, dx);
}

cudnnStatus_t __wrap_cudnnConvolutionBackwardFilter(
    cudnnHandle_t handle, const void *alpha, const cudnnTensorDescriptor_t xDesc, const void *x,
    const cudnnTensorDescriptor_t dyDesc, const void *dy,
    const cudnnConvolutionDescriptor_t convDesc, cudnnConvolutionBwdFilterAlgo_t algo,
    void *workSpace, size_t bytes, const void *beta, const cudnnFilterDescriptor_t dwDesc, void *dw)
{
    if (planted("sums that do not repeat"))
        algo = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0;
    return __real_cudnnConvolutionBackwardFilter(handle, alpha, xDesc, x, dyDesc, dy, convDesc,
                                                 algo, workSpace, bytes, beta, dwDesc, dw);
}
