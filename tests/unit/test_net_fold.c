/* Networks as they are run in eval mode: which layers go into which, and what comes out. */
#include "tests/unit/engine_pairs.h"
#include "worker/net_fold.h"

static struct worker_folded fold(unsigned arch, struct worker_form form, struct worker_shape shape)
{
    struct worker_net    net;
    struct worker_folded folded;
    struct mx_err        err;

    form.classes = shape.classes;
    cr_assert_eq(worker_net_build_form(arch, &form, &shape, &net, &err), 0, "%s", err.text);
    cr_assert_eq(worker_net_fold(&net, &folded, &err), 0, "%s", err.text);
    worker_net_free(&net);
    return folded;
}

static uint32_t count(const struct worker_folded *folded, enum worker_layer_kind kind)
{
    uint32_t n = 0;

    for (uint32_t l = 0; l < folded->net.nlayers; l++)
        n += folded->net.layers[l].kind == kind;
    return n;
}

/* Kinds that are left, and how many convolutions add. */
static const struct {
    unsigned            arch;
    struct worker_form  form;
    struct worker_shape shape;
    uint32_t            convolutions, norms, sums, relus, adds;
} cases[] = {
    {WORKER_ARCH_RESNET8, {0, 16, false}, {3, 32, 32, 10, 0}, 9, 0, 0, 0, 3},
    {WORKER_ARCH_RESNET18, {0, 4, true}, {3, 65, 65, 10, 0}, 20, 0, 0, 0, 8},
    {WORKER_ARCH_RESNET50, {0, 4, false}, {3, 32, 32, 10, 0}, 53, 0, 0, 0, 16},
    {WORKER_ARCH_PREACT_RESNET18, {0, 4, false}, {3, 32, 32, 10, 0}, 20, 9, 0, 0, 8},
    {WORKER_ARCH_VGG11_BN, {0, 4, true}, {3, 224, 224, 10, 0}, 8, 0, 0, 2, 0},
    {WORKER_ARCH_EFFICIENTNET_LITE0, {0, 8, false}, {3, 64, 64, 10, 0}, 49, 0, 0, 0, 9},
};

Test(net_fold, leaves_convolutions_and_what_they_cannot_take_in)
{
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct worker_folded folded = fold(cases[c].arch, cases[c].form, cases[c].shape);
        const char          *word = worker_archs[cases[c].arch].word;
        uint32_t             adds = 0;

        for (uint32_t l = 0; l < folded.net.nlayers; l++)
            adds += folded.net.layers[l].adds;
        cr_expect_eq(count(&folded, WORKER_CONV), cases[c].convolutions, "%s: %u convolutions",
                     word, count(&folded, WORKER_CONV));
        cr_expect_eq(count(&folded, WORKER_NORM), cases[c].norms, "%s: %u norms", word,
                     count(&folded, WORKER_NORM));
        cr_expect_eq(count(&folded, WORKER_ADD), cases[c].sums, "%s", word);
        cr_expect_eq(count(&folded, WORKER_RELU), cases[c].relus, "%s", word);
        cr_expect_eq(adds, cases[c].adds, "%s: %u add", word, adds);
        worker_folded_free(&folded);
    }
}

/* The second convolution of a block adds to the shortcut, and where the shape changes
 * the shortcut's convolution, which comes last, to the second. */
Test(net_fold, adds_to_the_term_that_is_there_first)
{
    struct worker_folded folded = fold(WORKER_ARCH_RESNET8, (struct worker_form){0, 16, false},
                                       (struct worker_shape){3, 32, 32, 10, 0});
    const struct worker_layer *layers = folded.net.layers;

    cr_assert_str_eq(layers[3].name, "layer1.0.conv2");
    cr_expect(layers[3].adds && layers[3].relu && layers[3].bias);
    cr_expect_eq(layers[3].inputs[1], 1);
    cr_assert_str_eq(layers[6].name, "layer2.0.downsample.0");
    cr_expect(layers[6].adds && layers[6].relu);
    cr_expect_eq(layers[6].inputs[1], 5);
    cr_expect(!layers[5].adds && !layers[5].relu && layers[5].bias);
    worker_folded_free(&folded);
}

static void list_shared(struct worker_net *net)
{
    const struct worker_shape shape = {3, 8, 8, 4, 0};
    uint32_t                  stem, a, b;

    worker_net_input(net, &shape);
    stem = worker_net_conv(net, "conv1", 0, 8, 3, 1, 1);
    a = worker_net_norm(net, "bn1", stem, true); /* the sum reads conv1 too: stays a norm */
    b = worker_net_conv(net, "conv2", a, 8, 3, 1, 1);
    b = worker_net_add(net, "add1", b, stem, false);
    a = worker_net_conv(net, "conv3", b, 8, 1, 1, 0); /* reads what it would add to */
    b = worker_net_add(net, "add2", a, b, true);
    worker_net_linear(net, "fc", worker_net_pool(net, "pool", b), 4);
}

Test(net_fold, leaves_alone_what_somebody_else_reads)
{
    struct worker_net    net = {0};
    struct worker_folded folded;

    list_shared(&net);
    cr_assert_eq(worker_net_fold(&net, &folded, NULL), 0);
    cr_expect_eq(count(&folded, WORKER_NORM), 1);
    cr_expect_eq(count(&folded, WORKER_ADD), 1); /* add2 */
    cr_expect(folded.net.layers[3].adds);        /* conv2, to conv1 */
    cr_expect_eq(folded.origins[folded.net.nlayers - 1].layer, net.nlayers - 1);
    worker_folded_free(&folded);
    worker_net_free(&net);
}

/* After steps in between, and after a weight was changed from outside. */
static void expect_logits(struct pair *pair, const char *when)
{
    struct naive_batch batch = {pair->batch.images, pair->y_a, pair->y_b, pair->lambda};
    const uint32_t     values = pair->batch.n * pair->shape.classes;
    const double      *expected;
    float              logits[PAIR_ROOM * 10];
    double             error = 0, size = 0;

    naive_net_forward(pair->naive, &batch, false);
    expected = pair->naive->values[pair->net.nlayers - 1];
    cr_assert_eq(worker_engine_infer(pair->engine, pair->batch.images, pair->batch.n, logits, NULL),
                 0);
    for (uint32_t k = 0; k < values; k++) {
        error += pow(logits[k] - expected[k], 2);
        size += pow(expected[k], 2);
    }
    cr_expect(sqrt(error) <= 1e-4 * sqrt(size), "%s: off by %g of %g", when, sqrt(error),
              sqrt(size));
}

Test(net_fold, follows_the_weights_whoever_changes_them)
{
    struct worker_params params = pair_plain;
    struct pair         *pair;

    params.model_arch = WORKER_ARCH_RESNET8;
    pair = pair_new(params, (struct worker_shape){3, 8, 8, 10, 0});
    for (uint32_t step = 0; step < 3; step++) {
        pair_draw_batch(pair, 5, step);
        expect_logits(pair, "before a step");
        pair_step(pair, 0.05);
    }
    expect_logits(pair, "after steps");
    kern_tensor_data(pair->engine->parameters[1].value)[3] = 1.5f;
    pair->naive->parameters[1][3] = 1.5;
    expect_logits(pair, "with another scale");
    kern_tensor_data(pair->engine->running[2][1])[2] = 0.25f;
    pair->naive->running_variance[2][2] = 0.25;
    expect_logits(pair, "with another running variance");
    pair_free(pair);
}

Test(net_fold, has_the_logits_of_the_reference_for_every_network)
{
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct worker_params params = pair_plain;
        struct pair         *pair;
        struct worker_shape  shape = cases[c].shape;

        params.model_arch = cases[c].arch;
        params.train_batch_size = 3;
        if (cases[c].arch == WORKER_ARCH_VGG11_BN)
            continue; /* its dropout leaves the reference behind; see test_engine_features.c */
        pair = pair_new_form(params, cases[c].form, shape);
        for (uint32_t l = 1; l < pair->net.nlayers; l++)
            for (uint32_t k = 0; pair->engine->running[l][0] && k < pair->net.layers[l].channels;
                 k++) {
                const float mean = 0.1f * (float)(k % 7) - 0.3f, variance = 0.5f + (float)(k % 3);

                pair->naive->running_mean[l][k] = kern_tensor_data(pair->engine->running[l][0])[k] =
                    mean;
                pair->naive->running_variance[l][k] =
                    kern_tensor_data(pair->engine->running[l][1])[k] = variance;
            }
        pair_draw_batch(pair, 3, 0);
        expect_logits(pair, worker_archs[cases[c].arch].word);
        pair_free(pair);
    }
}
