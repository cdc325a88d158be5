/* export_tensorboard.c - a folder that TensorBoard reads: a run a trial. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/csv_read.h"
#include "base/file.h"
#include "base/num.h"
#include "sweep/event_file.h"
#include "sweep/export.h"
#include "sweep/kept.h"

enum {
    HISTORY_BYTES = 64 << 20
};

/* What is written, and from what. */
struct board {
    const struct mx_export *export;
    const struct mx_sheet *trials;
    const char            *path; /* of the folder that is being filled */
    struct mx_kept         kept; /* directory NULL: its stages could not be found */
};

static const char *field(const struct board *board, size_t row, const char *name)
{
    const size_t at = mx_sheet_find(board->trials, name);

    return at == SIZE_MAX ? "" : mx_sheet_field(board->trials, row, at);
}

static double utc_of(const struct board *board, size_t row, const char *name)
{
    const char *text = field(board, row, name);
    double      utc_s = 0;

    if (strlen(text) == MX_UTC_LENGTH)
        mx_clock_parse_utc(text, &utc_s);
    return utc_s;
}

static int kind_of(const struct mx_sheet_column *column)
{
    return column->type == MX_SHEET_BOOL   ? MX_EVENT_BOOL
           : column->type == MX_SHEET_TEXT ? MX_EVENT_TEXT
                                           : MX_EVENT_NUMBER;
}

/* The folder is new, and takes its name when all of it is on disk: its files need no care of their
 * own, of which there may be as many as trials. */
static int write_new(const char *path, const struct mx_buf *content, struct mx_err *err)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int       rc;

    if (fd < 0)
        return mx_fail_errno(err, MX_EIO, errno, "cannot write %s", path);
    rc = mx_file_write_all(fd, content->data, content->len, path, err);
    if (close(fd) != 0 && rc == 0)
        rc = mx_fail_errno(err, MX_EIO, errno, "cannot write %s", path);
    return rc;
}

/* DIR/RUN/events.out.tfevents...: TensorBoard knows its files by that word. */
static int write_run(const struct board *board, const char *run, const struct mx_buf *events,
                     struct mx_err *err)
{
    struct mx_buf folder = {0}, file = {0};
    int           rc;

    mx_buf_printf(&folder, "%s%s%s", board->path, *run ? "/" : "", run);
    mx_buf_printf(&file, "%s/events.out.tfevents.0000000000.mixsweep", mx_buf_str(&folder));
    if (!mx_buf_ok(&folder) || !mx_buf_ok(&file) || !mx_buf_ok(events))
        rc = mx_fail(err, MX_ENOMEM, "no memory to write %s", board->path);
    else if (*run && mkdir(mx_buf_str(&folder), 0777) != 0)
        rc = mx_fail_errno(err, MX_EIO, errno, "cannot make directory %s", mx_buf_str(&folder));
    else
        rc = write_new(mx_buf_str(&file), events, err);
    mx_buf_free(&folder);
    mx_buf_free(&file);
    return rc;
}

/* The experiment's own run: which hyperparameters and metrics there are. */
static int write_experiment(const struct board *board, struct mx_err *err)
{
    const struct mx_sheet *trials = board->trials;
    const double           utc_s = trials->nrows > 0 ? utc_of(board, 0, "run.started") : 0;
    struct mx_buf          parts = {0}, out = {0};
    int                    rc;

    for (size_t c = 0; c < trials->ncolumns; c++)
        if (trials->columns[c].role == MX_SHEET_AXIS)
            mx_event_add_hparam(&parts, trials->columns[c].name, kind_of(&trials->columns[c]));
        else if (trials->columns[c].role == MX_SHEET_METRIC &&
                 mx_export_takes(board->export, &trials->columns[c]))
            mx_event_add_metric(&parts, trials->columns[c].name);
    mx_event_begin(utc_s, &out);
    mx_event_experiment(utc_s, board->export->name, &parts, &out);
    rc = write_run(board, "", &out, err);
    mx_buf_free(&parts);
    mx_buf_free(&out);
    return rc;
}

/* Curves: every column of a history.csv but epoch and seconds, by epoch. */
static int put_history(const char *path, double started_utc_s, struct mx_buf *out,
                       struct mx_err *err)
{
    struct mx_table *table = mx_table_open(path, false, HISTORY_BYTES, err);
    char(*names)[80] = NULL;
    size_t  n = 0, seconds = SIZE_MAX;
    double  utc_s = started_utc_s, value;
    int64_t epoch;
    int     rc = table ? mx_table_next(table, err) : -1;

    if (rc > 0) {
        n = mx_table_fields(table);
        seconds = mx_table_find(table, "seconds");
        if (!(names = calloc(n, sizeof *names)))
            rc = mx_fail(err, MX_ENOMEM, "no memory to read %s", path);
        for (size_t k = 0; names && k < n; k++)
            snprintf(names[k], sizeof *names, "history/%.70s", mx_table_field(table, k));
    }
    while (rc > 0 && (rc = mx_table_next(table, err)) > 0) {
        if (mx_table_fields(table) != n || !mx_num_parse_int(mx_table_field(table, 0), &epoch)) {
            rc = mx_table_fail(table, err, "this is no row of a history");
            break;
        }
        if (seconds != SIZE_MAX && mx_num_parse_real(mx_table_field(table, seconds), &value))
            utc_s += value;
        for (size_t k = 1; k < n; k++)
            if (k != seconds && mx_num_parse_real(mx_table_field(table, k), &value))
                mx_event_scalar(utc_s, epoch, names[k], value, out);
    }
    free(names);
    mx_table_close(table);
    return rc;
}

/* Rows stand in the order of the plan, unless its configuration was edited since. */
static uint32_t trial_of(const struct board *board, size_t row)
{
    const struct mx_plan *plan = board->kept.plan;
    const char           *name = mx_sheet_field(board->trials, row, 0);
    char                  text[MX_TRIAL_NAME_SIZE];

    if (!plan)
        return UINT32_MAX;
    if (row < plan->ntrials && strcmp(mx_trial_name(&plan->trials[row], text), name) == 0)
        return (uint32_t)row;
    return mx_kept_trial(&board->kept, name);
}

/* The train stage of a trial, if it was one and its folder is there. */
static int put_curves(const struct board *board, size_t row, struct mx_buf *out, struct mx_err *err)
{
    const struct mx_plan *plan = board->kept.plan;
    const uint32_t        t = trial_of(board, row);
    int                   rc = 0;

    for (uint32_t k = 0; t != UINT32_MAX && k < plan->trials[t].nstages && rc == 0; k++) {
        const uint32_t stage = plan->stage_of[plan->trials[t].first_stage + k];
        char          *path;

        if (plan->stages[stage].kind != WORKER_STAGE_TRAIN)
            continue;
        if (!(path = mx_kept_path(&board->kept, stage, "history.csv")))
            return mx_fail(err, MX_ENOMEM, "no memory for a path");
        if (mx_file_exists(path))
            rc = put_history(path, utc_of(board, row, "run.started"), out, err);
        free(path);
    }
    return rc;
}

static void put_hparams(const struct board *board, size_t row, double utc_s, struct mx_buf *out)
{
    const struct mx_sheet *trials = board->trials;
    struct mx_buf          session = {0};

    for (size_t c = 0; c < trials->ncolumns; c++) {
        const char           *text = mx_sheet_field(trials, row, c);
        struct mx_event_value value = {.kind = MX_EVENT_TEXT, .text = text};

        if (trials->columns[c].role != MX_SHEET_AXIS || !*text)
            continue;
        if (kind_of(&trials->columns[c]) == MX_EVENT_BOOL) {
            value.kind = MX_EVENT_BOOL;
            value.boolean = strcmp(text, "true") == 0;
        } else if (kind_of(&trials->columns[c]) == MX_EVENT_NUMBER) {
            value.kind = MX_EVENT_NUMBER;
            value.number = mx_sheet_number(trials, row, c);
        }
        mx_event_add_value(&session, trials->columns[c].name, &value);
    }
    mx_event_session(utc_s, field(board, row, "cell"), &session, out);
    mx_buf_free(&session);
}

static enum mx_event_status status_of(const char *status)
{
    static const struct {
        const char          *word;
        enum mx_event_status status;
    } words[] = {{"done", MX_EVENT_SUCCESS},
                 {"stopped", MX_EVENT_SUCCESS},
                 {"failed", MX_EVENT_FAILURE},
                 {"quarantined", MX_EVENT_FAILURE},
                 {"running", MX_EVENT_RUNNING}};

    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++)
        if (strcmp(words[w].word, status) == 0)
            return words[w].status;
    return MX_EVENT_UNKNOWN;
}

static int write_trial(const struct board *board, size_t row, struct mx_err *err)
{
    const struct mx_sheet *trials = board->trials;
    const double           started = utc_of(board, row, "run.started");
    const double           ended = utc_of(board, row, "run.ended");
    struct mx_buf          out = {0};
    int                    rc;

    mx_event_begin(started, &out);
    put_hparams(board, row, started, &out);
    rc = put_curves(board, row, &out, err);
    for (size_t c = 0; c < trials->ncolumns; c++)
        if (trials->columns[c].role == MX_SHEET_METRIC &&
            mx_export_takes(board->export, &trials->columns[c]) && *mx_sheet_field(trials, row, c))
            mx_event_scalar(ended, 0, trials->columns[c].name, mx_sheet_number(trials, row, c),
                            &out);
    mx_event_session_end(ended, status_of(field(board, row, "status")), &out);
    if (rc == 0)
        rc = write_run(board, mx_sheet_field(trials, row, 0), &out, err);
    mx_buf_free(&out);
    return rc;
}

/* Everything that was written there, with one wait. */
static int sync_all(const char *path, struct mx_err *err)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int rc =
        fd >= 0 && syncfs(fd) == 0 ? 0 : mx_fail_errno(err, MX_EIO, errno, "cannot write %s", path);

    if (fd >= 0)
        close(fd);
    return rc;
}

static int fill(struct board *board, struct mx_err *err)
{
    int rc = mx_dir_make(board->path, err);

    if (rc == 0)
        rc = write_experiment(board, err);
    for (size_t r = 0; r < board->trials->nrows && rc == 0; r++)
        rc = write_trial(board, r, err);
    return rc == 0 ? sync_all(board->path, err) : rc;
}

int mx_export_tensorboard(const struct mx_export *export, const char *path, bool *curves,
                          struct mx_err *err)
{
    struct mx_buf temporary = {0};
    struct board  board = {.export = export, .trials = &export->sheets->trials};
    int           rc;

    if (mx_file_exists(path))
        return mx_fail(err, MX_EINVAL, "%s exists: remove it, or give another --out", path);
    mx_buf_printf(&temporary, "%s.tmp.%ld", path, (long)getpid());
    if (!mx_buf_ok(&temporary))
        return mx_fail(err, MX_ENOMEM, "no memory to write %s", path);
    board.path = mx_buf_str(&temporary);
    *curves = mx_kept_open(export->directory, &board.kept, NULL) == 0;
    rc = fill(&board, err);
    if (rc == 0 && rename(board.path, path) != 0)
        rc = mx_fail_errno(err, MX_EIO, errno, "cannot write %s", path);
    if (rc)
        mx_dir_remove(board.path, NULL);
    if (*curves)
        mx_kept_close(&board.kept);
    mx_buf_free(&temporary);
    return rc;
}
