/* optimizer.h - the arithmetic of optimisers, over flat arrays.
 *
 * Arrays may have any order, padding included: padding that is zero in weights
 * and gradients stays zero in everything. n counts floats.
 */
#ifndef KERN_OPTIMIZER_H
#define KERN_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What changes from step to step, where a device keeps it: kernels that are queued again read it there.
 * steps: how many there were, low word first. */
struct kern_now {
    float    lr, scale, keep, step, root; /* as below */
    uint32_t steps[2];
};

/* One step of stochastic gradient descent (Sutskever and others 2013 as
 * PyTorch has it): g = scale gradient + decay w; buffer = first ? g : momentum
 * buffer + g; w -= lr (nesterov ? g + momentum buffer : buffer). Without momentum
 * the buffer is not touched and may be NULL. */
struct kern_sgd {
    float lr, momentum, decay, scale;
    bool  nesterov, first;

    const struct kern_now *now; /* the device's, instead of lr and scale; on the CPU NULL */
};
void kern_sgd_step(const struct kern_sgd *sgd, float *weights, const float *gradient, float *buffer,
                   size_t n);

/* One step of Adam with decoupled weight decay (Loshchilov and Hutter 2019 as
 * PyTorch has it): g = scale gradient; w *= keep; mean = beta1 mean + rest1 g; square =
 * beta2 square + rest2 g^2; w -= step mean / (root sqrt(square) + epsilon). */
struct kern_adamw {
    float keep;         /* 1 - lr decay */
    float beta1, beta2; /* of the running means */
    float rest1, rest2; /* 1 - beta, which float beta would not give */
    float epsilon;
    float step; /* lr / (1 - beta1^t), t = 1 in the first step */
    float root; /* 1 / sqrt(1 - beta2^t) */
    float scale;

    const struct kern_now
        *now;    /* the device's, instead of keep, step, root, scale; on the CPU NULL; */
    bool decays; /* ... false: keep is 1 all the same */
};
void kern_adamw_step(const struct kern_adamw *adamw, float *weights, const float *gradient,
                     float *mean, float *square, size_t n);

/* average = decay average + (1 - decay) value. */
void kern_average(float *average, const float *value, double decay, size_t n);

/* Sum of squares in double precision; its order is that of the array, whatever
 * the machine. */
double kern_square_sum(const float *values, size_t n);

#ifdef __cplusplus
}
#endif

#endif
