/* results_csv.c - results.csv and cells.csv. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "sweep/outdir.h"
#include "sweep/results_table.h"

static void axis_heads(struct mx_csv *csv, const struct mx_results *results)
{
    const enum mx_key_id *keys;
    size_t                n = mx_grid_axis_keys(results->plan->grid, &keys);

    for (size_t k = 0; k < n; k++)
        mx_csv_text(csv, mx_keys[keys[k]].name);
}

/* The axis fields of a point, each behind a comma; kept, since the trials of a
 * cell follow each other. */
struct axis_fields {
    bool          known;
    uint64_t      point;
    struct mx_buf text, scratch;
};

static void make_fields(struct axis_fields *fields, const struct mx_results *results,
                        uint64_t number)
{
    const enum mx_key_id *keys;
    size_t                n = mx_grid_axis_keys(results->plan->grid, &keys);
    struct mx_csv         csv = {.out = &fields->text, .comma = true};
    struct mx_point       point;

    mx_buf_clear(&fields->text);
    mx_grid_point(results->plan->grid, number, &point);
    for (size_t k = 0; k < n; k++) {
        mx_buf_clear(&fields->scratch);
        mx_axis_text(&point, keys[k], &fields->scratch);
        mx_csv_text(&csv, mx_buf_str(&fields->scratch));
        fields->text.failed |= fields->scratch.failed;
    }
    fields->known = true;
    fields->point = number;
}

/* Behind other fields of the line. */
static void axis_values(struct mx_csv *csv, const struct mx_results *results, uint32_t trial,
                        struct axis_fields *fields)
{
    uint64_t point = results->plan->trials[trial].point;

    if (!fields->known || fields->point != point)
        make_fields(fields, results, point);
    mx_buf_add(csv->out, fields->text.data, fields->text.len);
    csv->out->failed |= fields->text.failed;
}

static void cell_id(struct mx_csv *csv, const struct mx_results *results, uint32_t trial)
{
    char hex[MX_HASH64_HEX];

    mx_csv_plain(csv, mx_hash64_hex(results->plan->trials[trial].cell, hex));
}

static void run_fields(struct mx_csv *csv, const struct mx_results *results, uint32_t trial)
{
    struct mx_run_info run;

    if (!mx_trial_run(results, trial, &run)) {
        for (int k = 0; k < 10; k++)
            mx_csv_text(csv, "");
        return;
    }
    mx_csv_uint(csv, run.attempts);
    mx_csv_text(csv, run.host);
    mx_csv_uint(csv, run.rank);
    mx_csv_uint(csv, run.executor);
    mx_csv_text(csv, run.device);
    mx_csv_utc(csv, run.started_utc_s);
    mx_csv_utc(csv, run.ended_utc_s);
    mx_csv_real(csv, run.seconds);
    mx_csv_real(csv, mx_gpu_use_energy_j(&run.gpu));
    mx_csv_text(csv, run.text);
}

static void results_head(struct mx_csv *csv, const struct mx_results *results,
                         const struct mx_metric_columns *columns)
{
    static const char *const first[] = {"trial", "cell", "repeat", "status", "reason"};
    static const char *const run[] = {"run.attempts", "run.host",    "run.rank",  "run.executor",
                                      "run.device",   "run.started", "run.ended", "run.seconds",
                                      "run.energy_j", "run.reason"};

    for (size_t k = 0; k < sizeof first / sizeof first[0]; k++)
        mx_csv_text(csv, first[k]);
    axis_heads(csv, results);
    mx_csv_text(csv, "seed");
    for (size_t k = 0; k < columns->count; k++)
        mx_csv_text(csv, columns->list[k].name);
    for (size_t k = 0; k < sizeof run / sizeof run[0]; k++)
        mx_csv_text(csv, run[k]);
    mx_csv_end_line(csv);
}

static void results_row(struct mx_csv *csv, const struct mx_results *results,
                        const struct mx_metric_columns *columns, uint32_t trial,
                        struct axis_fields *fields)
{
    char name[MX_TRIAL_NAME_SIZE];

    mx_csv_plain(csv, mx_trial_name(&results->plan->trials[trial], name));
    cell_id(csv, results, trial);
    mx_csv_uint(csv, results->plan->trials[trial].repeat);
    mx_csv_plain(csv, mx_state_names[results->states[trial]]);
    mx_csv_plain(csv, mx_reason_names[results->reasons[trial]]);
    axis_values(csv, results, trial, fields);
    mx_csv_uint(csv, (uint64_t)results->config->base[KEY_SEED].integer);
    for (size_t k = 0; k < columns->count; k++)
        mx_csv_real(csv, mx_metric_of(results, &columns->list[k], trial));
    run_fields(csv, results, trial);
    mx_csv_end_line(csv);
}

static void cells_head(struct mx_csv *csv, const struct mx_results *results,
                       const struct mx_metric_columns *columns)
{
    static const char *const states[] = {"planned",     "done",    "failed",
                                         "quarantined", "stopped", "pending"};
    static const char *const parts[] = {"n", "mean", "sd", "low", "high"};
    char                     name[WORKER_METRIC_NAME_SIZE + 8];

    mx_csv_text(csv, "cell");
    axis_heads(csv, results);
    for (size_t k = 0; k < sizeof states / sizeof states[0]; k++)
        mx_csv_text(csv, states[k]);
    for (size_t k = 0; k < columns->count; k++)
        for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
            snprintf(name, sizeof name, "%s.%s", columns->list[k].name, parts[p]);
            mx_csv_text(csv, name);
        }
    mx_csv_end_line(csv);
}

static void cell_states(struct mx_csv *csv, const struct mx_results *results,
                        struct mx_cell_trials cell)
{
    uint64_t by_state[MX_STATES];

    mx_cell_states(results, cell, by_state);
    mx_csv_uint(csv, cell.count);
    mx_csv_uint(csv, by_state[MX_STATE_DONE]);
    mx_csv_uint(csv, by_state[MX_STATE_FAILED]);
    mx_csv_uint(csv, by_state[MX_STATE_QUARANTINED]);
    mx_csv_uint(csv, by_state[MX_STATE_STOPPED]);
    mx_csv_uint(csv, by_state[MX_STATE_PENDING]);
}

static void cell_row(struct mx_csv *csv, const struct mx_results *results,
                     const struct mx_metric_columns *columns, struct mx_cell_trials cell,
                     struct mx_metric_scratch *scratch, struct axis_fields *fields)
{
    cell_id(csv, results, cell.first);
    axis_values(csv, results, cell.first, fields);
    cell_states(csv, results, cell);
    for (size_t k = 0; k < columns->count; k++) {
        const struct reduce_summary s =
            mx_metric_summary(results, &columns->list[k], cell, scratch);

        mx_csv_uint(csv, s.n);
        mx_csv_real(csv, s.mean);
        mx_csv_real(csv, s.sd);
        mx_csv_real(csv, s.low);
        mx_csv_real(csv, s.high);
    }
    mx_csv_end_line(csv);
}

static void put_cells(struct mx_csv *csv, const struct mx_results *results,
                      const struct mx_metric_columns *columns, struct axis_fields *fields)
{
    struct mx_metric_scratch scratch = {0};

    cells_head(csv, results, columns);
    for (uint32_t t = 0; t < results->plan->ntrials;) {
        const struct mx_cell_trials cell = mx_results_cell(results, t);

        cell_row(csv, results, columns, cell, &scratch, fields);
        t += cell.count;
    }
    csv->out->failed |= scratch.failed;
    mx_metric_scratch_free(&scratch);
}

static void put_trials(struct mx_csv *csv, const struct mx_results *results,
                       const struct mx_metric_columns *columns, struct axis_fields *fields)
{
    results_head(csv, results, columns);
    for (uint32_t t = 0; t < results->plan->ntrials; t++)
        results_row(csv, results, columns, t, fields);
}

static void free_fields(struct axis_fields *fields)
{
    mx_buf_free(&fields->text);
    mx_buf_free(&fields->scratch);
}

int mx_results_texts(const struct mx_results *results, struct mx_buf *trials, struct mx_buf *cells,
                     struct mx_err *err)
{
    struct mx_metric_columns columns;
    struct axis_fields       fields = {0};

    if (mx_metric_columns_find(results, &columns, err))
        return -1;
    put_trials(&(struct mx_csv){.out = trials}, results, &columns, &fields);
    put_cells(&(struct mx_csv){.out = cells}, results, &columns, &fields);
    free_fields(&fields);
    mx_metric_columns_free(&columns);
    return mx_buf_ok(trials) && mx_buf_ok(cells)
               ? 0
               : mx_fail(err, MX_ENOMEM, "no memory for the tables of results");
}

int mx_results_write(const struct mx_results *results, const char *directory, struct mx_err *err)
{
    struct mx_metric_columns columns;
    struct axis_fields       fields = {0};
    struct mx_buf            text = {0};
    struct mx_csv            csv = {.out = &text};
    int                      rc;

    if (mx_metric_columns_find(results, &columns, err))
        return -1;
    put_trials(&csv, results, &columns, &fields);
    rc = mx_outdir_write(directory, "results.csv", &text, err);
    if (rc == 0) {
        mx_buf_clear(&text);
        put_cells(&csv, results, &columns, &fields);
        rc = mx_outdir_write(directory, "cells.csv", &text, err);
    }
    mx_buf_free(&text);
    free_fields(&fields);
    mx_metric_columns_free(&columns);
    return rc;
}
