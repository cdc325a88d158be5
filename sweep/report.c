/* report.c - the page: its sections, in order, with a list of them in front. */
#include "sweep/report.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/outdir.h"
#include "sweep/report_parts.h"

static const struct {
    const char *id, *title;
    void (*put)(struct report *r);
} sections[] = {
    {"failures", "How it went", report_failures},
    {"plan", "What was run", report_plan},
    {"results", "Results", report_tables},
    {"compared", "Compared with another sweep", report_compare},
    {"groups", "Groups", report_groups},
    {"images", "Image by image", report_images},
    {"alpha", "Score against alpha", report_alpha},
    {"tradeoff", "Trade-offs", report_tradeoff},
    {"hsfm", "What each setting of HSFM does", report_sensitivity},
    {"curves", "Deletion and insertion", report_curves},
    {"inter-model", "Maps across models", report_inter},
    {"gallery", "What networks look at", report_gallery},
    {"training", "Training", report_training},
    {"metrics", "All metrics", report_metrics},
    {"provenance", "Where it comes from", report_provenance},
};

enum {
    SECTIONS = sizeof sections / sizeof sections[0]
};

void report_point(const struct report *r, struct mx_cell_trials cell, struct mx_point *point)
{
    mx_grid_point(r->plan->grid, r->plan->trials[cell.first].point, point);
}

void report_label(struct report *r, struct mx_cell_trials cell, struct mx_buf *out)
{
    struct mx_point point;
    bool            any = false;

    report_point(r, cell, &point);
    for (size_t k = 0; k < r->axes.count; k++) {
        if (!point.used[r->axes.keys[k]])
            continue;
        mx_buf_text(out, any ? ", " : "");
        mx_axis_text(&point, r->axes.keys[k], out);
        any = true;
    }
    if (!any)
        mx_buf_text(out, r->config->name);
}

char *report_label_new(struct report *r, struct mx_cell_trials cell)
{
    struct mx_buf text = {0};

    report_label(r, cell, &text);
    if (!mx_buf_ok(&text) || !text.data) {
        mx_buf_free(&text);
        r->out->failed = true;
        return NULL;
    }
    return text.data;
}

struct reduce_summary report_summary(struct report *r, struct mx_cell_trials cell,
                                     const char *metric)
{
    const size_t                  at = mx_metric_columns_place(&r->columns, metric);
    const struct mx_metric_column none = {.at = SIZE_MAX};

    return mx_metric_summary(r->results, at == SIZE_MAX ? &none : &r->columns.list[at], cell,
                             &r->scratch);
}

bool report_measured(const struct report *r, const char *metric)
{
    const size_t at = mx_metric_columns_place(&r->columns, metric);

    return at != SIZE_MAX && r->columns.list[at].at != SIZE_MAX;
}

void report_element(struct report *r, const char *element, const char *text)
{
    mx_buf_printf(r->out, "<%s>", element);
    mx_html_text(r->out, text);
    mx_buf_printf(r->out, "</%.*s>", (int)strcspn(element, " "), element);
}

void report_undo(struct report *r, size_t start)
{
    if (!mx_buf_ok(r->out) || r->out->len < start)
        return;
    r->out->len = start;
    if (r->out->data)
        r->out->data[start] = '\0';
}

void report_figure_begin(struct report *r)
{
    mx_buf_text(r->out, "<figure>");
}

void report_figure_end(struct report *r, const char *format, ...)
{
    struct mx_buf text = {0};
    va_list       args;

    va_start(args, format);
    mx_buf_vprintf(&text, format, args);
    va_end(args);
    report_element(r, "figcaption", mx_buf_str(&text));
    r->out->failed |= text.failed;
    mx_buf_free(&text);
    mx_buf_text(r->out, "</figure>\n");
}

static int by_place(const void *a, const void *b)
{
    const struct mx_cell_trials *x = a, *y = b;

    return (x->first > y->first) - (x->first < y->first);
}

/* Whether a cell of the same mixing and labels is among those shown. */
static bool is_like_shown(const struct report *r, const struct mx_point *point)
{
    for (size_t k = 0; k < r->nshown; k++) {
        struct mx_point other;

        report_point(r, r->shown[k], &other);
        if (other.value[KEY_MIX_STRATEGY].choice == point->value[KEY_MIX_STRATEGY].choice &&
            other.used[KEY_MIX_LABELS] == point->used[KEY_MIX_LABELS] &&
            (!point->used[KEY_MIX_LABELS] ||
             other.value[KEY_MIX_LABELS].choice == point->value[KEY_MIX_LABELS].choice))
            return true;
    }
    return false;
}

/* Of each strategy and label rule the best cell, as far as there is room. */
static void choose_shown(struct report *r)
{
    for (size_t k = 0; k < r->ranking.ncells && r->nshown < REPORT_CELLS; k++) {
        struct mx_point point;

        report_point(r, r->ranking.cells[k].cell, &point);
        if (!is_like_shown(r, &point))
            r->shown[r->nshown++] = r->ranking.cells[k].cell;
    }
    qsort(r->shown, r->nshown, sizeof r->shown[0], by_place);
}

static int begin(struct report *r, struct mx_err *err)
{
    if (mx_metric_columns_find(r->results, &r->columns, err))
        return -1;
    if (mx_ranking_make(r->results, &r->ranking) ||
        mx_axes_varying(r->results, &r->ranking, &r->axes))
        return mx_fail(err, MX_ENOMEM, "no memory for the report");
    r->mixed_rules = mx_results_mix_rules(r->results);
    choose_shown(r);
    return 0;
}

static void end(struct report *r)
{
    mx_metric_columns_free(&r->columns);
    mx_metric_scratch_free(&r->scratch);
    mx_ranking_free(&r->ranking);
    mx_axes_free(&r->axes);
}

static void put_head(const struct report *r, const struct mx_buf *contents, struct mx_buf *page)
{
    mx_buf_text(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                      "<meta name=\"generator\" content=\"mixsweep " MX_VERSION "\">\n<title>");
    mx_html_text(page, r->config->name);
    mx_buf_text(page, "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>");
    mx_buf_text(page, report_style);
    mx_buf_text(page, "</style>\n</head>\n<body>\n<header><h1>");
    mx_html_text(page, r->config->name);
    mx_buf_text(page, "</h1></header>\n<nav aria-label=\"Sections\"><ul>");
    mx_buf_add(page, contents->data, contents->len);
    mx_buf_text(page, "</ul></nav>\n<main>\n");
}

/* Sections, each by way of r->out, into `body`, and what the list says of them into `contents`. */
static void put_sections(struct report *r, struct mx_buf *body, struct mx_buf *contents)
{
    struct mx_buf *section = r->out;

    for (size_t k = 0; k < SECTIONS; k++) {
        mx_buf_clear(section);
        sections[k].put(r);
        body->failed |= section->failed;
        if (section->len == 0)
            continue;
        mx_buf_printf(contents, "<li><a href=\"#%s\">%s</a></li>", sections[k].id,
                      sections[k].title);
        mx_buf_printf(body, "<section id=\"%s\">\n<h2>%s</h2>\n", sections[k].id,
                      sections[k].title);
        mx_buf_add(body, section->data, section->len);
        mx_buf_text(body, "</section>\n");
    }
}

int mx_report_write(const struct mx_report_sweep *sweep, const struct mx_report_sweep *other,
                    struct mx_err *err)
{
    struct mx_buf section = {0}, body = {0}, contents = {0}, page = {0};
    struct report r = {.sweep = sweep,
                       .other = other,
                       .config = sweep->config,
                       .plan = sweep->plan,
                       .results = sweep->results,
                       .out = &section};
    int           rc = begin(&r, err);

    if (rc == 0) {
        put_sections(&r, &body, &contents);
        put_head(&r, &contents, &page);
        mx_buf_add(&page, body.data, body.len);
        mx_buf_text(&page, "</main>\n</body>\n</html>\n");
        page.failed |= body.failed || contents.failed || r.scratch.failed;
        rc = mx_outdir_write(sweep->directory, "report.html", &page, err);
    }
    end(&r);
    mx_buf_free(&section);
    mx_buf_free(&body);
    mx_buf_free(&contents);
    mx_buf_free(&page);
    return rc;
}
