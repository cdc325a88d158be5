#include "worker/inter_model.h"

#include <math.h>
#include <stdlib.h>

#include "worker/curve.h"

uint32_t worker_inter_select(const double *accuracy, uint32_t models, double share, bool *taken)
{
    double   best = 0;
    uint32_t count = 0;

    for (uint32_t m = 0; m < models; m++)
        best = accuracy[m] > best ? accuracy[m] : best;
    for (uint32_t m = 0; m < models; m++)
        count += taken[m] = accuracy[m] >= share * best;
    return count;
}

uint32_t worker_inter_common(const bool *correct, uint32_t models, uint32_t images,
                             const bool *taken, bool *common, uint32_t *alone, uint32_t *wrong)
{
    uint32_t count = 0;

    for (uint32_t m = 0; m < models; m++) {
        if (alone)
            alone[m] = 0;
        if (wrong)
            wrong[m] = 0;
    }
    for (uint32_t i = 0; i < images; i++) {
        uint32_t misses = 0, last = 0;

        for (uint32_t m = 0; m < models; m++)
            if (taken[m] && !correct[(size_t)m * images + i]) {
                misses++;
                last = m;
                if (wrong)
                    wrong[m]++;
            }
        common[i] = misses == 0;
        count += common[i];
        if (misses == 1 && alone)
            alone[last]++;
    }
    return count;
}

double worker_inter_area(const float *curve, const double *fractions, uint32_t points,
                         bool insertion)
{
    return worker_curve_normalised(curve, 1, points, fractions, insertion);
}

void worker_inter_matrix(const float *areas, uint32_t models, uint32_t images,
                         const uint32_t *counts, double *matrix)
{
    for (size_t cell = 0; cell < (size_t)models * models; cell++) {
        double sum = 0, n = 0;

        for (uint32_t i = 0; i < images; i++) {
            const double times = counts ? counts[i] : 1;

            sum += times > 0 ? times * areas[cell * images + i] : 0;
            n += times;
        }
        matrix[cell] = sum / n;
    }
}

/* Sums over i != j of a row and of a column of the matrix. */
static void off_diagonal(const double *matrix, uint32_t models, uint32_t k, double *row,
                         double *column)
{
    *row = *column = 0;
    for (uint32_t j = 0; j < models; j++)
        if (j != k) {
            *row += matrix[(size_t)k * models + j];
            *column += matrix[(size_t)j * models + k];
        }
}

/* The design is balanced, so the normal equations have a closed form: with n models, r_i
 * and c_i what row and column i have above n - 1 means,
 *     (n - 1) map_i - scorer_i = r_i,   (n - 1) scorer_i - map_i = c_i . */
int worker_inter_fit(const double *matrix, uint32_t models, bool insertion,
                     struct worker_inter_fit *fit, struct mx_err *err)
{
    const double others = (double)models - 1, determinant = (double)models * (models - 2.0);
    double       sum = 0;

    if (models < 3)
        return mx_fail(err, MX_EINVAL,
                       "comparing maps across models takes three models, not %u (lower "
                       "score.inter_model.min_accuracy, or run more cells or repeats)",
                       models);
    for (uint32_t k = 0; k < models; k++) {
        double row, column;

        off_diagonal(matrix, models, k, &row, &column);
        sum += row;
    }
    fit->mean = sum / (models * others);
    for (uint32_t k = 0; k < models; k++) {
        double row, column;

        off_diagonal(matrix, models, k, &row, &column);
        fit->row[k] = row / others;
        row -= others * fit->mean;
        column -= others * fit->mean;
        fit->map[k] = (others * row + column) / determinant;
        fit->scorer[k] = (others * column + row) / determinant;
        fit->self[k] = matrix[(size_t)k * models + k] - (fit->mean + fit->map[k] + fit->scorer[k]);
        fit->carries[k] = insertion ? fit->map[k] : -fit->map[k];
    }
    return 0;
}

double worker_inter_ceiling(const double *matrix, uint32_t models, const uint32_t *recipe)
{
    double   sum = 0;
    uint32_t n = 0;

    for (uint32_t i = 0; i < models; i++)
        for (uint32_t j = 0; j < models; j++)
            if (i != j && recipe[i] == recipe[j]) {
                sum += matrix[(size_t)i * models + j];
                n++;
            }
    return n > 0 ? sum / n : NAN;
}

int worker_inter_fit_new(uint32_t models, struct worker_inter_fit *fit, struct mx_err *err)
{
    if (!(fit->map = calloc(5 * (size_t)models + 1, sizeof *fit->map)))
        return mx_fail(err, MX_ENOMEM, "no memory to compare %u models", models);
    fit->scorer = fit->map + models;
    fit->self = fit->scorer + models;
    fit->row = fit->self + models;
    fit->carries = fit->row + models;
    return 0;
}
