/* The GPU's table: arguments of kernels. Failures of launches are kept for who can tell them. */
#include <stdlib.h>
#include <string.h>

#include "kernels/launch.h"
#include "kernels/nn_cuda.h"

enum {
    SQUARE_BLOCKS = 256
};

static void *alloc(struct kern_nn *nn, size_t align, size_t bytes, struct mx_err *err)
{
    (void)align; /* cudaMalloc() aligns to 256 bytes; huge pages are no matter here */
    return kern_cuda_alloc(cuda_of(nn), bytes, err);
}

static void release(struct kern_nn *nn, void *memory)
{
    kern_cuda_release(cuda_of(nn), memory);
}

static int move(struct cuda *cuda, void *to, const void *from, size_t bytes,
                enum cudaMemcpyKind kind, struct mx_err *err)
{
    if (kern_tell_failure(cuda, err))
        return -1;
    if (bytes == 0)
        return 0;
    CUDA_TRY(cudaMemcpyAsync(to, from, bytes, kind, cuda->stream), err);
    CUDA_TRY(cudaStreamSynchronize(cuda->stream), err);
    return 0;

fail:
    return -1;
}

static int put(struct kern_nn *nn, void *to, const void *host, size_t bytes, struct mx_err *err)
{
    return move(cuda_of(nn), to, host, bytes, cudaMemcpyHostToDevice, err);
}

static int get(struct kern_nn *nn, void *host, const void *from, size_t bytes, struct mx_err *err)
{
    return move(cuda_of(nn), host, from, bytes, cudaMemcpyDeviceToHost, err);
}

static void copy(struct kern_nn *nn, void *to, const void *from, size_t bytes)
{
    struct cuda *cuda = cuda_of(nn);

    if (bytes > 0)
        kern_launched(cuda,
                      (int)cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, cuda->stream),
                      "copy");
}

static void zero(struct kern_nn *nn, void *to, size_t bytes)
{
    struct cuda *cuda = cuda_of(nn);

    if (bytes > 0)
        kern_launched(cuda, (int)cudaMemsetAsync(to, 0, bytes, cuda->stream), "zero");
}

static void add(struct kern_nn *nn, float *out, const float *a, const float *b, size_t n, bool relu)
{
    const struct kern_add_args args = {.n = n, .out = out, .a = a, .b = b, .relu = relu};

    LAUNCH(cuda_of(nn), add, &args);
}

static void relu(struct kern_nn *nn, float *out, const float *in, size_t n, float cap)
{
    const struct kern_relu_args args = {.n = n, .out = out, .in = in, .cap = cap};

    LAUNCH(cuda_of(nn), relu, &args);
}

static void relu_backward(struct kern_nn *nn, float *gradient, const float *y, size_t n, float cap,
                          float drop)
{
    const struct kern_relu_backward_args args = {
        .n = n, .gradient = gradient, .y = y, .cap = cap, .drop = drop};

    LAUNCH(cuda_of(nn), relu_backward, &args);
}

static void dropout_now(struct kern_nn *nn, float *data, size_t n, float drop, struct mx_rng rng,
                        const struct kern_now *now)
{
    struct kern_dropout_args args = {.n = n, .data = data, .drop = drop, .now = now};

    memcpy(args.key, rng.key, sizeof args.key);
    memcpy(args.counter, rng.counter, sizeof args.counter);
    LAUNCH(cuda_of(nn), dropout, &args);
}

static void dropout(struct kern_nn *nn, float *data, size_t n, float drop, struct mx_rng rng)
{
    dropout_now(nn, data, n, drop, rng, NULL);
}

static void add_backward(struct kern_nn *nn, float *out, const float *a, const float *b,
                         const float *y, size_t n)
{
    const struct kern_add_backward_args args = {.n = n, .out = out, .a = a, .b = b, .y = y};

    LAUNCH(cuda_of(nn), add_backward, &args);
}

static void running(struct kern_nn *nn, float *mean, const float *batch, size_t n, double rate,
                    double scale)
{
    const struct kern_running_args args = {
        .n = n, .running = mean, .batch = batch, .rate = rate, .scale = scale};

    LAUNCH(cuda_of(nn), running, &args);
}

size_t kern_cuda_rows_bytes(size_t n)
{
    return 2 * n * sizeof(double);
}

/* Where the arrays of rows lie when they have been brought. */
static struct kern_mix_rows_args rows_args(const struct cuda *cuda, const struct kern_rows *rows)
{
    struct kern_mix_rows_args args = {
        .n = rows->n * rows->width, .share = cuda->mixing, .rows = rows->n, .width = rows->width};

    args.partner = (const uint32_t *)(const void *)(args.share + rows->n);
    return args;
}

static int bring_rows(struct kern_nn *nn, const struct kern_rows *rows, struct mx_err *err)
{
    struct cuda *cuda = cuda_of(nn);

    if (kern_cuda_room(cuda, &cuda->mixing, &cuda->mixing_bytes, kern_cuda_rows_bytes(rows->n),
                       err))
        return -1;
    return put(nn, cuda->mixing, rows->share, rows->n * sizeof(float), err) ||
                   put(nn, (char *)cuda->mixing + rows->n * sizeof(float), rows->partner,
                       rows->n * sizeof *rows->partner, err)
               ? -1
               : 0;
}

/* False, having kept why, if they could not be brought. */
static bool have_rows(struct kern_nn *nn, const struct kern_rows *rows)
{
    struct cuda *cuda = cuda_of(nn);

    return !rows->share || !bring_rows(nn, rows, cuda->failed.code ? NULL : &cuda->failed);
}

bool kern_cuda_rows(struct kern_nn *nn, float *out, const float *in, const struct kern_rows *rows,
                    struct kern_mix_rows_args *args)
{
    if (!have_rows(nn, rows))
        return false;
    *args = rows_args(cuda_of(nn), rows);
    args->out = out;
    args->in = in;
    return true;
}

static void mix_rows(struct kern_nn *nn, float *out, const float *in, const struct kern_rows *rows)
{
    struct kern_mix_rows_args args;

    if (kern_cuda_rows(nn, out, in, rows, &args))
        LAUNCH(cuda_of(nn), mix_rows, &args);
}

static void mix_rows_backward(struct kern_nn *nn, float *out, const float *gradient,
                              const struct kern_rows *rows)
{
    struct kern_mix_rows_backward_args args;

    if (!kern_cuda_rows(nn, out, gradient, rows, &args.rows))
        return;
    args.n = args.rows.n;
    LAUNCH(cuda_of(nn), mix_rows_backward, &args);
}

static void sgd(struct kern_nn *nn, const struct kern_sgd *by, float *weights,
                const float *gradient, float *buffer, size_t n)
{
    const struct kern_sgd_args args = {.n = n,
                                       .weights = weights,
                                       .buffer = by->momentum == 0 ? NULL : buffer,
                                       .gradient = gradient,
                                       .lr = by->lr,
                                       .momentum = by->momentum,
                                       .decay = by->decay,
                                       .scale = by->scale,
                                       .nesterov = by->nesterov,
                                       .now = by->now,
                                       .first = by->first};

    LAUNCH(cuda_of(nn), sgd, &args);
}

static void adamw(struct kern_nn *nn, const struct kern_adamw *by, float *weights,
                  const float *gradient, float *mean, float *square, size_t n)
{
    const struct kern_adamw_args args = {.n = n,
                                         .weights = weights,
                                         .mean = mean,
                                         .square = square,
                                         .gradient = gradient,
                                         .keep = by->keep,
                                         .beta1 = by->beta1,
                                         .beta2 = by->beta2,
                                         .rest1 = by->rest1,
                                         .rest2 = by->rest2,
                                         .epsilon = by->epsilon,
                                         .step = by->step,
                                         .root = by->root,
                                         .scale = by->scale,
                                         .decays = by->decays,
                                         .now = by->now};

    LAUNCH(cuda_of(nn), adamw, &args);
}

static void average(struct kern_nn *nn, float *mean, const float *value, double decay, size_t n)
{
    const struct kern_average_args args = {
        .n = n, .average = mean, .value = value, .rest = (float)(1 - decay)};

    LAUNCH(cuda_of(nn), average, &args);
}

size_t kern_cuda_squares_bytes(void)
{
    return SQUARE_BLOCKS * sizeof(double);
}

static int sum_squares(struct cuda *cuda, const float *values, size_t n, struct mx_err *err)
{
    struct kern_square_sum_args args = {.blocks = SQUARE_BLOCKS, .x = values, .n = n};

    if (kern_cuda_room(cuda, &cuda->squares, &cuda->squares_bytes, kern_cuda_squares_bytes(), err))
        return -1;
    args.sum = cuda->squares;
    LAUNCH(cuda, square_sum, &args);
    return 0;
}

static int square_sum(struct kern_nn *nn, const float *values, size_t n, double *sum,
                      struct mx_err *err)
{
    struct cuda *cuda = cuda_of(nn);
    double       parts[SQUARE_BLOCKS];

    if (sum_squares(cuda, values, n, err) || get(nn, parts, cuda->squares, sizeof parts, err))
        return -1;
    *sum = 0;
    for (int k = 0; k < SQUARE_BLOCKS; k++)
        *sum += parts[k];
    return 0;
}

static void clip(struct kern_nn *nn, const float *gradient, size_t n, double most, double epsilon,
                 struct kern_now *now)
{
    struct cuda          *cuda = cuda_of(nn);
    struct kern_clip_args args = {
        .n = 1, .parts = SQUARE_BLOCKS, .most = most, .epsilon = epsilon, .now = now};

    if (sum_squares(cuda, gradient, n, cuda->failed.code ? NULL : &cuda->failed))
        return;
    args.squares = cuda->squares;
    LAUNCH(cuda, clip, &args);
}

const struct kern_device kern_device_cuda = {
    .kind = "cuda",
    .alloc = alloc,
    .release = release,
    .collect = kern_cuda_collect,
    .want = kern_cuda_want,
    .settle = kern_cuda_settle,
    .put = put,
    .get = get,
    .copy = copy,
    .zero = zero,
    .add = add,
    .relu = relu,
    .relu_backward = relu_backward,
    .dropout = dropout,
    .add_backward = add_backward,
    .running = running,
    .mix_rows = mix_rows,
    .mix_rows_backward = mix_rows_backward,
    .norm_forward = kern_cuda_norm_forward,
    .norm_backward = kern_cuda_norm_backward,
    .sgd = sgd,
    .adamw = adamw,
    .average = average,
    .square_sum = square_sum,
    .maps = &kern_maps_cuda,
    .loss = kern_cuda_loss,
    .bring_loss = kern_cuda_bring_loss,
    .queue_loss = kern_cuda_queue_loss,
    .tell_loss = kern_cuda_tell_loss,
    .bring_rows = bring_rows,
    .dropout_now = dropout_now,
    .clip = clip,
    .note_begin = kern_cuda_note_begin,
    .note_drop = kern_cuda_note_drop,
    .note_end = kern_cuda_note_end,
    .replay = kern_cuda_replay,
    .replay_free = kern_cuda_replay_free,
    .feed = &kern_feed_cuda,
};
