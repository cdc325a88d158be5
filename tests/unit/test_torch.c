/* Networks against PyTorch's own numbers in double precision
 * (tests/reference/torch/make.py): logits and gradient by the images in eval mode;
 * logits, loss, gradient of every parameter and every running statistic in train
 * mode. Each is to be within 1e-4 of its size or, where PyTorch's single precision is
 * further off than half of that, within twice its error: which ones is printed with
 * --verbose, and how many are allowed is in the table below. ctest: slow */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "worker/choices.h"
#include "worker/engine_parts.h"
#include "worker/safetensors.h"
#include "worker/weights.h"

enum {
    IMAGES = 16,
    CLASSES = 12,
    SIDE = 48,
    SHOWN = 16,
    SIGNED = 4,
    VALUES = IMAGES * 3 * SIDE * SIDE
};

static char folder[] = "/tmp/mx_torch_XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

static uint32_t hash_of(const char *name)
{
    uint32_t h = 2166136261u;

    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h;
}

/* A number in [-0.5, 0.5) for element k of what has a name of this hash. */
static double formula(uint32_t hash, size_t k)
{
    uint32_t h = hash + (uint32_t)k * 0x9E3779B1u;

    h = (h ^ h >> 15) * 0x2C1B3C6Du;
    h = (h ^ h >> 12) * 0x297A2D39u;
    h ^= h >> 15;
    return (h >> 8) / 16777216.0 - 0.5;
}

static size_t count_of(const struct worker_tensor *tensor)
{
    size_t n = 1;

    for (uint32_t d = 0; d < tensor->ndims; d++)
        n *= tensor->dims[d];
    return n;
}

static bool ends(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

/* Shifts far from 0 on either side, some beyond ReLU6, as make.py tells why; above 0
 * where a residual sum follows. */
static double shift(unsigned arch, const char *name, double u)
{
    const bool resnet18 = arch == WORKER_ARCH_RESNET18,
               lite = arch == WORKER_ARCH_EFFICIENTNET_LITE0;

    if (ends(name, resnet18 ? "bn2.bias" : "bn3.bias") || ends(name, "downsample.1.bias"))
        return 1.2 + fabs(u);
    if (!lite)
        return u > 0 ? 1.2 + u : -1.2 + u;
    return u > 0.46 ? 10 : u > -0.35 ? 1.2 + fabs(u) : -1.2 + u;
}

static double value(unsigned arch, const struct worker_tensor *tensor, double u)
{
    const double n = (double)count_of(tensor);
    const char  *name = tensor->name;

    if (ends(name, "running_mean"))
        return 0.2 * u;
    if (ends(name, "running_var"))
        return 1 + 0.5 * u;
    if (tensor->ndims == 4)
        return u * sqrt(6 / (n / tensor->dims[0]));
    if (tensor->ndims == 2)
        return u * 2 / sqrt(tensor->dims[1]);
    if (strcmp(name, "fc.bias") == 0 || strcmp(name, "classifier.bias") == 0)
        return 0.2 * u;
    return ends(name, "bias") ? shift(arch, name, u) : 0.5 + 0.2 * u;
}

/* Takes the mean of each output's weights away, which would drown what differs
 * between images. */
static void centre(struct worker_tensor *tensor, size_t n)
{
    const size_t each = n / tensor->dims[0];

    for (float *at = tensor->data; at < tensor->data + n; at += each) {
        double mean = 0;

        for (size_t k = 0; k < each; k++)
            mean += at[k] / (double)each;
        for (size_t k = 0; k < each; k++)
            at[k] = (float)(at[k] - mean);
    }
}

static void fill(unsigned arch, struct worker_tensor *tensor)
{
    const uint32_t hash = hash_of(tensor->name);
    const size_t   n = count_of(tensor);

    for (size_t k = 0; k < n; k++)
        tensor->data[k] = (float)value(arch, tensor, formula(hash, k));
    if (arch == WORKER_ARCH_EFFICIENTNET_LITE0 && tensor->ndims == 4)
        centre(tensor, n);
}

/* An engine with the formula's weights, by way of a file. */
static struct worker_engine *engine_new_filled(struct worker_params *params)
{
    const struct worker_shape shape = {3, SIDE, SIDE, CLASSES, 0};
    struct worker_engine     *engine;
    struct worker_tensor     *tensors;
    size_t                    n;
    struct mx_buf             note = {0};
    struct mx_err             err;

    engine =
        worker_engine_new(params, &shape, IMAGES, mx_stream_make(0, 0, MX_PURPOSE_INIT, 0), &err);
    cr_assert_not_null(engine, "%s", err.text);
    cr_assert_eq(worker_engine_export(engine, &tensors, &n, &err), 0);
    for (size_t t = 0; t < n; t++)
        fill(params->model_arch, &tensors[t]);
    snprintf(params->model_weights, sizeof params->model_weights, "%s/w", folder);
    cr_assert_eq(worker_safetensors_write(params->model_weights, tensors, n, &err), 0);
    worker_tensors_free(tensors, n);
    cr_assert_eq(worker_weights_load(engine, params, true, &note, &err), 0, "%s", err.text);
    return engine;
}

/* A line of the reference. */
struct line {
    char   name[WORKER_TENSOR_NAME];
    double size, sum, error, shown[SHOWN], signed_sums[SIGNED];
};

static bool next_line(FILE *file, struct line *line)
{
    if (fscanf(file, "%63s %lf %lf %lf", line->name, &line->size, &line->sum, &line->error) != 4)
        return false;
    for (int k = 0; k < SHOWN; k++)
        cr_assert_eq(fscanf(file, "%lf", &line->shown[k]), 1);
    for (int k = 0; k < SIGNED; k++)
        cr_assert_eq(fscanf(file, "%lf", &line->signed_sums[k]), 1);
    return true;
}

static double signed_sum(const char *name, int k, const float *found, size_t n)
{
    char     key[WORKER_TENSOR_NAME + 16];
    double   sum = 0;
    uint32_t hash;

    snprintf(key, sizeof key, "sign %d %s", k, name);
    hash = hash_of(key);
    for (size_t i = 0; i < n; i++)
        sum += formula(hash, i) < 0 ? -(double)found[i] : (double)found[i];
    return sum;
}

/* How far a tensor is from the reference, in L2: the furthest of what its norm, its
 * sum, the elements shown, and the signed sums tell. The expectation of a squared
 * signed sum of differences is their sum of squares: that of all elements. */
static double distance(const struct line *line, const float *found, size_t n)
{
    double squares = 0, sum = 0, apart = 0, all = 0;

    for (size_t k = 0; k < n; k++) {
        squares += (double)found[k] * found[k];
        sum += found[k];
    }
    for (size_t k = 0; k < SHOWN; k++)
        apart += pow(found[k * (n - 1) / (SHOWN - 1)] - line->shown[k], 2);
    for (int k = 0; k < SIGNED; k++)
        all += pow(signed_sum(line->name, k, found, n) - line->signed_sums[k], 2) / SIGNED;
    return fmax(fmax(fabs(sqrt(squares) - line->size), sqrt(apart)),
                fmax(fabs(sum - line->sum) / sqrt((double)n), sqrt(all)));
}

struct verdict {
    const char *arch;
    double      scale; /* size of the gradient of the norm's scale, which the last line told */
    unsigned    tensors, wide, nothing;
};

/* A shift that the next norm takes away has no gradient but rounding: its size is
 * less than a part in 10^9 of that of the scale beside it, which is then the measure. */
static void expect_near(struct verdict *verdict, const struct line *line, const float *found,
                        size_t n)
{
    const bool   nothing = line->size < 1e-9 * verdict->scale && ends(line->name, ".bias");
    const double size = nothing ? verdict->scale : line->size;
    const bool   wide = !nothing && 2 * line->error > 1e-4;
    const double far = distance(line, found, n) / size;
    const double allowed = wide ? 2 * line->error : 1e-4;

    verdict->tensors++;
    verdict->wide += wide;
    verdict->nothing += nothing;
    verdict->scale = line->size;
    cr_expect(far <= allowed, "%s, %s: off by %g of its size, not at most %g", verdict->arch,
              line->name, far, allowed);
    if (wide)
        cr_log_info("%s, %s: off by %.2g of its size; PyTorch's single precision by %.2g",
                    verdict->arch, line->name, far, line->error);
}

/* Everything that the reference may name. */
struct found {
    struct worker_engine *engine;
    float                 eval[IMAGES * CLASSES], train[IMAGES * CLASSES], loss;
    float                 by_images[VALUES]; /* in eval mode */
    struct worker_tensor *tensors; /* after the step: running statistics are of interest */
    size_t                count;
};

static void compare_tensor(struct verdict *verdict, const struct line *line,
                           const struct found *found)
{
    for (size_t p = 0; p < found->engine->nparameters; p++) {
        struct engine_parameter *parameter = &found->engine->parameters[p];
        float                   *plain;

        if (strcmp(parameter->info.name, line->name) != 0)
            continue;
        plain = malloc(parameter->info.count * sizeof *plain);
        cr_assert_eq(kern_tensor_read(parameter->grad, plain, NULL), 0);
        expect_near(verdict, line, plain, parameter->info.count);
        free(plain);
        return;
    }
    for (size_t t = 0; t < found->count; t++)
        if (strcmp(found->tensors[t].name, line->name) == 0) {
            expect_near(verdict, line, found->tensors[t].data, count_of(&found->tensors[t]));
            return;
        }
    cr_expect_fail("%s has no %s", verdict->arch, line->name);
}

static FILE *open_reference(const char *arch)
{
    char  path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/tests/reference/torch/%s.txt", MX_SOURCE_DIR, arch);
    cr_assert_not_null(file = fopen(path, "r"), "%s", path);
    return file;
}

static void compare(const char *arch, const struct found *found, unsigned wide, unsigned nothing)
{
    struct verdict verdict = {.arch = arch};
    struct line    line;
    FILE          *file = open_reference(arch);

    while (next_line(file, &line))
        if (strcmp(line.name, "logits.eval") == 0)
            expect_near(&verdict, &line, found->eval, IMAGES * CLASSES);
        else if (strcmp(line.name, "images.eval") == 0)
            expect_near(&verdict, &line, found->by_images, VALUES);
        else if (strcmp(line.name, "logits.train") == 0)
            expect_near(&verdict, &line, found->train, IMAGES * CLASSES);
        else if (strcmp(line.name, "loss") == 0)
            expect_near(&verdict, &line, &found->loss, 1);
        else
            compare_tensor(&verdict, &line, found);
    fclose(file);
    cr_expect_eq(verdict.tensors, 4 + found->count);
    cr_expect_eq(verdict.wide, wide, "%u wide", verdict.wide);
    cr_expect_eq(verdict.nothing, nothing, "%u without a gradient", verdict.nothing);
}

static void check(unsigned arch, const char *draw, unsigned wide, unsigned nothing)
{
    static float  images[VALUES];
    uint32_t      labels[IMAGES];
    float         lambda[IMAGES];
    double        loss;
    struct found *found = calloc(1, sizeof *found);
    struct mx_err err;

    struct worker_params params = {.model_arch = arch,
                                   .model_stem = WORKER_STEM_IMAGENET,
                                   .mix_strategy = WORKER_MIX_PUZZLEMIX, /* for by_images */
                                   .train_threads = 1,
                                   .train_batch_size = IMAGES};
    struct worker_batch  batch = {
         .n = IMAGES, .images = images, .y_a = labels, .y_b = labels, .lambda = lambda};

    for (size_t k = 0; k < VALUES; k++)
        images[k] = (float)(4 * formula(hash_of(draw), k));
    for (uint32_t i = 0; i < IMAGES; i++) {
        labels[i] = 7 * i % CLASSES;
        lambda[i] = 1;
    }
    found->engine = engine_new_filled(&params);
    cr_assert_eq(worker_engine_infer(found->engine, images, IMAGES, found->eval, &err), 0);
    cr_assert_eq(
        worker_engine_image_gradient(found->engine, images, labels, IMAGES, found->by_images, &err),
        0, "%s", err.text);
    cr_assert_eq(worker_engine_step(found->engine, &batch, 0, &loss, &err), 0, "%s", err.text);
    found->loss = (float)loss;
    memcpy(found->train,
           kern_tensor_data(
               found->engine->training[0].layers[found->engine->net.nlayers - 1].tensors.dst),
           sizeof found->train);
    cr_assert_eq(worker_engine_export(found->engine, &found->tensors, &found->count, &err), 0);
    compare(worker_archs[arch].word, found, wide, nothing);
    worker_tensors_free(found->tensors, found->count);
    worker_engine_free(found->engine);
    free(found);
}

Test(torch, resnet18_is_torchvisions, .init = make_folder, .fini = remove_folder)
{
    check(WORKER_ARCH_RESNET18, "images 1", 0, 0);
}

Test(torch, resnet50_is_torchvisions, .init = make_folder, .fini = remove_folder)
{
    check(WORKER_ARCH_RESNET50, "images 0", 5, 9);
}

Test(torch, efficientnet_lite0_is_timms, .init = make_folder, .fini = remove_folder)
{
    check(WORKER_ARCH_EFFICIENTNET_LITE0, "images 8", 1, 17);
}
