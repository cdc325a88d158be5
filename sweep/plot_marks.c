/* plot_marks.c - lines, bands, markers and labels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/html.h"
#include "sweep/plot_parts.h"

static const char *const colours[PLOT_COLOURS] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                  "#56b4e9", "#e69f00", "#000000", "#7a7a7a"};
static const char *const dashes[] = {"", "6 3", "2 3", "8 3 2 3"};

const char *plot_colour(unsigned style)
{
    return colours[style % PLOT_COLOURS];
}

const char *plot_dashes(unsigned style)
{
    return dashes[(style + style / PLOT_COLOURS) % (sizeof dashes / sizeof dashes[0])];
}

void plot_marker(struct mx_buf *out, unsigned style, double x, double y, double size,
                 const char *colour)
{
    const double s = size, d = 1.25 * size;

    switch (style % PLOT_MARKERS) {
    case 0:
        mx_buf_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"", x, y, s);
        break;
    case 1:
        mx_buf_printf(out, "<path d=\"M%.1f %.1fh%.1fv%.1fh%.1fz\"", x - s, y - s, 2 * s, 2 * s,
                      -2 * s);
        break;
    case 2:
        mx_buf_printf(out, "<path d=\"M%.1f %.1fl%.1f %.1fh%.1fz\"", x, y - d, d, 2 * d, -2 * d);
        break;
    case 3:
        mx_buf_printf(out, "<path d=\"M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz\"", x, y - d, d, d,
                      -d, d, -d, -d);
        break;
    case 4:
        mx_buf_printf(out, "<path d=\"M%.1f %.1fl%.1f %.1fh%.1fz\"", x, y + d, d, -2 * d, -2 * d);
        break;
    case 5:
        mx_buf_printf(out, "<path stroke-width=\"2\" d=\"M%.1f %.1fh%.1fM%.1f %.1fv%.1f\"", x - d,
                      y, 2 * d, x, y - d, 2 * d);
        break;
    default:
        mx_buf_printf(out,
                      "<path stroke-width=\"2\" d=\"M%.1f %.1fl%.1f %.1fM%.1f %.1fl%.1f %.1f\"",
                      x - s, y - s, 2 * s, 2 * s, x - s, y + s, 2 * s, -2 * s);
    }
    mx_buf_printf(out, " fill=\"%s\" stroke=\"%s\"/>", colour, colour);
}

static bool is_drawn(const struct mx_plot_point *point, const struct plot_view *view)
{
    return isfinite(point->y) && isfinite(plot_x(view, point->x));
}

/* A line through all points; one that is not there breaks it. */
static void put_line(const struct plot_view *view, const struct mx_plot_series *series,
                     double shift)
{
    bool pen = false;

    mx_buf_printf(view->out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\"",
                  plot_colour(series->style));
    if (*plot_dashes(series->style))
        mx_buf_printf(view->out, " stroke-dasharray=\"%s\"", plot_dashes(series->style));
    mx_buf_text(view->out, " d=\"");
    for (size_t k = 0; k < series->npoints; k++) {
        const struct mx_plot_point *p = &series->points[k];

        if (is_drawn(p, view))
            mx_buf_printf(view->out, "%s%.1f %.1f", pen ? " " : "M", plot_x(view, p->x) + shift,
                          plot_y(view, p->y));
        pen = is_drawn(p, view);
    }
    mx_buf_text(view->out, "\"/>");
}

/* From the upper ends of the intervals to the right and back along the lower ones. */
static void put_band(const struct plot_view *view, const struct mx_plot_series *series)
{
    size_t any = 0;

    for (size_t k = 0; k < series->npoints; k++)
        any += isfinite(series->points[k].low) && isfinite(series->points[k].high);
    if (any < 2)
        return;
    mx_buf_text(view->out, "<path d=\"M");
    for (size_t k = 0; k < 2 * series->npoints; k++) {
        const bool                  back = k >= series->npoints;
        const struct mx_plot_point *p = &series->points[back ? 2 * series->npoints - 1 - k : k];

        if (isfinite(p->low) && isfinite(p->high))
            mx_buf_printf(view->out, " %.1f %.1f", plot_x(view, p->x),
                          plot_y(view, back ? p->low : p->high));
    }
    mx_buf_printf(view->out, "z\" fill=\"%s\" fill-opacity=\".11\"/>", plot_colour(series->style));
}

static void put_interval(const struct plot_view *view, const struct mx_plot_point *p,
                         const char *colour, double shift)
{
    const double x = plot_x(view, p->x) + shift;

    if (!isfinite(p->low) || !isfinite(p->high))
        return;
    mx_buf_printf(view->out,
                  "<path d=\"M%.1f %.1fv%.1fm-2.5 0h5M%.1f %.1fh5\" stroke=\"%s\" fill=\"none\"/>",
                  x, plot_y(view, p->low), plot_y(view, p->high) - plot_y(view, p->low), x - 2.5,
                  plot_y(view, p->low), colour);
}

/* "cutmix: 0.8123 (0.80 to 0.82)" for who points at a mark. */
static void put_words(struct mx_buf *out, const struct mx_plot_series *series,
                      const struct mx_plot_point *p)
{
    char a[MX_SHOWN_SIZE], b[MX_SHOWN_SIZE];

    mx_buf_text(out, "<title>");
    if (series->name) {
        mx_html_text(out, series->name);
        mx_buf_text(out, ": ");
    }
    mx_buf_text(out, mx_html_shown(p->y, a));
    if (isfinite(p->low) && isfinite(p->high))
        mx_buf_printf(out, " (%s to %s)", mx_html_shown(p->low, a), mx_html_shown(p->high, b));
    mx_buf_text(out, "</title>");
}

static void put_markers(const struct plot_view *view, const struct mx_plot_series *series,
                        double shift)
{
    for (size_t k = 0; k < series->npoints; k++) {
        const struct mx_plot_point *p = &series->points[k];
        char                        shade[MX_COLOUR_SIZE];
        const char                 *colour =
            isnan(p->shade) ? plot_colour(series->style) : mx_plot_shade(p->shade, shade);

        if (!is_drawn(p, view))
            continue;
        mx_buf_text(view->out, "<g>");
        put_words(view->out, series, p);
        put_interval(view, p, isnan(p->shade) ? colour : "#8a8a8a", shift);
        plot_marker(view->out, series->style, plot_x(view, p->x) + shift, plot_y(view, p->y), 4,
                    colour);
        mx_buf_text(view->out, "</g>");
    }
}

static void put_faint(const struct plot_view *view, const struct mx_plot_series *series)
{
    mx_buf_text(view->out, "<path stroke=\"#7a7a7a\" stroke-width=\"4\" stroke-linecap=\"round\" "
                           "stroke-opacity=\".3\" d=\"");
    for (size_t k = 0; k < series->npoints; k++)
        if (is_drawn(&series->points[k], view))
            mx_buf_printf(view->out, "M%.1f %.1fh0", plot_x(view, series->points[k].x),
                          plot_y(view, series->points[k].y));
    mx_buf_text(view->out, "\"/>");
}

static void put_level(const struct plot_view *view, const struct mx_plot_series *series,
                      double shift)
{
    const struct mx_plot_point *p = &series->points[0];
    const double                y = plot_y(view, p->y), x = PLOT_RIGHT - 6 + shift;

    if (!isfinite(p->y))
        return;
    mx_buf_text(view->out, "<g>");
    put_words(view->out, series, p);
    mx_buf_printf(view->out,
                  "<path d=\"M%d %.1fH%d\" stroke=\"%s\" stroke-width=\"1.6\" "
                  "stroke-dasharray=\"%s\"/>",
                  PLOT_LEFT, y, PLOT_RIGHT, plot_colour(series->style),
                  *plot_dashes(series->style) ? plot_dashes(series->style) : "10 2");
    if (isfinite(p->low) && isfinite(p->high))
        mx_buf_printf(view->out, "<path d=\"M%.1f %.1fV%.1f\" stroke=\"%s\"/>", x,
                      plot_y(view, p->low), plot_y(view, p->high), plot_colour(series->style));
    plot_marker(view->out, series->style, x, y, 4, plot_colour(series->style));
    mx_buf_text(view->out, "</g>");
}

void plot_series(const struct plot_view *view, const struct mx_plot_series *series, double shift)
{
    if (series->npoints == 0)
        return;
    switch (series->form) {
    case MX_PLOT_FAINT:
        put_faint(view, series);
        return;
    case MX_PLOT_LEVEL:
        put_level(view, series, shift);
        return;
    case MX_PLOT_CURVE:
        put_band(view, series);
        put_line(view, series, 0);
        return;
    case MX_PLOT_MARKS:
        put_line(view, series, shift);
        break;
    case MX_PLOT_DOTS:
        break;
    }
    put_markers(view, series, shift);
}

/* A box of a label that is drawn. */
struct box {
    double x, y, width;
};

static double overlap(const struct box *a, const struct box *b)
{
    const double wide = fmin(a->x + a->width, b->x + b->width) - fmax(a->x, b->x);
    const double high = 11 - fabs(a->y - b->y);

    return wide > 0 && high > 0 ? wide * high : 0;
}

/* The place around (x, y) where a label hides least of those before it. */
static struct box best_place(const struct box *boxes, size_t n, double x, double y, double width)
{
    const struct box places[] = {{x + 7, y + 4, width},         {x - 7 - width, y + 4, width},
                                 {x - width / 2, y - 8, width}, {x - width / 2, y + 16, width},
                                 {x + 6, y - 6, width},         {x - 6 - width, y - 6, width}};
    struct box       best = places[0];
    double           least = INFINITY;

    for (size_t p = 0; p < sizeof places / sizeof places[0]; p++) {
        double hidden = places[p].x < PLOT_LEFT || places[p].x + width > PLOT_WIDTH ? 1000 : 0;

        for (size_t k = 0; k < n; k++)
            hidden += overlap(&places[p], &boxes[k]);
        if (hidden < least) {
            least = hidden;
            best = places[p];
        }
    }
    return best;
}

void plot_labels(const struct plot_view *view)
{
    const struct mx_plot *plot = view->plot;
    size_t                n = 0, room = 0;
    struct box           *boxes;

    for (size_t s = 0; s < plot->nseries; s++)
        room += plot->series[s].npoints;
    if (!(boxes = calloc(room + 1, sizeof *boxes))) {
        view->out->failed = true;
        return;
    }
    for (size_t s = 0; s < plot->nseries; s++)
        for (size_t k = 0; k < plot->series[s].npoints; k++) {
            const struct mx_plot_point *p = &plot->series[s].points[k];

            if (!p->label || !is_drawn(p, view))
                continue;
            boxes[n] = best_place(boxes, n, plot_x(view, p->x), plot_y(view, p->y),
                                  6.5 * (double)strlen(p->label));
            mx_buf_printf(view->out, "<text x=\"%.1f\" y=\"%.1f\">", boxes[n].x, boxes[n].y);
            mx_html_text(view->out, p->label);
            mx_buf_text(view->out, "</text>");
            n++;
        }
    free(boxes);
}
