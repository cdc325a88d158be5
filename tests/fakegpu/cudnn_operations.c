/* cuDNN's backend: tensors and operations, checked when they are finalised. */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "tests/fakegpu/cudnn_backend.h"

/* ---- elements of attributes ---- */

static float float_of(const struct fake_part *part, cudnnBackendAttributeName_t name)
{
    float value;

    memcpy(&value, fake_value_of(part, name)->bytes, sizeof value);
    return value;
}

static double double_of(const struct fake_part *part, cudnnBackendAttributeName_t name)
{
    double value;

    memcpy(&value, fake_value_of(part, name)->bytes, sizeof value);
    return value;
}

/* An integer between bounds. */
static int int_of(const struct fake_part *part, cudnnBackendAttributeName_t name, int k, int least)
{
    const int64_t value = fake_integer_of(part, name, k);

    if (value < least || value > INT_MAX)
        fake_misuse(fake_row_text(part->type, name), "%lld is not between %d and %d",
                    (long long)value, least, INT_MAX);
    return (int)value;
}

/* An enumeration of which this project uses one value. */
static void must_be(const struct fake_part *part, cudnnBackendAttributeName_t name, int64_t value)
{
    const int64_t given = fake_integer_of(part, name, 0);

    if (given != value)
        fake_misuse(fake_row_text(part->type, name), "%lld is not %lld", (long long)given,
                    (long long)value);
}

/* ---- tensors and windows ---- */

bool fake_is_virtual(const struct fake_part *tensor)
{
    return fake_integer_of(tensor, CUDNN_ATTR_TENSOR_IS_VIRTUAL, 0) != 0;
}

void fake_finalize_tensor(struct fake_part *part)
{
    struct fake_tensor *tensor = &part->tensor;
    const int           align = int_of(part, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 0, 1);

    tensor->set = true;
    tensor->type = (cudnnDataType_t)fake_integer_of(part, CUDNN_ATTR_TENSOR_DATA_TYPE, 0);
    for (int d = 0; d < 4; d++) {
        tensor->dims[d] = int_of(part, CUDNN_ATTR_TENSOR_DIMENSIONS, d, 1);
        tensor->strides[d] = int_of(part, CUDNN_ATTR_TENSOR_STRIDES, d, 1);
    }
    fake_check_tensor(tensor);
    if (align < 16 || align > FAKE_ALIGN || (align & (align - 1)) != 0)
        fake_misuse("CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT", "%d is not 16, 32 and so on to %d", align,
                    FAKE_ALIGN);
    if (fake_is_virtual(part) && tensor->type != CUDNN_DATA_FLOAT)
        fake_misuse("CUDNN_ATTR_TENSOR_DATA_TYPE", "virtual, and data type %d: it is float32",
                    (int)tensor->type);
}

void fake_finalize_windows(struct fake_part *part)
{
    struct fake_convolution *by = &part->convolution;

    must_be(part, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, 2);
    must_be(part, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT);
    must_be(part, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
    for (int d = 0; d < 2; d++) {
        by->pad[d] = int_of(part, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, d, 0);
        by->stride[d] = int_of(part, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, d, 1);
        by->dilation[d] = int_of(part, CUDNN_ATTR_CONVOLUTION_DILATIONS, d, 1);
        if (int_of(part, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, d, 0) != by->pad[d])
            fake_misuse("CUDNN_ATTR_CONVOLUTION_POST_PADDINGS",
                        "is not as PRE_PADDINGS: this project pads such images itself");
    }
    by->set = true;
}

void fake_finalize_pointwise(struct fake_part *part)
{
    const bool relu =
        fake_integer_of(part, CUDNN_ATTR_POINTWISE_MODE, 0) == CUDNN_POINTWISE_RELU_FWD;

    if (!relu)
        must_be(part, CUDNN_ATTR_POINTWISE_MODE, CUDNN_POINTWISE_ADD);
    must_be(part, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
    part->work.relu = relu;
    part->work.cap = INFINITY;
    part->work.keeps_nan =
        fake_integer_of(part, CUDNN_ATTR_POINTWISE_NAN_PROPAGATION, 0) == CUDNN_PROPAGATE_NAN;
    if (!fake_value_of(part, CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP))
        return;
    part->work.cap = (float)double_of(part, CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP);
    if (!relu || !(part->work.cap > 0.0f))
        fake_misuse("CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP", "%g, of %s", (double)part->work.cap,
                    relu ? "a ReLU" : "no ReLU");
}

/* ---- operations ---- */

/* Attributes of a pass, by the roles of its tensors. */
struct pass_names {
    cudnnBackendAttributeName_t tensors[3], windows, alpha, beta;
};

static const struct pass_names passes[FAKE_PASSES] = {
    [FAKE_FORWARD] = {{CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                       CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                       CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y},
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
    [FAKE_TO_DATA] = {{CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                       CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY},
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                      CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
    [FAKE_TO_FILTER] = {{CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY},
                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                        CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA},
};

/* One number behind the other, with channels last or not; strides of one element mean nothing. */
static bool is_dense(const struct fake_tensor *t, bool last)
{
    const int *d = t->dims;
    const int  strides[2][4] = {{d[1] * d[2] * d[3], d[2] * d[3], d[3], 1},
                                {d[1] * d[2] * d[3], 1, d[3] * d[1], d[1]}};

    for (int k = 0; k < 4; k++)
        if (d[k] > 1 && t->strides[k] != strides[last][k])
            return false;
    return true;
}

/* Types and orders of memory; the result of a forward pass may be virtual. */
static void check_tensors(const struct fake_work *work, struct fake_part *const tensors[3],
                          const char *const names[3])
{
    bool rows = true, last = true;

    for (int k = 0; k < 3; k++) {
        const struct fake_tensor *t = &tensors[k]->tensor;
        const bool                inside = fake_is_virtual(tensors[k]);

        if (inside && (work->pass != FAKE_FORWARD || k != FAKE_Y))
            fake_misuse(names[k], "is virtual, and nothing writes or reads it");
        if (!inside && t->type != tensors[0]->tensor.type)
            fake_misuse(names[k], "data type %d, and that of %s is %d", (int)t->type, names[0],
                        (int)tensors[0]->tensor.type);
        rows &= is_dense(t, false);
        last &= is_dense(t, true);
        if (!rows && !last)
            fake_misuse(names[k], "does not lie as those before, densely, NCHW or NHWC");
    }
    if (work->x.type == CUDNN_DATA_BFLOAT16 && !last)
        fake_misuse(names[0], "bfloat16 is supported channels-last alone");
}

const struct fake_part *fake_tensor_of_pass(const struct fake_part *operation, enum fake_role role)
{
    return fake_link_of(operation, passes[operation->work.pass].tensors[role], 0);
}

void fake_finalize_convolution(struct fake_part *part, enum fake_pass pass)
{
    const struct pass_names *of = &passes[pass];
    struct fake_work        *work = &part->work;
    struct fake_part        *tensors[3];
    const char              *names[3];

    for (int k = 0; k < 3; k++) {
        tensors[k] = fake_link_of(part, of->tensors[k], 0);
        names[k] = fake_row_text(part->type, of->tensors[k]);
    }
    *work = (struct fake_work){.pass = pass,
                               .convolution = fake_link_of(part, of->windows, 0)->convolution,
                               .x = tensors[0]->tensor,
                               .w = tensors[1]->tensor,
                               .y = tensors[2]->tensor,
                               .alpha = float_of(part, of->alpha),
                               .beta = float_of(part, of->beta)};
    if (work->alpha != 1.0f)
        fake_misuse(fake_row_text(part->type, of->alpha), "%g is not 1", (double)work->alpha);
    if (work->beta != 0.0f && (work->beta != 1.0f || fake_is_virtual(tensors[FAKE_Y])))
        fake_misuse(fake_row_text(part->type, of->beta), "%g: nothing to add it to",
                    (double)work->beta);
    work->convolution.groups = work->x.dims[1] / work->w.dims[1];
    if (work->convolution.groups < 1)
        fake_misuse(names[1], "filters of %d channels, of %d", work->w.dims[1], work->x.dims[1]);
    fake_check_shapes(work, names);
    check_tensors(work, tensors, names);
    if (work->x.type == CUDNN_DATA_BFLOAT16)
        fake_check_eights(work, names[1]);
}

/* Whether a tensor has one number for each channel of another. */
bool fake_is_one_a_channel(const struct fake_tensor *t, const struct fake_tensor *of)
{
    return t->dims[0] == 1 && t->dims[1] == of->dims[1] && t->dims[2] == 1 && t->dims[3] == 1;
}

void fake_finalize_operation(struct fake_part *part)
{
    const struct fake_part *how =
        fake_link_of(part, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, 0);
    const struct fake_part *x = fake_link_of(part, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, 0);
    const struct fake_part *y = fake_link_of(part, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, 0);
    const struct fake_part *b = fake_link_of(part, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, 0);

    if (how->work.relu != !b)
        fake_misuse("CUDNN_ATTR_OPERATION_POINTWISE_BDESC",
                    b ? "a ReLU takes one tensor" : "was never set, and a sum has two");
    if (!fake_same_dims(&x->tensor, &y->tensor))
        fake_misuse("CUDNN_ATTR_OPERATION_POINTWISE_YDESC", "has not the dimensions of XDESC");
    if (b && (fake_is_virtual(b) || (!fake_same_dims(&b->tensor, &x->tensor) &&
                                     !fake_is_one_a_channel(&b->tensor, &x->tensor))))
        fake_misuse("CUDNN_ATTR_OPERATION_POINTWISE_BDESC",
                    "is virtual, or neither as XDESC nor one number a channel");
}
