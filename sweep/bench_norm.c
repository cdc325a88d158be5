/* bench_norm.c - bytes a second of batch norms on a GPU, beside a copy. */
#include "worker/bench_norm.h"

#include <stdio.h>

#include "sweep/bench.h"

static void add_rates(struct mx_bench_results *results, const char *pass,
                      const struct worker_bench_norm_shape *shape, double *rates, double peak)
{
    char name[MX_BENCH_NAME_SIZE];

    snprintf(name, sizeof name, "norm.%s.%ux%ux%ux%u", pass, shape->images, shape->channels,
             shape->side, shape->side);
    for (unsigned r = 0; r < WORKER_BENCH_NORM_REPEATS; r++)
        rates[r] /= 1e9;
    mx_bench_add(results, name, "GB/s", rates, WORKER_BENCH_NORM_REPEATS);
    results->rows[results->n - 1].peak_share = results->rows[results->n - 1].value * 1e9 / peak;
}

int mx_bench_norm(const struct mx_bench_options *options, struct mx_bench_results *results,
                  struct mx_err *err)
{
    /* The first norms of resnet20, of resnet18 for small images and of resnet50. */
    static const struct worker_bench_norm_shape usual[] = {
        {128, 16, 32}, {512, 64, 32}, {64, 64, 112}};
    static const char *const passes[WORKER_BENCH_NORM_PASSES] = {"copy", "forward", "backward"};

    for (size_t k = 0; k < sizeof usual / sizeof usual[0]; k++) {
        struct worker_bench_norm_shape shape = usual[k];
        double                         rates[WORKER_BENCH_NORM_PASSES][WORKER_BENCH_NORM_REPEATS];

        if (options->batch)
            shape.images = options->batch;
        if (worker_bench_norm(&shape, rates, err))
            return -1;
        for (unsigned pass = 0; pass < WORKER_BENCH_NORM_PASSES; pass++)
            add_rates(results, passes[pass], &shape, rates[pass],
                      kern_gpu_bandwidth(&results->gpu));
    }
    return 0;
}
