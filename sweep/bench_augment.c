/* bench_augment.c - each strategy's cost beside a training step. */
#include <stdio.h>

#include "sweep/bench.h"
#include "worker/bench_augment.h"

int mx_bench_augment(const struct mx_bench_options *options, struct mx_bench_results *results,
                     struct mx_err *err)
{
    struct worker_bench_shares shares;

    (void)options;
    if (worker_bench_augment(&shares, err))
        return -1;
    for (unsigned s = 0; s < WORKER_MIXES; s++) {
        char name[MX_BENCH_NAME_SIZE];

        snprintf(name, sizeof name, "augment.%s", worker_strategies[s].word);
        mx_bench_add(results, name, "share", shares.of[s], WORKER_BENCH_AUGMENT_REPEATS);
    }
    return 0;
}
