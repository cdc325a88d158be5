/* cuDNN's backend: the attributes that this project sets and asks for. All others are a misuse. */
#include "tests/fakegpu/cudnn_backend.h"

/* TYPE, ATTRIBUTE, its type, elements at least and at most, use, what its elements are if they are descriptors. */
#define ROW(of, attribute, type, least, most, use, link)                                           \
    {                                                                                              \
        CUDNN_BACKEND_##of##_DESCRIPTOR, CUDNN_ATTR_##attribute, "CUDNN_ATTR_" #attribute,         \
            CUDNN_TYPE_##type, least, most, FAKE_##use, link                                       \
    }
#define ONE(of, attribute, type) ROW(of, attribute, type, 1, 1, NEEDED, FAKE_NOTHING)
#define LINK(of, attribute, to)                                                                    \
    ROW(of, attribute, BACKEND_DESCRIPTOR, 1, 1, NEEDED, CUDNN_BACKEND_##to##_DESCRIPTOR)

/* The three passes, which have the same attributes under names of their own. */
#define PASS(of, name, x, w, y)                                                                    \
    LINK(of, name##_##x, TENSOR), LINK(of, name##_##w, TENSOR), LINK(of, name##_##y, TENSOR),      \
        LINK(of, name##_CONV_DESC, CONVOLUTION), ONE(of, name##_ALPHA, FLOAT),                     \
        ONE(of, name##_BETA, FLOAT)

static const struct fake_row rows[] = {
    ONE(TENSOR, TENSOR_DATA_TYPE, DATA_TYPE),
    ROW(TENSOR, TENSOR_DIMENSIONS, INT64, 4, 4, NEEDED, FAKE_NOTHING),
    ROW(TENSOR, TENSOR_STRIDES, INT64, 4, 4, NEEDED, FAKE_NOTHING),
    ONE(TENSOR, TENSOR_UNIQUE_ID, INT64),
    ONE(TENSOR, TENSOR_BYTE_ALIGNMENT, INT64),
    ROW(TENSOR, TENSOR_IS_VIRTUAL, BOOLEAN, 1, 1, MAYBE, FAKE_NOTHING),
    ONE(CONVOLUTION, CONVOLUTION_SPATIAL_DIMS, INT64),
    ONE(CONVOLUTION, CONVOLUTION_COMP_TYPE, DATA_TYPE),
    ONE(CONVOLUTION, CONVOLUTION_CONV_MODE, CONVOLUTION_MODE),
    ROW(CONVOLUTION, CONVOLUTION_PRE_PADDINGS, INT64, 2, 2, NEEDED, FAKE_NOTHING),
    ROW(CONVOLUTION, CONVOLUTION_POST_PADDINGS, INT64, 2, 2, NEEDED, FAKE_NOTHING),
    ROW(CONVOLUTION, CONVOLUTION_DILATIONS, INT64, 2, 2, NEEDED, FAKE_NOTHING),
    ROW(CONVOLUTION, CONVOLUTION_FILTER_STRIDES, INT64, 2, 2, NEEDED, FAKE_NOTHING),
    ONE(POINTWISE, POINTWISE_MODE, POINTWISE_MODE),
    ONE(POINTWISE, POINTWISE_MATH_PREC, DATA_TYPE),
    ROW(POINTWISE, POINTWISE_NAN_PROPAGATION, NAN_PROPOGATION, 1, 1, MAYBE, FAKE_NOTHING),
    ROW(POINTWISE, POINTWISE_RELU_UPPER_CLIP, DOUBLE, 1, 1, MAYBE, FAKE_NOTHING),
    PASS(OPERATION_CONVOLUTION_FORWARD, OPERATION_CONVOLUTION_FORWARD, X, W, Y),
    PASS(OPERATION_CONVOLUTION_BACKWARD_DATA, OPERATION_CONVOLUTION_BWD_DATA, DX, W, DY),
    PASS(OPERATION_CONVOLUTION_BACKWARD_FILTER, OPERATION_CONVOLUTION_BWD_FILTER, X, DW, DY),
    LINK(OPERATION_POINTWISE, OPERATION_POINTWISE_PW_DESCRIPTOR, POINTWISE),
    LINK(OPERATION_POINTWISE, OPERATION_POINTWISE_XDESC, TENSOR),
    LINK(OPERATION_POINTWISE, OPERATION_POINTWISE_YDESC, TENSOR),
    ROW(OPERATION_POINTWISE, OPERATION_POINTWISE_BDESC, BACKEND_DESCRIPTOR, 1, 1, MAYBE,
        CUDNN_BACKEND_TENSOR_DESCRIPTOR),
    ONE(OPERATIONGRAPH, OPERATIONGRAPH_HANDLE, HANDLE),
    ROW(OPERATIONGRAPH, OPERATIONGRAPH_OPS, BACKEND_DESCRIPTOR, 1, 4, NEEDED, FAKE_ANY_OPERATION),
    LINK(ENGINEHEUR, ENGINEHEUR_OPERATION_GRAPH, OPERATIONGRAPH),
    ONE(ENGINEHEUR, ENGINEHEUR_MODE, HEUR_MODE),
    ROW(ENGINEHEUR, ENGINEHEUR_RESULTS, BACKEND_DESCRIPTOR, 0, 0, TOLD, FAKE_NOTHING),
    ROW(ENGINECFG, ENGINECFG_ENGINE, BACKEND_DESCRIPTOR, 0, 0, TOLD, FAKE_NOTHING),
    ROW(ENGINE, ENGINE_NUMERICAL_NOTE, NUMERICAL_NOTE, 0, 0, TOLD, FAKE_NOTHING),
    ROW(ENGINE, ENGINE_BEHAVIOR_NOTE, BEHAVIOR_NOTE, 0, 0, TOLD, FAKE_NOTHING),
    ONE(EXECUTION_PLAN, EXECUTION_PLAN_HANDLE, HANDLE),
    LINK(EXECUTION_PLAN, EXECUTION_PLAN_ENGINE_CONFIG, ENGINECFG),
    ROW(EXECUTION_PLAN, EXECUTION_PLAN_WORKSPACE_SIZE, INT64, 0, 0, TOLD, FAKE_NOTHING),
    ROW(VARIANT_PACK, VARIANT_PACK_DATA_POINTERS, VOID_PTR, 1, FAKE_ROLES, NEEDED, FAKE_NOTHING),
    ROW(VARIANT_PACK, VARIANT_PACK_UNIQUE_IDS, INT64, 1, FAKE_ROLES, NEEDED, FAKE_NOTHING),
    ONE(VARIANT_PACK, VARIANT_PACK_WORKSPACE, VOID_PTR),
};

enum {
    ROWS = sizeof rows / sizeof *rows
};

const char *fake_part_name(int type)
{
    switch (type) {
    case CUDNN_BACKEND_TENSOR_DESCRIPTOR:
        return "a tensor";
    case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR:
        return "a convolution";
    case CUDNN_BACKEND_POINTWISE_DESCRIPTOR:
        return "a pointwise function";
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR:
    case FAKE_ANY_OPERATION:
        return "an operation";
    case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR:
        return "a graph of operations";
    case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR:
        return "a heuristic";
    case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR:
        return "a configuration";
    case CUDNN_BACKEND_ENGINE_DESCRIPTOR:
        return "an engine";
    case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR:
        return "a plan";
    case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR:
        return "a variant pack";
    default:
        return NULL;
    }
}

const struct fake_row *fake_rows_of(cudnnBackendDescriptorType_t type, int *n)
{
    int first = 0;

    while (first < ROWS && rows[first].of != type)
        first++;
    *n = 0;
    while (first + *n < ROWS && rows[first + *n].of == type)
        (*n)++;
    return &rows[first];
}

const struct fake_row *fake_row_of(cudnnBackendDescriptorType_t type,
                                   cudnnBackendAttributeName_t  name)
{
    int                    n;
    const struct fake_row *found = fake_rows_of(type, &n);

    for (int k = 0; k < n; k++)
        if (found[k].name == name)
            return &found[k];
    return NULL;
}

const char *fake_row_text(cudnnBackendDescriptorType_t type, cudnnBackendAttributeName_t name)
{
    return fake_row_of(type, name)->text;
}

size_t fake_element_size(cudnnBackendAttributeType_t type)
{
    switch (type) {
    case CUDNN_TYPE_BOOLEAN:
        return sizeof(bool);
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
        return 8;
    default: /* float32, and enumerations */
        return 4;
    }
}
