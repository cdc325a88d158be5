#include "worker/linear_head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/selection.h"

static size_t weights_of(const struct worker_features *features)
{
    return (size_t)features->classes * features->dims;
}

int worker_linear_new(const struct worker_features *features, struct worker_linear *linear,
                      struct mx_err *err)
{
    const size_t nw = weights_of(features), classes = features->classes;

    *linear = (struct worker_linear){.features = features};
    linear->w = calloc(nw, sizeof *linear->w);
    linear->b = calloc(classes, sizeof *linear->b);
    linear->gradient_w = calloc(nw, sizeof *linear->gradient_w);
    linear->gradient_b = calloc(classes, sizeof *linear->gradient_b);
    linear->share = calloc(classes, sizeof *linear->share);
    if (linear->w && linear->b && linear->gradient_w && linear->gradient_b && linear->share)
        return 0;
    worker_linear_free(linear);
    return mx_fail(err, MX_ENOMEM, "no memory for a head of %zu weights", nw);
}

void worker_linear_free(struct worker_linear *linear)
{
    free(linear->w);
    free(linear->b);
    free(linear->gradient_w);
    free(linear->gradient_b);
    free(linear->share);
    memset(linear, 0, sizeof *linear);
}

void worker_linear_reset(struct worker_linear *linear)
{
    memset(linear->w, 0, weights_of(linear->features) * sizeof *linear->w);
    memset(linear->b, 0, linear->features->classes * sizeof *linear->b);
}

void worker_linear_take_erm(struct worker_linear *linear)
{
    memcpy(linear->w, linear->features->head_w, weights_of(linear->features) * sizeof *linear->w);
    memcpy(linear->b, linear->features->head_b, linear->features->classes * sizeof *linear->b);
    worker_head_round(linear->features, linear->w, linear->b);
}

/* Logits to probabilities in place; the cross-entropy. */
static double softmax(double *logits, uint32_t classes, uint32_t label)
{
    double largest = logits[0], sum, loss;

    for (uint32_t c = 1; c < classes; c++)
        largest = fmax(largest, logits[c]);
    sum = exp(logits[0] - largest);
    for (uint32_t c = 1; c < classes; c++)
        sum += exp(logits[c] - largest);
    loss = log(sum) + (largest - logits[label]);
    for (uint32_t c = 0; c < classes; c++)
        logits[c] = exp(logits[c] - largest) / sum;
    return loss;
}

double worker_linear_loss(const struct worker_linear *linear, const struct worker_rows *rows,
                          uint32_t i, double *probability)
{
    const uint32_t classes = linear->features->classes;
    double        *share = probability ? probability : linear->share;

    for (uint32_t c = 0; c < classes; c++)
        share[c] = worker_row_dot(rows, i, linear->w + (size_t)c * rows->dims) + linear->b[c];
    return softmax(share, classes, worker_row_label(rows, i));
}

double worker_linear_gradient(struct worker_linear *linear, const struct worker_rows *rows,
                              const double *weight)
{
    const uint32_t classes = linear->features->classes;
    double         loss = 0;

    memset(linear->gradient_w, 0, weights_of(linear->features) * sizeof *linear->gradient_w);
    memset(linear->gradient_b, 0, classes * sizeof *linear->gradient_b);
    for (uint32_t i = 0; i < rows->n; i++) {
        double by = weight ? weight[i] : 1.0 / rows->n;

        loss += by * worker_linear_loss(linear, rows, i, NULL);
        linear->share[worker_row_label(rows, i)] -= 1;
        for (uint32_t c = 0; c < classes; c++) {
            worker_row_add(rows, i, by * linear->share[c],
                           linear->gradient_w + (size_t)c * rows->dims);
            linear->gradient_b[c] += by * linear->share[c];
        }
    }
    return loss;
}

void worker_linear_descend(struct worker_linear *linear, double lr)
{
    const size_t nw = weights_of(linear->features);

    for (size_t k = 0; k < nw; k++)
        linear->w[k] -= lr * linear->gradient_w[k];
    for (uint32_t c = 0; c < linear->features->classes; c++)
        linear->b[c] -= lr * linear->gradient_b[c];
    worker_head_round(linear->features, linear->w, linear->b);
}

int worker_linear_adam_new(const struct worker_features *features, struct worker_linear_adam *adam,
                           struct mx_err *err)
{
    const size_t n = weights_of(features) + features->classes;

    *adam = (struct worker_linear_adam){.mean = calloc(n, sizeof *adam->mean),
                                        .square = calloc(n, sizeof *adam->square)};
    if (adam->mean && adam->square)
        return 0;
    worker_linear_adam_free(adam);
    return mx_fail(err, MX_ENOMEM, "no memory for Adam's moments of %zu weights", n);
}

void worker_linear_adam_free(struct worker_linear_adam *adam)
{
    free(adam->mean);
    free(adam->square);
    memset(adam, 0, sizeof *adam);
}

struct adam_rates {
    double step, root; /* lr / (1 - .9^t), 1 / sqrt(1 - .999^t) */
};

static void adam_move(const struct adam_rates *rates, double *w, const double *gradient,
                      double *mean, double *square, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        mean[k] = 0.9 * mean[k] + (1 - 0.9) * gradient[k];
        square[k] = 0.999 * square[k] + (1 - 0.999) * gradient[k] * gradient[k];
        w[k] -= rates->step * mean[k] / (rates->root * sqrt(square[k]) + 1e-8);
    }
}

void worker_linear_adam_step(struct worker_linear *linear, struct worker_linear_adam *adam,
                             double lr)
{
    const size_t            nw = weights_of(linear->features);
    const double            t = (double)++adam->step;
    const struct adam_rates rates = {lr / (1 - pow(0.9, t)), 1 / sqrt(1 - pow(0.999, t))};

    adam_move(&rates, linear->w, linear->gradient_w, adam->mean, adam->square, nw);
    adam_move(&rates, linear->b, linear->gradient_b, adam->mean + nw, adam->square + nw,
              linear->features->classes);
    worker_head_round(linear->features, linear->w, linear->b);
}
