/* What heads are trained on: the input of the last layer, and that layer. */
#include "tests/unit/engine_pairs.h"

static const struct {
    unsigned            arch;
    struct worker_form  form;
    struct worker_shape shape;
    uint32_t            dims;
    double              ema;
} cases[] = {
    {WORKER_ARCH_LINEAR, {0, 1, false}, {3, 5, 7, 4, 0}, 105, 0},
    {WORKER_ARCH_RESNET8, {0, 16, false}, {3, 8, 8, 10, 0}, 64, 0.9},
    {WORKER_ARCH_RESNET18, {0, 3, true}, {3, 65, 70, 5, 0}, 24, 0},
    {WORKER_ARCH_RESNET50, {0, 4, false}, {1, 16, 18, 5, 0}, 128, 0.5},
    {WORKER_ARCH_PREACT_RESNET18, {0, 3, false}, {3, 16, 16, 5, 0}, 24, 0},
    {WORKER_ARCH_VGG11_BN, {0, 4, true}, {3, 224, 224, 5, 0}, 256, 0},
    {WORKER_ARCH_EFFICIENTNET_LITE0, {0, 8, false}, {3, 64, 79, 7, 0}, 320, 0},
};

enum {
    CASES = sizeof cases / sizeof cases[0],
    BATCH = 3, /* of the engine */
    IMAGES = 7
};

/* An engine that has made a step, so that running statistics are not the first ones. */
static struct pair *make(size_t c)
{
    struct worker_params params = pair_plain;
    struct pair         *pair;
    struct mx_err        err;
    double               loss;

    params.model_arch = cases[c].arch;
    params.train_batch_size = BATCH;
    params.train_ema = cases[c].ema;
    pair = pair_new_form(params, cases[c].form, cases[c].shape);
    for (uint32_t step = 0; step < 2; step++) {
        pair_draw_batch(pair, BATCH, step);
        cr_assert_eq(worker_engine_step(pair->engine, &pair->batch, 0.01, &loss, &err), 0, "%s",
                     err.text);
    }
    pair_draw_batch(pair, IMAGES, 9);
    return pair;
}

static void expect_logits(const float *features, uint32_t dims, const float *weights,
                          const float *biases, const float *logits, uint32_t classes)
{
    for (uint32_t i = 0; i < IMAGES; i++)
        for (uint32_t k = 0; k < classes; k++) {
            double sum = biases[k], size = fabs(sum), got = logits[i * classes + k];

            for (uint32_t d = 0; d < dims; d++) {
                double term = (double)features[i * dims + d] * weights[k * dims + d];

                sum += term;
                size += fabs(term);
            }
            cr_expect(fabs(got - sum) <= 1e-6 * size, "image %u, logit %u: %.9g, not %.9g", i, k,
                      got, sum);
        }
}

Test(engine_features, times_the_head_are_the_logits)
{
    for (size_t c = 0; c < CASES; c++) {
        struct pair   *pair = make(c);
        const uint32_t dims = worker_engine_feature_dims(pair->engine);
        const uint32_t classes = cases[c].shape.classes;
        float         *features = malloc((size_t)IMAGES * dims * sizeof *features);
        float         *weights = malloc((size_t)classes * dims * sizeof *weights);
        float          biases[10], logits[IMAGES * 10];
        struct mx_err  err;

        cr_assert_eq(dims, cases[c].dims, "case %zu: %u", c, dims);
        cr_assert_eq(
            worker_engine_features(pair->engine, pair->batch.images, IMAGES, features, &err), 0,
            "%s", err.text);
        cr_assert_eq(worker_engine_head(pair->engine, weights, biases, &err), 0, "%s", err.text);
        cr_assert_eq(worker_engine_infer(pair->engine, pair->batch.images, IMAGES, logits, &err), 0,
                     "%s", err.text);
        expect_logits(features, dims, weights, biases, logits, classes);
        free(features);
        free(weights);
        pair_free(pair);
    }
}

Test(engine_features, of_an_image_have_the_same_bits_alone_and_in_company)
{
    for (size_t c = 0; c < CASES; c++) {
        struct pair   *pair = make(c);
        const uint32_t dims = worker_engine_feature_dims(pair->engine);
        const size_t   image =
            (size_t)cases[c].shape.channels * cases[c].shape.height * cases[c].shape.width;
        float *together = malloc((size_t)IMAGES * dims * sizeof *together);
        float *alone = malloc(dims * sizeof *alone);

        cr_assert_eq(
            worker_engine_features(pair->engine, pair->batch.images, IMAGES, together, NULL), 0);
        for (size_t i = 0; i < IMAGES; i++) {
            cr_assert_eq(worker_engine_features(pair->engine, pair->batch.images + i * image, 1,
                                                alone, NULL),
                         0);
            cr_expect_arr_eq(alone, together + i * dims, dims * sizeof *alone,
                             "case %zu, image %zu", c, i);
        }
        free(together);
        free(alone);
        pair_free(pair);
    }
}

Test(engine_features, of_the_linear_network_are_the_images)
{
    struct pair *pair = make(0);
    float        features[IMAGES * 105];

    cr_assert_eq(worker_engine_features(pair->engine, pair->batch.images, IMAGES, features, NULL),
                 0);
    cr_expect_arr_eq(features, pair->batch.images, sizeof features);
    pair_free(pair);
}

/* After features were asked for, training goes on with its own weights. */
Test(engine_features, leave_the_weights_of_the_training_in_place)
{
    struct pair *with = make(1), *without = make(1);
    float        features[IMAGES * 64], weights[10 * 64], biases[10];
    double       loss[2];

    cr_assert_eq(worker_engine_features(with->engine, with->batch.images, IMAGES, features, NULL),
                 0);
    cr_assert_eq(worker_engine_head(with->engine, weights, biases, NULL), 0);
    pair_draw_batch(with, BATCH, 3);
    pair_draw_batch(without, BATCH, 3);
    for (int step = 0; step < 2; step++) {
        cr_assert_eq(worker_engine_step(with->engine, &with->batch, 0.1, &loss[0], NULL), 0);
        cr_assert_eq(worker_engine_step(without->engine, &without->batch, 0.1, &loss[1], NULL), 0);
        cr_expect_eq(loss[0], loss[1]);
    }
    pair_free(with);
    pair_free(without);
}
