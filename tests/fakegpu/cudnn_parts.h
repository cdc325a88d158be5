/* cudnn_parts.h - what the files of the cuDNN stand-in share: descriptors and how numbers are
 * taken out of tensors of any strides. Numbers are float32 or bfloat16. */
#ifndef FAKEGPU_CUDNN_PARTS_H
#define FAKEGPU_CUDNN_PARTS_H

#include <cudnn.h>

#include "tests/fakegpu/fake.h"

struct fake_cudnn {
    cudaStream_t stream;
};

struct fake_tensor {
    bool            set;
    int             dims[4], strides[4]; /* n, c, h, w */
    cudnnDataType_t type;
};

struct fake_filter {
    bool                set;
    cudnnTensorFormat_t format;
    int                 dims[4]; /* k, c, h, w */
    cudnnDataType_t     type;
};

struct fake_convolution {
    bool            set;
    int             pad[2], stride[2], dilation[2]; /* height, width */
    int             groups;
    cudnnMathType_t math;
};

struct fake_pooling {
    bool               set;
    cudnnPoolingMode_t mode;
    int                window[2], pad[2], stride[2];
};

struct fake_activation {
    bool                  set;
    cudnnActivationMode_t mode;
    double                coefficient;
};

/* Unlock; the library's status for the runtime's. */
cudnnStatus_t fake_cudnn_leave(cudaError_t status);

/* Descriptors that were set, or a misuse. */
const struct fake_tensor      *fake_tensor_of(const char *argument, const void *descriptor);
const struct fake_filter      *fake_filter_of(const char *argument, const void *descriptor);
const struct fake_convolution *fake_convolution_of(const char *argument, const void *descriptor);
/* alpha or beta: a float of the host's. */
float                          fake_scalar(const char *argument, const void *scalar);

/* A misuse unless type, dimensions and strides are those of a tensor whose elements lie apart. */
void               fake_check_tensor(const struct fake_tensor *tensor);
struct fake_tensor fake_tensor_of_filter(const struct fake_filter *filter);
size_t             fake_tensor_count(const struct fake_tensor *tensor); /* numbers */
size_t fake_tensor_extent(const struct fake_tensor *tensor); /* bytes from first to last */
bool   fake_same_dims(const struct fake_tensor *a, const struct fake_tensor *b);
/* One number behind the other in the order n, c, h, w; freed by free(). */
float *fake_gather(const struct fake_tensor *tensor, const void *data);
/* data = alpha * dense + beta * data; with beta 0 what data holds does not count. */
void   fake_scatter(const struct fake_tensor *tensor, void *data, const float *dense, float alpha,
                    float beta);
struct fake_span fake_tensor_span(const char *argument, const struct fake_tensor *tensor,
                                  const void *data, bool write);
/* What algorithm `algo` wants of a convolution with filters w: sizes that no real library has. */
size_t           fake_workspace(const struct fake_tensor *w, int algo);
void             fake_cudnn_queue(const struct fake_cudnn *handle, void (*run)(const void *data),
                                  const void *data, size_t size, const struct fake_span *spans, int n);

#endif
