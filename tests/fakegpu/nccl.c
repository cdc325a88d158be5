/* NCCL: communicators between processes of one machine. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/fakegpu/nccl_parts.h"

static _Thread_local int groups;

int fake_nccl_groups(void)
{
    return groups;
}

ncclResult_t fake_nccl_leave(cudaError_t status, ncclResult_t result)
{
    (void)fake_leave(cudaSuccess);
    return status == cudaSuccess ? result : ncclUnhandledCudaError;
}

ncclResult_t ncclGetVersion(int *version)
{
    (void)fake_enter_question("ncclGetVersion");
    if (!version)
        fake_misuse("version", "is NULL");
    *version = NCCL_VERSION_CODE;
    return fake_nccl_leave(cudaSuccess, ncclSuccess);
}

ncclResult_t ncclGetUniqueId(ncclUniqueId *id)
{
    unsigned long long random = 0;
    int                fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

    (void)fake_enter_question("ncclGetUniqueId");
    if (!id)
        fake_misuse("uniqueId", "is NULL");
    if (fd < 0 || read(fd, &random, sizeof random) != (ssize_t)sizeof random)
        fake_misuse("fakegpu", "no random numbers");
    close(fd);
    memset(id, 0, sizeof *id);
    snprintf(id->internal, sizeof id->internal, "/mx-fakegpu-%016llx", random);
    return fake_nccl_leave(cudaSuccess, ncclSuccess);
}

static void check_config(const ncclConfig_t *config)
{
    if (config->magic != 0xcafebeef || config->size != sizeof *config)
        fake_misuse("config", "does not begin as NCCL_CONFIG_INITIALIZER");
    if (config->blocking != NCCL_CONFIG_UNDEF_INT && (unsigned)config->blocking > 1)
        fake_misuse("config.blocking", "%d is neither 0 nor 1", config->blocking);
}

bool fake_nccl_fails(struct fake_communicator *comm)
{
    enum fake_kind_of_failure failure = fake_happens(FAKE_ON_NCCL, 0);

    comm->broken |= failure == FAKE_HANG || failure == FAKE_REMOTE;
    if (failure == FAKE_REMOTE)
        comm->error = ncclRemoteError;
    if (failure == FAKE_SYSTEM)
        comm->error = ncclSystemError;
    return failure == FAKE_SYSTEM;
}

static bool all_came(struct fake_communicator *comm)
{
    if (!comm->ready && !comm->broken && fake_room_full(comm->room)) {
        comm->ready = true;
        fake_room_close(comm->name);
    }
    return comm->ready;
}

static ncclResult_t enter_room(struct fake_communicator *comm)
{
    if (fake_nccl_fails(comm))
        return ncclSystemError;
    comm->room = fake_room_enter(comm->name, comm->ranks, comm->rank,
                                 fake_card(fake_machine()->installed[comm->device]));
    if (!comm->waits) {
        comm->in_progress = true;
        return ncclInProgress;
    }
    while (!all_came(comm)) {
        if (comm->error != ncclSuccess)
            return comm->error;
        usleep(100);
    }
    return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t *place, int ranks, ncclUniqueId id, int rank,
                                    ncclConfig_t *config)
{
    cudaError_t               status = fake_enter("ncclCommInitRankConfig");
    struct fake_communicator *comm;

    if (!place)
        fake_misuse("comm", "is NULL");
    if (ranks < 1 || ranks > FAKE_RANKS)
        fake_misuse("nranks", "%d is not from 1 to %d", ranks, FAKE_RANKS);
    if (rank < 0 || rank >= ranks)
        fake_misuse("rank", "%d is not one of %d", rank, ranks);
    if (strncmp(id.internal, "/mx-fakegpu-", 12) != 0)
        fake_misuse("commId", "was not made by ncclGetUniqueId");
    if (config)
        check_config(config);
    if (status != cudaSuccess)
        return fake_nccl_leave(status, ncclSuccess);
    comm = fake_object_new(FAKE_NCCL);
    memcpy(comm->name, id.internal, sizeof comm->name);
    comm->ranks = ranks;
    comm->rank = rank;
    comm->device = fake_device();
    comm->waits = !config || config->blocking != 0;
    *place = (ncclComm_t)(void *)comm;
    return fake_nccl_leave(status, enter_room(comm));
}

/* The first answer after a call that does not wait is "in progress". */
ncclResult_t ncclCommGetAsyncError(ncclComm_t handle, ncclResult_t *error)
{
    cudaError_t               status = fake_enter("ncclCommGetAsyncError");
    struct fake_communicator *comm = fake_object("comm", handle, FAKE_NCCL);

    if (!error)
        fake_misuse("asyncError", "is NULL");
    if (comm->error != ncclSuccess)
        *error = comm->error;
    else if (!all_came(comm))
        *error = ncclInProgress;
    else
        *error = comm->in_progress ? ncclInProgress : ncclSuccess;
    comm->in_progress = comm->in_progress && !comm->ready;
    return fake_nccl_leave(status, ncclSuccess);
}

static ncclResult_t end(const char *call, ncclComm_t handle, bool abort)
{
    cudaError_t               status = fake_enter(call);
    struct fake_communicator *comm = fake_object("comm", handle, FAKE_NCCL);

    if (!abort && !comm->ready)
        fake_misuse("comm", "is not made yet: only ncclCommAbort ends it");
    if (!abort && comm->done != comm->queued)
        fake_misuse("comm", "work on it has not been waited for");
    if (!abort && comm->finalized && comm->in_progress)
        fake_misuse("comm", "its finalization is in progress: ask ncclCommGetAsyncError first");
    comm->aborted = abort;
    if (comm->room)
        fake_room_leave(comm->room, comm->name);
    comm->room = NULL;
    fake_object_free(comm);
    return fake_nccl_leave(status, ncclSuccess);
}

ncclResult_t ncclCommFinalize(ncclComm_t handle)
{
    cudaError_t               status = fake_enter("ncclCommFinalize");
    struct fake_communicator *comm = fake_object("comm", handle, FAKE_NCCL);

    if (!comm->ready || comm->in_progress)
        fake_misuse("comm", "a call before is in progress: ask ncclCommGetAsyncError first");
    if (comm->finalized)
        fake_misuse("comm", "was finalized before");
    if (comm->done != comm->queued)
        fake_misuse("comm", "work on it has not been waited for");
    comm->finalized = true;
    if (fake_nccl_fails(comm))
        return fake_nccl_leave(status, ncclSystemError);
    comm->in_progress = !comm->waits;
    return fake_nccl_leave(status, comm->waits ? ncclSuccess : ncclInProgress);
}

ncclResult_t ncclCommDestroy(ncclComm_t comm)
{
    return end("ncclCommDestroy", comm, false);
}

ncclResult_t ncclCommAbort(ncclComm_t comm)
{
    return end("ncclCommAbort", comm, true);
}

const char *ncclGetErrorString(ncclResult_t result)
{
    static const char *const texts[ncclNumResults] = {
        "no error",
        "unhandled cuda error",
        "unhandled system error",
        "internal error",
        "invalid argument",
        "invalid usage",
        "remote process exited or there was a network error",
        "NCCL operation in progress",
    };

    return (unsigned)result < ncclNumResults ? texts[result] : "unknown result code";
}

const char *ncclGetLastError(ncclComm_t comm)
{
    (void)comm;
    return "";
}

/* nccl.h declares them without a prototype. */
ncclResult_t ncclGroupStart(void);
ncclResult_t ncclGroupEnd(void);

ncclResult_t ncclGroupStart(void)
{
    groups++;
    return ncclSuccess;
}

ncclResult_t ncclGroupEnd(void)
{
    if (groups-- == 0)
        fake_misuse_in("ncclGroupEnd", "group", "none was started");
    return ncclSuccess;
}
