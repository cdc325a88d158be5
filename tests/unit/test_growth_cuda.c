/* What a GPU and the CPU compute for deep networks of few channels differs more with every step. That is
 * what rounding does: the first gradient on the GPU is that of the double-precision reference, as the
 * CPU's is, and weights that differ in their last bit on the CPU alone come as far apart.
 * A plain program, so that it can end with "skipped": ctest: quick machine */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kern.h"
#include "tests/reference/naive_net.h"
#include "worker/engine_parts.h"

enum {
    SKIPPED = 77,
    ROOM = 6,
    STEPS = 3,
    CLASSES = 4,
};

static const struct trial {
    const char         *name;
    unsigned            arch;
    struct worker_form  form;
    uint32_t            n;
    struct worker_shape shape;
} trials[] = {
    {"resnet50", WORKER_ARCH_RESNET50, {CLASSES, 4, false}, 4, {3, 18, 16, CLASSES, 0}},
    {"efficientnet_lite0",
     WORKER_ARCH_EFFICIENTNET_LITE0,
     {CLASSES, 8, false},
     6,
     {3, 32, 40, CLASSES, 0}},
};

/* A batch of plain images. */
struct images {
    struct worker_batch all;
    uint32_t            labels[ROOM];
    float               lambda[ROOM], area[ROOM];
    uint32_t            partner[ROOM];
};

static void draw(struct images *b, const struct trial *trial, uint32_t number)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(5, 0, MX_PURPOSE_DATA, 0), number, 0, 0);
    const size_t  image = (size_t)trial->shape.channels * trial->shape.height * trial->shape.width;

    for (size_t k = 0; k < trial->n * image; k++)
        b->all.images[k] = (float)mx_rng_normal(&rng);
    for (uint32_t i = 0; i < trial->n; i++)
        b->labels[i] = (uint32_t)mx_rng_below(&rng, CLASSES);
}

static bool images_new(struct images *b, const struct trial *trial)
{
    const size_t image = (size_t)trial->shape.channels * trial->shape.height * trial->shape.width;

    memset(b, 0, sizeof *b);
    b->all.n = trial->n;
    b->all.classes = CLASSES;
    b->all.y_a = b->all.y_b = b->all.own = b->labels;
    b->all.lambda = b->lambda;
    b->all.area = b->area;
    b->all.partner = b->partner;
    for (uint32_t i = 0; i < ROOM; i++)
        b->lambda[i] = b->area[i] = 1;
    b->all.images = aligned_alloc(KERN_ALIGN, (ROOM * image * sizeof(float) + 63) / 64 * 64);
    return b->all.images;
}

static struct worker_engine *open_engine(const struct trial *trial, enum worker_device device,
                                         struct mx_err *err)
{
    const struct worker_params params = {.model_arch = trial->arch,
                                         .train_threads = 1,
                                         .train_deterministic = true,
                                         .train_batch_size = trial->n};
    struct worker_net          net;

    if (worker_net_build_form(trial->arch, &trial->form, &trial->shape, &net, err))
        return NULL;
    return engine_new(&params, device, &net, trial->n, mx_stream_make(3, 0, MX_PURPOSE_INIT, 0),
                      err);
}

/* Shifts that leave nothing near 0, where one ReLU that single precision decides otherwise would
 * be a percent of a gradient. */
static int make_steady(struct worker_engine *engine, struct mx_err *err)
{
    for (size_t p = 0; p < engine->nparameters; p++) {
        const struct worker_parameter *info = &engine->parameters[p].info;
        const bool                     shift = info->role == WORKER_SHIFT;
        float                         *values = malloc(info->count * sizeof *values);
        int                            failed = 0;

        for (size_t k = 0; values && k < info->count; k++)
            values[k] = shift ? 3 : 0.5f;
        if (!values || shift || info->role == WORKER_SCALE)
            failed = !values || engine_write(engine, engine->parameters[p].value, values, err);
        free(values);
        if (failed)
            return -1;
    }
    return 0;
}

/* The same network in double precision, with an engine's weights. */
static struct naive_net *reference_of(const struct trial *trial, struct worker_engine *engine,
                                      struct worker_net *net, struct mx_err *err)
{
    struct worker_tensor *tensors = NULL;
    struct naive_net     *naive;
    size_t                count = 0;

    if (worker_net_build_form(trial->arch, &trial->form, &trial->shape, net, err) ||
        worker_engine_export(engine, &tensors, &count, err))
        return NULL;
    naive = naive_net_new(net, trial->n);
    for (size_t p = 0; p < naive->nparameters; p++)
        for (size_t k = 0; k < naive->infos[p].count; k++)
            naive->parameters[p][k] = tensors[p].data[k];
    worker_tensors_free(tensors, count);
    return naive;
}

/* How far weights are apart, as a share of how far a step at rate 1 moves them: the worst tensor. */
static double compare_step(struct worker_engine *engine, const struct naive_net *naive,
                           struct mx_err *err)
{
    struct worker_tensor *tensors = NULL;
    size_t                count = 0;
    double                worst = 0;

    if (worker_engine_export(engine, &tensors, &count, err))
        return INFINITY;
    for (size_t p = 0; p < naive->nparameters; p++) {
        double error = 0, size = 0;

        for (size_t k = 0; k < naive->infos[p].count; k++) {
            error += pow(tensors[p].data[k] - naive->parameters[p][k], 2);
            size += pow(naive->gradients[p][k], 2);
        }
        worst = fmax(worst, sqrt(error) / (sqrt(size) + 0.1));
        if (isnan(error))
            worst = INFINITY;
    }
    worker_tensors_free(tensors, count);
    return worst;
}

/* How far the first gradient on a device is from that of the definition. */
static double miss_the_gradient(const struct trial *trial, enum worker_device device,
                                struct images *batch, struct mx_err *err)
{
    const struct worker_params params = {.model_arch = trial->arch};
    const struct naive_batch   same = {batch->all.images, batch->labels, batch->labels,
                                       batch->lambda};
    struct worker_engine      *engine = open_engine(trial, device, err);
    struct worker_net          net = {0};
    struct naive_net          *naive = NULL;
    double                     loss = 0, expected = 0, off = INFINITY;

    draw(batch, trial, 0);
    if (engine && !make_steady(engine, err) && (naive = reference_of(trial, engine, &net, err))) {
        expected = naive_net_step(naive, &same, &params, 1);
        if (!worker_engine_step(engine, &batch->all, 1, &loss, err) &&
            fabs(loss - expected) <= 5e-5 * expected)
            off = compare_step(engine, naive, err);
    }
    printf("%s on device %d: loss %.9g, by definition %.9g; the gradient is off by %.2g\n",
           trial->name, (int)device, loss, expected, off);
    naive_net_free(naive);
    worker_net_free(&net);
    worker_engine_free(engine);
    return off;
}

static bool has_the_gradient(const struct trial *trial, struct images *batch, struct mx_err *err)
{
    const double cpu = miss_the_gradient(trial, WORKER_DEVICE_CPU, batch, err);
    const double gpu = miss_the_gradient(trial, WORKER_DEVICE_CUDA, batch, err);

    return cpu <= 1e-3 && gpu <= 3 * cpu;
}

/* The last bit of every weight of a convolution. */
static int move_bits(struct worker_engine *engine, struct mx_err *err)
{
    const struct worker_parameter *info = &engine->parameters[0].info;
    float                         *values = malloc(info->count * sizeof *values);
    int failed = !values || kern_tensor_read(engine->parameters[0].value, values, err);

    for (size_t k = 0; !failed && k < info->count; k++)
        values[k] = nextafterf(values[k], k % 2 ? INFINITY : -INFINITY);
    failed = failed || engine_write(engine, engine->parameters[0].value, values, err);
    free(values);
    return failed ? -1 : 0;
}

static bool grows_as_rounding_does(const struct trial *trial, struct images *batch,
                                   struct mx_err *err)
{
    static const enum worker_device devices[] = {WORKER_DEVICE_CPU, WORKER_DEVICE_CUDA,
                                                 WORKER_DEVICE_CPU};
    struct worker_engine           *engines[3] = {NULL, NULL, NULL};
    bool                            ok = true;

    for (int e = 0; ok && e < 3; e++)
        ok = (engines[e] = open_engine(trial, devices[e], err));
    ok = ok && !move_bits(engines[2], err);
    for (uint32_t s = 0; ok && s < STEPS; s++) {
        double loss[3], other, moved;

        draw(batch, trial, s);
        for (int e = 0; ok && e < 3; e++)
            ok = !worker_engine_step(engines[e], &batch->all, 0.01, &loss[e], err);
        if (!ok)
            break;
        other = fabs(loss[1] - loss[0]) / loss[0];
        moved = fabs(loss[2] - loss[0]) / loss[0];
        printf("%s, step %u: the GPU's loss is off by %.2g, that of moved bits by %.2g\n",
               trial->name, s, other, moved);
        ok = other <= 20 * fmax(moved, 1e-6);
    }
    for (int e = 0; e < 3; e++)
        worker_engine_free(engines[e]);
    return ok;
}

int main(void)
{
    struct mx_err err = {0};
    int           failed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!kern_cuda(&err)) {
        printf("skipped: %s\n", err.text);
        return SKIPPED;
    }
    for (size_t t = 0; t < sizeof trials / sizeof *trials; t++) {
        struct images batch;
        bool ok = images_new(&batch, &trials[t]) && has_the_gradient(&trials[t], &batch, &err) &&
                  grows_as_rounding_does(&trials[t], &batch, &err);

        printf("%s: %s %s\n", ok ? "passed" : "FAILED", trials[t].name, ok ? "" : err.text);
        failed |= !ok;
        free(batch.all.images);
    }
    return failed;
}
