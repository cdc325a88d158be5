/* results.h - the tables that users read: results.csv and cells.csv.
 *
 * One row a trial in grid order, then repeat. Rows are filled as stages end;
 * writing is atomic and may happen at any time: a trial that has not ended is
 * in the table with its state and empty metrics.
 */
#ifndef MX_SWEEP_RESULTS_H
#define MX_SWEEP_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "sweep/config.h"
#include "sweep/gpu_use.h"
#include "sweep/plan.h"
#include "sweep/sched.h"

/* How the last attempt of a trial went: the run.* columns. */
struct mx_run_info {
    unsigned    attempts;
    const char *host, *device; /* lent; NULL = "" */
    uint32_t    rank, executor;
    double      started_utc_s, ended_utc_s, seconds; /* seconds: of all its stages */
    const char *text;                                /* lent; NULL = "" */
    bool        goes_on; /* it has not ended: what comes next adds its seconds to these */

    struct mx_gpu_use gpu; /* of all its stages, as the seconds */
};

struct mx_results;

struct mx_results *mx_results_new(const struct mx_config *config, const struct mx_plan *plan,
                                  struct mx_err *err);
void               mx_results_free(struct mx_results *results); /* NULL is allowed */

/* A stage ended: its numbers, for every trial that uses it. Metrics outside
 * score.metrics are kept out of the tables. */
int mx_results_stage(struct mx_results *results, uint32_t stage,
                     const struct worker_metric *metrics, size_t nmetrics,
                     const struct mx_run_info *run, struct mx_err *err);

/* A stage is to be run again: how it ran before is not told any more. */
void mx_results_forget(struct mx_results *results, uint32_t stage);

/* A trial's state changed. */
void mx_results_trial(struct mx_results *results, uint32_t trial, enum mx_state state,
                      enum mx_reason reason);

/* A metric of a trial, NaN if not measured. */
double mx_results_metric(const struct mx_results *results, uint32_t trial, const char *name);

/* The names of all that stages have measured, in no order, and what a trial has of
 * each: true with *value; false if it has none, or has not come to its end. */
size_t      mx_results_columns(const struct mx_results *results);
const char *mx_results_column_name(const struct mx_results *results, size_t column); /* lent */
bool        mx_results_value(const struct mx_results *results, uint32_t trial, size_t column,
                             double *value);

/* Append what results.csv and cells.csv hold. Returns 0, or -1 with MX_ENOMEM. */
int mx_results_texts(const struct mx_results *results, struct mx_buf *trials, struct mx_buf *cells,
                     struct mx_err *err);

/* Write DIR/results.csv and DIR/cells.csv. */
int mx_results_write(const struct mx_results *results, const char *directory, struct mx_err *err);

/* The table for the console: counts first, then the best `rows` cells by
 * search.metric (validation, never test), mean and interval, with "showing N
 * of M". Heads that were chosen by other rules stand in a table of their own. width:
 * columns of the terminal. */
void mx_results_print(const struct mx_results *results, const struct mx_sched_counts *counts,
                      size_t rows, unsigned width, struct mx_buf *out);

#endif
