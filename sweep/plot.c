/* plot.c - where things go in a plot: scales, ticks, axes, legend. */
#include "sweep/plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/html.h"
#include "sweep/plot_parts.h"

double plot_x(const struct plot_view *view, double x)
{
    const double u = view->plot->x_axis == MX_PLOT_LOG ? log(x) : x;

    return PLOT_LEFT + (u - view->x_low) / (view->x_high - view->x_low) * (PLOT_RIGHT - PLOT_LEFT);
}

double plot_y(const struct plot_view *view, double y)
{
    return PLOT_BOTTOM -
           (y - view->y_low) / (view->y_high - view->y_low) * (PLOT_BOTTOM - PLOT_TOP);
}

static void widen(double x, double *low, double *high)
{
    if (!isfinite(x))
        return;
    *low = isnan(*low) || x < *low ? x : *low;
    *high = isnan(*high) || x > *high ? x : *high;
}

void mx_plot_range(const struct mx_plot_series *series, size_t nseries, double *low, double *high)
{
    for (size_t s = 0; s < nseries; s++)
        for (size_t k = 0; k < series[s].npoints; k++) {
            widen(series[s].points[k].y, low, high);
            widen(series[s].points[k].low, low, high);
            widen(series[s].points[k].high, low, high);
        }
}

/* Room around a range; a single value gets some on both sides. */
static void pad(double *low, double *high, double share)
{
    double room;

    if (isnan(*low)) {
        *low = 0;
        *high = 1;
    }
    room = share * (*high - *low);
    if (!(room > 0))
        room = *high != 0 ? 0.05 * fabs(*high) : 0.5;
    *low -= room;
    *high += room;
}

static void find_x(struct plot_view *view)
{
    const struct mx_plot *plot = view->plot;

    view->x_low = view->x_high = NAN;
    for (size_t s = 0; s < plot->nseries; s++)
        for (size_t k = 0; k < plot->series[s].npoints && plot->series[s].form != MX_PLOT_LEVEL;
             k++) {
            const double x = plot->series[s].points[k].x;

            widen(plot->x_axis == MX_PLOT_LOG ? log(x) : x, &view->x_low, &view->x_high);
        }
    if (plot->x_axis == MX_PLOT_WORDS) {
        view->x_low = -0.5;
        view->x_high = (double)plot->nwords - 0.5;
        return;
    }
    pad(&view->x_low, &view->x_high, plot->series[0].form == MX_PLOT_CURVE ? 0 : 0.15);
}

/* 1, 2 or 5 times a power of ten: at most `most` of them fit between. */
static double tick_step(double low, double high, int most)
{
    const double rough = (high - low) / most, power = pow(10, floor(log10(rough)));
    const double factor = rough / power;

    return power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
}

static void tick_text(double x, double step, char out[MX_SHOWN_SIZE])
{
    const int digits = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);

    if (fabs(x) >= 1e6 || digits > 5)
        snprintf(out, MX_SHOWN_SIZE, "%.3g", x);
    else
        snprintf(out, MX_SHOWN_SIZE, "%.*f", digits, fabs(x) < step / 2 ? 0 : x);
}

static void put_y_axis(const struct plot_view *view)
{
    const double step = tick_step(view->y_low, view->y_high, 6);
    char         text[MX_SHOWN_SIZE];

    for (double t = ceil(view->y_low / step); t * step <= view->y_high; t++) {
        const double y = plot_y(view, t * step);

        tick_text(t * step, step, text);
        mx_buf_printf(view->out,
                      "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" "
                      "text-anchor=\"end\">%s</text>",
                      PLOT_LEFT, y, PLOT_RIGHT, PLOT_LEFT - 5, y + 4, text);
    }
    mx_buf_printf(view->out, "<text x=\"2\" y=\"12\">");
    mx_html_text(view->out, view->plot->y_label);
    mx_buf_text(view->out, "</text>");
}

static void put_x_tick(const struct plot_view *view, double x, const char *text)
{
    mx_buf_printf(view->out,
                  "<path d=\"M%.1f %dv4\" stroke=\"#555\"/><text x=\"%.1f\" y=\"%d\" "
                  "text-anchor=\"middle\">",
                  x, PLOT_BOTTOM, x, PLOT_BOTTOM + 17);
    mx_html_text(view->out, text);
    mx_buf_text(view->out, "</text>");
}

static int by_number(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The values that points have, where those are few. Returns how many, 0 = too many. */
static size_t values_of(const struct mx_plot *plot, double values[PLOT_TICKS])
{
    size_t n = 0;

    for (size_t s = 0; s < plot->nseries; s++)
        for (size_t k = 0; k < plot->series[s].npoints && plot->series[s].form != MX_PLOT_LEVEL;
             k++) {
            const double x = plot->series[s].points[k].x;
            size_t       at = 0;

            while (at < n && values[at] != x)
                at++;
            if (at < n || (plot->x_axis == MX_PLOT_LOG && !(x > 0)))
                continue;
            if (n == PLOT_TICKS)
                return 0;
            values[n++] = x;
        }
    qsort(values, n, sizeof values[0], by_number);
    return n;
}

/* Ticks at the values themselves, as far as there is room for their texts. */
static void put_value_ticks(const struct plot_view *view, const double *values, size_t n)
{
    double free_from = -1;
    char   text[MX_SHOWN_SIZE];

    for (size_t k = 0; k < n; k++) {
        const double x = plot_x(view, values[k]);
        int          half;

        half = 4 * snprintf(text, sizeof text, "%.6g", values[k]);
        if (x - half < free_from)
            continue;
        put_x_tick(view, x, text);
        free_from = x + half + 2;
    }
}

static void put_linear_ticks(const struct plot_view *view)
{
    const double step = tick_step(view->x_low, view->x_high, 7);
    char         text[MX_SHOWN_SIZE];

    for (double t = ceil(view->x_low / step - 1e-9); t * step <= view->x_high * (1 + 1e-9); t++) {
        tick_text(t * step, step, text);
        put_x_tick(view, plot_x(view, t * step), text);
    }
}

static void put_x_axis(const struct plot_view *view)
{
    const struct mx_plot *plot = view->plot;
    double                values[PLOT_TICKS];
    const size_t          n = plot->x_axis == MX_PLOT_WORDS ? 0 : values_of(plot, values);

    if (plot->x_axis == MX_PLOT_WORDS)
        for (size_t k = 0; k < plot->nwords; k++)
            put_x_tick(view, plot_x(view, (double)k), plot->words[k]);
    else if (plot->x_axis == MX_PLOT_LOG ||
             (n > 0 && n <= 6 && plot->series[0].form != MX_PLOT_DOTS))
        put_value_ticks(view, values, n);
    else
        put_linear_ticks(view);
    mx_buf_printf(view->out,
                  "<path d=\"M%d %dH%d\" stroke=\"#555\"/><text x=\"%d\" y=\"%d\" "
                  "text-anchor=\"middle\">",
                  PLOT_LEFT, PLOT_BOTTOM, PLOT_RIGHT, (PLOT_LEFT + PLOT_RIGHT) / 2,
                  PLOT_BOTTOM + 35);
    mx_html_text(view->out, plot->x_label);
    mx_buf_text(view->out, "</text>");
}

static void begin_svg(struct mx_buf *out, const char *alt, double width, double height)
{
    mx_buf_text(out, "<svg role=\"img\" aria-label=\"");
    mx_html_text(out, alt);
    mx_buf_printf(out, "\" viewBox=\"0 0 %.0f %.0f\">", width, height);
}

void mx_plot_svg(const struct mx_plot *plot, struct mx_buf *out)
{
    struct plot_view view = {.plot = plot, .out = out};
    size_t           marked = 0, turn = 0, level = 0;

    if (plot->nseries == 0)
        return;
    find_x(&view);
    view.y_low = plot->y_low;
    view.y_high = plot->y_high;
    if (isnan(view.y_low) || isnan(view.y_high)) {
        view.y_low = view.y_high = NAN;
        mx_plot_range(plot->series, plot->nseries, &view.y_low, &view.y_high);
    }
    pad(&view.y_low, &view.y_high, 0.05);
    begin_svg(out, plot->alt, PLOT_WIDTH, PLOT_HEIGHT);
    put_y_axis(&view);
    put_x_axis(&view);
    for (size_t s = 0; s < plot->nseries; s++)
        marked += plot->series[s].form == MX_PLOT_MARKS;
    for (size_t s = 0; s < plot->nseries; s++) {
        const double middle = (double)marked / 2 - 0.5;
        double       shift = 0;

        if (plot->series[s].form == MX_PLOT_MARKS)
            shift = 4 * ((double)turn++ - middle);
        else if (plot->series[s].form == MX_PLOT_LEVEL)
            shift = -10 * (double)level++;
        plot_series(&view, &plot->series[s], shift);
    }
    plot_labels(&view);
    mx_buf_text(out, "</svg>");
}

static bool is_before(const struct mx_plot_series *series, size_t s)
{
    for (size_t k = 0; k < s; k++)
        if (series[k].name && series[k].style == series[s].style &&
            strcmp(series[k].name, series[s].name) == 0)
            return true;
    return false;
}

void mx_plot_legend(const struct mx_plot_series *series, size_t nseries, struct mx_buf *out)
{
    mx_buf_text(out, "<ul class=\"legend\">");
    for (size_t s = 0; s < nseries; s++) {
        const unsigned style = series[s].style;

        if (!series[s].name || is_before(series, s))
            continue;
        mx_buf_printf(out,
                      "<li><svg aria-hidden=\"true\" viewBox=\"0 0 34 14\"><path d=\"M1 7H33\" "
                      "stroke=\"%s\" stroke-width=\"1.8\" stroke-dasharray=\"%s\"/>",
                      plot_colour(style), *plot_dashes(style) ? plot_dashes(style) : "none");
        if (series[s].form != MX_PLOT_CURVE)
            plot_marker(out, style, 17, 7, 4, plot_colour(style));
        mx_buf_text(out, "</svg> ");
        mx_html_text(out, series[s].name);
        mx_buf_text(out, "</li>");
    }
    mx_buf_text(out, "</ul>");
}
