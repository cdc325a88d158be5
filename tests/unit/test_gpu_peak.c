/* Peaks of GPUs by their own data, beside what NVIDIA's data sheets say. ctest: quick */
#include <criterion/criterion.h>
#include <math.h>

#include "kernels/gpu_peak.h"

struct card {
    struct kern_gpu gpu;
    double          tflops[KERN_ARITHMETICS], gbytes; /* of its data sheet */
};

/* The clock of each is that with which its data sheet counts. */
static const struct card cards[] = {
    {{"A100 SXM 80GB", 8, 0, 108, 1410e6, 1593e6, 5120}, {19.5, 156, 312}, 2039},
    {{"RTX 3090", 8, 6, 82, 1695e6, 9751e6, 384}, {35.6, 35.6, 71}, 936},
    {{"RTX 4090", 8, 9, 128, 2520e6, 10501e6, 384}, {82.6, 82.6, 165.2}, 1008},
    {{"H100 SXM", 9, 0, 132, 1830e6, 2619e6, 5120}, {61.8, 494.7, 989.4}, 3352},
};

Test(gpu_peak, is_that_of_the_data_sheets)
{
    for (size_t k = 0; k < sizeof cards / sizeof *cards; k++) {
        const struct card *c = &cards[k];

        for (unsigned a = 0; a < KERN_ARITHMETICS; a++) {
            const double flops = kern_gpu_flops(&c->gpu, (enum kern_arithmetic)a);

            cr_expect(fabs(flops / 1e12 / c->tflops[a] - 1) < 0.01,
                      "%s: %g TFLOP/s in arithmetic %u", c->gpu.name, flops / 1e12, a);
        }
        cr_expect(fabs(kern_gpu_bandwidth(&c->gpu) / 1e9 / c->gbytes - 1) < 0.01, "%s: %g GB/s",
                  c->gpu.name, kern_gpu_bandwidth(&c->gpu) / 1e9);
    }
}

Test(gpu_peak, is_no_number_where_it_is_not_known)
{
    const struct kern_gpu other = {"another", 7, 5, 40, 1e9, 0, 256};

    for (unsigned a = 0; a < KERN_ARITHMETICS; a++)
        cr_expect(isnan(kern_gpu_flops(&other, (enum kern_arithmetic)a)));
    cr_expect(isnan(kern_gpu_bandwidth(&other)));
}
