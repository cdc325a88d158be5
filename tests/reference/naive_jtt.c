#include "tests/reference/naive_head_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void measure(const struct naive_run *run, double *mean, double *sd)
{
    const uint32_t n = run->f->split[WORKER_FEATURES_TRAIN].n, dims = run->f->dims;

    for (uint32_t k = 0; k < dims; k++) {
        mean[k] = sd[k] = 0;
        for (uint32_t i = 0; i < n; i++)
            mean[k] += naive_row(run, WORKER_FEATURES_TRAIN, i)[k] / n;
        for (uint32_t i = 0; i < n; i++)
            sd[k] += pow(naive_row(run, WORKER_FEATURES_TRAIN, i)[k] - mean[k], 2) / n;
        sd[k] = sqrt(sd[k]);
    }
}

/* A standardised row, with a 1 behind it. */
static void standard_row(const struct naive_run *run, uint32_t i, const double *mean,
                         const double *sd, double *z)
{
    const double *x = naive_row(run, WORKER_FEATURES_TRAIN, i);

    for (uint32_t k = 0; k < run->f->dims; k++)
        z[k] = (x[k] - mean[k]) / sd[k];
    z[run->f->dims] = 1;
}

/* The matrix of weighted second moments is written out; sixteen times it is applied. */
static double largest_eigenvalue(const struct naive_run *run, const double *weight,
                                 const double *mean, const double *sd)
{
    const uint32_t n = run->f->dims + 1;
    double        *matrix = calloc((size_t)n * n, sizeof *matrix), size = 0;
    double        *v = calloc(n, sizeof *v), *next = calloc(n, sizeof *next);
    double        *z = calloc(n, sizeof *z);

    for (uint32_t i = 0; i < run->f->split[WORKER_FEATURES_TRAIN].n; i++) {
        standard_row(run, i, mean, sd, z);
        for (uint32_t a = 0; a < n; a++)
            for (uint32_t b = 0; b < n; b++)
                matrix[a * n + b] += weight[i] * z[a] * z[b];
    }
    for (uint32_t k = 0; k < n; k++) {
        double place = (k + 1) * (sqrt(5) - 1) / 2;

        v[k] = 2 * (place - floor(place)) - 1;
        size += v[k] * v[k];
    }
    for (int pass = 0; pass < 16; pass++) {
        double squares = 0;

        for (uint32_t a = 0; a < n; a++) {
            next[a] = 0;
            for (uint32_t b = 0; b < n; b++)
                next[a] += matrix[a * n + b] * v[b] / sqrt(size);
            squares += next[a] * next[a];
        }
        memcpy(v, next, n * sizeof *v);
        size = squares;
    }
    free(matrix);
    free(v);
    free(next);
    free(z);
    return sqrt(size);
}

/* Steps of a head of standardised features, which starts at zero: in `own`
 * (classes, dims + 1). Returns the last loss before a step. */
static double jtt_steps(struct naive_run *run, const double *weight, const double *mean,
                        const double *sd, double *own)
{
    const struct worker_params        *p = run->task->params;
    const struct worker_feature_split *train = &run->f->split[WORKER_FEATURES_TRAIN];
    const uint32_t                     n = run->f->dims + 1, classes = run->f->classes;
    const double rate = p->head_jtt_head_lr / (largest_eigenvalue(run, weight, mean, sd) / 2);
    double      *gradient = calloc((size_t)classes * n, sizeof *gradient), loss = 0;
    double      *z = calloc(n, sizeof *z), *share = calloc(classes, sizeof *share);

    for (int64_t s = 0; s < p->head_jtt_head_steps; s++) {
        loss = 0;
        memset(gradient, 0, classes * n * sizeof *gradient);
        for (uint32_t i = 0; i < train->n; i++) {
            double sum = 0;

            standard_row(run, i, mean, sd, z);
            for (uint32_t c = 0; c < classes; c++) {
                share[c] = 0;
                for (uint32_t k = 0; k < n; k++)
                    share[c] += own[c * n + k] * z[k];
                share[c] = exp(share[c]);
                sum += share[c];
            }
            loss -= weight[i] * log(share[train->labels[i]] / sum);
            for (uint32_t c = 0; c < classes; c++)
                for (uint32_t k = 0; k < n; k++)
                    gradient[c * n + k] +=
                        weight[i] * (share[c] / sum - (c == train->labels[i])) * z[k];
        }
        for (uint32_t k = 0; k < classes * n; k++)
            own[k] -= rate * gradient[k];
    }
    free(gradient);
    free(z);
    free(share);
    for (uint32_t c = 0; c < classes; c++) {
        run->b[c] = own[c * n + run->f->dims];
        for (uint32_t k = 0; k < run->f->dims; k++) {
            run->w[c * run->f->dims + k] = own[c * n + k] / sd[k];
            run->b[c] -= own[c * n + k] * mean[k] / sd[k];
        }
    }
    return loss;
}

void naive_jtt(struct naive_run *run)
{
    const struct worker_feature_split *train = &run->f->split[WORKER_FEATURES_TRAIN];
    const size_t                       n = run->f->dims + 1;
    double                            *weight = calloc(train->n, sizeof *weight), sum = 0;
    double                            *mean = calloc(n, sizeof *mean), *sd = calloc(n, sizeof *sd);
    double                            *own = calloc(run->f->classes * n, sizeof *own);

    measure(run, mean, sd);
    for (uint32_t i = 0; i < train->n; i++)
        weight[i] = 1.0 / train->n;
    jtt_steps(run, weight, mean, sd, own);
    for (uint32_t i = 0; i < train->n; i++) {
        bool wrong =
            naive_answer(run, naive_row(run, WORKER_FEATURES_TRAIN, i)) != train->labels[i];

        run->head->errors += wrong;
        weight[i] = wrong ? run->task->params->head_jtt_head_upweight : 1;
        sum += weight[i];
    }
    for (uint32_t i = 0; i < train->n; i++)
        weight[i] /= sum;
    memset(own, 0, run->f->classes * n * sizeof *own);
    for (int round = 0; round < 10; round++) {
        double loss = jtt_steps(run, weight, mean, sd, own);

        naive_end_epoch(run, NULL, run->f->split[WORKER_FEATURES_VAL].n, loss);
    }
    free(weight);
    free(mean);
    free(sd);
    free(own);
}
