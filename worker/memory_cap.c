#include "worker/memory_cap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
int worker_memory_cap(uint64_t bytes, struct mx_err *err)
{
    (void)bytes;
    (void)err;
    return 0;
}
#else
/* Bytes of data that the process has, its stack among them: the kernel's own count. */
static int data_now(uint64_t *bytes, struct mx_err *err)
{
    FILE    *file = fopen("/proc/self/statm", "re");
    uint64_t pages = 0;
    int      found;

    if (!file)
        return mx_fail_errno(err, MX_EIO, errno, "cannot read /proc/self/statm");
    found = fscanf(file, "%*u %*u %*u %*u %*u %" SCNu64, &pages);
    fclose(file);
    if (found != 1)
        return mx_fail(err, MX_EIO, "/proc/self/statm does not tell the memory of this process");
    *bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return 0;
}

int worker_memory_cap(uint64_t bytes, struct mx_err *err)
{
    struct rlimit limit;
    uint64_t      now = 0;

    if (data_now(&now, err))
        return -1;
    if (getrlimit(RLIMIT_DATA, &limit))
        return mx_fail_errno(err, MX_EIO, errno, "cannot read the limit on this process's memory");
    if (limit.rlim_max == RLIM_INFINITY || now + bytes < limit.rlim_max)
        limit.rlim_max = now + bytes;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_DATA, &limit))
        return mx_fail_errno(err, MX_EIO, errno, "cannot limit the memory of this process");
    return 0;
}
#endif
