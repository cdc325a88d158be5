/* device_cuda.c - whether stages can run on GPUs at all; alone in its file, so that a program
 * for tests can have its own answer. */
#include "kernels/kern.h"
#include "worker/device.h"

int worker_cuda_ready(struct mx_err *err)
{
    return kern_cuda_built(err);
}

int worker_cuda_open(struct mx_err *err)
{
    return kern_cuda_open(err);
}
