/* A plain user of streams, events, pinned memory and graphs: what comes out must be right in every
 * order that the stand-ins choose. Ends with 1 and a line where it is not. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cuda_runtime_api.h>

enum {
    BYTES = 3 * 4096,
    ROUNDS = 4
};

#define CUDA(call)                                                                                 \
    do {                                                                                           \
        cudaError_t status_ = (call);                                                              \
        if (status_ != cudaSuccess) {                                                              \
            printf("%s: %s\n", #call, cudaGetErrorString(status_));                                \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

struct user {
    cudaStream_t   copies, work;
    cudaEvent_t    filled, used;
    unsigned char *pinned, *back; /* of the host */
    void          *in, *out;      /* of the device */
};

static void check(const char *what, const unsigned char *got, int wanted)
{
    for (int k = 0; k < BYTES; k++)
        if (got[k] != wanted) {
            printf("%s: byte %d is %d, not %d\n", what, k, got[k], wanted);
            exit(1);
        }
}

static void open_all(struct user *user)
{
    CUDA(cudaStreamCreateWithFlags(&user->copies, cudaStreamNonBlocking));
    CUDA(cudaStreamCreateWithFlags(&user->work, cudaStreamNonBlocking));
    CUDA(cudaEventCreateWithFlags(&user->filled, cudaEventDisableTiming));
    CUDA(cudaEventCreateWithFlags(&user->used, cudaEventDisableTiming));
    CUDA(cudaMallocHost((void **)&user->pinned, BYTES));
    CUDA(cudaMallocHost((void **)&user->back, BYTES));
    CUDA(cudaMalloc(&user->in, BYTES));
    CUDA(cudaMalloc(&user->out, BYTES));
    CUDA(cudaEventRecord(user->used, user->work));
}

static void close_all(struct user *user)
{
    CUDA(cudaStreamDestroy(user->copies));
    CUDA(cudaStreamDestroy(user->work));
    CUDA(cudaEventDestroy(user->filled));
    CUDA(cudaEventDestroy(user->used));
    CUDA(cudaFreeHost(user->pinned));
    CUDA(cudaFreeHost(user->back));
    CUDA(cudaFree(user->in));
    CUDA(cudaFree(user->out));
}

/* One stream brings what the other one uses, and waits until it was used. */
static void one_round(struct user *user, int value)
{
    cudaError_t status;

    for (int k = 0; k < BYTES; k++)
        user->pinned[k] = (unsigned char)value;
    CUDA(cudaStreamWaitEvent(user->copies, user->used, 0));
    CUDA(cudaMemcpyAsync(user->in, user->pinned, BYTES, cudaMemcpyHostToDevice, user->copies));
    CUDA(cudaEventRecord(user->filled, user->copies));
    CUDA(cudaStreamWaitEvent(user->work, user->filled, 0));
    CUDA(cudaMemcpyAsync(user->out, user->in, BYTES, cudaMemcpyDeviceToDevice, user->work));
    CUDA(cudaEventRecord(user->used, user->work));
    CUDA(cudaMemcpyAsync(user->back, user->out, BYTES, cudaMemcpyDeviceToHost, user->work));
    while ((status = cudaStreamQuery(user->work)) == cudaErrorNotReady)
        ;
    CUDA(status);
    check("a round", user->back, value);
    CUDA(cudaEventSynchronize(user->filled)); /* before pinned memory is written again */
}

/* The same work, noted once and done twice. */
static void graph(struct user *user)
{
    static unsigned char pageable[BYTES];
    cudaGraph_t          graph = NULL;
    cudaGraphExec_t      exec = NULL;

    CUDA(cudaStreamBeginCapture(user->work, cudaStreamCaptureModeThreadLocal));
    CUDA(cudaMemcpyAsync(user->out, user->in, BYTES, cudaMemcpyDeviceToDevice, user->work));
    CUDA(cudaMemsetAsync(user->in, 77, BYTES, user->work));
    CUDA(cudaStreamEndCapture(user->work, &graph));
    CUDA(cudaGraphInstantiate(&exec, graph, 0));
    CUDA(cudaGraphDestroy(graph));
    CUDA(cudaMemset(user->in, 5, BYTES));
    CUDA(cudaDeviceSynchronize());
    for (int k = 0; k < 2; k++) {
        CUDA(cudaGraphLaunch(exec, user->work));
        CUDA(cudaMemcpyAsync(pageable, user->out, BYTES, cudaMemcpyDeviceToHost, user->work));
        check("a graph", pageable, k == 0 ? 5 : 77);
    }
    CUDA(cudaGraphExecDestroy(exec));
}

/* The default stream waits for a stream that is not non-blocking, and that one for it. */
static void default_stream(struct user *user)
{
    unsigned char *got = malloc(BYTES);
    cudaStream_t   other = NULL;

    CUDA(cudaStreamCreate(&other));
    CUDA(cudaMemsetAsync(user->in, 1, BYTES, other));
    CUDA(cudaMemsetAsync(user->in, 2, BYTES, NULL));
    CUDA(cudaMemsetAsync(user->in, 3, BYTES / 2, other));
    CUDA(cudaMemsetAsync((char *)user->in + BYTES / 2, 3, BYTES / 2, NULL));
    CUDA(cudaMemcpy(got, user->in, BYTES, cudaMemcpyDeviceToHost));
    check("the default stream", got, 3);
    CUDA(cudaStreamDestroy(other));
    free(got);
}

int main(void)
{
    struct user user = {0};

    open_all(&user);
    for (int round = 0; round < ROUNDS; round++)
        one_round(&user, round + 10);
    graph(&user);
    default_stream(&user);
    close_all(&user);
    return 0;
}
