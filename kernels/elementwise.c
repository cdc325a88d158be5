/* "omp simd" promises that no element depends on another: outputs may be the
 * very arrays that are read, which compilers would otherwise have to rule out. */
#include "kernels/elementwise.h"

#include <math.h>
#include <string.h>

void kern_add(float *out, const float *a, const float *b, size_t n, bool relu)
{
    if (relu)
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            float sum = a[i] + b[i];

            out[i] = sum < 0 ? 0 : sum; /* a NaN stays one */
        }
    else
#pragma omp simd
        for (size_t i = 0; i < n; i++)
            out[i] = a[i] + b[i];
}

void kern_relu(float *out, const float *in, size_t n, float cap)
{
    const float top = cap > 0 ? cap : INFINITY;

#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float x = in[i] < 0 ? 0 : in[i]; /* a NaN stays one */

        out[i] = x > top ? top : x;
    }
}

void kern_relu_backward(float *gradient, const float *y, size_t n, float cap, float drop)
{
    const float scale = 1 / (1 - drop), top = cap > 0 ? cap : INFINITY;

#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        float part = scale * gradient[i];

        gradient[i] = y[i] < top ? part : 0;
    }
}

void kern_dropout(float *data, size_t n, float drop, struct mx_rng *rng)
{
    const float scale = 1 / (1 - drop);

    for (size_t i = 0; i < n; i++)
        data[i] = mx_rng_uniform(rng) < (double)drop ? 0 : scale * data[i];
}

void kern_add_backward(float *out, const float *a, const float *b, const float *y, size_t n)
{
    if (b && y)
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            float sum = a[i] + b[i];

            out[i] = y[i] > 0 ? sum : 0;
        }
    else if (y)
#pragma omp simd
        for (size_t i = 0; i < n; i++) {
            float part = a[i];

            out[i] = y[i] > 0 ? part : 0;
        }
    else if (b)
        kern_add(out, a, b, n, false);
    else if (out != a)
        memcpy(out, a, n * sizeof *out);
}

void kern_running(float *running, const float *batch, size_t n, double rate, double scale)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        running[i] = (float)((1 - rate) * running[i] + rate * scale * batch[i]);
}

/* log(sum(exp(row))), safe for logits of any size. */
static double log_sum_exp(const float *row, uint32_t classes)
{
    double top = row[0], sum = 0;

    for (uint32_t c = 1; c < classes; c++)
        if (!(row[c] <= top)) /* a NaN becomes the top, and the result */
            top = row[c];
    for (uint32_t c = 0; c < classes; c++)
        sum += exp(row[c] - top);
    return top + log(sum);
}

/* Cross-entropy of a row with every class alike. */
static double blank_loss(const float *row, uint32_t classes, double norm)
{
    double sum = 0;

    for (uint32_t c = 0; c < classes; c++)
        sum += norm - row[c];
    return sum / classes;
}

double kern_softmax_loss(const float *logits, const uint32_t *y_a, const uint32_t *y_b,
                         const float *lambda, double smoothing, uint32_t n, uint32_t classes,
                         float *gradient)
{
    const double keep = 1 - smoothing, blank = smoothing / classes;
    double       total = 0;

    for (uint32_t i = 0; i < n; i++) {
        const float *row = logits + (size_t)i * classes;
        double       norm = log_sum_exp(row, classes), part = lambda[i];

        total += keep * (part * (norm - row[y_a[i]]) + (1 - part) * (norm - row[y_b[i]]));
        if (smoothing > 0)
            total += smoothing * blank_loss(row, classes, norm);
        for (uint32_t c = 0; gradient && c < classes; c++) {
            double target = (c == y_a[i] ? part : 0) + (c == y_b[i] ? 1 - part : 0);

            gradient[(size_t)i * classes + c] =
                (float)((exp(row[c] - norm) - (keep * target + blank)) / n);
        }
    }
    return total / n;
}

double kern_softmax_target_loss(const float *logits, const float *targets, double smoothing,
                                uint32_t n, uint32_t classes, float *gradient)
{
    const double keep = 1 - smoothing, blank = smoothing / classes;
    double       total = 0;

    for (uint32_t i = 0; i < n; i++) {
        const float *row = logits + (size_t)i * classes, *target = targets + (size_t)i * classes;
        double       norm = log_sum_exp(row, classes);

        for (uint32_t c = 0; c < classes; c++)
            total += keep * target[c] * (norm - row[c]);
        if (smoothing > 0)
            total += smoothing * blank_loss(row, classes, norm);
        for (uint32_t c = 0; gradient && c < classes; c++)
            gradient[(size_t)i * classes + c] =
                (float)((exp(row[c] - norm) - (keep * target[c] + blank)) / n);
    }
    return total / n;
}

void kern_mix_rows(float *out, const float *in, const float *share, const uint32_t *partner,
                   uint32_t n, size_t width)
{
    for (uint32_t i = 0; i < n; i++) {
        const float *own = in + i * width, *other = in + partner[i] * width;
        const float  first = share[i], second = 1 - share[i];
        float       *row = out + i * width;

#pragma omp simd
        for (size_t k = 0; k < width; k++)
            row[k] = first * own[k] + second * other[k];
    }
}

void kern_mix_rows_backward(float *out, const float *gradient, const float *share,
                            const uint32_t *partner, uint32_t n, size_t width)
{
    for (uint32_t i = 0; i < n; i++) {
        const float first = share[i];

#pragma omp simd
        for (size_t k = 0; k < width; k++)
            out[i * width + k] = first * gradient[i * width + k];
    }
    for (uint32_t i = 0; i < n; i++) {
        const float second = 1 - share[i];
        float      *row = out + partner[i] * width;

#pragma omp simd
        for (size_t k = 0; k < width; k++)
            row[k] += second * gradient[i * width + k];
    }
}
