#include "worker/map_numbers.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

struct valued {
    double value;
    size_t at;
};

static int compare(const void *a, const void *b)
{
    const struct valued *x = a, *y = b;

    return x->value < y->value ? -1 : x->value > y->value;
}

/* The values of a map in rising order. */
static struct valued *sorted(const float *map, size_t n, int absolute, struct mx_err *err)
{
    struct valued *list = malloc((n + 1) * sizeof *list);

    if (!list) {
        mx_fail(err, MX_ENOMEM, "no memory to sort a map of %zu pixels", n);
        return NULL;
    }
    for (size_t k = 0; k < n; k++)
        list[k] = (struct valued){absolute ? fabs(map[k]) : map[k], k};
    qsort(list, n, sizeof *list, compare);
    return list;
}

int worker_map_gini(const float *map, size_t n, double *gini, struct mx_err *err)
{
    struct valued *list = sorted(map, n, 1, err);
    double         sum = 0, weighted = 0;

    if (!list)
        return -1;
    for (size_t k = 0; k < n; k++) {
        sum += list[k].value;
        weighted += (2 * (double)k + 1 - (double)n) * list[k].value;
    }
    free(list);
    *gini = sum > 0 ? weighted / ((double)n * sum) : 0;
    return 0;
}

double worker_map_entropy(const float *map, size_t n)
{
    double sum = 0, entropy = 0;

    for (size_t k = 0; k < n; k++)
        sum += fabs(map[k]);
    for (size_t k = 0; k < n; k++) {
        const double share = fabs(map[k]) / sum;

        if (share > 0)
            entropy -= share * log(share);
    }
    return sum > 0 ? entropy : NAN;
}

/* ranks[pixel], counted from 0; equal values share the mean of theirs. */
static int rank(const float *map, size_t n, double *ranks, struct mx_err *err)
{
    struct valued *list = sorted(map, n, 0, err);

    if (!list)
        return -1;
    for (size_t k = 0, end; k < n; k = end) {
        for (end = k + 1; end < n && list[end].value == list[k].value;)
            end++;
        for (size_t i = k; i < end; i++)
            ranks[list[i].at] = ((double)k + (double)end - 1) / 2;
    }
    free(list);
    return 0;
}

int worker_map_spearman(const float *a, const float *b, size_t n, double *correlation,
                        struct mx_err *err)
{
    double *ranks = malloc(2 * (n + 1) * sizeof *ranks), *other;
    double  mean = ((double)n - 1) / 2, aa = 0, bb = 0, ab = 0;

    if (!ranks)
        return mx_fail(err, MX_ENOMEM, "no memory to compare maps of %zu pixels", n);
    other = ranks + n;
    if (rank(a, n, ranks, err) || rank(b, n, other, err)) {
        free(ranks);
        return -1;
    }
    for (size_t k = 0; k < n; k++) {
        aa += (ranks[k] - mean) * (ranks[k] - mean);
        bb += (other[k] - mean) * (other[k] - mean);
        ab += (ranks[k] - mean) * (other[k] - mean);
    }
    free(ranks);
    *correlation = aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : NAN;
    return 0;
}
