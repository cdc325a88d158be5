/* L2: Newton's equations are solved by conjugate gradients, so that the Hessian
 * is never formed and the features are only read. Standardising them is done to
 * the weights instead: w ((x - m) / s) = (w / s) x - (w / s) m. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/logistic_parts.h"

enum {
    MAX_STEPS = 200,
    MAX_PRODUCTS = 2000, /* of the Hessian, in one step */
    MAX_HALVINGS = 40
};

static const double tolerance = 1e-9; /* of the gradient at zero */
static const double noise = 1e-13;    /* of the objective: a fall below is not seen */
static const double sufficient = 1e-4;

struct worker_logistic_l2 {
    const struct worker_two_sided *problem; /* while it is being solved */
    uint32_t                       n, size; /* size: weights and the intercept */
    double *logits, *moved, *weights;       /* (n); moved: change of the logits by a whole step */
    double *gradient, *step, *residual, *direction, *image, *scaled; /* (size) */
};

struct worker_logistic_l2 *worker_logistic_l2_new(const struct worker_rows *rows,
                                                  struct mx_err            *err)
{
    struct worker_logistic_l2 *l2 = calloc(1, sizeof *l2);
    size_t                     n = rows->n ? rows->n : 1, size = (size_t)rows->dims + 1;

    if (!l2)
        goto nomem;
    l2->n = rows->n;
    l2->size = rows->dims + 1;
    l2->logits = calloc(3 * n, sizeof *l2->logits);
    l2->gradient = calloc(6 * size, sizeof *l2->gradient);
    if (!l2->logits || !l2->gradient)
        goto nomem;
    l2->moved = l2->logits + n;
    l2->weights = l2->moved + n;
    l2->step = l2->gradient + size;
    l2->residual = l2->step + size;
    l2->direction = l2->residual + size;
    l2->image = l2->direction + size;
    l2->scaled = l2->image + size;
    return l2;
nomem:
    worker_logistic_l2_free(l2);
    mx_fail(err, MX_ENOMEM, "no memory for a logistic regression on %u rows", rows->n);
    return NULL;
}

void worker_logistic_l2_free(struct worker_logistic_l2 *l2)
{
    if (!l2)
        return;
    free(l2->logits);
    free(l2->gradient);
    free(l2);
}

/* out (n) = rows times w, standardised, with the intercept. */
static void forward(struct worker_logistic_l2 *l2, const double *w, double *out)
{
    const struct worker_rows  *rows = l2->problem->rows;
    const struct worker_scale *scale = l2->problem->scale;
    const uint32_t             dims = rows->dims;
    double                     intercept = w[dims];

    for (uint32_t k = 0; k < dims; k++) {
        l2->scaled[k] = w[k] * (scale ? scale->inverse[k] : 1);
        intercept -= scale ? l2->scaled[k] * scale->mean[k] : 0;
    }
    for (uint32_t i = 0; i < l2->n; i++)
        out[i] = worker_row_dot(rows, i, l2->scaled) + intercept;
}

/* out (size) = the same matrix, transposed, times `by` (n). */
static void backward(struct worker_logistic_l2 *l2, const double *by, double *out)
{
    const struct worker_rows  *rows = l2->problem->rows;
    const struct worker_scale *scale = l2->problem->scale;
    const uint32_t             dims = rows->dims;

    memset(out, 0, l2->size * sizeof *out);
    for (uint32_t i = 0; i < l2->n; i++) {
        worker_row_add(rows, i, by[i], out);
        out[dims] += by[i];
    }
    for (uint32_t k = 0; scale && k < dims; k++)
        out[k] = (out[k] - scale->mean[k] * out[dims]) * scale->inverse[k];
}

static double dot(const double *a, const double *b, uint32_t n)
{
    double sum = 0;

    for (uint32_t k = 0; k < n; k++)
        sum += a[k] * b[k];
    return sum;
}

/* The gradient at w, and the curvature of each row's loss in weights. Returns its norm. */
static double measure(struct worker_logistic_l2 *l2, const double *w)
{
    for (uint32_t i = 0; i < l2->n; i++) {
        double p = worker_sigmoid(l2->logits[i]);

        l2->moved[i] = l2->problem->c * (p - (l2->problem->positive[i] ? 1 : 0));
        l2->weights[i] = l2->problem->c * p * (1 - p);
    }
    backward(l2, l2->moved, l2->gradient);
    for (uint32_t k = 0; k < l2->size; k++)
        l2->gradient[k] += w[k];
    return sqrt(dot(l2->gradient, l2->gradient, l2->size));
}

/* image = Hessian times direction. */
static void apply_hessian(struct worker_logistic_l2 *l2)
{
    forward(l2, l2->direction, l2->moved);
    for (uint32_t i = 0; i < l2->n; i++)
        l2->moved[i] *= l2->weights[i];
    backward(l2, l2->moved, l2->image);
    for (uint32_t k = 0; k < l2->size; k++)
        l2->image[k] += l2->direction[k];
}

/* Solve Hessian step = -gradient until the residual is `goal` long. */
static void solve_newton(struct worker_logistic_l2 *l2, double goal)
{
    const uint32_t size = l2->size;
    double         length;

    for (uint32_t k = 0; k < size; k++) {
        l2->step[k] = 0;
        l2->residual[k] = l2->direction[k] = -l2->gradient[k];
    }
    length = dot(l2->residual, l2->residual, size);
    for (unsigned t = 0; t < MAX_PRODUCTS && sqrt(length) > goal; t++) {
        double before = length, by;

        apply_hessian(l2);
        by = length / dot(l2->direction, l2->image, size);
        for (uint32_t k = 0; k < size; k++) {
            l2->step[k] += by * l2->direction[k];
            l2->residual[k] -= by * l2->image[k];
        }
        length = dot(l2->residual, l2->residual, size);
        for (uint32_t k = 0; k < size; k++)
            l2->direction[k] = l2->residual[k] + length / before * l2->direction[k];
    }
}

/* The objective `by` steps from w. */
static double objective(const struct worker_logistic_l2 *l2, const double *w, double by)
{
    double penalty = 0, loss = 0;

    for (uint32_t k = 0; k < l2->size; k++)
        penalty += (w[k] + by * l2->step[k]) * (w[k] + by * l2->step[k]);
    for (uint32_t i = 0; i < l2->n; i++)
        loss += worker_logistic_loss(l2->logits[i] + by * l2->moved[i], l2->problem->positive[i]);
    return penalty / 2 + l2->problem->c * loss;
}

/* Go along the step until the objective falls as it should; all the way where that is
 * too little to be seen, next to the optimum. False: it does not fall. */
static bool take_step(struct worker_logistic_l2 *l2, double *w)
{
    double slope = dot(l2->gradient, l2->step, l2->size), by = 1, here;

    forward(l2, l2->step, l2->moved);
    here = objective(l2, w, 0);
    for (unsigned h = 0;
         - slope > noise * here && !(objective(l2, w, by) <= here + sufficient * by * slope);
         h++, by /= 2)
        if (h == MAX_HALVINGS)
            return false;
    for (uint32_t k = 0; k < l2->size; k++)
        w[k] += by * l2->step[k];
    forward(l2, w, l2->logits);
    return true;
}

int worker_logistic_l2_solve(struct worker_logistic_l2 *l2, const struct worker_two_sided *problem,
                             double *w, struct mx_err *err)
{
    double start = 0;

    l2->problem = problem;
    memset(w, 0, l2->size * sizeof *w);
    memset(l2->logits, 0, l2->n * sizeof *l2->logits);
    for (unsigned s = 0; s < MAX_STEPS; s++) {
        double norm = measure(l2, w);

        start = s == 0 ? norm : start;
        if (norm <= tolerance * start)
            return 0;
        solve_newton(l2, norm * fmin(0.1, sqrt(norm / start)));
        if (!take_step(l2, w))
            break;
    }
    return mx_fail(err, MX_EDIVERGED,
                   "L2 logistic regression with C %g: no optimum found on %u rows (are there "
                   "features of very different sizes?)",
                   problem->c, l2->n);
}
