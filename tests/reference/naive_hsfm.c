#include "tests/reference/naive_hsfm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* softmax(W x + b) */
static void softmax_of(const double *w, const double *b, const double *x, uint32_t dims,
                       uint32_t classes, double *p)
{
    double top = -INFINITY, sum = 0;

    for (uint32_t c = 0; c < classes; c++) {
        p[c] = b[c];
        for (uint32_t j = 0; j < dims; j++)
            p[c] += w[c * dims + j] * x[j];
        top = fmax(top, p[c]);
    }
    for (uint32_t c = 0; c < classes; c++)
        sum += p[c] = exp(p[c] - top);
    for (uint32_t c = 0; c < classes; c++)
        p[c] /= sum;
}

/* Mean cross-entropy of n rows; its gradient with respect to W and b. */
static double mean_loss(const double *rows, const uint32_t *labels, uint32_t n, uint32_t dims,
                        uint32_t classes, const double *w, const double *b, double *gw, double *gb)
{
    double *p = malloc(classes * sizeof *p), loss = 0;

    memset(gw, 0, (size_t)classes * dims * sizeof *gw);
    memset(gb, 0, classes * sizeof *gb);
    for (uint32_t i = 0; i < n; i++) {
        softmax_of(w, b, rows + (size_t)i * dims, dims, classes, p);
        loss -= log(p[labels[i]]) / n;
        for (uint32_t c = 0; c < classes; c++) {
            const double e = (p[c] - (labels[i] == c)) / n;

            gb[c] += e;
            for (uint32_t j = 0; j < dims; j++)
                gw[c * dims + j] += e * rows[(size_t)i * dims + j];
        }
    }
    free(p);
    return loss;
}

/* Heads before each inner step and after the last: (steps + 1, classes, dims) and
 * (steps + 1, classes). */
static void inner_steps(const struct worker_hsfm_edit *edit, double *w, double *b)
{
    const size_t size = (size_t)edit->classes * edit->dims;
    double      *gw = malloc(size * sizeof *gw), *gb = malloc(edit->classes * sizeof *gb);

    memcpy(w, edit->w, size * sizeof *w);
    memcpy(b, edit->b, edit->classes * sizeof *b);
    for (uint32_t t = 0; t < edit->inner_steps; t++, w += size, b += edit->classes) {
        mean_loss(edit->support, edit->support_labels, edit->n, edit->dims, edit->classes, w, b, gw,
                  gb);
        for (size_t k = 0; k < size; k++)
            w[size + k] = w[k] - edit->inner_lr * gw[k];
        for (uint32_t c = 0; c < edit->classes; c++)
            b[edit->classes + c] = b[c] - edit->inner_lr * gb[c];
    }
    free(gw);
    free(gb);
}

/* The adjoint of the head (w_bar, b_bar) goes from after a step to before it; what the
 * step adds to the adjoint of the support rows goes to gradient. */
static void step_back(const struct worker_hsfm_edit *edit, const double *w, const double *b,
                      double *w_bar, double *b_bar, double *gradient)
{
    const uint32_t dims = edit->dims, classes = edit->classes;
    const size_t   size = (size_t)classes * dims;
    const double   rate = edit->inner_lr / edit->n;
    double        *w_after = malloc(size * sizeof *w_after), *p = malloc(classes * sizeof *p);
    double *b_after = malloc(classes * sizeof *b_after), *p_bar = malloc(classes * sizeof *p);

    memcpy(w_after, w_bar, size * sizeof *w_bar);
    memcpy(b_after, b_bar, classes * sizeof *b_bar);
    for (uint32_t i = 0; i < edit->n; i++) {
        const double *x = edit->support + (size_t)i * dims;
        double       *x_bar = gradient + (size_t)i * dims, mean = 0;

        softmax_of(w, b, x, dims, classes, p);
        for (uint32_t c = 0; c < classes; c++) {
            const double e = p[c] - (edit->support_labels[i] == c);

            p_bar[c] = b_after[c];
            for (uint32_t j = 0; j < dims; j++) {
                p_bar[c] += w_after[c * dims + j] * x[j];
                x_bar[j] -= rate * e * w_after[c * dims + j];
            }
            p_bar[c] *= -rate;
            mean += p[c] * p_bar[c];
        }
        for (uint32_t c = 0; c < classes; c++) {
            const double z_bar = p[c] * (p_bar[c] - mean);

            b_bar[c] += z_bar;
            for (uint32_t j = 0; j < dims; j++) {
                x_bar[j] += z_bar * w[c * dims + j];
                w_bar[c * dims + j] += z_bar * x[j];
            }
        }
    }
    free(w_after);
    free(b_after);
    free(p);
    free(p_bar);
}

/* Loss; with a gradient unless that is NULL. */
static double unrolled(const struct worker_hsfm_edit *edit, double *gradient)
{
    const size_t size = (size_t)edit->classes * edit->dims, steps = edit->inner_steps;
    double      *w = malloc((steps + 1) * size * sizeof *w), *w_bar = malloc(size * sizeof *w);
    double      *b = malloc((steps + 1) * edit->classes * sizeof *b);
    double      *b_bar = malloc(edit->classes * sizeof *b), loss;

    inner_steps(edit, w, b);
    loss = mean_loss(edit->hard_rows, edit->hard_labels, edit->hard, edit->dims, edit->classes,
                     w + steps * size, b + steps * edit->classes, w_bar, b_bar);
    if (gradient) {
        memset(gradient, 0, (size_t)edit->n * edit->dims * sizeof *gradient);
        for (size_t t = steps; t-- > 0;)
            step_back(edit, w + t * size, b + t * edit->classes, w_bar, b_bar, gradient);
    }
    free(w);
    free(b);
    free(w_bar);
    free(b_bar);
    return loss;
}

double naive_hsfm_loss(const struct worker_hsfm_edit *edit)
{
    return unrolled(edit, NULL);
}

void naive_hsfm_gradient(const struct worker_hsfm_edit *edit, double *gradient)
{
    unrolled(edit, gradient);
}
