/* export.h - the tables of a sweep for elsewhere.
 *
 * Every number is the text of results.csv and cells.csv, or the double that this text
 * names; nothing is computed again.
 */
#ifndef MX_SWEEP_EXPORT_H
#define MX_SWEEP_EXPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "sweep/sheet.h"

struct mx_export {
    const struct mx_sheets *sheets;
    const char             *directory, *name; /* of the sweep */
    bool                    cells;            /* a row a cell; else a row a trial */
    int                     digits;           /* behind the point, in tables to be read; -1: all */
    const char *const      *metrics;          /* only these; none: all */
    size_t                  nmetrics;
    const char             *rank; /* score.rank, told with tables that have scores of curves */
};

/* The table that is exported. */
const struct mx_sheet *mx_export_sheet(const struct mx_export *of);

/* Whether a column of it is: all that are no metrics, and the metrics that were asked for
 * (of cells by their names without .mean and so on). */
bool mx_export_takes(const struct mx_export *of, const struct mx_sheet_column *column);

/* Refuse a metric that the tables do not have, with the nearest that they have. Returns 0, or -1
 * with MX_EINVAL. */
int mx_export_check(const struct mx_export *of, struct mx_err *err);

/* Append the table: as results.csv and cells.csv are; as JSON, one object a line (numbers are
 * numbers, an empty field is null, infinities are "inf" and "-inf"); as tables to be
 * read, where the five columns of a cell's metric are one field, mean [low, high]. */
void mx_export_csv(const struct mx_export *of, struct mx_buf *out);
void mx_export_jsonl(const struct mx_export *of, struct mx_buf *out);
void mx_export_markdown(const struct mx_export *of, struct mx_buf *out);
void mx_export_latex(const struct mx_export *of, struct mx_buf *out);

/* For the line beside a table that is to be read: "; higher is better: accuracy; lower is better:
 * deletion", of the metrics in it; nothing of those that only describe. */
void mx_export_ways(const struct mx_export *of, struct mx_buf *out);

/* Write a database with both tables as they are (trials, cells), and the metrics of both by
 * name too (trial_metrics, cell_metrics); `path` is replaced, whole or not at all. What has
 * more columns than a table of SQLite can have stands there by name alone. Returns 0, or
 * -1 with MX_EIO or MX_ENOMEM. */
int mx_export_sqlite(const struct mx_export *of, const char *path, struct mx_err *err);

/* Make a folder that TensorBoard reads: a run a trial, with its metrics, its curves of training,
 * and its axes as hyperparameters; the repeats of a cell are one group. Returns 0; or -1 with
 * MX_EINVAL if there is something at `path`, MX_EIO or MX_ENOMEM; then there is nothing there.
 * *curves: whether those of training could be found (an older version names its
 * folders otherwise). */
int mx_export_tensorboard(const struct mx_export *of, const char *path, bool *curves,
                          struct mx_err *err);

#endif
