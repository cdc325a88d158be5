/* Misuse of NCCL. */
#include "tests/fakegpu/planted.h"

#include <nccl.h>

// clang-format off
WRAPPED(ncclResult_t, ncclCommInitRankConfig, ncclComm_t *comm, int ranks, ncclUniqueId id, int rank, ncclConfig_t *config);
WRAPPED(ncclResult_t, ncclAllReduce, const void *send, void *recv, size_t count, ncclDataType_t type, ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream);
WRAPPED(ncclResult_t, ncclBroadcast, const void *send, void *recv, size_t count, ncclDataType_t type, int root, ncclComm_t comm, cudaStream_t stream);
WRAPPED(ncclResult_t, ncclCommFinalize, ncclComm_t comm);
WRAPPED(ncclResult_t, ncclCommDestroy, ncclComm_t comm);
// clang-format on

ncclResult_t __wrap_ncclCommInitRankConfig(ncclComm_t *comm, int ranks, ncclUniqueId id, int rank,
                                           ncclConfig_t *config)
{
    ncclConfig_t empty;

    memset(&empty, 0, sizeof empty);
    if (planted("configuration that was not begun"))
        config = &empty;
    if (planted("identifier of nobody"))
        memset(&id, 0, sizeof id);
    if (planted("rank beyond the last"))
        rank = ranks;
    return __real_ncclCommInitRankConfig(comm, ranks, id, rank, config);
}

ncclResult_t __wrap_ncclAllReduce(const void *send, void *recv, size_t count, ncclDataType_t type,
                                  ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream)
{
    if (planted("sum of host memory"))
        send = &send;
    if (planted("sum past the end"))
        count += 64;
    if (planted("buffers that overlap"))
        recv = (char *)(uintptr_t)send + 8;
    if (planted("another count than the others"))
        count--;
    if (planted("average"))
        op = ncclAvg;
    if (planted("half precision"))
        type = ncclFloat16;
    if (planted("next collective too early"))
        __real_ncclAllReduce(send, recv, count, type, op, comm, stream);
    if (planted("collective on a destroyed stream"))
        cudaStreamDestroy(stream);
    return __real_ncclAllReduce(send, recv, count, type, op, comm, stream);
}

ncclResult_t __wrap_ncclBroadcast(const void *send, void *recv, size_t count, ncclDataType_t type,
                                  int root, ncclComm_t comm, cudaStream_t stream)
{
    return __real_ncclBroadcast(send, recv, count, type, planted("root of nobody") ? 3 : root, comm,
                                stream);
}

ncclResult_t __wrap_ncclCommFinalize(ncclComm_t comm)
{
    ncclResult_t result = __real_ncclCommFinalize(comm);

    if (planted("finalized twice"))
        __real_ncclCommFinalize(comm);
    if (planted("destroyed before it is final"))
        __real_ncclCommDestroy(comm);
    return result;
}

ncclResult_t __wrap_ncclCommDestroy(ncclComm_t comm)
{
    if (planted("communicator never destroyed"))
        return ncclSuccess;
    if (planted("communicator destroyed twice"))
        __real_ncclCommDestroy(comm);
    return __real_ncclCommDestroy(comm);
}
