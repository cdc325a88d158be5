/* The loss on a GPU: labels or targets brought, kernels, and the sum over the images by the host. */
#include <stdlib.h>

#include "kernels/launch.h"
#include "kernels/nn_cuda.h"

/* A target takes less than a double. */
size_t kern_cuda_loss_bytes(size_t n, size_t targets)
{
    return (5 * n + targets + 1) * sizeof(double);
}

/* Where labels or targets lie, and what becomes of each image; the arrays that are brought are one
 * behind the other, from `brought` on. */
static struct kern_softmax_args loss_args(const struct cuda *cuda, const struct kern_loss *loss)
{
    struct kern_softmax_args args = {.logits = loss->logits,
                                     .n = loss->n,
                                     .classes = loss->classes,
                                     .keep = 1 - loss->smoothing,
                                     .blank = loss->smoothing / loss->classes,
                                     .gradient = loss->gradient,
                                     .divisor = loss->summed ? 1 : loss->n};
    const float             *brought;

    args.loss = cuda->rows;
    args.norm = args.loss + loss->n;
    brought = (const float *)(const void *)(args.norm + loss->n);
    if (loss->targets) {
        args.targets = brought;
        return args;
    }
    args.y_a = (const uint32_t *)(const void *)brought;
    args.y_b = args.y_a + loss->n;
    args.lambda = loss->lambda ? brought + 2 * (size_t)loss->n : NULL;
    return args;
}

int kern_cuda_bring_loss(struct kern_nn *nn, const struct kern_loss *loss, struct mx_err *err)
{
    struct cuda *cuda = cuda_of(nn);
    const size_t n = loss->n, targets = loss->targets ? n * loss->classes : 0;
    const size_t bytes = n * sizeof(float), brought = 2 * n * sizeof(double);
    char        *at;

    if (kern_cuda_room(cuda, &cuda->rows, &cuda->rows_bytes, kern_cuda_loss_bytes(n, targets), err))
        return -1;
    at = (char *)cuda->rows + brought;
    if (loss->targets)
        return kern_device_cuda.put(nn, at, loss->targets, targets * sizeof(float), err);
    if (kern_device_cuda.put(nn, at, loss->y_a, bytes, err) ||
        kern_device_cuda.put(nn, at + bytes, loss->y_b, bytes, err))
        return -1;
    return loss->lambda ? kern_device_cuda.put(nn, at + 2 * bytes, loss->lambda, bytes, err) : 0;
}

void kern_cuda_queue_loss(struct kern_nn *nn, const struct kern_loss *loss)
{
    struct cuda                            *cuda = cuda_of(nn);
    const struct kern_softmax_args          args = loss_args(cuda, loss);
    const struct kern_softmax_norm_args     norm = {loss->n, args};
    const struct kern_softmax_loss_args     each = {loss->n, args};
    const struct kern_softmax_gradient_args gradient = {(size_t)loss->n * loss->classes, args};

    LAUNCH(cuda, softmax_norm, &norm);
    LAUNCH(cuda, softmax_loss, &each);
    if (loss->gradient)
        LAUNCH(cuda, softmax_gradient, &gradient);
}

int kern_cuda_tell_loss(struct kern_nn *nn, const struct kern_loss *loss, double *value,
                        struct mx_err *err)
{
    const struct kern_softmax_args args = loss_args(cuda_of(nn), loss);
    double                        *losses = malloc(args.n * sizeof *losses);
    int                            result;

    if (!losses)
        return mx_fail(err, MX_ENOMEM, "no memory for the losses of %u images", args.n);
    result = kern_device_cuda.get(nn, losses, args.loss, args.n * sizeof *losses, err);
    *value = 0;
    for (uint32_t i = 0; result == 0 && i < args.n; i++)
        *value += losses[i];
    *value /= args.divisor;
    free(losses);
    return result;
}

int kern_cuda_loss(struct kern_nn *nn, const struct kern_loss *loss, double *value,
                   struct mx_err *err)
{
    if (kern_cuda_bring_loss(nn, loss, err))
        return -1;
    kern_cuda_queue_loss(nn, loss);
    return kern_cuda_tell_loss(nn, loss, value, err);
}
