/* bench_deletion.c - how much of plain inference is left while pixels are deleted. */
#include <stdio.h>

#include "sweep/bench.h"
#include "worker/bench_deletion.h"

/* "deletion.resnet8.blur"; behind it the images together and their side where they are not as usual. */
static void add(const struct mx_bench_options *options, const char *what, unsigned arch,
                unsigned fill, const char *unit, double *repeats, struct mx_bench_results *results)
{
    char name[MX_BENCH_NAME_SIZE], more[32];

    mx_bench_name_sizes(options, more, sizeof more);
    snprintf(name, sizeof name, "%s.%s.%s%s", what, worker_archs[arch].word,
             worker_fills[fill].word, more);
    mx_bench_add(results, name, unit, repeats, WORKER_BENCH_DELETION_REPEATS);
}

/* The share of plain inference; on a GPU the rate, too. */
static int bench_fill(const struct mx_bench_options *options, unsigned arch, unsigned fill,
                      struct mx_bench_results *results, struct mx_err *err)
{
    const struct worker_bench_curves what = {
        .arch = arch,
        .device = options->device,
        .images = options->batch ? options->batch : WORKER_BENCH_DELETION_IMAGES,
        .side = options->side ? options->side : WORKER_BENCH_DELETION_SIDE};
    double shares[WORKER_BENCH_DELETION_REPEATS], rates[WORKER_BENCH_DELETION_REPEATS];

    if (worker_bench_deletion(&what, (enum worker_fill)fill, shares, rates, err))
        return -1;
    add(options, "deletion", arch, fill, "share", shares, results);
    if (options->device != WORKER_DEVICE_CPU)
        add(options, "curves", arch, fill, "images/s", rates, results);
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
