/* Optimisers, clipping, smoothing and averages against the double-precision
 * reference, in whole networks over several steps. */
#include "tests/reference/naive_optimizer.h"
#include "tests/unit/engine_pairs.h"

enum {
    STEPS = 6
};

static const struct worker_shape shape = {3, 8, 8, 10, 0};

static struct worker_params params_of(unsigned optimizer)
{
    struct worker_params params = pair_plain;

    params.model_arch = WORKER_ARCH_RESNET8;
    params.train_optimizer = optimizer;
    params.train_momentum = optimizer == WORKER_OPTIMIZER_SGD ? 0.9 : 0;
    params.train_weight_decay = 0.02;
    params.train_decay_norm_and_bias = true;
    return params;
}

static struct pair *run(const struct worker_params *params, double lr)
{
    struct pair *pair = pair_new(*params, shape);

    for (uint32_t step = 0; step < STEPS; step++) {
        pair_draw_batch(pair, 5, step);
        pair_step(pair, lr / (step + 1));
    }
    return pair;
}

Test(engine_optimizer, adamw_follows_the_reference)
{
    for (int decay_all = 0; decay_all < 2; decay_all++) {
        struct worker_params params = params_of(WORKER_OPTIMIZER_ADAMW);
        struct pair         *pair;

        params.train_weight_decay = 0.5;
        params.train_decay_norm_and_bias = decay_all;
        pair = run(&params, 0.003);
        pair_expect_weights(pair, 6e-5); /* a gradient that is nearly 0 counts by its sign */
        pair_free(pair);
    }
}

/* Both sides of the limit: 0.5 clips every step here, 1000 none. */
Test(engine_optimizer, clips_the_norm_of_the_whole_gradient)
{
    static const double limits[] = {0.5, 1000};

    for (int k = 0; k < 2; k++) {
        struct worker_params params = params_of(WORKER_OPTIMIZER_SGD);
        struct pair         *pair;

        params.train_clip_norm = limits[k];
        pair = run(&params, 0.1);
        pair_expect_weights(pair, 2e-6);
        pair_free(pair);
    }
}

Test(engine_optimizer, clips_to_the_length_asked_for)
{
    struct worker_params  params = pair_plain;
    struct pair          *pair;
    struct worker_tensor *before, *after;
    size_t                count;
    double                squares = 0;

    params.model_arch = WORKER_ARCH_LINEAR;
    params.train_clip_norm = 0.25;
    pair = pair_new(params, shape);
    before = pair_export(pair->engine, &count);
    pair_draw_batch(pair, 5, 0);
    pair_step(pair, 1);
    after = pair_export(pair->engine, &count);
    for (size_t t = 0; t < count; t++) {
        size_t n = before[t].ndims == 2 ? (size_t)before[t].dims[0] * before[t].dims[1] : 10;

        for (size_t k = 0; k < n; k++)
            squares += pow((double)before[t].data[k] - (double)after[t].data[k], 2);
    }
    cr_expect(fabs(sqrt(squares) - 0.25) <= 1e-5, "%.9g", sqrt(squares));
    worker_tensors_free(before, count);
    worker_tensors_free(after, count);
    pair_free(pair);
}

Test(engine_optimizer, smooths_labels_as_the_reference_does)
{
    static const double shares[] = {0.1, 1};

    for (int k = 0; k < 2; k++) {
        struct worker_params params = params_of(WORKER_OPTIMIZER_SGD);
        struct pair         *pair;

        params.train_label_smoothing = shares[k];
        pair = run(&params, 0.1);
        pair_expect_weights(pair, 1e-6);
        pair_free(pair);
    }
}

/* What is exported are the averages; training itself does not notice them. */
Test(engine_optimizer, keeps_an_average_of_weights_and_statistics)
{
    for (unsigned optimizer = 0; optimizer < 2; optimizer++) {
        struct worker_params  params = params_of(optimizer);
        struct pair          *pair;
        struct naive_moments *moments;
        struct worker_tensor *tensors;
        size_t                count, first;

        params.train_ema = 0.7;
        pair = run(&params, optimizer == WORKER_OPTIMIZER_SGD ? 0.1 : 0.003);
        moments = pair->naive->moments;
        for (size_t p = 0; p < pair->naive->nparameters; p++)
            memcpy(pair->naive->parameters[p], moments->average[p],
                   pair->naive->infos[p].count * sizeof(double));
        pair_expect_weights(pair, optimizer == WORKER_OPTIMIZER_SGD ? 2e-6 : 2e-5);
        tensors = pair_export(pair->engine, &count);
        first = pair->naive->nparameters;
        for (uint32_t c = 0; c < 16; c++) { /* layer 2 is the norm of the stem */
            double mean = moments->average_mean[2][c], variance = moments->average_variance[2][c];

            cr_expect(fabs(tensors[first].data[c] - mean) <= 1e-6);
            cr_expect(fabs(tensors[first + 1].data[c] - variance) <= 1e-5 * variance);
        }
        worker_tensors_free(tensors, count);
        pair_free(pair);
    }
}

Test(engine_optimizer, infers_with_the_average)
{
    struct worker_params params = params_of(WORKER_OPTIMIZER_SGD);
    struct pair         *pair;
    struct naive_net    *naive;
    const double        *expected;
    float                logits[5 * 10];
    struct naive_batch   batch;

    params.train_ema = 0.9;
    pair = run(&params, 0.1);
    naive = pair->naive;
    for (size_t p = 0; p < naive->nparameters; p++)
        memcpy(naive->parameters[p], naive->moments->average[p],
               naive->infos[p].count * sizeof(double));
    for (uint32_t l = 0; l < pair->net.nlayers; l++) {
        size_t bytes = pair->net.layers[l].channels * sizeof(double);

        memcpy(naive->running_mean[l], naive->moments->average_mean[l], bytes);
        memcpy(naive->running_variance[l], naive->moments->average_variance[l], bytes);
    }
    pair_draw_batch(pair, 5, 9);
    batch = (struct naive_batch){pair->batch.images, pair->y_a, pair->y_b, pair->lambda};
    naive_net_forward(naive, &batch, false);
    expected = naive->values[pair->net.nlayers - 1];
    cr_assert_eq(worker_engine_infer(pair->engine, pair->batch.images, 5, logits, NULL), 0);
    for (int k = 0; k < 50; k++)
        cr_expect(fabs(logits[k] - expected[k]) <= 1e-4 * fmax(1, fabs(expected[k])),
                  "logit %d is %g, not %g", k, logits[k], expected[k]);
    pair_free(pair);
}

/* Before the first step there is no average yet: the weights are those drawn. */
Test(engine_optimizer, has_no_average_before_the_first_step)
{
    struct worker_params  params = params_of(WORKER_OPTIMIZER_SGD);
    struct pair          *pairs[2];
    struct worker_tensor *tensors[2];
    size_t                count;

    for (int k = 0; k < 2; k++) {
        params.train_ema = k ? 0.9 : 0;
        pairs[k] = pair_new(params, shape);
        tensors[k] = pair_export(pairs[k]->engine, &count);
    }
    for (size_t t = 0; t < count; t++)
        cr_expect_eq(tensors[0][t].data[1], tensors[1][t].data[1], "%s", tensors[0][t].name);
    for (int k = 0; k < 2; k++) {
        worker_tensors_free(tensors[k], count);
        pair_free(pairs[k]);
    }
}
