/* Layer-wise relevance (Bach and others 2015; Montavon and others 2017): what a logit
 * is made of is handed back layer by layer. Through a convolution by the z-plus rule,
 *     R_i = sum_j [x_i w_ij]+ / sum_k [x_k w_kj]+  R_j ,
 * norms folded, biases left out; through a linear layer by the epsilon rule,
 *     R_i = sum_j x_i w_ij / (z_j + 1e-6 sign z_j) R_j ;
 * a mean hands it back in proportion to the values, a maximum to the largest, a sum in
 * proportion to the positive parts of its terms, a ReLU and a norm that cannot be
 * folded as it came. */
#include "worker/explain_parts.h"

static const float epsilon = 1e-6f;

/* One half of a convolution: positive inputs by positive weights, or negative ones by
 * negative ones. Its sums of both halves lie in slots, like all else that passes. */
static int build_part(struct worker_explainer *explainer, uint32_t l, int which, struct mx_err *err)
{
    const struct worker_layer *desc = &explainer->net->layers[l];
    struct explain_layer    *at = &explainer->layers[l], *in = &explainer->layers[desc->inputs[0]];
    struct explain_part     *part = &at->part[which];
    struct kern_op_shape     shape = explain_op_shape(desc);
    struct kern_op_tensors   tensors = {0};
    struct kern_op_gradients gradients = {0};

    shape.bias = false;
    part->src = in->positive ? in->value
                             : explain_hold(explainer, kern_tensor_like(in->value, err),
                                            which == 0 ? EXPLAIN_PLUS : EXPLAIN_MINUS, NULL, err);
    part->sum = explain_hold(explainer, kern_tensor_like(at->value, err),
                             which == 0 ? EXPLAIN_SUM_PLUS : EXPLAIN_SUM_MINUS, NULL, err);
    part->back = explain_hold(explainer, kern_tensor_like(in->value, err),
                              which == 0 ? EXPLAIN_BACK_PLUS : EXPLAIN_BACK_MINUS, NULL, err);
    part->weights =
        explain_hold(explainer, kern_tensor_like(at->weights, err), EXPLAIN_OWN, NULL, err);
    if (!part->src || !part->sum || !part->back || !part->weights)
        return -1;
    tensors.src = part->src;
    tensors.weights = part->weights;
    tensors.dst = part->sum;
    if (!(part->op = kern_op_new(explainer->nn, &shape, &tensors, err)))
        return -1;
    gradients.dst = part->sum;
    gradients.src = part->back;
    return kern_op_add_backward(part->op, &tensors, &gradients, err);
}

int explain_relevance_build(struct worker_explainer *explainer, uint32_t l, struct mx_err *err)
{
    const struct worker_layer *desc = &explainer->net->layers[l];
    struct explain_layer      *at = &explainer->layers[l];

    if (desc->kind == WORKER_ADD) {
        at->share =
            explain_hold(explainer, kern_tensor_like(at->value, err), EXPLAIN_SUM_PLUS, NULL, err);
        return at->share ? 0 : -1;
    }
    if (desc->kind != WORKER_CONV)
        return 0;
    if (build_part(explainer, l, 0, err))
        return -1;
    return explainer->layers[desc->inputs[0]].positive ? 0 : build_part(explainer, l, 1, err);
}

void explain_relevance_fill(struct worker_explainer *explainer, uint32_t l)
{
    const struct explain_layer *at = &explainer->layers[l];

    for (int p = 0; p < 2 && at->part[p].op; p++)
        explainer->on->maps->split(explainer->nn, kern_tensor_data(at->part[p].weights),
                                   kern_tensor_data(at->weights), explain_floats(at->weights),
                                   p == 0);
}

static int through_conv(struct worker_explainer *explainer, uint32_t l, struct mx_err *err)
{
    const struct kern_map_device *maps = explainer->on->maps;
    const struct explain_layer   *at = &explainer->layers[l];
    const uint32_t                from = explainer->net->layers[l].inputs[0];
    const struct explain_layer   *in = &explainer->layers[from];
    const int                     parts = at->part[1].op ? 2 : 1;
    const size_t                  n = explain_floats(at->grad), inputs = explain_floats(in->value);
    float                        *sum[2] = {NULL, NULL};

    for (int p = 0; p < parts; p++) {
        if (parts == 2)
            maps->split(explainer->nn, kern_tensor_data(at->part[p].src),
                        kern_tensor_data(in->value), inputs, p == 0);
        if (kern_op_forward(at->part[p].op, err))
            return -1;
        sum[p] = kern_tensor_data(at->part[p].sum);
    }
    maps->divide(explainer->nn, sum[0], kern_tensor_data(at->grad), sum[0], sum[1], n);
    if (parts == 2)
        explainer->on->copy(explainer->nn, sum[1], sum[0], n * sizeof *sum[1]);
    for (int p = 0; p < parts; p++) {
        float *back = kern_tensor_data(at->part[p].back);

        if (kern_op_backward(at->part[p].op, err))
            return -1;
        maps->multiply(explainer->nn, back, kern_tensor_data(at->part[p].src), inputs);
        explain_give(explainer, from, back);
    }
    return 0;
}

/* Linear layers (z with its bias, kept from 0 by epsilon) and means: the share of
 * each input is its product in the sum. */
static int through_sum(struct worker_explainer *explainer, uint32_t l, bool linear,
                       struct mx_err *err)
{
    const struct kern_map_device *maps = explainer->on->maps;
    const struct explain_layer   *at = &explainer->layers[l];
    const uint32_t                from = explainer->net->layers[l].inputs[0];
    const size_t                  n = explain_floats(at->grad);
    float                        *relevance = kern_tensor_data(at->grad);
    const float                  *z = kern_tensor_data(at->value);

    if (linear)
        maps->stabilise(explainer->nn, relevance, z, epsilon, n);
    else
        maps->divide(explainer->nn, relevance, relevance, z, NULL, n);
    if (kern_op_backward(at->op, err))
        return -1;
    maps->multiply(explainer->nn, kern_tensor_data(at->gives),
                   kern_tensor_data(explainer->layers[from].value), explain_floats(at->gives));
    explain_give(explainer, from, kern_tensor_data(at->gives));
    return 0;
}

static void through_add(struct worker_explainer *explainer, uint32_t l)
{
    const struct explain_layer *at = &explainer->layers[l];
    const uint32_t             *from = explainer->net->layers[l].inputs;
    float *relevance = kern_tensor_data(at->grad), *share = kern_tensor_data(at->share);

    explainer->on->maps->share(
        explainer->nn, share, relevance, kern_tensor_data(explainer->layers[from[0]].value),
        kern_tensor_data(explainer->layers[from[1]].value), explain_floats(at->grad));
    explain_give(explainer, from[0], share);
    explain_give(explainer, from[1], relevance);
}

static int through_layer(struct worker_explainer *explainer, uint32_t l, struct mx_err *err)
{
    const struct worker_layer  *desc = &explainer->net->layers[l];
    const struct explain_layer *at = &explainer->layers[l];

    switch (desc->kind) {
    case WORKER_CONV:
        return through_conv(explainer, l, err);
    case WORKER_LINEAR:
    case WORKER_POOL:
        return through_sum(explainer, l, desc->kind == WORKER_LINEAR, err);
    case WORKER_ADD:
        through_add(explainer, l);
        return 0;
    case WORKER_MAX:
        if (kern_op_backward(at->op, err))
            return -1;
        explain_give(explainer, desc->inputs[0], kern_tensor_data(at->gives));
        return 0;
    default:
        if (at->folded)
            explainer->layers[desc->inputs[0]].filled = true;
        else
            explain_give(explainer, desc->inputs[0], kern_tensor_data(at->grad));
        return 0;
    }
}

int explain_relevance(struct worker_explainer *explainer, const uint32_t *targets, uint32_t n,
                      struct mx_err *err)
{
    const float *logits = explain_logits(explainer, n, err);

    if (!logits || explain_start(explainer, targets, logits, n, err))
        return -1;
    for (uint32_t l = explainer->net->nlayers - 1; l > 0; l--)
        if (through_layer(explainer, l, err))
            return -1;
    return 0;
}
