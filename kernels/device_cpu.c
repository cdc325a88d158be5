/* The CPU's table: what elementwise.c, norm.c and optimizer.c do, on the host's memory. */
#include <stdlib.h>
#include <string.h>

#include "kernels/nn_parts.h"

static void *cpu_alloc(struct kern_nn *nn, size_t align, size_t bytes, struct mx_err *err)
{
    const size_t whole = (bytes + align - 1) / align * align;
    void        *memory = whole < bytes ? NULL : aligned_alloc(align, whole ? whole : align);

    (void)nn;
    if (!memory)
        mx_fail(err, MX_ENOMEM, "no memory for %zu bytes", bytes);
    return memory;
}

static void cpu_release(struct kern_nn *nn, void *memory)
{
    (void)nn;
    free(memory);
}

static void cpu_collect(struct kern_nn *nn)
{
    (void)nn; /* the host's memory has room for many allocations */
}

static int cpu_want(struct kern_nn *nn, void *place, size_t align, size_t bytes, struct mx_err *err)
{
    void *memory = cpu_alloc(nn, align, bytes, err);

    memcpy(place, &memory, sizeof memory); /* a pointer to any type */
    return memory ? 0 : -1;
}

static int cpu_settle(struct kern_nn *nn, const struct kern_expected *expected, struct mx_err *err)
{
    (void)nn;
    (void)expected;
    (void)err;
    return 0;
}

static int cpu_move(struct kern_nn *nn, void *to, const void *from, size_t bytes,
                    struct mx_err *err)
{
    (void)nn;
    (void)err;
    memcpy(to, from, bytes);
    return 0;
}

static void cpu_copy(struct kern_nn *nn, void *to, const void *from, size_t bytes)
{
    (void)nn;
    memcpy(to, from, bytes);
}

static void cpu_zero(struct kern_nn *nn, void *to, size_t bytes)
{
    (void)nn;
    memset(to, 0, bytes);
}

static void cpu_add(struct kern_nn *nn, float *out, const float *a, const float *b, size_t n,
                    bool relu)
{
    (void)nn;
    kern_add(out, a, b, n, relu);
}

static void cpu_relu(struct kern_nn *nn, float *out, const float *in, size_t n, float cap)
{
    (void)nn;
    kern_relu(out, in, n, cap);
}

static void cpu_relu_backward(struct kern_nn *nn, float *gradient, const float *y, size_t n,
                              float cap, float drop)
{
    (void)nn;
    kern_relu_backward(gradient, y, n, cap, drop);
}

static void cpu_dropout(struct kern_nn *nn, float *data, size_t n, float drop, struct mx_rng rng)
{
    (void)nn;
    kern_dropout(data, n, drop, &rng);
}

static void cpu_add_backward(struct kern_nn *nn, float *out, const float *a, const float *b,
                             const float *y, size_t n)
{
    (void)nn;
    kern_add_backward(out, a, b, y, n);
}

static void cpu_running(struct kern_nn *nn, float *running, const float *batch, size_t n,
                        double rate, double scale)
{
    (void)nn;
    kern_running(running, batch, n, rate, scale);
}

static void cpu_mix_rows(struct kern_nn *nn, float *out, const float *in,
                         const struct kern_rows *rows)
{
    (void)nn;
    kern_mix_rows(out, in, rows->share, rows->partner, rows->n, rows->width);
}

static void cpu_mix_rows_backward(struct kern_nn *nn, float *out, const float *gradient,
                                  const struct kern_rows *rows)
{
    (void)nn;
    kern_mix_rows_backward(out, gradient, rows->share, rows->partner, rows->n, rows->width);
}

static void cpu_norm_forward(struct kern_nn *nn, const struct kern_norm_sum *sum)
{
    (void)nn;
    kern_norm_forward(sum);
}

static void cpu_norm_backward(struct kern_nn *nn, const struct kern_norm_sum *sum,
                              const struct kern_norm_gradient *gradient)
{
    (void)nn;
    kern_norm_backward(sum, gradient);
}

static void cpu_sgd(struct kern_nn *nn, const struct kern_sgd *sgd, float *weights,
                    const float *gradient, float *buffer, size_t n)
{
    (void)nn;
    kern_sgd_step(sgd, weights, gradient, buffer, n);
}

static void cpu_adamw(struct kern_nn *nn, const struct kern_adamw *adamw, float *weights,
                      const float *gradient, float *mean, float *square, size_t n)
{
    (void)nn;
    kern_adamw_step(adamw, weights, gradient, mean, square, n);
}

static void cpu_average(struct kern_nn *nn, float *average, const float *value, double decay,
                        size_t n)
{
    (void)nn;
    kern_average(average, value, decay, n);
}

static int cpu_square_sum(struct kern_nn *nn, const float *values, size_t n, double *sum,
                          struct mx_err *err)
{
    (void)nn;
    (void)err;
    *sum = kern_square_sum(values, n);
    return 0;
}

/* Without lambda, which is 1 then, one row. */
static double loss_of_rows(const struct kern_loss *loss, uint32_t first, uint32_t n)
{
    static const float whole = 1;
    const size_t       at = (size_t)first * loss->classes;
    float             *gradient = loss->gradient ? loss->gradient + at : NULL;

    return loss->targets
               ? kern_softmax_target_loss(loss->logits + at, loss->targets + at, loss->smoothing, n,
                                          loss->classes, gradient)
               : kern_softmax_loss(loss->logits + at, loss->y_a + first, loss->y_b + first,
                                   loss->lambda ? loss->lambda + first : &whole, loss->smoothing, n,
                                   loss->classes, gradient);
}

static int cpu_loss(struct kern_nn *nn, const struct kern_loss *loss, double *value,
                    struct mx_err *err)
{
    (void)nn;
    (void)err;
    *value = 0;
    if (!loss->summed)
        *value = loss_of_rows(loss, 0, loss->n);
    for (uint32_t i = 0; loss->summed && i < loss->n; i++)
        *value += loss_of_rows(loss, i, 1);
    return 0;
}

const struct kern_device kern_device_cpu = {
    .kind = "cpu",
    .host = true,
    .alloc = cpu_alloc,
    .release = cpu_release,
    .collect = cpu_collect,
    .want = cpu_want,
    .settle = cpu_settle,
    .put = cpu_move,
    .get = cpu_move,
    .copy = cpu_copy,
    .zero = cpu_zero,
    .add = cpu_add,
    .relu = cpu_relu,
    .relu_backward = cpu_relu_backward,
    .dropout = cpu_dropout,
    .add_backward = cpu_add_backward,
    .running = cpu_running,
    .mix_rows = cpu_mix_rows,
    .mix_rows_backward = cpu_mix_rows_backward,
    .norm_forward = cpu_norm_forward,
    .norm_backward = cpu_norm_backward,
    .sgd = cpu_sgd,
    .adamw = cpu_adamw,
    .average = cpu_average,
    .square_sum = cpu_square_sum,
    .loss = cpu_loss,
    .maps = &kern_maps_cpu,
};
