/* export_text.c - what is exported, and the two forms for programs: CSV and JSON lines. */
#include <math.h>
#include <string.h>

#include "base/csv.h"
#include "base/json.h"
#include "base/num.h"
#include "sweep/export.h"
#include "sweep/keys.h"

const struct mx_sheet *mx_export_sheet(const struct mx_export *export)
{
    return export->cells ? &export->sheets->cells : &export->sheets->trials;
}

/* The length of a metric's own name: of cells without what stands behind the last point. */
static size_t base_length(bool cells, const char *name)
{
    const char *point = cells ? strrchr(name, '.') : NULL;

    return point ? (size_t)(point - name) : strlen(name);
}

static bool is_metric(bool cells, const char *column, const char *metric)
{
    const size_t len = base_length(cells, column);

    return strlen(metric) == len && strncmp(column, metric, len) == 0;
}

bool mx_export_takes(const struct mx_export *export, const struct mx_sheet_column *column)
{
    if (column->role != MX_SHEET_METRIC || export->nmetrics == 0)
        return true;
    for (size_t m = 0; m < export->nmetrics; m++)
        if (is_metric(export->cells, column->name, export->metrics[m]))
            return true;
    return false;
}

/* The name of a metric of the trials that is nearest to one that is none; NULL: none is near. */
static const char *nearest_metric(const struct mx_sheet *trials, const char *name)
{
    const char *found = NULL;
    size_t      least = strlen(name) / 3 + 1;

    for (size_t c = mx_sheet_next(trials, MX_SHEET_METRIC, 0); c < trials->ncolumns;
         c = mx_sheet_next(trials, MX_SHEET_METRIC, c + 1)) {
        const char  *known = trials->columns[c].name, *point = strchr(known, '.');
        const size_t distance =
            point && strcmp(point + 1, name) == 0 ? 0 : mx_name_distance(name, known);

        if (distance < least) {
            least = distance;
            found = known;
        }
    }
    return found;
}

int mx_export_check(const struct mx_export *export, struct mx_err *err)
{
    const struct mx_sheet *trials = &export->sheets->trials;

    for (size_t m = 0; m < export->nmetrics; m++) {
        const char  *name = export->metrics[m], *near = nearest_metric(trials, name);
        const size_t at = mx_sheet_find(trials, name);

        if (at != SIZE_MAX && trials->columns[at].role == MX_SHEET_METRIC)
            continue;
        if (near)
            return mx_fail(err, MX_EINVAL, "%.100s has no metric %.100s (nearest: %.100s)",
                           export->directory, name, near);
        return mx_fail(err, MX_EINVAL,
                       "%.200s has no metric %.100s: the columns of results.csv before run. are "
                       "its metrics",
                       export->directory, name);
    }
    return 0;
}

void mx_export_csv(const struct mx_export *export, struct mx_buf *out)
{
    const struct mx_sheet *sheet = mx_export_sheet(export);
    struct mx_csv          csv = {.out = out};

    for (size_t c = 0; c < sheet->ncolumns; c++)
        if (mx_export_takes(export, &sheet->columns[c]))
            mx_csv_text(&csv, sheet->columns[c].name);
    mx_csv_end_line(&csv);
    for (size_t r = 0; r < sheet->nrows; r++) {
        for (size_t c = 0; c < sheet->ncolumns; c++)
            if (mx_export_takes(export, &sheet->columns[c]))
                mx_csv_text(&csv, mx_sheet_field(sheet, r, c));
        mx_csv_end_line(&csv);
    }
}

/* What is no number in a column of numbers, such as an infinity, stays the text that it is. */
static void put_json(struct mx_json *json, const struct mx_sheet_column *column, const char *text)
{
    int64_t integer;
    double  real;

    if (!*text)
        mx_json_null(json, column->name);
    else if (column->type == MX_SHEET_INTEGER && mx_num_parse_int(text, &integer))
        mx_json_int(json, column->name, integer);
    else if (column->type == MX_SHEET_REAL && mx_num_parse_real(text, &real))
        mx_json_real(json, column->name, real);
    else if (column->type == MX_SHEET_BOOL)
        mx_json_bool(json, column->name, strcmp(text, "true") == 0);
    else
        mx_json_text(json, column->name, text);
}

void mx_export_jsonl(const struct mx_export *export, struct mx_buf *out)
{
    const struct mx_sheet *sheet = mx_export_sheet(export);

    for (size_t r = 0; r < sheet->nrows; r++) {
        struct mx_json json = {.out = out};

        mx_json_object(&json, NULL);
        for (size_t c = 0; c < sheet->ncolumns; c++)
            if (mx_export_takes(export, &sheet->columns[c]))
                put_json(&json, &sheet->columns[c], mx_sheet_field(sheet, r, c));
        mx_json_end_object(&json);
        mx_buf_text(out, "\n");
    }
}
