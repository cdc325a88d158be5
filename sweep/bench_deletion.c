/* bench_deletion.c - how much of plain inference is left while pixels are deleted. */
#include <stdio.h>

#include "sweep/bench.h"
#include "worker/bench_deletion.h"

/* The share of plain inference; on a GPU the rate, too. */
static int bench_fill(const struct mx_bench_options *options, unsigned arch, unsigned fill,
                      struct mx_bench_results *results, struct mx_err *err)
{
    double shares[WORKER_BENCH_DELETION_REPEATS], rates[WORKER_BENCH_DELETION_REPEATS];
    char   name[MX_BENCH_NAME_SIZE];

    if (worker_bench_deletion(arch, options->device, (enum worker_fill)fill, shares, rates, err))
        return -1;
    snprintf(name, sizeof name, "deletion.%s.%s", worker_archs[arch].word, worker_fills[fill].word);
    mx_bench_add(results, name, "share", shares, WORKER_BENCH_DELETION_REPEATS);
    if (options->device == WORKER_DEVICE_CPU)
        return 0;
    snprintf(name, sizeof name, "curves.%s.%s", worker_archs[arch].word, worker_fills[fill].word);
    mx_bench_add(results, name, "images/s", rates, WORKER_BENCH_DELETION_REPEATS);
    return 0;
}

int mx_bench_deletion(const struct mx_bench_options *options, struct mx_bench_results *results,
                      struct mx_err *err)
{
    static const unsigned usual[] = {WORKER_ARCH_RESNET8, WORKER_ARCH_RESNET20};
    const bool            chosen = options->narchs > 0;
    const size_t          n = chosen ? options->narchs : sizeof usual / sizeof usual[0];
    const size_t          rows = options->device == WORKER_DEVICE_CPU ? 1 : 2;
    const size_t          most = MX_BENCH_MAX_RESULTS / (WORKER_FILLS * rows);

    if (n > most)
        return mx_fail(err, MX_EINVAL, "bench deletion takes at most %zu networks", most);
    for (size_t a = 0; a < n; a++)
        for (unsigned fill = 0; fill < WORKER_FILLS; fill++)
            if (bench_fill(options, chosen ? options->archs[a] : usual[a], fill, results, err))
                return -1;
    return 0;
}
