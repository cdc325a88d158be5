/* cmd_data_inspect.c - `mixsweep data inspect`. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/num.h"
#include "sweep/cmd_data.h"
#include "sweep/command.h"
#include "sweep/config.h"
#include "sweep/grid.h"
#include "sweep/inspect.h"
#include "sweep/walk.h"
#include "worker/choices.h"
#include "worker/features.h"

static const char help[] =
    "usage: mixsweep data inspect PATH|CONFIG|NAME [OPTIONS]\n"
    "\n"
    "Look into a data set: the images of each class, group and part, their sizes, boxes and "
    "masks,\n"
    "and what is odd: damaged files, images that are in training and test, classes with hardly\n"
    "any. PATH is the folder of a set, CONFIG a configuration (its first cell counts), NAME a set\n"
    "of mixsweep data list. Every image is decoded, which takes as long as the start of a run.\n"
    "\n"
    "  --out FILE.png   draw images of each class there, with boxes and masks\n"
    "  --as SET         PATH is this data.set; else that is guessed from the names of its files\n"
    "  --size N         bring image files to N x N pixels, as data.size does\n"
    "  --set KEY=VALUE  with CONFIG: set a key; may be repeated\n"
    "\n"
    "Exit status: 0, 2 for usage and configuration, 3 where data cannot be read.\n";

struct options {
    const char  *what, *out, *as;
    int64_t      size;
    const char **sets; /* (argc) */
    size_t       nsets;
};

enum {
    OPT_OUT = 256,
    OPT_AS,
    OPT_SIZE,
    OPT_SET,
    OPT_HELP
};

static const struct option known[] = {
    {"out", required_argument, NULL, OPT_OUT},   {"as", required_argument, NULL, OPT_AS},
    {"size", required_argument, NULL, OPT_SIZE}, {"set", required_argument, NULL, OPT_SET},
    {"help", no_argument, NULL, OPT_HELP},       {NULL, 0, NULL, 0},
};

static int take_option(int option, struct options *options, struct mx_err *err)
{
    switch (option) {
    case OPT_OUT:
        options->out = optarg;
        return 0;
    case OPT_AS:
        options->as = optarg;
        return 0;
    case OPT_SIZE:
        if (!mx_num_parse_int(optarg, &options->size) || options->size < 8 || options->size > 1024)
            return mx_fail(err, MX_EINVAL, "--size %s: give a number from 8 to 1024", optarg);
        return 0;
    case OPT_SET:
        options->sets[options->nsets++] = optarg;
        return 0;
    case OPT_HELP:
        return 1;
    default: /* getopt_long() has told what is wrong */
        return mx_fail(err, MX_EINVAL, "mixsweep data inspect --help lists the options");
    }
}

static int read_arguments(int argc, char **argv, struct options *options, struct mx_err *err)
{
    int option, rc;

    optind = 1;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        if ((rc = take_option(option, options, err)) != 0)
            return rc;
    if (argc - optind != 1)
        return mx_fail(err, MX_EINVAL,
                       "data inspect takes one PATH, CONFIG or NAME; mixsweep data inspect --help "
                       "tells more");
    options->what = argv[optind];
    return 0;
}

/* The number of a word of data.set; -1 if it is none. */
static int set_of(const char *word)
{
    for (int s = 0; worker_data_sets[s].word; s++)
        if (strcmp(worker_data_sets[s].word, word) == 0)
            return s;
    return -1;
}

/* Of a folder or a known set: everything as it comes, nothing cut off for validation. */
static int params_of_place(const struct options *options, struct worker_params *params,
                           struct mx_err *err)
{
    const int     named = set_of(options->as ? options->as : options->what);
    struct mx_buf path = {0};
    struct stat   at;

    *params = (struct worker_params){.train_threads = 1};
    if (options->as && named < 0)
        return mx_fail(err, MX_EINVAL, "--as %s: that is no data.set", options->as);
    if (stat(options->what, &at) == 0) {
        if (!S_ISDIR(at.st_mode))
            return mx_fail(err, MX_EINVAL,
                           "%s is neither a folder nor a configuration (a file that ends in .yaml "
                           "or .yml)",
                           options->what);
        params->data_set =
            named >= 0 && options->as ? (unsigned)named : mx_inspect_guess(options->what);
        if (params->data_set == WORKER_DATA_MNIST && !options->as)
            fputs("mixsweep: the names of these files fit mnist, fashion-mnist and kmnist alike; "
                  "--as SET tells which it is\n",
                  stderr);
        mx_buf_text(&path, options->what);
    } else if (named >= 0 && !options->as) {
        params->data_set = (unsigned)named;
        worker_dataset_look_path((unsigned)named, &path);
    } else {
        return mx_fail(err, MX_EINVAL, "there is no %s, and no data set is called so",
                       options->what);
    }
    if (!mx_buf_ok(&path) || path.len >= sizeof params->data_path) {
        mx_buf_free(&path);
        return mx_fail(err, MX_EINVAL, "the path of %s is too long", options->what);
    }
    memcpy(params->data_path, mx_buf_str(&path), path.len + 1);
    mx_buf_free(&path);
    if (params->data_set == WORKER_DATA_SYNTHETIC)
        return mx_fail(err, MX_EINVAL, "synthetic images need a configuration that says which");
    return 0;
}

/* Those of the grid's first cell. */
static int params_of_config(const struct options *options, struct worker_params *params,
                            uint64_t *seed, struct mx_err *err)
{
    struct mx_config_report report = {.errors = 0};
    struct mx_config       *config =
        mx_config_read(options->what, options->sets, options->nsets, false, &report, err);
    struct mx_grid *grid = config ? mx_grid_new(config, err) : NULL;
    struct mx_walk *walk = grid ? mx_walk_new(grid, err) : NULL;
    int             rc = -1;

    fputs(mx_buf_str(&report.text), stderr);
    if (walk && !mx_walk_next(walk))
        mx_fail(err, MX_EINVAL, "%s: no cell is left", options->what);
    else if (walk)
        rc = mx_grid_params(grid, mx_walk_point(walk), params, err);
    if (config)
        *seed = (uint64_t)config->base[KEY_SEED].integer;
    mx_walk_free(walk);
    mx_grid_free(grid);
    mx_config_free(config);
    mx_buf_free(&report.text);
    return rc;
}

static int print_features(const struct worker_params *params, struct mx_err *err)
{
    struct worker_features *features =
        worker_features_read(params->data_path, WORKER_F32, 0, 0, err);
    struct mx_buf out = {0};

    if (!features)
        return -1;
    mx_inspect_features(params->data_path, features, &out);
    worker_features_free(features);
    fputs(mx_buf_str(&out), stdout);
    mx_buf_free(&out);
    return 0;
}

static int inspect_images(const struct options *options, const struct worker_params *params,
                          uint64_t seed, struct mx_err *err)
{
    struct mx_inspection in;
    struct mx_canvas     canvas = {0};
    struct mx_buf        out = {0};
    int                  rc = mx_inspect(params, seed, &in, err);

    if (rc)
        return rc;
    mx_inspect_text(&in, &out);
    fputs(mx_buf_str(&out), stdout);
    if (options->out) {
        if ((rc = mx_inspect_sheet(&in, &canvas, err)) == 0 &&
            (rc = mx_canvas_write(&canvas, options->out, err)) == 0)
            printf("\n%s: %u x %u pixels\n", options->out, canvas.width, canvas.height);
        mx_canvas_free(&canvas);
    }
    mx_buf_free(&out);
    mx_inspection_free(&in);
    return rc;
}

static bool is_config(const char *what)
{
    const char *ending = strrchr(what, '.');

    return ending && (strcmp(ending, ".yaml") == 0 || strcmp(ending, ".yml") == 0);
}

static int inspect(const struct options *options, struct mx_err *err)
{
    struct worker_params params;
    uint64_t             seed = 0;

    if (is_config(options->what) ? params_of_config(options, &params, &seed, err)
                                 : params_of_place(options, &params, err))
        return -1;
    if (options->size)
        params.data_size = options->size;
    if (params.data_set == WORKER_DATA_FEATURES)
        return print_features(&params, err);
    return inspect_images(options, &params, seed, err);
}

int mx_cmd_data_inspect(int argc, char **argv)
{
    struct options options = {.sets = calloc((size_t)argc, sizeof *options.sets)};
    struct mx_err  err = {0};
    int            rc = -1;

    if (!options.sets)
        mx_fail(&err, MX_ENOMEM, "no memory for the command line");
    else if ((rc = read_arguments(argc, argv, &options, &err)) == 0)
        rc = inspect(&options, &err);
    if (rc > 0)
        fputs(help, stdout);
    free(options.sets);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
