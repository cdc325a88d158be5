#include "kernels/nn_cuda.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kern.h"
#include "kernels/plan_cuda.h"

/* A library or the runtime found no memory for what it needs itself, of a size that it does not tell.
 * The device can go on. */
static int no_memory(const char *call, const char *says, struct mx_err *err)
{
    size_t left = 0, all = 0;

    (void)cudaGetLastError(); /* forgotten, where it was the runtime's */
    (void)cudaMemGetInfo(&left, &all);
    return mx_fail(
        err, MX_ENOMEM,
        "no GPU memory for what %.*s needs itself (%s): %zu of %zu bytes are free (lower "
        "train.batch_size, or run fewer executors on this GPU)",
        (int)strcspn(call, "("), call, says, left, all);
}

int kern_cuda_check(cudaError_t status, const char *call, const char *file, int line,
                    struct mx_err *err)
{
    if (status == cudaSuccess)
        return 0;
    if (status == cudaErrorMemoryAllocation)
        return no_memory(call, cudaGetErrorString(status), err);
    return mx_fail(err, MX_EGPU, "%.*s: %s (%s:%d)", (int)strcspn(call, "("), call,
                   cudaGetErrorString(status), file, line);
}

int kern_cudnn_check(cudnnStatus_t status, const char *call, const char *file, int line,
                     struct mx_err *err)
{
    if (status == CUDNN_STATUS_SUCCESS)
        return 0;
    if (status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ||
        status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED)
        return no_memory(call, cudnnGetErrorString(status), err);
    return mx_fail(err, MX_EGPU, "%.*s: %s (%s:%d)", (int)strcspn(call, "("), call,
                   cudnnGetErrorString(status), file, line);
}

int kern_cublas_check(cublasStatus_t status, const char *call, const char *file, int line,
                      struct mx_err *err)
{
    if (status == CUBLAS_STATUS_SUCCESS)
        return 0;
    if (status == CUBLAS_STATUS_ALLOC_FAILED)
        return no_memory(call, cublasGetStatusString(status), err);
    return mx_fail(err, MX_EGPU, "%.*s: %s (%s:%d)", (int)strcspn(call, "("), call,
                   cublasGetStatusString(status), file, line);
}

void kern_launched(struct cuda *cuda, int status, const char *kernel)
{
    if (status == cudaSuccess || cuda->failed.code)
        return;
    if (status == cudaErrorMemoryAllocation)
        no_memory(kernel, cudaGetErrorString((cudaError_t)status), &cuda->failed);
    else
        mx_fail(&cuda->failed, MX_EGPU, "kernel %s: %s", kernel,
                cudaGetErrorString((cudaError_t)status));
}

int kern_tell_failure(const struct cuda *cuda, struct mx_err *err)
{
    return cuda->failed.code ? mx_fail(err, cuda->failed.code, "%s", cuda->failed.text) : 0;
}

void *kern_cuda_alloc(struct cuda *cuda, size_t bytes, struct mx_err *err)
{
    void  *memory = NULL;
    size_t left = 0, all = 0;

    (void)cuda;
    if (cudaMalloc(&memory, bytes ? bytes : 1) == cudaErrorMemoryAllocation) {
        (void)cudaGetLastError(); /* not sticky: the device can go on */
        (void)cudaMemGetInfo(&left, &all);
        mx_fail(err, MX_ENOMEM,
                "no GPU memory for %zu bytes: %zu of %zu are free (lower train.batch_size, or run "
                "fewer executors on this GPU)",
                bytes, left, all);
        return NULL;
    }
    CUDA_TRY(cudaPeekAtLastError(), err);
    return memory;

fail:
    return NULL;
}

static void close_device(struct kern_nn *nn)
{
    struct cuda *cuda = cuda_of(nn);

    if (cuda->stream)
        (void)cudaStreamSynchronize(cuda->stream);
    kern_plans_free(cuda->plans);
    if (cuda->dnn)
        (void)cudnnDestroy(cuda->dnn);
    if (cuda->blas)
        (void)cublasDestroy(cuda->blas);
    kern_cuda_release(cuda, cuda->blas_room);
    kern_cuda_release(cuda, cuda->scratch);
    kern_cuda_release(cuda, cuda->vectors);
    kern_cuda_release(cuda, cuda->rows);
    kern_cuda_release(cuda, cuda->mixing);
    kern_cuda_release(cuda, cuda->squares);
    kern_cuda_release(cuda, cuda->halves);
    kern_cuda_release(cuda, cuda->copies);
    kern_cuda_arena_free(cuda);
    if (cuda->stream)
        (void)cudaStreamDestroy(cuda->stream);
    free(cuda);
}

static struct kern_tensor *tensor_new(struct kern_nn *nn, unsigned ndims, const int64_t *dims,
                                      bool last, struct mx_err *err)
{
    struct kern_tensor *tensor = calloc(1, sizeof *tensor);

    if (!tensor) {
        mx_fail(err, MX_ENOMEM, "no memory for a tensor");
        return NULL;
    }
    tensor->nn = nn;
    tensor->ndims = ndims;
    tensor->last = last;
    tensor->bytes = last ? sizeof(kern_bf16) : sizeof(float);
    for (unsigned d = 0; d < ndims; d++)
        tensor->dims[d] = dims[d];
    for (unsigned d = 0; d < ndims; d++)
        tensor->bytes *= d == 1 ? kern_cuda_width(tensor) : (size_t)dims[d];
    return tensor;
}

static struct kern_tensor *of_dims(struct kern_nn *nn, unsigned ndims, const uint32_t *dims,
                                   bool last, struct mx_err *err)
{
    int64_t wide[12] = {0};

    for (unsigned d = 0; d < ndims; d++)
        wide[d] = dims[d];
    return tensor_new(nn, ndims, wide, last, err);
}

static struct kern_tensor *plain(struct kern_nn *nn, unsigned ndims, const uint32_t *dims,
                                 struct mx_err *err)
{
    return of_dims(nn, ndims, dims, false, err);
}

static struct kern_tensor *inner(struct kern_nn *nn, unsigned ndims, const uint32_t *dims,
                                 struct mx_err *err)
{
    return of_dims(nn, ndims, dims, cuda_of(nn)->precision == KERN_BF16, err);
}

static struct kern_tensor *like(const struct kern_tensor *tensor, struct mx_err *err)
{
    return tensor_new(tensor->nn, tensor->ndims, tensor->dims, tensor->last, err);
}

static void tensor_free(struct kern_tensor *tensor)
{
    free(tensor);
}

static bool same_order(const struct kern_tensor *a, const struct kern_tensor *b)
{
    return a->bytes == b->bytes && a->last == b->last;
}

static bool by_image(const struct kern_tensor *tensor)
{
    (void)tensor;
    return true;
}

static int channels_of(const struct kern_tensor *tensor, struct kern_channels *where,
                       struct mx_err *err)
{
    const int64_t *dims = tensor->dims;

    if (tensor->ndims != 4)
        return mx_fail(err, MX_EINTERNAL, "an operation cannot take images in the order given");
    *where = (struct kern_channels){.n = (uint32_t)dims[0],
                                    .channels = (uint32_t)dims[1],
                                    .points = (uint32_t)(dims[2] * dims[3]),
                                    .block = 1,
                                    .image = (size_t)(dims[1] * dims[2] * dims[3]),
                                    .group = (size_t)(dims[2] * dims[3]),
                                    .point = 1};
    if (tensor->last)
        *where = (struct kern_channels){.n = where->n,
                                        .channels = where->channels,
                                        .points = where->points,
                                        .block = kern_cuda_width(tensor),
                                        .image = (size_t)where->points * kern_cuda_width(tensor),
                                        .point = kern_cuda_width(tensor)};
    return 0;
}

static int bind(struct kern_tensor *tensor, float *data, struct mx_err *err)
{
    (void)err;
    tensor->data = data;
    return 0;
}

static int copy(const struct kern_tensor *from, struct kern_tensor *to, struct mx_err *err)
{
    struct cuda                   *cuda = cuda_of(from->nn);
    const size_t                   images = (size_t)from->dims[0];
    const struct kern_bf16_between of = kern_cuda_between(from);

    if (from->last == to->last)
        kern_device_cuda.copy(from->nn, to->data, from->data, from->bytes);
    else if (from->last)
        kern_cuda_widen(cuda, from->data, to->data, images, &of);
    else
        kern_cuda_narrow(cuda, from->data, to->data, images, &of);
    return kern_tell_failure(cuda, err);
}

/* Memory for the numbers of a tensor in float32, row-major. */
static float *plain_room(const struct kern_tensor *tensor, size_t *bytes, struct mx_err *err)
{
    *bytes = sizeof(float);
    for (unsigned d = 0; d < tensor->ndims; d++)
        *bytes *= (size_t)tensor->dims[d];
    return kern_cuda_alloc(cuda_of(tensor->nn), *bytes, err);
}

static int write_rows(struct kern_tensor *tensor, const float *host, struct mx_err *err)
{
    const struct kern_bf16_between of = kern_cuda_between(tensor);
    float                         *rows;
    size_t                         bytes;
    int                            result;

    if (!tensor->last)
        return kern_device_cuda.put(tensor->nn, tensor->data, host, tensor->bytes, err);
    if (!(rows = plain_room(tensor, &bytes, err)))
        return -1;
    if (!(result = kern_device_cuda.put(tensor->nn, rows, host, bytes, err)))
        kern_cuda_narrow(cuda_of(tensor->nn), rows, tensor->data, (size_t)tensor->dims[0], &of);
    CUDA_TRY(cudaStreamSynchronize(cuda_of(tensor->nn)->stream), err);
    kern_cuda_release(cuda_of(tensor->nn), rows);
    return result ? result : kern_tell_failure(cuda_of(tensor->nn), err);

fail:
    kern_cuda_release(cuda_of(tensor->nn), rows);
    return -1;
}

static int read_rows(const struct kern_tensor *tensor, float *host, struct mx_err *err)
{
    const struct kern_bf16_between of = kern_cuda_between(tensor);
    float                         *rows;
    size_t                         bytes;
    int                            result;

    if (!tensor->last)
        return kern_device_cuda.get(tensor->nn, host, tensor->data, tensor->bytes, err);
    if (!(rows = plain_room(tensor, &bytes, err)))
        return -1;
    kern_cuda_widen(cuda_of(tensor->nn), tensor->data, rows, (size_t)tensor->dims[0], &of);
    result = kern_device_cuda.get(tensor->nn, host, rows, bytes, err);
    kern_cuda_release(cuda_of(tensor->nn), rows);
    return result;
}

static unsigned image_reorders(const struct kern_op *op)
{
    (void)op;
    return 0;
}

static const struct kern_nn_table table = {
    .close = close_device,
    .plain = plain,
    .inner = inner,
    .like = like,
    .tensor_free = tensor_free,
    .same_order = same_order,
    .by_image = by_image,
    .channels = channels_of,
    .bind = bind,
    .copy = copy,
    .write = write_rows,
    .read = read_rows,
    .op_new = kern_cuda_op_new,
    .op_free = kern_cuda_op_free,
    .add_backward = kern_cuda_add_backward,
    .image_reorders = image_reorders,
    .forward = kern_cuda_forward,
    .backward = kern_cuda_backward,
};

static int open_libraries(struct cuda *cuda, struct mx_err *err)
{
    const size_t       version = cudnnGetVersion();
    const cublasMath_t math =
        cuda->precision == KERN_TF32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH;

    CUDA_TRY(cudaStreamCreateWithFlags(&cuda->stream, cudaStreamNonBlocking), err);
    DNN_TRY(cudnnCreate(&cuda->dnn), err);
    DNN_TRY(cudnnSetStream(cuda->dnn, cuda->stream), err);
    BLAS_TRY(cublasCreate(&cuda->blas), err);
    BLAS_TRY(cublasSetStream(cuda->blas, cuda->stream), err);
    BLAS_TRY(cublasSetMathMode(cuda->blas, math), err);
    snprintf(cuda->nn.name, sizeof cuda->nn.name, "cuDNN %zu.%zu.%zu", version / 10000,
             version / 100 % 100, version % 100);
    return 0;

fail:
    return -1;
}

struct kern_nn *kern_nn_new_cuda(enum kern_precision precision, bool repeats, struct mx_err *err)
{
    struct cuda *cuda = NULL;

    if (!kern_cuda(err)) /* says why there is none */
        return NULL;
    if (!(cuda = calloc(1, sizeof *cuda))) {
        mx_fail(err, MX_ENOMEM, "no memory for the network device");
        return NULL;
    }
    cuda->nn.table = &table;
    cuda->on = kern_device_cuda;
    if (precision == KERN_BF16)
        kern_cuda_bf16_functions(&cuda->on);
    cuda->nn.device = &cuda->on;
    cuda->precision = precision;
    cuda->repeats = repeats;
    if (open_libraries(cuda, err)) {
        close_device(&cuda->nn);
        return NULL;
    }
    return &cuda->nn;
}
