/* Stands in for kern_cuda.cu where the CUDA backend is not built. */
#include <stddef.h>

#include "kernels/kern.h"

const struct kern_backend *kern_cuda(struct mx_err *err)
{
    mx_fail(err, MX_EGPU,
            "this mixsweep was built without CUDA: build the preset 'cuda' to use a GPU");
    return NULL;
}
