/* Misuse of cuFFT. */
#include "tests/fakegpu/planted.h"

#include <cuda_runtime_api.h>
#include <cufft.h>

// clang-format off
WRAPPED(cufftResult, cufftCreate, cufftHandle *handle);
WRAPPED(cufftResult, cufftSetAutoAllocation, cufftHandle plan, int automatic);
WRAPPED(cufftResult, cufftMakePlanMany, cufftHandle plan, int rank, int *n, int *inembed, int istride, int idist, int *onembed, int ostride, int odist, cufftType type, int batch, size_t *bytes);
WRAPPED(cufftResult, cufftSetWorkArea, cufftHandle plan, void *work);
WRAPPED(cufftResult, cufftSetStream, cufftHandle plan, cudaStream_t stream);
WRAPPED(cufftResult, cufftExecC2R, cufftHandle plan, cufftComplex *idata, cufftReal *odata);
WRAPPED(cufftResult, cufftDestroy, cufftHandle plan);
// clang-format on

cufftResult __wrap_cufftCreate(cufftHandle *handle)
{
    cufftResult status = __real_cufftCreate(handle);

    if (planted("plan that nobody made"))
        *handle += 7;
    return status;
}

cufftResult __wrap_cufftSetAutoAllocation(cufftHandle plan, int automatic)
{
    if (planted("plan destroyed before it was made"))
        __real_cufftDestroy(plan);
    return __real_cufftSetAutoAllocation(plan, automatic);
}

cufftResult __wrap_cufftMakePlanMany(cufftHandle plan, int rank, int *n, int *inembed, int istride,
                                     int idist, int *onembed, int ostride, int odist,
                                     cufftType type, int batch, size_t *bytes)
{
    int nothing[2] = {n[0], 0};

    if (planted("transform of another type"))
        type = CUFFT_R2C;
    if (planted("transform of one axis"))
        rank = 1;
    if (planted("transform of nothing"))
        n = nothing;
    if (planted("whole spectra instead of halves"))
        idist = n[0] * n[1];
    if (planted("embedded images"))
        onembed = n;
    if (planted("plan that was not made")) {
        *bytes = 256;
        return CUFFT_SUCCESS;
    }
    if (planted("more images than there is room for"))
        batch += 9;
    return __real_cufftMakePlanMany(plan, rank, n, inembed, istride, idist, onembed, ostride, odist,
                                    type, batch, bytes);
}

cufftResult __wrap_cufftSetWorkArea(cufftHandle plan, void *work)
{
    if (planted("work area of the host"))
        work = &work;
    if (planted("no work area"))
        return CUFFT_SUCCESS;
    return __real_cufftSetWorkArea(plan, work);
}

cufftResult __wrap_cufftSetStream(cufftHandle plan, cudaStream_t stream)
{
    if (planted("transform on the default stream"))
        return CUFFT_SUCCESS;
    if (planted("transform on a destroyed stream"))
        cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    (void)__real_cufftSetStream(plan, stream);
    if (planted("transform on a destroyed stream"))
        cudaStreamDestroy(stream);
    return CUFFT_SUCCESS;
}

cufftResult __wrap_cufftExecC2R(cufftHandle plan, cufftComplex *idata, cufftReal *odata)
{
    if (planted("transform into its input"))
        odata = (cufftReal *)(void *)idata;
    if (planted("transform of the host's memory"))
        idata = (cufftComplex *)malloc(1 << 20);
    if (planted("transform of unaligned memory"))
        idata = (cufftComplex *)(void *)((char *)idata + 4);
    if (planted("transform of freed memory"))
        cudaFree(odata);
    if (planted("spectrum of no real image")) {
        cudaDeviceSynchronize();
        cudaMemset(idata, 0x3F, 64);
        cudaDeviceSynchronize();
    }
    if (planted("plan destroyed before its use"))
        __real_cufftDestroy(plan);
    return __real_cufftExecC2R(plan, idata, odata);
}

cufftResult __wrap_cufftDestroy(cufftHandle plan)
{
    if (planted("plan never destroyed"))
        return CUFFT_SUCCESS;
    if (planted("plan destroyed twice"))
        __real_cufftDestroy(plan);
    return __real_cufftDestroy(plan);
}
