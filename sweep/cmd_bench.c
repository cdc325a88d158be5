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

/* What can be measured; run NULL: known, but not in this version. */
static const struct {
    const char  *word;
    mx_bench_fn *run;
    const char  *help;
} benches[] = {
    {"train", mx_bench_train,
     "  train    images a second of CPU time that networks train on (3 x 32 x 32, batches of 128,\n"
     "           one thread), and that their convolutions alone would: resnet8, resnet20 and\n"
     "           resnet18, or those named behind it\n"},
    {"infer", mx_bench_infer, "  infer    the same for logits in eval mode\n"},
    {"reduce", mx_bench_reduce,
     "  reduce   microseconds to sum a table of 2,000 rows x 10 metrics over 8 participants in\n"
     "           memory, messages and the comparison with the right sum included\n"},
    {"augment", mx_bench_augment,
     "  augment  what each mixing strategy, and each way of data.augment, costs beyond a batch\n"
     "           that is neither mixed nor changed, as a share of a training step of resnet20,\n"
     "           with a draw for each image (augment.none: the whole of such a batch; puzzlemix\n"
     "           without its pass through the network)\n"},
    {"head", mx_bench_head,
     "  head     seconds a cell of HSFM, at the sizes and parameters published for four data\n"
     "           sets, on generated features; and of CPU time\n"},
    {"deletion", mx_bench_deletion,
     "  deletion images x steps a second of deletion curves as a share of the images a second of\n"
     "           the same network in plain inference, for each fill: resnet8 and resnet20, or the\n"
     "           networks named behind it\n"},
    {"data", mx_bench_data,
     "  data     images a second of CPU time that JPEG and PNG files are decoded, and resized to\n"
     "           224 x 224: made ones of 500 x 375 pixels, or those of --files\n"},
    {"dispatch", mx_bench_dispatch,
     "  dispatch microseconds a trial besides its work, of a whole sweep of 200,000 that do\n"
     "           nothing: planning, scheduler, messages, two executors, journal and results; CPU\n"
     "           time of all its processes; and the same in one process without messages\n"},
    {"journal", mx_bench_journal,
     "  journal  microseconds to append a record of 10 metrics, its share of the group's write\n"
     "           and fsync included, and to read one\n"},
};

enum {
    BENCHES = sizeof benches / sizeof benches[0]
};

static void print_help(void)
{
    fputs("usage: mixsweep bench WHAT [NETWORK...] [--json]\n"
          "\n"
          "Measure this machine. WHAT is one of:\n"
          "\n",
          stdout);
    for (size_t b = 0; b < BENCHES; b++)
        fputs(benches[b].help, stdout);
    fputs("\n"
          "  --json      the results as one JSON object\n"
          "  --trials N  dispatch: so many trials, a multiple of 100, instead of 200,000\n"
          "  --files DIR data: the first 64 image files of a folder\n"
          "\n"
          "Exit status: 0, 2 for usage, 3 if the machine cannot be measured.\n",
          stdout);
}

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
    if (b == BENCHES || !benches[b].run)
        return mx_fail(err, MX_EINVAL, "bench %s %s; mixsweep bench --help lists what there is",
                       what, b == BENCHES ? "is unknown" : "is not built yet");
    if (options->trials > 0 && benches[b].run != mx_bench_dispatch)
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

static int read_trials(const char *text, unsigned *trials, struct mx_err *err)
{
    enum {
        MOST = 10000000
    };
    int64_t value;

    if (!text || !mx_num_parse_int(text, &value) || value < 1 || value > MOST)
        return mx_fail(err, MX_EINVAL, "--trials %s: give a number from 1 to %d", text ? text : "",
                       (int)MOST);
    *trials = (unsigned)value;
    return 0;
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
    const char             *what = NULL;
    bool                    json = false;
    struct mx_bench_options options = {0};
    struct mx_err           err = {0};

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            return 0;
        }
        if (strcmp(argv[i], "--json") == 0) {
            json = true;
        } else if (strcmp(argv[i], "--trials") == 0 && i + 1 < argc) {
            if (read_trials(argv[++i], &options.trials, &err))
                return mx_command_fail(&err);
        } else if (strcmp(argv[i], "--files") == 0 && i + 1 < argc) {
            options.files = argv[++i];
        } else if (argv[i][0] == '-' || (what && !add_network(argv[i], &options))) {
            mx_fail(&err, MX_EINVAL, "bench does not take '%s'; mixsweep bench --help tells more",
                    argv[i]);
            return mx_command_fail(&err);
        } else if (!what) {
            what = argv[i];
        }
    }
    if (!what)
        mx_fail(&err, MX_EINVAL, "bench takes one WHAT; mixsweep bench --help lists them");
    else if (run(what, &options, json, &err) == 0)
        return 0;
    return mx_command_fail(&err);
}
