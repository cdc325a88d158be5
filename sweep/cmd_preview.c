/* cmd_preview.c - `mixsweep preview`. */
#include <stdio.h>
#include <stdlib.h>

#include "sweep/check.h"
#include "sweep/command.h"
#include "sweep/preview.h"
#include "sweep/remarks.h"

enum {
    DEFAULT_ROWS = 4,
    DEFAULT_DRAWS = 10000,
    MOST_DRAWS = 100000000,
};

struct options {
    const char           *out;
    bool                  masks, json;
    int64_t               rows, draws; /* draws 0: no statistics */
    struct mx_option_list sets;
};

static const struct mx_option known[] = {
    {.name = "out",
     .value = "FILE.png",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct options, out),
     .completes = MX_COMPLETES_FILES,
     .help = "write the pictures there"},
    {.name = "rows",
     .value = "N",
     .kind = MX_OPTION_COUNT,
     .at = offsetof(struct options, rows),
     .low = 1,
     .high = MX_PREVIEW_ROWS,
     .help = "base images, the first of the training part; default 4"},
    {.name = "masks",
     .at = offsetof(struct options, masks),
     .help = "show too where base and partner are seen"},
    {.name = "stats",
     .value = "N",
     .kind = MX_OPTION_MAYBE_COUNT,
     .at = offsetof(struct options, draws),
     .low = 1,
     .high = MOST_DRAWS,
     .alone = DEFAULT_DRAWS,
     .help = "statistics of N independent mixed draws of each setting; default 10000"},
    MX_OPTION_JSON(struct options, json,
                   "the statistics as JSON: one object, or an array of one a setting"),
    MX_OPTION_SET(struct options, sets),
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep preview ratios.yaml --out look.png --rows 6 --masks", "Pictures:"},
    {"mixsweep preview ratios.yaml --stats --set mix.strategy=cutmix",
     "How is lambda of cutmix spread?"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_preview = {
    .command = "preview",
    .forms = {"preview CONFIG --out FILE.png [OPTIONS]", "preview CONFIG --stats [N] [OPTIONS]"},
    .takes = "one CONFIG",
    .least = 1,
    .most = 1,
    .completes = MX_COMPLETES_CONFIGS,
    .summary = "show what the mixing strategies do to images of the data set",
    .about =
        "Show what the mixing strategies of a configuration do to images of its data set: a row "
        "for each base image, a column for each setting of the grid's first two mix axes. Below "
        "a picture stand lambda, the share of the base image, and the labels with their "
        "weights.",
    .options = known,
    .notes =
        "Pictures are changed as data.augment says, as the first epoch would have them; base and "
        "partner stand before them as they are. Strategies that look at gradients see those of "
        "the network before its first step of training; with model.weights, of the network in "
        "that file.",
    .examples = examples,
    .exits = "0, 2 for usage and configuration, 3 where data cannot be read.",
};

static int check(const struct options *options, struct mx_err *err)
{
    if (!options->out && !options->draws)
        return mx_fail(err, MX_EINVAL, "preview needs --out FILE.png, or --stats, or both");
    if (options->json && !options->draws)
        return mx_fail(err, MX_EINVAL, "--json is the form of --stats: give that too");
    return options->out ? mx_canvas_check_path(options->out, err) : 0;
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
        rc = mx_command_picture(&canvas, options->out, options->json, err);
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

static int preview(const struct options *options, const char *file, struct mx_err *err)
{
    struct mx_config_report    report = {.errors = 0};
    struct mx_preview_settings settings = {.n = 0};
    struct mx_config          *config =
        mx_config_read(file, options->sets.items, options->sets.count, false, &report, err);
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
    struct options options = {.rows = DEFAULT_ROWS};
    struct mx_err  err = {0};
    const char    *file;
    size_t         n;
    int            rc = mx_command_read(&mx_usage_preview, argc, argv, &options, &file, &n, &err);

    if (rc == 0 && (rc = check(&options, &err)) == 0)
        rc = preview(&options, file, &err);
    free(options.sets.items);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
