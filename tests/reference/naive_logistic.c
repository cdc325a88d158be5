#include "tests/reference/naive_logistic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double feature(const struct naive_logistic *problem, uint32_t i, uint32_t k)
{
    return k < problem->d ? problem->x[(size_t)i * problem->d + k] : 1;
}

static double margin(const struct naive_logistic *problem, const double *w, uint32_t i)
{
    double z = 0;

    for (uint32_t k = 0; k <= problem->d; k++)
        z += w[k] * feature(problem, i, k);
    return z * problem->y[i];
}

static double losses(const struct naive_logistic *problem, const double *w)
{
    double sum = 0;

    for (uint32_t i = 0; i < problem->n; i++)
        sum += log(1 + exp(-margin(problem, w, i)));
    return problem->c * sum;
}

double naive_objective_l1(const struct naive_logistic *problem, const double *w)
{
    double sum = 0;

    for (uint32_t k = 0; k <= problem->d; k++)
        sum += fabs(w[k]);
    return sum + losses(problem, w);
}

double naive_objective_l2(const struct naive_logistic *problem, const double *w)
{
    double sum = 0;

    for (uint32_t k = 0; k <= problem->d; k++)
        sum += w[k] * w[k];
    return sum / 2 + losses(problem, w);
}

/* Gradient of the losses; if hessian (d + 1, d + 1) is not NULL, that too. */
static void derive(const struct naive_logistic *problem, const double *w, double *gradient,
                   double *hessian)
{
    const uint32_t size = problem->d + 1;

    memset(gradient, 0, size * sizeof *gradient);
    if (hessian)
        memset(hessian, 0, (size_t)size * size * sizeof *hessian);
    for (uint32_t i = 0; i < problem->n; i++) {
        double p = 1 / (1 + exp(margin(problem, w, i)));

        for (uint32_t k = 0; k < size; k++) {
            gradient[k] -= problem->c * p * problem->y[i] * feature(problem, i, k);
            for (uint32_t j = 0; hessian && j < size; j++)
                hessian[k * size + j] +=
                    problem->c * p * (1 - p) * feature(problem, i, k) * feature(problem, i, j);
        }
    }
}

double naive_logistic_l1(const struct naive_logistic *problem, double *w)
{
    const uint32_t size = problem->d + 1;
    double        *gradient = calloc(size, sizeof *gradient), steepest = 0, moved = 1;

    memset(w, 0, size * sizeof *w);
    for (uint32_t i = 0; i < problem->n; i++)
        for (uint32_t k = 0; k < size; k++)
            steepest += problem->c / 4 * feature(problem, i, k) * feature(problem, i, k);
    for (int t = 0; t < 200000 && moved > 1e-13; t++) {
        derive(problem, w, gradient, NULL);
        moved = 0;
        for (uint32_t k = 0; k < size; k++) {
            double x = w[k] - gradient[k] / steepest;

            x = copysign(fmax(fabs(x) - 1 / steepest, 0), x);
            moved = fmax(moved, fabs(x - w[k]));
            w[k] = x;
        }
    }
    free(gradient);
    return naive_objective_l1(problem, w);
}

/* a (n, n) x = b by Gauss's elimination, for positive definite a; x ends up in b. */
static void eliminate(double *a, double *b, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t i = k + 1; i < n; i++) {
            double by = a[i * n + k] / a[k * n + k];

            for (uint32_t j = k; j < n; j++)
                a[i * n + j] -= by * a[k * n + j];
            b[i] -= by * b[k];
        }
    for (uint32_t k = n; k-- > 0;) {
        for (uint32_t j = k + 1; j < n; j++)
            b[k] -= a[k * n + j] * b[j];
        b[k] /= a[k * n + k];
    }
}

double naive_logistic_l2(const struct naive_logistic *problem, double *w)
{
    const uint32_t size = problem->d + 1;
    double        *gradient = calloc(size, sizeof *gradient);
    double        *hessian = calloc((size_t)size * size, sizeof *hessian);

    memset(w, 0, size * sizeof *w);
    for (int t = 0; t < 50; t++) {
        derive(problem, w, gradient, hessian);
        for (uint32_t k = 0; k < size; k++) {
            gradient[k] += w[k];
            hessian[k * size + k] += 1;
        }
        eliminate(hessian, gradient, size);
        for (uint32_t k = 0; k < size; k++)
            w[k] -= gradient[k];
    }
    free(gradient);
    free(hessian);
    return naive_objective_l2(problem, w);
}
