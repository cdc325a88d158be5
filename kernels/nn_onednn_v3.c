#include "kernels/nn_onednn.h"

#if DNNL_VERSION_MAJOR >= 3

#include <string.h>

dnnl_status_t kern_md_new(kern_md *md, int ndims, const dnnl_dims_t dims, bool any)
{
    static const dnnl_format_tag_t plain[] = {
        dnnl_format_tag_undef, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde};

    return dnnl_memory_desc_create_with_tag(md, ndims, dims, dnnl_f32,
                                            any ? dnnl_format_tag_any : plain[ndims]);
}

dnnl_status_t kern_md_eights(kern_md *md, const dnnl_dims_t dims)
{
    return dnnl_memory_desc_create_with_tag(md, 4, dims, dnnl_f32, dnnl_OIhw8i8o);
}

dnnl_status_t kern_md_copy(kern_md *md, kern_const_md from)
{
    return dnnl_memory_desc_clone(md, from);
}

void kern_md_free(kern_md md)
{
    dnnl_memory_desc_destroy(md);
}

bool kern_md_order(kern_const_md md, struct kern_order *order)
{
    dnnl_format_kind_t kind = dnnl_format_kind_undef;
    dnnl_dims_t       *strides = NULL, *blocks = NULL, *inner = NULL;
    int                ninner = 0;

    if (dnnl_memory_desc_query(md, dnnl_query_format_kind, &kind) != dnnl_success ||
        kind != dnnl_blocked ||
        dnnl_memory_desc_query(md, dnnl_query_strides, &strides) != dnnl_success ||
        dnnl_memory_desc_query(md, dnnl_query_inner_nblks_s32, &ninner) != dnnl_success ||
        ninner > 1 || dnnl_memory_desc_query(md, dnnl_query_inner_idxs, &inner) != dnnl_success ||
        dnnl_memory_desc_query(md, dnnl_query_inner_blks, &blocks) != dnnl_success)
        return false;
    memcpy(order->strides, *strides, sizeof order->strides);
    order->blocked = ninner ? (int)(*inner)[0] : -1;
    order->block = ninner ? (*blocks)[0] : 1;
    return true;
}

static dnnl_prop_kind_t forward_kind(const struct kern_request *r)
{
    return r->shape->training ? dnnl_forward_training : dnnl_forward_inference;
}

static dnnl_status_t new_conv(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                              const struct kern_request *r)
{
    const dnnl_dims_t         strides = {r->shape->stride, r->shape->stride}, dilates = {0, 0};
    const struct kern_padding pad = kern_padding(r->shape);
    const dnnl_alg_kind_t     direct = dnnl_convolution_direct;

    switch (r->pass) {
    case KERN_BACKWARD:
        return dnnl_convolution_backward_data_primitive_desc_create(
            pd, engine, direct, r->src, r->weights, r->dst, strides, dilates, pad.before, pad.after,
            r->hint, r->attr);
    case KERN_BACKWARD_WEIGHTS:
        return dnnl_convolution_backward_weights_primitive_desc_create(
            pd, engine, direct, r->src, r->weights, r->bias, r->dst, strides, dilates, pad.before,
            pad.after, r->hint, r->attr);
    default:
        return dnnl_convolution_forward_primitive_desc_create(
            pd, engine, forward_kind(r), direct, r->src, r->weights, r->bias, r->dst, strides,
            dilates, pad.before, pad.after, r->attr);
    }
}

static dnnl_status_t new_pool(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                              const struct kern_request *r)
{
    const struct kern_padding pad = kern_padding(r->shape);
    const dnnl_dims_t         dilates = {0, 0};
    const dnnl_alg_kind_t     how =
        r->shape->kind == KERN_MAX_POOL ? dnnl_pooling_max : dnnl_pooling_avg_exclude_padding;

    if (r->pass == KERN_BACKWARD)
        return dnnl_pooling_backward_primitive_desc_create(pd, engine, how, r->src, r->dst,
                                                           r->stride, r->window, dilates,
                                                           pad.before, pad.after, r->hint, r->attr);
    return dnnl_pooling_forward_primitive_desc_create(pd, engine, forward_kind(r), how, r->src,
                                                      r->dst, r->stride, r->window, dilates,
                                                      pad.before, pad.after, r->attr);
}

static dnnl_status_t new_linear(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                const struct kern_request *r)
{
    switch (r->pass) {
    case KERN_BACKWARD:
        return dnnl_inner_product_backward_data_primitive_desc_create(
            pd, engine, r->src, r->weights, r->dst, r->hint, r->attr);
    case KERN_BACKWARD_WEIGHTS:
        return dnnl_inner_product_backward_weights_primitive_desc_create(
            pd, engine, r->src, r->weights, r->bias, r->dst, r->hint, r->attr);
    default:
        return dnnl_inner_product_forward_primitive_desc_create(
            pd, engine, forward_kind(r), r->src, r->weights, r->bias, r->dst, r->attr);
    }
}

dnnl_status_t kern_post_ops(dnnl_post_ops_t ops, const struct kern_op_shape *shape)
{
    const bool    capped = shape->cap > 0;
    dnnl_status_t status = dnnl_success;

    if (shape->sum)
        status = dnnl_post_ops_append_sum(ops, 1, 0, dnnl_f32);
    if (shape->relu && status == dnnl_success)
        status = dnnl_post_ops_append_eltwise(ops, capped ? dnnl_eltwise_clip : dnnl_eltwise_relu,
                                              0, shape->cap);
    return status;
}

dnnl_status_t kern_pd_new(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                          const struct kern_request *r)
{
    switch (r->shape->kind) {
    case KERN_CONV:
        return new_conv(pd, engine, r);
    case KERN_POOL:
    case KERN_MAX_POOL:
        return new_pool(pd, engine, r);
    case KERN_NORM: /* is ours */
        break;
    case KERN_LINEAR:
        return new_linear(pd, engine, r);
    }
    return dnnl_invalid_arguments;
}

#endif
