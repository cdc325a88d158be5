/* Stands in for kern_cuda.cu where the CUDA backend is not built. */
#include <stddef.h>

#include "kernels/kern.h"
#include "kernels/nn.h"

static const char without[] =
    "this mixsweep was built without CUDA: build the preset 'cuda' to use a GPU";

const struct kern_backend *kern_cuda(struct mx_err *err)
{
    mx_fail(err, MX_EGPU, "%s", without);
    return NULL;
}

struct kern_nn *kern_nn_new_cuda(struct mx_err *err)
{
    mx_fail(err, MX_EGPU, "%s", without);
    return NULL;
}
