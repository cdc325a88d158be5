/* The CUDA runtime: memory and copies. */
#include <stdlib.h>
#include <string.h>

#include "tests/fakegpu/fake.h"

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    cudaError_t               status = fake_enter("cudaMalloc");
    enum fake_kind_of_failure fails;

    if (!memory)
        fake_misuse("devPtr", "is NULL");
    if (status != cudaSuccess)
        return fake_leave(status);
    fails = fake_happens(FAKE_ON_MALLOC, bytes);
    if (fails != FAKE_WORKS && fails != FAKE_OOM)
        fake_stick(fake_error_of(fails));
    if (fake_sticking() != cudaSuccess)
        return fake_leave(fake_sticking());
    *memory = NULL;
    if (bytes == 0)
        return fake_leave(cudaSuccess);
    if (fails == FAKE_WORKS)
        *memory = fake_memory_new(fake_device(), bytes);
    return fake_leave(*memory ? cudaSuccess : cudaErrorMemoryAllocation);
}

/* The call waits for the device; what sticks is told, and the memory is gone all the same. */
cudaError_t cudaFree(void *memory)
{
    cudaError_t status = fake_enter("cudaFree");

    if (!memory)
        return fake_leave(status);
    if (!fake_is_device(memory))
        fake_misuse("devPtr", "is no device memory");
    if (status == cudaSuccess)
        status = fake_wait_all();
    fake_memory_free("devPtr", memory);
    return fake_leave(status);
}

cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total)
{
    cudaError_t status = fake_enter("cudaMemGetInfo");

    if (!free_bytes || !total)
        fake_misuse(free_bytes ? "total" : "free", "is NULL");
    if (status == cudaSuccess)
        fake_memory_info(fake_device(), free_bytes, total);
    return fake_leave(status);
}

static cudaError_t pinned(const char *call, void **memory, size_t bytes)
{
    cudaError_t status = fake_enter(call);

    if (!memory)
        fake_misuse("ptr", "is NULL");
    if (status != cudaSuccess)
        return fake_leave(status);
    *memory = bytes ? fake_pinned_new(bytes) : NULL;
    return fake_leave(cudaSuccess);
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    return pinned("cudaMallocHost", memory, bytes);
}

cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned flags)
{
    if (flags &
        ~(unsigned)(cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined))
        fake_misuse_in("cudaHostAlloc", "flags", "%#x has bits that mean nothing", flags);
    return pinned("cudaHostAlloc", memory, bytes);
}

cudaError_t cudaFreeHost(void *memory)
{
    cudaError_t status = fake_enter("cudaFreeHost");

    if (memory)
        fake_pinned_free("ptr", memory);
    return fake_leave(status);
}

/* ---- copies ---- */

struct copy {
    void       *to;
    const void *from;
    size_t      bytes;
    void       *staged; /* a copy of pageable memory, which the work frees */
};

static void run_copy(const void *data)
{
    const struct copy *copy = data;

    memmove(copy->to, copy->staged ? copy->staged : copy->from, copy->bytes);
    free(copy->staged);
}

/* Which of both sides are device memory, by the kind; and check that they are. */
static void check_sides(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    if (kind == cudaMemcpyDefault)
        kind = (enum cudaMemcpyKind)((fake_is_device(to) ? 1 : 0) + (fake_is_device(from) ? 2 : 0));
    if ((unsigned)kind > cudaMemcpyDeviceToDevice)
        fake_misuse("kind", "%d is no kind of copy", (int)kind);
    if (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice)
        (void)fake_block_of("dst", to, bytes, fake_device());
    else
        fake_check_host("dst", to, bytes);
    if (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice)
        (void)fake_block_of("src", from, bytes, fake_device());
    else
        fake_check_host("src", from, bytes);
    if ((const char *)to < (const char *)from + bytes &&
        (const char *)from < (const char *)to + bytes)
        fake_misuse("dst", "overlaps src");
}

static bool pageable(const void *at)
{
    return !fake_is_device(at) && !fake_pinned_of("host memory", at, 1);
}

/* Spans of what the runtime watches: device and pinned memory. */
static int spans_of(const struct copy *copy, struct fake_span spans[2])
{
    int n = 0;

    if (!pageable(copy->to))
        spans[n++] = (struct fake_span){"dst", copy->to, copy->bytes, 1, true};
    if (!pageable(copy->from))
        spans[n++] = (struct fake_span){"src", copy->from, copy->bytes, 1, false};
    return n;
}

static cudaError_t copy_on(cudaStream_t handle, struct copy copy, enum cudaMemcpyKind kind,
                           bool wait)
{
    struct fake_stream       *stream = fake_stream_of("stream", handle);
    struct fake_span          spans[2];
    enum fake_kind_of_failure fails = fake_happens(FAKE_ON_COPY, copy.bytes);

    if (fails == FAKE_HANG)
        fake_hang();
    if (fails != FAKE_WORKS)
        fake_stick(fake_error_of(fails));
    if (fake_sticking() != cudaSuccess)
        return fake_sticking();
    if (copy.bytes == 0)
        return cudaSuccess;
    check_sides(copy.to, copy.from, copy.bytes, kind);
    if ((pageable(copy.from) || pageable(copy.to)) && stream->capture)
        fake_misuse(pageable(copy.from) ? "src" : "dst",
                    "is pageable memory, which a graph cannot copy");
    if (pageable(copy.from) && !wait) {
        copy.staged = malloc(copy.bytes);
        if (!copy.staged)
            fake_misuse("fakegpu", "no memory to stage a copy");
        memcpy(copy.staged, copy.from, copy.bytes);
    }
    fake_queue(stream, run_copy, &copy, sizeof copy, spans, spans_of(&copy, spans));
    /* A copy into pageable memory is done on return. */
    return wait || pageable(copy.to) ? fake_wait(stream) : cudaSuccess;
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    cudaError_t status = fake_enter("cudaMemcpy");

    if (status != cudaSuccess)
        return fake_leave(status);
    return fake_leave(copy_on(NULL, (struct copy){to, from, bytes, NULL}, kind, true));
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    cudaError_t status = fake_enter("cudaMemcpyAsync");

    if (status != cudaSuccess)
        return fake_leave(status);
    return fake_leave(copy_on(stream, (struct copy){to, from, bytes, NULL}, kind, false));
}

struct fill {
    void  *at;
    int    value;
    size_t bytes;
};

static void run_fill(const void *data)
{
    const struct fill *fill = data;

    memset(fill->at, fill->value, fill->bytes);
}

static cudaError_t fill_on(cudaStream_t handle, struct fill fill)
{
    struct fake_stream    *stream = fake_stream_of("stream", handle);
    const struct fake_span span = {"devPtr", fill.at, fill.bytes, 1, true};

    if (fill.bytes > 0) {
        (void)fake_block_of("devPtr", fill.at, fill.bytes, stream->device);
        fake_queue(stream, run_fill, &fill, sizeof fill, &span, 1);
    }
    return cudaSuccess;
}

cudaError_t cudaMemset(void *at, int value, size_t bytes)
{
    cudaError_t status = fake_enter("cudaMemset");

    if (status != cudaSuccess)
        return fake_leave(status);
    return fake_leave(fill_on(NULL, (struct fill){at, value, bytes}));
}

cudaError_t cudaMemsetAsync(void *at, int value, size_t bytes, cudaStream_t stream)
{
    cudaError_t status = fake_enter("cudaMemsetAsync");

    if (status != cudaSuccess)
        return fake_leave(status);
    return fake_leave(fill_on(stream, (struct fill){at, value, bytes}));
}
