/* export_paper.c - tables to be read: Markdown and LaTeX. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "sweep/export.h"
#include "sweep/results_core.h"
#include "worker/map_scores.h"

/* How a table is written: what stands around fields, and what stands for characters that
 * mean something to the reader of the table. */
struct style {
    const char *begin, *between, *end; /* of a row */
    void (*put)(const char *text, struct mx_buf *out);
    void (*head)(size_t left, size_t right, struct mx_buf *out);  /* before the names: columns */
    void (*ruler)(size_t left, size_t right, struct mx_buf *out); /* behind the names */
};

static void put_markdown(const char *text, struct mx_buf *out)
{
    for (; *text; text++)
        if (strchr("\\`*_<>|[]~", *text))
            mx_buf_printf(out, "\\%c", *text);
        else
            mx_buf_add(out, *text == '\n' || *text == '\r' ? " " : text, 1);
}

static void put_latex(const char *text, struct mx_buf *out)
{
    static const struct {
        char        character;
        const char *written;
    } special[] = {
        {'\\', "\\textbackslash{}"},
        {'{', "\\{"},
        {'}', "\\}"},
        {'$', "\\$"},
        {'&', "\\&"},
        {'#', "\\#"},
        {'%', "\\%"},
        {'_', "\\_"},
        {'~', "\\textasciitilde{}"},
        {'^', "\\textasciicircum{}"},
        {'<', "\\textless{}"},
        {'>', "\\textgreater{}"},
        {'|', "\\textbar{}"},
        {'"', "\\textquotedbl{}"},
        /* Behind the end of a row a bracket would be an argument. */
        {'[', "{[}"},
        {']', "{]}"},
        {'\n', " "},
        {'\r', " "},
    };

    for (char before = ' '; *text; before = *text++) {
        size_t s = 0;

        while (s < sizeof special / sizeof special[0] && special[s].character != *text)
            s++;
        if (s < sizeof special / sizeof special[0])
            mx_buf_text(out, special[s].written);
        else if (*text == '-' && strchr(" [", before) && text[1] >= '0' && text[1] <= '9')
            mx_buf_text(out, "$-$"); /* a sign, not a hyphen */
        else
            mx_buf_add(out, text, 1);
    }
}

static void ruler_markdown(size_t left, size_t right, struct mx_buf *out)
{
    for (size_t k = 0; k < left; k++)
        mx_buf_text(out, "| --- ");
    for (size_t k = 0; k < right; k++)
        mx_buf_text(out, "| ---: ");
    mx_buf_text(out, "|\n");
}

static void head_latex(size_t left, size_t right, struct mx_buf *out)
{
    mx_buf_text(out, "\\begin{tabular}{");
    for (size_t k = 0; k < left; k++)
        mx_buf_text(out, "l");
    for (size_t k = 0; k < right; k++)
        mx_buf_text(out, "r");
    mx_buf_text(out, "}\n\\toprule\n");
}

static void ruler_latex(size_t left, size_t right, struct mx_buf *out)
{
    (void)left;
    (void)right;
    mx_buf_text(out, "\\midrule\n");
}

static const struct style markdown = {"| ", " | ", " |\n", put_markdown, NULL, ruler_markdown};
static const struct style latex = {"", " & ", " \\\\\n", put_latex, head_latex, ruler_latex};

/* A row that is being written. */
struct row {
    const struct style *style;
    struct mx_buf      *out;
    size_t              fields;
};

static void put_field(struct row *row, const char *text)
{
    mx_buf_text(row->out, row->fields++ == 0 ? row->style->begin : row->style->between);
    row->style->put(*text ? text : "-", row->out);
}

static void end_row(struct row *row)
{
    mx_buf_text(row->out, row->style->end);
    row->fields = 0;
}

/* The text of a field, a number with so many digits behind its point if that was asked for. */
static const char *shown(const struct mx_export *export, size_t r, size_t c, char *out, size_t size)
{
    const struct mx_sheet *sheet = mx_export_sheet(export);
    const double           value = mx_sheet_number(sheet, r, c);

    if (export->digits < 0 || !isfinite(value) || sheet->columns[c].type != MX_SHEET_REAL ||
        sheet->columns[c].role == MX_SHEET_AXIS)
        return mx_sheet_field(sheet, r, c);
    snprintf(out, size, "%.*f", export->digits, value);
    return out;
}

/* "0.81 [0.78, 0.84]" of columns [c .. c + 5); the interval is missing where there is none. Fewer
 * values than trials that are done are told. */
static void put_summary(struct row *row, const struct mx_export *export, size_t r, size_t c)
{
    const struct mx_sheet *sheet = mx_export_sheet(export);
    const double           n = mx_sheet_number(sheet, r, c + MX_SHEET_N);
    char                   mean[400], low[400], high[400], text[1300];
    int                    used;

    if (!(n > 0)) {
        put_field(row, "");
        return;
    }
    used =
        snprintf(text, sizeof text, "%s", shown(export, r, c + MX_SHEET_MEAN, mean, sizeof mean));
    if (*mx_sheet_field(sheet, r, c + MX_SHEET_LOW))
        used += snprintf(text + used, sizeof text - (size_t)used, " [%s, %s]",
                         shown(export, r, c + MX_SHEET_LOW, low, sizeof low),
                         shown(export, r, c + MX_SHEET_HIGH, high, sizeof high));
    if (n < mx_sheet_number(sheet, r, mx_sheet_find(sheet, "done")))
        snprintf(text + used, sizeof text - (size_t)used, " (n=%s)",
                 mx_sheet_field(sheet, r, c + MX_SHEET_N));
    put_field(row, text);
}

static bool starts_metric(const struct mx_export *export, const struct mx_sheet_column *column)
{
    return column->role == MX_SHEET_METRIC && mx_export_takes(export, column);
}

/* Columns of cells: axes, trials done of those planned, then one for each metric. */
static void put_cells(struct row *row, const struct mx_export *export)
{
    const struct mx_sheet *sheet = &export->sheets->cells;
    const size_t           done = mx_sheet_find(sheet, "done");
    const size_t           planned = mx_sheet_find(sheet, "planned");
    char                   text[64];

    for (size_t r = 0; r < sheet->nrows; r++) {
        for (size_t c = 0; c < sheet->ncolumns; c++)
            if (sheet->columns[c].role == MX_SHEET_AXIS)
                put_field(row, mx_sheet_field(sheet, r, c));
        snprintf(text, sizeof text, "%.20s/%.20s", mx_sheet_field(sheet, r, done),
                 mx_sheet_field(sheet, r, planned));
        put_field(row, text);
        for (size_t c = mx_sheet_next(sheet, MX_SHEET_METRIC, 0);
             c + MX_SHEET_PARTS <= sheet->ncolumns; c += MX_SHEET_PARTS)
            if (starts_metric(export, &sheet->columns[c]))
                put_summary(row, export, r, c);
        end_row(row);
    }
}

/* Columns of trials: name, what became of it and why, axes, metrics. */
static bool is_shown(const struct mx_export *export, const struct mx_sheet_column *column)
{
    return strcmp(column->name, "trial") == 0 || strcmp(column->name, "status") == 0 ||
           strcmp(column->name, "reason") == 0 || column->role == MX_SHEET_AXIS ||
           starts_metric(export, column);
}

static void put_trials(struct row *row, const struct mx_export *export)
{
    const struct mx_sheet *sheet = &export->sheets->trials;
    char                   text[400];

    for (size_t r = 0; r < sheet->nrows; r++) {
        for (size_t c = 0; c < sheet->ncolumns; c++)
            if (is_shown(export, &sheet->columns[c]))
                put_field(row, shown(export, r, c, text, sizeof text));
        end_row(row);
    }
}

/* The names above the columns, and how many of them stand to the left and to the right. */
static void put_names(struct row *row, const struct mx_export *export, size_t *left, size_t *right)
{
    const struct mx_sheet *sheet = mx_export_sheet(export);
    size_t                 metrics = mx_sheet_next(sheet, MX_SHEET_METRIC, 0);
    char                   name[200];

    for (size_t c = 0; c < sheet->ncolumns; c++)
        if (export->cells
                ? sheet->columns[c].role == MX_SHEET_AXIS
                : sheet->columns[c].role != MX_SHEET_METRIC && is_shown(export, &sheet->columns[c]))
            put_field(row, sheet->columns[c].name);
    if (export->cells)
        put_field(row, "trials");
    *left = row->fields;
    for (size_t c = metrics; c < sheet->ncolumns && sheet->columns[c].role == MX_SHEET_METRIC;
         c += export->cells ? MX_SHEET_PARTS : 1)
        if (starts_metric(export, &sheet->columns[c])) {
            snprintf(name, sizeof name, "%.*s",
                     (int)(strlen(sheet->columns[c].name) - (export->cells ? strlen(".n") : 0)),
                     sheet->columns[c].name);
            put_field(row, name);
        }
    *right = row->fields - *left;
    end_row(row);
}

static void put_table(const struct style *style, const struct mx_export *export, struct mx_buf *out)
{
    struct mx_buf names = {0};
    struct row    row = {.style = style, .out = &names};
    size_t        left, right;

    put_names(&row, export, &left, &right);
    if (style->head)
        style->head(left, right, out);
    mx_buf_add(out, names.data, names.len);
    out->failed |= names.failed;
    mx_buf_free(&names);
    style->ruler(left, right, out);
    row.out = out;
    if (export->cells)
        put_cells(&row, export);
    else
        put_trials(&row, export);
}

/* Whether a score that depends on the order of pixels is among the columns. */
static bool shows_curve_scores(const struct mx_export *export)
{
    const struct mx_sheet *sheet = mx_export_sheet(export);

    for (size_t c = 0; c < sheet->ncolumns; c++) {
        const int word =
            sheet->columns[c].role == MX_SHEET_METRIC && mx_export_takes(export, &sheet->columns[c])
                ? mx_metric_word(sheet->columns[c].name)
                : -1;
        const struct worker_map_score *score =
            word < 0 ? NULL : worker_map_score(mx_metric_words[word].word);

        if (score && (score->is & WORKER_SCORE_FILLED))
            return true;
    }
    return false;
}

/* How many trials there are, and of each state: what a table stands on. */
static void put_counts(const struct mx_export *export, struct mx_buf *out)
{
    static const char *const states[] = {"done",    "failed",  "quarantined",
                                         "stopped", "running", "pending"};
    const struct mx_sheet   *trials = &export->sheets->trials;
    const size_t             status = mx_sheet_find(trials, "status");

    mx_buf_printf(out, "%zu cells, %zu trials", export->sheets->cells.nrows, trials->nrows);
    for (size_t s = 0; s < sizeof states / sizeof states[0] && status != SIZE_MAX; s++) {
        size_t n = 0;

        for (size_t r = 0; r < trials->nrows; r++)
            n += strcmp(mx_sheet_field(trials, r, status), states[s]) == 0;
        if (n > 0)
            mx_buf_printf(out, ", %zu %s", n, states[s]);
    }
    if (export->cells)
        mx_buf_text(out, "; mean [95 % interval of the mean over repeats, Student's t]");
    mx_buf_text(out, "; -: not used, or not measured");
    mx_export_ways(export, out);
    if (export->rank && shows_curve_scores(export))
        mx_buf_printf(out,
                      "; pixels ranked by score.rank %s, replaced by the fill that a name ends in",
                      export->rank);
}

void mx_export_markdown(const struct mx_export *export, struct mx_buf *out)
{
    put_table(&markdown, export, out);
    mx_buf_text(out, "\n");
    put_markdown(export->name, out);
    mx_buf_text(out, ": ");
    put_counts(export, out);
    mx_buf_text(out, "\n");
}

void mx_export_latex(const struct mx_export *export, struct mx_buf *out)
{
    mx_buf_text(out, "% ");
    for (const char *c = export->name; *c; c++)
        mx_buf_add(out, *c == '\n' || *c == '\r' ? " " : c, 1);
    mx_buf_text(out, ": ");
    put_counts(export, out);
    mx_buf_text(out, "\n% needs \\usepackage{booktabs} and \\usepackage[T1]{fontenc}\n");
    put_table(&latex, export, out);
    mx_buf_text(out, "\\bottomrule\n\\end{tabular}\n");
}
