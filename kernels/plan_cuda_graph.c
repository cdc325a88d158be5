/* The graph of a convolution, as cuDNN's backend takes it. */
#include "kernels/plan_cuda_parts.h"

enum {
    ALIGN = 16 /* bytes, of every array */
};

/* Attributes of a descriptor: what to set, and how many of what. */
struct attribute {
    cudnnBackendAttributeName_t name;
    cudnnBackendAttributeType_t type;
    int64_t                     count;
    const void                 *value;
};

/* Set all of them up to one without a value, and finalise. */
static cudnnBackendDescriptor_t finished(struct kern_plan *plan, cudnnBackendDescriptorType_t type,
                                         const struct attribute *attributes, struct mx_err *err)
{
    cudnnBackendDescriptor_t part = kern_plan_part(plan, type, err);

    if (!part)
        return NULL;
    for (const struct attribute *a = attributes; a->value; a++)
        DNN_TRY(cudnnBackendSetAttribute(part, a->name, a->type, a->count, a->value), err);
    DNN_TRY(cudnnBackendFinalize(part), err);
    return part;

fail:
    return NULL;
}

static void strides_of(const struct kern_planner *planner, const int64_t dims[4],
                       int64_t strides[4])
{
    const bool    last = planner->precision == KERN_BF16;
    const int64_t point = last ? dims[1] : 1;

    strides[0] = dims[1] * dims[2] * dims[3];
    strides[1] = last ? 1 : dims[2] * dims[3];
    strides[2] = dims[3] * point;
    strides[3] = point;
}

static cudnnBackendDescriptor_t tensor(struct kern_plan *plan, const struct kern_planner *planner,
                                       int64_t id, const int64_t dims[4], struct mx_err *err)
{
    const bool             inner = id >= KERN_PLAN_VIRTUAL;
    const bool             half = planner->precision == KERN_BF16 && !inner;
    const cudnnDataType_t  type = half ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
    const int64_t          align = ALIGN;
    int64_t                strides[4];
    const struct attribute attributes[] = {
        {CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type},
        {CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dims},
        {CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides},
        {CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &id},
        {CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &align},
        {CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, inner ? &inner : NULL},
        {.value = NULL}};

    strides_of(planner, dims, strides);
    return finished(plan, CUDNN_BACKEND_TENSOR_DESCRIPTOR, attributes, err);
}

static cudnnBackendDescriptor_t window(struct kern_plan *plan, const struct kern_convolution *of,
                                       struct mx_err *err)
{
    const int64_t         spatial = 2;
    const int64_t         pads[2] = {of->pad, of->pad}, strides[2] = {of->stride, of->stride};
    const int64_t         dilations[2] = {1, 1};
    const cudnnDataType_t type = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    const struct attribute       attributes[] = {
              {CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &spatial},
              {CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type},
              {CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode},
              {CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, pads},
              {CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, pads},
              {CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilations},
              {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, strides},
              {.value = NULL}};

    return finished(plan, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, attributes, err);
}

/* What the three passes call their arrays. */
struct names {
    cudnnBackendDescriptorType_t type;
    cudnnBackendAttributeName_t  x, w, y, window, alpha, beta;
};

static const struct names names[] = {
    [KERN_FORWARD] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
    [KERN_TO_DATA] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
    [KERN_TO_WEIGHTS] = {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
};

/* A sum with nothing behind it is what a convolution does itself. */
static bool is_sum_alone(const struct kern_convolution *of)
{
    return of->sum && !of->bias && !of->relu;
}

static cudnnBackendDescriptor_t convolve(struct kern_plan *plan, const struct kern_planner *planner,
                                         const struct kern_convolution *of,
                                         cudnnBackendDescriptor_t y, struct mx_err *err)
{
    const float              one = 1, kept = is_sum_alone(of) ? 1.0f : 0.0f;
    const struct names      *name = &names[of->pass];
    cudnnBackendDescriptor_t x = tensor(plan, planner, KERN_PLAN_X, of->x, err);
    cudnnBackendDescriptor_t w = x ? tensor(plan, planner, KERN_PLAN_W, of->w, err) : NULL;
    cudnnBackendDescriptor_t how = w ? window(plan, of, err) : NULL;
    const struct attribute   attributes[] = {{name->x, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &x},
                                             {name->w, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &w},
                                             {name->y, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &y},
                                             {name->window, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &how},
                                             {name->alpha, CUDNN_TYPE_FLOAT, 1, &one},
                                             {name->beta, CUDNN_TYPE_FLOAT, 1, &kept},
                                             {.value = NULL}};

    return how ? finished(plan, name->type, attributes, err) : NULL;
}

/* out = in + other, or the ReLU of in, at most `cap` if that is above 0. */
static cudnnBackendDescriptor_t pointwise(struct kern_plan *plan, cudnnBackendDescriptor_t in,
                                          cudnnBackendDescriptor_t other,
                                          cudnnBackendDescriptor_t out, float cap,
                                          struct mx_err *err)
{
    const cudnnPointwiseMode_t  mode = other ? CUDNN_POINTWISE_ADD : CUDNN_POINTWISE_RELU_FWD;
    const cudnnDataType_t       type = CUDNN_DATA_FLOAT;
    /* A training that has come to no numbers must not look healthy. */
    const cudnnNanPropagation_t keep = CUDNN_PROPAGATE_NAN;
    const double                limit = (double)cap;
    cudnnBackendDescriptor_t    how;
    const struct attribute      what[] = {
             {CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode},
             {CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &type},
             {CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, CUDNN_TYPE_NAN_PROPOGATION, 1, &keep},
             {CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, CUDNN_TYPE_DOUBLE, 1, cap > 0.0f ? &limit : NULL},
             {.value = NULL}};
    const struct attribute attributes[] = {
        {CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &how},
        {CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &in},
        {CUDNN_ATTR_OPERATION_POINTWISE_YDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &out},
        {CUDNN_ATTR_OPERATION_POINTWISE_BDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
         other ? &other : NULL},
        {.value = NULL}};

    if (!(how = finished(plan, CUDNN_BACKEND_POINTWISE_DESCRIPTOR, what, err)))
        return NULL;
    return finished(plan, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, attributes, err);
}

size_t kern_plan_operations(struct kern_plan *plan, const struct kern_planner *planner,
                            cudnnBackendDescriptor_t operations[4], struct mx_err *err)
{
    const struct kern_convolution *of = &plan->of;
    const bool                     adds = of->sum && !is_sum_alone(of);
    const int64_t                  per_filter[4] = {1, of->y[1], 1, 1};
    const struct {
        bool           there;
        int64_t        id; /* what is added; 0: nothing */
        const int64_t *dims;
    } behind[] = {
        {adds, KERN_PLAN_SUM, of->y}, {of->bias, KERN_PLAN_BIAS, per_filter}, {of->relu, 0, NULL}};
    size_t                   left = (size_t)adds + (size_t)of->bias + (size_t)of->relu, n = 0;
    cudnnBackendDescriptor_t y =
        tensor(plan, planner, left ? KERN_PLAN_VIRTUAL : KERN_PLAN_Y, of->y, err);

    plan->has_sum = adds;
    if (!y || !(operations[n++] = convolve(plan, planner, of, y, err)))
        return 0;
    for (size_t k = 0; k < sizeof behind / sizeof *behind; k++) {
        cudnnBackendDescriptor_t other = NULL, out;

        if (!behind[k].there)
            continue;
        left--;
        if (behind[k].id && !(other = tensor(plan, planner, behind[k].id, behind[k].dims, err)))
            return 0;
        out =
            tensor(plan, planner, left ? KERN_PLAN_VIRTUAL + (int64_t)n : KERN_PLAN_Y, of->y, err);
        if (!out ||
            !(operations[n++] = pointwise(plan, y, other, out, other ? 0.0f : of->cap, err)))
            return 0;
        y = out;
    }
    return n;
}
