/* A plain user of NCCL's stand-in: a process a rank, each on its own pretended device. Ends with 0
 * if all ranks got what they must, with the status of the first one that did not, or with 2
 * where a communicator told of an error. Misuse is planted into rank 0. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cuda_runtime_api.h>
#include <nccl.h>

enum {
    RANKS = 3,
    N = 1000,
    FAILED = 1,
    TOLD = 2,
};

#define CUDA(call)                                                                                 \
    do {                                                                                           \
        if ((call) != cudaSuccess) {                                                               \
            printf("%s failed\n", #call);                                                          \
            exit(FAILED);                                                                          \
        }                                                                                          \
    } while (0)

/* Ask until a call that does not wait has been accepted. */
static void accept(ncclComm_t comm, ncclResult_t result)
{
    while (result == ncclInProgress) {
        if (ncclCommGetAsyncError(comm, &result) != ncclSuccess)
            exit(FAILED);
        if (result == ncclInProgress)
            usleep(1000);
    }
    if (result != ncclSuccess) {
        printf("%s\n", ncclGetErrorString(result));
        ncclCommAbort(comm);
        _exit(fflush(stdout) ? FAILED : TOLD);
    }
}

/* Wait for a stream, but not for ever where the communicator tells of an error. */
static void settle(ncclComm_t comm, cudaStream_t stream)
{
    ncclResult_t result = ncclSuccess;
    cudaError_t  status;

    while ((status = cudaStreamQuery(stream)) == cudaErrorNotReady) {
        if (ncclCommGetAsyncError(comm, &result) != ncclSuccess)
            exit(FAILED);
        accept(comm, result);
        usleep(1000);
    }
    CUDA(status);
}

static uint64_t number(int rank, int k)
{
    return (uint64_t)(rank + 1) << 40 | (uint64_t)(k * 7919 + rank);
}

static void check(const char *what, const uint64_t *device, int n, int from,
                  uint64_t (*wanted)(int k))
{
    static uint64_t got[N * RANKS];

    CUDA(cudaMemcpy(got, device, (size_t)n * sizeof *got, cudaMemcpyDeviceToHost));
    for (int k = 0; k < n; k++)
        if (got[k] != wanted(from + k)) {
            printf("%s: element %d is wrong\n", what, k);
            exit(FAILED);
        }
}

static uint64_t sum(int k)
{
    uint64_t all = 0;

    for (int r = 0; r < RANKS; r++)
        all += number(r, k);
    return all;
}

static uint64_t of_rank_1(int k)
{
    return number(1, k);
}

static uint64_t one_by_one(int k)
{
    return number(k / N, k % N);
}

static void collectives(ncclComm_t comm, cudaStream_t stream, int rank)
{
    static uint64_t host[N];
    uint64_t       *send = NULL, *recv = NULL;

    for (int k = 0; k < N; k++)
        host[k] = number(rank, k);
    CUDA(cudaMalloc((void **)&send, sizeof host));
    CUDA(cudaMalloc((void **)&recv, RANKS * sizeof host));
    CUDA(cudaMemcpy(send, host, sizeof host, cudaMemcpyHostToDevice));
    accept(comm, ncclAllReduce(send, recv, N, ncclUint64, ncclSum, comm, stream));
    settle(comm, stream);
    check("all-reduce", recv, N, 0, sum);
    accept(comm, ncclAllGather(send, recv, N, ncclUint64, comm, stream));
    settle(comm, stream);
    check("all-gather", recv, N * RANKS, 0, one_by_one);
    accept(comm, ncclReduceScatter(send, recv, N / RANKS, ncclUint64, ncclSum, comm, stream));
    settle(comm, stream);
    check("reduce-scatter", recv, N / RANKS, rank * (N / RANKS), sum);
    accept(comm, ncclBroadcast(send, send, N, ncclUint64, 1, comm, stream));
    settle(comm, stream);
    check("broadcast", send, N, 0, of_rank_1);
    CUDA(cudaFree(send));
    CUDA(cudaFree(recv));
}

static int be_rank(int rank, ncclUniqueId id)
{
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    ncclComm_t   comm = NULL;
    cudaStream_t stream = NULL;
    const char  *failing = getenv("MX_FAILING_RANK");

    if (rank != 0)
        unsetenv("MX_PLANT");
    if (failing && atoi(failing) != rank)
        unsetenv("MX_FAKEGPU_FAIL");
    config.blocking = 0;
    CUDA(cudaSetDevice(rank));
    CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    accept(comm, ncclCommInitRankConfig(&comm, RANKS, id, rank, &config) == ncclInProgress
                     ? ncclSuccess
                     : ncclInternalError);
    accept(comm, ncclInProgress);
    collectives(comm, stream, rank);
    if (ncclCommDestroy(comm) != ncclSuccess)
        return FAILED;
    CUDA(cudaStreamDestroy(stream));
    return 0;
}

int main(void)
{
    ncclUniqueId id;
    pid_t        child[RANKS];
    int          status = 0, result = 0;

    if (ncclGetUniqueId(&id) != ncclSuccess)
        return FAILED;
    for (int r = 0; r < RANKS; r++)
        if ((child[r] = fork()) == 0)
            exit(be_rank(r, id));
    for (int r = 0; r < RANKS && !result; r++) {
        wait(&status);
        result = WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
    }
    for (int r = 0; r < RANKS && result; r++)
        kill(child[r], SIGKILL); /* they would wait for ever */
    while (wait(NULL) > 0)
        ;
    shm_unlink(id.internal); /* where not all came */
    return result;
}
