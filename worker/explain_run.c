/* An explainer at work: outputs, then gradients of one logit an image. */
#include <string.h>

#include "worker/explain_parts.h"

size_t explain_pixels(const struct worker_explainer *explainer)
{
    const struct worker_layer *input = &explainer->net->layers[0];

    return (size_t)input->height * input->width;
}

size_t explain_image_floats(const struct worker_explainer *explainer)
{
    return explain_pixels(explainer) * explainer->net->layers[0].channels;
}

struct kern_map_sides explain_sides(const struct worker_explainer *explainer, uint32_t n)
{
    const struct worker_layer *input = &explainer->net->layers[0];

    return (struct kern_map_sides){n, input->channels, input->height, input->width};
}

float *explain_input(const struct worker_explainer *explainer)
{
    return kern_tensor_data(explainer->layers[0].value);
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
    const struct kern_device   *on = explainer->on;
    float                      *value = kern_tensor_data(at->value);
    const float                *in = kern_tensor_data(explainer->layers[desc->inputs[0]].value);
    const size_t                n = explain_floats(at->value);

    if (desc->kind == WORKER_ADD)
        on->add(explainer->nn, value, in,
                kern_tensor_data(explainer->layers[desc->inputs[1]].value), n, desc->relu);
    else if (desc->kind == WORKER_RELU)
        on->relu(explainer->nn, value, in, n, desc->cap);
    else if (at->op && kern_op_forward(at->op, err))
        return -1;
    if (desc->kind == WORKER_NORM && desc->relu)
        on->relu(explainer->nn, value, value, n, 0);
    return 0;
}

int explain_run(struct worker_explainer *explainer, uint32_t n, struct mx_err *err)
{
    const size_t image = explain_image_floats(explainer);

    explainer->on->zero(explainer->nn, explain_input(explainer) + n * image,
                        (explainer->n - n) * image * sizeof(float));
    for (uint32_t l = 1; l < explainer->net->nlayers; l++)
        if (forward_layer(explainer, l, err))
            return -1;
    return 0;
}

int explain_forward(struct worker_explainer *explainer, const float *images, uint32_t n,
                    struct mx_err *err)
{
    return explainer->on->put(explainer->nn, explain_input(explainer), images,
                              n * explain_image_floats(explainer) * sizeof *images, err)
               ? -1
               : explain_run(explainer, n, err);
}

const float *explain_logits(struct worker_explainer *explainer, uint32_t n, struct mx_err *err)
{
    const float *logits = kern_tensor_data(explainer->layers[explainer->net->nlayers - 1].value);

    if (explainer->on->host)
        return logits;
    return explainer->on->get(explainer->nn, explainer->logits, logits,
                              n * explain_classes(explainer) * sizeof *logits, err)
               ? NULL
               : explainer->logits;
}

int explain_take_maps(struct worker_explainer *explainer, uint32_t n, float *maps,
                      struct mx_err *err)
{
    return explainer->on->get(explainer->nn, maps, explainer->maps,
                              n * explain_pixels(explainer) * sizeof *maps, err);
}

void *explain_room(struct worker_explainer *explainer, size_t bytes, bool zeros, struct mx_err *err)
{
    void *room = explainer->on->alloc(explainer->nn, KERN_ALIGN, bytes, err);

    if (!room)
        mx_err_prefix(err, "explaining %u images at a time", explainer->n);
    else if (zeros)
        explainer->on->zero(explainer->nn, room, bytes);
    return room;
}

void explain_room_free(struct worker_explainer *explainer, void *room)
{
    explainer->on->release(explainer->nn, room);
}

int worker_explainer_predict(void *explainer, const float *images, uint32_t n, float *logits,
                             struct mx_err *err)
{
    struct worker_explainer *own = explainer;
    const size_t             image = explain_image_floats(own), classes = explain_classes(own);

    for (uint32_t done = 0; done < n; done += own->n) {
        const uint32_t some = n - done < own->n ? n - done : own->n;
        const float   *rows;

        if (explain_forward(own, images + done * image, some, err) ||
            !(rows = explain_logits(own, some, err)))
            return -1;
        memcpy(logits + done * classes, rows, some * classes * sizeof *logits);
    }
    return 0;
}

void explain_give(struct worker_explainer *explainer, uint32_t layer, const float *data)
{
    struct explain_layer *at = &explainer->layers[layer];
    float                *grad = kern_tensor_data(at->grad);

    if (at->filled)
        explainer->on->add(explainer->nn, grad, grad, data, explain_floats(at->grad), false);
    else if (data != grad)
        explainer->on->copy(explainer->nn, grad, data, kern_tensor_bytes(at->grad));
    at->filled = true;
}

/* The gradient goes through a ReLU where its output says that the input was positive
 * (and below the cap); guided, only where the gradient is positive too. */
static void through_relu(const struct worker_explainer *explainer, uint32_t l,
                         enum explain_mode mode)
{
    const struct kern_device *on = explainer->on;
    const float               cap = explainer->net->layers[l].cap;
    const size_t              n = explain_floats(explainer->layers[l].grad);
    float                    *grad = kern_tensor_data(explainer->layers[l].grad);
    const float              *value = kern_tensor_data(explainer->layers[l].value);

    on->add_backward(explainer->nn, grad, grad, NULL, value, n);
    if (cap > 0)
        on->relu_backward(explainer->nn, grad, value, n, cap, 0);
    if (mode == EXPLAIN_GUIDED)
        on->relu(explainer->nn, grad, grad, n, 0);
}

static int backward_layer(struct worker_explainer *explainer, uint32_t l, enum explain_mode mode,
                          struct mx_err *err)
{
    const struct worker_layer  *desc = &explainer->net->layers[l];
    const struct explain_layer *at = &explainer->layers[l];

    if (desc->relu)
        through_relu(explainer, l, mode);
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

int explain_start(struct worker_explainer *explainer, const uint32_t *targets, const float *values,
                  uint32_t n, struct mx_err *err)
{
    const uint32_t            last = explainer->net->nlayers - 1;
    const size_t              classes = explain_classes(explainer);
    const struct kern_tensor *grad = explainer->layers[last].grad;
    float                    *start = explainer->logits;

    for (uint32_t l = 0; l <= last; l++)
        explainer->layers[l].filled = false;
    for (uint32_t i = 0; i < n; i++) {
        const float value = values ? values[i * classes + targets[i]] : 1;

        memset(start + i * classes, 0, classes * sizeof *start);
        start[i * classes + targets[i]] = value;
    }
    explainer->on->zero(explainer->nn, kern_tensor_data(grad), kern_tensor_bytes(grad));
    return explainer->on->put(explainer->nn, kern_tensor_data(grad), start,
                              n * classes * sizeof *start, err);
}

int explain_backward(struct worker_explainer *explainer, const uint32_t *targets, uint32_t n,
                     enum explain_mode mode, uint32_t until, struct mx_err *err)
{
    if (explain_start(explainer, targets, NULL, n, err))
        return -1;
    for (uint32_t l = explainer->net->nlayers - 1; l > until; l--)
        if (backward_layer(explainer, l, mode, err))
            return -1;
    return 0;
}
