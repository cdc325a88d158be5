/* report_alpha.c - score against alpha: a panel for each label rule, a line for each strategy. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/report_parts.h"
#include "worker/choices.h"

enum {
    LINES = WORKER_MIXES, /* strategies */
    SCORES = 6,           /* metrics that have panels */
    FRAMES = 4,           /* settings besides alpha, labels and strategy that have panels */
    RULES = 5             /* label rules, and none */
};

/* Where a cell stands. */
struct spot {
    unsigned strategy, rule; /* RULES - 1: without a rule */
    size_t   frame;          /* which of the distinct settings of other axes */
    bool     has_alpha;
    double   alpha;
};

/* The panels of one metric and one frame. */
struct panels {
    struct report        *r;
    struct spot          *spots; /* (ncells) */
    const char           *metric;
    size_t                frame;  /* which of the distinct settings of other axes */
    struct mx_plot_point *points; /* (ncells) */
    size_t                npoints;
    struct mx_plot_series series[2 * LINES];
    size_t                nseries;
    bool                  log;
};

/* Cells alike but for strategy, alpha and labels belong together. */
struct frames {
    char  *texts[FRAMES + 1];
    size_t count;
    bool   more;
};

static void frame_text(struct report *r, struct mx_cell_trials cell, struct mx_buf *out)
{
    struct mx_point point;
    bool            any = false;

    report_point(r, cell, &point);
    for (size_t k = 0; k < r->axes.count; k++) {
        const enum mx_key_id key = r->axes.keys[k];

        if (key == KEY_MIX_STRATEGY || key == KEY_MIX_ALPHA || key == KEY_MIX_LABELS ||
            !point.used[key])
            continue;
        mx_buf_printf(out, "%s%s ", any ? ", " : "", mx_axes_short_name(&r->axes, k));
        mx_axis_text(&point, key, out);
        any = true;
    }
}

/* The number of a cell's frame among those kept; SIZE_MAX if there was no room for it. */
static size_t frame_of(struct report *r, struct frames *frames, struct mx_cell_trials cell)
{
    struct mx_buf text = {0};
    size_t        at = 0;

    frame_text(r, cell, &text);
    while (at < frames->count && strcmp(frames->texts[at], mx_buf_str(&text)) != 0)
        at++;
    if (at == frames->count && frames->count == FRAMES) {
        frames->more = true;
        at = SIZE_MAX;
    } else if (at == frames->count) {
        if (!(frames->texts[at] = strdup(mx_buf_str(&text)))) {
            r->out->failed = true;
            at = SIZE_MAX;
        } else {
            frames->count++;
        }
    }
    mx_buf_free(&text);
    return at;
}

static int by_x(const void *a, const void *b)
{
    const struct mx_plot_point *p = a, *q = b;

    return (p->x > q->x) - (p->x < q->x);
}

static struct spot spot_of(struct report *r, struct frames *frames, struct mx_cell_trials cell)
{
    struct mx_point point;

    report_point(r, cell, &point);
    return (struct spot){.strategy = point.value[KEY_MIX_STRATEGY].choice,
                         .rule = point.used[KEY_MIX_LABELS] ? point.value[KEY_MIX_LABELS].choice
                                                            : RULES - 1,
                         .frame = frame_of(r, frames, cell),
                         .has_alpha = point.used[KEY_MIX_ALPHA],
                         .alpha = point.value[KEY_MIX_ALPHA].real};
}

/* The cells of one strategy and label rule as a series. */
static void add_series(struct panels *panels, unsigned strategy, unsigned rule)
{
    struct report         *r = panels->r;
    struct mx_plot_series *series = &panels->series[panels->nseries];
    bool                   has_alpha = false;

    *series = (struct mx_plot_series){.name = worker_strategies[strategy].word,
                                      .points = panels->points + panels->npoints,
                                      .style = strategy};
    for (size_t k = 0; k < r->ranking.ncells; k++) {
        const struct spot    *spot = &panels->spots[k];
        struct reduce_summary s;

        if (spot->strategy != strategy || spot->rule != rule || spot->frame != panels->frame)
            continue;
        s = report_summary(r, r->ranking.cells[k].cell, panels->metric);
        has_alpha |= spot->has_alpha;
        panels->points[panels->npoints + series->npoints++] =
            report_plot_point(spot->alpha, s, panels->metric);
    }
    if (series->npoints == 0)
        return;
    series->form = has_alpha ? MX_PLOT_MARKS : MX_PLOT_LEVEL;
    qsort(panels->points + panels->npoints, series->npoints, sizeof panels->points[0], by_x);
    panels->npoints += series->npoints;
    panels->nseries++;
}

/* The lines of one rule, in front of them those that know no rule. Returns whether the rule
 * has any. */
static bool fill(struct panels *panels, unsigned rule)
{
    size_t ruled;

    panels->npoints = panels->nseries = 0;
    for (unsigned s = 0; s < LINES; s++)
        add_series(panels, s, rule);
    ruled = panels->nseries;
    for (unsigned s = 0; s < LINES && ruled > 0 && rule != RULES - 1; s++)
        add_series(panels, s, RULES - 1);
    return ruled > 0;
}

static void put_panel(struct panels *panels, const struct frames *frames, unsigned rule, double low,
                      double high)
{
    const char    *labels = rule < RULES - 1 ? worker_label_rules[rule].word : "none to choose";
    char           alt[400];
    struct mx_plot plot = {.x_label = "mix.alpha",
                           .y_label = panels->metric,
                           .alt = alt,
                           .x_axis = panels->log ? MX_PLOT_LOG : MX_PLOT_LINEAR,
                           .y_low = low,
                           .y_high = high,
                           .series = panels->series,
                           .nseries = panels->nseries};

    snprintf(
        alt, sizeof alt,
        "%s against mix.alpha, a line for each strategy, labels %s%s%.100s; the numbers are in "
        "the table of results",
        panels->metric, labels,
        panels->frame < frames->count && *frames->texts[panels->frame] ? ", " : "",
        frames->texts[panels->frame]);
    report_figure_begin(panels->r);
    mx_plot_svg(&plot, panels->r->out);
    mx_plot_legend(panels->series, panels->nseries, panels->r->out);
    report_figure_end(panels->r, "labels: %s%s%s", labels,
                      *frames->texts[panels->frame] ? " \xC2\xB7 " : "",
                      frames->texts[panels->frame]);
}

/* A row of panels with one y axis. */
static void put_panels(struct panels *panels, struct frames *frames)
{
    double low = NAN, high = NAN;

    for (unsigned rule = 0; rule < RULES; rule++)
        if (fill(panels, rule))
            mx_plot_range(panels->series, panels->nseries, &low, &high);
    if (isnan(low))
        return;
    for (unsigned rule = 0; rule + 1 < RULES; rule++)
        if (fill(panels, rule))
            put_panel(panels, frames, rule, low, high);
}

/* Whether alpha varies, and by so much that logarithms show it better. */
static bool look_at_alpha(const struct panels *panels, bool *log)
{
    double low = INFINITY, high = 0;

    for (size_t k = 0; k < panels->r->ranking.ncells; k++)
        if (panels->spots[k].has_alpha) {
            low = fmin(low, panels->spots[k].alpha);
            high = fmax(high, panels->spots[k].alpha);
        }
    *log = low > 0 && high >= 4 * low;
    return high > low;
}

/* What is worth a panel: what the sweep chooses by, on the test split, then other scores in
 * the order of the table. */
static size_t choose_metrics(const struct report *r, const char *metrics[SCORES])
{
    size_t n = 0;

    if (report_measured(r, r->ranking.test))
        metrics[n++] = r->ranking.test;
    else if (report_measured(r, r->ranking.metric))
        metrics[n++] = r->ranking.metric;
    for (size_t k = 0; k < r->columns.count && n < SCORES; k++) {
        const char *name = r->columns.list[k].name;
        const int   word = mx_metric_word(name);

        if (strncmp(name, "test.", 5) != 0 || r->columns.list[k].at == SIZE_MAX || word < 0 ||
            word == MX_METRIC_GROUP_COUNT || word == MX_METRIC_GROUP_ACCURACY ||
            word == MX_METRIC_ALL_ZERO_MAPS || report_is_control(name) ||
            (n > 0 && strcmp(name, metrics[0]) == 0))
            continue;
        metrics[n++] = name;
    }
    return n;
}

static void put_metrics(struct panels *panels, struct frames *frames, const char *const *metrics,
                        size_t n)
{
    struct report *r = panels->r;

    for (size_t k = 0; k < n; k++) {
        panels->metric = metrics[k];
        mx_buf_text(r->out, "<div class=\"figures\">");
        for (panels->frame = 0; panels->frame < frames->count; panels->frame++)
            put_panels(panels, frames);
        mx_buf_text(r->out, "</div>\n");
    }
    mx_buf_text(
        r->out,
        "<p class=\"note\">Mean and 95 % interval over repeats; markers of one alpha stand side "
        "by side, and intervals end where a metric does. Level lines: strategies without an alpha."
        "</p>\n");
    for (size_t k = 0; k < n; k++) {
        const int                      word = mx_metric_word(metrics[k]);
        const struct worker_map_score *score =
            word < 0 ? NULL : worker_map_score(mx_metric_words[word].word);

        if (score && (score->is & WORKER_SCORE_FILLED)) {
            report_curve_rule(r);
            break;
        }
    }
    if (frames->more)
        mx_buf_printf(r->out,
                      "<p class=\"note\">Showing the first %d settings of the other axes.</p>\n",
                      FRAMES);
}

void report_alpha(struct report *r)
{
    struct panels panels = {.r = r};
    struct frames frames = {.count = 0};
    const char   *metrics[SCORES];
    const size_t  n = choose_metrics(r, metrics), ncells = r->ranking.ncells;

    panels.points = calloc(2 * ncells + 1, sizeof panels.points[0]);
    panels.spots = calloc(ncells + 1, sizeof panels.spots[0]);
    if (panels.points && panels.spots) {
        for (size_t k = 0; k < ncells; k++)
            panels.spots[k] = spot_of(r, &frames, r->ranking.cells[k].cell);
        if (n > 0 && look_at_alpha(&panels, &panels.log))
            put_metrics(&panels, &frames, metrics, n);
    } else {
        r->out->failed = true;
    }
    for (size_t k = 0; k < frames.count; k++)
        free(frames.texts[k]);
    free(panels.points);
    free(panels.spots);
}
