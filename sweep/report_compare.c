/* report_compare.c - the cells that another sweep has too, side by side. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/report_parts.h"

/* A cell of the other sweep, by its id. */
struct place {
    uint64_t              cell;
    struct mx_cell_trials trials;
};

struct comparison {
    struct report           *r;
    const struct mx_results *results; /* of the other sweep */
    struct mx_metric_columns columns;
    struct mx_metric_scratch scratch;
    struct place            *places; /* by cell */
    size_t                   nplaces, common, changed, shown;
    const char              *metrics[2];
    size_t                   nmetrics;
};

static int by_cell(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return (x->cell > y->cell) - (x->cell < y->cell);
}

static bool index_other(struct comparison *c)
{
    const struct mx_plan *plan = c->r->other->plan;

    c->places = calloc((size_t)plan->ntrials + 1, sizeof *c->places);
    for (uint32_t t = 0; c->places && t < plan->ntrials;) {
        const struct mx_cell_trials cell = mx_results_cell(c->results, t);

        c->places[c->nplaces++] = (struct place){plan->trials[t].cell, cell};
        t += cell.count;
    }
    if (c->places)
        qsort(c->places, c->nplaces, sizeof *c->places, by_cell);
    return c->places && mx_metric_columns_find(c->results, &c->columns, NULL) == 0;
}

static struct reduce_summary there(struct comparison *c, struct mx_cell_trials cell,
                                   const char *metric)
{
    const size_t                  at = mx_metric_columns_place(&c->columns, metric);
    const struct mx_metric_column none = {.at = SIZE_MAX};

    return mx_metric_summary(c->results, at == SIZE_MAX ? &none : &c->columns.list[at], cell,
                             &c->scratch);
}

static bool differs(double a, double b)
{
    return isnan(a) != isnan(b) || (!isnan(a) && a != b);
}

static void put_row(struct comparison *c, struct mx_cell_trials here, struct mx_cell_trials other)
{
    struct report *r = c->r;
    char          *label = report_label_new(r, here);

    mx_buf_text(r->out, "<tr>");
    report_element(r, "td class=\"cell\"", label ? label : "");
    for (size_t m = 0; m < c->nmetrics; m++) {
        const struct reduce_summary a = report_summary(r, here, c->metrics[m]);
        const struct reduce_summary b = there(c, other, c->metrics[m]);

        mx_buf_text(r->out, "<td class=\"nw\">");
        report_summary_put(r, &a, mx_metric_bounds(c->metrics[m]));
        mx_buf_text(r->out, "</td><td class=\"nw\">");
        report_summary_put(r, &b, mx_metric_bounds(c->metrics[m]));
        mx_buf_text(r->out, "</td><td class=\"n\">");
        mx_html_number(r->out, a.mean - b.mean);
        mx_buf_text(r->out, "</td>");
    }
    mx_buf_text(r->out, "</tr>\n");
    free(label);
}

static void look_at(struct comparison *c, struct mx_cell_trials here)
{
    const struct place  wanted = {.cell = c->r->plan->trials[here.first].cell};
    const struct place *found = bsearch(&wanted, c->places, c->nplaces, sizeof *c->places, by_cell);
    bool                changed = false;

    if (!found)
        return;
    c->common++;
    for (size_t m = 0; m < c->nmetrics; m++)
        changed |= differs(report_summary(c->r, here, c->metrics[m]).mean,
                           there(c, found->trials, c->metrics[m]).mean);
    c->changed += changed;
    if (changed && c->shown < REPORT_ROWS) {
        put_row(c, here, found->trials);
        c->shown++;
    }
}

static void put_head(struct comparison *c)
{
    struct report *r = c->r;

    mx_buf_text(r->out, "<div class=\"scroll\"><table><thead><tr><th>cell</th>");
    for (size_t m = 0; m < c->nmetrics; m++) {
        report_element(r, "th", c->metrics[m]);
        mx_buf_text(r->out, "<th>there</th><th class=\"n\">difference</th>");
    }
    mx_buf_text(r->out, "</tr></thead><tbody>\n");
}

void report_compare(struct report *r)
{
    struct comparison c = {.r = r};
    size_t            table, end;

    if (!r->other)
        return;
    c.results = r->other->results;
    c.metrics[c.nmetrics++] = r->ranking.metric;
    if (report_measured(r, r->ranking.test))
        c.metrics[c.nmetrics++] = r->ranking.test;
    mx_buf_text(r->out, "<p>Against ");
    report_element(r, "code", r->other->directory);
    mx_buf_text(r->out, ".</p>\n");
    table = r->out->len;
    put_head(&c);
    end = r->out->len;
    if (index_other(&c))
        for (size_t k = 0; k < r->ranking.ncells; k++)
            look_at(&c, r->ranking.cells[k].cell);
    else
        r->out->failed = true;
    if (r->out->len > end)
        mx_buf_text(r->out, "</tbody></table></div>\n");
    else
        report_undo(r, table);
    mx_buf_printf(r->out,
                  "<p>%zu cells are in both sweeps, %zu of them with other means; %zu are only "
                  "here, %zu only there.%s <code>mixsweep diff</code> compares every metric.</p>\n",
                  c.common, c.changed, r->ranking.ncells - c.common, c.nplaces - c.common,
                  c.shown < c.changed ? " The first of those are shown." : "");
    mx_metric_columns_free(&c.columns);
    mx_metric_scratch_free(&c.scratch);
    free(c.places);
}
