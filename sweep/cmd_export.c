/* cmd_export.c - `mixsweep export`. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "sweep/command.h"
#include "sweep/config.h"
#include "sweep/export.h"

/* The formats, in the order of their words. */
enum format {
    CSV,
    JSONL,
    SQLITE,
    MARKDOWN,
    LATEX,
    TENSORBOARD,
    NO_FORMAT
};

static const char *const format_words[] = {"csv",   "jsonl",       "sqlite", "markdown",
                                           "latex", "tensorboard", NULL};
static const char *const table_words[] = {"trials", "cells", NULL};

enum {
    TRIALS,
    CELLS,
    NO_TABLE,
    MOST_DIGITS = 17
};

/* What a format is: how its text is made, or what is made in its place. */
static const struct {
    void (*put)(const struct mx_export *export, struct mx_buf *out);
    unsigned    table; /* unless the command line says another */
    bool        digits;
    const char *ending; /* of the file or folder, without --out; NULL: standard output */
} formats[] = {
    [CSV] = {mx_export_csv, TRIALS, false, NULL},
    [JSONL] = {mx_export_jsonl, TRIALS, false, NULL},
    [SQLITE] = {NULL, NO_TABLE, false, ".sqlite"},
    [MARKDOWN] = {mx_export_markdown, CELLS, true, NULL},
    [LATEX] = {mx_export_latex, CELLS, true, NULL},
    [TENSORBOARD] = {NULL, NO_TABLE, false, "-tensorboard"},
};

struct options {
    unsigned              format, table;
    const char           *out;
    struct mx_option_list metrics;
    int64_t               digits; /* -1: not given */
};

static const struct mx_option known[] = {
    {.name = "format",
     .value = "FORMAT",
     .kind = MX_OPTION_WORD,
     .at = offsetof(struct options, format),
     .words = format_words,
     .help = "csv, jsonl (a JSON object a line), sqlite (a database), markdown, latex (with "
             "booktabs), or tensorboard (a folder with a run for each trial, its curves and its "
             "hyperparameters)"},
    {.name = "out",
     .value = "PATH",
     .kind = MX_OPTION_TEXT,
     .at = offsetof(struct options, out),
     .completes = MX_COMPLETES_FILES,
     .help = "write there, outside of DIR; without it, or with -, a table goes to standard output, "
             "sqlite to NAME.sqlite and "
             "tensorboard to NAME-tensorboard, NAME being that of DIR"},
    {.name = "table",
     .value = "TABLE",
     .kind = MX_OPTION_WORD,
     .at = offsetof(struct options, table),
     .words = table_words,
     .help = "trials or cells; default: trials for csv and jsonl, cells for markdown and latex; "
             "sqlite has both"},
    {.name = "metric",
     .value = "METRIC",
     .kind = MX_OPTION_LIST,
     .at = offsetof(struct options, metrics),
     .help = "only this metric, such as test.accuracy; may be repeated"},
    {.name = "digits",
     .value = "N",
     .kind = MX_OPTION_COUNT,
     .at = offsetof(struct options, digits),
     .low = 0,
     .high = MOST_DIGITS,
     .help = "markdown and latex: so many digits behind the point; default: all there are"},
    {.name = NULL},
};

static const struct mx_example examples[] = {
    {"mixsweep export ratios --format latex --metric test.accuracy --digits 4 --out table.tex",
     "A table for a paper:"},
    {"mixsweep export ratios --format sqlite && sqlite3 ratios.sqlite 'SELECT \"mix.strategy\", "
     "avg(\"test.accuracy\") FROM trials GROUP BY 1'",
     "A database, and a question to it:"},
    {"mixsweep export ratios --format tensorboard && tensorboard --logdir ratios-tensorboard",
     "Curves and hyperparameters in TensorBoard:"},
    {NULL, NULL},
};

const struct mx_usage mx_usage_export = {
    .command = "export",
    .forms = {"export DIR --format FORMAT [OPTIONS]"},
    .takes = "one DIR",
    .least = 1,
    .most = 1,
    .completes = MX_COMPLETES_FOLDERS,
    .summary = "the tables of a sweep for elsewhere, from CSV to TensorBoard",
    .about = "Write the tables of the sweep in DIR in another form. The numbers are those of "
             "results.csv and cells.csv, digit by digit. Of a sweep that runs, or was killed, they "
             "are what its journal says now.",
    .options = known,
    .notes =
        "In Markdown and LaTeX the numbers of a cell's metric are one field: mean [low, high]. "
        "Files are whole or not there; one that exists is replaced, a folder is not.",
    .examples = examples,
    .exits = "0, whatever became of the sweep; 2 usage, or DIR holds no sweep; 3 it cannot be read "
             "or written.",
};

/* The last part of a path: "ratios" of "runs/ratios/"; "." and ".." by what they are. */
static char *name_of(const char *directory)
{
    char *whole = realpath(directory, NULL);
    char *slash = whole ? strrchr(whole, '/') : NULL;
    char *name = slash && slash[1] ? strdup(slash + 1) : strdup("sweep");

    free(whole);
    return name;
}

static bool to_stdout(const struct options *options)
{
    return !options->out || strcmp(options->out, "-") == 0;
}

static int write_text(const struct mx_export *export, const struct options *options,
                      struct mx_err *err)
{
    struct mx_buf out = {0};
    int           rc = 0;

    formats[options->format].put(export, &out);
    if (!mx_buf_ok(&out))
        rc = mx_fail(err, MX_ENOMEM, "no memory for the table of %s", export->directory);
    else if (!to_stdout(options))
        rc = mx_file_write(options->out, out.data, out.len, err);
    else if (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout))
        rc = mx_fail_errno(err, MX_EIO, errno, "cannot write the table to standard output");
    mx_buf_free(&out);
    return rc;
}

static int write_other(const struct mx_export *export, const struct options *options,
                       struct mx_err *err)
{
    struct mx_buf path = {0};
    bool          curves = true;
    int           rc;

    if (options->out)
        mx_buf_text(&path, options->out);
    else
        mx_buf_printf(&path, "%s%s", export->name, formats[options->format].ending);
    if (!mx_buf_ok(&path))
        rc = mx_fail(err, MX_ENOMEM, "no memory for a path");
    else if (options->format == SQLITE)
        rc = mx_export_sqlite(export, mx_buf_str(&path), err);
    else
        rc = mx_export_tensorboard(export, mx_buf_str(&path), &curves, err);
    if (!curves && rc == 0)
        fprintf(stderr,
                "mixsweep: %s: its trainings cannot be found, so that there are no curves\n",
                export->directory);
    if (rc == 0)
        printf("%s\n", mx_buf_str(&path));
    mx_buf_free(&path);
    return rc;
}

/* The files of a sweep are its own: a table in the place of its journal would be the end of
 * it. */
static int check_outside(const char *directory, const char *out, struct mx_err *err)
{
    char  *sweep = realpath(directory, NULL), *copy = strdup(out);
    char  *folder = copy ? realpath(dirname(copy), NULL) : NULL;
    size_t n = sweep ? strlen(sweep) : 0;
    int    rc = 0;

    if (n > 0 && folder && strncmp(folder, sweep, n) == 0 &&
        (folder[n] == '/' || folder[n] == '\0'))
        rc = mx_fail(err, MX_EINVAL,
                     "--out %s lies in the sweep's own directory: give a place outside of %s", out,
                     directory);
    free(sweep);
    free(copy);
    free(folder);
    return rc;
}

static int check_out(const char *directory, const struct options *options, struct mx_err *err)
{
    const bool  text = formats[options->format].put != NULL;
    struct stat there;

    if (!options->out || (text && to_stdout(options)))
        return 0;
    if (to_stdout(options))
        return mx_fail(err, MX_EINVAL, "--out -: %s is no text for standard output",
                       format_words[options->format]);
    if (options->format != TENSORBOARD && stat(options->out, &there) == 0 && S_ISDIR(there.st_mode))
        return mx_fail(err, MX_EINVAL, "--out %s is a folder: give the name of a file",
                       options->out);
    return check_outside(directory, options->out, err);
}

static int check(const char *directory, const struct options *options, struct mx_err *err)
{
    const char *word;

    if (options->format == NO_FORMAT)
        return mx_fail(err, MX_EINVAL,
                       "export needs --format: csv, jsonl, sqlite, markdown, latex or tensorboard");
    word = format_words[options->format];
    if (options->digits >= 0 && !formats[options->format].digits)
        return mx_fail(err, MX_EINVAL, "--digits is for markdown and latex: %s has all digits",
                       word);
    if (options->table != NO_TABLE && formats[options->format].table == NO_TABLE)
        return mx_fail(err, MX_EINVAL, "--table is for tables: %s has %s", word,
                       options->format == SQLITE ? "both" : "the trials");
    return check_out(directory, options, err);
}

/* How the sweep ranked pixels; NULL where its configuration cannot be read. */
static const char *rank_of(const char *directory)
{
    char                   *path = mx_path_join(directory, "config.yaml");
    struct mx_config_report told = {{0}, 0, 0};
    struct mx_config *config = path ? mx_config_read(path, NULL, 0, false, &told, NULL) : NULL;
    const char       *rank = config ? worker_ranks[config->base[KEY_SCORE_RANK].choice].word : NULL;

    mx_config_free(config);
    mx_buf_free(&told.text);
    free(path);
    return rank;
}

static int write_export(const char *directory, const struct options *options, struct mx_err *err)
{
    const unsigned table =
        options->table == NO_TABLE ? formats[options->format].table : options->table;
    struct mx_sheets sheets;
    struct mx_export export = {.sheets = &sheets,
                               .directory = directory,
                               .cells = table == CELLS,
                               .digits = (int)options->digits,
                               .metrics = options->metrics.items,
                               .nmetrics = options->metrics.count,
                               .rank = rank_of(directory)};
    char *name;
    int   rc;

    if (mx_sheets_read(directory, &sheets, err))
        return -1;
    if (!(name = name_of(directory)))
        rc = mx_fail(err, MX_ENOMEM, "no memory for a path");
    else if ((rc = mx_export_check(&export, err)) == 0) {
        export.name = name;
        rc = formats[options->format].put ? write_text(&export, options, err)
                                          : write_other(&export, options, err);
    }
    free(name);
    mx_sheets_free(&sheets);
    return rc;
}

int mx_cmd_export(int argc, char **argv)
{
    struct options options = {.format = NO_FORMAT, .table = NO_TABLE, .digits = -1};
    struct mx_err  err = {0};
    const char    *directory;
    size_t         n;
    int rc = mx_command_read(&mx_usage_export, argc, argv, &options, &directory, &n, &err);

    if (rc == 0 && (rc = check(directory, &options, &err)) == 0)
        rc = write_export(directory, &options, &err);
    free(options.metrics.items);
    return rc < 0 ? mx_command_fail(&err) : 0;
}
