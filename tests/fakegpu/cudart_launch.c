/* The CUDA runtime: kernels, which nvcc's objects register by name and launch by the address
 * of a function of the host. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/fakegpu/fake.h"

enum {
    MODULES = 64,
    KERNELS = 256,
    LARGEST = 4096, /* bytes of a kernel's arguments, at most */
};

struct registered {
    void       *module;
    const void *function;
    const char *name;
    int         most_threads; /* of a block; -1: no bound */
    size_t      dynamic;      /* bytes of dynamic shared memory that it may ask for */
};

struct configuration {
    dim3         grid, block;
    size_t       shared;
    cudaStream_t stream;
    bool         pushed;
};

static struct {
    struct registered kernels[KERNELS];
    int               n, modules;
    void             *module[MODULES];
} known;

static _Thread_local struct configuration next;

/* Calls of nvcc's own, which no header declares. */
void      **__cudaRegisterFatBinary(void *binary);
void        __cudaRegisterFatBinaryEnd(void **module);
void        __cudaUnregisterFatBinary(void **module);
char        __cudaInitModule(void **module);
void        __cudaRegisterFunction(void **module, const char *function, char *device_function,
                                   const char *name, int thread_limit, uint3 *tid, uint3 *bid, dim3 *block,
                                   dim3 *grid, int *size);
unsigned    __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared,
                                        struct CUstream_st *stream);
cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream);
cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *function);
cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void **args,
                               size_t shared, cudaStream_t stream);

void **__cudaRegisterFatBinary(void *binary)
{
    if (known.modules == MODULES)
        fake_misuse_in("__cudaRegisterFatBinary", "fakegpu", "more than %d modules", MODULES);
    known.module[known.modules] = binary;
    return &known.module[known.modules++];
}

void __cudaRegisterFatBinaryEnd(void **module)
{
    (void)module;
}

void __cudaUnregisterFatBinary(void **module)
{
    *module = NULL;
}

char __cudaInitModule(void **module)
{
    (void)module;
    return 1;
}

void __cudaRegisterFunction(void **module, const char *function, char *device_function,
                            const char *name, int thread_limit, uint3 *tid, uint3 *bid, dim3 *block,
                            dim3 *grid, int *size)
{
    (void)device_function;
    (void)tid;
    (void)bid;
    (void)block;
    (void)grid;
    (void)size;
    if (known.n == KERNELS)
        fake_misuse_in("__cudaRegisterFunction", name, "more than %d kernels", KERNELS);
    known.kernels[known.n++] = (struct registered){.module = module,
                                                   .function = function,
                                                   .name = name,
                                                   .most_threads = thread_limit,
                                                   .dynamic = 48 << 10};
}

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared,
                                     struct CUstream_st *stream)
{
    next = (struct configuration){grid, block, shared, stream, true};
    return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block, size_t *shared, void *stream)
{
    if (!next.pushed)
        fake_misuse_in("kernel launch", "configuration", "a launch without one");
    *grid = next.grid;
    *block = next.block;
    *shared = next.shared;
    memcpy(stream, &next.stream, sizeof next.stream);
    next.pushed = false;
    return cudaSuccess;
}

static struct registered *find(const void *function)
{
    for (int k = 0; k < known.n; k++)
        if (known.kernels[k].function == function)
            return &known.kernels[k];
    return NULL;
}

cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *function)
{
    *kernel = (cudaKernel_t)(void *)find(function);
    return *kernel ? cudaSuccess : cudaErrorInvalidDeviceFunction;
}

/* ---- checks of a launch ---- */

static void check_bounds(const struct registered *kernel, dim3 grid, dim3 block, size_t shared)
{
    uint64_t threads = (uint64_t)block.x * block.y * block.z;
    uint64_t most = kernel->most_threads > 0 ? (uint64_t)kernel->most_threads : 1024;

    if (grid.x == 0 || grid.y == 0 || grid.z == 0)
        fake_misuse("grid", "%u x %u x %u has no block", grid.x, grid.y, grid.z);
    if (threads == 0)
        fake_misuse("block", "%u x %u x %u has no thread", block.x, block.y, block.z);
    if (grid.x > 0x7FFFFFFFu || grid.y > 65535 || grid.z > 65535)
        fake_misuse("grid", "%u x %u x %u is larger than 2147483647 x 65535 x 65535", grid.x,
                    grid.y, grid.z);
    if (block.x > 1024 || block.y > 1024 || block.z > 64 || threads > most)
        fake_misuse("block",
                    "%u x %u x %u has more than %llu threads, or a side of more than "
                    "1024 x 1024 x 64",
                    block.x, block.y, block.z, (unsigned long long)most);
    if (shared > kernel->dynamic)
        fake_misuse("shared memory", "%zu bytes, of which %zu are allowed", shared,
                    kernel->dynamic);
}

/* Does a word of the arguments lie where this process has memory of the host's? */
static bool is_mapped(uintptr_t word)
{
    unsigned char in_memory;

    return word >= 1 << 16 && word < (uintptr_t)1 << 47 &&
           mincore((void *)(word / 4096 * 4096), 1, &in_memory) == 0; // NOLINT
}

/* The pointers in the arguments: words that lead to device memory must lead to living memory, and
 * none may lead to the host's, which a device cannot see. */
static void check_words(const struct fake_stream *stream, const void *args, size_t size)
{
    for (size_t at = 0; at + sizeof(void *) <= size; at += sizeof(void *)) {
        void *word;
        char  argument[32];

        memcpy(&word, (const char *)args + at, sizeof word);
        snprintf(argument, sizeof argument, "args+%zu", at);
        if (fake_is_device(word)) {
            (void)fake_block_of(argument, word, 1, stream->device);
        } else if (!fake_pinned_of(argument, word, 1) && is_mapped((uintptr_t)word)) {
            fake_misuse(argument, "holds the address of host memory");
        }
    }
}

struct launch {
    const struct fake_kernel *kernel;
    _Alignas(16) char args[LARGEST];
};

static void run_launch(const void *data)
{
    const struct launch *launch = data;

    fake_launch_run(launch->kernel, launch->args);
}

cudaError_t __cudaLaunchKernel(cudaKernel_t handle, dim3 grid, dim3 block, void **args,
                               size_t shared, cudaStream_t on)
{
    const struct registered *kernel = (const void *)handle;
    cudaError_t              status = fake_enter(kernel->name);
    struct launch            launch = {.kernel = fake_kernel_of(kernel->name)};
    struct fake_stream      *stream;
    struct fake_span         spans[FAKE_SPANS];
    bool                     open;

    if (!launch.kernel)
        fake_misuse("kernel", "has no driver in tests/fakegpu/kernels.c");
    if (launch.kernel->size > LARGEST)
        fake_misuse("args", "more than %d bytes", LARGEST);
    if (status != cudaSuccess)
        return fake_leave(status);
    stream = fake_stream_of("stream", on);
    check_bounds(kernel, grid, block, shared);
    memcpy(launch.args, args[0], launch.kernel->size);
    check_words(stream, launch.args, launch.kernel->size);
    fake_queue(stream, run_launch, &launch, offsetof(struct launch, args) + launch.kernel->size,
               spans, fake_launch_spans(launch.kernel, launch.args, spans, &open));
    return fake_leave(cudaSuccess);
}

cudaError_t cudaLaunchKernel(const void *function, dim3 grid, dim3 block, void **args,
                             size_t shared, cudaStream_t stream)
{
    const struct registered *kernel = find(function);

    if (!kernel)
        fake_misuse_in("cudaLaunchKernel", "func", "is no kernel");
    return __cudaLaunchKernel((cudaKernel_t)(const void *)kernel, grid, block, args, shared,
                              stream);
}

cudaError_t cudaFuncSetAttribute(const void *function, enum cudaFuncAttribute attr, int value)
{
    cudaError_t        status = fake_enter("cudaFuncSetAttribute");
    struct registered *kernel = find(function);

    if (!kernel)
        fake_misuse("func", "is no kernel");
    if (attr != cudaFuncAttributeMaxDynamicSharedMemorySize)
        fake_misuse("attr", "attribute %d is not one that this project sets", (int)attr);
    if (value < 0 || value > 163 << 10)
        fake_misuse("value", "%d bytes of shared memory, of which %d are there", value, 163 << 10);
    kernel->dynamic = (size_t)value;
    return fake_leave(status);
}
