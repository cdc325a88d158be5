#include "sweep/bench.h"

#include <errno.h>
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

void mx_bench_name_sizes(const struct mx_bench_options *options, char *text, size_t room)
{
    char batch[16] = "", side[16] = "";

    if (options->batch)
        snprintf(batch, sizeof batch, ".b%u", options->batch);
    if (options->side)
        snprintf(side, sizeof side, ".s%u", options->side);
    snprintf(text, room, "%s%s", batch, side);
}

int mx_bench_folder(char folder[MX_BENCH_FOLDER_SIZE], struct mx_err *err)
{
    snprintf(folder, MX_BENCH_FOLDER_SIZE, "/tmp/mixsweep-bench-XXXXXX");
    return mkdtemp(folder) ? 0
                           : mx_fail_errno(err, MX_EIO, errno, "cannot make the folder %s", folder);
}
