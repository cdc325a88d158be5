/* Misuse of the CUDA runtime. */
#include "tests/fakegpu/planted.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cuda_runtime_api.h>

// clang-format off
WRAPPED(cudaError_t, cudaMalloc, void **memory, size_t bytes);
WRAPPED(cudaError_t, cudaFree, void *memory);
WRAPPED(cudaError_t, cudaMemcpy, void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind);
WRAPPED(cudaError_t, cudaDeviceSynchronize, void);
WRAPPED(unsigned, __cudaPushCallConfiguration, dim3 grid, dim3 block, size_t shared, struct CUstream_st *stream);
WRAPPED(cudaError_t, __cudaLaunchKernel, cudaKernel_t kernel, dim3 grid, dim3 block, void **args, size_t shared, cudaStream_t stream);
WRAPPED(void, __cudaRegisterFunction, void **module, const char *function, char *device_function, const char *name, int limit, uint3 *tid, uint3 *bid, dim3 *block, dim3 *grid, int *size);
// clang-format on

/* Wrapped in planted_streams.c. */
cudaError_t __real_cudaMemcpyAsync(void *to, const void *from, size_t bytes,
                                   enum cudaMemcpyKind kind, cudaStream_t stream);

cudaError_t __wrap_cudaMalloc(void **memory, size_t bytes)
{
    return __real_cudaMalloc(memory, planted("block too small") && bytes > 64 ? bytes - 16 : bytes);
}

/* NULL is freed often, and that is no misuse. */
cudaError_t __wrap_cudaFree(void *memory)
{
    if (memory && planted("never freed"))
        return cudaSuccess;
    if (memory && planted("freed twice"))
        __real_cudaFree(memory);
    if (memory && planted("freed in the middle"))
        memory = (char *)memory + 256;
    if (memory && planted("host memory freed"))
        memory = &memory;
    return __real_cudaFree(memory);
}

static void read_by_host(const void *from)
{
    volatile char byte = *(const volatile char *)from;

    (void)byte;
}

/* Pinned memory that a copy fills, read before it was waited for. */
static void read_too_early(void)
{
    cudaStream_t stream = NULL;
    void        *pinned = NULL;
    size_t       whole = 3 * 4096;
    void        *device = NULL;

    __real_cudaMalloc(&device, whole);
    cudaMallocHost(&pinned, whole);
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    __real_cudaMemcpyAsync(pinned, device, whole, cudaMemcpyDeviceToHost, stream);
    read_by_host((char *)pinned + 2 * 4096);
}

static void child_uses_it(void)
{
    int   status = 0;
    pid_t child = fork();

    if (child == 0) {
        __real_cudaDeviceSynchronize();
        _exit(0);
    }
    waitpid(child, &status, 0);
    _exit(WEXITSTATUS(status));
}

void spoil_copy(void **to, const void **from, size_t *bytes, enum cudaMemcpyKind *kind)
{
    int back = *kind == cudaMemcpyDeviceToHost, forth = *kind == cudaMemcpyHostToDevice;

    if (back && planted("host reads device memory"))
        read_by_host(*from);
    if (back && planted("pinned memory read too early"))
        read_too_early();
    if (back && planted("used after fork"))
        child_uses_it();
    if (back && planted("freed before a copy"))
        __real_cudaFree((void *)(uintptr_t)*from);
    if (back && planted("copied into nothing"))
        *to = NULL;
    if (forth && planted("host memory as device memory"))
        *to = malloc(*bytes);
    if (forth && planted("copied the wrong way"))
        *kind = cudaMemcpyDeviceToHost;
    if (forth && planted("copied past the end"))
        *bytes += 64;
    if (forth && planted("no kind of copy"))
        *kind = (enum cudaMemcpyKind)9;
}

cudaError_t __wrap_cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    spoil_copy(&to, &from, &bytes, &kind);
    return __real_cudaMemcpy(to, from, bytes, kind);
}

cudaError_t __wrap_cudaDeviceSynchronize(void)
{
    cudaEvent_t  event = NULL;
    cudaStream_t stream = NULL;

    if (planted("missing wait"))
        return cudaSuccess; /* for the stream that a launch is moved to */
    if (planted("event never destroyed"))
        cudaEventCreate(&event);
    if (planted("stream never destroyed"))
        cudaStreamCreate(&stream);
    if (planted("event never recorded")) {
        cudaEventCreate(&event);
        cudaStreamWaitEvent(NULL, event, 0);
    }
    if (planted("event waited for after its end")) {
        cudaEventCreate(&event);
        cudaEventDestroy(event);
        cudaEventSynchronize(event);
    }
    if (planted("event as a stream")) {
        cudaEventCreate(&event);
        cudaStreamSynchronize((cudaStream_t)(void *)event);
    }
    if (planted("capture that is waited for")) {
        cudaStreamCreate(&stream);
        cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal);
        cudaStreamSynchronize(stream);
    }
    return __real_cudaDeviceSynchronize();
}

unsigned __wrap___cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared,
                                            struct CUstream_st *stream)
{
    if (planted("grid of no blocks"))
        grid.x = 0;
    if (planted("grid too high"))
        grid.y = 65536;
    if (planted("block too large"))
        block.x = 1024;
    if (planted("block of no threads"))
        block.y = 0;
    if (planted("too much shared memory"))
        shared = 64 << 10;
    if (planted("destroyed stream") || planted("missing wait"))
        cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    if (planted("destroyed stream"))
        cudaStreamDestroy(stream);
    return __real___cudaPushCallConfiguration(grid, block, shared, stream);
}

/* The first pointer of the one structure of arguments. */
static void spoil_pointer(void **args, void *with)
{
    for (size_t k = 0;; k++) {
        void **word = (void **)args[0] + k;

        if ((uintptr_t)*word >> 32) {
            *word = with;
            return;
        }
    }
}

cudaError_t __wrap___cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void **args,
                                      size_t shared, cudaStream_t stream)
{
    unsigned *first = args[0];

    if (planted("host pointer in a kernel's arguments"))
        spoil_pointer(args, args);
    if (planted("freed pointer in a kernel's arguments")) {
        void *freed = NULL;

        __real_cudaMalloc(&freed, 512);
        __real_cudaFree(freed);
        spoil_pointer(args, freed);
    }
    if (planted("kernel past the end of its output"))
        first[0] += 1000;
    return __real___cudaLaunchKernel(kernel, grid, block, args, shared, stream);
}

void __wrap___cudaRegisterFunction(void **module, const char *function, char *device_function,
                                   const char *name, int limit, uint3 *tid, uint3 *bid, dim3 *block,
                                   dim3 *grid, int *size)
{
    __real___cudaRegisterFunction(module, function, device_function,
                                  planted("unknown kernel") ? "mx_kernel_of_nobody" : name, limit,
                                  tid, bid, block, grid, size);
}
