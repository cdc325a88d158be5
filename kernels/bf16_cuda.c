/* What kernels/device.h does with a network's images where they are bfloat16. What is not here, of weights and
 * losses, is float32 as ever. */
#include <string.h>

#include "kernels/launch.h"
#include "kernels/nn_cuda.h"

enum {
    LANES = 65536 /* over which sums are shared out, at most */
};

static struct kern_eight *eights_of(float *array)
{
    return (struct kern_eight *)(void *)array;
}

static const struct kern_eight *eights_in(const float *array)
{
    return (const struct kern_eight *)(const void *)array;
}

static void add(struct kern_nn *nn, float *out, const float *a, const float *b, size_t n, bool relu)
{
    const struct kern_bf16_add_args args = {.n = n / KERN_EIGHT,
                                            .out = eights_of(out),
                                            .a = eights_in(a),
                                            .b = eights_in(b),
                                            .relu = relu};

    LAUNCH(cuda_of(nn), bf16_add, &args);
}

static void relu(struct kern_nn *nn, float *out, const float *in, size_t n, float cap)
{
    const struct kern_bf16_relu_args args = {
        .n = n / KERN_EIGHT, .out = eights_of(out), .in = eights_in(in), .cap = cap};

    LAUNCH(cuda_of(nn), bf16_relu, &args);
}

static void relu_backward(struct kern_nn *nn, float *gradient, const float *y, size_t n, float cap,
                          float drop)
{
    const struct kern_bf16_relu_backward_args args = {.n = n / KERN_EIGHT,
                                                      .gradient = eights_of(gradient),
                                                      .y = eights_in(y),
                                                      .cap = cap,
                                                      .drop = drop};

    LAUNCH(cuda_of(nn), bf16_relu_backward, &args);
}

static void dropout_now(struct kern_nn *nn, float *data, size_t n, float drop, struct mx_rng rng,
                        const struct kern_now *now)
{
    struct kern_bf16_dropout_args args = {
        .n = n / KERN_EIGHT, .data = eights_of(data), .of = {.drop = drop, .now = now}};

    memcpy(args.of.key, rng.key, sizeof args.of.key);
    memcpy(args.of.counter, rng.counter, sizeof args.of.counter);
    LAUNCH(cuda_of(nn), bf16_dropout, &args);
}

static void dropout(struct kern_nn *nn, float *data, size_t n, float drop, struct mx_rng rng)
{
    dropout_now(nn, data, n, drop, rng, NULL);
}

static void add_backward(struct kern_nn *nn, float *out, const float *a, const float *b,
                         const float *y, size_t n)
{
    const struct kern_bf16_add_backward_args args = {.n = n / KERN_EIGHT,
                                                     .out = eights_of(out),
                                                     .a = eights_in(a),
                                                     .b = eights_in(b),
                                                     .y = eights_in(y)};

    LAUNCH(cuda_of(nn), bf16_add_backward, &args);
}

/* Rows where kern_cuda_rows() has brought them. */
static struct kern_bf16_mix_rows_args rows_of(const struct kern_mix_rows_args *brought)
{
    return (struct kern_bf16_mix_rows_args){.n = brought->n / KERN_EIGHT,
                                            .out = eights_of(brought->out),
                                            .in = eights_in(brought->in),
                                            .share = brought->share,
                                            .partner = brought->partner,
                                            .rows = brought->rows,
                                            .width = brought->width / KERN_EIGHT};
}

static void mix_rows(struct kern_nn *nn, float *out, const float *in, const struct kern_rows *rows)
{
    struct kern_mix_rows_args      brought;
    struct kern_bf16_mix_rows_args args;

    if (!kern_cuda_rows(nn, out, in, rows, &brought))
        return;
    args = rows_of(&brought);
    LAUNCH(cuda_of(nn), bf16_mix_rows, &args);
}

static void mix_rows_backward(struct kern_nn *nn, float *out, const float *gradient,
                              const struct kern_rows *rows)
{
    struct kern_mix_rows_args               brought;
    struct kern_bf16_mix_rows_backward_args args;

    if (!kern_cuda_rows(nn, out, gradient, rows, &brought))
        return;
    args.rows = rows_of(&brought);
    args.n = args.rows.n;
    LAUNCH(cuda_of(nn), bf16_mix_rows_backward, &args);
}

/* ---- batch norm ---- */

size_t kern_cuda_bf16_bytes(size_t channels)
{
    return LANES * KERN_EIGHT * sizeof(struct kern_part) + 6 * channels * sizeof(float);
}

static uint32_t parts_of(size_t points, uint32_t eights)
{
    const size_t most = eights < LANES ? LANES / eights : 1;

    return (uint32_t)(points < most ? points : most);
}

/* Room for what is found and, behind it, six vectors; false if there is none. */
static bool sums_room(struct cuda *cuda, size_t channels)
{
    return !kern_cuda_room(cuda, &cuda->halves, &cuda->halves_bytes, kern_cuda_bf16_bytes(channels),
                           cuda->failed.code ? NULL : &cuda->failed);
}

/* Where a channel is one of `point` elements in a row. */
static bool norm_args(struct cuda *cuda, const struct kern_norm_sum *sum,
                      struct kern_bf16_norm_args *args)
{
    const size_t   c = sum->where.channels;
    const uint32_t eights = (uint32_t)(sum->where.point / KERN_EIGHT);
    const size_t   points = (size_t)sum->where.n * sum->where.points;
    float         *at;

    if (!sums_room(cuda, c))
        return false;
    *args = (struct kern_bf16_norm_args){.points = points,
                                         .channels = sum->where.channels,
                                         .eights = eights,
                                         .parts = parts_of(points, eights),
                                         .rest = eights_in(sum->rest),
                                         .y = eights_of(sum->y),
                                         .relu = sum->relu,
                                         .found = cuda->halves};
    at = (float *)(void *)((struct kern_part *)cuda->halves + (size_t)LANES * KERN_EIGHT);
    for (int k = 0; k < 2 && sum->norms[k]; k++, at += 3 * c) {
        const struct kern_norm *norm = sum->norms[k];

        args->norms++;
        args->of[k] = (struct kern_bf16_norm_of){.x = eights_in(norm->x),
                                                 .scale = norm->scale,
                                                 .shift = norm->shift,
                                                 .mean = norm->mean,
                                                 .variance = norm->variance,
                                                 .factor = at,
                                                 .slope = at + c,
                                                 .offset = at + 2 * c,
                                                 .dx = eights_of(norm->dx),
                                                 .dscale = norm->dscale,
                                                 .dshift = norm->dshift,
                                                 .epsilon = norm->epsilon,
                                                 .fixed = norm->fixed};
    }
    return true;
}

/* Statistics, unless they are fixed or there already, and factors. */
static void finish_norms(struct cuda *cuda, const struct kern_bf16_norm_args *args, bool known)
{
    for (uint32_t k = 0; k < args->norms; k++) {
        const struct kern_bf16_norm_look_args look = {.n = (size_t)args->parts * args->eights,
                                                      .x = args->of[k].x,
                                                      .points = args->points,
                                                      .eights = args->eights,
                                                      .parts = args->parts,
                                                      .found = args->found};
        struct kern_bf16_norm_finish_args     finish = {.blocks = args->channels,
                                                        .found = args->found,
                                                        .points = args->points,
                                                        .eights = args->eights,
                                                        .parts = args->parts,
                                                        .of = args->of[k]};

        finish.of.fixed = finish.of.fixed || known;
        if (!finish.of.fixed)
            LAUNCH(cuda, bf16_norm_look, &look);
        LAUNCH(cuda, bf16_norm_finish, &finish);
    }
}

static void norm_forward(struct kern_nn *nn, const struct kern_norm_sum *sum)
{
    struct cuda                     *cuda = cuda_of(nn);
    struct kern_bf16_norm_apply_args apply;

    if (!norm_args(cuda, sum, &apply.norm))
        return;
    apply.n = apply.norm.points * apply.norm.eights;
    finish_norms(cuda, &apply.norm, false);
    LAUNCH(cuda, bf16_norm_apply, &apply);
}

static void norm_backward(struct kern_nn *nn, const struct kern_norm_sum *sum,
                          const struct kern_norm_gradient *gradient)
{
    struct cuda                      *cuda = cuda_of(nn);
    const bool                        masks = sum->relu && !gradient->masked;
    const bool                        alone = !sum->norms[1] && !sum->rest;
    struct kern_bf16_norm_gather_args gather;
    struct kern_bf16_norm_slope_args  slope;
    struct kern_bf16_norm_spread_args spread;

    if (!norm_args(cuda, sum, &gather.norm))
        return;
    gather.n = (size_t)gather.norm.parts * gather.norm.eights;
    gather.norm.a = eights_in(gradient->a);
    gather.norm.b = eights_in(gradient->b);
    gather.norm.by_y = masks && !alone;
    gather.norm.by_x = masks && alone;
    gather.norm.through = eights_of(gradient->through);
    slope = (struct kern_bf16_norm_slope_args){gather.norm.channels, gather.norm};
    spread =
        (struct kern_bf16_norm_spread_args){gather.norm.points * gather.norm.eights, gather.norm};
    finish_norms(cuda, &gather.norm, true);
    LAUNCH(cuda, bf16_norm_gather, &gather);
    LAUNCH(cuda, bf16_norm_slope, &slope);
    LAUNCH(cuda, bf16_norm_spread, &spread);
}

void kern_cuda_bf16_channel_sum(struct cuda *cuda, const float *x, size_t points, uint32_t channels,
                                float *sum)
{
    const uint32_t                  eights = (channels + KERN_EIGHT - 1) / KERN_EIGHT;
    struct kern_bf16_norm_look_args look = {
        .x = eights_in(x), .points = points, .eights = eights, .parts = parts_of(points, eights)};
    struct kern_bf16_channel_sum_args add_up = {
        .blocks = channels, .eights = eights, .parts = look.parts, .sum = sum};

    if (!sums_room(cuda, channels))
        return;
    look.n = (size_t)look.parts * eights;
    look.found = cuda->halves;
    add_up.found = cuda->halves;
    LAUNCH(cuda, bf16_norm_look, &look);
    LAUNCH(cuda, bf16_channel_sum, &add_up);
}

void kern_cuda_bf16_functions(struct kern_device *device)
{
    device->add = add;
    device->relu = relu;
    device->relu_backward = relu_backward;
    device->dropout = dropout;
    device->dropout_now = dropout_now;
    device->add_backward = add_backward;
    device->mix_rows = mix_rows;
    device->mix_rows_backward = mix_rows_backward;
    device->norm_forward = norm_forward;
    device->norm_backward = norm_backward;
}
