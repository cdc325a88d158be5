/* launch.h - the kernels of kernels/kernel_args.h, queued on a stream of CUDA's.
 *
 * kern_launch_NAME() returns what cudaGetLastError() said of the launch, a cudaError_t. Nothing
 * to do (n or blocks 0) is no launch, and no error.
 */
#ifndef MX_KERN_LAUNCH_H
#define MX_KERN_LAUNCH_H

#include "kernels/bf16_args.h"
#include "kernels/kern.h"
#include "kernels/kernel_args.h"
#include "kernels/mask_args.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KERN_DECLARE(name)                                                                         \
    int kern_launch_##name(const struct kern_##name##_args *args, void *stream);
KERN_KERNELS(KERN_DECLARE, KERN_DECLARE)
KERN_MASK_KERNELS(KERN_DECLARE, KERN_DECLARE)
KERN_BF16_KERNELS(KERN_DECLARE, KERN_DECLARE)
#undef KERN_DECLARE

/* The kernel of kernels/kern_cuda.cu. */
int kern_launch_batch(const struct kern_batch_args *args, void *stream);

#ifdef __cplusplus
}
#endif

#endif
