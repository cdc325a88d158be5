/* Whole networks against the double-precision reference. */
#include "engine_pairs.h"

static const struct {
    unsigned            arch;
    int64_t             n;
    struct worker_shape shape;
} cases[] = {
    {WORKER_ARCH_LINEAR, 7, {3, 5, 6, 4, 0}},   {WORKER_ARCH_LINEAR, 1, {1, 28, 28, 10, 0}},
    {WORKER_ARCH_RESNET8, 3, {1, 9, 7, 3, 0}},  {WORKER_ARCH_RESNET8, 5, {3, 8, 8, 10, 0}},
    {WORKER_ARCH_RESNET20, 2, {3, 6, 5, 2, 0}},
};
enum {
    CASES = sizeof cases / sizeof cases[0]
};

/* With rate 1 and nothing else, the step is the gradient itself. */
Test(engine, has_the_gradients_of_the_reference)
{
    for (size_t c = 0; c < CASES; c++) {
        struct worker_params params = pair_plain;
        struct pair         *pair;

        params.model_arch = cases[c].arch;
        params.train_batch_size = cases[c].n;
        pair = pair_new(params, cases[c].shape);
        pair_draw_batch(pair, (uint32_t)cases[c].n, 0);
        pair_step(pair, 1);
        pair_expect_weights(pair, 5e-6);
        pair_free(pair);
    }
}

Test(engine, follows_the_reference_with_momentum_nesterov_and_decay)
{
    for (unsigned variant = 0; variant < 4; variant++) {
        struct worker_params params = pair_plain;
        struct pair         *pair;

        params.model_arch = WORKER_ARCH_RESNET8;
        params.train_momentum = 0.9;
        params.train_weight_decay = 0.02;
        params.train_nesterov = variant & 1;
        params.train_decay_norm_and_bias = variant & 2;
        pair = pair_new(params, (struct worker_shape){3, 8, 8, 10, 0});
        for (uint32_t step = 0; step < 3; step++) {
            pair_draw_batch(pair, 5, step);
            pair_step(pair, 0.1 / (step + 1));
        }
        pair_expect_weights(pair, 1e-6);
        pair_free(pair);
    }
}

/* The last batch of an epoch is smaller. */
Test(engine, steps_with_batches_of_other_sizes)
{
    static const uint32_t sizes[] = {5, 3, 5, 2, 4, 1, 3, 5};
    struct worker_params  params = pair_plain;
    struct pair          *pair;

    params.model_arch = WORKER_ARCH_RESNET8;
    params.train_momentum = 0.9;
    pair = pair_new(params, (struct worker_shape){3, 8, 8, 10, 0});
    for (uint32_t step = 0; step < sizeof sizes / sizeof sizes[0]; step++) {
        struct naive_net  *kept = pair->naive;
        struct worker_net *net = &pair->net;

        pair->naive = naive_net_new(net, sizes[step]);
        pair_take_weights(pair);
        pair_draw_batch(pair, sizes[step], step);
        {
            struct naive_batch batch = {pair->batch.images, pair->y_a, pair->y_b, pair->lambda};
            double             expected = naive_net_forward(pair->naive, &batch, true), loss;
            struct mx_err      err;

            cr_assert_eq(worker_engine_step(pair->engine, &pair->batch, 0.05, &loss, &err), 0, "%s",
                         err.text);
            cr_expect(fabs(loss - expected) <= 1e-5 * expected, "batch of %u: loss %g, not %g",
                      sizes[step], loss, expected);
        }
        naive_net_free(pair->naive);
        pair->naive = kept;
    }
    pair_free(pair);
}

Test(engine, infers_with_the_running_statistics)
{
    struct worker_params params = pair_plain;
    struct pair         *pair;
    const double        *expected;
    float                logits[5 * 10];
    struct naive_batch   batch;

    params.model_arch = WORKER_ARCH_RESNET8;
    pair = pair_new(params, (struct worker_shape){3, 8, 8, 10, 0});
    for (uint32_t step = 0; step < 3; step++) {
        pair_draw_batch(pair, 5, step);
        pair_step(pair, 0.05);
    }
    pair_draw_batch(pair, 5, 9);
    batch = (struct naive_batch){pair->batch.images, pair->y_a, pair->y_b, pair->lambda};
    naive_net_forward(pair->naive, &batch, false);
    expected = pair->naive->values[pair->net.nlayers - 1];
    cr_assert_eq(worker_engine_infer(pair->engine, pair->batch.images, 5, logits, NULL), 0);
    for (int k = 0; k < 50; k++)
        cr_expect(fabs(logits[k] - expected[k]) <= 1e-4 * fmax(1, fabs(expected[k])),
                  "logit %d is %g, not %g", k, logits[k], expected[k]);
    pair_free(pair);
}

Test(engine, gives_an_image_the_same_bits_alone_and_in_company)
{
    struct worker_params params = pair_plain;
    struct pair         *pair;
    float                together[13 * 10], alone[10];

    params.model_arch = WORKER_ARCH_RESNET8;
    pair = pair_new(params, (struct worker_shape){3, 8, 8, 10, 0});
    pair_draw_batch(pair, 13, 0); /* more than two batches */
    cr_assert_eq(worker_engine_infer(pair->engine, pair->batch.images, 13, together, NULL), 0);
    for (size_t i = 0; i < 13; i++) {
        cr_assert_eq(
            worker_engine_infer(pair->engine, pair->batch.images + i * 3 * 64, 1, alone, NULL), 0);
        cr_expect_arr_eq(alone, together + 10 * i, sizeof alone, "image %zu", i);
    }
    pair_free(pair);
}

Test(engine, gives_the_same_bits_when_run_twice)
{
    struct worker_tensor *tensors[2];
    size_t                count[2];

    for (int run = 0; run < 2; run++) {
        struct worker_params params = pair_plain;
        struct pair         *pair;
        double               loss;

        params.model_arch = WORKER_ARCH_RESNET8;
        params.train_momentum = 0.9;
        pair = pair_new(params, (struct worker_shape){3, 8, 8, 10, 0});
        for (uint32_t step = 0; step < 4; step++) {
            pair_draw_batch(pair, step % 2 ? 3 : 5, step);
            cr_assert_eq(worker_engine_step(pair->engine, &pair->batch, 0.1, &loss, NULL), 0);
        }
        tensors[run] = pair_export(pair->engine, &count[run]);
        pair_free(pair);
    }
    cr_assert_eq(count[0], count[1]);
    for (size_t t = 0; t < count[0]; t++) {
        size_t bytes = sizeof(float);

        for (uint32_t d = 0; d < tensors[0][t].ndims; d++)
            bytes *= tensors[0][t].dims[d];
        cr_expect_arr_eq(tensors[0][t].data, tensors[1][t].data, bytes, "%s", tensors[0][t].name);
    }
    worker_tensors_free(tensors[0], count[0]);
    worker_tensors_free(tensors[1], count[1]);
}

Test(engine, says_so_when_the_loss_is_not_finite)
{
    struct worker_params params = pair_plain;
    struct pair         *pair;
    struct mx_err        err;
    double               loss;

    params.model_arch = WORKER_ARCH_LINEAR;
    pair = pair_new(params, (struct worker_shape){1, 4, 4, 3, 0});
    pair_draw_batch(pair, 5, 0);
    pair->batch.images[7] = NAN;
    cr_assert_eq(worker_engine_step(pair->engine, &pair->batch, 0.1, &loss, &err), -1);
    cr_expect_eq(err.code, MX_EDIVERGED);
    cr_expect_str_eq(err.text,
                     "the loss of step 0 is not finite (lower train.lr, or set train.clip_norm)");
    pair_free(pair);
}

/* sd of Kaiming normal, fan out: sqrt(2 / (out k k)); bound of the linear layer. */
Test(engine, draws_weights_of_the_right_size)
{
    struct worker_params  params = pair_plain;
    struct pair          *pair;
    struct worker_tensor *tensors;
    size_t                count;

    params.model_arch = WORKER_ARCH_RESNET20;
    pair = pair_new(params, (struct worker_shape){3, 6, 6, 10, 0});
    tensors = pair_export(pair->engine, &count);
    for (size_t t = 0; t < count; t++) {
        const struct worker_tensor *at = &tensors[t];
        double                      squares = 0, largest = 0, bound = 1 / sqrt(64), n = at->dims[0];

        for (uint32_t d = 1; d < at->ndims; d++)
            n *= at->dims[d];
        for (size_t k = 0; k < (size_t)n; k++) {
            squares += at->data[k] * (double)at->data[k];
            largest = fmax(largest, fabs(at->data[k]));
        }
        if (at->ndims == 4) { /* a mean of squares has relative sd sqrt(2 / n) */
            double expected = 2.0 / (at->dims[0] * at->dims[2] * at->dims[3]);

            cr_expect(fabs(squares / n / expected - 1) <= 5 * sqrt(2 / n), "%s: variance %g of %g",
                      at->name, squares / n, expected);
        } else if (strncmp(at->name, "fc.", 3) == 0) {
            cr_expect(largest <= bound && largest > 0.6 * bound, "%s: up to %g", at->name, largest);
        }
    }
    worker_tensors_free(tensors, count);
    pair_free(pair);
}

/* Initial weights belong to a parameter's number: neither the batch size nor the
 * layers behind it change them. */
Test(engine, draws_the_same_weights_for_any_batch_size_and_depth)
{
    struct worker_params  params = pair_plain;
    struct worker_shape   shape = {3, 6, 6, 10, 0};
    struct worker_tensor *tensors[2];
    size_t                count[2];

    for (int k = 0; k < 2; k++) {
        struct pair *pair;

        params.model_arch = k ? WORKER_ARCH_RESNET20 : WORKER_ARCH_RESNET8;
        params.train_batch_size = k ? 4 : 7;
        pair = pair_new(params, shape);
        tensors[k] = pair_export(pair->engine, &count[k]);
        pair_free(pair);
    }
    for (size_t t = 0; t < 9; t++) { /* the stem and the first block */
        cr_expect_str_eq(tensors[0][t].name, tensors[1][t].name);
        cr_expect_eq(tensors[0][t].data[5], tensors[1][t].data[5], "%s", tensors[0][t].name);
    }
    cr_expect_neq(tensors[0][3].data[0], tensors[0][6].data[0]);
    worker_tensors_free(tensors[0], count[0]);
    worker_tensors_free(tensors[1], count[1]);
}

Test(engine, exports_running_statistics_behind_the_parameters)
{
    static const char *const expected[] = {"bn1.running_mean", "bn1.running_var",
                                           "layer1.0.bn1.running_mean", "layer1.0.bn1.running_var"};
    struct worker_params     params = pair_plain;
    struct pair             *pair;
    struct worker_tensor    *tensors;
    size_t                   count, first;

    params.model_arch = WORKER_ARCH_RESNET8;
    pair = pair_new(params, (struct worker_shape){3, 8, 8, 10, 0});
    pair_draw_batch(pair, 5, 0);
    pair_step(pair, 0.1);
    tensors = pair_export(pair->engine, &count);
    first = pair->naive->nparameters;
    cr_assert_eq(count, first + 2 * 9); /* nine norms */
    for (size_t t = 0; t < 4; t++)
        cr_expect_str_eq(tensors[first + t].name, expected[t]);
    for (uint32_t c = 0; c < 16; c++) { /* layer 2 is the norm of the stem */
        double mean = pair->naive->running_mean[2][c],
               variance = pair->naive->running_variance[2][c];

        cr_expect(fabs(tensors[first].data[c] - mean) <= 1e-6);
        cr_expect(fabs(tensors[first + 1].data[c] - variance) <= 1e-6 * variance);
    }
    worker_tensors_free(tensors, count);
    pair_free(pair);
}

/* Whichever oneDNN it is: what the newer one takes besides is allowed for. */
Test(engine, estimates_its_memory_from_above_and_within_a_factor_of_two)
{
    enum {
        LIBRARY = 16 << 20
    };
    static const unsigned archs[] = {WORKER_ARCH_LINEAR, WORKER_ARCH_RESNET8, WORKER_ARCH_RESNET20,
                                     WORKER_ARCH_RESNET56};
    static const struct worker_shape shapes[] = {
        {1, 28, 28, 10, 0}, {3, 32, 32, 10, 0}, {3, 9, 17, 100, 0}};
    static const uint32_t batches[] = {2, 16, 64};

    for (size_t a = 0; a < 4; a++)
        for (size_t s = 0; s < 3; s++)
            for (size_t b = 0; b < 3; b++) {
                struct worker_params  params = pair_plain;
                struct worker_engine *engine;
                struct worker_cost    cost;
                size_t                bytes;

                params.model_arch = archs[a];
                params.train_batch_size = batches[b];
                params.train_optimizer = b == 1 ? WORKER_OPTIMIZER_ADAMW : WORKER_OPTIMIZER_SGD;
                params.train_ema = b == 1 ? 0.9 : 0;
                cr_assert_eq(worker_engine_cost(&params, &shapes[s], &cost, NULL), 0);
                engine = worker_engine_new(&params, &shapes[s], batches[b],
                                           mx_stream_make(0, 0, MX_PURPOSE_INIT, 0), NULL);
                cr_assert_not_null(engine);
                bytes = worker_engine_bytes(engine);
                cr_expect(cost.memory_bytes >= bytes && cost.memory_bytes <= 2 * bytes + LIBRARY,
                          "%s, %u x %u x %u x %u: %zu bytes, estimated %llu",
                          worker_archs[archs[a]].word, batches[b], shapes[s].channels,
                          shapes[s].height, shapes[s].width, bytes,
                          (unsigned long long)cost.memory_bytes);
                cr_expect_eq(cost.parameters, worker_engine_parameter_count(engine));
                worker_engine_free(engine);
            }
}

/* resnet8 at 32 pixels by hand: the stem 3 x 16 x 9 x 1024 products, and so on. */
Test(engine, counts_its_operations)
{
    const struct worker_shape cifar = {3, 32, 32, 10, 0};
    struct worker_params      params = pair_plain;
    struct worker_cost        cost;
    const double              stem = 3 * 16 * 9 * 1024, stage1 = 2.0 * 16 * 16 * 9 * 1024;
    const double              stage2 = (16 * 32 * 9 + 32 * 32 * 9 + 16 * 32) * 256.0;
    const double              stage3 = (32 * 64 * 9 + 64 * 64 * 9 + 32 * 64) * 64.0, fc = 64 * 10;

    params.model_arch = WORKER_ARCH_RESNET8;
    cr_assert_eq(worker_engine_cost(&params, &cifar, &cost, NULL), 0);
    cr_expect_eq(cost.infer_flop, 2 * (stem + stage1 + stage2 + stage3 + fc));
    cr_expect_eq(cost.train_flop, 6 * (stage1 + stage2 + stage3 + fc) + 4 * stem);
}
