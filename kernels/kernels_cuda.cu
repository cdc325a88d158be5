/* CUDA's drivers of the bodies in network_body.h: a thread an element, or a block a sum. */
#include <cuda_runtime.h>

#include "kernels/bf16_body.h"
#include "kernels/bf16_pool_body.h"
#include "kernels/launch.h"
#include "kernels/map_body.h"
#include "kernels/mask_body.h"
#include "kernels/network_body.h"

enum {
    MOST_BLOCKS = 65535, /* in a grid */
    WARP_LANES = 32
};

static const unsigned ALL_LANES = 0xFFFFFFFFu; /* of a warp */

static unsigned grid_of(size_t blocks)
{
    const size_t most = MOST_BLOCKS;

    return (unsigned)(blocks < most ? blocks : most);
}

#define EACH(name)                                                                                 \
    extern "C" __global__ void mx_kernel_##name(struct kern_##name##_args args)                    \
    {                                                                                              \
        size_t stride = (size_t)gridDim.x * blockDim.x;                                            \
                                                                                                   \
        for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < args.n; i += stride)    \
            name##_each(&args, i);                                                                 \
    }                                                                                              \
    extern "C" int kern_launch_##name(const struct kern_##name##_args *args, void *stream)         \
    {                                                                                              \
        size_t blocks = (args->n + KERN_BLOCK_LANES - 1) / KERN_BLOCK_LANES;                       \
                                                                                                   \
        if (blocks == 0)                                                                           \
            return 0;                                                                              \
        mx_kernel_##name<<<grid_of(blocks), KERN_BLOCK_LANES, 0, (cudaStream_t)stream>>>(*args);   \
        return (int)cudaGetLastError();                                                            \
    }

/* The last folds are of one warp, whose lanes hand their parts on without a barrier: lane k takes
 * that of lane k + half, as kern_part_fold() does. */
__device__ static struct kern_part fold_warp(struct kern_part part)
{
    for (unsigned half = WARP_LANES / 2; half > 0; half /= 2) {
        part.a += __shfl_down_sync(ALL_LANES, part.a, half);
        part.b += __shfl_down_sync(ALL_LANES, part.b, half);
        part.c += __shfl_down_sync(ALL_LANES, part.c, half);
    }
    return part;
}

#define BLOCK(name)                                                                                \
    extern "C" __global__ void mx_kernel_##name(struct kern_##name##_args args)                    \
    {                                                                                              \
        __shared__ struct kern_part parts[KERN_BLOCK_LANES];                                       \
                                                                                                   \
        for (size_t block = blockIdx.x; block < args.blocks; block += gridDim.x) {                 \
            parts[threadIdx.x] = name##_lane(&args, block, threadIdx.x);                           \
            for (unsigned half = KERN_BLOCK_LANES / 2; half >= WARP_LANES; half /= 2) {            \
                __syncthreads();                                                                   \
                kern_part_fold(parts, threadIdx.x, half);                                          \
            }                                                                                      \
            if (threadIdx.x < WARP_LANES) {                                                        \
                struct kern_part sum = fold_warp(parts[threadIdx.x]);                              \
                                                                                                   \
                if (threadIdx.x == 0)                                                              \
                    name##_end(&args, block, &sum);                                                \
            }                                                                                      \
            __syncthreads(); /* parts are written again */                                         \
        }                                                                                          \
    }                                                                                              \
    extern "C" int kern_launch_##name(const struct kern_##name##_args *args, void *stream)         \
    {                                                                                              \
        if (args->blocks == 0)                                                                     \
            return 0;                                                                              \
        mx_kernel_##name<<<grid_of(args->blocks), KERN_BLOCK_LANES, 0, (cudaStream_t)stream>>>(    \
            *args);                                                                                \
        return (int)cudaGetLastError();                                                            \
    }

KERN_KERNELS(EACH, BLOCK)
KERN_MASK_KERNELS(EACH, BLOCK)
KERN_BF16_KERNELS(EACH, BLOCK)
