/* bench_augment.c - the cost of each strategy, and of other augmentation, beside a training
 * step. */
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
    for (unsigned s = 0; s < WORKER_BENCH_AUGMENTS; s++) {
        const char *word = s < WORKER_MIXES
                               ? worker_strategies[s].word
                               : worker_augments[worker_bench_augments[s - WORKER_MIXES]].word;
        char        name[MX_BENCH_NAME_SIZE];

        snprintf(name, sizeof name, "augment.%s", word);
        mx_bench_add(results, name, "share", shares.of[s], WORKER_BENCH_AUGMENT_REPEATS);
    }
    return 0;
}
