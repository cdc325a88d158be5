/* bench_data.c - image files: decoded, resized, and read as two epochs of a training read them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/bench.h"
#include "worker/bench_data.h"

/* The cache of images is a folder of the bench, which is empty: as for somebody's first sweep. */
static int measure(const char *files, const char *scratch, struct worker_bench_data *bench,
                   struct mx_err *err)
{
    const char *given = getenv("MIXSWEEP_CACHE");
    char       *before = given ? strdup(given) : NULL;
    char       *cache = mx_path_join(scratch, "cache");
    int         rc = -1;

    if ((given && !before) || !cache || setenv("MIXSWEEP_CACHE", cache, 1))
        mx_fail(err, MX_ENOMEM, "no memory for a benchmark");
    else
        rc = worker_bench_data(files, scratch, bench, err);
    if (before)
        setenv("MIXSWEEP_CACHE", before, 1);
    else
        unsetenv("MIXSWEEP_CACHE");
    free(before);
    free(cache);
    return rc;
}

int mx_bench_data(const struct mx_bench_options *options, struct mx_bench_results *results,
                  struct mx_err *err)
{
    char                     scratch[MX_BENCH_FOLDER_SIZE];
    struct worker_bench_data bench;
    struct mx_err            later;
    int                      rc;

    if (mx_bench_folder(scratch, err))
        return -1;
    rc = measure(options->files, scratch, &bench, err);
    if (mx_dir_remove(scratch, rc ? &later : err) || rc)
        return -1;
    mx_bench_add(results, "data.decode", "images/s", bench.decode, WORKER_BENCH_DATA_REPEATS);
    mx_bench_add(results, "data.resize", "images/s", bench.resize, WORKER_BENCH_DATA_REPEATS);
    mx_bench_add(results, "data.first_epoch", "share", bench.first_epoch,
                 WORKER_BENCH_DATA_REPEATS);
    mx_bench_add(results, "data.two_of_one", "share", bench.two_of_one, WORKER_BENCH_DATA_REPEATS);
    mx_bench_add(results, "data.two_of_two", "share", bench.two_of_two, WORKER_BENCH_DATA_REPEATS);
    mx_bench_add(results, "data.second_epoch", "share", bench.second_epoch,
                 WORKER_BENCH_DATA_REPEATS);
    return 0;
}
