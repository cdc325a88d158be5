/* Maps made on a GPU are those of the CPU: every map, through every kind of layer.
 * A plain program, so that it can end with "skipped": ctest: quick machine */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kern.h"
#include "worker/engine_parts.h"
#include "worker/explain.h"

enum {
    SKIPPED = 77,
    IMAGES = 5, /* more than one batch */
    BATCH = 3,
    CLASSES = 4
};

struct explained {
    const char         *name;
    unsigned            arch;
    struct worker_form  form;
    struct worker_shape shape;
};

// clang-format off
static const struct explained networks[] = {
    {"resnet8", WORKER_ARCH_RESNET8, {CLASSES, 4, false}, {3, 9, 7, CLASSES, 0}},
    {"preact_resnet18", WORKER_ARCH_PREACT_RESNET18, {CLASSES, 4, false}, {3, 8, 8, CLASSES, 0}},
    {"vgg11_bn for large images", WORKER_ARCH_VGG11_BN, {CLASSES, 2, true}, {3, 33, 40, CLASSES, 0}},
    {"efficientnet_lite0", WORKER_ARCH_EFFICIENTNET_LITE0, {CLASSES, 2, false}, {3, 17, 15, CLASSES, 0}},
};
// clang-format on

/* An explainer each of the same weights. */
struct pair {
    struct worker_net        net;
    struct worker_tensor    *tensors;
    size_t                   count;
    struct worker_explainer *on[2]; /* the CPU, a GPU */
    float                   *images, *maps[2];
    double                   figures[2][IMAGES];
    uint32_t                 targets[IMAGES], rows[IMAGES];
    size_t                   pixels, floats;
};

/* Weights as they are drawn, with biases, means and variances that are not 0 and 1. */
static bool draw_weights(const struct explained *e, struct pair *p, struct mx_rng *rng,
                         struct mx_err *err)
{
    const struct worker_params params = {.train_threads = 1, .model_arch = e->arch};
    struct worker_net          own;
    struct worker_engine      *engine;
    bool                       ok;

    if (worker_net_build_form(e->arch, &e->form, &e->shape, &own, err) ||
        !(engine = engine_new(&params, WORKER_DEVICE_CPU, &own, 1,
                              mx_stream_make(3, 0, MX_PURPOSE_INIT, 0), err)))
        return false;
    ok = !worker_engine_export(engine, &p->tensors, &p->count, err);
    worker_engine_free(engine);
    for (size_t t = 0; ok && t < p->count; t++)
        for (uint32_t k = 0; p->tensors[t].ndims == 1 && k < p->tensors[t].dims[0]; k++)
            p->tensors[t].data[k] += (float)(0.4 * mx_rng_uniform(rng));
    return ok;
}

static bool pair_new(const struct explained *e, struct pair *p, struct mx_err *err)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(9, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    memset(p, 0, sizeof *p);
    p->pixels = (size_t)e->shape.height * e->shape.width;
    p->floats = p->pixels * e->shape.channels;
    p->images = malloc(IMAGES * p->floats * sizeof *p->images);
    if (!p->images || worker_net_build_form(e->arch, &e->form, &e->shape, &p->net, err) ||
        !draw_weights(e, p, &rng, err))
        return false;
    for (size_t k = 0; k < IMAGES * p->floats; k++)
        p->images[k] = (float)mx_rng_normal(&rng);
    for (uint32_t i = 0; i < IMAGES; i++) {
        p->targets[i] = (uint32_t)mx_rng_below(&rng, CLASSES);
        p->rows[i] = 3 + 5 * i;
    }
    for (int d = 0; d < 2; d++) {
        const struct worker_explainer_plan plan = {d ? WORKER_DEVICE_CUDA : WORKER_DEVICE_CPU, 1,
                                                   BATCH, true};

        p->maps[d] = malloc(IMAGES * p->pixels * sizeof *p->maps[d]);
        if (!p->maps[d] ||
            !(p->on[d] = worker_explainer_new(&p->net, p->tensors, p->count, &plan, err)))
            return false;
    }
    return true;
}

static void pair_free(struct pair *p)
{
    for (int d = 0; d < 2; d++) {
        worker_explainer_free(p->on[d]);
        free(p->maps[d]);
    }
    if (p->tensors)
        worker_tensors_free(p->tensors, p->count);
    worker_net_free(&p->net);
    free(p->images);
}

/* Numbers agree as far as the largest of all allows; NaN does not. */
static bool near(const char *name, const char *what, const float *cpu, const float *gpu, size_t n,
                 double tolerance)
{
    double largest = 0;

    for (size_t k = 0; k < n; k++)
        largest = fmax(largest, fabs((double)cpu[k]));
    for (size_t k = 0; k < n; k++)
        if (!(fabs((double)gpu[k] - (double)cpu[k]) <= tolerance * largest)) {
            printf("FAILED: %s: %s: number %zu is %.9g on the GPU, %.9g on the CPU\n", name, what,
                   k, (double)gpu[k], (double)cpu[k]);
            return false;
        }
    return true;
}

/* One map on both. The networks' sums differ in their order, by some 1e-6 of a layer's largest number;
 * a gradient passes or does not where a value is as near to 0 as that. */
static bool same_map(const struct explained *e, struct pair *p, enum worker_attribution which,
                     struct mx_err *err)
{
    struct worker_map_options options =
        worker_map_defaults(mx_stream_make(2, 0, MX_PURPOSE_SCORE, 0));
    const struct worker_map_batch batch = {p->images, p->targets, p->rows, IMAGES, IMAGES};
    const char                   *word = worker_map_kinds[which].word;
    bool                          same;

    options.smoothgrad_samples = 2;
    options.integrated_gradients_points = 3;
    options.rise_masks = 4;
    options.occlusion_patch = e->shape.height / 2;
    for (int d = 0; d < 2; d++)
        if (worker_explain(p->on[d], which, &options, &batch, p->maps[d], p->figures[d], err)) {
            printf("FAILED: %s: %s: %s\n", e->name, word, err->text);
            return false;
        }
    same = near(e->name, word, p->maps[0], p->maps[1], IMAGES * p->pixels, 1e-3);
    if (which == WORKER_MAP_GRADIENT &&
        worker_map_state(p->maps[1], p->pixels) != WORKER_MAP_VARIED) {
        printf("FAILED: %s: a gradient that says nothing\n", e->name);
        same = false;
    }
    for (int i = 0; i < IMAGES; i++)
        if (!(fabs(p->figures[0][i] - p->figures[1][i]) <=
              1e-3 * fmax(1, fabs(p->figures[0][i]))) &&
            !(isnan(p->figures[0][i]) && isnan(p->figures[1][i]))) {
            printf("FAILED: %s: %s: the figure of image %d is %g on the GPU, %g on the CPU\n",
                   e->name, word, i, p->figures[1][i], p->figures[0][i]);
            same = false;
        }
    return same;
}

/* What the maps are made of, and the channels that dissection looks at. */
static bool same_outputs(const struct explained *e, struct pair *p, struct mx_err *err)
{
    struct worker_channels channels;
    float                  logits[2][IMAGES * CLASSES], *values[2];
    size_t                 n;
    bool                   same;

    if (worker_explainer_channels(p->on[0], &channels, err))
        return false;
    n = (size_t)channels.count * channels.height * channels.width;
    for (int d = 0; d < 2; d++) {
        values[d] = calloc(BATCH * n, sizeof *values[d]);
        if (!values[d] || worker_explainer_predict(p->on[d], p->images, IMAGES, logits[d], err) ||
            worker_explain_channels(p->on[d], p->images, BATCH - 1, values[d], err))
            return false;
    }
    same = near(e->name, "logits", logits[0], logits[1], (size_t)IMAGES * CLASSES, 1e-4) &&
           near(e->name, "channels", values[0], values[1], (BATCH - 1) * n, 1e-4);
    free(values[0]);
    free(values[1]);
    return same;
}

int main(void)
{
    struct mx_err err = {0};
    int           failed = 0;

    if (!kern_cuda(&err)) {
        printf("skipped: %s\n", err.text);
        return SKIPPED;
    }
    for (size_t e = 0; e < sizeof networks / sizeof *networks; e++) {
        struct pair p;
        bool        ok = pair_new(&networks[e], &p, &err) && same_outputs(&networks[e], &p, &err);

        if (!ok)
            printf("FAILED: %s: %s\n", networks[e].name, err.text);
        for (enum worker_attribution which = 0; ok && which < WORKER_MAPS; which++)
            if (worker_map_possible(p.on[1], which, NULL) == 0 &&
                !same_map(&networks[e], &p, which, &err))
                failed = 1;
        failed = failed || !ok;
        pair_free(&p);
    }
    return failed;
}
