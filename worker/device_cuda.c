/* device_cuda.c - whether stages can run on GPUs at all; alone in its file, so that a program
 * for tests can have its own answer. */
#include "worker/device.h"

int worker_cuda_ready(struct mx_err *err)
{
    return mx_fail(err, MX_EGPU, "networks do not run on GPUs in this version");
}
