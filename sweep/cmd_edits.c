/* cmd_edits.c - `mixsweep edits`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/command.h"
#include "sweep/edits.h"
#include "sweep/outdir.h"

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

static const struct mx_option known[] = {
    {.name = "neighbours",
     .value = "K",
     .kind = MX_OPTION_COUNT,
     .at = offsetof(struct options, neighbours),
     .low = 1,
     .high = MOST_NEIGHBOURS,
     .help = "nearest images of each; default 5"},
    {.name = "text",
     .value = "FILE.npy",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct options, text),
     .completes = MX_COMPLETES_FILES,
     .help = "text features (texts, dims), as of CLIP: similarity to each, before and after"},
    {.name = "out",
     .value = "FILE.png",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct options, out),
     .completes = MX_COMPLETES_FILES,
     .help = "write a contact sheet: support images and their neighbours"},
    {.name = "rows",
     .value = "N",
     .kind = MX_OPTION_COUNT,
     .at = offsetof(struct options, rows),
     .low = 1,
     .high = MOST_ROWS,
     .help = "support images on it, spread over the support set; default 8"},
    MX_OPTION_JSON(struct options, json, "all of it as JSON, in place of the table"),
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep edits dominoes 201052e749bde365.r0 --out edits.png", "The table, and a picture:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_edits = {
    .command = "edits",
    .forms = {"edits DIR TRIAL [OPTIONS]"},
    .takes = "a DIR and a TRIAL",
    .least = 2,
    .most = 2,
    .completes = MX_COMPLETES_FOLDERS,
    .summary = "what the edited features of an hsfm trial have come to mean",
    .about =
        "Tell what the edited features of an hsfm trial have come to mean: the training images "
        "that are nearest to each of them before and after, and how the groups of those move "
        "(classes, in a set without groups). DIR is the output directory of a sweep with "
        "schedule.keep all, TRIAL one of results.csv.",
    .options = known,
    .examples = examples,
    .exits =
        "0, 2 for usage, no such trial or one that edits nothing, 3 where files are missing or "
        "cannot be read.",
};

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
        rc = mx_command_picture(&canvas, options->out, options->json, err);
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
    const char    *arguments[2];
    size_t         n;
    int            rc = mx_command_read(&mx_usage_edits, argc, argv, &options, arguments, &n, &err);

    if (rc == 0) {
        options.directory = arguments[0];
        options.trial = arguments[1];
        rc = show_edits(&options, &err);
    }
    return rc < 0 ? mx_command_fail(&err) : 0;
}
