#include "kernels/nn_onednn.h"

#if DNNL_VERSION_MAJOR < 3

#include <stdlib.h>
#include <string.h>

dnnl_status_t kern_md_new(kern_md *md, int ndims, const dnnl_dims_t dims, bool any)
{
    static const dnnl_format_tag_t plain[] = {
        dnnl_format_tag_undef, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde};

    if (!(*md = malloc(sizeof **md)))
        return dnnl_out_of_memory;
    return dnnl_memory_desc_init_by_tag(*md, ndims, dims, dnnl_f32,
                                        any ? dnnl_format_tag_any : plain[ndims]);
}

dnnl_status_t kern_md_eights(kern_md *md, const dnnl_dims_t dims)
{
    if (!(*md = malloc(sizeof **md)))
        return dnnl_out_of_memory;
    return dnnl_memory_desc_init_by_tag(*md, 4, dims, dnnl_f32, dnnl_OIhw8i8o);
}

dnnl_status_t kern_md_copy(kern_md *md, kern_const_md from)
{
    if (!(*md = malloc(sizeof **md)))
        return dnnl_out_of_memory;
    **md = *from;
    return dnnl_success;
}

void kern_md_free(kern_md md)
{
    free(md);
}

bool kern_md_order(kern_const_md md, struct kern_order *order)
{
    const dnnl_blocking_desc_t *blocking = &md->format_desc.blocking;

    if (md->format_kind != dnnl_blocked || blocking->inner_nblks > 1)
        return false;
    memcpy(order->strides, blocking->strides, sizeof order->strides);
    order->blocked = blocking->inner_nblks ? (int)blocking->inner_idxs[0] : -1;
    order->block = blocking->inner_nblks ? blocking->inner_blks[0] : 1;
    return true;
}

/* The operation descriptor of a request, in whichever struct its kind has. */
union op_desc {
    dnnl_convolution_desc_t   conv;
    dnnl_pooling_v2_desc_t    pool;
    dnnl_inner_product_desc_t linear;
};

static dnnl_status_t describe_conv(dnnl_convolution_desc_t *desc, const struct kern_request *r)
{
    const dnnl_dims_t         strides = {r->shape->stride, r->shape->stride};
    const struct kern_padding pad = kern_padding(r->shape);
    const dnnl_alg_kind_t     direct = dnnl_convolution_direct;

    switch (r->pass) {
    case KERN_BACKWARD:
        return dnnl_convolution_backward_data_desc_init(desc, direct, r->src, r->weights, r->dst,
                                                        strides, pad.before, pad.after);
    case KERN_BACKWARD_WEIGHTS:
        return dnnl_convolution_backward_weights_desc_init(
            desc, direct, r->src, r->weights, r->bias, r->dst, strides, pad.before, pad.after);
    default:
        return dnnl_convolution_forward_desc_init(
            desc, r->shape->training ? dnnl_forward_training : dnnl_forward_inference, direct,
            r->src, r->weights, r->bias, r->dst, strides, pad.before, pad.after);
    }
}

static dnnl_status_t describe_pool(dnnl_pooling_v2_desc_t *desc, const struct kern_request *r)
{
    const struct kern_padding pad = kern_padding(r->shape);
    const dnnl_dims_t         dilates = {0, 0};
    const dnnl_alg_kind_t     how =
        r->shape->kind == KERN_MAX_POOL ? dnnl_pooling_max : dnnl_pooling_avg_exclude_padding;

    if (r->pass == KERN_BACKWARD)
        return dnnl_pooling_v2_backward_desc_init(desc, how, r->src, r->dst, r->stride, r->window,
                                                  dilates, pad.before, pad.after);
    return dnnl_pooling_v2_forward_desc_init(
        desc, r->shape->training ? dnnl_forward_training : dnnl_forward_inference, how, r->src,
        r->dst, r->stride, r->window, dilates, pad.before, pad.after);
}

static dnnl_status_t describe_linear(dnnl_inner_product_desc_t *desc, const struct kern_request *r)
{
    switch (r->pass) {
    case KERN_BACKWARD:
        return dnnl_inner_product_backward_data_desc_init(desc, r->src, r->weights, r->dst);
    case KERN_BACKWARD_WEIGHTS:
        return dnnl_inner_product_backward_weights_desc_init(desc, r->src, r->weights, r->bias,
                                                             r->dst);
    default:
        return dnnl_inner_product_forward_desc_init(
            desc, r->shape->training ? dnnl_forward_training : dnnl_forward_inference, r->src,
            r->weights, r->bias, r->dst);
    }
}

dnnl_status_t kern_post_ops(dnnl_post_ops_t ops, const struct kern_op_shape *shape)
{
    const bool    capped = shape->cap > 0;
    dnnl_status_t status = dnnl_success;

    if (shape->sum)
        status = dnnl_post_ops_append_sum(ops, 1);
    if (shape->relu && status == dnnl_success)
        status = dnnl_post_ops_append_eltwise(
            ops, 1, capped ? dnnl_eltwise_clip : dnnl_eltwise_relu, 0, shape->cap);
    return status;
}

dnnl_status_t kern_pd_new(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                          const struct kern_request *r)
{
    union op_desc desc;
    dnnl_status_t status = dnnl_invalid_arguments;

    switch (r->shape->kind) {
    case KERN_CONV:
        status = describe_conv(&desc.conv, r);
        break;
    case KERN_POOL:
    case KERN_MAX_POOL:
        status = describe_pool(&desc.pool, r);
        break;
    case KERN_NORM: /* is ours */
        break;
    case KERN_LINEAR:
        status = describe_linear(&desc.linear, r);
        break;
    }
    if (status != dnnl_success)
        return status;
    return dnnl_primitive_desc_create(pd, &desc, r->attr, engine, r->hint);
}

#endif
