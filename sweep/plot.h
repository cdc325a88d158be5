/* plot.h - plots as SVG that stands in an HTML page.
 *
 * Eight colours that people with any colour vision tell apart (Okabe and Ito 2008, its yellow
 * left out), and never a colour alone: series differ by marker and by dashes too. The text
 * is as large as a telephone shows it whole. Each picture has a text for those who do not
 * see it, and each mark one that appears when it is pointed at.
 */
#ifndef MX_SWEEP_PLOT_H
#define MX_SWEEP_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* A value with its interval; low and high are NaN where there is none. */
struct mx_plot_point {
    double      x, y, low, high;
    const char *label; /* written beside it; NULL = none */
    double      shade; /* 0 .. 1: how dark it is; NaN = the colour of its series */
};

enum mx_plot_form {
    MX_PLOT_MARKS, /* markers with their intervals, joined by lines */
    MX_PLOT_CURVE, /* a line in a band, no markers */
    MX_PLOT_DOTS,  /* markers alone */
    MX_PLOT_FAINT, /* small pale dots, behind others */
    MX_PLOT_LEVEL, /* points[0].y all the way across */
};

struct mx_plot_series {
    const char                 *name; /* as the legend has it; NULL: not there */
    const struct mx_plot_point *points;
    size_t                      npoints;
    enum mx_plot_form           form;
    unsigned                    style; /* 0, 1, ...: colour, marker and dashes */
};

enum mx_plot_axis {
    MX_PLOT_LINEAR,
    MX_PLOT_LOG,
    MX_PLOT_WORDS /* x is the number of a word */
};

struct mx_plot {
    const char                  *x_label, *y_label;
    const char                  *alt; /* what it shows, in a sentence */
    enum mx_plot_axis            x_axis;
    const char *const           *words; /* (nwords) of MX_PLOT_WORDS */
    size_t                       nwords;
    double                       y_low, y_high; /* of the axis; NaN: from the points */
    const struct mx_plot_series *series;
    size_t                       nseries;
};

/* Append the picture. Points that are not finite are left out. */
void mx_plot_svg(const struct mx_plot *plot, struct mx_buf *out);

/* Append a list of what the series are, each name once per style. */
void mx_plot_legend(const struct mx_plot_series *series, size_t nseries, struct mx_buf *out);

/* The lowest and highest of points and intervals, over the plots that share an axis:
 * begin with NaN. */
void mx_plot_range(const struct mx_plot_series *series, size_t nseries, double *low, double *high);

/* A table of numbers as squares of a colour, the darker the larger; NaN is left empty. */
struct mx_heat {
    size_t             rows, columns;
    const double      *values; /* (rows, columns) */
    const char *const *row_names;
    const char *const *column_names;
    const char *const *column_ticks; /* short names, above the squares */
    const char        *row_label, *column_label;
    const char        *alt;
    double             low, high; /* of the colours; NaN: from the values */
    bool               signs;     /* white is 0, and the two signs have a colour each */
};
void mx_heat_svg(const struct mx_heat *heat, struct mx_buf *out);

/* The colour of a share 0 .. 1 as "#rrggbb"; returns out. */
enum {
    MX_COLOUR_SIZE = 8
};
const char *mx_plot_shade(double share, char out[MX_COLOUR_SIZE]);

#endif
