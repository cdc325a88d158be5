#include "reduce/paired.h"

#include <math.h>
#include <stdlib.h>

#include "reduce/summary.h"

struct reduce_paired reduce_paired(const double *differences, size_t n)
{
    const double          t = n < 2 ? NAN : reduce_student_quantile(0.975, (double)(n - 1));
    struct reduce_summary s = reduce_summarise(differences, n, t);
    struct reduce_paired  paired = {n, s.mean, s.low, s.high, NAN};

    if (n < 2 || isnan(s.sd))
        return paired;
    if (s.sd > 0)
        paired.p = reduce_student_tails(s.mean / (s.sd / sqrt((double)n)), (double)(n - 1));
    else
        paired.p = s.mean == 0 ? 1 : 0;
    return paired;
}

static int by_value(const void *a, const void *b)
{
    const double x = **(double *const *)a, y = **(double *const *)b;

    return (x > y) - (x < y);
}

int reduce_holm(double *p, size_t n)
{
    double **order = calloc(n + 1, sizeof(double *));
    double   so_far = 0;
    size_t   m = 0;

    if (!order)
        return -1;
    for (size_t k = 0; k < n; k++)
        if (!isnan(p[k]))
            order[m++] = &p[k];
    qsort(order, m, sizeof order[0], by_value);
    for (size_t k = 0; k < m; k++) {
        so_far = fmax(so_far, fmin(1, (double)(m - k) * *order[k]));
        *order[k] = so_far;
    }
    free(order);
    return 0;
}
