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
    fake_reads(reach, "args.pixels", args->pixels, 1);
    if (args->masks)
        fake_reads(reach, "args.masks", args->masks, 1);
    if (args->moves)
        fake_reads(reach, "args.moves", args->moves, 1);
    if (args->history)
        fake_reads(reach, "args.history", args->history, 1);
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

/* Recipes lead to no other memory. */
static void reach_mask_noise(const void *data, struct fake_reach *reach)
{
    const struct kern_mask_noise_args *args = data;
    const size_t                       frequencies = (size_t)args->height * (args->width / 2 + 1);

    fake_reads(reach, "args.recipes", args->recipes, args->n / frequencies * sizeof *args->recipes);
    fake_reads(reach, "args.damping", args->damping, frequencies * sizeof(float));
    fake_writes(reach, "args.spectrum", args->spectrum, args->n * 2 * sizeof(float));
}

static void reach_mask_digit(const void *data, struct fake_reach *reach)
{
    const struct kern_mask_digit_args *args = data;

    fake_reads(reach, "args.grey", args->grey, args->blocks * args->pixels * sizeof(float));
    fake_reads(reach, "args.recipes", args->recipes, args->blocks * sizeof *args->recipes);
    fake_writes(reach, "args.states", args->states, args->blocks * sizeof *args->states);
}

static void reach_mask_rank(const void *data, struct fake_reach *reach)
{
    const struct kern_mask_rank_args *args = data;

    fake_reads(reach, "args.grey", args->grey, args->blocks * args->pixels * sizeof(float));
    fake_writes(reach, "args.states", args->states, args->blocks * sizeof *args->states);
}

static void reach_mask_cut(const void *data, struct fake_reach *reach)
{
    const struct kern_mask_cut_args *args = data;
    const size_t                     masks = args->n / args->pixels;

    fake_reads(reach, "args.grey", args->grey, args->n * sizeof(float));
    fake_reads(reach, "args.recipes", args->recipes, masks * sizeof *args->recipes);
    fake_reads(reach, "args.states", args->states, masks * sizeof *args->states);
    fake_writes(reach, "args.masks", args->masks, args->n);
}

#define ROW(name) {"mx_kernel_" #name, sizeof(struct kern_##name##_args), run_##name, NULL},
#define REACHING(name)                                                                             \
    {"mx_kernel_" #name, sizeof(struct kern_##name##_args), run_##name, reach_##name},
static const struct fake_kernel kernels[] = {
    {"mx_kernel_batch", sizeof(struct kern_batch_args), run_batch, reach_batch},
    KERN_MASK_KERNELS(REACHING, REACHING) KERN_KERNELS(ROW, ROW) KERN_BF16_KERNELS(ROW, ROW)};

const struct fake_kernel *fake_kernel_of(const char *name)
{
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++)
        if (strcmp(kernels[k].name, name) == 0)
            return &kernels[k];
    return NULL;
}
