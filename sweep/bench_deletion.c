/* bench_deletion.c - how much of plain inference is left while pixels are deleted. */
#include <stdio.h>

#include "sweep/bench.h"
#include "worker/bench_deletion.h"

int mx_bench_deletion(const struct mx_bench_options *options, struct mx_bench_results *results,
                      struct mx_err *err)
{
    static const unsigned usual[] = {WORKER_ARCH_RESNET8, WORKER_ARCH_RESNET20};
    const bool            chosen = options->narchs > 0;
    const size_t          n = chosen ? options->narchs : sizeof usual / sizeof usual[0];

    for (size_t a = 0; a < n; a++)
        for (unsigned fill = 0; fill < WORKER_FILLS; fill++) {
            const unsigned arch = chosen ? options->archs[a] : usual[a];
            double         shares[WORKER_BENCH_DELETION_REPEATS];
            char           name[MX_BENCH_NAME_SIZE];

            if (results->n == MX_BENCH_MAX_RESULTS)
                return mx_fail(err, MX_EINVAL, "bench deletion takes at most %d networks",
                               MX_BENCH_MAX_RESULTS / WORKER_FILLS);
            if (worker_bench_deletion(arch, fill, shares, err))
                return -1;
            snprintf(name, sizeof name, "deletion.%s.%s", worker_archs[arch].word,
                     worker_fills[fill].word);
            mx_bench_add(results, name, "share", shares, WORKER_BENCH_DELETION_REPEATS);
        }
    return 0;
}
