/* group_cuda.c - groups by NCCL, with communicators that do not block.
 *
 * A communicator is asked for its state until it is no longer "in progress", a stream until its
 * work is done; in between the caller's patience is asked. After a failure of any kind the
 * communicator is aborted, never destroyed, which would wait for the others.
 */
#include "reduce/group.h"

#include <math.h>
#include <nccl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

_Static_assert(sizeof(ncclUniqueId) == REDUCE_GROUP_ID, "an identifier has another size");

/* Between two looks: short at first, for what takes microseconds. */
static const double shortest_nap_s = 20e-6, longest_nap_s = 2e-3;

struct reduce_group {
    ncclComm_t             comm;
    cudaStream_t           stream;
    uint64_t              *device, *host; /* (room) */
    size_t                 room;
    struct reduce_patience patience;
};

bool reduce_group_built(void)
{
    return true;
}

static int cuda_check(cudaError_t status, const char *what, struct mx_err *err)
{
    if (status == cudaSuccess)
        return 0;
    return mx_fail(err, MX_EGPU, "%s: %s", what, cudaGetErrorString(status));
}

/* NCCL's own last words say more than its code does. */
static int nccl_fail(const struct reduce_group *group, ncclResult_t result, const char *what,
                     struct mx_err *err)
{
    const char *words = ncclGetLastError(group ? group->comm : NULL);

    if (!words)
        words = "";
    return mx_fail(err, MX_EGPU, "%s: %s%s%.200s", what, ncclGetErrorString(result),
                   words[0] ? ": " : "", words);
}

/* A moment between two looks; -1 if there is to be no other. */
static int nap(const struct reduce_group *group, double *nap_s, const char *what,
               struct mx_err *err)
{
    const struct reduce_patience *patience = &group->patience;

    if (patience->leave && patience->leave(patience->user))
        return mx_fail(err, MX_EINTERRUPTED, "%s: left before its end", what);
    if (mx_clock_monotonic_s() > patience->deadline_s)
        return mx_fail(err, MX_EINTERRUPTED, "%s: it did not come to its end in time", what);
    mx_clock_sleep_s(*nap_s);
    *nap_s = fmin(2 * *nap_s, longest_nap_s);
    return 0;
}

/* See a call that does not wait to its end. */
static int settle(struct reduce_group *group, ncclResult_t result, const char *what,
                  struct mx_err *err)
{
    double nap_s = shortest_nap_s;

    while (result == ncclInProgress) {
        ncclResult_t asked = ncclCommGetAsyncError(group->comm, &result);

        if (asked != ncclSuccess)
            result = asked;
        if (result == ncclInProgress && nap(group, &nap_s, what, err))
            return -1;
    }
    return result == ncclSuccess ? 0 : nccl_fail(group, result, what, err);
}

/* See the stream's work to its end. */
static int finish(struct reduce_group *group, const char *what, struct mx_err *err)
{
    double      nap_s = shortest_nap_s;
    cudaError_t status;

    while ((status = cudaStreamQuery(group->stream)) == cudaErrorNotReady) {
        ncclResult_t result = ncclSuccess, asked = ncclCommGetAsyncError(group->comm, &result);

        if (asked != ncclSuccess)
            result = asked;
        if (result != ncclSuccess && result != ncclInProgress)
            return nccl_fail(group, result, what, err);
        if (nap(group, &nap_s, what, err))
            return -1;
    }
    return cuda_check(status, what, err);
}

int reduce_group_name(unsigned char id[REDUCE_GROUP_ID], struct mx_err *err)
{
    ncclUniqueId unique;
    ncclResult_t result = ncclGetUniqueId(&unique);

    if (result != ncclSuccess)
        return nccl_fail(NULL, result, "ncclGetUniqueId", err);
    memcpy(id, unique.internal, REDUCE_GROUP_ID);
    return 0;
}

static int open_comm(struct reduce_group *group, const unsigned char id[REDUCE_GROUP_ID],
                     unsigned position, unsigned count, struct mx_err *err)
{
    static const char what[] = "ncclCommInitRankConfig";
    ncclConfig_t      config = NCCL_CONFIG_INITIALIZER;
    ncclUniqueId      unique;
    ncclResult_t      result;

    config.blocking = 0;
    memcpy(unique.internal, id, REDUCE_GROUP_ID);
    result = ncclCommInitRankConfig(&group->comm, (int)count, unique, (int)position, &config);
    return settle(group, result, what, err);
}

struct reduce_group *reduce_group_join(const unsigned char id[REDUCE_GROUP_ID], unsigned position,
                                       unsigned count, const struct reduce_patience *patience,
                                       struct mx_err *err)
{
    struct reduce_group *group = calloc(1, sizeof *group);

    if (!group) {
        mx_fail(err, MX_ENOMEM, "no memory for a group of GPUs");
        return NULL;
    }
    group->patience = *patience;
    if (cuda_check(cudaStreamCreateWithFlags(&group->stream, cudaStreamNonBlocking),
                   "cudaStreamCreateWithFlags", err) == 0 &&
        open_comm(group, id, position, count, err) == 0)
        return group;
    reduce_group_leave(group, false, NULL);
    return NULL;
}

static void free_words(struct reduce_group *group)
{
    if (group->device)
        (void)cudaFree(group->device);
    if (group->host)
        (void)cudaFreeHost(group->host);
    group->device = group->host = NULL;
    group->room = 0;
}

uint64_t *reduce_group_words(struct reduce_group *group, size_t n, struct mx_err *err)
{
    if (n <= group->room)
        return group->host;
    free_words(group);
    if (cuda_check(cudaMalloc((void **)&group->device, n * sizeof *group->device), "cudaMalloc",
                   err) ||
        cuda_check(cudaMallocHost((void **)&group->host, n * sizeof *group->host), "cudaMallocHost",
                   err)) {
        free_words(group);
        return NULL;
    }
    group->room = n;
    return group->host;
}

static int copy(struct reduce_group *group, size_t n, enum cudaMemcpyKind kind, struct mx_err *err)
{
    const bool there = kind == cudaMemcpyHostToDevice;

    return cuda_check(cudaMemcpyAsync(there ? group->device : group->host,
                                      there ? group->host : group->device, n * sizeof *group->host,
                                      kind, group->stream),
                      "cudaMemcpyAsync", err);
}

/* To the device, the sum in place, and back. */
int reduce_group_sum(struct reduce_group *group, size_t n, struct mx_err *err)
{
    static const char what[] = "ncclAllReduce";

    if (copy(group, n, cudaMemcpyHostToDevice, err) ||
        settle(group,
               ncclAllReduce(group->device, group->device, n, ncclUint64, ncclSum, group->comm,
                             group->stream),
               what, err) ||
        copy(group, n, cudaMemcpyDeviceToHost, err))
        return -1;
    return finish(group, what, err);
}

int reduce_group_leave(struct reduce_group *group, bool done, struct mx_err *err)
{
    int rc = 0;

    if (!group)
        return 0;
    if (done)
        rc = settle(group, ncclCommFinalize(group->comm), "ncclCommFinalize", err);
    if (done && rc == 0)
        (void)ncclCommDestroy(group->comm);
    else if (group->comm)
        (void)ncclCommAbort(group->comm);
    free_words(group);
    if (group->stream)
        (void)cudaStreamDestroy(group->stream);
    free(group);
    return rc;
}
