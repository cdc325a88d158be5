#include "sweep/diff.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/num.h"
#include "sweep/config.h"
#include "sweep/messages.h"
#include "sweep/outdir.h"
#include "sweep/sheet.h"

/* Rows of one name; SIZE_MAX: that side has none. */
struct pair {
    size_t a, b;
};

struct diff {
    struct mx_sheets a, b;
    struct pair     *trials, *cells; /* in the order of A, then what only B has */
    size_t           ntrials, ncells;
    size_t           most;
    bool             same;
    struct mx_buf   *out;
};

/* A list that is cut after diff->most lines. */
struct list {
    struct diff  *diff;
    size_t        lines;
    struct mx_buf text;
};

static bool begins_line(struct list *list)
{
    list->diff->same = false;
    return list->lines++ < list->diff->most || list->diff->most == 0;
}

static void end_list(struct list *list, const char *what)
{
    struct diff *diff = list->diff;

    if (list->lines > 0) {
        mx_buf_printf(diff->out, "%s: %zu\n", what, list->lines);
        mx_buf_add(diff->out, list->text.data, list->text.len);
        if (diff->most > 0 && list->lines > diff->most)
            mx_buf_printf(diff->out, "  ... and %zu more (--all)\n", list->lines - diff->most);
    }
    diff->out->failed |= list->text.failed;
    mx_buf_free(&list->text);
}

static int by_name(const void *x, const void *y, void *sheet)
{
    return strcmp(mx_sheet_field(sheet, *(const size_t *)x, 0),
                  mx_sheet_field(sheet, *(const size_t *)y, 0));
}

static size_t *sorted(struct mx_sheet *sheet)
{
    size_t *rows = calloc(sheet->nrows + 1, sizeof *rows);

    for (size_t r = 0; rows && r < sheet->nrows; r++)
        rows[r] = r;
    if (rows && sheet->nrows > 0)
        qsort_r(rows, sheet->nrows, sizeof *rows, by_name, sheet);
    return rows;
}

static int by_place(const void *x, const void *y)
{
    const struct pair *p = x, *q = y;

    if (p->a != q->a)
        return p->a < q->a ? -1 : 1;
    return p->b < q->b ? -1 : p->b > q->b;
}

/* Pair the rows of two tables by name. NULL if there is no memory. */
static struct pair *pair_rows(struct mx_sheet *a, struct mx_sheet *b, size_t *npairs)
{
    size_t      *of_a = sorted(a), *of_b = sorted(b), i = 0, j = 0;
    struct pair *pairs = calloc(a->nrows + b->nrows + 1, sizeof *pairs);

    *npairs = 0;
    while (of_a && of_b && pairs && (i < a->nrows || j < b->nrows)) {
        const int order =
            i == a->nrows   ? 1
            : j == b->nrows ? -1
                            : strcmp(mx_sheet_field(a, of_a[i], 0), mx_sheet_field(b, of_b[j], 0));

        pairs[(*npairs)++] =
            (struct pair){order <= 0 ? of_a[i] : SIZE_MAX, order >= 0 ? of_b[j] : SIZE_MAX};
        i += order <= 0;
        j += order >= 0;
    }
    if (*npairs > 0)
        qsort(pairs, *npairs, sizeof *pairs, by_place);
    if (!of_a || !of_b) {
        free(pairs);
        pairs = NULL;
    }
    free(of_a);
    free(of_b);
    return pairs;
}

/* "  NAME  mix.strategy=mixup mix.alpha=0.2" */
static void put_row(struct mx_buf *out, const struct mx_sheet *sheet, size_t row)
{
    char shown[MX_SHOWN_SIZE];

    mx_buf_printf(out, "  %s ", mx_sheet_field(sheet, row, 0));
    for (size_t c = 0; c < sheet->ncolumns; c++)
        if (sheet->columns[c].role == MX_SHEET_AXIS && *mx_sheet_field(sheet, row, c))
            mx_buf_printf(out, " %s=%s", sheet->columns[c].name,
                          mx_shown(mx_sheet_field(sheet, row, c), shown));
}

static void tell_alone(struct diff *diff, const struct pair *pairs, size_t n, bool in_b,
                       const char *what)
{
    const struct mx_sheet *sheet = pairs == diff->cells ? in_b ? &diff->b.cells : &diff->a.cells
                                   : in_b               ? &diff->b.trials
                                                        : &diff->a.trials;
    struct list            list = {.diff = diff};

    for (size_t p = 0; p < n; p++)
        if ((in_b ? pairs[p].a : pairs[p].b) == SIZE_MAX && begins_line(&list)) {
            put_row(&list.text, sheet, in_b ? pairs[p].b : pairs[p].a);
            mx_buf_text(&list.text, "\n");
        }
    end_list(&list, what);
}

/* "" where a table has no such column. */
static const char *field(const struct mx_sheet *sheet, size_t row, const char *name)
{
    const size_t at = mx_sheet_find(sheet, name);

    return at == SIZE_MAX ? "" : mx_sheet_field(sheet, row, at);
}

static void put_outcome(struct mx_buf *out, const struct mx_sheet *sheet, size_t row)
{
    const char *reason = field(sheet, row, "reason");

    mx_buf_text(out, field(sheet, row, "status"));
    if (*reason)
        mx_buf_printf(out, " (%s)", reason);
}

static void tell_outcomes(struct diff *diff)
{
    const struct mx_sheet *a = &diff->a.trials, *b = &diff->b.trials;
    struct list            list = {.diff = diff};

    for (size_t p = 0; p < diff->ntrials; p++) {
        const struct pair pair = diff->trials[p];

        if (pair.a == SIZE_MAX || pair.b == SIZE_MAX ||
            (strcmp(field(a, pair.a, "status"), field(b, pair.b, "status")) == 0 &&
             strcmp(field(a, pair.a, "reason"), field(b, pair.b, "reason")) == 0) ||
            !begins_line(&list))
            continue;
        mx_buf_printf(&list.text, "  %s  ", mx_sheet_field(a, pair.a, 0));
        put_outcome(&list.text, a, pair.a);
        mx_buf_text(&list.text, " -> ");
        put_outcome(&list.text, b, pair.b);
        mx_buf_text(&list.text, "\n");
    }
    end_list(&list, "trials that came to another end");
}

/* Columns that one side lacks; the run.* columns do not count. */
static void tell_columns(struct diff *diff, const struct mx_sheet *in,
                         const struct mx_sheet *not_in, const char *what)
{
    struct list list = {.diff = diff};

    for (size_t c = 0; c < in->ncolumns; c++)
        if (in->columns[c].role != MX_SHEET_RUN &&
            mx_sheet_find(not_in, in->columns[c].name) == SIZE_MAX && begins_line(&list))
            mx_buf_printf(&list.text, "  %s\n", in->columns[c].name);
    end_list(&list, what);
}

/* A column of both in all trials that both have: in how many it differs, and most where. */
static void compare_column(struct diff *diff, size_t at_a, size_t at_b, struct list *list)
{
    const struct mx_sheet *a = &diff->a.trials, *b = &diff->b.trials;
    size_t                 both = 0, differ = 0;
    struct pair            most = {SIZE_MAX, SIZE_MAX};
    double                 largest = -1;

    for (size_t p = 0; p < diff->ntrials; p++) {
        const struct pair pair = diff->trials[p];
        double            by;

        if (pair.a == SIZE_MAX || pair.b == SIZE_MAX)
            continue;
        both++;
        if (strcmp(mx_sheet_field(a, pair.a, at_a), mx_sheet_field(b, pair.b, at_b)) == 0)
            continue;
        differ++;
        by = fabs(mx_sheet_number(a, pair.a, at_a) - mx_sheet_number(b, pair.b, at_b));
        by = isnan(by) ? 0 : by; /* measured on one side alone, or words */
        if (by > largest) {
            largest = by;
            most = pair;
        }
    }
    if (differ == 0 || !begins_line(list))
        return;
    mx_buf_printf(&list->text, "  %s in %zu of %zu trials, most in %s: %s -> %s\n",
                  a->columns[at_a].name, differ, both, mx_sheet_field(a, most.a, 0),
                  *mx_sheet_field(a, most.a, at_a) ? mx_sheet_field(a, most.a, at_a) : "none",
                  *mx_sheet_field(b, most.b, at_b) ? mx_sheet_field(b, most.b, at_b) : "none");
}

static void tell_metrics(struct diff *diff)
{
    const struct mx_sheet *a = &diff->a.trials;
    struct list            list = {.diff = diff};

    for (size_t c = 0; c < a->ncolumns; c++) {
        const size_t at = mx_sheet_find(&diff->b.trials, a->columns[c].name);

        if (at != SIZE_MAX &&
            (a->columns[c].role == MX_SHEET_METRIC || a->columns[c].role == MX_SHEET_AXIS ||
             strcmp(a->columns[c].name, "seed") == 0))
            compare_column(diff, c, at, &list);
    }
    end_list(&list, "columns with other values");
}

enum {
    METRICS_SHOWN = 4 /* of a cell */
};

static bool ends_in_mean(const char *name)
{
    const size_t len = strlen(name);

    return len > 5 && strcmp(name + len - 5, ".mean") == 0;
}

/* The means of a cell that differ, "test.accuracy 0.81 -> 0.84"; how many there are. */
static size_t put_means(struct mx_buf *out, const struct mx_sheet *a, const struct mx_sheet *b,
                        struct pair pair)
{
    size_t n = 0;

    for (size_t c = mx_sheet_next(a, MX_SHEET_METRIC, 0); c < a->ncolumns; c++) {
        const char  *name = a->columns[c].name;
        const size_t at = ends_in_mean(name) ? mx_sheet_find(b, name) : SIZE_MAX;
        const char  *was, *is;

        if (at == SIZE_MAX)
            continue;
        was = mx_sheet_field(a, pair.a, c);
        is = mx_sheet_field(b, pair.b, at);
        if (strcmp(was, is) != 0 && n++ < METRICS_SHOWN)
            mx_buf_printf(out, "%s %.*s %s -> %s", n > 1 ? "," : "", (int)strlen(name) - 5, name,
                          *was ? was : "none", *is ? is : "none");
    }
    if (n > METRICS_SHOWN)
        mx_buf_printf(out, ", and %zu more", n - METRICS_SHOWN);
    return n;
}

static void tell_cells(struct diff *diff)
{
    const struct mx_sheet *a = &diff->a.cells, *b = &diff->b.cells;
    struct list            list = {.diff = diff};

    for (size_t p = 0; p < diff->ncells; p++) {
        struct mx_buf     means = {0};
        const struct pair pair = diff->cells[p];

        if (pair.a != SIZE_MAX && pair.b != SIZE_MAX && put_means(&means, a, b, pair) > 0 &&
            begins_line(&list)) {
            put_row(&list.text, a, pair.a);
            mx_buf_printf(&list.text, ":%s\n", mx_buf_str(&means));
        }
        list.text.failed |= means.failed;
        mx_buf_free(&means);
    }
    end_list(&list, "cells with other means");
}

static struct mx_config *read_config(const char *directory, struct mx_err *err)
{
    struct mx_config_report report = {{0}, 0, 0};
    char                   *file = mx_path_join(directory, "config.yaml");
    struct mx_config       *config = NULL;

    if (file)
        config = mx_config_read(file, NULL, 0, false, &report, err);
    mx_buf_free(&report.text);
    free(file);
    return config;
}

/* Of a configuration that this version cannot read there is nothing to say. */
static void tell_keys(struct diff *diff, const char *a, const char *b)
{
    struct mx_config *of_a = read_config(a, NULL), *of_b = read_config(b, NULL);
    struct mx_buf     text = {0};
    enum mx_edit      edit = MX_EDIT_NONE;

    if (of_a && of_b)
        mx_outdir_compare_keys(of_a, of_b, &edit, &text);
    if (text.len > 0) {
        mx_buf_text(diff->out, "keys:\n");
        for (const char *line = text.data; *line; line += strcspn(line, "\n") + 1)
            mx_buf_printf(diff->out, "  %.*s\n", (int)strcspn(line, "\n"), line);
    }
    if (!of_a || !of_b)
        mx_buf_printf(diff->out, "keys: %s/config.yaml cannot be read by this version\n",
                      of_a ? b : a);
    diff->out->failed |= text.failed;
    mx_buf_free(&text);
    mx_config_free(of_a);
    mx_config_free(of_b);
}

static void tell(struct diff *diff, const char *a, const char *b)
{
    struct mx_buf body = {0}, *out = diff->out;

    diff->out = &body;
    tell_keys(diff, a, b); /* first: they are why all trials may have other names */
    tell_alone(diff, diff->cells, diff->ncells, false, "cells only in A");
    tell_alone(diff, diff->cells, diff->ncells, true, "cells only in B");
    tell_alone(diff, diff->trials, diff->ntrials, false, "trials only in A");
    tell_alone(diff, diff->trials, diff->ntrials, true, "trials only in B");
    tell_outcomes(diff);
    tell_columns(diff, &diff->a.trials, &diff->b.trials, "columns only in A");
    tell_columns(diff, &diff->b.trials, &diff->a.trials, "columns only in B");
    tell_metrics(diff);
    tell_cells(diff);
    diff->out = out;
    mx_buf_printf(out, "A: %s, %zu cells, %zu trials\nB: %s, %zu cells, %zu trials\n", a,
                  diff->a.cells.nrows, diff->a.trials.nrows, b, diff->b.cells.nrows,
                  diff->b.trials.nrows);
    if (diff->same)
        mx_buf_text(out, "the same\n");
    mx_buf_add(out, body.data, body.len);
    out->failed |= body.failed;
    mx_buf_free(&body);
}

int mx_diff(const char *a, const char *b, size_t most, bool *same, struct mx_buf *out,
            struct mx_err *err)
{
    struct diff diff = {.most = most, .same = true, .out = out};
    int         rc = -1;

    if (mx_sheets_read(a, &diff.a, err))
        return -1;
    if (mx_sheets_read(b, &diff.b, err))
        goto done;
    diff.trials = pair_rows(&diff.a.trials, &diff.b.trials, &diff.ntrials);
    diff.cells = pair_rows(&diff.a.cells, &diff.b.cells, &diff.ncells);
    if (diff.trials && diff.cells)
        tell(&diff, a, b);
    rc = diff.trials && diff.cells && mx_buf_ok(out)
             ? 0
             : mx_fail(err, MX_ENOMEM, "no memory to compare %s with %s", a, b);
    *same = diff.same;
done:
    free(diff.trials);
    free(diff.cells);
    mx_sheets_free(&diff.a);
    mx_sheets_free(&diff.b);
    return rc;
}
