#include "kernels/gpu_peak.h"

#include <math.h>
#include <stddef.h>

unsigned kern_gpu_multiply_adds(int major, int minor, enum kern_arithmetic arithmetic)
{
    static const struct {
        int      major, minor;
        unsigned each[KERN_ARITHMETICS];
    } known[] = {
        {8, 0, {64, 512, 1024}},  /* A100: 19.5, 156, 312 TFLOP/s */
        {8, 6, {128, 128, 256}},  /* RTX 3090, A10, A40 */
        {8, 9, {128, 128, 256}},  /* RTX 4090, L4, L40 */
        {9, 0, {128, 1024, 2048}} /* H100, H200 */
    };

    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (known[k].major == major && known[k].minor == minor)
            return known[k].each[arithmetic];
    return 0;
}

double kern_gpu_flops(const struct kern_gpu *gpu, enum kern_arithmetic arithmetic)
{
    const double each = kern_gpu_multiply_adds(gpu->major, gpu->minor, arithmetic);
    const double all = 2 * each * gpu->multiprocessors * gpu->clock;

    return all > 0 ? all : NAN;
}

double kern_gpu_bandwidth(const struct kern_gpu *gpu)
{
    const double all = 2 * gpu->memory_clock * gpu->bus / 8;

    return all > 0 ? all : NAN;
}
