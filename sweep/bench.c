#include "sweep/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void mx_bench_add(struct mx_bench_results *results, const char *name, const char *unit,
                  double *repeats, unsigned n)
{
    struct mx_bench_result *row = &results->rows[results->n++];

    qsort(repeats, n, sizeof repeats[0], compare);
    snprintf(row->name, sizeof row->name, "%s", name);
    row->unit = unit;
    row->value = (repeats[(n - 1) / 2] + repeats[n / 2]) / 2;
    row->min = repeats[0];
    row->max = repeats[n - 1];
    row->repeats = n;
    row->gflops = row->peak_share = NAN;
}
