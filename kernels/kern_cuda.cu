#include "kernels/kern.h"

#include <cuda_runtime.h>

#include "kernels/batch_body.h"
#include "kernels/launch.h"

/* Call the runtime; on failure say what and where and go to `fail`. */
#define CUDA_TRY(call, err)                                                                        \
    do {                                                                                           \
        cudaError_t status_ = (call);                                                              \
        if (status_ != cudaSuccess) {                                                              \
            mx_fail(err, MX_EGPU, "%s:%d: %s: %s", __FILE__, __LINE__, #call,                      \
                    cudaGetErrorString(status_));                                                  \
            goto fail;                                                                             \
        }                                                                                          \
    } while (0)

/* ---- kernels ---- */

enum {
    BATCH_ROWS = 8 /* rows that one block makes side by side */
};

/* Kernels take one structure by value and keep C's names, by which tests find the CPU's driver of
 * the same body where there is no GPU (tests/fakegpu). */
extern "C" __global__ void mx_kernel_batch(struct kern_batch_args args)
{
    size_t rows = (size_t)args.n * args.channels * args.height;
    size_t stride = (size_t)gridDim.x * BATCH_ROWS;

    for (size_t r = (size_t)blockIdx.x * BATCH_ROWS + threadIdx.y; r < rows; r += stride) {
        size_t           plane = r / args.height;
        struct batch_row row =
            batch_row_begin(&args, (uint32_t)(plane / args.channels),
                            (uint32_t)(plane % args.channels), (uint32_t)(r % args.height));

        for (uint32_t x = threadIdx.x; x < args.width; x += BATCH_LANES)
            args.out[r * args.width + x] = batch_pixel(&row, x);
    }
}

/* ---- launchers ---- */

extern "C" int kern_launch_batch(const struct kern_batch_args *args, void *stream)
{
    size_t   rows = (size_t)args->n * args->channels * args->height;
    size_t   blocks = (rows + BATCH_ROWS - 1) / BATCH_ROWS;
    unsigned grid = (unsigned)(blocks < 65535 ? blocks : 65535);

    if (rows == 0 || args->width == 0)
        return 0; /* a grid of no blocks is an error */
    mx_kernel_batch<<<grid, dim3(BATCH_LANES, BATCH_ROWS), 0, (cudaStream_t)stream>>>(*args);
    return (int)cudaGetLastError();
}

static int cuda_batch(const struct kern_backend *self, const struct kern_batch_args *args,
                      struct mx_err *err)
{
    (void)self;
    CUDA_TRY((cudaError_t)kern_launch_batch(args, NULL), err);
    return 0;
fail:
    return -1;
}

static void *cuda_alloc(size_t bytes, struct mx_err *err)
{
    void *memory = NULL;

    if (cudaMalloc(&memory, bytes ? bytes : 1) == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError(); /* not sticky: the device can go on */
        mx_fail(err, MX_ENOMEM, "no GPU memory for %zu bytes", bytes);
        return NULL;
    }
    CUDA_TRY(cudaPeekAtLastError(), err);
    return memory;
fail:
    return NULL;
}

static void cuda_release(void *memory)
{
    (void)cudaFree(memory);
}

static int cuda_to_device(void *device, const void *host, size_t bytes, struct mx_err *err)
{
    CUDA_TRY(cudaMemcpy(device, host, bytes, cudaMemcpyHostToDevice), err);
    return 0;
fail:
    return -1;
}

static int cuda_to_host(void *host, const void *device, size_t bytes, struct mx_err *err)
{
    CUDA_TRY(cudaMemcpy(host, device, bytes, cudaMemcpyDeviceToHost), err);
    return 0;
fail:
    return -1;
}

static int cuda_sync(struct mx_err *err)
{
    CUDA_TRY(cudaDeviceSynchronize(), err);
    return 0;
fail:
    return -1;
}

/* Why there is no device, in words for the user. */
static const char *why_none(cudaError_t status)
{
    int driver = 0;

    if (status == cudaSuccess)
        return "none is visible (see CUDA_VISIBLE_DEVICES)";
    /* Without a driver the runtime speaks of one that is too old. */
    if (cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0)
        return "no NVIDIA driver is installed";
    return cudaGetErrorString(status);
}

const struct kern_backend *kern_cuda(struct mx_err *err)
{
    /* C++17 has no designated initialisers: the order is that of kern.h. */
    static const struct kern_backend backend = {
        "cuda", 0, cuda_alloc, cuda_release, cuda_to_device, cuda_to_host, cuda_sync, cuda_batch,
    };
    int         devices = 0; /* left unset by the call where there is no driver */
    cudaError_t status = cudaGetDeviceCount(&devices);

    if (status != cudaSuccess || devices < 1) {
        mx_fail(err, MX_EGPU, "no CUDA device can be used: %s", why_none(status));
        return NULL;
    }
    return &backend;
}
