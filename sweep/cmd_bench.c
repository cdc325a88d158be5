/* mixsweep bench WHAT: how fast this machine is at what a sweep does most. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "sweep/bench.h"
#include "sweep/command.h"
#include "sweep/machine.h"
#include "sweep/text_table.h"
#include "worker/choices.h"

/* What can be measured. */
static const struct {
    const char  *word;
    mx_bench_fn *run;
} benches[] = {
    {"train", mx_bench_train},     {"infer", mx_bench_infer},       {"reduce", mx_bench_reduce},
    {"augment", mx_bench_augment}, {"head", mx_bench_head},         {"deletion", mx_bench_deletion},
    {"data", mx_bench_data},       {"dispatch", mx_bench_dispatch}, {"journal", mx_bench_journal},
};

static const struct mx_topic topics[] = {
    {"train", "images a second of CPU time that networks train on (3 x 32 x 32, batches of "
              "128, one thread), and that their convolutions alone would: resnet8, resnet20 "
              "and resnet18, or those named behind it"},
    {"infer", "the same for logits in eval mode"},
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
                 "or the networks named behind it"},
    {"data", "images a second of CPU time that JPEG and PNG files are decoded, and resized "
             "to 224 x 224: made ones of 500 x 375 pixels, or those of --files; what opening a "
             "folder of them without a cache, which is filled, reaches of the speed of reading, "
             "decoding and resizing its files (first_epoch); and what making cut and flipped "
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
    int64_t     trials; /* 0: not given */
    const char *files;
};

static const struct mx_option known[] = {
    MX_OPTION_JSON(struct options, json, "the results as one JSON object"),
    {.name = "trials",
     .value = "N",
     .kind = MX_OPTION_COUNT,
     .at = offsetof(struct options, trials),
     .low = 1,
     .high = 10000000,
     .help = "dispatch, journal: so many trials, a multiple of 100, instead of 200,000 or 100,000"},
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

static void print_json(const char *what, const struct mx_bench_results *results, struct mx_buf *out)
{
    struct mx_json    json = {out, false};
    struct mx_machine machine;

    mx_machine_look(&machine);
    mx_json_object(&json, NULL);
    mx_json_text(&json, "bench", what);
    mx_json_text(&json, "version", MX_VERSION);
    mx_json_text(&json, "host", machine.host);
    mx_json_text(&json, "device", machine.cpu);
    mx_json_uint(&json, "threads", MX_BENCH_THREADS);
    mx_json_array(&json, "results");
    for (size_t r = 0; r < results->n; r++) {
        const struct mx_bench_result *row = &results->rows[r];

        mx_json_object(&json, NULL);
        mx_json_text(&json, "name", row->name);
        mx_json_real(&json, "value", row->value);
        mx_json_text(&json, "unit", row->unit);
        mx_json_real(&json, "min", row->min);
        mx_json_real(&json, "max", row->max);
        mx_json_uint(&json, "repeats", row->repeats);
        mx_json_real(&json, "gflops", row->gflops);
        mx_json_real(&json, "peak_share", row->peak_share);
        mx_json_end_object(&json);
    }
    mx_json_end_array(&json);
    mx_json_end_object(&json);
    mx_buf_text(out, "\n");
}

/* Shares and seconds are small. */
static const char *format_of(const struct mx_bench_result *row)
{
    return strcmp(row->unit, "share") == 0 ? "%.4f" : strcmp(row->unit, "s") == 0 ? "%.3f" : "%.1f";
}

/* A number with few digits for people; "-" for what was not measured. */
static void add_number(struct mx_text_table *table, const char *format, double value)
{
    char text[MX_NUM_SIZE] = "-";

    if (!isnan(value))
        snprintf(text, sizeof text, format, value);
    mx_text_table_add(table, text);
}

static int print_text(const struct mx_bench_results *results, struct mx_buf *out,
                      struct mx_err *err)
{
    static const struct mx_text_column columns[] = {
        {"name", NULL, false, false, false},   {"median", NULL, true, false, false},
        {"min", NULL, true, false, false},     {"max", NULL, true, false, false},
        {"unit", NULL, false, false, false},   {"GFLOP/s", NULL, true, false, false},
        {"of peak", NULL, true, false, false},
    };
    struct mx_text_table *table = mx_text_table_new(columns, sizeof columns / sizeof columns[0]);

    if (!table)
        return mx_fail(err, MX_ENOMEM, "no memory for a table of results");
    for (size_t r = 0; r < results->n; r++) {
        const struct mx_bench_result *row = &results->rows[r];

        mx_text_table_add(table, row->name);
        add_number(table, format_of(row), row->value);
        add_number(table, format_of(row), row->min);
        add_number(table, format_of(row), row->max);
        mx_text_table_add(table, row->unit);
        add_number(table, "%.1f", row->gflops);
        add_number(table, "%.0f %%", 100 * row->peak_share);
    }
    mx_text_table_print(table, 0, out);
    mx_text_table_free(table);
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
    if (options->trials > 0 && benches[b].run != mx_bench_dispatch &&
        benches[b].run != mx_bench_journal)
        return mx_fail(err, MX_EINVAL, "bench %s takes no --trials", what);
    if (options->files && benches[b].run != mx_bench_data)
        return mx_fail(err, MX_EINVAL, "bench %s takes no --files", what);
    if (options->narchs > 0 && benches[b].run != mx_bench_train &&
        benches[b].run != mx_bench_infer && benches[b].run != mx_bench_deletion)
        return mx_fail(err, MX_EINVAL, "bench %s takes no networks", what);
    if (benches[b].run(options, &results, err))
        return -1;
    if (json)
        print_json(what, &results, &out);
    else if (print_text(&results, &out, err))
        return -1;
    rc = !mx_buf_ok(&out) ? mx_fail(err, MX_ENOMEM, "no memory for the results")
         : fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout)
             ? mx_fail(err, MX_EIO, "cannot write the results to standard output")
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
        rc = run(words[0], &bench, options.json, &err);
    }
    return rc < 0 ? mx_command_fail(&err) : 0;
}
