/* report_tables.c - the cells in order, with intervals and tests. */
#include "sweep/report_tables.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Whether the test split's number has a column: it was asked for, though all trials may have
 * failed. */
static bool has_test(const struct report_table *t)
{
    return mx_metric_columns_place(&t->r->columns, t->ranking->test) != SIZE_MAX;
}

/* The metric of the order, its interval as it is shown. */
static struct reduce_summary shown_value(const struct report_table *t, size_t k)
{
    return report_interval(t->rows[k].ranked->value, mx_metric_bounds(t->ranking->metric));
}

/* Where the small pictures begin and end. */
static void find_range(struct report_table *t)
{
    t->low = INFINITY;
    t->high = -INFINITY;
    for (size_t k = 0; k < t->nshown; k++) {
        const struct reduce_summary shown = shown_value(t, k), *s = &shown;

        t->low = fmin(t->low, isfinite(s->low) ? s->low : isfinite(s->mean) ? s->mean : t->low);
        t->high = fmax(t->high, isfinite(s->high)   ? s->high
                                : isfinite(s->mean) ? s->mean
                                                    : t->high);
    }
    if (!(t->high > t->low)) {
        t->low -= 0.5;
        t->high = t->low + 1;
    }
}

/* The interval as a line with a dot, on one scale for all rows. */
static void put_mini(struct report_table *t, const struct reduce_summary *s)
{
    const double scale = 110 / (t->high - t->low);
    const double x = 5 + scale * (s->mean - t->low);

    mx_buf_text(t->r->out, "<td>");
    if (isfinite(s->mean)) {
        mx_buf_text(t->r->out, "<svg class=\"mini\" aria-hidden=\"true\" viewBox=\"0 0 120 18\">"
                               "<path d=\"M0 17.5h120\" stroke=\"#d0d7de\"/>");
        if (isfinite(s->low))
            mx_buf_printf(t->r->out,
                          "<path d=\"M%.1f 9H%.1f\" stroke=\"#0072b2\" "
                          "stroke-width=\"2\"/>",
                          5 + scale * (s->low - t->low), 5 + scale * (s->high - t->low));
        mx_buf_printf(t->r->out, "<circle cx=\"%.1f\" cy=\"9\" r=\"3.5\" fill=\"#0072b2\"/></svg>",
                      x);
    }
    mx_buf_text(t->r->out, "</td>");
}

static void put_head(struct report_table *t)
{
    struct report *r = t->r;
    const char    *way = t->ranking->smaller ? "lower" : "higher";

    mx_buf_text(r->out, "<thead><tr><th class=\"n\">#</th>");
    for (size_t k = 0; k < t->axes.count; k++) {
        mx_buf_text(r->out, "<th title=\"");
        mx_html_text(r->out, mx_keys[t->axes.keys[k]].name);
        mx_buf_text(r->out, "\">");
        mx_html_text(r->out, mx_axes_short_name(&t->axes, k));
        mx_buf_text(r->out, "</th>");
    }
    mx_buf_text(r->out, "<th class=\"n\">done</th><th>");
    report_name_put(r, t->ranking->metric);
    mx_buf_printf(r->out,
                  "<br><span class=\"note\">%s is better</span></th><th><span "
                  "class=\"note\">on one scale</span></th>",
                  way);
    if (has_test(t)) {
        mx_buf_text(r->out, "<th>");
        report_name_put(r, t->ranking->test);
        mx_buf_text(r->out, "<br><span class=\"note\">not used for the order</span></th>");
    }
    if (t->ncontrolled == 0) {
        mx_buf_text(r->out, "<th></th></tr></thead>\n");
        return;
    }
    mx_buf_text(r->out, "<th>difference to control<br><span class=\"note\">");
    report_name_put(r, t->tested);
    mx_buf_text(r->out, "</span></th><th>p<br><span class=\"note\">Holm</span></th><th></th></tr>"
                        "</thead>\n");
}

static void put_axes(struct report_table *t, const struct mx_point *point)
{
    struct mx_buf text = {0};

    for (size_t k = 0; k < t->axes.count; k++) {
        mx_buf_clear(&text);
        mx_axis_text(point, t->axes.keys[k], &text);
        report_element(t->r, "td",
                       point->used[t->axes.keys[k]] ? mx_buf_str(&text) : "\xE2\x80\x93");
    }
    t->r->out->failed |= text.failed;
    mx_buf_free(&text);
}

static void put_metric(struct report *r, const char *metric, const struct reduce_summary *s)
{
    mx_buf_text(r->out, "<td class=\"nw\" data-metric=\"");
    mx_html_text(r->out, metric);
    mx_buf_text(r->out, "\">");
    report_summary_put(r, s, mx_metric_bounds(metric));
    mx_buf_text(r->out, "</td>");
}

static void put_test(struct report_table *t, size_t k)
{
    const struct report_row *row = &t->rows[k];
    struct report           *r = t->r;
    struct reduce_summary    d = {
           .mean = row->to_control.mean, .low = row->to_control.low, .high = row->to_control.high};
    char text[MX_SHOWN_SIZE];

    mx_buf_text(r->out, "<td class=\"nw\">");
    if (row->is_compared)
        mx_buf_text(r->out, "<span class=\"tag soft\">control</span>");
    else if (row->has_control && row->to_control.n > 0)
        report_summary_put(r, &d, mx_metric_difference_bounds(t->tested));
    mx_buf_text(r->out, "</td><td class=\"nw\">");
    if (!isnan(t->p[k]))
        mx_buf_text(r->out, t->p[k] < 1e-4 ? "&lt; 0.0001" : mx_html_shown(t->p[k], text));
    else if (row->has_control && row->to_control.n > 0)
        mx_buf_text(r->out, "<span class=\"note\">too few</span>");
    mx_buf_text(r->out, "</td>");
}

static void put_remark(struct report_table *t, size_t k)
{
    struct mx_buf text = {0};

    mx_buf_text(t->r->out, "<td>");
    if (t->rows[k].near_leader)
        mx_buf_text(t->r->out, "<span class=\"tag soft\">not told from #1</span>");
    mx_ranked_remark(t->r->results, t->rows[k].ranked, &text);
    mx_html_text(t->r->out, mx_buf_str(&text));
    mx_buf_text(t->r->out, "</td></tr>\n");
    mx_buf_free(&text);
}

static void put_row(struct report_table *t, size_t k)
{
    const struct mx_ranked     *ranked = t->rows[k].ranked;
    struct report              *r = t->r;
    struct mx_point             point;
    const struct reduce_summary shown = shown_value(t, k);
    char                        hex[MX_HASH64_HEX];

    report_point(r, ranked->cell, &point);
    mx_buf_printf(r->out, "<tr%s data-cell=\"%s\">",
                  !ranked->complete   ? " class=\"out\""
                  : k == 0 && t->best ? " class=\"best\""
                                      : "",
                  mx_hash64_hex(r->plan->trials[ranked->cell.first].cell, hex));
    if (ranked->complete)
        mx_buf_printf(r->out, "<td class=\"n nw\">%s%zu</td>",
                      k == 0 && t->best ? "<span class=\"tag good\">best</span> " : "", k + 1);
    else
        mx_buf_text(r->out, "<td class=\"n\">\xE2\x80\x93</td>");
    put_axes(t, &point);
    mx_buf_printf(r->out, "<td class=\"n\">%zu/%" PRIu32 "</td>", ranked->value.n,
                  ranked->cell.count);
    put_metric(r, t->ranking->metric, &ranked->value);
    put_mini(t, &shown);
    if (has_test(t))
        put_metric(r, t->ranking->test, &ranked->test);
    if (t->ncontrolled > 0)
        put_test(t, k);
    put_remark(t, k);
}

/* Why the first one is marked, or not. */
static void put_verdict(const struct report_table *t)
{
    const struct mx_ranking *ranking = t->ranking;
    struct mx_buf           *out = t->r->out;
    size_t                   near = 0;

    for (size_t k = 1; k < ranking->ncomplete; k++)
        near += t->rows[k].near_leader;
    if (ranking->ncomplete == 0)
        mx_buf_text(out, "<p>No cell is complete: there is no best one.</p>\n");
    else if (ranking->ncomplete == 1)
        mx_buf_text(out, "<p>One cell is complete: there is nothing to compare it with.</p>\n");
    else if (ranking->cells[0].value.n < 2)
        mx_buf_text(out, "<p>One repeat has no interval: nothing is marked best, and the order may "
                         "be chance.</p>\n");
    else if (t->best)
        mx_buf_text(out, "<p>The first cell is marked best: the 95 % interval of its difference to "
                         "each other complete cell, over the same repeats, leaves out 0.</p>\n");
    else
        mx_buf_printf(out,
                      "<p>No cell is marked best: for %zu other%s the 95 %% interval of the "
                      "difference to the first one, over the same repeats, includes 0.</p>\n",
                      near, near == 1 ? "" : "s");
}

/* Cells that early stopping keeps out. */
static void put_stopped(const struct report_table *t)
{
    struct mx_buf text = {0};

    mx_ranking_put_stopped(t->r->results, t->ranking, &text);
    if (text.len > 0)
        report_element(t->r, "p", mx_buf_str(&text));
    t->r->out->failed |= text.failed;
    mx_buf_free(&text);
}

static void put_control_note(const struct report_table *t)
{
    mx_buf_text(t->r->out,
                "<b>Control</b>: the cell with nothing mixed and the network's own head, all "
                "else being equal; paired t-test over the same repeats, p adjusted by Holm for "
                "this table. ");
    if (t->ntested == 0)
        mx_buf_printf(t->r->out, "With fewer than %d repeats there are too few to test. ",
                      REDUCE_FEW_PAIRS);
}

static void put_notes(const struct report_table *t)
{
    struct mx_buf *out = t->r->out;
    const long     repeats = (long)t->r->config->base[KEY_REPEATS].integer;

    if (t->nshown < t->ranking->ncells)
        mx_buf_printf(out,
                      "<p class=\"note\">Showing %zu of %zu cells; <a href=\"cells.csv\">"
                      "cells.csv</a> has them all.</p>\n",
                      t->nshown, t->ranking->ncells);
    mx_buf_text(out,
                "<p class=\"note\">Cells are in the order of a metric of the validation split, "
                "never of the test split. \xE2\x80\x93 is a setting that a cell does not use. "
                "<b>done</b>: repeats with a number, of those planned; a cell that is not "
                "complete has no rank. ");
    if (repeats > 1)
        mx_buf_text(
            out, "[ ]: 95 % interval of the mean over repeats (Student's t); what varies is "
                 "the repeat: initial weights, batches, augmentation. An interval ends where the "
                 "metric does, at 0 or 1; there is none of values that are all the same. ");
    if (t->ncontrolled > 0)
        put_control_note(t);
    mx_buf_text(out, "All digits are in cells.csv.</p>\n");
}

static void put_rule(struct report_table *t)
{
    struct mx_buf text = {0};

    if (t->ranking->ncells == 0)
        return;
    if (mx_results_rule(t->r->results, t->ranking->cells[0].cell) == MX_RULE_WORST_GROUP)
        mx_results_put_group_counts(t->r->results, t->ranking->cells[0].cell, &text);
    if (text.len > 0)
        report_element(t->r, "p class=\"note\"", mx_buf_str(&text));
    mx_buf_free(&text);
}

static bool make(struct report_table *t)
{
    const size_t n = t->ranking->ncells + 1;

    t->rows = calloc(n, sizeof *t->rows);
    t->p = calloc(n, sizeof *t->p);
    t->frames = calloc(n, sizeof *t->frames);
    t->differences = calloc((size_t)t->r->plan->ntrials + 1, sizeof *t->differences);
    if (!t->rows || !t->p || !t->frames || !t->differences ||
        mx_axes_varying(t->r->results, t->ranking, &t->axes))
        return false;
    t->nshown = t->ranking->ncells < REPORT_ROWS ? t->ranking->ncells : REPORT_ROWS;
    if (report_tests_make(t))
        return false;
    find_range(t);
    return true;
}

static void put_table(struct report *r, const struct mx_ranking *ranking)
{
    struct report_table t = {.r = r, .ranking = ranking};

    if (make(&t)) {
        put_verdict(&t);
        put_stopped(&t);
        mx_buf_text(r->out, "<div class=\"scroll\"><table class=\"cells stack\">");
        put_head(&t);
        mx_buf_text(r->out, "<tbody>\n");
        for (size_t k = 0; k < t.nshown; k++)
            put_row(&t, k);
        mx_buf_text(r->out, "</tbody></table></div>\n");
        put_rule(&t);
        put_notes(&t);
    } else {
        r->out->failed = true;
    }
    mx_axes_free(&t.axes);
    free(t.rows);
    free(t.p);
    free(t.frames);
    free(t.differences);
}

void report_tables(struct report *r)
{
    if (!r->mixed_rules) {
        put_table(r, &r->ranking);
        return;
    }
    for (int groups = 1; groups >= 0; groups--) {
        struct mx_ranking ranking = {.only = true, .groups = groups};

        mx_buf_printf(r->out, "<h3>Heads chosen by the worst %s</h3>\n",
                      groups ? "group" : "class");
        if (mx_ranking_make(r->results, &ranking))
            r->out->failed = true;
        else
            put_table(r, &ranking);
        mx_ranking_free(&ranking);
    }
}
