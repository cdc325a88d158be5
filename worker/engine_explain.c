/* What an image does to the loss: the gradient that goes on to the input. */
#include <string.h>

#include "kernels/elementwise.h"
#include "worker/engine_parts.h"

/* Gradient of the summed loss by the logits; images that only fill up the batch
 * have none. */
static void start_from_loss(const struct worker_engine *engine, struct engine_plan *plan,
                            const uint32_t *labels, uint32_t n)
{
    static const float         whole = 1;
    const uint32_t             last = engine->net.nlayers - 1;
    const uint32_t             classes = engine->net.layers[last].channels;
    const struct engine_layer *logits = &plan->layers[last];

    memset(kern_tensor_data(logits->grad), 0, kern_tensor_bytes(logits->grad));
    for (uint32_t i = 0; i < n; i++)
        kern_softmax_loss(kern_tensor_data(logits->tensors.dst) + (size_t)i * classes, &labels[i],
                          &labels[i], &whole, 0, 1, classes,
                          kern_tensor_data(logits->grad) + (size_t)i * classes);
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
    memcpy(own, images, n * image * sizeof *own);
    memset(own + n * image, 0, (plan->n - n) * image * sizeof *own);
    if (engine_forward(engine, plan, err))
        return -1;
    start_from_loss(engine, plan, labels, n);
    if (engine_backward(engine, plan, err))
        return -1;
    memcpy(gradient, kern_tensor_data(plan->layers[0].grad), n * image * sizeof *gradient);
    return 0;
}
