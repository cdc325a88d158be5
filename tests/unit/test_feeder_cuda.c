/* Batches that a GPU makes have the bits of the host's for every strategy, whether the data set
 * lies on the GPU or comes along; and so have networks that are trained on them.
 * A plain program, so that it can end with "skipped": ctest: quick machine */
#include <math.h>
#include <stdio.h>

#include "kernels/device.h"
#include "mix_sets.h"
#include "worker/engine_parts.h"
#include "worker/feeder.h"

enum {
    SKIPPED = 77,
    N = 6,
    BATCHES = 3,
    FMIX_N = 16,
};

/* The host's batches, those of a data set on the device, and those whose images come along. */
enum {
    HOST,
    STAYING,
    COMING,
    SETS
};

static const uint64_t budgets[SETS] = {0, UINT64_MAX - 1, 0};

static struct worker_engine *open_engine(const struct worker_params *params,
                                         const struct worker_shape *shape, uint32_t n,
                                         enum worker_device device, struct mx_err *err)
{
    const struct worker_form form = {shape->classes, 4, shape->height >= 32};
    struct worker_params     own = *params;
    struct worker_net        net;

    own.model_arch = WORKER_ARCH_RESNET8;
    own.train_threads = 1;
    own.train_deterministic = true;
    own.train_momentum = 0.9;
    if (worker_net_build_form(WORKER_ARCH_RESNET8, &form, shape, &net, err))
        return NULL;
    return engine_new(&own, device, &net, n, mx_stream_make(3, 0, MX_PURPOSE_INIT, 0), err);
}

static bool open_sets(struct mix_set sets[SETS], const struct worker_params *params,
                      const struct worker_shape *shape, uint32_t n, bool noise,
                      struct worker_engine *engine, struct mx_err *err)
{
    for (int k = 0; k < SETS; k++) {
        struct worker_split *train = &sets[k].set.train;

        sets[k] = mix_set_make(params, shape, n, noise);
        *train = (struct worker_split){n, sets[k].pixels, sets[k].labels, NULL, sets[k].rows, NULL};
        if (k != HOST &&
            worker_batch_feed(sets[k].batch, engine, params, &sets[k].set, budgets[k], NULL, err))
            return false;
    }
    return true;
}

static void close_sets(struct mix_set sets[SETS])
{
    for (int k = 0; k < SETS; k++)
        mix_set_free(&sets[k]);
}

/* The images of a batch, brought to batch->images. */
static bool bring(struct mix_set *set, struct worker_engine *engine, struct mx_err *err)
{
    struct kern_nn *nn = NULL;
    const float    *images = worker_engine_images(engine, &nn);

    return !kern_nn_device(nn)->get(nn, set->batch->images, images,
                                    set->batch->n * set->image * sizeof(float), err);
}

/* Whether two batches are alike in all but up to `others` pixels an image. */
static bool alike(const struct mix_set *a, const struct mix_set *b, size_t others,
                  struct mx_err *err)
{
    const uint32_t n = a->batch->n;

    if (memcmp(a->batch->lambda, b->batch->lambda, n * sizeof(float)) != 0 ||
        memcmp(a->batch->y_a, b->batch->y_a, n * sizeof(uint32_t)) != 0 ||
        memcmp(a->batch->y_b, b->batch->y_b, n * sizeof(uint32_t)) != 0)
        return !mx_fail(err, MX_EINTERNAL, "other labels");
    for (uint32_t i = 0; i < n; i++) {
        const float *x = a->batch->images + i * a->image, *y = b->batch->images + i * a->image;
        size_t       differ = 0;

        for (size_t k = 0; k < a->image; k++)
            differ += memcmp(&x[k], &y[k], sizeof x[k]) != 0;
        if (differ > others)
            return !mx_fail(err, MX_EINTERNAL, "image %u: %zu values differ", i, differ);
    }
    return true;
}

/* Batches in their order, some of them smaller; then rows as they are. */
static bool compare(struct mix_set sets[SETS], struct worker_engine *engine, size_t others,
                    struct mx_err *err)
{
    for (uint32_t b = 0; b < BATCHES; b++) {
        mix_set_train(&sets[HOST], sets[HOST].n - b / 2, 1, b);
        for (int k = STAYING; k < SETS; k++) {
            mix_set_train(&sets[k], sets[k].n - b / 2, 1, b);
            if (!bring(&sets[k], engine, err) || !alike(&sets[HOST], &sets[k], others, err))
                return false;
        }
    }
    worker_batch_plain(sets[HOST].batch, &sets[HOST].set, &sets[HOST].set.train, 2, 3);
    for (int k = STAYING; k < SETS; k++)
        if (worker_batch_show(sets[k].batch, &sets[k].set, &sets[k].set.train, 2, 3, err) ||
            !bring(&sets[k], engine, err) || !alike(&sets[HOST], &sets[k], 0, err))
            return false;
    return true;
}

static bool same_batches(struct worker_engine *engine, const struct worker_params *params,
                         const struct worker_shape *shape, struct mx_err *err)
{
    struct mix_set sets[SETS] = {0};
    bool ok = open_sets(sets, params, shape, N, true, engine, err) && compare(sets, engine, 0, err);

    close_sets(sets);
    return ok;
}

static int every_strategy(struct mx_err *err)
{
    static const unsigned     augments[] = {WORKER_AUGMENT_NONE, WORKER_AUGMENT_FLIP_CROP,
                                            WORKER_AUGMENT_RANDOM_RESIZED_CROP};
    const struct worker_shape shape = {3, 8, 8, N, 0};
    struct worker_params      params = mix_params(WORKER_MIX_PUZZLEMIX);
    struct worker_engine     *engine = open_engine(&params, &shape, N, WORKER_DEVICE_CUDA, err);
    int                       failed = engine == NULL;

    for (unsigned s = 0; engine && s < WORKER_MIXES; s++)
        for (unsigned k = 0; k < 2; k++) {
            params = mix_params(s);
            params.mix_choices = (struct worker_list){
                3, {WORKER_MIX_FMIX, WORKER_MIX_RECURSIVEMIX, WORKER_MIX_PUZZLEMIX}};
            params.data_augment = augments[(s + k) % 3];
            params.data_random_resized_crop_scale = (struct worker_list){2, {0.3, 1}};
            params.data_random_resized_crop_ratio = (struct worker_list){2, {0.75, 1.25}};
            params.mix_granularity = k;
            if (!same_batches(engine, &params, &shape, err)) {
                printf("%s, granularity %u: %s\n", worker_strategies[s].word, k, err->text);
                failed = 1;
            }
        }
    worker_engine_free(engine);
    return failed;
}

/* Masks of 64 x 64 pixels for 16 images are the device's. Of black and white images the mean is the
 * label, so that each mask has its count; all but a few pixels at the threshold are the host's. */
static int masks_of_noise(unsigned rule, struct mx_err *err)
{
    const struct worker_shape shape = {1, 64, 64, FMIX_N, 0};
    struct worker_params      params = mix_params(WORKER_MIX_FMIX);
    struct worker_engine     *engine;
    struct mix_set            sets[SETS] = {0};
    bool                      ok;

    params.mix_granularity = WORKER_GRANULARITY_SAMPLE;
    params.mix_labels = rule;
    engine = open_engine(&params, &shape, FMIX_N, WORKER_DEVICE_CUDA, err);
    ok = engine && open_sets(sets, &params, &shape, FMIX_N, false, engine, err) &&
         sets[STAYING].batch->recipes && compare(sets, engine, 4, err);
    for (uint32_t b = 0; ok && b < 2; b++) {
        mix_set_train(&sets[COMING], FMIX_N, 2, b);
        ok = sets[COMING].batch->noised && bring(&sets[COMING], engine, err);
        for (uint32_t i = 0; ok && rule == WORKER_LABELS_MIXED && i < FMIX_N; i++) {
            double lambda = (double)sets[COMING].batch->lambda[i];
            double mean = lambda * (i % 2) + (1 - lambda) * (sets[COMING].batch->partner[i] % 2);

            ok = fabs(mix_set_mean(&sets[COMING], i) - mean) <= 2e-6;
        }
    }
    if (!ok)
        printf("masks of noise, rule %u: %s\n", rule, err->text);
    if (engine)
        close_sets(sets);
    worker_engine_free(engine);
    return !ok;
}

static bool same_weights(struct worker_engine *const engines[2], struct mx_err *err)
{
    struct worker_tensor *tensors[2] = {NULL, NULL};
    size_t                count[2] = {0, 0};
    bool                  same = !worker_engine_export(engines[0], &tensors[0], &count[0], err) &&
                !worker_engine_export(engines[1], &tensors[1], &count[1], err);

    for (size_t t = 0; same && t < count[0]; t++) {
        size_t n = 1;

        for (uint32_t d = 0; d < tensors[0][t].ndims; d++)
            n *= tensors[0][t].dims[d];
        same = memcmp(tensors[0][t].data, tensors[1][t].data, n * sizeof(float)) == 0;
    }
    worker_tensors_free(tensors[0], count[0]);
    worker_tensors_free(tensors[1], count[1]);
    return same;
}

static int gradient_of(void *engine, const float *images, const uint32_t *labels, uint32_t n,
                       float *gradient, struct mx_err *err)
{
    return worker_engine_image_gradient(engine, images, labels, n, gradient, err);
}

/* Two networks on the GPU, one fed by the host's batches. */
static bool step(struct mix_set sets[2], struct worker_engine *const engines[2], uint32_t b,
                 struct mx_err *err)
{
    double loss[2] = {NAN, NAN};

    for (int k = 0; k < 2; k++) {
        mix_set_train(&sets[k], N - b % 2, 0, b);
        if (worker_engine_step(engines[k], sets[k].batch, 0.05, &loss[k], err))
            return false;
    }
    return loss[0] == loss[1] ||
           !mx_fail(err, MX_EINTERNAL, "the loss is %.9g, not %.9g", loss[1], loss[0]);
}

static int trained(unsigned strategy, struct mx_err *err)
{
    const struct worker_shape shape = {3, 8, 8, N, 0};
    struct worker_params      params = mix_params(strategy);
    struct worker_engine     *engines[2] = {NULL, NULL};
    struct mix_set            sets[2] = {0};
    bool                      ok = true;

    params.data_augment = WORKER_AUGMENT_FLIP_CROP;
    for (int k = 0; ok && k < 2; k++) {
        sets[k] = mix_set_make(&params, &shape, N, true);
        sets[k].set.train =
            (struct worker_split){N, sets[k].pixels, sets[k].labels, NULL, sets[k].rows, NULL};
        ok = (engines[k] = open_engine(&params, &shape, N, WORKER_DEVICE_CUDA, err)) &&
             (k == 0 || !worker_batch_feed(sets[k].batch, engines[k], &params, &sets[k].set,
                                           WORKER_FEEDER_SPARED, NULL, err));
        worker_batch_lend(sets[k].batch, (struct worker_gradient){gradient_of, engines[k]});
    }
    for (uint32_t b = 0; ok && b < BATCHES; b++)
        ok = step(sets, engines, b, err);
    ok = ok && same_weights(engines, err);
    if (!ok)
        printf("trained under %s: %s\n", worker_strategies[strategy].word, err->text);
    for (int k = 0; k < 2; k++) {
        mix_set_free(&sets[k]);
        worker_engine_free(engines[k]);
    }
    return !ok;
}

/* Nothing is fed where the engine reads the host's memory. */
static int on_the_host(struct mx_err *err)
{
    const struct worker_shape shape = {3, 8, 8, N, 0};
    struct worker_params      params = mix_params(WORKER_MIX_CUTMIX);
    struct worker_engine     *engine = open_engine(&params, &shape, N, WORKER_DEVICE_CPU, err);
    struct mix_set            set = mix_set_make(&params, &shape, N, true);
    bool                      ok =
        engine && !worker_engine_images(engine, NULL) &&
        !worker_batch_feed(set.batch, engine, &params, &set.set, WORKER_FEEDER_SPARED, NULL, err) &&
        !set.batch->feeder && worker_batch_shown(set.batch) == set.batch->images;

    if (!ok)
        printf("on the host: %s\n", err->text);
    mix_set_free(&set);
    worker_engine_free(engine);
    return !ok;
}

int main(void)
{
    struct mx_err err = {0};
    int           failed = 0;

    if (!kern_cuda(&err)) {
        printf("skipped: %s\n", err.text);
        return SKIPPED;
    }
    failed |= on_the_host(&err);
    failed |= every_strategy(&err);
    failed |= masks_of_noise(WORKER_LABELS_MIXED, &err);
    failed |= masks_of_noise(WORKER_LABELS_HOST, &err);
    failed |= trained(WORKER_MIX_PUZZLEMIX, &err);
    failed |= trained(WORKER_MIX_RECURSIVEMIX, &err);
    failed |= trained(WORKER_MIX_MANIFOLD_MIXUP, &err);
    return failed;
}
