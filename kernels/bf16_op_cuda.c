/* Around convolutions and linear layers in bfloat16: copies of weights, and of images that are float32 or are to be padded
 * unevenly; pools. */
#include "kernels/launch.h"
#include "kernels/nn_cuda.h"

enum {
    COPIES_ALIGN = 256 /* bytes, as cudaMalloc() has it */
};

static uint32_t up(uint32_t channels)
{
    return (channels + KERN_EIGHT - 1) / KERN_EIGHT * KERN_EIGHT;
}

struct kern_bf16_between kern_cuda_between(const struct kern_tensor *tensor)
{
    const int64_t *dims = tensor->dims;
    const bool     rows = tensor->ndims == 2;
    const uint32_t height = rows ? 1 : (uint32_t)dims[2], width = rows ? 1 : (uint32_t)dims[3];

    return (struct kern_bf16_between){.channels = (uint32_t)dims[1],
                                      .eights = up((uint32_t)dims[1]) / KERN_EIGHT,
                                      .height = height,
                                      .width = width,
                                      .wide_height = height,
                                      .wide_width = width};
}

void kern_cuda_narrow(struct cuda *cuda, const float *in, void *out, size_t images,
                      const struct kern_bf16_between *of)
{
    const struct kern_bf16_narrow_args args = {.n = images * of->wide_height * of->wide_width *
                                                    of->eights,
                                               .in = in,
                                               .out = out,
                                               .of = *of};

    LAUNCH(cuda, bf16_narrow, &args);
}

void kern_cuda_widen(struct cuda *cuda, const void *in, float *out, size_t images,
                     const struct kern_bf16_between *of)
{
    const struct kern_bf16_widen_args args = {
        .n = images * of->height * of->width * of->channels, .in = in, .out = out, .of = *of};

    LAUNCH(cuda, bf16_widen, &args);
}

/* The same with the padding that is not alike on all sides. */
static struct kern_bf16_between between_padded(const struct cuda_op *op)
{
    struct kern_bf16_between of = kern_cuda_between(op->op.tensors.src);

    of.above = (int32_t)op->op.shape.more[0];
    of.left = (int32_t)op->op.shape.more[1];
    of.wide_height += op->op.shape.more[0] + op->op.shape.more[2];
    of.wide_width += op->op.shape.more[1] + op->op.shape.more[3];
    return of;
}

/* ---- what an operation holds ---- */

/* Groups are the library's where each has whole eights of channels, or one alone; else all filters read all
 * channels, most of them by weights that are 0. */
static void choose_groups(struct cuda_op *op)
{
    struct cuda_halves *halves = &op->halves;
    const uint32_t      groups = op->op.shape.groups > 1 ? op->op.shape.groups : 1;
    const uint32_t      in = (uint32_t)op->op.tensors.src->dims[1], out = op->op.shape.channels;
    const uint32_t      ins = in / groups, outs = out / groups;
    const bool          alone = groups > 1 && ins == 1 && outs == 1;
    const bool          whole = ins % KERN_EIGHT == 0 && outs % KERN_EIGHT == 0;
    const bool          own = groups > 1 && (alone || whole);

    halves->all = up(out);
    halves->groups = alone ? halves->all : own ? groups : 1;
    halves->filters = (struct kern_bf16_filters){.filters = out,
                                                 .inputs = ins,
                                                 .places = 1,
                                                 .all_inputs = own ? ins : up(in),
                                                 .together = outs,
                                                 .shift = own ? 0 : ins};
}

static size_t weights_count(const struct cuda_halves *halves)
{
    return (size_t)halves->all * halves->filters.places * halves->filters.all_inputs;
}

static size_t images_bytes(const struct cuda_op *op)
{
    const struct kern_bf16_between of = between_padded(op);

    return (size_t)op->op.tensors.src->dims[0] * of.wide_height * of.wide_width * of.eights *
           sizeof(struct kern_eight);
}

/* Whether images of a tensor cannot be used where they are. */
static bool differs(const struct cuda_op *op, const struct kern_tensor *tensor)
{
    return !tensor->last || kern_cuda_is_uneven(&op->op.shape);
}

/* Where a copy lies in the room that all operations share, since one runs after another, and what they copied is
 * copied again for the way back; *at: where the next one lies. */
static void *copy_at(const struct cuda_op *op, size_t bytes, size_t *at)
{
    char *room = cuda_of(op->op.nn)->copies;
    void *copy = bytes > 0 && room ? room + *at : NULL;

    *at += (bytes + COPIES_ALIGN - 1) / COPIES_ALIGN * COPIES_ALIGN;
    return copy;
}

static struct cuda_copies copies_of(const struct cuda_op *op, size_t *bytes)
{
    const struct cuda_halves *halves = &op->halves;
    struct cuda_copies        copies;

    *bytes = 0;
    copies.weights = copy_at(op, halves->weights, bytes);
    copies.gradient = copy_at(op, halves->gradient, bytes);
    copies.src = copy_at(op, halves->src, bytes);
    copies.src_gradient = copy_at(op, halves->src_gradient, bytes);
    copies.dst_gradient = copy_at(op, halves->dst_gradient, bytes);
    copies.bias = copy_at(op, halves->bias, bytes);
    return copies;
}

struct cuda_copies kern_cuda_bf16_copies(const struct cuda_op *op)
{
    size_t bytes;

    return copies_of(op, &bytes);
}

static int room_for_copies(const struct cuda_op *op, struct mx_err *err)
{
    struct cuda *cuda = cuda_of(op->op.nn);
    size_t       bytes;

    (void)copies_of(op, &bytes);
    return kern_cuda_room(cuda, &cuda->copies, &cuda->copies_bytes, bytes, err);
}

int kern_cuda_bf16_prepare(struct cuda_op *op, struct mx_err *err)
{
    const struct kern_op_shape *shape = &op->op.shape;
    const struct kern_tensor   *src = op->op.tensors.src;

    if (shape->kind != KERN_CONV && shape->kind != KERN_LINEAR)
        return src->last ? 0 : mx_fail(err, MX_EINTERNAL, "only products take float32 to bfloat16");
    choose_groups(op);
    op->halves.filters.places = shape->kind == KERN_CONV ? shape->kernel * shape->kernel
                                : src->ndims == 4        ? (uint32_t)(src->dims[2] * src->dims[3])
                                                         : 1;
    op->halves.weights = weights_count(&op->halves) * sizeof(kern_bf16);
    op->halves.src = differs(op, src) ? images_bytes(op) : 0;
    if (shape->kind == KERN_CONV && op->op.tensors.bias)
        op->halves.bias = op->halves.all * sizeof(kern_bf16);
    return room_for_copies(op, err);
}

int kern_cuda_bf16_prepare_backward(struct cuda_op *op, struct mx_err *err)
{
    const struct kern_op_gradients *to = &op->op.gradients;
    struct cuda_halves             *halves = &op->halves;
    const bool                      conv = op->op.shape.kind == KERN_CONV;
    const size_t                    rows = (size_t)to->dst->dims[0];

    if (!conv && op->op.shape.kind != KERN_LINEAR)
        return 0;
    if (to->weights)
        halves->gradient = weights_count(halves) * (conv ? sizeof(kern_bf16) : sizeof(float));
    if (to->src && differs(op, to->src))
        halves->src_gradient = images_bytes(op);
    if (!conv && !to->dst->last)
        halves->dst_gradient = rows * halves->all * sizeof(kern_bf16);
    return room_for_copies(op, err);
}

/* ---- before and behind a product ---- */

/* Between images and the same with padding on some sides. */
static void pad(const struct cuda_op *op, bool back, const void *in, void *out)
{
    const struct kern_bf16_between of = between_padded(op);
    struct kern_bf16_pad_args      args = {.in = in,
                                           .out = out,
                                           .above = back ? -of.above : of.above,
                                           .left = back ? -of.left : of.left,
                                           .in_height = back ? of.wide_height : of.height,
                                           .in_width = back ? of.wide_width : of.width,
                                           .out_height = back ? of.height : of.wide_height,
                                           .out_width = back ? of.width : of.wide_width,
                                           .eights = of.eights};

    args.n = (size_t)op->op.tensors.src->dims[0] * args.out_height * args.out_width * args.eights;
    LAUNCH(cuda_of(op->op.nn), bf16_pad, &args);
}

static void bring_src(const struct cuda_op *op, void *to)
{
    const struct kern_tensor      *src = op->op.tensors.src;
    const struct kern_bf16_between of = between_padded(op);

    if (!src->last)
        kern_cuda_narrow(cuda_of(op->op.nn), src->data, to, (size_t)src->dims[0], &of);
    else if (op->halves.src > 0)
        pad(op, false, src->data, to);
}

void kern_cuda_bf16_bring(const struct cuda_op *op, bool src, bool weights)
{
    const struct cuda_copies            copies = kern_cuda_bf16_copies(op);
    const struct kern_bf16_weights_args args = {.n = weights_count(&op->halves),
                                                .in = op->op.tensors.weights->data,
                                                .out = copies.weights,
                                                .of = op->halves.filters};

    if (src)
        bring_src(op, copies.src);
    if (weights)
        LAUNCH(cuda_of(op->op.nn), bf16_weights, &args);
}

/* As a row of channels. */
void kern_cuda_bf16_bring_bias(const struct cuda_op *op)
{
    const struct kern_bf16_between row = {.channels = op->op.shape.channels,
                                          .eights = op->halves.all / KERN_EIGHT,
                                          .height = 1,
                                          .width = 1,
                                          .wide_height = 1,
                                          .wide_width = 1};

    if (op->op.tensors.bias)
        kern_cuda_narrow(cuda_of(op->op.nn), op->op.tensors.bias->data,
                         kern_cuda_bf16_copies(op).bias, 1, &row);
}

void kern_cuda_bf16_give_src(const struct cuda_op *op)
{
    const struct kern_tensor      *to = op->op.gradients.src;
    const struct kern_bf16_between of = between_padded(op);
    const struct cuda_copies       copies = kern_cuda_bf16_copies(op);

    if (!to->last)
        kern_cuda_widen(cuda_of(op->op.nn), copies.src_gradient, to->data, (size_t)to->dims[0],
                        &of);
    else if (copies.src_gradient)
        pad(op, true, copies.src_gradient, to->data);
}

void kern_cuda_bf16_give_weights(const struct cuda_op *op)
{
    const struct cuda_copies        copies = kern_cuda_bf16_copies(op);
    const struct kern_bf16_filters *of = &op->halves.filters;
    struct kern_bf16_gradient_args  args = {.n = (size_t)of->filters * of->inputs * of->places,
                                            .out = op->op.gradients.weights->data,
                                            .of = *of};

    if (op->op.shape.kind == KERN_CONV)
        args.in = copies.gradient;
    else
        args.wide = copies.gradient;
    LAUNCH(cuda_of(op->op.nn), bf16_gradient, &args);
}

void kern_cuda_bf16_finish(const struct cuda_op *op)
{
    const struct kern_op_shape        *shape = &op->op.shape;
    const struct kern_op_tensors      *at = &op->op.tensors;
    const struct kern_bf16_finish_args args = {.n = at->dst->bytes / sizeof(struct kern_eight),
                                               .y = (struct kern_eight *)(void *)at->dst->data,
                                               .bias = at->bias ? at->bias->data : NULL,
                                               .channels = shape->channels,
                                               .eights = op->halves.all / KERN_EIGHT,
                                               .relu = shape->kind == KERN_CONV && shape->relu,
                                               .cap = shape->cap};

    if (args.bias || args.relu)
        LAUNCH(cuda_of(op->op.nn), bf16_finish, &args);
}

void kern_cuda_bf16_sum_bias(const struct cuda_op *op)
{
    const struct kern_tensor *dy = op->op.gradients.dst, *bias = op->op.gradients.bias;

    if (bias)
        kern_cuda_bf16_channel_sum(cuda_of(op->op.nn), dy->data,
                                   kern_tensor_elements(dy) / op->halves.all, op->op.shape.channels,
                                   bias->data);
}

/* ---- pools ---- */

void kern_cuda_bf16_pool(const struct cuda_op *op, bool backward)
{
    const struct kern_op_shape      *shape = &op->op.shape;
    const struct kern_tensor        *src = op->op.tensors.src, *dst = op->op.tensors.dst;
    const struct kern_op_gradients  *to = &op->op.gradients;
    struct cuda                     *cuda = cuda_of(op->op.nn);
    const struct kern_bf16_pool_args of = {
        .x = (const struct kern_eight *)(const void *)src->data,
        .y = (struct kern_eight *)(void *)dst->data,
        .dy = backward ? (const struct kern_eight *)(const void *)to->dst->data : NULL,
        .dx = backward ? (struct kern_eight *)(void *)to->src->data : NULL,
        .eights = kern_cuda_width(src) / KERN_EIGHT,
        .of = {.in_height = op->height,
               .in_width = op->width,
               .out_height = (uint32_t)dst->dims[2],
               .out_width = (uint32_t)dst->dims[3],
               .kernel = shape->kernel,
               .stride = shape->stride,
               .pad = shape->pad}};
    const size_t in = src->bytes / sizeof(struct kern_eight);
    const size_t out = dst->bytes / sizeof(struct kern_eight);

    if (shape->kind == KERN_MAX_POOL && backward)
        LAUNCH(cuda, bf16_max_pool_backward, (&(struct kern_bf16_max_pool_backward_args){in, of}));
    else if (shape->kind == KERN_MAX_POOL)
        LAUNCH(cuda, bf16_max_pool, (&(struct kern_bf16_max_pool_args){out, of}));
    else if (backward)
        LAUNCH(cuda, bf16_mean_pool_backward,
               (&(struct kern_bf16_mean_pool_backward_args){in, of}));
    else
        LAUNCH(cuda, bf16_mean_pool, (&(struct kern_bf16_mean_pool_args){out, of}));
}
