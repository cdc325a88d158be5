/* report_parts.h - between the report_*.c files: each puts sections of the page. Nobody
 * else's.
 *
 * A section that has nothing to say puts nothing, and is not in the page. What a section
 * cannot find or read it leaves out; only memory that runs out is an error, which the buffer
 * remembers.
 */
#ifndef MX_SWEEP_REPORT_PARTS_H
#define MX_SWEEP_REPORT_PARTS_H

#include "sweep/html.h"
#include "sweep/metric_bounds.h"
#include "sweep/plot.h"
#include "sweep/report.h"
#include "sweep/results_rank.h"
#include "sweep/results_table.h"

enum {
    REPORT_CELLS = 8,    /* that figures with a line or a row for a cell show */
    REPORT_ROWS = 200,   /* of a table */
    REPORT_FIGURES = 12, /* of one section */
};

/* What the sections are made from. */
struct report {
    const struct mx_report_sweep *sweep, *other;
    const struct mx_config       *config;
    const struct mx_plan         *plan;
    const struct mx_results      *results;
    struct mx_metric_columns      columns;
    struct mx_metric_scratch      scratch;
    struct mx_ranking             ranking; /* of all cells */
    struct mx_axes                axes;
    struct mx_cell_trials         shown[REPORT_CELLS]; /* cells of figures, in grid order */
    size_t                        nshown;
    bool                          mixed_rules; /* heads were chosen by different rules */
    struct mx_buf                *out;
};

/* Of each: put a section's content. */
void report_failures(struct report *r);
void report_plan(struct report *r);
void report_provenance(struct report *r);
void report_tables(struct report *r);
void report_metrics(struct report *r);
void report_alpha(struct report *r);
void report_compare(struct report *r);
void report_tradeoff(struct report *r);
void report_groups(struct report *r);
void report_images(struct report *r);
void report_sensitivity(struct report *r);
void report_curves(struct report *r);
void report_inter(struct report *r);
void report_gallery(struct report *r);
void report_training(struct report *r);

/* The rules by which the page is laid out. */
extern const char report_style[];

/* The point of a cell. */
void report_point(const struct report *r, struct mx_cell_trials cell, struct mx_point *point);

/* Append what a cell is, by the axes that vary: "cutmix, 0.2, mixed", escaped for HTML or as it
 * is. */
void report_label(struct report *r, struct mx_cell_trials cell, struct mx_buf *out);

/* "cutmix, 0.2, mixed" to be freed; NULL without memory, which r->out remembers. */
char *report_label_new(struct report *r, struct mx_cell_trials cell);

/* Mean and interval of a column of cells.csv; of none if there is no such column. */
struct reduce_summary report_summary(struct report *r, struct mx_cell_trials cell,
                                     const char *metric);

/* The rank of a metric's column, SIZE_MAX if nobody measured it. */
bool report_measured(const struct report *r, const char *metric);

/* The text of an element, escaped: "<th>TEXT</th>". */
void report_element(struct report *r, const char *element, const char *text);

/* Begin and end a figure: its caption is given at the end. */
void report_figure_begin(struct report *r);
void report_figure_end(struct report *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The interval as it is shown: none where all values are the same, which says that few images
 * were counted and not that the next repeat would agree; no further than the bounds. */
struct reduce_summary report_interval(struct reduce_summary s, struct mx_bounds bounds);

/* The same as a point of a plot. */
struct mx_plot_point report_plot_point(double x, struct reduce_summary s, const char *metric);

/* Append "0.8123 [0.80, 0.82]", the interval as it is shown; all digits, uncut, are in the
 * elements' values. */
void report_summary_put(struct report *r, const struct reduce_summary *s, struct mx_bounds bounds);

/* A metric's name as the head of a column: it may break after its dots and underscores. */
void report_name_put(struct report *r, const char *metric);

/* "lower is better", "higher is better", or "" where no ranking can be made of a metric. */
const char *report_metric_way(const char *metric);

/* The note below a table or figure of curve scores: how pixels were ranked, replaced and read. */
void report_curve_rule(struct report *r);

/* Whether a metric is of a map that knows nothing of the network: random, centre. */
bool report_is_control(const char *metric);

/* Take back what was put behind the first `start` bytes. */
void report_undo(struct report *r, size_t start);

/* Open DIR/NAME as JSON; NULL if it is not there or none. */
struct json_t *report_json(const struct report *r, const char *name);

#endif
