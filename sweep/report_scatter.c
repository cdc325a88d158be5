/* report_scatter.c - accuracy against interpretability against the worst group, each cell named. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/report_parts.h"

enum {
    MOST_CELLS = 40, /* of a scatter plot */
    FEW_CELLS = 12,  /* whose intervals do not hide the others */
    PANELS = 4
};

/* What a scatter plot shows. */
struct scatter {
    struct report        *r;
    const char           *x, *y, *shade; /* metrics; shade NULL: none */
    struct mx_plot_point *points;        /* (MOST_CELLS) */
    char (*labels)[8];
    size_t n;
    double dark, light; /* ends of the shades */
};

/* Scores that say what maps are worth, the first that was measured counts. */
static const char *const worth[] = {"inter_model_map",
                                    "deletion_normalised",
                                    "random_order_deletion",
                                    "symmetric_relevance_gain",
                                    "deletion",
                                    "insertion",
                                    "pointing_game",
                                    "energy_pointing_game_minus_area"};

/* Columns of that score, of maps that are no controls. */
static size_t columns_of(const struct report *r, const char *word, const char *found[PANELS])
{
    size_t n = 0;

    for (size_t k = 0; k < r->columns.count && n < PANELS; k++) {
        const char  *name = r->columns.list[k].name;
        const size_t len = strlen(word);

        if (strncmp(name, "test.", 5) == 0 && strncmp(name + 5, word, len) == 0 &&
            name[5 + len] == '.' && r->columns.list[k].at != SIZE_MAX && !report_is_control(name))
            found[n++] = name;
    }
    return n;
}

/* The points of the first cells, in the order of the table of results. */
static void fill(struct scatter *s)
{
    struct report *r = s->r;

    s->n = 0;
    s->dark = -INFINITY;
    s->light = INFINITY;
    for (size_t k = 0; k < r->ranking.ncells && k < MOST_CELLS; k++) {
        const struct mx_cell_trials cell = r->ranking.cells[k].cell;
        const struct reduce_summary y =
            report_interval(report_summary(r, cell, s->y), mx_metric_bounds(s->y));
        struct mx_plot_point *p = &s->points[k];

        snprintf(s->labels[k], sizeof s->labels[k], "%zu", k + 1);
        *p = (struct mx_plot_point){.x = report_summary(r, cell, s->x).mean,
                                    .y = y.mean,
                                    .low = y.low,
                                    .high = y.high,
                                    .label = s->labels[k],
                                    .shade = NAN};
        if (s->shade) {
            p->shade = report_summary(r, cell, s->shade).mean;
            s->dark = isfinite(p->shade) ? fmax(s->dark, p->shade) : s->dark;
            s->light = isfinite(p->shade) ? fmin(s->light, p->shade) : s->light;
        }
        s->n++;
    }
    for (size_t k = 0; k < s->n && s->n > FEW_CELLS; k++)
        s->points[k].low = s->points[k].high = NAN;
    for (size_t k = 0; k < s->n && s->shade; k++)
        s->points[k].shade =
            s->dark > s->light ? 0.3 + 0.7 * (s->points[k].shade - s->light) / (s->dark - s->light)
            : isnan(s->points[k].shade) ? NAN
                                        : 0.5;
}

static void put_scatter(struct scatter *s)
{
    struct report        *r = s->r;
    char                  alt[400], a[MX_SHOWN_SIZE], b[MX_SHOWN_SIZE];
    struct mx_plot_series series = {.points = s->points, .form = MX_PLOT_DOTS};
    const struct mx_plot  plot = {.x_label = s->x,
                                  .y_label = s->y,
                                  .alt = alt,
                                  .y_low = NAN,
                                  .y_high = NAN,
                                  .series = &series,
                                  .nseries = 1};

    fill(s);
    series.npoints = s->n;
    snprintf(alt, sizeof alt,
             "%s against %s, a dot for each of %zu cells, numbered as in the list below", s->y,
             s->x, s->n);
    report_figure_begin(r);
    mx_plot_svg(&plot, r->out);
    if (s->shade && s->dark > s->light)
        report_figure_end(r, "%s: %s is better. Colour: %s, light %s to dark %s.", s->y,
                          mx_metric_smaller_is_better(s->y) ? "lower" : "higher", s->shade,
                          mx_html_shown(s->light, a), mx_html_shown(s->dark, b));
    else
        report_figure_end(r, "%s: %s is better.", s->y,
                          mx_metric_smaller_is_better(s->y) ? "lower" : "higher");
}

/* The numbers of the plots, and what they stand for. */
static void put_list(struct report *r, const char *const metrics[], size_t nmetrics)
{
    const size_t rows = r->ranking.ncells < MOST_CELLS ? r->ranking.ncells : MOST_CELLS;

    mx_buf_text(
        r->out,
        "<div class=\"scroll\"><table class=\"stack\"><thead><tr><th class=\"n\">number</th>"
        "<th>cell</th>");
    for (size_t m = 0; m < nmetrics; m++) {
        mx_buf_text(r->out, "<th>");
        report_name_put(r, metrics[m]);
        mx_buf_text(r->out, "</th>");
    }
    mx_buf_text(r->out, "</tr></thead><tbody>\n");
    for (size_t k = 0; k < rows; k++) {
        char *label = report_label_new(r, r->ranking.cells[k].cell);
        char  hex[MX_HASH64_HEX];

        mx_buf_printf(r->out, "<tr data-cell=\"%s\"><td class=\"n\">%zu</td>",
                      mx_hash64_hex(r->plan->trials[r->ranking.cells[k].cell.first].cell, hex),
                      k + 1);
        report_element(r, "td class=\"cell\"", label ? label : "");
        for (size_t m = 0; m < nmetrics; m++) {
            const struct reduce_summary s = report_summary(r, r->ranking.cells[k].cell, metrics[m]);

            mx_buf_printf(r->out, "<td data-metric=\"%s\">", metrics[m]);
            report_summary_put(r, &s, mx_metric_bounds(metrics[m]));
            mx_buf_text(r->out, "</td>");
        }
        mx_buf_text(r->out, "</tr>\n");
        free(label);
    }
    mx_buf_text(r->out, "</tbody></table></div>\n");
    if (rows < r->ranking.ncells)
        mx_buf_printf(r->out, "<p class=\"note\">The first %zu of %zu cells.</p>\n", rows,
                      r->ranking.ncells);
}

/* What is drawn against accuracy: maps' worth, or the worst group where no map was made. */
static size_t choose(const struct report *r, const char *ys[PANELS], const char **shade)
{
    static const char worst[] = "test.worst_group_accuracy";
    size_t            n = 0;

    *shade = report_measured(r, worst) ? worst : NULL;
    for (size_t w = 0; w < sizeof worth / sizeof worth[0] && n == 0; w++)
        n = columns_of(r, worth[w], ys);
    if (n == 0 && *shade) {
        ys[n++] = worst;
        *shade = NULL;
    }
    return n;
}

void report_tradeoff(struct report *r)
{
    struct scatter s = {.r = r, .x = "test.accuracy"};
    const char    *ys[PANELS + 2];
    size_t         n = choose(r, ys, &s.shade);

    if (n == 0 || r->ranking.ncells < 2 || !report_measured(r, s.x))
        return;
    s.points = calloc(MOST_CELLS, sizeof *s.points);
    s.labels = calloc(MOST_CELLS, sizeof *s.labels);
    mx_buf_text(r->out, "<div class=\"figures\">");
    for (size_t k = 0; s.points && s.labels && k < n; k++) {
        s.y = ys[k];
        put_scatter(&s);
    }
    mx_buf_text(r->out, "</div>\n");
    if (s.shade)
        ys[n++] = s.shade;
    ys[n++] = s.x;
    put_list(r, ys, n);
    if (strstr(ys[0], ".gradcam") || strstr(ys[0], "deletion") || strstr(ys[0], "inter_model"))
        report_curve_rule(r);
    r->out->failed |= !s.points || !s.labels;
    free(s.points);
    free(s.labels);
}
