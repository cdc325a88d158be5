/* report_groups.c - accuracy of each group, with how many images are behind it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/group_names.h"
#include "sweep/report_parts.h"

enum {
    MOST_GROUPS = 24,
    MOST_ROWS = 60
};

static struct reduce_summary group_summary(struct report *r, struct mx_cell_trials cell,
                                           const char *what, size_t group)
{
    char name[WORKER_METRIC_NAME_SIZE];

    snprintf(name, sizeof name, "test.%s.%zu", what, group);
    return report_summary(r, cell, name);
}

/* Groups that some cell has a number of images for. */
static size_t count_groups(struct report *r)
{
    size_t n = 0;
    char   name[WORKER_METRIC_NAME_SIZE];

    for (; n < MOST_GROUPS; n++) {
        snprintf(name, sizeof name, "test.group_count.%zu", n);
        if (!report_measured(r, name))
            break;
    }
    return n;
}

static void put_head(struct report *r, size_t groups)
{
    const struct mx_cell_trials first = r->ranking.cells[0].cell;

    mx_buf_text(r->out, "<thead><tr><th class=\"fixed\">cell</th>");
    for (size_t g = 0; g < groups; g++) {
        const double n = group_summary(r, first, "group_count", g).mean;
        char        *name = mx_group_name(r->plan, first.first, groups, g), text[MX_SHOWN_SIZE];

        mx_buf_text(r->out, "<th>");
        mx_html_text(r->out, name ? name : "");
        mx_buf_printf(r->out, "<br><span class=\"note\">%zu, n = %s</span></th>", g,
                      mx_html_shown(n, text));
        r->out->failed |= !name;
        free(name);
    }
    mx_buf_text(r->out, "</tr></thead>\n");
}

static void put_row(struct report *r, struct mx_cell_trials cell, size_t groups)
{
    char  *label = report_label_new(r, cell);
    double worst = INFINITY;
    char   hex[MX_HASH64_HEX];

    for (size_t g = 0; g < groups; g++) {
        const double mean = group_summary(r, cell, "group_accuracy", g).mean;

        worst = isnan(mean) ? worst : fmin(worst, mean);
    }
    mx_buf_printf(r->out, "<tr data-cell=\"%s\"><th class=\"fixed\" scope=\"row\">",
                  mx_hash64_hex(r->plan->trials[cell.first].cell, hex));
    mx_html_text(r->out, label ? label : "");
    mx_buf_text(r->out, "</th>");
    for (size_t g = 0; g < groups; g++) {
        const struct reduce_summary s = group_summary(r, cell, "group_accuracy", g);

        mx_buf_printf(r->out, "<td class=\"%s\" data-metric=\"test.group_accuracy.%zu\">",
                      s.mean <= worst ? "worst" : "", g);
        report_summary_put(r, &s, (struct mx_bounds){0, 1});
        if (s.mean <= worst)
            mx_buf_text(r->out, " <span class=\"tag bad\">worst</span>");
        mx_buf_text(r->out, "</td>");
    }
    mx_buf_text(r->out, "</tr>\n");
    free(label);
}

void report_groups(struct report *r)
{
    const size_t groups = count_groups(r);
    const size_t rows = r->ranking.ncells < MOST_ROWS ? r->ranking.ncells : MOST_ROWS;

    if (groups == 0 || !report_measured(r, "test.group_accuracy.0"))
        return;
    mx_buf_text(r->out, "<div class=\"scroll\"><table class=\"stack\">");
    put_head(r, groups);
    mx_buf_text(r->out, "<tbody>\n");
    for (size_t k = 0; k < rows; k++)
        put_row(r, r->ranking.cells[k].cell, groups);
    mx_buf_text(r->out, "</tbody></table></div>\n");
    if (rows < r->ranking.ncells)
        mx_buf_printf(r->out,
                      "<p class=\"note\">Showing %zu of %zu cells; <a href=\"cells.csv\">"
                      "cells.csv</a> has them all.</p>\n",
                      rows, r->ranking.ncells);
    mx_buf_text(r->out,
                "<p class=\"note\">Test accuracy of each group, mean and 95 % interval over "
                "repeats, cut at 0 and 1; <b>worst</b>: the lowest mean, which is not the mean of "
                "each repeat's "
                "worst group (test.worst_group_accuracy). A group without images has n = 0 and "
                "is never the worst.</p>\n");
}
