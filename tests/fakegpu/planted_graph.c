/* Misuse of cuDNN's backend. */
#include "tests/fakegpu/planted.h"

#include <cudnn.h>

// clang-format off
WRAPPED(cudnnStatus_t, cudnnBackendCreateDescriptor, cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *descriptor);
WRAPPED(cudnnStatus_t, cudnnBackendDestroyDescriptor, cudnnBackendDescriptor_t descriptor);
WRAPPED(cudnnStatus_t, cudnnBackendSetAttribute, cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count, const void *elements);
WRAPPED(cudnnStatus_t, cudnnBackendGetAttribute, cudnnBackendDescriptor_t const descriptor, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t room, int64_t *count, void *elements);
WRAPPED(cudnnStatus_t, cudnnBackendFinalize, cudnnBackendDescriptor_t descriptor);
WRAPPED(cudnnStatus_t, cudnnBackendExecute, cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack);
// clang-format on

/* What was set last: some misuse needs it. */
static struct {
    cudnnDataType_t type;
    int64_t         dims[4];
    void           *image, *written; /* x, and the third tensor */
} last;

static cudnnBackendDescriptor_t made(cudnnBackendDescriptorType_t type)
{
    cudnnBackendDescriptor_t descriptor = NULL;

    __real_cudnnBackendCreateDescriptor(type, &descriptor);
    return descriptor;
}

cudnnStatus_t __wrap_cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                                  cudnnBackendDescriptor_t    *descriptor)
{
    if (planted("descriptor that nobody uses"))
        type = CUDNN_BACKEND_MATMUL_DESCRIPTOR;
    return __real_cudnnBackendCreateDescriptor(type, descriptor);
}

cudnnStatus_t __wrap_cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor)
{
    if (planted("part of a graph never destroyed"))
        return CUDNN_STATUS_SUCCESS;
    if (planted("part of a graph destroyed twice"))
        __real_cudnnBackendDestroyDescriptor(descriptor);
    return __real_cudnnBackendDestroyDescriptor(descriptor);
}

/* ---- setting ---- */

/* An attribute as it is set. */
struct setting {
    cudnnBackendDescriptor_t    descriptor;
    cudnnBackendAttributeName_t name;
    cudnnBackendAttributeType_t type;
    int64_t                     count;
    const void                 *elements;
    int64_t                     own[8]; /* a spoilt copy of the elements */
};

/* Whether to spoil it: then its own elements are set. */
static bool spoils(struct setting *s, cudnnBackendAttributeName_t name, bool plant)
{
    if (s->name != name || !plant)
        return false;
    s->elements = s->own;
    return true;
}

static void spoil_tensor(struct setting *s)
{
    if (s->name == CUDNN_ATTR_TENSOR_DATA_TYPE)
        memcpy(&last.type, s->elements, sizeof last.type);
    if (s->name == CUDNN_ATTR_TENSOR_DIMENSIONS)
        memcpy(last.dims, s->elements, sizeof last.dims);
    if (spoils(s, CUDNN_ATTR_TENSOR_DIMENSIONS,
               planted("attribute that this project does not set")))
        s->name = CUDNN_ATTR_TENSOR_VECTOR_COUNT;
    if (spoils(s, CUDNN_ATTR_TENSOR_DIMENSIONS, planted("dimensions of 32 bits")))
        s->type = CUDNN_TYPE_INT32;
    if (spoils(s, CUDNN_ATTR_TENSOR_DIMENSIONS, planted("three dimensions")))
        s->count = 3;
    if (s->name == CUDNN_ATTR_TENSOR_DIMENSIONS && planted("bias of another type") &&
        last.dims[0] * last.dims[2] * last.dims[3] == 1) {
        last.type = CUDNN_DATA_BFLOAT16;
        __real_cudnnBackendSetAttribute(s->descriptor, CUDNN_ATTR_TENSOR_DATA_TYPE,
                                        CUDNN_TYPE_DATA_TYPE, 1, &last.type);
    }
    if (spoils(s, CUDNN_ATTR_TENSOR_STRIDES, planted("images that overlap")))
        s->own[0]--;
    if (last.type == CUDNN_DATA_BFLOAT16 &&
        spoils(s, CUDNN_ATTR_TENSOR_STRIDES, planted("graph of row-major bfloat16"))) {
        s->own[1] = last.dims[2] * last.dims[3];
        s->own[2] = last.dims[3];
        s->own[3] = 1;
    }
    if (spoils(s, CUDNN_ATTR_TENSOR_UNIQUE_ID, planted("one identifier for two tensors")))
        s->own[0] = 1;
}

static void spoil_convolution(struct setting *s)
{
    const float two = 2.0f;

    if (spoils(s, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS,
               planted("more padding than the result has")) ||
        spoils(s, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS,
               planted("more padding than the result has")) ||
        spoils(s, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, planted("padding of one side")))
        s->own[0]++;
    if (spoils(s, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, planted("graph that adds in bfloat16")))
        s->own[0] = CUDNN_DATA_BFLOAT16;
    if (spoils(s, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, planted("twice the result")))
        memcpy(s->own, &two, sizeof two);
    if (spoils(s, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
               planted("image that is not finalised")))
        s->own[0] = (int64_t)(intptr_t)made(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    if (spoils(s, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
               planted("convolution of no tensor"))) {
        cudnnBackendDescriptor_t how = made(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);

        s->own[0] = (int64_t)(intptr_t)how;
    }
    if (s->count > 2 &&
        spoils(s, CUDNN_ATTR_OPERATIONGRAPH_OPS, planted("operations in another order"))) {
        const int64_t second = s->own[1];

        s->own[1] = s->own[2];
        s->own[2] = second;
    }
    if (s->count > 1 &&
        spoils(s, CUDNN_ATTR_OPERATIONGRAPH_OPS, planted("graph without its last part")))
        s->count--;
}

/* A pointer among those of a pack. */
static void spoil_pack(struct setting *s)
{
    void **pointers = (void **)s->own;

    if (s->name == CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS) {
        last.image = pointers[0];
        last.written = pointers[2];
    }
    if (spoils(s, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, planted("image in host memory")))
        pointers[0] = s;
    if (spoils(s, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, planted("image that is not aligned")))
        pointers[0] = (char *)pointers[0] + 4;
    if (spoils(s, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, planted("graph into its own image")))
        pointers[2] = pointers[0];
    if (spoils(s, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS,
               planted("more identifiers than pointers")) ||
        spoils(s, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, planted("tensor missing from the pack")) ||
        spoils(s, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, planted("tensor missing from the pack")))
        s->count--;
    if (spoils(s, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, planted("tensor twice in the pack")))
        s->own[1] = s->own[0];
    if (spoils(s, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, planted("tensor of no graph")))
        s->own[1] = 77;
    if (spoils(s, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, planted("plan's workspace not aligned")))
        pointers[0] = (char *)pointers[0] + 4;
    if (spoils(s, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, planted("plan's workspace over its result")))
        pointers[0] = last.written;
}

static size_t element_size(cudnnBackendAttributeType_t type)
{
    switch (type) {
    case CUDNN_TYPE_BOOLEAN:
        return 1;
    case CUDNN_TYPE_DATA_TYPE:
    case CUDNN_TYPE_FLOAT:
    case CUDNN_TYPE_CONVOLUTION_MODE:
    case CUDNN_TYPE_HEUR_MODE:
    case CUDNN_TYPE_POINTWISE_MODE:
        return 4;
    default:
        return 8;
    }
}

cudnnStatus_t __wrap_cudnnBackendSetAttribute(cudnnBackendDescriptor_t    descriptor,
                                              cudnnBackendAttributeName_t name,
                                              cudnnBackendAttributeType_t type, int64_t count,
                                              const void *elements)
{
    struct setting s = {descriptor, name, type, count, elements, {0}};
    cudnnStatus_t  status;

    memcpy(s.own, elements, (size_t)count * element_size(type));
    if (name == CUDNN_ATTR_TENSOR_UNIQUE_ID && planted("attribute that was forgotten"))
        return CUDNN_STATUS_SUCCESS;
    if (name == CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG && planted("plan asked too early"))
        cudnnBackendGetAttribute(descriptor, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                 CUDNN_TYPE_INT64, 1, &s.count, s.own);
    spoil_tensor(&s);
    spoil_convolution(&s);
    spoil_pack(&s);
    status = __real_cudnnBackendSetAttribute(descriptor, s.name, s.type, s.count, s.elements);
    if (name == CUDNN_ATTR_OPERATIONGRAPH_OPS && planted("part destroyed that others refer to"))
        cudnnBackendDestroyDescriptor(*(const cudnnBackendDescriptor_t *)elements);
    return status;
}

/* ---- asking, finalising, running ---- */

cudnnStatus_t __wrap_cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor,
                                              cudnnBackendAttributeName_t    name,
                                              cudnnBackendAttributeType_t type, int64_t room,
                                              int64_t *count, void *elements)
{
    cudnnStatus_t status;

    if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS && room > 0 && planted("results into an engine"))
        *(cudnnBackendDescriptor_t *)elements = made(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    if (name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE && planted("notes that nobody counts"))
        count = NULL;
    status = __real_cudnnBackendGetAttribute(descriptor, name, type, room, count, elements);
    if (name == CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE && planted("engine that is compiled"))
        *count = 0;
    if (name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE &&
        planted("workspace too small for a plan"))
        *(int64_t *)elements -= 256;
    return status;
}

cudnnStatus_t __wrap_cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor)
{
    if (planted("finalised twice over"))
        __real_cudnnBackendFinalize(descriptor);
    if (planted("set after it was finalised")) {
        __real_cudnnBackendFinalize(descriptor);
        __real_cudnnBackendSetAttribute(descriptor, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64,
                                        4, last.dims);
    }
    return __real_cudnnBackendFinalize(descriptor);
}

cudnnStatus_t __wrap_cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                         cudnnBackendDescriptor_t pack)
{
    const bool swapped = planted("plan and pack exchanged");

    if (planted("plan by a destroyed handle"))
        cudnnDestroy(handle);
    if (planted("image freed before its plan runs"))
        cudaFree(last.image);
    if (planted("plan on a stream that nobody waits for")) {
        cudaStream_t other = NULL;

        cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking);
        cudnnSetStream(handle, other);
    }
    return __real_cudnnBackendExecute(handle, swapped ? pack : plan, swapped ? plan : pack);
}
