#include "worker/logistic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/logistic_parts.h"

int worker_scale_measure(const struct worker_rows *rows, struct worker_scale *scale,
                         struct mx_err *err)
{
    const uint32_t n = rows->n > 0 ? rows->n : 1;
    double        *row = calloc(rows->dims, sizeof *row);

    scale->mean = calloc(rows->dims, sizeof *scale->mean);
    scale->inverse = calloc(rows->dims, sizeof *scale->inverse);
    if (!row || !scale->mean || !scale->inverse) {
        free(row);
        worker_scale_free(scale);
        return mx_fail(err, MX_ENOMEM, "no memory to standardise %u features", rows->dims);
    }
    for (uint32_t i = 0; i < rows->n; i++)
        worker_row_add(rows, i, 1, scale->mean);
    for (uint32_t k = 0; k < rows->dims; k++)
        scale->mean[k] /= n;
    for (uint32_t i = 0; i < rows->n; i++) {
        worker_row_copy(rows, i, row, 1);
        for (uint32_t k = 0; k < rows->dims; k++)
            scale->inverse[k] += (row[k] - scale->mean[k]) * (row[k] - scale->mean[k]);
    }
    for (uint32_t k = 0; k < rows->dims; k++) {
        double sd = sqrt(scale->inverse[k] / n);

        /* A feature that is the same number everywhere may vary by the mean's rounding. */
        scale->inverse[k] = sd > 1e-14 * fabs(scale->mean[k]) ? 1 / sd : 1;
    }
    free(row);
    return 0;
}

void worker_scale_free(struct worker_scale *scale)
{
    free(scale->mean);
    free(scale->inverse);
    memset(scale, 0, sizeof *scale);
}

double worker_logistic_loss(double z, bool positive)
{
    double margin = positive ? z : -z;

    return margin > 0 ? log1p(exp(-margin)) : log1p(exp(margin)) - margin;
}

double worker_sigmoid(double z)
{
    double small = exp(-fabs(z));

    return (z >= 0 ? 1 : small) / (1 + small);
}

/* What one fit works with. */
struct fit {
    const struct worker_logistic *logistic;
    const struct worker_rows     *rows;
    struct worker_logistic_l1    *l1; /* one of the two */
    struct worker_logistic_l2    *l2;
    bool                         *positive; /* (rows) */
    double                       *w;        /* (dims + 1) */
};

static int solve(struct fit *fit, uint32_t class, struct mx_err *err)
{
    const struct worker_two_sided problem = {.rows = fit->rows,
                                             .scale = fit->logistic->scale,
                                             .c = fit->logistic->c,
                                             .positive = fit->positive};
    uint32_t                      n = 0;

    for (uint32_t i = 0; i < fit->rows->n; i++)
        n += fit->positive[i] = worker_row_label(fit->rows, i) == class;
    if (n == 0)
        return mx_fail(err, MX_EDATA,
                       "a logistic regression on %u rows, of which none is of class %u: more "
                       "samples of that class are needed",
                       fit->rows->n, class);
    if (n == fit->rows->n)
        return mx_fail(err, MX_EDATA, "a logistic regression on %u rows, all of class %u", n,
                       class);
    return fit->l1 ? worker_logistic_l1_solve(fit->l1, &problem, fit->w, err)
                   : worker_logistic_l2_solve(fit->l2, &problem, fit->w, err);
}

/* The solution for standardised features, times factor, as one for features as they are. */
static void fold(const struct fit *fit, double factor, double *w, double *b)
{
    const struct worker_scale *scale = fit->logistic->scale;
    const uint32_t             dims = fit->rows->dims;

    *b = factor * fit->w[dims];
    for (uint32_t k = 0; k < dims; k++) {
        w[k] = factor * fit->w[k] * (scale ? scale->inverse[k] : 1);
        *b -= scale ? w[k] * scale->mean[k] : 0;
    }
}

static int fit_classes(struct fit *fit, double *w, double *b, struct mx_err *err)
{
    const uint32_t dims = fit->rows->dims, classes = fit->logistic->classes;

    if (classes == 2) {
        if (solve(fit, 1, err))
            return -1;
        fold(fit, -0.5, w, b);
        fold(fit, 0.5, w + dims, b + 1);
        return 0;
    }
    for (uint32_t c = 0; c < classes; c++) {
        if (solve(fit, c, err))
            return -1;
        fold(fit, 1, w + (size_t)c * dims, b + c);
    }
    return 0;
}

int worker_logistic_fit(const struct worker_logistic *logistic, const struct worker_rows *rows,
                        double *w, double *b, struct mx_err *err)
{
    struct fit fit = {.logistic = logistic, .rows = rows};
    int        result = -1;

    if (logistic->penalty == WORKER_L1)
        fit.l1 = worker_logistic_l1_new(rows, logistic->scale, err);
    else
        fit.l2 = worker_logistic_l2_new(rows, err);
    if (!fit.l1 && !fit.l2)
        return -1;
    fit.positive = calloc(rows->n ? rows->n : 1, sizeof *fit.positive);
    fit.w = calloc((size_t)rows->dims + 1, sizeof *fit.w);
    if (!fit.positive || !fit.w)
        mx_fail(err, MX_ENOMEM, "no memory for a logistic regression on %u rows", rows->n);
    else
        result = fit_classes(&fit, w, b, err);
    worker_logistic_l1_free(fit.l1);
    worker_logistic_l2_free(fit.l2);
    free(fit.positive);
    free(fit.w);
    return result;
}
