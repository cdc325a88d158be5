/* L1: Newton steps whose quadratic model, penalty and all, is minimised one
 * coordinate after another, in order (Yuan, Ho and Lin 2012, without their
 * random order and their shrinking). The features are held as standardised
 * columns. In one step only those coordinates move that are not zero, or whose
 * gradient says that they should not be. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/logistic_parts.h"

enum {
    MAX_STEPS = 500,
    MAX_SWEEPS = 1000, /* over the coordinates, in one step */
    MAX_HALVINGS = 40
};

static const double tolerance = 1e-9; /* of the gradient at zero */
static const double noise = 1e-13;    /* of the objective: a fall below is not seen */
static const double sufficient = 0.01;
static const double least_curvature = 1e-12;

struct worker_logistic_l1 {
    const struct worker_two_sided *problem;    /* while it is being solved */
    uint32_t                       n, size;    /* size: weights and the intercept */
    double                        *columns;    /* (size, n), standardised; the last one is all 1 */
    double   *logits, *moved, *weights, *pull; /* (n); pull: weights times the model's move */
    double   *gradient, *curvature, *step;     /* (size) */
    uint32_t *active, nactive;                 /* coordinates that may move */
};

static void fill_columns(struct worker_logistic_l1 *l1, const struct worker_rows *rows,
                         const struct worker_scale *scale)
{
    for (uint32_t i = 0; i < l1->n; i++) {
        worker_row_copy(rows, i, l1->columns + i, l1->n);
        l1->columns[(size_t)rows->dims * l1->n + i] = 1;
    }
    for (uint32_t k = 0; scale && k < rows->dims; k++)
        for (uint32_t i = 0; i < l1->n; i++) {
            double *x = l1->columns + (size_t)k * l1->n + i;

            *x = (*x - scale->mean[k]) * scale->inverse[k];
        }
}

struct worker_logistic_l1 *worker_logistic_l1_new(const struct worker_rows  *rows,
                                                  const struct worker_scale *scale,
                                                  struct mx_err             *err)
{
    struct worker_logistic_l1 *l1 = calloc(1, sizeof *l1);
    size_t                     n = rows->n ? rows->n : 1, size = (size_t)rows->dims + 1;

    if (!l1)
        goto nomem;
    l1->n = rows->n;
    l1->size = rows->dims + 1;
    l1->columns = calloc(size * n, sizeof *l1->columns);
    l1->logits = calloc(4 * n, sizeof *l1->logits);
    l1->gradient = calloc(3 * size, sizeof *l1->gradient);
    l1->active = calloc(size, sizeof *l1->active);
    if (!l1->columns || !l1->logits || !l1->gradient || !l1->active)
        goto nomem;
    l1->moved = l1->logits + n;
    l1->weights = l1->moved + n;
    l1->pull = l1->weights + n;
    l1->curvature = l1->gradient + size;
    l1->step = l1->curvature + size;
    fill_columns(l1, rows, scale);
    return l1;
nomem:
    worker_logistic_l1_free(l1);
    mx_fail(err, MX_ENOMEM, "no memory for a logistic regression on %u rows of %u features",
            rows->n, rows->dims);
    return NULL;
}

void worker_logistic_l1_free(struct worker_logistic_l1 *l1)
{
    if (!l1)
        return;
    free(l1->columns);
    free(l1->logits);
    free(l1->gradient);
    free(l1->active);
    free(l1);
}

static const double *column(const struct worker_logistic_l1 *l1, uint32_t k)
{
    return l1->columns + (size_t)k * l1->n;
}

/* How far coordinate k is from its optimum, in units of the gradient. */
static double violation(double gradient, double w)
{
    if (w > 0)
        return fabs(gradient + 1);
    if (w < 0)
        return fabs(gradient - 1);
    return fmax(fabs(gradient) - 1, 0);
}

/* Gradient of the losses, and who may move. Returns the largest violation. */
static double measure(struct worker_logistic_l1 *l1, const double *w)
{
    double worst = 0;

    for (uint32_t i = 0; i < l1->n; i++) {
        double p = worker_sigmoid(l1->logits[i]);

        l1->pull[i] = l1->problem->c * (p - (l1->problem->positive[i] ? 1 : 0));
        l1->weights[i] = fmax(l1->problem->c * p * (1 - p), least_curvature);
    }
    l1->nactive = 0;
    for (uint32_t k = 0; k < l1->size; k++) {
        const double *x = column(l1, k);
        double        sum = 0;

        for (uint32_t i = 0; i < l1->n; i++)
            sum += x[i] * l1->pull[i];
        l1->gradient[k] = sum;
        worst = fmax(worst, violation(sum, w[k]));
        if (w[k] != 0 || fabs(sum) > 1)
            l1->active[l1->nactive++] = k;
    }
    return worst;
}

/* Where the penalty and a parabola of that curvature, lowest at x, are lowest together. */
static double shrink(double x, double curvature)
{
    return x > 1 / curvature ? x - 1 / curvature : x < -1 / curvature ? x + 1 / curvature : 0;
}

/* Minimise the model over one coordinate. Returns the move in units of the gradient. */
static double move(struct worker_logistic_l1 *l1, uint32_t k, double w)
{
    const double *x = column(l1, k);
    double        slope = l1->gradient[k], here = w + l1->step[k], by;

    for (uint32_t i = 0; i < l1->n; i++)
        slope += x[i] * l1->pull[i];
    by = shrink(here - slope / l1->curvature[k], l1->curvature[k]) - here;
    if (by == 0)
        return 0;
    l1->step[k] += by;
    for (uint32_t i = 0; i < l1->n; i++)
        l1->pull[i] += by * l1->weights[i] * x[i];
    return fabs(by) * l1->curvature[k];
}

/* Minimise the model until no coordinate moves by more than `goal`. */
static void solve_newton(struct worker_logistic_l1 *l1, const double *w, double goal)
{
    memset(l1->step, 0, l1->size * sizeof *l1->step);
    memset(l1->pull, 0, l1->n * sizeof *l1->pull);
    for (uint32_t a = 0; a < l1->nactive; a++) {
        const double *x = column(l1, l1->active[a]);
        double        sum = least_curvature;

        for (uint32_t i = 0; i < l1->n; i++)
            sum += l1->weights[i] * x[i] * x[i];
        l1->curvature[l1->active[a]] = sum;
    }
    for (unsigned s = 0; s < MAX_SWEEPS; s++) {
        double most = 0;

        for (uint32_t a = 0; a < l1->nactive; a++)
            most = fmax(most, move(l1, l1->active[a], w[l1->active[a]]));
        if (most <= goal)
            break;
    }
}

/* logits or moved (n) = the columns times w. */
static void forward(const struct worker_logistic_l1 *l1, const double *w, double *out)
{
    memset(out, 0, l1->n * sizeof *out);
    for (uint32_t k = 0; k < l1->size; k++)
        for (uint32_t i = 0; w[k] != 0 && i < l1->n; i++)
            out[i] += w[k] * column(l1, k)[i];
}

static double penalty(const struct worker_logistic_l1 *l1, const double *w, double by)
{
    double sum = 0;

    for (uint32_t k = 0; k < l1->size; k++)
        sum += fabs(w[k] + by * l1->step[k]);
    return sum;
}

/* The objective `by` steps from w. */
static double objective(const struct worker_logistic_l1 *l1, const double *w, double by)
{
    double loss = 0;

    for (uint32_t i = 0; i < l1->n; i++)
        loss += worker_logistic_loss(l1->logits[i] + by * l1->moved[i], l1->problem->positive[i]);
    return penalty(l1, w, by) + l1->problem->c * loss;
}

/* Go along the step until the objective falls as it should; all the way where that is
 * too little to be seen, next to the optimum. False: it does not fall. */
static bool take_step(struct worker_logistic_l1 *l1, double *w)
{
    double slope = penalty(l1, w, 1) - penalty(l1, w, 0), by = 1, here;

    for (uint32_t k = 0; k < l1->size; k++)
        slope += l1->gradient[k] * l1->step[k];
    forward(l1, l1->step, l1->moved);
    here = objective(l1, w, 0);
    for (unsigned h = 0;
         - slope > noise * here && !(objective(l1, w, by) <= here + sufficient * by * slope);
         h++, by /= 2)
        if (h == MAX_HALVINGS)
            return false;
    for (uint32_t k = 0; k < l1->size; k++)
        w[k] += by * l1->step[k];
    forward(l1, w, l1->logits);
    return true;
}

int worker_logistic_l1_solve(struct worker_logistic_l1 *l1, const struct worker_two_sided *problem,
                             double *w, struct mx_err *err)
{
    double start = 0;

    l1->problem = problem;
    memset(w, 0, l1->size * sizeof *w);
    memset(l1->logits, 0, l1->n * sizeof *l1->logits);
    for (unsigned s = 0; s < MAX_STEPS; s++) {
        double worst = measure(l1, w);

        start = s == 0 ? 1 + worst : start;
        if (worst <= tolerance * start)
            return 0;
        solve_newton(l1, w, worst * fmin(0.1, worst / start) / 10);
        if (!take_step(l1, w))
            break;
    }
    return mx_fail(err, MX_EDIVERGED,
                   "L1 logistic regression with C %g: no optimum found on %u rows (are there "
                   "features of very different sizes?)",
                   problem->c, l1->n);
}
