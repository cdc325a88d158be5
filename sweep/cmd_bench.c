/* mixsweep bench WHAT: how fast this machine is at what a sweep does most. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sweep/bench.h"
#include "sweep/command.h"
#include "worker/choices.h"

/* What can be measured. */
static const struct {
    const char  *word;
    mx_bench_fn *run;
} benches[] = {
    {"train", mx_bench_train},     {"infer", mx_bench_infer},       {"reduce", mx_bench_reduce},
    {"augment", mx_bench_augment}, {"head", mx_bench_head},         {"deletion", mx_bench_deletion},
    {"data", mx_bench_data},       {"dispatch", mx_bench_dispatch}, {"journal", mx_bench_journal},
    {"norm", mx_bench_norm},
};

static const struct mx_topic topics[] = {
    {"train", "images a second of CPU time that networks train on (3 x 32 x 32, batches of "
              "128, one thread), and that their convolutions alone would: resnet8, resnet20 "
              "and resnet18, or those named behind it; on a GPU of time by the clock"},
    {"infer", "the same for logits in eval mode"},
    {"norm", "bytes a second that batch norms move on a GPU, in resnet20 with batches of 128, and "
             "in resnet18 (512) "
             "and resnet50 (64, at 224 x 224), beside a copy of the same array; arrays of some "
             "megabytes stay in "
             "its caches"},
    {"reduce", "microseconds to sum a table of 2,000 rows x 10 metrics over 8 participants in "
               "memory, messages and the comparison with the right sum included"},
    {"augment", "what each mixing strategy, and each way of data.augment, costs beyond a batch "
                "that is neither mixed nor changed, as a share of a training step of resnet20, "
                "with a draw for each image (augment.none: the whole of such a batch; puzzlemix "
                "without its pass through the network)"},
    {"head", "seconds a cell of HSFM, at the sizes and parameters published for four data "
             "sets, on generated features; and of CPU time"},
    {"deletion", "images x steps a second of deletion curves as a share of the images a second "
                 "of the same network in plain inference, for each fill: resnet8 and resnet20, "
                 "or the networks named behind it; on a GPU the rate itself, too"},
    {"data",
     "images a second of CPU time that JPEG and PNG files are decoded, and resized "
     "to 224 x 224: made ones of 500 x 375 pixels, or those of --files; what opening a "
     "folder of them without a cache, which is filled, reaches of the speed of reading, "
     "decoding and resizing its files (first_epoch); what two processes that open it at once "
     "reach, by the clock, of that speed of one core and of two (two_of_one, two_of_two); and what "
     "making cut and flipped "
     "batches of images in memory, as floats, reaches of the speed of copying, a byte "
     "read and four written for each number (second_epoch)"},
    {"dispatch",
     "microseconds a trial besides its work, of a whole sweep of 200,000 that do "
     "nothing: planning, scheduler, messages, two executors, journal and results; "
     "CPU time of all its processes; the same in one process without messages; and CPU time "
     "of rank 0 alone, a trial that is given out by itself"},
    {"journal", "microseconds to append a record of 10 metrics, its share of the group's write "
                "and fsync included, and to read one; microseconds a trial, and of CPU time, until "
                "a sweep of 100,000 done trials goes on; bytes of its scheduler a trial"},
    {NULL, NULL},
};

enum {
    BENCHES = sizeof benches / sizeof benches[0]
};

struct options {
    bool        json;
    int64_t     trials, batch, size; /* 0: not given */
    const char *files;
    unsigned    device, precision;
    bool        any_order;
};

static const char *const devices[] = {"cpu", "cuda", NULL}; /* enum worker_device */

#define WORD_OF(name, word, built) word,
static const char *const precisions[] = {WORKER_NET_PRECISIONS(WORD_OF) NULL};

static const struct mx_option known[] = {
    MX_OPTION_JSON(struct options, json, "the results as one JSON object"),
    {.name = "trials",
     .value = "N",
     .kind = MX_OPTION_COUNT,
     .at = offsetof(struct options, trials),
     .low = 1,
     .high = 10000000,
     .help = "dispatch, journal: so many trials, a multiple of 100, instead of 200,000 or 100,000"},
    {.name = "device",
     .value = "KIND",
     .kind = MX_OPTION_WORD,
     .at = offsetof(struct options, device),
     .words = devices,
     .help = "train, infer, deletion, norm: cpu (default), or cuda, the first GPU that is visible, "
             "with the share of "
             "its peak by its own data"},
    {.name = "batch",
     .value = "N",
     .kind = MX_OPTION_COUNT,
     .at = offsetof(struct options, batch),
     .low = 1,
     .high = 65536,
     .help = "train, infer, norm: images of a batch; deletion: images together, of which each has "
             "29 steps"},
    {.name = "size",
     .value = "N",
     .kind = MX_OPTION_COUNT,
     .at = offsetof(struct options, size),
     .low = 8,
     .high = 1024,
     .help =
         "train, infer, deletion: sides of images; of train and infer above 64 with 1,000 classes"},
    {.name = "precision",
     .value = "WORD",
     .kind = MX_OPTION_WORD,
     .at = offsetof(struct options, precision),
     .words = precisions,
     .help = "train, infer: train.precision; default f32"},
    {.name = "any-order",
     .at = offsetof(struct options, any_order),
     .help = "train, infer: with train.deterministic false"},
    {.name = "files",
     .value = "DIR",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct options, files),
     .completes = MX_COMPLETES_FOLDERS,
     .help = "data: the first 64 image files of a folder"},
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep bench train resnet8 resnet20", "Two networks:"},
    {"mixsweep bench train resnet50 --device cuda --size 224 --batch 64", "On a GPU:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_bench = {
    .command = "bench",
    .forms = {"bench WHAT [NETWORK...] [OPTIONS]"},
    .takes = "one WHAT",
    .least = 1,
    .most = 1 + MX_BENCH_MAX_ARCHS,
    .topics = topics,
    .topics_head = "WHAT is one of:",
    .summary = "measure this machine",
    .about = "Measure this machine at what a sweep does most. Networks may be named behind train, "
             "infer and deletion.",
    .options = known,
    .examples = examples,
    .exits = "0, 2 for usage, 3 if the machine cannot be measured.",
};

/* What an option is for, by those that take it. */
static int check_options(const char *what, mx_bench_fn *bench,
                         const struct mx_bench_options *options, struct mx_err *err)
{
    const bool trains = bench == mx_bench_train || bench == mx_bench_infer;
    const bool norm = bench == mx_bench_norm, deletion = bench == mx_bench_deletion;

    if (options->trials > 0 && bench != mx_bench_dispatch && bench != mx_bench_journal)
        return mx_fail(err, MX_EINVAL, "bench %s takes no --trials", what);
    if (options->files && bench != mx_bench_data)
        return mx_fail(err, MX_EINVAL, "bench %s takes no --files", what);
    if (options->narchs > 0 && !trains && !deletion)
        return mx_fail(err, MX_EINVAL, "bench %s takes no networks", what);
    if (options->device != WORKER_DEVICE_CPU && !trains && !deletion && !norm)
        return mx_fail(err, MX_EINVAL, "bench %s takes no --device", what);
    if (options->batch > 0 && !trains && !norm && !deletion)
        return mx_fail(err, MX_EINVAL, "bench %s takes no --batch", what);
    if (options->side > 0 && !trains && !deletion)
        return mx_fail(err, MX_EINVAL, "bench %s takes no --size", what);
    if (options->precision != WORKER_NET_F32 && !trains)
        return mx_fail(err, MX_EINVAL, "bench %s takes no --precision", what);
    if (options->any_order && !trains)
        return mx_fail(err, MX_EINVAL, "bench %s takes no --any-order", what);
    if (!worker_net_precisions[options->precision].built)
        return mx_fail(err, MX_EINVAL, "--precision %s is not in this version",
                       worker_net_precisions[options->precision].word);
    if (norm && options->device == WORKER_DEVICE_CPU)
        return mx_fail(err, MX_EINVAL, "bench norm is of GPUs: give --device cuda");
    return 0;
}

static int run(const char *what, const struct mx_bench_options *options, bool json,
               struct mx_err *err)
{
    struct mx_bench_results results = {.n = 0};
    struct mx_buf           out = {0};
    size_t                  b = 0;
    int                     rc;

    while (b < BENCHES && strcmp(benches[b].word, what) != 0)
        b++;
    if (b == BENCHES)
        return mx_fail(err, MX_EINVAL,
                       "bench %s is unknown; mixsweep bench --help lists what there is", what);
    if (check_options(benches[b].word, benches[b].run, options, err) ||
        (options->device == WORKER_DEVICE_CUDA && kern_cuda_gpu(&results.gpu, err)))
        return -1;
    if (benches[b].run(options, &results, err))
        return -1;
    if (json)
        mx_bench_print_json(what, &results, &out);
    else if (mx_bench_print_text(&results, &out, err))
        return -1;
    rc = !mx_buf_ok(&out) ? mx_fail(err, MX_ENOMEM, "no memory for the results")
         : fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout)
             ? mx_fail_errno(err, MX_EIO, errno, "cannot write the results to standard output")
             : 0;
    mx_buf_free(&out);
    return rc;
}

/* A network to measure; false: the word is none, or there are too many. */
static bool add_network(const char *word, struct mx_bench_options *options)
{
    for (unsigned a = 0; worker_archs[a].word && options->narchs < MX_BENCH_MAX_ARCHS; a++)
        if (strcmp(worker_archs[a].word, word) == 0) {
            options->archs[options->narchs++] = a;
            return true;
        }
    return false;
}

int mx_cmd_bench(int argc, char **argv)
{
    struct options          options = {.json = false};
    struct mx_bench_options bench = {0};
    struct mx_err           err = {0};
    const char             *words[1 + MX_BENCH_MAX_ARCHS];
    size_t                  n;
    int rc = mx_command_read(&mx_usage_bench, argc, argv, &options, words, &n, &err);

    for (size_t k = 1; k < n && rc == 0; k++)
        if (!add_network(words[k], &bench))
            rc = mx_usage_fail(&mx_usage_bench, &err, "does not take '%.60s'", words[k]);
    if (rc == 0) {
        bench.trials = (unsigned)options.trials;
        bench.files = options.files;
        bench.device = (enum worker_device)options.device;
        bench.batch = (unsigned)options.batch;
        bench.side = (unsigned)options.size;
        bench.precision = options.precision;
        bench.any_order = options.any_order;
        rc = run(words[0], &bench, options.json, &err);
    }
    return rc < 0 ? mx_command_fail(&err) : 0;
}
