/* bench_data.c - image files: decoded, and resized. */
#include "worker/bench_data.h"
#include "sweep/bench.h"

int mx_bench_data(const struct mx_bench_options *options, struct mx_bench_results *results,
                  struct mx_err *err)
{
    struct worker_bench_data bench;

    if (worker_bench_data(options->files, &bench, err))
        return -1;
    mx_bench_add(results, "data.decode", "images/s", bench.decode, WORKER_BENCH_DATA_REPEATS);
    mx_bench_add(results, "data.resize", "images/s", bench.resize, WORKER_BENCH_DATA_REPEATS);
    return 0;
}
