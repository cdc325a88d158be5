/* bench_head.c - seconds that a cell of HSFM takes, at the published shapes. */
#include <stdio.h>

#include "sweep/bench.h"
#include "worker/bench_head.h"

int mx_bench_head(const struct mx_bench_options *options, struct mx_bench_results *results,
                  struct mx_err *err)
{
    (void)options;
    for (unsigned s = 0; s < WORKER_BENCH_HEADS; s++) {
        struct worker_bench_head bench;
        char                     name[MX_BENCH_NAME_SIZE];

        if (worker_bench_head(s, &bench, err))
            return -1;
        snprintf(name, sizeof name, "head.hsfm.%s", bench.word);
        mx_bench_add(results, name, "s", bench.wall_s, WORKER_BENCH_HEAD_REPEATS);
        snprintf(name, sizeof name, "head.hsfm.%s.cpu", bench.word);
        mx_bench_add(results, name, "s", bench.cpu_s, WORKER_BENCH_HEAD_REPEATS);
    }
    return 0;
}
