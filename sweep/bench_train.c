/* bench_train.c - images a second that networks train on, or infer. */
#include <math.h>
#include <stdio.h>

#include "kernels/peak.h"
#include "sweep/bench.h"
#include "worker/bench_train.h"
#include "worker/choices.h"

/* Measured where the command names no networks. */
static const unsigned usual[] = {WORKER_ARCH_RESNET8, WORKER_ARCH_RESNET20, WORKER_ARCH_RESNET18};

enum {
    SMALL_SIDE = 64, /* above it networks made for ImageNet have its stem */
    FEW_CLASSES = 10,
    MANY_CLASSES = 1000
};

static struct worker_bench_setup setup_of(const struct mx_bench_options *options, unsigned arch)
{
    const unsigned side = options->side ? options->side : WORKER_BENCH_SIDE;

    return (struct worker_bench_setup){.arch = arch,
                                       .threads = MX_BENCH_THREADS,
                                       .device = options->device,
                                       .batch =
                                           options->batch ? options->batch : WORKER_BENCH_BATCH,
                                       .side = side,
                                       .classes = side > SMALL_SIDE ? MANY_CLASSES : FEW_CLASSES,
                                       .precision = options->precision,
                                       .any_order = options->any_order};
}

/* Rows are named with the stem where the network was made for ImageNet. */
static bool names_stem(unsigned arch)
{
    return arch == WORKER_ARCH_RESNET18 || arch == WORKER_ARCH_RESNET34 ||
           arch == WORKER_ARCH_RESNET50 || arch == WORKER_ARCH_VGG11_BN ||
           arch == WORKER_ARCH_PREACT_RESNET18;
}

/* "train.resnet18.cifar"; behind it what is not as usual: batch, side, precision, order of sums. */
static void name_row(char *name, size_t room, const char *what, unsigned arch,
                     const struct mx_bench_options *options)
{
    const bool large = options->side > SMALL_SIDE;
    const bool is_usual = options->precision == WORKER_NET_F32;
    char       sizes[32];

    mx_bench_name_sizes(options, sizes, sizeof sizes);
    snprintf(name, room, "%s.%s%s%s%s%s%s", what, worker_archs[arch].word,
             !names_stem(arch) ? ""
             : large           ? ".imagenet"
                               : ".cifar",
             sizes, is_usual ? "" : ".",
             is_usual ? "" : worker_net_precisions[options->precision].word,
             options->any_order ? ".any_order" : "");
}

/* peak: FLOP/s. */
static void add_rate(struct mx_bench_results *results, const char *name,
                     const struct worker_bench_rate *rate, double peak)
{
    struct mx_bench_result *row = &results->rows[results->n++];

    snprintf(row->name, sizeof row->name, "%s", name);
    row->unit = "images/s";
    row->value = rate->median;
    row->min = rate->min;
    row->max = rate->max;
    row->repeats = rate->repeats;
    row->gflops = rate->flop * rate->median / 1e9;
    row->peak_share = row->gflops * 1e9 / peak;
}

static int bench_arch(const struct mx_bench_options *options, unsigned arch, bool train,
                      double peak, struct mx_bench_results *results, struct mx_err *err)
{
    const struct worker_bench_setup setup = setup_of(options, arch);
    struct worker_bench_rate        rate, convolutions;
    char                            name[MX_BENCH_NAME_SIZE];

    name_row(name, sizeof name, train ? "train" : "infer", arch, options);
    if (!train) {
        if (worker_bench_infer(&setup, &rate, err))
            return -1;
        add_rate(results, name, &rate, peak);
        return 0;
    }
    if (worker_bench_train(&setup, &rate, &convolutions, err))
        return -1;
    add_rate(results, name, &rate, peak);
    name_row(name, sizeof name, "convolutions", arch, options);
    add_rate(results, name, &convolutions, peak);
    return 0;
}

/* By the arithmetic that is asked for; NaN where it is not known. */
static double peak_of(const struct mx_bench_options *options, const struct kern_gpu *gpu)
{
    static const enum kern_arithmetic arithmetics[] = {[WORKER_NET_F32] = KERN_IN_F32,
                                                       [WORKER_NET_TF32] = KERN_IN_TF32,
                                                       [WORKER_NET_BF16] = KERN_IN_BF16};
    double                            peak;

    if (options->device == WORKER_DEVICE_CUDA)
        return kern_gpu_flops(gpu, arithmetics[options->precision]);
    peak = kern_peak_flops() * MX_BENCH_THREADS;
    return peak > 0 ? peak : NAN;
}

static int bench_all(const struct mx_bench_options *options, bool train,
                     struct mx_bench_results *results, struct mx_err *err)
{
    const bool      chosen = options->narchs > 0;
    const size_t    n = chosen ? options->narchs : sizeof usual / sizeof usual[0];
    const unsigned *archs = chosen ? options->archs : usual;
    const double    peak = peak_of(options, &results->gpu);

    for (size_t a = 0; a < n; a++)
        if (bench_arch(options, archs[a], train, peak, results, err))
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
