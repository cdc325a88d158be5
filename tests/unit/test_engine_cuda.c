/* Networks on a GPU learn what they learn on the CPU: the same weights, batches and random numbers
 * through every kind of layer, optimiser and use.
 * A plain program, so that it can end with "skipped": ctest: quick machine */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kern.h"
#include "worker/engine_parts.h"

enum {
    SKIPPED = 77,
    FEW = 5,
    ROOM = 48,
    STEPS = 3,
    REPLAYED = 12,
    CLASSES = 4,
};

/* A network and how it is trained. */
struct trial {
    const char          *name;
    unsigned             arch;
    struct worker_form   form;
    uint32_t             channels, height, width;
    struct worker_params params;
    bool                 targets, hidden;
};

// clang-format off
static const struct trial trials[] = {
    {"resnet20, sgd", WORKER_ARCH_RESNET20, {CLASSES, 4, false}, 3, 9, 7,
     {.train_lr = 0.01, .train_momentum = 0.9, .train_weight_decay = 1e-3}, false, false},
    {"resnet20 for large images, nesterov, clipped", WORKER_ARCH_RESNET20, {CLASSES, 4, true}, 1, 33, 35,
     {.train_lr = 0.01, .train_momentum = 0.9, .train_nesterov = true, .train_clip_norm = 0.5}, true, false},
    {"resnet8, adamw, averaged", WORKER_ARCH_RESNET8, {CLASSES, 4, false}, 3, 12, 12,
     {.train_lr = 1e-4, .train_optimizer = WORKER_OPTIMIZER_ADAMW, .train_weight_decay = 0.1, .train_ema = 0.9, .train_label_smoothing = 0.1}, false, false},
    {"preact_resnet18, mixed within", WORKER_ARCH_PREACT_RESNET18, {CLASSES, 4, false}, 3, 8, 8,
     {.train_lr = 0.01, .train_momentum = 0.9}, false, true},
    {"vgg11_bn for large images, dropped out", WORKER_ARCH_VGG11_BN, {CLASSES, 2, true}, 3, 33, 40,
     {.train_lr = 0.01, .train_momentum = 0}, false, false},
};
// clang-format on

/* How far from the CPU, which computes in float32: losses by themselves, all else by the largest of its kind. In bfloat16, where it is the root mean square,
 * every number within the network is rounded by 2^-8 of itself. */
/* Numbers that have nothing to do with each other are 1.4 of themselves apart. What a ReLU decides otherwise for being rounded
 * grows in twenty layers of four channels to a third of that. */
static const double tolerance_of_halves = 0.5;

/* Between a step in bfloat16 and one in float32 on a batch of many images. PyTorch's own, with autocast and without, are at .92
 * and more for the weights of a resnet20 of 4 channels; the VGG here, of 2 channels, is at .87 and more. */
static const double least_cosine = 0.85;

struct tolerance {
    double loss, near;
};

static struct tolerance tolerance_of(const struct trial *trial)
{
    return trial->params.train_precision == WORKER_NET_BF16
               ? (struct tolerance){5e-2, tolerance_of_halves}
               : (struct tolerance){1e-4, 2e-3};
}

struct batch {
    struct worker_batch all;
    uint32_t            y_a[ROOM], y_b[ROOM], partner[ROOM], own[ROOM];
    float               lambda[ROOM], area[ROOM], targets[ROOM * CLASSES];
};

static void draw(struct batch *b, const struct trial *trial, uint32_t n, uint32_t number)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(5, 0, MX_PURPOSE_DATA, 0), number, 0, 0);
    const size_t  image = (size_t)trial->channels * trial->height * trial->width;

    b->all.n = n;
    b->all.classes = CLASSES;
    b->all.layer = trial->hidden && number != 1 ? WORKER_LAYER_STAGE2 : WORKER_LAYER_INPUT;
    for (size_t k = 0; k < n * image; k++)
        b->all.images[k] = (float)mx_rng_normal(&rng);
    for (uint32_t i = 0; i < n; i++) {
        b->y_a[i] = b->own[i] = (uint32_t)mx_rng_below(&rng, CLASSES);
        b->y_b[i] = (uint32_t)mx_rng_below(&rng, CLASSES);
        b->lambda[i] = b->area[i] = (float)mx_rng_uniform(&rng);
        b->partner[i] = (i + 1) % n;
        for (uint32_t c = 0; c < CLASSES; c++)
            b->targets[i * CLASSES + c] =
                (c == b->y_a[i] ? b->lambda[i] : 0) + (c == b->y_b[i] ? 1 - b->lambda[i] : 0);
    }
    b->all.targets = trial->targets ? b->targets : NULL;
}

static bool batch_new(struct batch *b, const struct trial *trial)
{
    const size_t image = (size_t)trial->channels * trial->height * trial->width;

    memset(b, 0, sizeof *b);
    b->all.y_a = b->y_a;
    b->all.y_b = b->y_b;
    b->all.lambda = b->lambda;
    b->all.partner = b->partner;
    b->all.own = b->own;
    b->all.area = b->area;
    b->all.images = aligned_alloc(KERN_ALIGN, (ROOM * image * sizeof(float) + 63) / 64 * 64);
    return b->all.images;
}

static struct worker_engine *open_engine(const struct trial *trial, enum worker_device device,
                                         uint32_t room, struct mx_err *err)
{
    const struct worker_shape shape = {trial->channels, trial->height, trial->width, CLASSES, 0};
    struct worker_params      params = trial->params;
    struct worker_net         net;

    params.model_arch = trial->arch;
    params.train_threads = 1;
    params.train_deterministic = true;
    if (device == WORKER_DEVICE_CPU)
        params.train_precision = WORKER_NET_F32;
    params.mix_strategy = trial->hidden ? WORKER_MIX_MANIFOLD_MIXUP : WORKER_MIX_PUZZLEMIX;
    if (trial->hidden)
        params.mix_layers = (struct worker_list){2, {WORKER_LAYER_INPUT, WORKER_LAYER_STAGE2}};
    if (worker_net_build_form(trial->arch, &trial->form, &shape, &net, err))
        return NULL;
    return engine_new(&params, device, &net, room, mx_stream_make(3, 0, MX_PURPOSE_INIT, 0), err);
}

/* Whether the root mean square of differences is within that of the numbers, or of what is hardly more than
 * rounding; NaN is not. */
static bool alike(const char *trial, const char *what, const float *cpu, const float *gpu, size_t n,
                  double tolerance)
{
    const double least = 0.02;
    double       size = 0, off = 0;

    for (size_t k = 0; k < n; k++) {
        size += (double)cpu[k] * (double)cpu[k];
        off += ((double)gpu[k] - (double)cpu[k]) * ((double)gpu[k] - (double)cpu[k]);
    }
    size = sqrt(size / (double)n);
    off = sqrt(off / (double)n);
    if (off <= tolerance * fmax(size, least))
        return true;
    printf("%s: %s: is off by %g on the GPU, of %g\n", trial, what, off, size);
    return false;
}

/* Whether numbers agree as far as their largest allows; NaN does not. */
static bool near(const char *trial, const char *what, const float *cpu, const float *gpu, size_t n,
                 double tolerance)
{
    double largest = 0;

    if (tolerance >= tolerance_of_halves)
        return alike(trial, what, cpu, gpu, n, tolerance);
    for (size_t k = 0; k < n; k++)
        largest = fmax(largest, fabs((double)cpu[k]));
    for (size_t k = 0; k < n; k++)
        if (!(fabs((double)gpu[k] - (double)cpu[k]) <= tolerance * fmax(largest, 1e-3))) {
            printf("%s: %s: element %zu is %.9g on the GPU, %.9g on the CPU\n", trial, what, k,
                   (double)gpu[k], (double)cpu[k]);
            return false;
        }
    return true;
}

static bool same_weights(const struct trial *trial, struct worker_engine *const engines[2],
                         double tolerance, struct mx_err *err)
{
    struct worker_tensor *tensors[2] = {NULL, NULL};
    size_t                count[2] = {0, 0};
    bool                  ok = !worker_engine_export(engines[0], &tensors[0], &count[0], err) &&
              !worker_engine_export(engines[1], &tensors[1], &count[1], err);

    for (size_t t = 0; ok && t < count[0]; t++) {
        size_t n = 1;

        /* Of a norm over three to five numbers the gradient is hardly more than what rounding leaves. */
        if (tolerance >= tolerance_of_halves && tensors[0][t].ndims == 1)
            continue;
        for (uint32_t d = 0; d < tensors[0][t].ndims; d++)
            n *= tensors[0][t].dims[d];
        ok = near(trial->name, tensors[0][t].name, tensors[0][t].data, tensors[1][t].data, n,
                  tolerance);
    }
    worker_tensors_free(tensors[0], count[0]);
    worker_tensors_free(tensors[1], count[1]);
    return ok;
}

static bool same_logits(const struct trial *trial, struct worker_engine *const engines[2],
                        const struct batch *batch, struct mx_err *err)
{
    float logits[2][(ROOM + 1) * CLASSES];

    for (int e = 0; e < 2; e++)
        if (worker_engine_infer(engines[e], batch->all.images, batch->all.n, logits[e], err))
            return false;
    return near(trial->name, "logits", logits[0], logits[1], batch->all.n * CLASSES,
                tolerance_of(trial).near);
}

/* Gradients of images by their own labels, where the strategy asks for them. */
static bool same_gradients(const struct trial *trial, struct worker_engine *const engines[2],
                           const struct batch *batch, struct mx_err *err)
{
    const size_t floats = (size_t)batch->all.n * trial->channels * trial->height * trial->width;
    float       *gradients = calloc(2 * floats, sizeof *gradients);
    bool         ok = gradients;

    for (int e = 0; ok && e < 2; e++)
        ok = !worker_engine_image_gradient(engines[e], batch->all.images, batch->y_a, batch->all.n,
                                           gradients + (size_t)e * floats, err);
    ok = ok && near(trial->name, "gradient of the images", gradients, gradients + floats, floats,
                    tolerance_of(trial).near);
    free(gradients);
    return ok;
}

/* Steps on batches of several sizes, from the same weights. */
static bool same_steps(const struct trial *trial, struct worker_engine *const engines[2],
                       struct batch *batch, struct mx_err *err)
{
    for (uint32_t s = 0; s < STEPS; s++) {
        double loss[2];

        draw(batch, trial, s == 1 ? 3 : FEW, s);
        for (int e = 0; e < 2; e++)
            if (worker_engine_step(engines[e], &batch->all, trial->params.train_lr, &loss[e], err))
                return false;
        if (!(fabs(loss[1] - loss[0]) <= tolerance_of(trial).loss * fabs(loss[0]))) {
            printf("%s: the loss of step %u is %.9g on the GPU, %.9g on the CPU\n", trial->name, s,
                   loss[1], loss[0]);
            return false;
        }
    }
    return (trial->params.train_precision == WORKER_NET_BF16 ||
            worker_engine_hits(engines[0]) == worker_engine_hits(engines[1])) &&
           !worker_engine_check(engines[1], err);
}

/* Steps of two engines, the first of which does them plainly: the same bits, whatever the learning
 * rate, batch size, layer that mixes, and count of steps. */
static bool same_replays(const struct trial *trial, struct worker_engine *const engines[2],
                         struct batch *batch, struct mx_err *err)
{
    engines[0]->plain = true;
    for (uint32_t s = 0; s < REPLAYED; s++) {
        const double rate = trial->params.train_lr * (REPLAYED - s) / REPLAYED;
        double       loss[2];

        draw(batch, trial, s % 3 == 1 ? 3 : FEW, s);
        for (int e = 0; e < 2; e++)
            if (worker_engine_step(engines[e], &batch->all, rate, &loss[e], err))
                return false;
        if (memcmp(&loss[0], &loss[1], sizeof loss[0]) != 0 ||
            worker_engine_hits(engines[0]) != worker_engine_hits(engines[1])) {
            printf("%s: the loss of step %u is %.17g, and %.17g if it is replayed\n", trial->name,
                   s, loss[0], loss[1]);
            return false;
        }
    }
    if (engines[0]->replays > 0 || engines[1]->replays < 4) {
        printf("%s: %llu steps were replayed: %s\n", trial->name,
               (unsigned long long)engines[1]->replays, engines[1]->why_plain.text);
        return false;
    }
    return same_weights(trial, engines, 0, err);
}

static bool run_replayed(const struct trial *trial, struct mx_err *err)
{
    struct worker_engine *engines[2] = {NULL, NULL};
    struct batch          batch;
    bool                  ok = batch_new(&batch, trial) &&
              (engines[0] = open_engine(trial, WORKER_DEVICE_CUDA, FEW, err)) &&
              (engines[1] = open_engine(trial, WORKER_DEVICE_CUDA, FEW, err)) &&
              same_replays(trial, engines, &batch, err);

    worker_engine_free(engines[1]);
    worker_engine_free(engines[0]);
    free(batch.all.images);
    return ok;
}

static int refuse(struct kern_nn *nn, struct mx_err *err)
{
    (void)nn;
    return mx_fail(err, MX_EGPU, "nothing is noted here");
}

/* Where steps cannot be noted they are done plainly, and it is said why. */
static bool run_refused(const struct trial *trial, struct mx_err *err)
{
    struct worker_engine *engine = open_engine(trial, WORKER_DEVICE_CUDA, FEW, err);
    struct kern_device    refusing;
    struct batch          batch;
    double                loss;
    bool                  ok = batch_new(&batch, trial) && engine;

    if (ok) {
        refusing = *engine->on;
        refusing.note_begin = refuse;
        engine->on = &refusing;
    }
    for (uint32_t s = 0; ok && s < 4; s++) {
        draw(&batch, trial, FEW, s);
        ok = !worker_engine_step(engine, &batch.all, trial->params.train_lr, &loss, err);
    }
    ok = ok && engine->replays == 0 && strcmp(engine->why_plain.text, "nothing is noted here") == 0;
    worker_engine_free(engine);
    free(batch.all.images);
    return ok;
}

static bool run(const struct trial *trial, struct mx_err *err)
{
    struct worker_engine *engines[2] = {NULL, NULL};
    struct batch          batch;
    bool                  ok = batch_new(&batch, trial) &&
              (engines[0] = open_engine(trial, WORKER_DEVICE_CPU, FEW, err)) &&
              (engines[1] = open_engine(trial, WORKER_DEVICE_CUDA, FEW, err)) &&
              same_weights(trial, engines, 2e-3, err) && same_steps(trial, engines, &batch, err) &&
              same_weights(trial, engines, tolerance_of(trial).near, err) &&
              same_logits(trial, engines, &batch, err) &&
              (trial->hidden || same_gradients(trial, engines, &batch, err));

    worker_engine_free(engines[1]);
    worker_engine_free(engines[0]);
    free(batch.all.images);
    return ok;
}

/* What one step changed, of both engines, as sums for the cosine of their angle. */
struct angle {
    double both, cpu, gpu;
};

static double cosine(const struct angle *angle)
{
    return angle->both / sqrt(angle->cpu * angle->gpu);
}

static void add_change(struct angle *angle, struct worker_tensor *const before[2],
                       struct worker_tensor *const after[2], size_t t)
{
    size_t n = 1;

    for (uint32_t d = 0; d < before[0][t].ndims; d++)
        n *= before[0][t].dims[d];
    for (size_t k = 0; k < n; k++) {
        const double cpu = (double)after[0][t].data[k] - (double)before[0][t].data[k];
        const double gpu = (double)after[1][t].data[k] - (double)before[1][t].data[k];

        angle->both += cpu * gpu;
        angle->cpu += cpu * cpu;
        angle->gpu += gpu * gpu;
    }
}

/* Whether weights go the same way, each tensor by itself, and scales and shifts of all norms together: the gradients of some
 * are hardly more than what rounding leaves. */
static bool same_way(const struct trial *trial, struct worker_tensor *const before[2],
                     struct worker_tensor *const after[2], size_t count)
{
    struct angle vectors = {0};
    bool         ok = true;

    for (size_t t = 0; t < count; t++) {
        struct angle angle = {0};

        if (strstr(before[0][t].name, "running"))
            continue;
        if (before[0][t].ndims == 1) {
            add_change(&vectors, before, after, t);
            continue;
        }
        add_change(&angle, before, after, t);
        if (!(cosine(&angle) >= least_cosine)) {
            printf("%s: %s goes another way on the GPU: a cosine of %g\n", trial->name,
                   before[0][t].name, cosine(&angle));
            ok = false;
        }
    }
    if (!(cosine(&vectors) >= least_cosine)) {
        printf("%s: scales and shifts go another way on the GPU: a cosine of %g\n", trial->name,
               cosine(&vectors));
        ok = false;
    }
    return ok;
}

/* One step down the gradient of many images. */
static bool run_large(const struct trial *of, struct mx_err *err)
{
    struct trial          trial = *of;
    struct worker_engine *engines[2] = {NULL, NULL};
    struct worker_tensor *before[2] = {NULL, NULL}, *after[2] = {NULL, NULL};
    size_t                count = 0;
    struct batch          batch;
    double                loss;
    bool                  ok = batch_new(&batch, &trial);

    trial.params = (struct worker_params){.train_precision = WORKER_NET_BF16};
    if (ok)
        draw(&batch, &trial, ROOM, 0);
    for (int e = 0; ok && e < 2; e++)
        ok = (engines[e] =
                  open_engine(&trial, e ? WORKER_DEVICE_CUDA : WORKER_DEVICE_CPU, ROOM, err)) &&
             !worker_engine_export(engines[e], &before[e], &count, err) &&
             !worker_engine_step(engines[e], &batch.all, 0.1, &loss, err) &&
             !worker_engine_export(engines[e], &after[e], &count, err);
    ok = ok && same_way(&trial, before, after, count);
    for (int e = 2; e-- > 0;) {
        worker_tensors_free(after[e], count);
        worker_tensors_free(before[e], count);
        worker_engine_free(engines[e]);
    }
    free(batch.all.images);
    return ok;
}

static bool expect(const struct trial *trial, bool first)
{
    struct mx_err err = {0};
    const bool    ok = run(trial, &err) && run_replayed(trial, &err) &&
                    (!first || run_refused(trial, &err)) &&
                    (trial->params.train_precision != WORKER_NET_BF16 || run_large(trial, &err));

    printf("%s: %s%s %s\n", ok ? "passed" : "FAILED", trial->name,
           trial->params.train_precision == WORKER_NET_BF16 ? ", in bfloat16" : "", err.text);
    return ok;
}

/* `test_engine_cuda 2` runs the first two networks. */
int main(int argc, char **argv)
{
    struct mx_err err = {0};
    const size_t  all = sizeof trials / sizeof *trials,
                 some = argc > 1 ? (size_t)atoi(argv[1]) : all;
    int failed = 0;

    if (!kern_cuda(&err)) {
        printf("skipped: %s\n", err.text);
        return SKIPPED;
    }
    for (size_t t = 0; t < all && t < some; t++) {
        struct trial half = trials[t];

        half.params.train_precision = WORKER_NET_BF16;
        failed |= !expect(&trials[t], t == 0);
        failed |= !expect(&half, false);
    }
    return failed;
}
