/* report_curves.c - deletion and insertion curves, and how trainings went: a line in a band for
 * each of the cells that figures show. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/csv_read.h"
#include "base/num.h"
#include "sweep/report_files.h"
#include "worker/choices.h"

enum {
    EPOCHS = 2000 /* rows of history.csv that are drawn */
};

/* One figure. */
struct figure {
    struct report        *r;
    struct report_band    bands[REPORT_CELLS + 1];
    struct mx_plot_series series[REPORT_CELLS + 1];
    char                 *names[REPORT_CELLS + 1];
    size_t                n;
};

static void add_line(struct figure *figure, struct report_band *band, char *name, unsigned style,
                     struct mx_bounds bounds)
{
    report_band_close(band, bounds);
    figure->bands[figure->n] = *band;
    figure->names[figure->n] = name;
    figure->series[figure->n] =
        (struct mx_plot_series){.name = name,
                                .points = band->points,
                                .npoints = band->npoints,
                                .form = band->npoints == 1 ? MX_PLOT_MARKS : MX_PLOT_CURVE,
                                .style = style};
    figure->n++;
}

static void put_figure(struct figure *figure, const char *x_label, const char *y_label,
                       const char *caption)
{
    struct report *r = figure->r;
    char           alt[400];
    struct mx_plot plot = {.x_label = x_label,
                           .y_label = y_label,
                           .alt = alt,
                           .y_low = NAN,
                           .y_high = NAN,
                           .series = figure->series,
                           .nseries = figure->n};

    snprintf(alt, sizeof alt, "%s: %s against %s, %zu lines, with 95 %% bands over repeats",
             caption, y_label, x_label, figure->n);
    if (figure->n > 0) {
        report_figure_begin(r);
        mx_plot_svg(&plot, r->out);
        mx_plot_legend(figure->series, figure->n, r->out);
        report_figure_end(r, "%s", caption);
    }
    for (size_t k = 0; k < figure->n; k++) {
        report_band_free(&figure->bands[k]);
        free(figure->names[k]);
    }
    figure->n = 0;
}

/* The mean over images of a file (images, points), into mean[0 .. points). */
static void mean_curve(const double *curves, uint64_t images, size_t points, double *mean)
{
    for (size_t p = 0; p < points; p++) {
        double sum = 0;

        for (uint64_t i = 0; i < images; i++)
            sum += curves[i * points + p];
        mean[p] = images > 0 ? sum / (double)images : NAN;
    }
}

/* The repeats of a cell that have the file. Returns whether there are any. */
static bool read_cell(struct report *r, struct mx_cell_trials cell, const char *file,
                      struct report_band *band)
{
    bool begun = false;

    for (uint32_t k = 0; k < cell.count && k < REPORT_REPEATS; k++) {
        const uint32_t          stage = report_stage(r, cell.first + k, WORKER_STAGE_SCORES);
        struct worker_npy_shape shape, shape_x;
        double                 *curves = report_npy(r, stage, file, &shape);
        double                 *x = curves ? report_npy(r, stage, "fraction.npy", &shape_x) : NULL;

        if (x && shape.ndims == 2 && shape_x.rows == shape.row && shape.row <= REPORT_POINTS &&
            (begun || report_band_begin(band, x, (size_t)shape.row) == 0)) {
            begun = true;
            if (band->npoints == shape.row)
                mean_curve(curves, shape.rows, band->npoints, report_band_next(band));
        }
        free(x);
        free(curves);
    }
    return begun;
}

/* A panel of one curve, fill and map; the control of the first cell stands in grey. */
static bool put_panel(struct report *r, const char *kind, const char *map, const char *fill)
{
    struct figure      figure = {.r = r};
    struct report_band band;
    char               file[160], caption[160];

    snprintf(file, sizeof file, "%s.%s.%s.npy", kind, map, fill);
    for (size_t k = 0; k < r->nshown; k++)
        if (read_cell(r, r->shown[k], file, &band))
            add_line(&figure, &band, report_label_new(r, r->shown[k]), (unsigned)k,
                     (struct mx_bounds){0, 1});
    if (figure.n == 0)
        return false;
    snprintf(file, sizeof file, "%s.random.%s.npy", kind, fill);
    if (figure.n < REPORT_CELLS && read_cell(r, r->shown[0], file, &band))
        add_line(&figure, &band, strdup("random map (control)"), 7, (struct mx_bounds){0, 1});
    snprintf(caption, sizeof caption, "%s, %s, fill %s", kind, map, fill);
    put_figure(&figure,
               strcmp(kind, "insertion") == 0 ? "share of pixels inserted"
                                              : "share of pixels removed",
               "probability of the class", caption);
    return true;
}

/* Whether any cell that is shown has such a curve. */
static bool is_there(struct report *r, const char *kind, const char *map, const char *fill)
{
    struct report_band band;
    bool               any = false;
    char               file[160];

    snprintf(file, sizeof file, "%s.%s.%s.npy", kind, map, fill);
    for (size_t k = 0; k < r->nshown && !any; k++)
        if (read_cell(r, r->shown[k], file, &band)) {
            any = true;
            report_band_free(&band);
        }
    return any;
}

/* "blur" for insertion whatever the fills say, and road where they do. */
static bool has_fill(const struct report *r, const char *kind, unsigned fill)
{
    const struct mx_value *fills = &r->config->base[KEY_SCORE_FILLS];
    bool                   asked = false;

    for (size_t k = 0; k < fills->list.count; k++)
        asked |= fills->list.items[k].choice == fill;
    if (strcmp(kind, "insertion") == 0)
        return fill == WORKER_FILL_BLUR || (fill == WORKER_FILL_ROAD && asked);
    return asked;
}

/* Whether an attribution knows nothing of the network. */
static bool knows_nothing(unsigned map)
{
    return map == WORKER_MAP_RANDOM || map == WORKER_MAP_CENTRE;
}

static bool only_controls(const struct mx_value *maps)
{
    for (size_t m = 0; m < maps->list.count; m++)
        if (!knows_nothing(maps->list.items[m].choice))
            return false;
    return true;
}

/* All curves of a kind of map, as long as *left > 0. Returns how many there was no room for. */
static size_t put_panels(struct report *r, unsigned map, size_t *left)
{
    static const char *const kinds[] = {"deletion", "insertion", "deletion_least_first"};
    size_t                   skipped = 0;

    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++)
        for (unsigned fill = 0; fill < WORKER_FILLS; fill++)
            if (!has_fill(r, kinds[kind], fill))
                continue;
            else if (*left == 0)
                skipped += is_there(r, kinds[kind], worker_attributions[map].word,
                                    worker_fills[fill].word);
            else
                *left -= put_panel(r, kinds[kind], worker_attributions[map].word,
                                   worker_fills[fill].word);
    return skipped;
}

/* Map by map, so that deletion and insertion of the first ones are there before room is short. */
void report_curves(struct report *r)
{
    const struct mx_value *maps = &r->config->base[KEY_SCORE_ATTRIBUTIONS];
    const size_t           start = r->out->len;
    const bool             controls = only_controls(maps);
    size_t                 left = REPORT_FIGURES, skipped = 0;

    mx_buf_text(r->out, "<div class=\"figures\">");
    for (size_t m = 0; m < maps->list.count; m++)
        if (controls || !knows_nothing(maps->list.items[m].choice))
            skipped += put_panels(r, maps->list.items[m].choice, &left);
    if (left == REPORT_FIGURES) {
        report_undo(r, start);
        return;
    }
    mx_buf_text(r->out,
                "</div>\n<p class=\"note\">Mean over images, then mean and 95 % band over "
                "repeats. Low is good for deletion, high for insertion; a network that is less "
                "sure of whole images begins lower for that alone (deletion_normalised takes "
                "that out). Of each strategy and label rule the best cell.");
    if (skipped > 0)
        mx_buf_printf(r->out,
                      " There is room for %d figures: %zu more, of the maps that "
                      "<code>score.attributions</code> names last, are left out.",
                      REPORT_FIGURES, skipped);
    mx_buf_text(r->out, "</p>\n");
    report_curve_rule(r);
}

/* Columns of history.csv that have a panel. */
static const struct {
    const char *column, *label;
    double      high; /* what it cannot exceed */
} histories[] = {{"train_loss", "training loss (mixed batches)", INFINITY},
                 {"val_loss", "validation loss", INFINITY},
                 {"val_accuracy", "validation accuracy", 1}};

/* A column of a trial's history, into values[0 .. EPOCHS); returns how many epochs. */
static size_t read_history(struct report *r, uint32_t trial, const char *column, double *values)
{
    struct mx_table *table =
        report_table_open(r, report_stage(r, trial, WORKER_STAGE_TRAIN), "history.csv");
    size_t at = SIZE_MAX, n = 0;

    if (table && mx_table_next(table, NULL) == 1)
        at = mx_table_find(table, column);
    while (at != SIZE_MAX && n < EPOCHS && mx_table_next(table, NULL) == 1 &&
           at < mx_table_fields(table)) {
        values[n] = NAN;
        mx_num_parse_real(mx_table_field(table, at), &values[n++]);
    }
    mx_table_close(table);
    return n;
}

static bool read_histories(struct report *r, struct mx_cell_trials cell, const char *column,
                           struct report_band *band)
{
    double *values = malloc(2 * EPOCHS * sizeof *values), *epochs = values + EPOCHS;
    bool    begun = false;

    for (uint32_t k = 0; values && k < cell.count && k < REPORT_REPEATS; k++) {
        const size_t n = read_history(r, cell.first + k, column, values);

        for (size_t e = 0; e < n; e++)
            epochs[e] = (double)e;
        if (n == 0 || (!begun && report_band_begin(band, epochs, n)))
            continue;
        begun = true;
        if (n == band->npoints)
            memcpy(report_band_next(band), values, n * sizeof *values);
    }
    r->out->failed |= !values;
    free(values);
    return begun;
}

void report_training(struct report *r)
{
    const size_t start = r->out->len;
    size_t       figures = 0;

    mx_buf_text(r->out, "<div class=\"figures\">");
    for (size_t h = 0; h < sizeof histories / sizeof histories[0]; h++) {
        struct figure      figure = {.r = r};
        struct report_band band;

        for (size_t k = 0; k < r->nshown; k++)
            if (read_histories(r, r->shown[k], histories[h].column, &band))
                add_line(&figure, &band, report_label_new(r, r->shown[k]), (unsigned)k,
                         (struct mx_bounds){0, histories[h].high});
        figures += figure.n;
        put_figure(&figure, "epoch, from 0", histories[h].label, histories[h].column);
    }
    if (figures == 0) {
        report_undo(r, start);
        return;
    }
    mx_buf_text(
        r->out,
        "</div>\n<p class=\"note\">Mean and 95 % band over repeats, bands cut where the quantity "
        "ends. The training loss is "
        "of the batches as they were mixed, and no measure of how well a network fits "
        "whole images.</p>\n");
}
