/* cmd_edits.c - `mixsweep edits`. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "sweep/command.h"
#include "sweep/edits.h"
#include "sweep/outdir.h"

static const char help[] =
    "usage: mixsweep edits DIR TRIAL [OPTIONS]\n"
    "\n"
    "Tell what the edited features of an hsfm trial have come to mean: the training images that\n"
    "are nearest to each of them before and after, and how the groups of those move (classes, in\n"
    "a set without groups). DIR is the output directory of a sweep with schedule.keep all, TRIAL\n"
    "one of results.csv.\n"
    "\n"
    "  --neighbours K       nearest images of each; default 5\n"
    "  --text FILE.npy      text features (texts, dims), as of CLIP: similarity to each, before\n"
    "                       and after\n"
    "  --out FILE.png       write a contact sheet: support images and their neighbours\n"
    "  --rows N             support images on it, spread over the support set; default 8\n"
    "  --json               all of it as JSON, in place of the table\n"
    "\n"
    "Exit status: 0, 2 for usage, no such trial or one that edits nothing, 3 where files are\n"
    "missing or cannot be read.\n";

enum {
    DEFAULT_NEIGHBOURS = 5,
    MOST_NEIGHBOURS = 100,
    DEFAULT_ROWS = 8,
    MOST_ROWS = 200
};

struct options {
    const char *directory, *trial, *out, *text;
    int64_t     neighbours, rows;
    bool        json;
};

enum {
    OPT_NEIGHBOURS = 256,
    OPT_TEXT,
    OPT_OUT,
    OPT_ROWS,
    OPT_JSON,
    OPT_HELP
};

static const struct option known[] = {
    {"neighbours", required_argument, NULL, OPT_NEIGHBOURS},
    {"text", required_argument, NULL, OPT_TEXT},
    {"out", required_argument, NULL, OPT_OUT},
    {"rows", required_argument, NULL, OPT_ROWS},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static int read_count(const char *option, const char *text, int64_t most, int64_t *count,
                      struct mx_err *err)
{
    if (mx_num_parse_int(text, count) && *count >= 1 && *count <= most)
        return 0;
    return mx_fail(err, MX_EINVAL, "%s %s: give a number from 1 to %lld", option, text,
                   (long long)most);
}

/* One option. Returns 0, 1 if help was asked for, -1 with *err. */
static int take_option(int option, struct options *options, struct mx_err *err)
{
    switch (option) {
    case OPT_NEIGHBOURS:
        return read_count("--neighbours", optarg, MOST_NEIGHBOURS, &options->neighbours, err);
    case OPT_ROWS:
        return read_count("--rows", optarg, MOST_ROWS, &options->rows, err);
    case OPT_TEXT:
        options->text = optarg;
        return 0;
    case OPT_OUT:
        options->out = optarg;
        return 0;
    case OPT_JSON:
        options->json = true;
        return 0;
    case OPT_HELP:
        return 1;
    default: /* getopt_long() has told what is wrong */
        return mx_fail(err, MX_EINVAL, "mixsweep edits --help lists the options");
    }
}

static int read_arguments(int argc, char **argv, struct options *options, struct mx_err *err)
{
    int option, rc;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        if ((rc = take_option(option, options, err)) != 0)
            return rc;
    if (argc - optind != 2)
        return mx_fail(err, MX_EINVAL,
                       "edits takes a DIR and a TRIAL; mixsweep edits --help tells more");
    options->directory = argv[optind];
    options->trial = argv[optind + 1];
    return 0;
}

static int draw(const struct options *options, const struct mx_edits_case *found,
                const struct worker_edits *edits, struct mx_canvas *canvas, struct mx_err *err)
{
    struct worker_dataset *set;
    int                    rc;

    if (found->job.params.data_set == WORKER_DATA_FEATURES)
        return mx_fail(err, MX_EINVAL, "data.set features has no images to draw: leave out --out");
    if (!(set = worker_dataset_open(&found->job.params, found->job.seed, err)))
        return -1;
    rc = mx_edits_sheet(options->trial, set, found, edits, (uint32_t)options->rows, canvas, err);
    worker_dataset_free(set);
    return rc;
}

static int write_sheet(const struct options *options, const struct mx_edits_case *found,
                       const struct worker_edits *edits, struct mx_err *err)
{
    struct mx_canvas canvas = {0};
    int              rc = draw(options, found, edits, &canvas, err);

    if (rc == 0)
        rc = mx_canvas_write(&canvas, options->out, err);
    if (rc == 0)
        fprintf(options->json ? stderr : stdout, "%s: %u x %u pixels\n", options->out, canvas.width,
                canvas.height);
    mx_canvas_free(&canvas);
    return rc;
}

static int tell(const struct options *options, const struct mx_edits_case *found,
                const struct worker_edits *edits, struct mx_err *err)
{
    struct mx_buf out = {0};
    int           rc = options->out ? write_sheet(options, found, edits, err) : 0;

    if (options->json)
        mx_edits_json(options->trial, found, edits, &out);
    else
        mx_edits_text(found, edits, &out);
    if (rc == 0 && !mx_buf_ok(&out))
        rc = mx_fail(err, MX_ENOMEM, "no memory for the table");
    if (rc == 0)
        fputs(mx_buf_str(&out), stdout);
    mx_buf_free(&out);
    return rc;
}

static int show_edits(const struct options *options, struct mx_err *err)
{
    struct mx_edits_case found;
    struct worker_edits  edits;
    int                  rc;

    if (mx_outdir_expect(options->directory, err) ||
        mx_edits_find(options->directory, options->trial, options->text, &found, err))
        return -1;
    rc = worker_edits_measure(
        &(struct worker_edits_question){.features = found.features,
                                        .n = found.n,
                                        .rows = found.rows,
                                        .before = found.before,
                                        .after = found.after,
                                        .neighbours = (uint32_t)options->neighbours,
                                        .texts = found.texts,
                                        .ntexts = found.ntexts},
        &edits, err);
    if (rc == 0) {
        rc = tell(options, &found, &edits, err);
        worker_edits_free(&edits);
    }
    mx_edits_free(&found);
    return rc;
}

int mx_cmd_edits(int argc, char **argv)
{
    struct options options = {.neighbours = DEFAULT_NEIGHBOURS, .rows = DEFAULT_ROWS};
    struct mx_err  err = {0};
    int            rc = read_arguments(argc, argv, &options, &err);

    if (rc == 0)
        rc = show_edits(&options, &err);
    if (rc > 0)
        fputs(help, stdout);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
