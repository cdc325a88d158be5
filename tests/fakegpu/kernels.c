/* The kernels of this project, by the names of their __global__ functions, and the CPU's drivers
 * of the same bodies. A kernel takes one structure by value (kernels/kern.h). */
#include <string.h>

#include "kernels/bf16_body.h"
#include "kernels/bf16_pool_body.h"
#include "kernels/kern.h"
#include "kernels/lanes.h"
#include "kernels/map_body.h"
#include "kernels/mask_body.h"
#include "kernels/network_body.h"
#include "tests/fakegpu/fake.h"
#include "tests/fakegpu/reach.h"

static void run_batch(const void *args)
{
    (void)kern_cpu()->batch(kern_cpu(), args, NULL);
}

/* Samples and tables are as long as the arguments say; what samples lead to is in device memory. */
static void reach_batch(const void *data, struct fake_reach *reach)
{
    const struct kern_batch_args *args = data;
    size_t values = (size_t)args->n * args->channels * args->height * args->width;

    fake_reads(reach, "args.table", args->table, (size_t)args->channels * 256 * sizeof(float));
    fake_reads(reach, "args.samples", args->samples, args->n * sizeof *args->samples);
    fake_leads_into(reach, "args.pixels", args->pixels);
    if (args->masks)
        fake_leads_into(reach, "args.masks", args->masks);
    if (args->moves)
        fake_leads_into(reach, "args.moves", args->moves);
    if (args->history)
        fake_leads_into(reach, "args.history", args->history);
    fake_writes(reach, "args.out", args->out, values * sizeof(float));
}

/* Bodies of kernels/network_body.h. Between two barriers the order of lanes must not matter. */
#define EACH(name)                                                                                 \
    static void run_##name(const void *data)                                                       \
    {                                                                                              \
        const struct kern_##name##_args *args = data;                                              \
                                                                                                   \
        for (size_t i = 0; i < args->n; i++)                                                       \
            name##_each(args, i);                                                                  \
    }
#define BLOCK(name)                                                                                \
    static void run_##name(const void *data)                                                       \
    {                                                                                              \
        const struct kern_##name##_args *args = data;                                              \
        struct kern_part                 parts[KERN_BLOCK_LANES];                                  \
                                                                                                   \
        for (size_t block = 0; block < args->blocks; block++) {                                    \
            KERN_EACH_LANE ((unsigned)(block % 2 * 3), lane, KERN_BLOCK_LANES)                     \
                parts[lane] = name##_lane(args, block, lane);                                      \
            for (unsigned half = KERN_BLOCK_LANES / 2; half > 0; half /= 2)                        \
                KERN_EACH_LANE ((unsigned)(block % 2 * 3), lane, KERN_BLOCK_LANES)                 \
                    kern_part_fold(parts, lane, half);                                             \
            name##_end(args, block, &parts[0]);                                                    \
        }                                                                                          \
    }
KERN_KERNELS(EACH, BLOCK)
KERN_MASK_KERNELS(EACH, BLOCK)
KERN_BF16_KERNELS(EACH, BLOCK)

#define ROW(name) {"mx_kernel_" #name, sizeof(struct kern_##name##_args), run_##name, reach_##name},
static const struct fake_kernel kernels[] = {
    {"mx_kernel_batch", sizeof(struct kern_batch_args), run_batch, reach_batch},
    KERN_MASK_KERNELS(ROW, ROW) KERN_KERNELS(ROW, ROW) KERN_BF16_KERNELS(ROW, ROW)};

const struct fake_kernel *fake_kernel_of(const char *name)
{
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++)
        if (strcmp(kernels[k].name, name) == 0)
            return &kernels[k];
    return NULL;
}
