#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "worker/choices.h"
#include "worker/net.h"
#include "worker/net_memory.h"

static const struct worker_shape cifar = {3, 32, 32, 10, 0};

static size_t parameters_of(unsigned arch)
{
    struct worker_params     params = {.model_arch = arch};
    struct worker_parameter *list;
    struct worker_net        net;
    size_t                   n, total = 0;

    cr_assert_eq(worker_net_build(&params, &cifar, &net, NULL), 0);
    cr_assert_eq(worker_net_parameters(&net, &list, &n, NULL), 0);
    for (size_t p = 0; p < n; p++)
        total += list[p].count;
    free(list);
    worker_net_free(&net);
    return total;
}

Test(net, has_the_published_numbers_of_parameters)
{
    cr_expect_eq(parameters_of(WORKER_ARCH_RESNET8), 78042);
    cr_expect_eq(parameters_of(WORKER_ARCH_RESNET20), 272474);
    cr_expect_eq(parameters_of(WORKER_ARCH_RESNET32), 466906);
    cr_expect_eq(parameters_of(WORKER_ARCH_RESNET56), 855770);
    cr_expect_eq(parameters_of(WORKER_ARCH_LINEAR), 30730);
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

Test(net, names_an_architecture_that_is_not_built)
{
    struct worker_params params = {.model_arch = WORKER_ARCH_RESNET50};
    struct worker_net    net;
    struct mx_err        err;

    cr_assert_eq(worker_net_build(&params, &cifar, &net, &err), -1);
    cr_expect_eq(err.code, MX_EINVAL);
    cr_expect_str_eq(err.text, "model.arch resnet50 is not built yet; choose linear or resnet20");
    cr_expect_null(net.layers);
}

/* Outputs that the backward pass reads must keep their places to themselves;
 * only a sum may lie where one of its operands, a norm without ReLU, was. */
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
        cr_expect_eq(training.layers[l].value % 64, 0);
        cr_expect(training.layers[l].value + bytes[l] <= training.bytes);
        for (uint32_t k = 1; k < l; k++) {
            bool sum = net.layers[l].kind == WORKER_ADD && net.layers[l].inputs[0] == k;

            cr_expect_eq(training.layers[l].value == training.layers[k].value, sum,
                         "layers %s and %s", net.layers[k].name, net.layers[l].name);
        }
    }
    cr_expect(inference.bytes < training.bytes / 4, "%zu of %zu", inference.bytes, training.bytes);
    worker_memory_free(&training);
    worker_memory_free(&inference);
    worker_net_free(&net);
}
