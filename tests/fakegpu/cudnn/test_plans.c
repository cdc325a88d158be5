/* What cuDNN itself says of the convolutions of our networks, on a machine without a GPU: it ranks engines and makes plans by a
 * description of a card alone (since 9.8). Nothing is computed here. The rest of the GPU are the stand-ins of tests/fakegpu.
 * ctest: slow machine timeout=600 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "kernels/nn_cuda.h"
#include "kernels/plan_cuda.h"
#include "worker/choices.h"
#include "worker/net.h"
#include "worker/net_fold.h"

enum {
    TEXT = 1024,
    PLANNED_SINCE = 90800
};

/* A card as cuDNN describes one; by NVIDIA's data sheets and architecture papers. */
struct card {
    const char *name;
    int         capability, multiprocessors, shared; /* shared: bytes a block may have */
    int         level2;                              /* bytes */
};

static const struct card cards[] = {
    {"NVIDIA A100-SXM4-80GB", 800, 108, 166912, 41943040},
    {"NVIDIA H100 80GB HBM3", 900, 132, 232448, 52428800},
    {"NVIDIA A10", 860, 72, 101376, 6291456},
    {"NVIDIA L40S", 890, 142, 101376, 100663296},
};

static struct cudnnContext *const no_handle = (struct cudnnContext *)(void *)&cards;
static cudnnBackendDescriptor_t   described; /* the card in question */

/* ---- calls that want a card, without one ---- */

cudnnStatus_t __wrap_cudnnCreate(cudnnHandle_t *handle);
cudnnStatus_t __wrap_cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream);
cudnnStatus_t __wrap_cudnnDestroy(cudnnHandle_t handle);
cudnnStatus_t __real_cudnnBackendSetAttribute(cudnnBackendDescriptor_t    descriptor,
                                              cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type, int64_t count,
                                              const void *value);
cudnnStatus_t __wrap_cudnnBackendSetAttribute(cudnnBackendDescriptor_t    descriptor,
                                              cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type, int64_t count,
                                              const void *value);

cudnnStatus_t __wrap_cudnnCreate(cudnnHandle_t *handle)
{
    *handle = no_handle;
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t __wrap_cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    (void)stream;
    return handle == no_handle ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

cudnnStatus_t __wrap_cudnnDestroy(cudnnHandle_t handle)
{
    return handle == no_handle ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_BAD_PARAM;
}

/* The card's description for the handle. */
cudnnStatus_t __wrap_cudnnBackendSetAttribute(cudnnBackendDescriptor_t    descriptor,
                                              cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type, int64_t count,
                                              const void *value)
{
    cudnnStatus_t status = CUDNN_STATUS_SUCCESS;

    if (name == CUDNN_ATTR_OPERATIONGRAPH_HANDLE)
        return status;
    if (name == CUDNN_ATTR_EXECUTION_PLAN_HANDLE)
        return __real_cudnnBackendSetAttribute(descriptor, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP,
                                               CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &described);
    if (name == CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH)
        status = __real_cudnnBackendSetAttribute(descriptor, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP,
                                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &described);
    return status == CUDNN_STATUS_SUCCESS
               ? __real_cudnnBackendSetAttribute(descriptor, name, type, count, value)
               : status;
}

static cudnnBackendDescriptor_t describe(const struct card *card)
{
    cudnnBackendDescriptor_t made = NULL;
    char                     text[TEXT];
    const int                length = snprintf(
                       text, sizeof text,
                       "{\"deviceVer\":%d,\"driverVer\":13000,\"cudaDeviceId\":0,"
                                      "\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64],"
                                      "\"regsPerBlock\":65536,\"multiProcessorCount\":%d,\"warpSize\":32,"
                                      "\"maxSharedMemoryPerBlock\":49152,\"maxSharedMemoryPerBlockOptin\":%d,"
                                      "\"reservedSharedMemoryPerBlock\":1024,\"maxRegistersPerSM\":65536,\"maxCtasPerSM\":32,"
                                      "\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":2048,\"pciDeviceId\":0,\"isTccDriver\":0,"
                                      "\"supportCoopLaunch\":1,\"smClockRateKHz\":1980000,\"memClockRateKHz\":2619000,"
                                      "\"l2CacheSize\":%d,\"totalGlobalMem\":85000000000,\"deviceName\":\"%s\"}",
                       card->capability, card->multiprocessors, card->shared, card->level2, card->name);

    cr_assert_lt(length, TEXT);
    cr_assert_eq(cudnnBackendCreateDescriptor(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, &made), 0);
    cr_assert_eq(__real_cudnnBackendSetAttribute(made, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                                                 CUDNN_TYPE_CHAR, length, text),
                 0);
    cr_assert_eq(cudnnBackendFinalize(made), 0, "cuDNN does not take the description of %s",
                 card->name);
    return made;
}

/* ---- networks ---- */

struct use {
    unsigned           arch;
    struct worker_form form;
    uint32_t           batch, side;
};

static const struct use uses[] = {
    {WORKER_ARCH_RESNET20, {10, 16, false}, 128, 32},
    {WORKER_ARCH_RESNET18, {10, 64, false}, 512, 32},
    {WORKER_ARCH_PREACT_RESNET18, {100, 64, false}, 125, 32},
    {WORKER_ARCH_VGG11_BN, {10, 64, false}, 128, 32},
    {WORKER_ARCH_RESNET50, {1000, 64, true}, 64, 224},
    {WORKER_ARCH_EFFICIENTNET_LITE0, {1000, 0, true}, 32, 224},
};

/* What is tried of a network, and how it went. */
struct looked {
    const struct card  *card;
    const struct use   *use;
    enum kern_precision precision;
    unsigned            plans;
};

static struct kern_tensor *images(struct kern_nn *nn, const struct worker_layer *layer, uint32_t n,
                                  bool first)
{
    const uint32_t      dims[4] = {n, layer->channels, layer->height, layer->width};
    struct kern_tensor *made =
        first ? kern_tensor_plain(nn, 4, dims, NULL) : kern_tensor_inner(nn, 4, dims, NULL);

    cr_assert(made);
    return made;
}

static void check(struct looked *looked, const struct cuda_op *op, const char *layer,
                  const bool wanted[3])
{
    static const char *const passes[] = {"forward", "gradient of images", "gradient of weights"};

    for (int pass = 0; pass < 3; pass++) {
        if (!wanted[pass])
            continue;
        cr_assert(op->plans[pass], "%s, precision %d, %s of network %u: no plan for the %s",
                  looked->card->name, (int)looked->precision, layer, looked->use->arch,
                  passes[pass]);
        cr_assert_leq(kern_plan_workspace(op->plans[pass]), 512u << 20);
        looked->plans++;
    }
}

/* Make one convolution as the engine does, for training or folded. */
static void convolve(struct looked *looked, struct kern_nn *nn, const struct worker_net *net,
                     uint32_t l, bool trains)
{
    const struct worker_layer *layer = &net->layers[l], *in = &net->layers[layer->inputs[0]];
    const bool                 first = layer->inputs[0] == 0;
    struct kern_op_shape       shape = {.kind = KERN_CONV,
                                        .training = trains,
                                        .channels = layer->channels,
                                        .kernel = layer->kernel,
                                        .stride = layer->stride,
                                        .pad = layer->pad,
                                        .groups = layer->groups,
                                        .bias = layer->bias,
                                        .relu = layer->relu,
                                        .cap = layer->cap,
                                        .sum = layer->adds};
    struct kern_op_tensors     at = {.src = images(nn, in, looked->use->batch, first)};
    struct kern_op_gradients   to = {.dst = images(nn, layer, looked->use->batch, false)};
    struct mx_err              err = {0};
    struct kern_op            *op;

    memcpy(shape.more, layer->more, sizeof shape.more);
    if (layer->bias)
        cr_assert(at.bias = kern_tensor_plain(nn, 1, &layer->channels, NULL));
    cr_assert(op = kern_op_new(nn, &shape, &at, &err), "%s: %s", layer->name, err.text);
    if (trains) {
        cr_assert(to.weights = kern_tensor_like(at.weights, NULL));
        to.src = first ? NULL : images(nn, in, looked->use->batch, false);
        cr_assert_eq(kern_op_add_backward(op, &at, &to, &err), 0, "%s: %s", layer->name, err.text);
    }
    check(looked, (const struct cuda_op *)op, layer->name,
          (const bool[]){true, trains && !first, trains});
    kern_op_free(op);
    kern_tensor_free(at.src);
    kern_tensor_free(at.weights);
    kern_tensor_free(at.bias);
    kern_tensor_free(at.dst);
    kern_tensor_free(to.dst);
    kern_tensor_free(to.src);
    kern_tensor_free(to.weights);
}

static void look_at(struct looked *looked, const struct worker_net *net, bool trains, bool repeats)
{
    struct mx_err   err = {0};
    struct kern_nn *nn = kern_nn_new_cuda(looked->precision, repeats, &err);

    cr_assert(nn, "%s", err.text);
    kern_nn_device(nn)->collect(nn); /* no memory is taken */
    for (uint32_t l = 1; l < net->nlayers; l++)
        if (net->layers[l].kind == WORKER_CONV)
            convolve(looked, nn, net, l, trains);
    kern_nn_free(nn);
}

static void look_at_all(const struct card *card, enum kern_precision precision, bool repeats)
{
    described = describe(card);
    for (size_t u = 0; u < sizeof uses / sizeof *uses; u++) {
        struct looked        looked = {.card = card, .use = &uses[u], .precision = precision};
        struct worker_shape  shape = {.channels = 3, .height = uses[u].side, .width = uses[u].side};
        struct worker_net    net;
        struct worker_folded folded;
        struct mx_err        err = {0};

        cr_assert_eq(worker_net_build_form(uses[u].arch, &uses[u].form, &shape, &net, &err), 0,
                     "%s", err.text);
        cr_assert_eq(worker_net_fold(&net, &folded, NULL), 0);
        look_at(&looked, &net, true, repeats);
        look_at(&looked, &folded.net, false, repeats);
        cr_assert_gt(looked.plans, 10);
        worker_folded_free(&folded);
        worker_net_free(&net);
    }
    cudnnBackendDestroyDescriptor(described);
}

static void skip_old(void)
{
    if (cudnnGetVersion() < PLANNED_SINCE)
        cr_skip_test("cuDNN %zu makes no plans for cards that are not there", cudnnGetVersion());
}

/* Every pass of every convolution, in each precision, with sums that repeat: folded ones with the sum, bias and ReLU behind
 * them in one. */
Test(plans, cudnn_has_an_engine_for_each_pass_of_each_convolution)
{
    skip_old();
    for (size_t c = 0; c < sizeof cards / sizeof *cards; c++)
        for (int precision = KERN_F32; precision <= KERN_BF16; precision++)
            look_at_all(&cards[c], (enum kern_precision)precision, true);
}

Test(plans, cudnn_has_an_engine_where_sums_need_not_repeat)
{
    skip_old();
    for (int precision = KERN_F32; precision <= KERN_BF16; precision++)
        look_at_all(&cards[1], (enum kern_precision)precision, false);
}
