/* report_sensitivity.c - what each of HSFM's settings does, all others averaged. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/report_files.h"
#include "worker/choices.h"

enum {
    MOST_WORDS = 16 /* values of a key that is no number */
};

/* A cell of hsfm, its value of a key, and what came of it. */
struct effect {
    struct report        *r;
    enum mx_key_id        key;
    struct mx_plot_point *cells, *means; /* (ncells) each */
    size_t                ncells, nmeans;
    char                 *words[MOST_WORDS];
    size_t                nwords;
};

static bool is_number(enum mx_key_id key)
{
    return mx_keys[key].type == MX_TYPE_REAL || mx_keys[key].type == MX_TYPE_INT;
}

/* Where a value lies on the axis: itself, or the number of its word; NaN if there is no room. */
static double axis_value(struct effect *e, const struct mx_point *point)
{
    struct mx_buf text = {0};
    size_t        at = 0;

    if (is_number(e->key))
        return mx_keys[e->key].type == MX_TYPE_REAL ? point->value[e->key].real
                                                    : (double)point->value[e->key].integer;
    mx_axis_text(point, e->key, &text);
    while (at < e->nwords && strcmp(e->words[at], mx_buf_str(&text)) != 0)
        at++;
    if (at == e->nwords && at < MOST_WORDS && (e->words[at] = strdup(mx_buf_str(&text))))
        e->nwords++;
    mx_buf_free(&text);
    return at < e->nwords ? (double)at : NAN;
}

static void collect(struct effect *e, const char *metric)
{
    struct report *r = e->r;

    for (size_t k = 0; k < r->ranking.ncells; k++) {
        struct mx_point point;
        double          x, y;
        size_t          m = 0;

        report_point(r, r->ranking.cells[k].cell, &point);
        if (point.value[KEY_HEAD_METHOD].choice != WORKER_HEAD_HSFM || !point.used[e->key])
            continue;
        x = axis_value(e, &point);
        y = report_summary(r, r->ranking.cells[k].cell, metric).mean;
        if (isnan(x) || isnan(y))
            continue;
        e->cells[e->ncells++] = (struct mx_plot_point){x, y, NAN, NAN, NULL, NAN};
        while (m < e->nmeans && e->means[m].x != x)
            m++;
        if (m == e->nmeans)
            e->means[e->nmeans++] = (struct mx_plot_point){x, 0, NAN, NAN, NULL, 0};
        e->means[m].y += y;
        e->means[m].shade++; /* how many, until the sum is a mean */
    }
}

static int by_x(const void *a, const void *b)
{
    const struct mx_plot_point *p = a, *q = b;

    return (p->x > q->x) - (p->x < q->x);
}

static void average(struct effect *e)
{
    for (size_t m = 0; m < e->nmeans; m++) {
        e->means[m].y /= e->means[m].shade;
        e->means[m].shade = NAN;
    }
    qsort(e->means, e->nmeans, sizeof e->means[0], by_x);
}

static void put_effect(struct effect *e, const char *metric)
{
    const struct mx_plot_series series[] = {
        {.points = e->cells, .npoints = e->ncells, .form = MX_PLOT_FAINT},
        {.points = e->means, .npoints = e->nmeans, .form = MX_PLOT_MARKS}};
    char           alt[300];
    struct mx_plot plot = {.x_label = mx_keys[e->key].name,
                           .y_label = metric,
                           .alt = alt,
                           .x_axis = !is_number(e->key) ? MX_PLOT_WORDS : MX_PLOT_LINEAR,
                           .words = (const char *const *)e->words,
                           .nwords = e->nwords,
                           .y_low = NAN,
                           .y_high = NAN,
                           .series = series,
                           .nseries = 2};

    if (is_number(e->key) && e->means[0].x > 0 && e->means[e->nmeans - 1].x >= 4 * e->means[0].x)
        plot.x_axis = MX_PLOT_LOG;
    snprintf(alt, sizeof alt,
             "%s against %s: a dot for each of %zu cells, and the mean of those of one "
             "value",
             metric, mx_keys[e->key].name, e->ncells);
    report_figure_begin(e->r);
    mx_plot_svg(&plot, e->r->out);
    report_figure_end(e->r, "%zu cells, %zu values; %s is better", e->ncells, e->nmeans,
                      mx_metric_smaller_is_better(metric) ? "lower" : "higher");
}

/* Returns whether the key has two values or more. */
static bool put_key(struct report *r, enum mx_key_id key, const char *metric)
{
    struct effect e = {.r = r, .key = key};
    bool          shown = false;

    e.cells = calloc(r->ranking.ncells + 1, sizeof *e.cells);
    e.means = calloc(r->ranking.ncells + 1, sizeof *e.means);
    if (e.cells && e.means) {
        collect(&e, metric);
        average(&e);
        shown = e.nmeans > 1;
        if (shown)
            put_effect(&e, metric);
    }
    r->out->failed |= !e.cells || !e.means;
    free(e.cells);
    free(e.means);
    for (size_t k = 0; k < e.nwords; k++)
        free(e.words[k]);
    return shown;
}

void report_sensitivity(struct report *r)
{
    const char  *metric = report_measured(r, r->ranking.test) ? r->ranking.test : r->ranking.metric;
    const size_t start = r->out->len;
    size_t       n = 0;

    mx_buf_text(r->out, "<div class=\"figures\">");
    for (size_t k = 0; k < r->axes.count; k++)
        if (strncmp(mx_keys[r->axes.keys[k]].name, "head.hsfm.", 10) == 0)
            n += put_key(r, r->axes.keys[k], metric);
    if (n == 0) {
        report_undo(r, start);
        return;
    }
    mx_buf_text(r->out,
                "</div>\n<p class=\"note\">A pale dot is the mean of a cell over its repeats; a "
                "marker the mean over all cells with that value, whatever their other settings. "
                "At outer_lr 1 the method amplifies rounding: differences of a sample or two mean "
                "nothing.</p>\n");
}
