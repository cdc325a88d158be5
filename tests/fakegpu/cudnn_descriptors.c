/* cuDNN: handles and descriptors. */
#include <stdlib.h>
#include <string.h>

#include "tests/fakegpu/cudnn_parts.h"

cudnnStatus_t fake_cudnn_leave(cudaError_t status)
{
    (void)fake_leave(cudaSuccess);
    return status == cudaSuccess ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_EXECUTION_FAILED;
}

static void *made(const char *argument, void *place, enum fake_kind kind)
{
    void *object;

    if (!place)
        fake_misuse(argument, "is NULL");
    object = fake_object_new(kind);
    memcpy(place, &object, sizeof object);
    return object;
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *handle)
{
    cudaError_t status = fake_enter("cudnnCreate");

    if (status != cudaSuccess) {
        (void)fake_leave(cudaSuccess);
        return CUDNN_STATUS_NOT_INITIALIZED;
    }
    if (fake_library_lacks_memory()) {
        (void)fake_leave(cudaSuccess);
        return CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
    }
    (void)made("handle", handle, FAKE_CUDNN);
    return fake_cudnn_leave(cudaSuccess);
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
    cudaError_t        status = fake_enter("cudnnSetStream");
    struct fake_cudnn *of = fake_object("handle", handle, FAKE_CUDNN);

    (void)fake_stream_of("streamId", stream);
    of->stream = stream;
    return fake_cudnn_leave(status);
}

/* Descriptors need no device, and have no error that sticks. */
static cudnnStatus_t make(const char *call, void *place, enum fake_kind kind)
{
    (void)fake_enter(call);
    (void)made("descriptor", place, kind);
    return fake_cudnn_leave(cudaSuccess);
}

static cudnnStatus_t destroy(const char *call, void *object, enum fake_kind kind)
{
    (void)fake_enter(call);
    fake_object_free(fake_object(kind == FAKE_CUDNN ? "handle" : "descriptor", object, kind));
    return fake_cudnn_leave(cudaSuccess);
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle)
{
    return destroy("cudnnDestroy", handle, FAKE_CUDNN);
}

/* A pair of calls that make and end a descriptor. */
#define DESCRIPTOR(Name, type, kind)                                                               \
    cudnnStatus_t cudnnCreate##Name##Descriptor(type *descriptor)                                  \
    {                                                                                              \
        return make("cudnnCreate" #Name "Descriptor", descriptor, kind);                           \
    }                                                                                              \
    cudnnStatus_t cudnnDestroy##Name##Descriptor(type descriptor)                                  \
    {                                                                                              \
        return destroy("cudnnDestroy" #Name "Descriptor", descriptor, kind);                       \
    }

DESCRIPTOR(Tensor, cudnnTensorDescriptor_t, FAKE_TENSOR)
DESCRIPTOR(Filter, cudnnFilterDescriptor_t, FAKE_FILTER)
DESCRIPTOR(Convolution, cudnnConvolutionDescriptor_t, FAKE_CONVOLUTION)
DESCRIPTOR(Pooling, cudnnPoolingDescriptor_t, FAKE_POOLING)
DESCRIPTOR(Activation, cudnnActivationDescriptor_t, FAKE_ACTIVATION)

size_t cudnnGetVersion(void)
{
    return CUDNN_VERSION;
}

const char *cudnnGetErrorString(cudnnStatus_t status)
{
    switch (status) {
    case CUDNN_STATUS_SUCCESS:
        return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_NOT_INITIALIZED:
        return "CUDNN_STATUS_NOT_INITIALIZED";
    case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED:
        return "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED";
    case CUDNN_STATUS_NOT_SUPPORTED:
        return "CUDNN_STATUS_NOT_SUPPORTED";
    default:
        return "CUDNN_STATUS_EXECUTION_FAILED";
    }
}

/* ---- what they hold ---- */

static void check_type(const char *argument, cudnnDataType_t type)
{
    if (type != CUDNN_DATA_FLOAT && type != CUDNN_DATA_BFLOAT16)
        fake_misuse(argument, "data type %d is neither CUDNN_DATA_FLOAT nor CUDNN_DATA_BFLOAT16",
                    (int)type);
}

static void check_positive(const char *argument, int value)
{
    if (value <= 0)
        fake_misuse(argument, "%d is not above 0", value);
}

static void check_not_negative(const char *argument, int value)
{
    if (value < 0)
        fake_misuse(argument, "%d is below 0", value);
}

/* Two elements of one tensor may not be in one place: what smaller strides span is less than a
 * stride. */
static void check_strides(const struct fake_tensor *tensor)
{
    const int *strides = tensor->strides, *dims = tensor->dims;

    for (int a = 0; a < 4; a++) {
        long long span = 0;

        check_positive("stride", strides[a]);
        for (int b = 0; b < 4; b++)
            if (strides[b] < strides[a] || (strides[b] == strides[a] && b > a))
                span += (long long)strides[b] * (dims[b] - 1);
        if (dims[a] > 1 && span >= strides[a])
            fake_misuse("strides", "elements reach over the stride %d: they overlap", strides[a]);
    }
}

void fake_check_tensor(const struct fake_tensor *tensor)
{
    check_type("dataType", tensor->type);
    for (int d = 0; d < 4; d++)
        check_positive("dimension", tensor->dims[d]);
    check_strides(tensor);
}

static cudnnStatus_t set_tensor(const char *call, cudnnTensorDescriptor_t descriptor,
                                struct fake_tensor value)
{
    struct fake_tensor *tensor;

    (void)fake_enter(call);
    tensor = fake_object("tensorDesc", descriptor, FAKE_TENSOR);
    fake_check_tensor(&value);
    *tensor = value;
    return fake_cudnn_leave(cudaSuccess);
}

cudnnStatus_t cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t descriptor, cudnnDataType_t type,
                                           int n, int c, int h, int w, int nStride, int cStride,
                                           int hStride, int wStride)
{
    return set_tensor(
        "cudnnSetTensor4dDescriptorEx", descriptor,
        (struct fake_tensor){true, {n, c, h, w}, {nStride, cStride, hStride, wStride}, type});
}

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t descriptor,
                                         cudnnTensorFormat_t format, cudnnDataType_t type, int n,
                                         int c, int h, int w)
{
    struct fake_tensor value = {true, {n, c, h, w}, {c * h * w, h * w, w, 1}, type};

    if (format == CUDNN_TENSOR_NHWC)
        value = (struct fake_tensor){true, {n, c, h, w}, {h * w * c, 1, w * c, c}, type};
    else if (format != CUDNN_TENSOR_NCHW)
        fake_misuse_in("cudnnSetTensor4dDescriptor", "format", "%d is neither NCHW nor NHWC",
                       (int)format);
    return set_tensor("cudnnSetTensor4dDescriptor", descriptor, value);
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t descriptor, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w)
{
    const int           dims[4] = {k, c, h, w};
    struct fake_filter *filter;

    (void)fake_enter("cudnnSetFilter4dDescriptor");
    filter = fake_object("filterDesc", descriptor, FAKE_FILTER);
    check_type("dataType", type);
    if (format != CUDNN_TENSOR_NCHW && format != CUDNN_TENSOR_NHWC)
        fake_misuse("format", "%d is neither NCHW nor NHWC", (int)format);
    for (int d = 0; d < 4; d++)
        check_positive("dimension", dims[d]);
    *filter = (struct fake_filter){true, format, {k, c, h, w}, type};
    return fake_cudnn_leave(cudaSuccess);
}

cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t descriptor, int pad_h,
                                              int pad_w, int u, int v, int dilation_h,
                                              int dilation_w, cudnnConvolutionMode_t mode,
                                              cudnnDataType_t computeType)
{
    struct fake_convolution *convolution;

    (void)fake_enter("cudnnSetConvolution2dDescriptor");
    convolution = fake_object("convDesc", descriptor, FAKE_CONVOLUTION);
    check_not_negative("pad", pad_h < pad_w ? pad_h : pad_w);
    check_positive("stride", u < v ? u : v);
    check_positive("dilation", dilation_h < dilation_w ? dilation_h : dilation_w);
    if (computeType != CUDNN_DATA_FLOAT)
        fake_misuse("computeType", "data type %d is not CUDNN_DATA_FLOAT", (int)computeType);
    if (mode != CUDNN_CROSS_CORRELATION)
        fake_misuse("mode", "%d is not CUDNN_CROSS_CORRELATION, which networks are made of",
                    (int)mode);
    *convolution = (struct fake_convolution){
        true, {pad_h, pad_w}, {u, v}, {dilation_h, dilation_w}, 1, CUDNN_DEFAULT_MATH};
    return fake_cudnn_leave(cudaSuccess);
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t descriptor, int groups)
{
    struct fake_convolution *convolution;

    (void)fake_enter("cudnnSetConvolutionGroupCount");
    convolution = fake_object("convDesc", descriptor, FAKE_CONVOLUTION);
    if (!convolution->set)
        fake_misuse("convDesc", "was never set");
    check_positive("groupCount", groups);
    convolution->groups = groups;
    return fake_cudnn_leave(cudaSuccess);
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t descriptor,
                                          cudnnMathType_t              type)
{
    struct fake_convolution *convolution;

    (void)fake_enter("cudnnSetConvolutionMathType");
    convolution = fake_object("convDesc", descriptor, FAKE_CONVOLUTION);
    if (!convolution->set)
        fake_misuse("convDesc", "was never set");
    if ((unsigned)type > CUDNN_FMA_MATH)
        fake_misuse("mathType", "%d is none", (int)type);
    if (type == CUDNN_TENSOR_OP_MATH_ALLOW_CONVERSION)
        fake_misuse("mathType", "%d lets float32 be rounded to half precision", (int)type);
    convolution->math = type;
    return fake_cudnn_leave(cudaSuccess);
}

const struct fake_tensor *fake_tensor_of(const char *argument, const void *descriptor)
{
    const struct fake_tensor *tensor = fake_object(argument, descriptor, FAKE_TENSOR);

    if (!tensor->set)
        fake_misuse(argument, "was never set");
    return tensor;
}

const struct fake_filter *fake_filter_of(const char *argument, const void *descriptor)
{
    const struct fake_filter *filter = fake_object(argument, descriptor, FAKE_FILTER);

    if (!filter->set)
        fake_misuse(argument, "was never set");
    return filter;
}

const struct fake_convolution *fake_convolution_of(const char *argument, const void *descriptor)
{
    const struct fake_convolution *convolution =
        fake_object(argument, descriptor, FAKE_CONVOLUTION);

    if (!convolution->set)
        fake_misuse(argument, "was never set");
    return convolution;
}

float fake_scalar(const char *argument, const void *scalar)
{
    float value;

    fake_check_host(argument, scalar, sizeof value);
    memcpy(&value, scalar, sizeof value);
    return value;
}

/* ---- numbers ---- */

struct fake_tensor fake_tensor_of_filter(const struct fake_filter *filter)
{
    const int         *d = filter->dims;
    struct fake_tensor tensor = {
        true, {d[0], d[1], d[2], d[3]}, {d[1] * d[2] * d[3], d[2] * d[3], d[3], 1}, filter->type};

    if (filter->format == CUDNN_TENSOR_NHWC) {
        tensor.strides[1] = 1;
        tensor.strides[2] = d[3] * d[1];
        tensor.strides[3] = d[1];
    }
    return tensor;
}

size_t fake_tensor_count(const struct fake_tensor *tensor)
{
    size_t count = 1;

    for (int d = 0; d < 4; d++)
        count *= (size_t)tensor->dims[d];
    return count;
}

static size_t number_size(const struct fake_tensor *tensor)
{
    return tensor->type == CUDNN_DATA_FLOAT ? sizeof(float) : sizeof(uint16_t);
}

size_t fake_tensor_extent(const struct fake_tensor *tensor)
{
    size_t last = 0;

    for (int d = 0; d < 4; d++)
        last += (size_t)(tensor->dims[d] - 1) * (size_t)tensor->strides[d];
    return (last + 1) * number_size(tensor);
}

bool fake_same_dims(const struct fake_tensor *a, const struct fake_tensor *b)
{
    return memcmp(a->dims, b->dims, sizeof a->dims) == 0;
}

/* Where element k of a row (n, c, h) starts. */
static size_t row_at(const struct fake_tensor *t, size_t row)
{
    size_t h = row % (size_t)t->dims[2], plane = row / (size_t)t->dims[2];

    return h * (size_t)t->strides[2] + plane % (size_t)t->dims[1] * (size_t)t->strides[1] +
           plane / (size_t)t->dims[1] * (size_t)t->strides[0];
}

static float number_at(const struct fake_tensor *t, const void *data, size_t at)
{
    return t->type == CUDNN_DATA_FLOAT ? ((const float *)data)[at]
                                       : fake_from_bf16(((const uint16_t *)data)[at]);
}

float *fake_gather(const struct fake_tensor *t, const void *data)
{
    size_t width = (size_t)t->dims[3], rows = fake_tensor_count(t) / width;
    float *dense = malloc(rows * width * sizeof *dense);

    if (!dense)
        fake_misuse("fakegpu", "no memory for a tensor");
    for (size_t row = 0; row < rows; row++)
        for (size_t x = 0; x < width; x++)
            dense[row * width + x] = number_at(t, data, row_at(t, row) + x * (size_t)t->strides[3]);
    return dense;
}

void fake_scatter(const struct fake_tensor *t, void *data, const float *dense, float alpha,
                  float beta)
{
    size_t width = (size_t)t->dims[3], rows = fake_tensor_count(t) / width;

    for (size_t row = 0; row < rows; row++)
        for (size_t x = 0; x < width; x++) {
            size_t at = row_at(t, row) + x * (size_t)t->strides[3];
            float  value = alpha * dense[row * width + x];

            if (beta != 0.0f)
                value += beta * number_at(t, data, at);
            if (t->type == CUDNN_DATA_FLOAT)
                ((float *)data)[at] = value;
            else
                ((uint16_t *)data)[at] = fake_to_bf16(value);
        }
}

struct fake_span fake_tensor_span(const char *argument, const struct fake_tensor *tensor,
                                  const void *data, bool write)
{
    return (struct fake_span){argument, data, fake_tensor_extent(tensor),
                              tensor->type == CUDNN_DATA_FLOAT ? sizeof(float) : 16, write};
}

void fake_cudnn_queue(const struct fake_cudnn *handle, void (*run)(const void *data),
                      const void *data, size_t size, const struct fake_span *spans, int n)
{
    for (int a = 0; a < n; a++)
        for (int b = 0; b < n; b++) {
            const char *x = spans[a].at, *y = spans[b].at;

            if (a != b && spans[a].write && spans[b].bytes > 0 && x < y + spans[b].bytes &&
                y < x + spans[a].bytes)
                fake_misuse(spans[a].argument, "overlaps %s", spans[b].argument);
        }
    fake_queue(fake_stream_of("handle's stream", handle->stream), run, data, size, spans, n);
}
