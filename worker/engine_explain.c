/* What an image does to the loss: the gradient that goes on to the input. */
#include <string.h>

#include "worker/engine_parts.h"

/* Gradient of the summed loss by the logits; images that only fill up the batch
 * have none. */
static int start_from_loss(const struct worker_engine *engine, struct engine_plan *plan,
                           const uint32_t *labels, uint32_t n, struct mx_err *err)
{
    const uint32_t             last = engine->net.nlayers - 1;
    const struct engine_layer *logits = &plan->layers[last];
    const struct kern_loss     of = {.logits = kern_tensor_data(logits->tensors.dst),
                                     .y_a = labels,
                                     .y_b = labels,
                                     .n = n,
                                     .classes = engine->net.layers[last].channels,
                                     .summed = true,
                                     .gradient = kern_tensor_data(logits->grad)};
    double                     sum;

    plan->on->zero(plan->nn, of.gradient, kern_tensor_bytes(logits->grad));
    return plan->on->loss(plan->nn, &of, &sum, err);
}

int worker_engine_image_gradient(struct worker_engine *engine, const float *images,
                                 const uint32_t *labels, uint32_t n, float *gradient,
                                 struct mx_err *err)
{
    struct engine_plan        *plan = &engine->explaining;
    const struct worker_layer *input = &engine->net.layers[0];
    const size_t               image = (size_t)input->channels * input->height * input->width;
    float                     *own;

    if (n == 0 || n > plan->n)
        return mx_fail(err, MX_EINTERNAL, "the gradient of %u images, of at most %u", n, plan->n);
    own = kern_tensor_data(plan->layers[0].tensors.dst);
    if (engine_bring(engine, own, images, n * image, err))
        return -1;
    plan->on->zero(plan->nn, own + n * image, (plan->n - n) * image * sizeof *own);
    if (engine_forward(engine, plan, err) || start_from_loss(engine, plan, labels, n, err) ||
        engine_backward(engine, plan, err))
        return -1;
    return plan->on->get(plan->nn, gradient, kern_tensor_data(plan->layers[0].grad),
                         n * image * sizeof *gradient, err);
}
