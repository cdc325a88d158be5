/* cmd_data_inspect.c - `mixsweep data inspect`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sweep/cmd_data.h"
#include "sweep/command.h"
#include "sweep/config.h"
#include "sweep/grid.h"
#include "sweep/inspect.h"
#include "sweep/walk.h"
#include "worker/choices.h"
#include "worker/features.h"

struct options {
    const char           *what, *out, *as;
    int64_t               size;
    struct mx_option_list sets;
};

static const struct mx_option known[] = {
    {.name = "out",
     .value = "FILE.png",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct options, out),
     .completes = MX_COMPLETES_FILES,
     .help = "draw images of each class there, with boxes and masks"},
    {.name = "as",
     .value = "SET",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct options, as),
     .completes = MX_COMPLETES_SETS,
     .help = "PATH is this data.set; else that is guessed from the names of its files"},
    {.name = "size",
     .value = "N",
     .kind = MX_OPTION_COUNT,
     .at = offsetof(struct options, size),
     .low = 8,
     .high = 1024,
     .help = "bring image files to N x N pixels, as data.size does"},
    {.name = "set",
     .value = "KEY=VALUE",
     .kind = MX_OPTION_LIST,
     .completes = MX_COMPLETES_KEYS,
     .at = offsetof(struct options, sets),
     .help = "with CONFIG: set a key; may be repeated"},
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep data inspect photos --out classes.png",
     "A folder of your own, and a picture of it:"},
    {"mixsweep data inspect fashion-mnist", "A set that is known:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_data_inspect = {
    .command = "data inspect",
    .forms = {"data inspect PATH|CONFIG|NAME [OPTIONS]"},
    .takes = "one PATH, CONFIG or NAME",
    .least = 1,
    .most = 1,
    .completes = MX_COMPLETES_CONFIGS,
    .summary = "look into a data set",
    .about =
        "Look into a data set: the images of each class, group and part, their sizes, boxes and "
        "masks, and what is odd: damaged files, images that are in training and test, classes "
        "with hardly any. PATH is the folder of a set, CONFIG a configuration (its first cell "
        "counts), NAME a set of mixsweep data list. Every image is decoded, which takes as long "
        "as the start of a run.",
    .options = known,
    .examples = examples,
    .exits = "0, 2 for usage and configuration, 3 where data cannot be read.",
};

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
    struct mx_config       *config = mx_config_read(options->what, options->sets.items,
                                                    options->sets.count, false, &report, err);
    struct mx_grid         *grid = config ? mx_grid_new(config, err) : NULL;
    struct mx_walk         *walk = grid ? mx_walk_new(grid, err) : NULL;
    int                     rc = -1;

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
    struct options options = {.size = 0};
    struct mx_err  err = {0};
    size_t         n;
    int rc = mx_command_read(&mx_usage_data_inspect, argc, argv, &options, &options.what, &n, &err);

    if (rc == 0 && options.out)
        rc = mx_canvas_check_path(options.out, &err);
    if (rc == 0)
        rc = inspect(&options, &err);
    free(options.sets.items);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
