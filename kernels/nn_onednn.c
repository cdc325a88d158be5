#include "kernels/nn_onednn.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void kern_fail_status(struct mx_err *err, dnnl_status_t status, const char *call, const char *file,
                      int line)
{
    int length = (int)strcspn(call, "(");

    if (status == dnnl_out_of_memory)
        mx_fail(err, MX_ENOMEM, "no memory for a network operation (%.*s)", length, call);
    else
        mx_fail(err, MX_EINTERNAL, "oneDNN refused %.*s with status %d (%s:%d)", length, call,
                (int)status, file, line);
}

void *kern_own_memory(struct kern_nn *nn, size_t bytes)
{
    size_t rounded = (bytes + KERN_ALIGN - 1) / KERN_ALIGN * KERN_ALIGN;
    void  *data = aligned_alloc(KERN_ALIGN, rounded);

    if (data) {
        memset(data, 0, rounded);
        nn->bytes += bytes;
    }
    return data;
}

void kern_free_memory(struct kern_nn *nn, void *data, size_t bytes)
{
    if (data)
        nn->bytes -= bytes;
    free(data);
}

/* oneDNN takes its threads from whichever OpenMP library it was built with;
 * looked up by name, so that we need not link (and clash with) one ourselves.
 * A oneDNN without OpenMP has no such function and no threads to limit. */
static void limit_threads(unsigned threads)
{
    void *symbol = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    void (*set_num_threads)(int);

    if (!symbol)
        return;
    memcpy(&set_num_threads, &symbol, sizeof symbol);
    set_num_threads((int)threads);
}

static void close_device(struct kern_nn *nn)
{
    struct dnn *dnn = dnn_of(nn);

    if (dnn->stream)
        dnnl_stream_destroy(dnn->stream);
    if (dnn->engine)
        dnnl_engine_destroy(dnn->engine);
    free(dnn->scratch);
    free(dnn);
}

static void tensor_free(struct kern_tensor *tensor)
{
    if (tensor->layout && tensor->layout->memory)
        dnnl_memory_destroy(tensor->layout->memory);
    if (tensor->layout)
        kern_md_free(tensor->layout->md);
    free(tensor->layout);
    free(tensor);
}

struct kern_tensor *kern_tensor_new(struct kern_nn *nn, unsigned ndims, const dnnl_dims_t dims,
                                    kern_const_md md, struct mx_err *err)
{
    struct kern_tensor *tensor = calloc(1, sizeof *tensor);

    if (!tensor) {
        mx_fail(err, MX_ENOMEM, "no memory for a tensor");
        return NULL;
    }
    tensor->nn = nn;
    tensor->ndims = ndims;
    if (!(tensor->layout = calloc(1, sizeof *tensor->layout))) {
        mx_fail(err, MX_ENOMEM, "no memory for a tensor");
        goto fail;
    }
    memcpy(tensor->dims, dims, ndims * sizeof dims[0]);
    if (md)
        DNN_TRY(kern_md_copy(&tensor->layout->md, md), err);
    else
        DNN_TRY(kern_md_new(&tensor->layout->md, (int)ndims, dims, false), err);
    tensor->bytes = dnnl_memory_desc_get_size(tensor->layout->md);
    DNN_TRY(dnnl_memory_create(&tensor->layout->memory, tensor->layout->md, dnn_of(nn)->engine,
                               DNNL_MEMORY_NONE),
            err);
    return tensor;

fail:
    tensor_free(tensor);
    return NULL;
}

static struct kern_tensor *plain(struct kern_nn *nn, unsigned ndims, const uint32_t *dims,
                                 struct mx_err *err)
{
    dnnl_dims_t wide = {0};

    for (unsigned d = 0; d < ndims; d++)
        wide[d] = dims[d];
    return kern_tensor_new(nn, ndims, wide, NULL, err);
}

static struct kern_tensor *like(const struct kern_tensor *tensor, struct mx_err *err)
{
    return kern_tensor_new(tensor->nn, tensor->ndims, tensor->dims, tensor->layout->md, err);
}

static bool same_order(const struct kern_tensor *a, const struct kern_tensor *b)
{
    return dnnl_memory_desc_equal(a->layout->md, b->layout->md) != 0;
}

static bool by_image(const struct kern_tensor *tensor)
{
    struct kern_order order;

    return kern_md_order(tensor->layout->md, &order) && order.blocked != 0 &&
           (size_t)(order.strides[0] * tensor->dims[0]) * sizeof(float) == tensor->bytes;
}

static int channels_of(const struct kern_tensor *tensor, struct kern_channels *where,
                       struct mx_err *err)
{
    const dnnl_dim_t *dims = tensor->dims;
    struct kern_order order;

    if (tensor->ndims != 4 || !kern_md_order(tensor->layout->md, &order) ||
        (order.blocked != 1 && order.blocked != -1) ||
        order.strides[2] != order.strides[3] * dims[3])
        return mx_fail(err, MX_EINTERNAL, "an operation cannot take images in the order given");
    *where = (struct kern_channels){
        .n = (uint32_t)dims[0],
        .channels = (uint32_t)dims[1],
        .points = (uint32_t)(dims[2] * dims[3]),
        .block = (uint32_t)order.block,
        .image = (size_t)order.strides[0],
        .group = (size_t)order.strides[1],
        .point = (size_t)order.strides[3],
    };
    if (order.strides[1] == 1 && order.block == 1) { /* channels last: all are one block */
        where->block = where->channels;
        where->group = 0;
    }
    return 0;
}

bool kern_images_in_eights(const struct kern_tensor *tensor)
{
    struct kern_channels where;
    const size_t         eight = 8;

    return !kern_tensor_channels(tensor, &where, NULL) && where.block == eight &&
           where.channels % eight == 0 && where.point == eight &&
           where.group == where.points * eight &&
           where.image == where.channels * (size_t)where.points;
}

bool kern_weights_in_eights(const struct kern_tensor *tensor)
{
    kern_md md = NULL;
    bool    same = tensor->ndims == 4 && kern_md_eights(&md, tensor->dims) == dnnl_success &&
                dnnl_memory_desc_equal(md, tensor->layout->md);

    kern_md_free(md);
    return same;
}

int kern_reserve_scratch(struct kern_nn *nn, size_t bytes, struct mx_err *err)
{
    void *larger;

    if (bytes <= dnn_of(nn)->scratch_bytes)
        return 0;
    if (!(larger = kern_own_memory(nn, bytes)))
        return mx_fail(err, MX_ENOMEM, "no memory for %zu bytes of scratch", bytes);
    kern_free_memory(nn, dnn_of(nn)->scratch, dnn_of(nn)->scratch_bytes);
    dnn_of(nn)->scratch = larger;
    dnn_of(nn)->scratch_bytes = bytes;
    return 0;
}

static int bind(struct kern_tensor *tensor, float *data, struct mx_err *err)
{
    tensor->data = data;
    DNN_TRY(dnnl_memory_set_data_handle(tensor->layout->memory, data), err);
    return 0;

fail:
    return -1;
}

dnnl_status_t kern_reorder_new(dnnl_primitive_t *reorder, struct kern_nn *nn, kern_const_md from,
                               kern_const_md to)
{
    dnnl_primitive_desc_t pd;
    dnnl_status_t status = dnnl_reorder_primitive_desc_create(&pd, from, dnn_of(nn)->engine, to,
                                                              dnn_of(nn)->engine, NULL);

    if (status != dnnl_success)
        return status;
    status = dnnl_primitive_create(reorder, pd);
    dnnl_primitive_desc_destroy(pd);
    return status;
}

static int copy(const struct kern_tensor *from, struct kern_tensor *to, struct mx_err *err)
{
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from->layout->memory},
                                    {DNNL_ARG_TO, to->layout->memory}};
    dnnl_primitive_t      reorder = NULL;
    int                   result = -1;

    DNN_TRY(kern_reorder_new(&reorder, from->nn, from->layout->md, to->layout->md), err);
    DNN_TRY(dnnl_primitive_execute(reorder, dnn_of(from->nn)->stream, 2, args), err);
    DNN_TRY(dnnl_stream_wait(dnn_of(from->nn)->stream), err);
    result = 0;

fail:
    if (reorder)
        dnnl_primitive_destroy(reorder);
    return result;
}

/* A row-major tensor over the host's memory, with the dimensions of another. */
static struct kern_tensor *over_host(const struct kern_tensor *tensor, float *host,
                                     struct mx_err *err)
{
    struct kern_tensor *rows = kern_tensor_new(tensor->nn, tensor->ndims, tensor->dims, NULL, err);

    if (rows && bind(rows, host, err)) {
        tensor_free(rows);
        rows = NULL;
    }
    return rows;
}

static int write_rows(struct kern_tensor *tensor, const float *host, struct mx_err *err)
{
    struct kern_tensor *rows = over_host(tensor, (float *)host, err);
    const int           result = rows ? copy(rows, tensor, err) : -1;

    if (rows)
        tensor_free(rows);
    return result;
}

static int read_rows(const struct kern_tensor *tensor, float *host, struct mx_err *err)
{
    struct kern_tensor *rows = over_host(tensor, host, err);
    const int           result = rows ? copy(tensor, rows, err) : -1;

    if (rows)
        tensor_free(rows);
    return result;
}

static const struct kern_nn_table table = {
    .close = close_device,
    .plain = plain,
    .inner = plain,
    .like = like,
    .tensor_free = tensor_free,
    .same_order = same_order,
    .by_image = by_image,
    .channels = channels_of,
    .bind = bind,
    .copy = copy,
    .write = write_rows,
    .read = read_rows,
    .op_new = dnn_op_new,
    .op_free = dnn_op_free,
    .add_backward = dnn_add_backward,
    .image_reorders = dnn_image_reorders,
    .forward = dnn_forward,
    .backward = dnn_backward,
};

struct kern_nn *kern_nn_new(unsigned threads, struct mx_err *err)
{
    struct dnn           *dnn = calloc(1, sizeof *dnn);
    const dnnl_version_t *version = dnnl_version();

    if (!dnn) {
        mx_fail(err, MX_ENOMEM, "no memory for the network device");
        return NULL;
    }
    limit_threads(threads);
    dnn->nn.table = &table;
    dnn->nn.device = &kern_device_cpu;
    dnn->nn.threads = threads;
    snprintf(dnn->nn.name, sizeof dnn->nn.name, "oneDNN %d.%d.%d", version->major, version->minor,
             version->patch);
    DNN_TRY(dnnl_engine_create(&dnn->engine, dnnl_cpu, 0), err);
    DNN_TRY(dnnl_stream_create(&dnn->stream, dnn->engine, dnnl_stream_default_flags), err);
    return &dnn->nn;

fail:
    close_device(&dnn->nn);
    return NULL;
}
