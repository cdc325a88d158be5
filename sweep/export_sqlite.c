/* export_sqlite.c - the tables as a database. */
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/num.h"
#include "sweep/export.h"

enum {
    MOST_COLUMNS = 2000 /* SQLITE_MAX_COLUMN as it is built everywhere */
};

static int fail(sqlite3 *db, const char *path, struct mx_err *err)
{
    return mx_fail(err, sqlite3_errcode(db) == SQLITE_NOMEM ? MX_ENOMEM : MX_EIO,
                   "cannot write %s: %s", path, sqlite3_errmsg(db));
}

static int run(sqlite3 *db, const char *path, const struct mx_buf *sql, struct mx_err *err)
{
    if (!mx_buf_ok(sql))
        return mx_fail(err, MX_ENOMEM, "no memory to write %s", path);
    return sqlite3_exec(db, mx_buf_str(sql), NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                            : fail(db, path, err);
}

/* A name between double quotes. */
static void put_name(struct mx_buf *sql, const char *name)
{
    mx_buf_text(sql, "\"");
    for (; *name; name++)
        mx_buf_printf(sql, *name == '"' ? "\"%c" : "%c", *name);
    mx_buf_text(sql, "\"");
}

/* Of columns of numbers: an infinity is a number too, and an empty field is NULL. */
static void bind(sqlite3_stmt *insert, int at, enum mx_sheet_type type, const char *text)
{
    int64_t integer;
    double  real;

    if (!*text)
        sqlite3_bind_null(insert, at);
    else if (type == MX_SHEET_INTEGER && mx_num_parse_int(text, &integer))
        sqlite3_bind_int64(insert, at, integer);
    else if (type == MX_SHEET_REAL && mx_num_parse_real(text, &real))
        sqlite3_bind_double(insert, at, real);
    else if (type == MX_SHEET_REAL && strcmp(text + (*text == '-'), "inf") == 0)
        sqlite3_bind_double(insert, at, *text == '-' ? -INFINITY : INFINITY);
    else
        sqlite3_bind_text(insert, at, text, -1, SQLITE_STATIC);
}

/* A database that is being filled. */
struct database {
    sqlite3    *db;
    const char *path;
    const struct mx_export *export;
};

static bool takes(const struct database *to, const struct mx_sheet *sheet, size_t column, bool all)
{
    return sheet->columns[column].role != MX_SHEET_METRIC ||
           (all && mx_export_takes(to->export, &sheet->columns[column]));
}

static int prepare(const struct database *to, const struct mx_buf *sql, sqlite3_stmt **insert,
                   struct mx_err *err)
{
    if (!mx_buf_ok(sql))
        return mx_fail(err, MX_ENOMEM, "no memory to write %s", to->path);
    return sqlite3_prepare_v2(to->db, mx_buf_str(sql), -1, insert, NULL) == SQLITE_OK
               ? 0
               : fail(to->db, to->path, err);
}

/* Make a table of a sheet's columns, and a statement that fills in a row of it. */
static int make_table(const struct database *to, const char *name, const struct mx_sheet *sheet,
                      bool all, sqlite3_stmt **insert, struct mx_err *err)
{
    static const char *const types[] = {[MX_SHEET_TEXT] = "TEXT",
                                        [MX_SHEET_INTEGER] = "INTEGER",
                                        [MX_SHEET_REAL] = "REAL",
                                        [MX_SHEET_BOOL] = "TEXT"};
    struct mx_buf            sql = {0}, values = {0};
    int                      rc;

    mx_buf_printf(&sql, "CREATE TABLE %s (", name);
    mx_buf_printf(&values, "INSERT INTO %s VALUES (", name);
    for (size_t c = 0; c < sheet->ncolumns; c++) {
        if (!takes(to, sheet, c, all))
            continue;
        mx_buf_text(&sql, c > 0 ? ", " : "");
        put_name(&sql, sheet->columns[c].name);
        mx_buf_printf(&sql, " %s%s", types[sheet->columns[c].type], c == 0 ? " PRIMARY KEY" : "");
        mx_buf_text(&values, c > 0 ? ", ?" : "?");
    }
    mx_buf_text(&sql, ")"); /* rows keep the order of the grid */
    mx_buf_text(&values, ")");
    rc = run(to->db, to->path, &sql, err) || prepare(to, &values, insert, err) ? -1 : 0;
    mx_buf_free(&sql);
    mx_buf_free(&values);
    return rc;
}

/* One row is complete. */
static int step(const struct database *to, sqlite3_stmt *insert, struct mx_err *err)
{
    if (sqlite3_step(insert) != SQLITE_DONE)
        return fail(to->db, to->path, err);
    sqlite3_reset(insert);
    return 0;
}

static int put_wide(const struct database *to, const char *name, const struct mx_sheet *sheet,
                    struct mx_err *err)
{
    const bool    all = sheet->ncolumns <= MOST_COLUMNS;
    sqlite3_stmt *insert = NULL;
    int           rc = make_table(to, name, sheet, all, &insert, err);

    for (size_t r = 0; r < sheet->nrows && rc == 0; r++) {
        int at = 0;

        for (size_t c = 0; c < sheet->ncolumns; c++)
            if (takes(to, sheet, c, all))
                bind(insert, ++at, sheet->columns[c].type, mx_sheet_field(sheet, r, c));
        rc = step(to, insert, err);
    }
    sqlite3_finalize(insert);
    return rc;
}

/* The metrics by name: of a trial its number, of a cell `parts` of them; only what is measured. */
static int put_long(const struct database *to, const char *create, const char *into,
                    const struct mx_sheet *sheet, size_t parts, struct mx_err *err)
{
    struct mx_buf sql = {0}, values = {0};
    sqlite3_stmt *insert = NULL;
    int           rc;

    mx_buf_text(&sql, create);
    mx_buf_text(&values, into);
    rc = run(to->db, to->path, &sql, err) || prepare(to, &values, &insert, err) ? -1 : 0;
    for (size_t r = 0; r < sheet->nrows && rc == 0; r++)
        for (size_t c = mx_sheet_next(sheet, MX_SHEET_METRIC, 0);
             rc == 0 && c + parts <= sheet->ncolumns && sheet->columns[c].role == MX_SHEET_METRIC;
             c += parts) {
            const char  *metric = sheet->columns[c].name;
            const size_t cut = parts > 1 ? strlen(".n") : 0;

            if (!mx_export_takes(to->export, &sheet->columns[c]) ||
                !*mx_sheet_field(sheet, r, c + (parts > 1)))
                continue;
            sqlite3_bind_text(insert, 1, mx_sheet_field(sheet, r, 0), -1, SQLITE_STATIC);
            sqlite3_bind_text(insert, 2, metric, (int)(strlen(metric) - cut), SQLITE_STATIC);
            for (size_t p = 0; p < parts; p++)
                bind(insert, 3 + (int)p, sheet->columns[c + p].type,
                     mx_sheet_field(sheet, r, c + p));
            rc = step(to, insert, err);
        }
    sqlite3_finalize(insert);
    mx_buf_free(&sql);
    mx_buf_free(&values);
    return rc;
}

static int put_about(const struct database *to, struct mx_err *err)
{
    const char *rows[][2] = {
        {"name", to->export->name}, {"directory", to->export->directory}, {"version", MX_VERSION}};
    struct mx_buf sql = {0}, values = {0};
    sqlite3_stmt *insert = NULL;
    int           rc;

    mx_buf_text(&sql, "CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID");
    mx_buf_text(&values, "INSERT INTO about VALUES (?, ?)");
    rc = run(to->db, to->path, &sql, err) || prepare(to, &values, &insert, err) ? -1 : 0;
    for (size_t k = 0; k < sizeof rows / sizeof rows[0] && rc == 0; k++) {
        sqlite3_bind_text(insert, 1, rows[k][0], -1, SQLITE_STATIC);
        sqlite3_bind_text(insert, 2, rows[k][1], -1, SQLITE_STATIC);
        rc = step(to, insert, err);
    }
    sqlite3_finalize(insert);
    mx_buf_free(&sql);
    mx_buf_free(&values);
    return rc;
}

static int fill(const struct database *to, struct mx_err *err)
{
    const struct mx_sheets *sheets = to->export->sheets;
    struct database         cells = *to;
    struct mx_export        of_cells = *to->export, of_trials = *to->export;
    struct database         trials = *to;
    struct mx_buf           begin = {0}, end = {0};
    int                     rc;

    of_cells.cells = true;
    of_trials.cells = false;
    cells.export = &of_cells;
    trials.export = &of_trials;
    /* The file is new and takes its place when it is whole: no journal is needed. */
    mx_buf_text(&begin, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN");
    mx_buf_text(&end, "COMMIT");
    rc =
        run(to->db, to->path, &begin, err) || put_about(to, err) ||
                put_wide(&trials, "trials", &sheets->trials, err) ||
                put_wide(&cells, "cells", &sheets->cells, err) ||
                put_long(&trials,
                         "CREATE TABLE trial_metrics (trial TEXT, metric TEXT, value REAL, "
                         "PRIMARY KEY (trial, metric)) WITHOUT ROWID",
                         "INSERT INTO trial_metrics VALUES (?, ?, ?)", &sheets->trials, 1, err) ||
                put_long(&cells,
                         "CREATE TABLE cell_metrics (cell TEXT, metric TEXT, n INTEGER, mean REAL, "
                         "sd REAL, low REAL, high REAL, PRIMARY KEY (cell, metric)) WITHOUT ROWID",
                         "INSERT INTO cell_metrics VALUES (?, ?, ?, ?, ?, ?, ?)", &sheets->cells,
                         MX_SHEET_PARTS, err) ||
                run(to->db, to->path, &end, err)
            ? -1
            : 0;
    mx_buf_free(&begin);
    mx_buf_free(&end);
    return rc;
}

static int sync_file(const char *path, struct mx_err *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const int rc = fd >= 0 && fsync(fd) == 0 ? 0 : mx_fail(err, MX_EIO, "cannot write %s", path);

    if (fd >= 0)
        close(fd);
    return rc;
}

int mx_export_sqlite(const struct mx_export *export, const char *path, struct mx_err *err)
{
    struct mx_buf   temporary = {0};
    struct database to = {.export = export};
    int             rc = -1;

    mx_buf_printf(&temporary, "%s.tmp.%ld", path, (long)getpid());
    if (!mx_buf_ok(&temporary))
        return mx_fail(err, MX_ENOMEM, "no memory to write %s", path);
    to.path = mx_buf_str(&temporary);
    unlink(to.path);
    if (sqlite3_open_v2(to.path, &to.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) !=
        SQLITE_OK)
        fail(to.db, path, err);
    else
        rc = fill(&to, err);
    if (sqlite3_close(to.db) != SQLITE_OK && rc == 0)
        rc = mx_fail(err, MX_EIO, "cannot write %s", path);
    if (rc || sync_file(to.path, err) || mx_file_replace(to.path, path, err)) {
        unlink(to.path);
        rc = -1;
    }
    mx_buf_free(&temporary);
    return rc;
}
