/* Every architecture in the engine against the double-precision reference, with few
 * channels, so that it takes moments. */
#include "tests/unit/engine_pairs.h"

/* In a deep network of few channels one ReLU that single precision decides otherwise
 * is a percent of a gradient. `steady` ones get shifts that leave nothing near 0. */
static const struct {
    unsigned            arch;
    struct worker_form  form;
    int64_t             n;
    struct worker_shape shape;
    bool                steady;
} cases[] = {
    {WORKER_ARCH_RESNET18, {0, 4, false}, 5, {3, 16, 18, 5, 0}, false},
    {WORKER_ARCH_RESNET18, {0, 3, true}, 4, {3, 65, 70, 5, 0}, false},
    {WORKER_ARCH_RESNET34, {0, 3, false}, 5, {1, 17, 16, 4, 0}, false},
    {WORKER_ARCH_RESNET50, {0, 4, false}, 4, {3, 18, 16, 4, 0}, true},
    {WORKER_ARCH_PREACT_RESNET18, {0, 4, false}, 5, {3, 16, 16, 5, 0}, false},
    {WORKER_ARCH_PREACT_RESNET18, {0, 4, true}, 3, {1, 64, 64, 5, 0}, false},
    {WORKER_ARCH_WIDE_RESNET28_10, {0, 10, false}, 3, {3, 11, 12, 5, 0}, false},
    {WORKER_ARCH_VGG11_BN, {0, 4, false}, 8, {3, 32, 64, 5, 0}, false},
    {WORKER_ARCH_EFFICIENTNET_LITE0, {0, 8, false}, 6, {3, 64, 79, 5, 0}, true},
};

static void make_steady(struct pair *pair)
{
    for (size_t p = 0; p < pair->naive->nparameters; p++) {
        const struct worker_parameter *info = &pair->naive->infos[p];
        const bool                     shift = info->role == WORKER_SHIFT;

        for (size_t k = 0; (shift || info->role == WORKER_SCALE) && k < info->count; k++) {
            kern_tensor_data(pair->engine->parameters[p].value)[k] = shift ? 3 : 0.5f;
            pair->naive->parameters[p][k] = shift ? 3 : 0.5;
        }
    }
}

/* The step of both, at rate 1 and nothing else: the gradient itself. The deeper a
 * network, the further apart single and double precision: a few parts in 10^5. */
static void expect_gradients(struct pair *pair, const char *name)
{
    struct naive_batch    batch = {pair->batch.images, pair->y_a, pair->y_b, pair->lambda};
    double                expected = naive_net_step(pair->naive, &batch, &pair->params, 1), loss;
    struct worker_tensor *tensors;
    struct mx_err         err;
    size_t                count;

    cr_assert_eq(worker_engine_step(pair->engine, &pair->batch, 1, &loss, &err), 0, "%s", err.text);
    cr_expect(fabs(loss - expected) <= 5e-5 * expected, "%s: loss %.9g, not %.9g", name, loss,
              expected);
    tensors = pair_export(pair->engine, &count);
    for (size_t p = 0; p < pair->naive->nparameters; p++) {
        double error = 0, size = 0;

        for (size_t k = 0; k < pair->naive->infos[p].count; k++) {
            error += pow(tensors[p].data[k] - pair->naive->parameters[p][k], 2);
            size += pow(pair->naive->gradients[p][k], 2);
        }
        cr_expect(sqrt(error) <= 1e-4 * sqrt(size) + 1e-5, "%s, %s: off by %g of %g", name,
                  tensors[p].name, sqrt(error), sqrt(size));
    }
    worker_tensors_free(tensors, count);
}

Test(engine_nets, have_the_gradients_of_the_reference)
{
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct worker_params params = pair_plain;
        struct pair         *pair;

        params.model_arch = cases[c].arch;
        params.train_batch_size = cases[c].n;
        pair = pair_new_form(params, cases[c].form, cases[c].shape);
        pair_draw_batch(pair, (uint32_t)cases[c].n, 0);
        if (cases[c].steady)
            make_steady(pair);
        expect_gradients(pair, worker_archs[cases[c].arch].word);
        pair_free(pair);
    }
}

/* What only efficientnet_lite0 and the ImageNet form of vgg11_bn have. */
static void list_oddities(struct worker_net *net, uint32_t side)
{
    const struct worker_window same = {.kernel = 5, .stride = 2, .same = true, .depthwise = true};
    const struct worker_window biased = {.kernel = 3, .stride = 1, .pad = 1, .bias = true};
    uint32_t                   at = worker_net_window(net, "conv1", 0, 12, &biased), left;

    at = worker_net_relu(net, "act1", worker_net_norm(net, "bn1", at, false), 1, 0);
    at = worker_net_norm(net, "bn2", worker_net_window(net, "conv2", at, 12, &same), false);
    left = worker_net_relu(net, "act2", at, 0.5f, 0);
    at = worker_net_window(net, "conv3", left, 12, &biased);
    at = worker_net_add(net, "add", at, left, false);
    at = worker_net_pool_to(net, "pool", at, side);
    at = worker_net_relu(net, "act3", worker_net_linear(net, "fc1", at, 9), 0, 0);
    worker_net_linear(net, "fc2", at, 4);
}

/* Over 6 x 6: equal windows, such as overlap, such as repeat. */
Test(engine_nets, have_the_gradients_of_the_reference_in_every_kind_of_layer)
{
    static const uint32_t     sides[] = {3, 4, 7};
    const struct worker_shape shape = {3, 12, 12, 4, 0};
    float                     images[PAIR_ROOM * 3 * 12 * 12];

    for (size_t s = 0; s < sizeof sides / sizeof sides[0]; s++) {
        struct pair       pair = {.params = pair_plain, .shape = shape};
        struct worker_net net = {0};
        struct mx_err     err;

        worker_net_input(&net, &shape);
        list_oddities(&net, sides[s]);
        cr_assert_not(net.unfit);
        worker_net_input(&pair.net, &shape);
        list_oddities(&pair.net, sides[s]);
        pair.engine = engine_new(&pair.params, WORKER_DEVICE_CPU, &net, 5,
                                 mx_stream_make(3, 0, MX_PURPOSE_INIT, 0), &err);
        cr_assert_not_null(pair.engine, "%s", err.text);
        pair.naive = naive_net_new(&pair.net, 5);
        pair.batch = (struct worker_batch){
            .images = images, .y_a = pair.y_a, .y_b = pair.y_b, .lambda = pair.lambda};
        pair_take_weights(&pair);
        pair_draw_batch(&pair, 5, 1);
        expect_gradients(&pair, "oddities");
        worker_engine_free(pair.engine);
        naive_net_free(pair.naive);
        worker_net_free(&pair.net);
    }
}

static void list_dropout(struct worker_net *net)
{
    uint32_t at = worker_net_linear(net, "fc1", 0, 200);

    worker_net_linear(net, "fc2", worker_net_relu(net, "act", at, 0, 0.5f), 3);
}

/* With one image, the gradient of fc1's bias is that of the logits (fc2's bias)
 * through fc2 where a unit was active and kept, times two; else nothing. */
static void expect_dropped(struct worker_engine *engine, struct pair *pair, unsigned *kept)
{
    size_t                count;
    struct worker_tensor *before = pair_export(engine, &count), *after;
    double                loss;

    cr_assert_eq(worker_engine_step(engine, &pair->batch, 1, &loss, NULL), 0);
    after = pair_export(engine, &count);
    *kept = 0;
    for (size_t unit = 0; unit < 200; unit++) {
        double expected = 0, found = before[1].data[unit] - after[1].data[unit];

        for (size_t c = 0; c < 3; c++)
            expected += 2 * before[2].data[c * 200 + unit] * (before[3].data[c] - after[3].data[c]);
        *kept += found != 0;
        cr_expect(found == 0 || fabs(found - expected) <= 1e-6, "unit %zu: %g, not %g or 0", unit,
                  found, expected);
    }
    worker_tensors_free(before, count);
    worker_tensors_free(after, count);
}

Test(engine_nets, drop_out_half_of_what_is_active_and_other_halves_next_time)
{
    const struct worker_shape shape = {1, 4, 4, 3, 0};
    struct pair               pair = {.shape = shape, .params = pair_plain};
    struct worker_engine     *engines[2];
    float                     images[16], logits[2][3];
    unsigned                  kept[2][2];

    pair.batch = (struct worker_batch){
        .images = images, .y_a = pair.y_a, .y_b = pair.y_b, .lambda = pair.lambda};
    for (int e = 0; e < 2; e++) {
        struct worker_net net = {0};

        worker_net_input(&net, &shape);
        list_dropout(&net);
        engines[e] = engine_new(&pair.params, WORKER_DEVICE_CPU, &net, 1,
                                mx_stream_make(3, 0, MX_PURPOSE_INIT, 0), NULL);
        cr_assert_not_null(engines[e]);
        pair_draw_batch(&pair, 1, 0);
        expect_dropped(engines[e], &pair, &kept[e][0]);
        expect_dropped(engines[e], &pair, &kept[e][1]);
        cr_assert_eq(worker_engine_infer(engines[e], images, 1, logits[e], NULL), 0);
        worker_engine_free(engines[e]);
    }
    cr_expect(kept[0][0] > 20 && kept[0][0] < 90, "%u", kept[0][0]);
    cr_expect_neq(kept[0][0], kept[0][1]);
    cr_expect_arr_eq(kept[0], kept[1], sizeof kept[0]);
    cr_expect_arr_eq(logits[0], logits[1], sizeof logits[0]);
}

/* A trial is let start where its estimate fits; one far above wastes executors. The estimate
 * is for any processor: with AVX-512 a VGG takes a fifth less than without. */
Test(engine_nets, estimate_their_memory_within_a_quarter)
{
    static const struct {
        unsigned            arch;
        uint32_t            n;
        struct worker_shape shape;
    } trials[] = {
        {WORKER_ARCH_RESNET18, 16, {3, 32, 32, 10, 0}},
        {WORKER_ARCH_VGG11_BN, 16, {3, 32, 32, 10, 0}},
        {WORKER_ARCH_EFFICIENTNET_LITE0, 8, {3, 64, 64, 10, 0}},
    };
    enum {
        LIBRARY = 16 << 20 /* what a newer oneDNN takes besides is allowed for */
    };

    for (size_t t = 0; t < sizeof trials / sizeof trials[0]; t++) {
        struct worker_params  params = pair_plain;
        struct worker_engine *engine;
        struct worker_cost    cost;
        size_t                bytes;

        params.model_arch = trials[t].arch;
        params.train_batch_size = trials[t].n;
        cr_assert_eq(worker_engine_cost(&params, &trials[t].shape, &cost, NULL), 0);
        engine = worker_engine_new(&params, &trials[t].shape, trials[t].n,
                                   mx_stream_make(0, 0, MX_PURPOSE_INIT, 0), NULL);
        cr_assert_not_null(engine);
        bytes = worker_engine_bytes(engine);
        cr_expect(cost.memory_bytes + LIBRARY >= bytes &&
                      (double)cost.memory_bytes <= 1.25 * (double)bytes + LIBRARY,
                  "%s: %zu bytes, estimated %llu", worker_archs[params.model_arch].word, bytes,
                  (unsigned long long)cost.memory_bytes);
        cr_expect_eq(cost.parameters, worker_engine_parameter_count(engine));
        worker_engine_free(engine);
    }
}
