/* sheet.h - the tables of a sweep as it lies in its directory, each field as the text that it
 * has in results.csv or cells.csv. For commands that show, compare or export them: the
 * same numbers everywhere.
 */
#ifndef MX_SWEEP_SHEET_H
#define MX_SWEEP_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* What a column is. */
enum mx_sheet_role {
    MX_SHEET_ID,     /* trial, cell, repeat, status, reason, seed */
    MX_SHEET_AXIS,   /* a key of the grid; empty where a cell does not use it */
    MX_SHEET_COUNT,  /* of a cell's trials: planned, done ... */
    MX_SHEET_METRIC, /* a metric; of cells a part of one: M.n, M.mean, M.sd, M.low, M.high */
    MX_SHEET_RUN     /* run.*: not the same in two runs */
};

/* What its fields are; an empty field is none of it. */
enum mx_sheet_type {
    MX_SHEET_TEXT,
    MX_SHEET_INTEGER,
    MX_SHEET_REAL, /* "inf" and "-inf" too */
    MX_SHEET_BOOL
};

struct mx_sheet_column {
    const char        *name; /* lent */
    enum mx_sheet_role role;
    enum mx_sheet_type type;
};

/* The five columns of a metric in cells.csv, in their order. */
enum {
    MX_SHEET_N,
    MX_SHEET_MEAN,
    MX_SHEET_SD,
    MX_SHEET_LOW,
    MX_SHEET_HIGH,
    MX_SHEET_PARTS
};

struct mx_sheet {
    struct mx_table        *file;
    struct mx_sheet_column *columns;
    size_t                  ncolumns, nrows;
    const char            **fields; /* (nrows, ncolumns) */
};

const char *mx_sheet_field(const struct mx_sheet *sheet, size_t row, size_t column);

/* Where a column is; SIZE_MAX if nowhere. */
size_t mx_sheet_find(const struct mx_sheet *sheet, const char *name);

/* The first column of a role at or behind `from`; ncolumns if none follows. */
size_t mx_sheet_next(const struct mx_sheet *sheet, enum mx_sheet_role role, size_t from);

/* A field as a number; NaN where it is empty or none. */
double mx_sheet_number(const struct mx_sheet *sheet, size_t row, size_t column);

/* Both tables of a directory. */
struct mx_sheets {
    struct mx_sheet trials, cells;
    bool            live; /* the sweep has not ended: they are what its journal says now */
};

/* Read them. Where the sweep has ended (DIR/exit_code is there) its files are what is
 * read, so that a directory of an earlier version is too; else the tables are made from
 * the journal, which knows more than the files. Returns 0; or -1 with MX_EINVAL (no sweep there),
 * MX_EDATA (a table that is damaged: file and line), MX_EIO, MX_ENOMEM; nothing is to be
 * released then. */
int  mx_sheets_read(const char *directory, struct mx_sheets *sheets, struct mx_err *err);
void mx_sheets_free(struct mx_sheets *sheets);

#endif
