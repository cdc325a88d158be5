/* An explainer at work: outputs, then gradients of one logit an image. */
#include <string.h>

#include "kernels/elementwise.h"
#include "worker/explain_parts.h"

size_t explain_image_floats(const struct worker_explainer *explainer)
{
    const struct worker_layer *input = &explainer->net->layers[0];

    return (size_t)input->channels * input->height * input->width;
}

uint32_t explain_classes(const struct worker_explainer *explainer)
{
    return explainer->net->layers[explainer->net->nlayers - 1].channels;
}

size_t explain_floats(const struct kern_tensor *tensor)
{
    return kern_tensor_bytes(tensor) / sizeof(float);
}

static int forward_layer(struct worker_explainer *explainer, uint32_t l, struct mx_err *err)
{
    const struct worker_layer  *desc = &explainer->net->layers[l];
    const struct explain_layer *at = &explainer->layers[l];
    float                      *value = kern_tensor_data(at->value);
    const float                *in = kern_tensor_data(explainer->layers[desc->inputs[0]].value);
    const size_t                n = explain_floats(at->value);

    if (desc->kind == WORKER_ADD)
        kern_add(value, in, kern_tensor_data(explainer->layers[desc->inputs[1]].value), n,
                 desc->relu);
    else if (desc->kind == WORKER_RELU)
        kern_relu(value, in, n, desc->cap);
    else if (at->op && kern_op_forward(at->op, err))
        return -1;
    if (desc->kind == WORKER_NORM && desc->relu)
        kern_relu(value, value, n, 0);
    return 0;
}

int explain_forward(struct worker_explainer *explainer, const float *images, uint32_t n,
                    struct mx_err *err)
{
    const size_t image = explain_image_floats(explainer);
    float       *own = kern_tensor_data(explainer->layers[0].value);

    memcpy(own, images, n * image * sizeof *own);
    memset(own + n * image, 0, (explainer->n - n) * image * sizeof *own);
    for (uint32_t l = 1; l < explainer->net->nlayers; l++)
        if (forward_layer(explainer, l, err))
            return -1;
    return 0;
}

double explain_logit(const struct worker_explainer *explainer, uint32_t i, uint32_t label)
{
    const struct explain_layer *last = &explainer->layers[explainer->net->nlayers - 1];

    return kern_tensor_data(last->value)[(size_t)i * explain_classes(explainer) + label];
}

int worker_explainer_predict(void *explainer, const float *images, uint32_t n, float *logits,
                             struct mx_err *err)
{
    struct worker_explainer *own = explainer;
    const size_t             image = explain_image_floats(own), classes = explain_classes(own);

    for (uint32_t done = 0; done < n; done += own->n) {
        const uint32_t some = n - done < own->n ? n - done : own->n;

        if (explain_forward(own, images + done * image, some, err))
            return -1;
        memcpy(logits + done * classes, kern_tensor_data(own->layers[own->net->nlayers - 1].value),
               some * classes * sizeof *logits);
    }
    return 0;
}

void explain_give(struct worker_explainer *explainer, uint32_t layer, const float *data)
{
    struct explain_layer *at = &explainer->layers[layer];
    float                *grad = kern_tensor_data(at->grad);

    if (at->filled)
        kern_add(grad, grad, data, explain_floats(at->grad), false);
    else if (data != grad)
        memcpy(grad, data, kern_tensor_bytes(at->grad));
    at->filled = true;
}

/* The gradient goes through a ReLU where its output says that the input was positive
 * (and below the cap); guided, only where the gradient is positive too. */
static void through_relu(const struct worker_layer *desc, const struct explain_layer *at,
                         enum explain_mode mode)
{
    const size_t n = explain_floats(at->grad);
    float       *grad = kern_tensor_data(at->grad);
    const float *value = kern_tensor_data(at->value);

    kern_add_backward(grad, grad, NULL, value, n);
    if (desc->cap > 0)
        kern_relu_backward(grad, value, n, desc->cap, 0);
    if (mode == EXPLAIN_GUIDED)
        kern_relu(grad, grad, n, 0);
}

static int backward_layer(struct worker_explainer *explainer, uint32_t l, enum explain_mode mode,
                          struct mx_err *err)
{
    const struct worker_layer  *desc = &explainer->net->layers[l];
    const struct explain_layer *at = &explainer->layers[l];

    if (desc->relu)
        through_relu(desc, at, mode);
    if (at->folded) {
        explainer->layers[desc->inputs[0]].filled = true;
        return 0;
    }
    if (!at->op) {
        explain_give(explainer, desc->inputs[0], kern_tensor_data(at->grad));
        if (desc->kind == WORKER_ADD)
            explain_give(explainer, desc->inputs[1], kern_tensor_data(at->grad));
        return 0;
    }
    if (kern_op_backward(at->op, err))
        return -1;
    explain_give(explainer, desc->inputs[0], kern_tensor_data(at->gives));
    return 0;
}

int explain_backward(struct worker_explainer *explainer, const uint32_t *targets, uint32_t n,
                     enum explain_mode mode, uint32_t until, struct mx_err *err)
{
    const uint32_t last = explainer->net->nlayers - 1, classes = explain_classes(explainer);
    float         *start = kern_tensor_data(explainer->layers[last].grad);

    for (uint32_t l = 0; l <= last; l++)
        explainer->layers[l].filled = false;
    memset(start, 0, kern_tensor_bytes(explainer->layers[last].grad));
    for (uint32_t i = 0; i < n; i++)
        start[(size_t)i * classes + targets[i]] = 1;
    for (uint32_t l = last; l > until; l--)
        if (backward_layer(explainer, l, mode, err))
            return -1;
    return 0;
}
