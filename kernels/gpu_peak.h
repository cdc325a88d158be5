/* gpu_peak.h - how fast a GPU could be, as a yardstick: by its own data, not measured. */
#ifndef KERN_GPU_PEAK_H
#define KERN_GPU_PEAK_H

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What factors of products are, sums always being in float32. */
enum kern_arithmetic {
    KERN_IN_F32, /* without tensor cores */
    KERN_IN_TF32,
    KERN_IN_BF16,
    KERN_ARITHMETICS
};

/* As the driver tells it: clocks are the highest that the card may have, in Hz. */
struct kern_gpu {
    char     name[256];
    int      major, minor; /* compute capability */
    unsigned multiprocessors;
    double   clock, memory_clock;
    unsigned bus; /* bits of its memory's */
};

/* The first visible CUDA device. Returns 0, or -1 with MX_EGPU. */
int kern_cuda_gpu(struct kern_gpu *gpu, struct mx_err *err);

/* Multiply-adds a clock of one multiprocessor, matrices full; 0 where this program does not know the
 * compute capability. float32: CUDA C++ Programming Guide, "Throughput of Native Arithmetic
 * Instructions"; tensor cores: NVIDIA's papers on the architectures (A100, GA102, Ada, H100). */
unsigned kern_gpu_multiply_adds(int major, int minor, enum kern_arithmetic arithmetic);

/* Floating-point operations a second, a multiply-add counted as two; NaN if unknown. */
double kern_gpu_flops(const struct kern_gpu *gpu, enum kern_arithmetic arithmetic);

/* Bytes a second of its memory, two transfers a clock; NaN if the driver does not tell. */
double kern_gpu_bandwidth(const struct kern_gpu *gpu);

#ifdef __cplusplus
}
#endif

#endif
