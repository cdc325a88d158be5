#include "sweep/command.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "sweep/capacity.h"
#include "sweep/check.h"
#include "sweep/config.h"
#include "sweep/estimate.h"
#include "sweep/plan_print.h"

static const char help[] =
    "usage: mixsweep plan CONFIG [OPTIONS]\n"
    "\n"
    "Show what a configuration asks for: cells, trials, the stages that they share, time, disk "
    "and\n"
    "memory. Nothing is run and no data file is read.\n"
    "\n"
    "  --json               the plan as one JSON object\n"
    "  --limit N            list the first N cells too\n"
    "  --set KEY=VALUE      set a key of the configuration; may be repeated\n"
    "  --smoke              apply the configuration's smoke overrides\n"
    "\n"
    "Grids of up to 100,000,000 points are counted; of larger ones only the number of points is\n"
    "told. `run` takes up to 10,000,000 points, or a search.budget that chooses among more.\n"
    "\n"
    "Exit status: 0, or 2 for usage and configuration.\n";

struct options {
    bool         json, smoke;
    uint64_t     limit;
    const char **sets; /* (argc) */
    size_t       nsets;
    const char  *file;
};

enum {
    OPT_JSON = 256,
    OPT_LIMIT,
    OPT_SET,
    OPT_SMOKE,
    OPT_HELP
};

static const struct option known[] = {
    {"json", no_argument, NULL, OPT_JSON},     {"limit", required_argument, NULL, OPT_LIMIT},
    {"set", required_argument, NULL, OPT_SET}, {"smoke", no_argument, NULL, OPT_SMOKE},
    {"help", no_argument, NULL, OPT_HELP},     {NULL, 0, NULL, 0},
};

/* One option. Returns 0, 1 if help was asked for, -1 with *err. */
static int take_option(int option, struct options *options, struct mx_err *err)
{
    int64_t limit;

    switch (option) {
    case OPT_JSON:
        options->json = true;
        return 0;
    case OPT_LIMIT:
        if (!mx_num_parse_int(optarg, &limit) || limit < 0)
            return mx_fail(err, MX_EINVAL, "--limit %s: give a number of cells, 0 or more", optarg);
        options->limit = (uint64_t)limit;
        return 0;
    case OPT_SET:
        options->sets[options->nsets++] = optarg;
        return 0;
    case OPT_SMOKE:
        options->smoke = true;
        return 0;
    case OPT_HELP:
        return 1;
    default: /* getopt_long() has told what is wrong */
        return mx_fail(err, MX_EINVAL, "mixsweep plan --help lists the options");
    }
}

static int read_arguments(int argc, char **argv, struct options *options, struct mx_err *err)
{
    int option, rc;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        if ((rc = take_option(option, options, err)) != 0)
            return rc;
    if (argc - optind != 1)
        return mx_fail(err, MX_EINVAL, "plan takes one CONFIG; mixsweep plan --help tells more");
    options->file = argv[optind];
    return 0;
}

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
    rc = options->json ? mx_plan_print_json(config, grid, &estimate, options->limit, &sink, err)
                       : mx_plan_print_text(config, grid, &estimate, options->limit, &sink, err);
    mx_buf_free(&sink.buf);
    if (rc == 0 && estimate.counts.counted && estimate.counts.cells == 0)
        rc = mx_fail(err, MX_EINVAL, "%s: the exclude rules leave no cell", config->file);
    return rc;
}

static int plan(const struct options *options, struct mx_err *err)
{
    struct mx_config_report report = {.errors = 0};
    struct mx_config       *config =
        mx_config_read(options->file, options->sets, options->nsets, options->smoke, &report, err);
    struct mx_grid *grid = config ? mx_grid_new(config, err) : NULL;
    int             rc = grid ? mx_check_warnings(config, grid, &report.text, err) : -1;

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
    struct options options = {.sets = calloc((size_t)argc, sizeof(char *))};
    struct mx_err  err = {0};
    int            rc;

    if (!options.sets)
        rc = mx_fail(&err, MX_ENOMEM, "no memory for the command line");
    else if ((rc = read_arguments(argc, argv, &options, &err)) == 0)
        rc = plan(&options, &err);
    else if (rc == 1)
        fputs(help, stdout);
    free(options.sets);
    if (rc >= 0)
        return 0;
    fprintf(stderr, "mixsweep: %s\n", err.text);
    return mx_exit_code(err.code);
}
