/* cmd_preview.c - `mixsweep preview`. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "sweep/check.h"
#include "sweep/command.h"
#include "sweep/preview.h"
#include "sweep/remarks.h"

static const char help[] =
    "usage: mixsweep preview CONFIG --out FILE.png [OPTIONS]\n"
    "       mixsweep preview CONFIG --stats [N] [OPTIONS]\n"
    "\n"
    "Show what the mixing strategies of a configuration do to images of its data set: a row for\n"
    "each base image, a column for each setting of the grid's first two mix axes. Below a picture\n"
    "stand lambda, the share of the base image, and the labels with their weights.\n"
    "\n"
    "  --out FILE.png       write the pictures there\n"
    "  --rows N             base images, the first of the training part; default 4\n"
    "  --masks              show too where base and partner are seen\n"
    "  --stats [N]          statistics of N independent mixed draws of each setting; default "
    "10000\n"
    "  --json               the statistics as JSON: one object, or an array of one a setting\n"
    "  --set KEY=VALUE      set a key of the configuration; may be repeated\n"
    "\n"
    "Images are neither cropped nor flipped. Strategies that look at gradients see those of the\n"
    "network before its first step of training; with model.weights, of the network in that file.\n"
    "\n"
    "Exit status: 0, 2 for usage and configuration, 3 where data cannot be read.\n";

enum {
    DEFAULT_ROWS = 4,
    DEFAULT_DRAWS = 10000,
    MOST_DRAWS = 100000000,
};

struct options {
    const char  *out;
    bool         masks, json;
    int64_t      rows, draws; /* draws 0: no statistics */
    const char  *behind;      /* what stands behind a --stats without a number, or NULL */
    const char **sets;        /* (argc) */
    size_t       nsets;
    const char  *file;
};

enum {
    OPT_OUT = 256,
    OPT_ROWS,
    OPT_MASKS,
    OPT_STATS,
    OPT_JSON,
    OPT_SET,
    OPT_HELP
};

static const struct option known[] = {
    {"out", required_argument, NULL, OPT_OUT}, {"rows", required_argument, NULL, OPT_ROWS},
    {"masks", no_argument, NULL, OPT_MASKS},   {"stats", optional_argument, NULL, OPT_STATS},
    {"json", no_argument, NULL, OPT_JSON},     {"set", required_argument, NULL, OPT_SET},
    {"help", no_argument, NULL, OPT_HELP},     {NULL, 0, NULL, 0},
};

static int read_count(const char *option, const char *text, int64_t most, int64_t *count,
                      struct mx_err *err)
{
    if (!mx_num_parse_int(text, count) || *count < 1 || *count > most)
        return mx_fail(err, MX_EINVAL, "%s %s: give a number from 1 to %" PRId64, option, text,
                       most);
    return 0;
}

/* The number behind --stats may be missing: what follows is then no number. */
static int read_stats(int argc, char **argv, struct options *options, struct mx_err *err)
{
    const char *text = optarg;

    if (!text && optind < argc && argv[optind][0] >= '0' && argv[optind][0] <= '9' &&
        strspn(argv[optind], "0123456789") == strlen(argv[optind]))
        text = argv[optind++];
    else if (!text && optind < argc)
        options->behind = argv[optind];
    options->draws = DEFAULT_DRAWS;
    return text ? read_count("--stats", text, MOST_DRAWS, &options->draws, err) : 0;
}

/* One option. Returns 0, 1 if help was asked for, -1 with *err. */
static int take_option(int option, int argc, char **argv, struct options *options,
                       struct mx_err *err)
{
    switch (option) {
    case OPT_OUT:
        options->out = optarg;
        return 0;
    case OPT_ROWS:
        return read_count("--rows", optarg, MX_PREVIEW_ROWS, &options->rows, err);
    case OPT_MASKS:
        options->masks = true;
        return 0;
    case OPT_STATS:
        return read_stats(argc, argv, options, err);
    case OPT_JSON:
        options->json = true;
        return 0;
    case OPT_SET:
        options->sets[options->nsets++] = optarg;
        return 0;
    case OPT_HELP:
        return 1;
    default: /* getopt_long() has told what is wrong */
        return mx_fail(err, MX_EINVAL, "mixsweep preview --help lists the options");
    }
}

static int read_arguments(int argc, char **argv, struct options *options, struct mx_err *err)
{
    int option, rc;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        if ((rc = take_option(option, argc, argv, options, err)) != 0)
            return rc;
    if (argc - optind > 1 && options->behind)
        return mx_fail(err, MX_EINVAL, "--stats %s: give a number from 1 to %d, or none",
                       options->behind, MOST_DRAWS);
    if (argc - optind != 1)
        return mx_fail(err, MX_EINVAL,
                       "preview takes one CONFIG; mixsweep preview --help tells more");
    options->file = argv[optind];
    if (!options->out && !options->draws)
        return mx_fail(err, MX_EINVAL, "preview needs --out FILE.png, or --stats, or both");
    if (options->json && !options->draws)
        return mx_fail(err, MX_EINVAL, "--json is the form of --stats: give that too");
    return 0;
}

static void tell_what_is_shown(const struct mx_preview_settings *settings, FILE *to)
{
    if (settings->left_out > 0)
        fprintf(to,
                "the first %zu of %zu settings are shown; --set KEY=VALUE ends an axis and so "
                "chooses others\n",
                settings->n, settings->n + settings->left_out);
    if (settings->cut)
        fprintf(to, "the grid is large: only its first points were looked at\n");
}

/* No test image is needed. */
static int draw_sheet(const struct mx_config *config, const struct mx_preview_settings *settings,
                      const struct options *options, struct mx_canvas *canvas, struct mx_err *err)
{
    struct worker_params   params = settings->setting[0].params;
    uint64_t               seed = (uint64_t)config->base[KEY_SEED].integer;
    struct mx_buf          remarks = {0};
    struct worker_dataset *set;
    int                    rc;

    params.data_test_limit = 1;
    if (!(set = worker_dataset_open(&params, seed, err)))
        return -1;
    mx_remarks_format(worker_data_sets[params.data_set].word, &set->remarks, &remarks);
    fputs(mx_buf_str(&remarks), stderr);
    mx_buf_free(&remarks);
    rc = mx_preview_sheet(config->name, settings, set, seed, (uint32_t)options->rows,
                          options->masks, canvas, err);
    worker_dataset_free(set);
    return rc;
}

static int write_sheet(const struct mx_config *config, const struct mx_preview_settings *settings,
                       const struct options *options, struct mx_err *err)
{
    struct mx_canvas canvas = {0};
    int              rc = draw_sheet(config, settings, options, &canvas, err);

    if (rc == 0)
        rc = mx_canvas_write(&canvas, options->out, err);
    if (rc == 0)
        fprintf(options->json ? stderr : stdout, "%s: %u x %u pixels\n", options->out, canvas.width,
                canvas.height);
    mx_canvas_free(&canvas);
    return rc;
}

static int print_stats(const struct mx_config *config, const struct mx_preview_settings *settings,
                       const struct options *options, struct mx_err *err)
{
    struct mx_buf out = {0};
    bool          list = options->json && settings->n > 1;
    int           rc = 0;

    if (list)
        mx_buf_text(&out, "[");
    for (size_t s = 0; rc == 0 && s < settings->n; s++) {
        struct mx_preview_stats stats;

        rc = mx_preview_stats(&settings->setting[s], (uint64_t)config->base[KEY_SEED].integer,
                              (uint64_t)options->draws, &stats, err);
        if (rc == 0 && list && s > 0)
            mx_buf_text(&out, ",\n");
        if (rc == 0)
            (options->json ? mx_preview_stats_json : mx_preview_stats_text)(&settings->setting[s],
                                                                            &stats, &out);
    }
    if (options->json)
        mx_buf_text(&out, list ? "]\n" : "\n");
    if (rc == 0 && !mx_buf_ok(&out))
        rc = mx_fail(err, MX_ENOMEM, "no memory for the statistics");
    if (rc == 0)
        fputs(mx_buf_str(&out), stdout);
    mx_buf_free(&out);
    return rc;
}

static int preview(const struct options *options, struct mx_err *err)
{
    struct mx_config_report    report = {.errors = 0};
    struct mx_preview_settings settings = {.n = 0};
    struct mx_config          *config =
        mx_config_read(options->file, options->sets, options->nsets, false, &report, err);
    struct mx_grid *grid = config ? mx_grid_new(config, err) : NULL;
    int             rc = grid ? mx_preview_settings_find(grid, &settings, err) : -1;

    fputs(mx_buf_str(&report.text), stderr);
    if (rc == 0)
        tell_what_is_shown(&settings, options->json ? stderr : stdout);
    if (rc == 0 && options->out)
        rc = write_sheet(config, &settings, options, err);
    if (rc == 0 && options->draws)
        rc = print_stats(config, &settings, options, err);
    mx_preview_settings_free(&settings);
    mx_buf_free(&report.text);
    mx_grid_free(grid);
    mx_config_free(config);
    return rc;
}

int mx_cmd_preview(int argc, char **argv)
{
    struct options options = {.sets = calloc((size_t)argc, sizeof *options.sets),
                              .rows = DEFAULT_ROWS};
    struct mx_err  err = {0};
    int            rc, code = 0;

    if (!options.sets)
        rc = mx_fail(&err, MX_ENOMEM, "no memory for the command line");
    else if ((rc = read_arguments(argc, argv, &options, &err)) == 0)
        rc = preview(&options, &err);
    if (rc > 0)
        fputs(help, stdout);
    if (rc < 0)
        code = mx_command_fail(&err);
    free(options.sets);
    return code;
}
