#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "worker/choices.h"
#include "worker/net.h"
#include "worker/net_memory.h"

static const struct worker_shape cifar = {3, 32, 32, 10, 0};

static size_t parameters_of(unsigned arch, unsigned stem, const struct worker_shape *shape)
{
    struct worker_params     params = {.model_arch = arch, .model_stem = stem};
    struct worker_parameter *list;
    struct worker_net        net;
    size_t                   n, total = 0;

    cr_assert_eq(worker_net_build(&params, shape, &net, NULL), 0);
    cr_assert_eq(worker_net_parameters(&net, &list, &n, NULL), 0);
    for (size_t p = 0; p < n; p++)
        total += list[p].count;
    free(list);
    worker_net_free(&net);
    return total;
}

Test(net, has_the_published_numbers_of_parameters)
{
    static const struct worker_shape imagenet = {3, 224, 224, 1000, 0};
    static const struct {
        unsigned                   arch;
        const struct worker_shape *shape;
        size_t                     parameters;
    } cases[] = {
        {WORKER_ARCH_LINEAR, &cifar, 30730},
        {WORKER_ARCH_RESNET8, &cifar, 78042},
        {WORKER_ARCH_RESNET20, &cifar, 272474},
        {WORKER_ARCH_RESNET32, &cifar, 466906},
        {WORKER_ARCH_RESNET56, &cifar, 855770},
        {WORKER_ARCH_RESNET18, &cifar, 11173962},
        {WORKER_ARCH_WIDE_RESNET28_10, &cifar, 36479194},
        {WORKER_ARCH_PREACT_RESNET18, &cifar, 11172170},
        {WORKER_ARCH_VGG11_BN, &cifar, 9231114},
        {WORKER_ARCH_RESNET18, &imagenet, 11689512},
        {WORKER_ARCH_RESNET34, &imagenet, 21797672},
        {WORKER_ARCH_RESNET50, &imagenet, 25557032},
        {WORKER_ARCH_VGG11_BN, &imagenet, 132868840},
        {WORKER_ARCH_EFFICIENTNET_LITE0, &imagenet, 4652008},
    };

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        size_t found = parameters_of(cases[c].arch, WORKER_STEM_AUTO, cases[c].shape);

        cr_expect_eq(found, cases[c].parameters, "%s: %zu", worker_archs[cases[c].arch].word,
                     found);
    }
    cr_expect_eq(parameters_of(WORKER_ARCH_RESNET18, WORKER_STEM_IMAGENET, &cifar), 11181642);
}

Test(net, takes_any_number_of_classes_and_nearly_any_size)
{
    static const uint32_t sides[][2] = {{1, 1}, {7, 9}, {28, 28}, {33, 64}, {65, 32}, {250, 250}};

    for (unsigned arch = 0; worker_archs[arch].word; arch++)
        for (size_t s = 0; s < sizeof sides / sizeof sides[0]; s++) {
            const struct worker_shape shape = {1, sides[s][0], sides[s][1], 17, 0};
            struct worker_params      params = {.model_arch = arch};
            struct worker_net         net;
            int                       failed = worker_net_build(&params, &shape, &net, NULL);

            if (arch == WORKER_ARCH_VGG11_BN && s < 3)
                continue;
            cr_assert_eq(failed, 0, "%s, %u x %u", worker_archs[arch].word, sides[s][0],
                         sides[s][1]);
            cr_expect_eq(net.layers[net.nlayers - 1].channels, 17);
            cr_expect(net.layers[net.nlayers - 1].flat);
            worker_net_free(&net);
        }
}

/* Where it has torchvision's three linear layers, whose weights are for 7 x 7. */
Test(net, pools_any_size_to_what_the_classifier_of_vgg_takes)
{
    static const uint32_t sides[][2] = {{32, 32},   {48, 48},  {64, 64},   {96, 96},   {224, 224},
                                        {225, 225}, {32, 300}, {300, 250}, {448, 448}, {448, 224}};

    for (size_t s = 0; s < sizeof sides / sizeof sides[0]; s++) {
        const struct worker_shape  shape = {3, sides[s][0], sides[s][1], 12, 0};
        struct worker_params       params = {.model_arch = WORKER_ARCH_VGG11_BN,
                                             .model_stem = WORKER_STEM_IMAGENET};
        const struct worker_layer *pooled;
        struct worker_net          net;

        cr_assert_eq(worker_net_build(&params, &shape, &net, NULL), 0);
        pooled = &net.layers[net.nlayers - 6];
        cr_expect(pooled->height == 7 && pooled->width == 7 && pooled->channels == 512,
                  "%u x %u: %u x %u", sides[s][0], sides[s][1], pooled->height, pooled->width);
        cr_expect_eq(pooled->kind, s == 4 || s == 5 ? WORKER_MAX : WORKER_POOL);
        cr_expect_eq(pooled->kernel > 0, s == 4 || s == 5 || s == 8);
        worker_net_free(&net);
    }
}

Test(net, names_the_smallest_size_that_fits)
{
    static const struct {
        unsigned    stem;
        uint32_t    side;
        const char *text;
    } cases[] = {
        {WORKER_STEM_AUTO, 28,
         "model.arch vgg11_bn needs images of at least 32 x 32, not 28 x 28 (set data.size)"},
        {WORKER_STEM_IMAGENET, 31,
         "model.arch vgg11_bn needs images of at least 32 x 32, not 31 x 31 (set data.size)"},
    };

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        const struct worker_shape shape = {3, cases[c].side, cases[c].side, 10, 0};
        struct worker_params      params = {.model_arch = WORKER_ARCH_VGG11_BN,
                                            .model_stem = cases[c].stem};
        struct worker_net         net;
        struct mx_err             err;

        cr_assert_eq(worker_net_build(&params, &shape, &net, &err), -1);
        cr_expect_eq(err.code, MX_EINVAL);
        cr_expect_str_eq(err.text, cases[c].text);
        cr_expect_null(net.layers);
    }
}

Test(net, has_torchvision_names_and_shapes_in_order)
{
    static const struct {
        const char *name;
        uint32_t    ndims, dims[4];
    } expected[] = {
        {"conv1.weight", 4, {16, 3, 3, 3}},
        {"bn1.weight", 1, {16}},
        {"bn1.bias", 1, {16}},
        {"layer1.0.conv1.weight", 4, {16, 16, 3, 3}},
        {"layer1.0.bn1.weight", 1, {16}},
        {"layer1.0.bn1.bias", 1, {16}},
        {"layer1.0.conv2.weight", 4, {16, 16, 3, 3}},
        {"layer1.0.bn2.weight", 1, {16}},
        {"layer1.0.bn2.bias", 1, {16}},
        {"layer2.0.conv1.weight", 4, {32, 16, 3, 3}},
        {"layer2.0.bn1.weight", 1, {32}},
        {"layer2.0.bn1.bias", 1, {32}},
        {"layer2.0.conv2.weight", 4, {32, 32, 3, 3}},
        {"layer2.0.bn2.weight", 1, {32}},
        {"layer2.0.bn2.bias", 1, {32}},
        {"layer2.0.downsample.0.weight", 4, {32, 16, 1, 1}},
        {"layer2.0.downsample.1.weight", 1, {32}},
        {"layer2.0.downsample.1.bias", 1, {32}},
        {"layer3.0.conv1.weight", 4, {64, 32, 3, 3}},
    };
    struct worker_params     params = {.model_arch = WORKER_ARCH_RESNET8};
    struct worker_parameter *list;
    struct worker_net        net;
    size_t                   n;

    cr_assert_eq(worker_net_build(&params, &cifar, &net, NULL), 0);
    cr_assert_eq(worker_net_parameters(&net, &list, &n, NULL), 0);
    for (size_t p = 0; p < sizeof expected / sizeof expected[0]; p++) {
        cr_expect_str_eq(list[p].name, expected[p].name);
        cr_expect_eq(list[p].ndims, expected[p].ndims);
        cr_expect_arr_eq(list[p].dims, expected[p].dims, expected[p].ndims * sizeof(uint32_t));
    }
    cr_expect_str_eq(list[n - 2].name, "fc.weight");
    cr_expect_str_eq(list[n - 1].name, "fc.bias");
    free(list);
    worker_net_free(&net);
}

/* Outputs that the backward pass reads must keep their places to themselves; a norm
 * that goes into a sum has no output. */
Test(net, training_keeps_every_output_in_a_place_of_its_own)
{
    struct worker_params params = {.model_arch = WORKER_ARCH_RESNET20};
    struct worker_net    net;
    struct worker_memory training, inference;
    size_t               bytes[200];

    cr_assert_eq(worker_net_build(&params, &cifar, &net, NULL), 0);
    cr_assert(net.nlayers <= 200);
    for (uint32_t l = 0; l < net.nlayers; l++)
        bytes[l] = 64 * (l + 1) - 4;
    cr_assert_eq(worker_memory_plan(&net, bytes, WORKER_TRAIN, &training, NULL), 0);
    cr_assert_eq(worker_memory_plan(&net, bytes, WORKER_INFER, &inference, NULL), 0);
    for (uint32_t l = 1; l < net.nlayers; l++) {
        const bool absorbed = net.layers[l].kind == WORKER_NORM && !net.layers[l].relu;

        cr_expect_eq(training.layers[l].value == WORKER_NOWHERE, absorbed);
        cr_expect_eq(worker_memory_absorber(&net, WORKER_TRAIN, l) > 0, absorbed);
        cr_expect_eq(worker_memory_absorber(&net, WORKER_EXPLAIN, l), 0);
        if (absorbed)
            continue;
        cr_expect_eq(training.layers[l].value % 64, 0);
        cr_expect(training.layers[l].value + bytes[l] <= training.bytes);
        for (uint32_t k = 1; k < l; k++)
            cr_expect_neq(training.layers[l].value, training.layers[k].value, "layers %s and %s",
                          net.layers[k].name, net.layers[l].name);
    }
    cr_expect(inference.bytes < training.bytes / 4, "%zu of %zu", inference.bytes, training.bytes);
    worker_memory_free(&training);
    worker_memory_free(&inference);
    worker_net_free(&net);
}
