/* Stands in for kern_cuda.cu where the CUDA backend is not built. */
#include <stddef.h>

#include "kernels/gpu_peak.h"
#include "kernels/kern.h"
#include "kernels/nn.h"

static const char without[] =
    "this mixsweep was built without CUDA: build the preset 'cuda' to use a GPU";

const struct kern_backend *kern_cuda(struct mx_err *err)
{
    mx_fail(err, MX_EGPU, "%s", without);
    return NULL;
}

int kern_cuda_built(struct mx_err *err)
{
    return mx_fail(err, MX_EGPU, "%s", without);
}

int kern_cuda_open(struct mx_err *err)
{
    return kern_cuda_built(err);
}

struct kern_nn *kern_nn_new_cuda(enum kern_precision precision, bool repeats, struct mx_err *err)
{
    (void)precision;
    (void)repeats;
    mx_fail(err, MX_EGPU, "%s", without);
    return NULL;
}

int kern_cuda_gpu(struct kern_gpu *gpu, struct mx_err *err)
{
    (void)gpu;
    return kern_cuda_built(err);
}
