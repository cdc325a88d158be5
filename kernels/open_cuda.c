/* Whether there is a device that can be used. */
#include "kernels/kern.h"
#include "kernels/nn_cuda.h"

int kern_cuda_built(struct mx_err *err)
{
    (void)err;
    return 0;
}

/* The first call that needs a device makes its context: this one does nothing besides. */
int kern_cuda_open(struct mx_err *err)
{
    if (!kern_cuda(err))
        return -1;
    CUDA_TRY(cudaFree(NULL), err);
    return 0;

fail:
    return -1;
}
