#include "sweep/sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv_read.h"
#include "base/file.h"
#include "base/num.h"
#include "sweep/kept.h"
#include "sweep/outdir.h"

static const size_t most_bytes = (size_t)4 << 30;

const char *mx_sheet_field(const struct mx_sheet *sheet, size_t row, size_t column)
{
    return sheet->fields[row * sheet->ncolumns + column];
}

size_t mx_sheet_find(const struct mx_sheet *sheet, const char *name)
{
    for (size_t c = 0; c < sheet->ncolumns; c++)
        if (strcmp(sheet->columns[c].name, name) == 0)
            return c;
    return SIZE_MAX;
}

size_t mx_sheet_next(const struct mx_sheet *sheet, enum mx_sheet_role role, size_t from)
{
    while (from < sheet->ncolumns && sheet->columns[from].role != role)
        from++;
    return from;
}

double mx_sheet_number(const struct mx_sheet *sheet, size_t row, size_t column)
{
    const char *text = mx_sheet_field(sheet, row, column);
    double      value;

    if (mx_num_parse_real(text, &value))
        return value;
    return strcmp(text, "inf") == 0 ? INFINITY : strcmp(text, "-inf") == 0 ? -INFINITY : NAN;
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static enum mx_sheet_type type_of_key(const char *name)
{
    const enum mx_key_id key = mx_key_find(name);

    if (key == KEY_COUNT)
        return MX_SHEET_TEXT;
    switch (mx_keys[key].type) {
    case MX_TYPE_REAL:
        return MX_SHEET_REAL;
    case MX_TYPE_INT: /* a word may stand for 0 */
        return mx_keys[key].zero_word ? MX_SHEET_TEXT : MX_SHEET_INTEGER;
    case MX_TYPE_BOOL:
        return MX_SHEET_BOOL;
    default:
        return MX_SHEET_TEXT;
    }
}

static enum mx_sheet_type type_of_run(const char *name)
{
    static const char *const integers[] = {"run.attempts", "run.rank", "run.executor", NULL};
    static const char *const reals[] = {"run.seconds", "run.energy_j", NULL};

    return is_one_of(name, integers) ? MX_SHEET_INTEGER
           : is_one_of(name, reals)  ? MX_SHEET_REAL
                                     : MX_SHEET_TEXT;
}

static bool ends_in_n(const char *name)
{
    const size_t len = strlen(name);

    return len > 2 && strcmp(name + len - 2, ".n") == 0;
}

/* Columns stand in groups: first words of one kind, then the axes, then what ends them. */
static void set_kinds(struct mx_sheet *sheet, bool cells)
{
    static const char *const ids[] = {"trial", "cell", "repeat", "status", "reason", "seed", NULL};
    static const char *const counts[] = {"planned", "done",    "failed", "quarantined",
                                         "stopped", "pending", NULL};
    bool                     behind = false; /* of the axes */

    for (size_t c = 0; c < sheet->ncolumns; c++) {
        struct mx_sheet_column *column = &sheet->columns[c];
        const char             *name = column->name;

        if (is_one_of(name, ids)) {
            column->role = MX_SHEET_ID;
            column->type = strcmp(name, "repeat") == 0 || strcmp(name, "seed") == 0
                               ? MX_SHEET_INTEGER
                               : MX_SHEET_TEXT;
            behind |= strcmp(name, "seed") == 0;
        } else if (cells && is_one_of(name, counts)) {
            *column = (struct mx_sheet_column){name, MX_SHEET_COUNT, MX_SHEET_INTEGER};
            behind = true;
        } else if (strncmp(name, "run.", 4) == 0) {
            *column = (struct mx_sheet_column){name, MX_SHEET_RUN, type_of_run(name)};
        } else if (behind) {
            *column = (struct mx_sheet_column){
                name, MX_SHEET_METRIC, cells && ends_in_n(name) ? MX_SHEET_INTEGER : MX_SHEET_REAL};
        } else {
            *column = (struct mx_sheet_column){name, MX_SHEET_AXIS, type_of_key(name)};
        }
    }
}

static int take_head(struct mx_sheet *sheet, struct mx_err *err)
{
    const int rc = mx_table_next(sheet->file, err);

    if (rc < 0)
        return -1;
    if (rc == 0)
        return mx_table_fail(sheet->file, err, "this table has no head line");
    sheet->ncolumns = mx_table_fields(sheet->file);
    if (!(sheet->columns = calloc(sheet->ncolumns, sizeof *sheet->columns)))
        return mx_fail(err, MX_ENOMEM, "no memory for a table");
    for (size_t c = 0; c < sheet->ncolumns; c++)
        sheet->columns[c].name = mx_table_field(sheet->file, c);
    return 0;
}

static int take_rows(struct mx_sheet *sheet, struct mx_err *err)
{
    size_t room = 0;
    int    rc;

    while ((rc = mx_table_next(sheet->file, err)) > 0) {
        if (mx_table_fields(sheet->file) != sheet->ncolumns)
            return mx_table_fail(sheet->file, err, "%zu fields stand under %zu names",
                                 mx_table_fields(sheet->file), sheet->ncolumns);
        if (sheet->nrows == room) {
            const char **more;

            room = room ? 2 * room : 64;
            if (!(more = reallocarray(sheet->fields, room, sheet->ncolumns * sizeof *more)))
                return mx_fail(err, MX_ENOMEM, "no memory for a table of %zu rows", room);
            sheet->fields = more;
        }
        for (size_t c = 0; c < sheet->ncolumns; c++)
            sheet->fields[sheet->nrows * sheet->ncolumns + c] = mx_table_field(sheet->file, c);
        sheet->nrows++;
    }
    return rc;
}

/* Takes the file over, also where this fails. */
static int fill(struct mx_sheet *sheet, struct mx_table *file, bool cells, struct mx_err *err)
{
    sheet->file = file;
    if (!file || take_head(sheet, err) || take_rows(sheet, err))
        return -1;
    set_kinds(sheet, cells);
    if (strcmp(sheet->columns[0].name, cells ? "cell" : "trial") != 0)
        return mx_table_fail(file, err, "this is no table of results: it begins with '%s'",
                             sheet->columns[0].name);
    return 0;
}

static int fill_from_file(struct mx_sheet *sheet, const char *directory, const char *name,
                          bool cells, struct mx_err *err)
{
    char            *path = mx_path_join(directory, name);
    struct mx_table *file =
        path ? mx_table_open(path, false, most_bytes, err)
             : (mx_fail(err, MX_ENOMEM, "no memory for a path"), (struct mx_table *)NULL);

    free(path);
    return fill(sheet, file, cells, err);
}

static int fill_from_journal(struct mx_sheets *sheets, const char *directory, struct mx_err *err)
{
    struct mx_kept kept;
    struct mx_buf  trials = {0}, cells = {0};
    int            rc;

    if (mx_kept_open(directory, &kept, err))
        return -1;
    rc = mx_kept_read(&kept, err) || mx_results_texts(kept.replay.results, &trials, &cells, err) ||
                 fill(&sheets->trials, mx_table_of("results.csv", &trials, err), false, err) ||
                 fill(&sheets->cells, mx_table_of("cells.csv", &cells, err), true, err)
             ? -1
             : 0;
    mx_buf_free(&trials);
    mx_buf_free(&cells);
    mx_kept_close(&kept);
    return rc;
}

int mx_sheets_read(const char *directory, struct mx_sheets *sheets, struct mx_err *err)
{
    char *ended;
    int   rc;

    *sheets = (struct mx_sheets){0};
    if (mx_outdir_expect(directory, err))
        return -1;
    if (!(ended = mx_path_join(directory, "exit_code")))
        return mx_fail(err, MX_ENOMEM, "no memory for a path");
    sheets->live = !mx_file_exists(ended);
    free(ended);
    rc = sheets->live ? fill_from_journal(sheets, directory, err)
                      : fill_from_file(&sheets->trials, directory, "results.csv", false, err) ||
                            fill_from_file(&sheets->cells, directory, "cells.csv", true, err);
    if (rc)
        mx_sheets_free(sheets);
    return rc ? -1 : 0;
}

static void free_sheet(struct mx_sheet *sheet)
{
    mx_table_close(sheet->file);
    free(sheet->columns);
    free(sheet->fields);
}

void mx_sheets_free(struct mx_sheets *sheets)
{
    free_sheet(&sheets->trials);
    free_sheet(&sheets->cells);
    *sheets = (struct mx_sheets){0};
}
