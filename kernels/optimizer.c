/* "omp simd" as in elementwise.c: no element depends on another. */
#include "kernels/optimizer.h"

#include <math.h>

void kern_sgd_step(const struct kern_sgd *sgd, float *weights, const float *gradient, float *buffer,
                   size_t n)
{
    const float lr = sgd->lr, momentum = sgd->momentum, decay = sgd->decay, scale = sgd->scale;

    if (momentum == 0) {
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            weights[i] -= lr * (scale * gradient[i] + decay * weights[i]);
        return;
    }
#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float g = scale * gradient[i] + decay * weights[i];
        float kept = sgd->first ? g : momentum * buffer[i] + g;

        buffer[i] = kept;
        weights[i] -= lr * (sgd->nesterov ? g + momentum * kept : kept);
    }
}

void kern_adamw_step(const struct kern_adamw *adamw, float *weights, const float *gradient,
                     float *mean, float *square, size_t n)
{
    const struct kern_adamw a = *adamw;

#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float g = a.scale * gradient[i];

        mean[i] = a.beta1 * mean[i] + a.rest1 * g;
        square[i] = a.beta2 * square[i] + a.rest2 * (g * g);
        weights[i] =
            a.keep * weights[i] - a.step * (mean[i] / (a.root * sqrtf(square[i]) + a.epsilon));
    }
}

void kern_average(float *average, const float *value, double decay, size_t n)
{
    const float rest = (float)(1 - decay);

#pragma omp simd
    for (size_t i = 0; i < n; i++)
        average[i] += rest * (value[i] - average[i]);
}

double kern_square_sum(const float *values, size_t n)
{
    enum {
        LANES = 8
    };
    double lane[LANES] = {0}, sum = 0;
    size_t whole = n / LANES * LANES;

    for (size_t i = 0; i < whole; i += LANES)
#pragma omp simd
        for (size_t k = 0; k < LANES; k++)
            lane[k] += (double)values[i + k] * (double)values[i + k];
    for (size_t i = whole; i < n; i++)
        lane[i - whole] += (double)values[i] * (double)values[i];
    for (size_t k = 0; k < LANES; k++)
        sum += lane[k];
    return sum;
}
