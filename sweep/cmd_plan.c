#include "sweep/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "sweep/capacity.h"
#include "sweep/check.h"
#include "sweep/config.h"
#include "sweep/estimate.h"
#include "sweep/plan_print.h"

struct options {
    bool                  json, smoke;
    int64_t               limit, gpus;
    struct mx_option_list sets;
};

static const struct mx_option known[] = {
    MX_OPTION_JSON(struct options, json, "the plan as one JSON object"),
    {.name = "limit",
     .value = "N",
     .kind = MX_OPTION_COUNT,
     .at = offsetof(struct options, limit),
     .high = INT64_MAX,
     .give = "a number of cells, 0 or more",
     .help = "list the first N cells too"},
    {.name = "gpus",
     .value = "N",
     .kind = MX_OPTION_COUNT,
     .at = offsetof(struct options, gpus),
     .low = 1,
     .high = 1000000,
     .give = "a number of GPUs, 1 or more",
     .help = "time on so many GPUs, and GPU hours; default: on the CPUs of this host"},
    MX_OPTION_SET(struct options, sets),
    MX_OPTION_SMOKE(struct options, smoke),
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep plan ratios.yaml --limit 10", "How much is it, and what are its first cells?"},
    {"mixsweep plan ratios.yaml --set repeats=5", "What would five repeats cost?"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_plan = {
    .command = "plan",
    .forms = {"plan CONFIG [OPTIONS]"},
    .takes = "one CONFIG",
    .least = 1,
    .most = 1,
    .completes = MX_COMPLETES_CONFIGS,
    .summary = "show cells, trials, stages and cost; nothing is run",
    .about = "Show what a configuration asks for: cells, trials, the stages that they share, time, "
             "disk and memory. Nothing is run and no data file is read.",
    .options = known,
    .notes = "Grids of up to 100,000,000 points are counted; of larger ones only the number of "
             "points is told. `run` takes up to 10,000,000 points, or a search.budget that chooses "
             "among more.",
    .examples = examples,
    .exits = "0, or 2 for usage and configuration.",
};

static int print_plan(const struct mx_config *config, const struct mx_grid *grid,
                      const struct options *options, struct mx_err *err)
{
    struct mx_capacity capacity;
    struct mx_estimate estimate;
    struct mx_sink     sink = {.file = stdout};
    int                rc;

    mx_capacity_read("", &capacity);
    if (mx_estimate(config, grid, mx_capacity_cpus(&capacity), &estimate, err))
        return -1;
    if (options->gpus > 0)
        mx_estimate_on_gpus(&estimate, (unsigned)options->gpus);
    rc = options->json
             ? mx_plan_print_json(config, grid, &estimate, (uint64_t)options->limit, &sink, err)
             : mx_plan_print_text(config, grid, &estimate, (uint64_t)options->limit, &sink, err);
    mx_buf_free(&sink.buf);
    if (rc == 0 && estimate.counts.counted && estimate.counts.cells == 0)
        rc = mx_fail(err, MX_EINVAL, "%s: the exclude rules leave no cell", config->file);
    return rc;
}

static int plan(const struct options *options, const char *file, struct mx_err *err)
{
    struct mx_config_report report = {.errors = 0};
    struct mx_config       *config = mx_config_read(file, options->sets.items, options->sets.count,
                                                    options->smoke, &report, err);
    struct mx_grid         *grid = config ? mx_grid_new(config, err) : NULL;
    int                     rc = grid ? mx_check_warnings(config, grid, &report.text, err) : -1;

    fputs(mx_buf_str(&report.text), stderr);
    if (rc == 0)
        rc = print_plan(config, grid, options, err);
    mx_buf_free(&report.text);
    mx_grid_free(grid);
    mx_config_free(config);
    return rc;
}

int mx_cmd_plan(int argc, char **argv)
{
    struct options options = {.json = false};
    struct mx_err  err = {0};
    const char    *file;
    size_t         n;
    int            rc = mx_command_read(&mx_usage_plan, argc, argv, &options, &file, &n, &err);

    if (rc == 0)
        rc = plan(&options, file, &err);
    free(options.sets.items);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
