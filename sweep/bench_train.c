/* bench_train.c - images a second that networks train on, or infer. */
#include <math.h>
#include <stdio.h>

#include "kernels/peak.h"
#include "sweep/bench.h"
#include "worker/bench_train.h"
#include "worker/choices.h"

/* Measured where the command names no networks. */
static const unsigned usual[] = {WORKER_ARCH_RESNET8, WORKER_ARCH_RESNET20, WORKER_ARCH_RESNET18};

/* Rows are named with the stem where the network was made for ImageNet. */
static bool names_stem(unsigned arch)
{
    return arch == WORKER_ARCH_RESNET18 || arch == WORKER_ARCH_RESNET34 ||
           arch == WORKER_ARCH_RESNET50 || arch == WORKER_ARCH_VGG11_BN ||
           arch == WORKER_ARCH_PREACT_RESNET18;
}

static void add_rate(struct mx_bench_results *results, const char *what, unsigned arch,
                     const struct worker_bench_rate *rate, double peak)
{
    struct mx_bench_result *row = &results->rows[results->n++];

    snprintf(row->name, sizeof row->name, "%s.%s%s", what, worker_archs[arch].word,
             names_stem(arch) ? ".cifar" : "");
    row->unit = "images/s";
    row->value = rate->median;
    row->min = rate->min;
    row->max = rate->max;
    row->repeats = rate->repeats;
    row->gflops = rate->flop * rate->median / 1e9;
    row->peak_share = row->gflops * 1e9 / (peak > 0 ? peak * MX_BENCH_THREADS : NAN);
}

static int bench_arch(unsigned arch, bool train, double peak, struct mx_bench_results *results,
                      struct mx_err *err)
{
    struct worker_bench_rate rate, convolutions;

    if (!train) {
        if (worker_bench_infer(arch, MX_BENCH_THREADS, &rate, err))
            return -1;
        add_rate(results, "infer", arch, &rate, peak);
        return 0;
    }
    if (worker_bench_train(arch, MX_BENCH_THREADS, &rate, &convolutions, err))
        return -1;
    add_rate(results, "train", arch, &rate, peak);
    add_rate(results, "convolutions", arch, &convolutions, peak);
    return 0;
}

static int bench_all(const struct mx_bench_options *options, bool train,
                     struct mx_bench_results *results, struct mx_err *err)
{
    const bool      chosen = options->narchs > 0;
    const size_t    n = chosen ? options->narchs : sizeof usual / sizeof usual[0];
    const unsigned *archs = chosen ? options->archs : usual;
    const double    peak = kern_peak_flops();

    for (size_t a = 0; a < n; a++)
        if (bench_arch(archs[a], train, peak, results, err))
            return -1;
    return 0;
}

int mx_bench_train(const struct mx_bench_options *options, struct mx_bench_results *results,
                   struct mx_err *err)
{
    return bench_all(options, true, results, err);
}

int mx_bench_infer(const struct mx_bench_options *options, struct mx_bench_results *results,
                   struct mx_err *err)
{
    return bench_all(options, false, results, err);
}
