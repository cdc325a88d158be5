/* results_table.h - what stands in results.csv and cells.csv, field by field, for whoever
 * shows it in another form: the same columns, the same numbers, the same text.
 */
#ifndef MX_SWEEP_RESULTS_TABLE_H
#define MX_SWEEP_RESULTS_TABLE_H

#include "sweep/results_core.h"

/* The metrics of both tables, in byte order of their names. */
struct mx_metric_column {
    char   name[WORKER_METRIC_NAME_SIZE];
    size_t at; /* column of the results, SIZE_MAX = nowhere yet: nobody has measured it */
};
struct mx_metric_columns {
    struct mx_metric_column *list;
    size_t                   count;
};

/* The same whatever the order in which trials ended: what the configuration asks for, and
 * what the trials that are done have beyond it. Returns 0, or -1 with MX_ENOMEM; then there
 * is nothing to free. */
int  mx_metric_columns_find(const struct mx_results *results, struct mx_metric_columns *columns,
                            struct mx_err *err);
void mx_metric_columns_free(struct mx_metric_columns *columns);

/* The place of a name among them; SIZE_MAX if there is none. */
size_t mx_metric_columns_place(const struct mx_metric_columns *columns, const char *name);

/* A trial's number there, NaN if it was not measured. */
double mx_metric_of(const struct mx_results *results, const struct mx_metric_column *column,
                    uint32_t trial);

/* Mean and interval of a cell. `scratch` is zeroed at first and freed with
 * mx_metric_scratch_free() at last; without memory the summary is that of no values and
 * scratch->failed is set. */
struct mx_metric_scratch {
    double            *values;
    uint32_t           room;
    struct mx_quantile quantile;
    bool               failed;
};
struct reduce_summary mx_metric_summary(const struct mx_results       *results,
                                        const struct mx_metric_column *column,
                                        struct mx_cell_trials          cell,
                                        struct mx_metric_scratch      *scratch);
void                  mx_metric_scratch_free(struct mx_metric_scratch *scratch);

/* Append the text of an axis key at a point: nothing if the point does not use it. */
void mx_axis_text(const struct mx_point *point, enum mx_key_id key, struct mx_buf *out);

/* How many trials of a cell are in which state. What runs counts as pending: its end is not
 * in the table. */
void mx_cell_states(const struct mx_results *results, struct mx_cell_trials cell,
                    uint64_t by_state[MX_STATES]);

/* The run.* columns of a trial: place and end of its last stage that ran, most attempts of
 * one stage, first start, seconds of all of them. False if no stage of it ran. */
bool mx_trial_run(const struct mx_results *results, uint32_t trial, struct mx_run_info *run);

#endif
