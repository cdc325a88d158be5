/* bench_train.c - images a second that the networks train on. */
#include <math.h>
#include <stdio.h>

#include "kernels/peak.h"
#include "sweep/bench.h"
#include "worker/bench_train.h"
#include "worker/choices.h"

static void add_rate(struct mx_bench_results *results, const char *what, unsigned arch,
                     const struct worker_bench_rate *rate, double peak)
{
    struct mx_bench_result *row = &results->rows[results->n++];

    snprintf(row->name, sizeof row->name, "%s.%s", what, worker_archs[arch].word);
    row->unit = "images/s";
    row->value = rate->median;
    row->min = rate->min;
    row->max = rate->max;
    row->repeats = WORKER_BENCH_REPEATS;
    row->gflops = rate->flop * rate->median / 1e9;
    row->peak_share = row->gflops * 1e9 / (peak > 0 ? peak * MX_BENCH_THREADS : NAN);
}

int mx_bench_train(const struct mx_bench_options *options, struct mx_bench_results *results,
                   struct mx_err *err)
{
    static const unsigned archs[] = {WORKER_ARCH_RESNET8, WORKER_ARCH_RESNET20};
    const double          peak = kern_peak_flops();

    (void)options;
    for (size_t a = 0; a < sizeof archs / sizeof archs[0]; a++) {
        struct worker_bench_rate train, convolutions;

        if (worker_bench_train(archs[a], MX_BENCH_THREADS, &train, &convolutions, err))
            return -1;
        add_rate(results, "train", archs[a], &train, peak);
        add_rate(results, "convolutions", archs[a], &convolutions, peak);
    }
    return 0;
}
