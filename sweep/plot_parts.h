/* plot_parts.h - between plot.c, which lays a plot out, and plot_marks.c, which draws what is
 * in it. Nobody else's. */
#ifndef MX_SWEEP_PLOT_PARTS_H
#define MX_SWEEP_PLOT_PARTS_H

#include "sweep/plot.h"

enum {
    PLOT_WIDTH = 400,
    PLOT_HEIGHT = 270,
    PLOT_LEFT = 60, /* eight figures and a minus */
    PLOT_RIGHT = 388,
    PLOT_TOP = 26,
    PLOT_BOTTOM = 226,
    PLOT_COLOURS = 8,
    PLOT_MARKERS = 7,
    PLOT_TICKS = 24
};

/* Where numbers lie. */
struct plot_view {
    const struct mx_plot *plot;
    double                x_low, x_high, y_low, y_high; /* x: logarithms of MX_PLOT_LOG */
    struct mx_buf        *out;
};

const char *plot_colour(unsigned style);
const char *plot_dashes(unsigned style); /* for stroke-dasharray, "" = none */

double plot_x(const struct plot_view *view, double x);
double plot_y(const struct plot_view *view, double y);

/* A marker of a style around a place, `size` from its middle to its edge. */
void plot_marker(struct mx_buf *out, unsigned style, double x, double y, double size,
                 const char *colour);

/* A series; `shift` pixels to the right, so that intervals do not hide each other. */
void plot_series(const struct plot_view *view, const struct mx_plot_series *series, double shift);

/* Labels beside points, where they hide least. */
void plot_labels(const struct plot_view *view);

#endif
