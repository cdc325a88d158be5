/* Norms on a GPU: how a channel is shared out, and the kernels of norm_body.h behind one another. */
#include "kernels/four.h"
#include "kernels/launch.h"
#include "kernels/nn_cuda.h"

enum {
    BLOCKS = 2048,  /* of all channels, roughly: several for each multiprocessor of a large GPU */
    LANE_FOURS = 2, /* below so many a lane, more blocks are not worth their sums */
    ALIGNED = 16    /* bytes */
};

/* Blocks that share a channel's elements: by shapes alone, so that sums are the same on every
 * card. With all channels no more than BLOCKS + channels. */
static uint32_t parts_of(const struct kern_channels *where)
{
    const size_t fours = where->n * (((size_t)where->points + KERN_FOUR - 1) / KERN_FOUR);
    const size_t lanes = (size_t)KERN_BLOCK_LANES * LANE_FOURS;
    const size_t useful = (fours + lanes - 1) / lanes;
    const size_t most = (BLOCKS + where->channels - 1) / where->channels;

    return (uint32_t)(useful < most ? useful : most);
}

size_t kern_cuda_norm_bytes(size_t channels)
{
    return (BLOCKS + channels) * sizeof(struct kern_part) + channels * 6 * sizeof(float);
}

static bool is_aligned(const void *memory)
{
    return (uintptr_t)memory % ALIGNED == 0; /* NULL, which is not read, is */
}

/* Whether all that kernels go through can be taken in fours. */
static bool has_fours(const struct kern_norm_args *args)
{
    const void *arrays[] = {args->of[0].x,  args->of[0].dx, args->of[1].x,
                            args->of[1].dx, args->rest,     args->y,
                            args->a,        args->b,        args->through};

    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
        if (!is_aligned(arrays[k]))
            return false;
    return args->points % KERN_FOUR == 0;
}

/* What a sum of norms is, for kernels; false if there is no room for what they leave. */
static bool norm_args(struct cuda *cuda, const struct kern_norm_sum *sum,
                      struct kern_norm_args *args)
{
    const size_t   c = sum->where.channels;
    struct mx_err *err = cuda->failed.code ? NULL : &cuda->failed;
    float         *at;

    if (kern_cuda_room(cuda, &cuda->vectors, &cuda->vectors_bytes, kern_cuda_norm_bytes(c), err))
        return false;
    *args = (struct kern_norm_args){.n = sum->where.n * sum->where.image,
                                    .images = sum->where.n,
                                    .channels = sum->where.channels,
                                    .points = sum->where.points,
                                    .parts = parts_of(&sum->where),
                                    .rest = sum->rest,
                                    .y = sum->y,
                                    .relu = sum->relu,
                                    .found = cuda->vectors};
    at = (float *)(void *)(args->found + (BLOCKS + c));
    for (int k = 0; k < 2 && sum->norms[k]; k++, at += 3 * c) {
        const struct kern_norm *norm = sum->norms[k];

        args->norms++;
        args->of[k] = (struct kern_norm_of){.x = norm->x,
                                            .mean = norm->mean,
                                            .variance = norm->variance,
                                            .scale = norm->scale,
                                            .shift = norm->shift,
                                            .factor = at,
                                            .slope = at + c,
                                            .offset = at + 2 * c,
                                            .dx = norm->dx,
                                            .dscale = norm->dscale,
                                            .dshift = norm->dshift,
                                            .epsilon = norm->epsilon,
                                            .fixed = norm->fixed};
    }
    return true;
}

static size_t fours_of(const struct kern_norm_args *args)
{
    return (args->n + KERN_FOUR - 1) / KERN_FOUR;
}

/* The statistics of norm k, unless they are given, and its factors. */
static void look(struct cuda *cuda, const struct kern_norm_args *args, uint32_t k)
{
    const struct kern_norm_statistics_args sums = {.blocks = (size_t)args->parts * args->channels,
                                                   .x = args->of[k].x,
                                                   .images = args->images,
                                                   .channels = args->channels,
                                                   .points = args->points,
                                                   .parts = args->parts,
                                                   .found = args->found,
                                                   .aligned = args->aligned};
    const struct kern_norm_finish_args     finish = {.blocks = args->channels,
                                                     .found = args->found,
                                                     .count = (double)args->images * args->points,
                                                     .parts = args->parts,
                                                     .of = args->of[k]};

    if (!args->of[k].fixed)
        LAUNCH(cuda, norm_statistics, &sums);
    LAUNCH(cuda, norm_finish, &finish);
}

void kern_cuda_norm_forward(struct kern_nn *nn, const struct kern_norm_sum *sum)
{
    struct cuda                *cuda = cuda_of(nn);
    struct kern_norm_apply_args apply;

    if (!norm_args(cuda, sum, &apply.norm))
        return;
    apply.norm.aligned = has_fours(&apply.norm);
    apply.n = fours_of(&apply.norm);
    for (uint32_t k = 0; k < apply.norm.norms; k++)
        look(cuda, &apply.norm, k);
    LAUNCH(cuda, norm_apply, &apply);
}

void kern_cuda_norm_backward(struct kern_nn *nn, const struct kern_norm_sum *sum,
                             const struct kern_norm_gradient *gradient)
{
    struct cuda                 *cuda = cuda_of(nn);
    const bool                   masks = sum->relu && !gradient->masked;
    const bool                   alone = !sum->norms[1] && !sum->rest;
    struct kern_norm_sums_args   sums;
    struct kern_norm_slope_args  slope;
    struct kern_norm_spread_args spread;

    if (!norm_args(cuda, sum, &sums.norm))
        return;
    sums.norm.a = gradient->a;
    sums.norm.b = gradient->b;
    sums.norm.by_y = masks && !alone;
    sums.norm.by_x = masks && alone;
    sums.norm.through = gradient->through;
    sums.norm.aligned = has_fours(&sums.norm);
    sums.blocks = (size_t)sums.norm.parts * sums.norm.channels;
    slope = (struct kern_norm_slope_args){sums.norm.channels, sums.norm};
    spread = (struct kern_norm_spread_args){fours_of(&sums.norm), sums.norm};
    LAUNCH(cuda, norm_sums, &sums);
    LAUNCH(cuda, norm_slope, &slope);
    LAUNCH(cuda, norm_spread, &spread);
}
