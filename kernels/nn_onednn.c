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

struct kern_nn *kern_nn_new(unsigned threads, struct mx_err *err)
{
    struct kern_nn       *nn = calloc(1, sizeof *nn);
    const dnnl_version_t *version = dnnl_version();

    if (!nn) {
        mx_fail(err, MX_ENOMEM, "no memory for the network device");
        return NULL;
    }
    limit_threads(threads);
    nn->threads = threads;
    snprintf(nn->name, sizeof nn->name, "oneDNN %d.%d.%d", version->major, version->minor,
             version->patch);
    DNN_TRY(dnnl_engine_create(&nn->engine, dnnl_cpu, 0), err);
    DNN_TRY(dnnl_stream_create(&nn->stream, nn->engine, dnnl_stream_default_flags), err);
    return nn;

fail:
    kern_nn_free(nn);
    return NULL;
}

void kern_nn_free(struct kern_nn *nn)
{
    if (!nn)
        return;
    if (nn->stream)
        dnnl_stream_destroy(nn->stream);
    if (nn->engine)
        dnnl_engine_destroy(nn->engine);
    free(nn->scratch);
    free(nn);
}

const char *kern_nn_name(const struct kern_nn *nn)
{
    return nn->name;
}

size_t kern_nn_bytes(const struct kern_nn *nn)
{
    return nn->bytes;
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
    memcpy(tensor->dims, dims, ndims * sizeof dims[0]);
    if (md)
        DNN_TRY(kern_md_copy(&tensor->md, md), err);
    else
        DNN_TRY(kern_md_new(&tensor->md, (int)ndims, dims, false), err);
    tensor->bytes = dnnl_memory_desc_get_size(tensor->md);
    DNN_TRY(dnnl_memory_create(&tensor->memory, tensor->md, nn->engine, DNNL_MEMORY_NONE), err);
    return tensor;

fail:
    kern_tensor_free(tensor);
    return NULL;
}

struct kern_tensor *kern_tensor_plain(struct kern_nn *nn, unsigned ndims, const uint32_t *dims,
                                      struct mx_err *err)
{
    dnnl_dims_t wide = {0};

    for (unsigned d = 0; d < ndims; d++)
        wide[d] = dims[d];
    return kern_tensor_new(nn, ndims, wide, NULL, err);
}

struct kern_tensor *kern_tensor_like(const struct kern_tensor *tensor, struct mx_err *err)
{
    return kern_tensor_new(tensor->nn, tensor->ndims, tensor->dims, tensor->md, err);
}

void kern_tensor_free(struct kern_tensor *tensor)
{
    if (!tensor)
        return;
    if (tensor->memory)
        dnnl_memory_destroy(tensor->memory);
    kern_md_free(tensor->md);
    free(tensor);
}

size_t kern_tensor_bytes(const struct kern_tensor *tensor)
{
    return tensor->bytes;
}

bool kern_tensor_same_order(const struct kern_tensor *a, const struct kern_tensor *b)
{
    return dnnl_memory_desc_equal(a->md, b->md) != 0;
}

bool kern_tensor_by_image(const struct kern_tensor *tensor)
{
    struct kern_order order;

    return kern_md_order(tensor->md, &order) && order.blocked != 0 &&
           (size_t)(order.strides[0] * tensor->dims[0]) * sizeof(float) == tensor->bytes;
}

int kern_tensor_channels(const struct kern_tensor *tensor, struct kern_channels *where,
                         struct mx_err *err)
{
    const dnnl_dim_t *dims = tensor->dims;
    struct kern_order order;

    if (tensor->ndims != 4 || !kern_md_order(tensor->md, &order) ||
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
                dnnl_memory_desc_equal(md, tensor->md);

    kern_md_free(md);
    return same;
}

int kern_reserve_scratch(struct kern_nn *nn, size_t bytes, struct mx_err *err)
{
    void *larger;

    if (bytes <= nn->scratch_bytes)
        return 0;
    if (!(larger = kern_own_memory(nn, bytes)))
        return mx_fail(err, MX_ENOMEM, "no memory for %zu bytes of scratch", bytes);
    kern_free_memory(nn, nn->scratch, nn->scratch_bytes);
    nn->scratch = larger;
    nn->scratch_bytes = bytes;
    return 0;
}

int kern_tensor_bind(struct kern_tensor *tensor, float *data, struct mx_err *err)
{
    tensor->data = data;
    DNN_TRY(dnnl_memory_set_data_handle(tensor->memory, data), err);
    return 0;

fail:
    return -1;
}

float *kern_tensor_data(const struct kern_tensor *tensor)
{
    return tensor->data;
}

dnnl_status_t kern_reorder_new(dnnl_primitive_t *reorder, struct kern_nn *nn, kern_const_md from,
                               kern_const_md to)
{
    dnnl_primitive_desc_t pd;
    dnnl_status_t         status =
        dnnl_reorder_primitive_desc_create(&pd, from, nn->engine, to, nn->engine, NULL);

    if (status != dnnl_success)
        return status;
    status = dnnl_primitive_create(reorder, pd);
    dnnl_primitive_desc_destroy(pd);
    return status;
}

int kern_tensor_copy(const struct kern_tensor *from, struct kern_tensor *to, struct mx_err *err)
{
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from->memory}, {DNNL_ARG_TO, to->memory}};
    dnnl_primitive_t      reorder = NULL;
    int                   result = -1;

    DNN_TRY(kern_reorder_new(&reorder, from->nn, from->md, to->md), err);
    DNN_TRY(dnnl_primitive_execute(reorder, from->nn->stream, 2, args), err);
    DNN_TRY(dnnl_stream_wait(from->nn->stream), err);
    result = 0;

fail:
    if (reorder)
        dnnl_primitive_destroy(reorder);
    return result;
}
