/* Which implementation runs a pass, and in which orders it takes its tensors. */
#include "kernels/nn_onednn.h"

#include <string.h>

struct kern_padding kern_padding(const struct kern_op_shape *shape)
{
    struct kern_padding pad = {{0}, {0}};

    for (int d = 0; d < 2; d++) {
        pad.before[d] = (dnnl_dim_t)shape->pad + shape->more[d];
        pad.after[d] = (dnnl_dim_t)shape->pad + shape->more[d + 2];
    }
    return pad;
}

/* Rows and columns of an output from those of the input. */
static void windowed(const struct kern_op_shape *shape, const struct kern_tensor *src,
                     struct kern_op_dims *dims)
{
    const struct kern_padding pad = kern_padding(shape);

    for (int d = 0; d < 2; d++)
        dims->dst[2 + d] =
            (src->dims[2 + d] + pad.before[d] + pad.after[d] - shape->kernel) / shape->stride + 1;
}

/* (groups, out, in, h, w) of one group each. */
static void group_weights(const struct kern_op_shape *shape, struct kern_op_dims *dims)
{
    const dnnl_dim_t in = dims->weights[1];

    dims->weights_ndims = 5;
    dims->weights[0] = shape->groups;
    dims->weights[1] = shape->channels / shape->groups;
    dims->weights[2] = in / shape->groups;
    dims->weights[3] = dims->weights[4] = shape->kernel;
}

struct kern_op_dims kern_op_dims(const struct kern_op_shape *shape, const struct kern_tensor *src)
{
    struct kern_op_dims dims = {.weights_ndims = src->ndims, .dst_ndims = src->ndims};

    memcpy(dims.weights, src->dims, sizeof dims.weights);
    memcpy(dims.dst, src->dims, sizeof dims.dst);
    dims.weights[0] = dims.bias[0] = shape->channels;
    switch (shape->kind) {
    case KERN_CONV:
        dims.weights[2] = dims.weights[3] = shape->kernel;
        dims.dst[1] = shape->channels;
        windowed(shape, src, &dims);
        if (shape->groups > 1)
            group_weights(shape, &dims);
        break;
    case KERN_MAX_POOL:
        windowed(shape, src, &dims);
        break;
    case KERN_LINEAR:
        dims.dst[1] = shape->channels;
        dims.dst_ndims = 2;
        break;
    case KERN_NORM:
        break;
    case KERN_POOL:
        if (shape->kernel > 0)
            windowed(shape, src, &dims);
        else
            dims.dst[2] = dims.dst[3] = shape->side > 1 ? shape->side : 1;
        break;
    }
    return dims;
}

/* The orders that are asked for. */
struct wishes {
    kern_md src, weights, bias, dst;
};

static void free_wishes(struct wishes *wishes)
{
    kern_md_free(wishes->src);
    kern_md_free(wishes->weights);
    kern_md_free(wishes->bias);
    kern_md_free(wishes->dst);
}

/* The order of a tensor if it is to be kept, else left open. */
static dnnl_status_t wish(kern_md *md, const struct kern_tensor *kept, unsigned ndims,
                          const dnnl_dims_t dims)
{
    return kept ? kern_md_copy(md, kept->layout->md) : kern_md_new(md, (int)ndims, dims, true);
}

/* Pools take what they get. Others choose, unless told to keep the
 * orders of src and dst. */
static dnnl_status_t wish_all(struct wishes *wishes, const struct kern_op_shape *shape,
                              const struct kern_op_tensors *tensors, bool keep)
{
    const struct kern_tensor *src = tensors->src, *dst = tensors->dst;
    struct kern_op_dims       dims = kern_op_dims(shape, src);
    bool                      weighted = shape->kind == KERN_CONV || shape->kind == KERN_LINEAR;
    dnnl_status_t             status =
        wish(&wishes->src, weighted && !keep ? NULL : src, src->ndims, src->dims);

    if (status == dnnl_success && weighted)
        status = kern_md_new(&wishes->weights, (int)dims.weights_ndims, dims.weights, true);
    if (status == dnnl_success && (shape->kind == KERN_LINEAR || shape->bias))
        status = kern_md_new(&wishes->bias, 1, dims.bias, false);
    if (status != dnnl_success)
        return status;
    if (shape->kind == KERN_CONV && !keep)
        dst = NULL;
    return shape->kind == KERN_LINEAR ? kern_md_new(&wishes->dst, 2, dims.dst, false)
                                      : wish(&wishes->dst, dst, dims.dst_ndims, dims.dst);
}

static dnnl_status_t set_post_ops(dnnl_primitive_attr_t attr, const struct kern_op_shape *shape)
{
    dnnl_post_ops_t ops;
    dnnl_status_t   status = dnnl_post_ops_create(&ops);

    if (status != dnnl_success)
        return status;
    status = kern_post_ops(ops, shape);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops(attr, ops); /* copies them */
    dnnl_post_ops_destroy(ops);
    return status;
}

struct choice {
    struct kern_nn               *nn;
    const struct kern_op_shape   *shape;
    enum kern_pass                pass;
    const struct kern_op_tensors *tensors;
    const_dnnl_primitive_desc_t   hint;
};

static int choose(const struct choice *choice, bool keep, dnnl_primitive_desc_t *pd,
                  struct mx_err *err)
{
    const struct kern_tensor *src = choice->tensors->src;
    struct wishes             wishes = {0};
    dnnl_primitive_attr_t     attr = NULL;
    int                       result = -1;

    DNN_TRY(wish_all(&wishes, choice->shape, choice->tensors, keep), err);
    DNN_TRY(dnnl_primitive_attr_create(&attr), err);
    DNN_TRY(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user), err);
    if (choice->shape->kind == KERN_CONV && choice->pass == KERN_FORWARD)
        DNN_TRY(set_post_ops(attr, choice->shape), err);
    {
        struct kern_request request = {.shape = choice->shape,
                                       .pass = choice->pass,
                                       .src = wishes.src,
                                       .weights = wishes.weights,
                                       .bias = wishes.bias,
                                       .dst = wishes.dst,
                                       .hint = choice->hint,
                                       .attr = attr};

        for (int d = 0; d < 2; d++) {
            const bool whole = choice->shape->kernel == 0;

            request.window[d] = whole ? src->dims[2 + d] : choice->shape->kernel;
            request.stride[d] = whole ? request.window[d] : choice->shape->stride;
        }
        DNN_TRY(kern_pd_new(pd, dnn_of(choice->nn)->engine, &request), err);
    }
    result = 0;

fail:
    if (attr)
        dnnl_primitive_attr_destroy(attr);
    free_wishes(&wishes);
    return result;
}

/* Implementations that stand in where no fast one can take the orders given. */
static bool is_slow(const_dnnl_primitive_desc_t pd)
{
    const char *name = "";

    return dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name) != dnnl_success ||
           strstr(name, "gemm") || strstr(name, "ref") || strstr(name, "simple");
}

int kern_choose(struct kern_nn *nn, const struct kern_op_shape *shape, enum kern_pass pass,
                const struct kern_op_tensors *tensors, const_dnnl_primitive_desc_t hint,
                dnnl_primitive_desc_t *pd, struct mx_err *err)
{
    struct choice choice = {nn, shape, pass, tensors, hint};

    /* A convolution should not have to reorder images: it takes them as they come
     * if there is a fast way; and where it adds to what is there, in any case. */
    if (shape->sum)
        return choose(&choice, true, pd, err);
    if (shape->kind == KERN_CONV && !choose(&choice, true, pd, NULL)) {
        if (!is_slow(*pd))
            return 0;
        dnnl_primitive_desc_destroy(*pd);
    }
    return choose(&choice, false, pd, err);
}
