#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "sweep/outdir.h"
#include "sweep/results_core.h"

/* The metrics of the table: names in byte order, and where they are. */
struct column {
    char   name[WORKER_METRIC_NAME_SIZE];
    size_t at; /* in results->metrics, SIZE_MAX = nowhere yet */
};
struct columns {
    struct column *list;
    size_t         count;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct column *)a)->name, ((const struct column *)b)->name);
}

/* Words whose columns do not depend on what the data has. */
static bool always_measured(int word)
{
    switch (word) {
    case MX_METRIC_ACCURACY:
    case MX_METRIC_TOP5_ACCURACY:
    case MX_METRIC_CROSS_ENTROPY:
    case MX_METRIC_CALIBRATION_ERROR:
    case MX_METRIC_CONFIDENCE:
    case MX_METRIC_WORST_CLASS_ACCURACY:
        return true;
    default:
        return false;
    }
}

/* What is in the table without being asked for: a head that has collapsed, a
 * method that learns from errors and found none. */
static bool is_warning(int word, double value)
{
    return (word == MX_METRIC_COLLAPSED && value > 0) ||
           (word == MX_METRIC_ERROR_SET && !(value > 0));
}

/* Accuracies of groups come with how many images are behind them. */
static bool is_asked(const struct mx_results *results, int word)
{
    return results->asked[word] ||
           (word == MX_METRIC_GROUP_COUNT && results->asked[MX_METRIC_GROUP_ACCURACY]);
}

static bool is_shown(const struct mx_results *results, size_t column)
{
    const char *name = reduce_table_name(results->metrics, column);
    int         word = mx_metric_word(name);
    const bool  warns = word == MX_METRIC_COLLAPSED || word == MX_METRIC_ERROR_SET;
    double      value;

    if (strncmp(name, "val.", 4) != 0 && strncmp(name, "test.", 5) != 0 &&
        word != MX_METRIC_ERROR_SET)
        return false;
    if (word < 0 || !(is_asked(results, word) || warns))
        return false;
    for (uint32_t t = 0; t < results->plan->ntrials; t++)
        if (mx_results_value(results, t, column, &value) &&
            (is_asked(results, word) || is_warning(word, value)))
            return true;
    return false;
}

static void add_preset(const struct mx_results *results, struct columns *columns, int word,
                       const char *split)
{
    struct column *column = &columns->list[columns->count++];

    snprintf(column->name, sizeof column->name, "%s.%s", split, mx_metric_words[word].word);
    column->at = reduce_table_find(results->metrics, column->name);
}

static void add_late(const struct mx_results *results, struct columns *columns, size_t at)
{
    struct column *column = &columns->list[columns->count++];

    snprintf(column->name, sizeof column->name, "%s", reduce_table_name(results->metrics, at));
    column->at = at;
}

static bool is_preset(const struct columns *columns, size_t npresets, size_t at)
{
    for (size_t k = 0; k < npresets; k++)
        if (columns->list[k].at == at)
            return true;
    return false;
}

/* The same whatever the order in which trials ended: what the configuration
 * asks for, and what the trials that are done have beyond it. */
static int find_columns(const struct mx_results *results, struct columns *columns,
                        struct mx_err *err)
{
    size_t there = reduce_table_columns(results->metrics), npresets;

    *columns = (struct columns){0};
    columns->list = calloc(there + (size_t)2 * MX_METRIC_WORDS_ROOM, sizeof columns->list[0]);
    if (!columns->list)
        return mx_fail(err, MX_ENOMEM, "no memory for the columns of results.csv");
    for (int word = 0; mx_metric_words[word].word; word++)
        if (results->asked[word] && always_measured(word)) {
            add_preset(results, columns, word, "val");
            add_preset(results, columns, word, "test");
        }
    npresets = columns->count;
    for (size_t c = 0; c < there; c++)
        if (!is_preset(columns, npresets, c) && is_shown(results, c))
            add_late(results, columns, c);
    qsort(columns->list, columns->count, sizeof columns->list[0], by_name);
    return 0;
}

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
        if (point.used[keys[k]])
            mx_value_format(keys[k], &point.value[keys[k]], &fields->scratch);
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

/* The run.* fields of a trial: place and end of its last stage that ran, most
 * attempts of one stage, first start, seconds of all of them. */
static void run_fields(struct mx_csv *csv, const struct mx_results *results, uint32_t trial)
{
    const struct mx_trial     *t = &results->plan->trials[trial];
    const struct mx_stage_run *last = NULL;
    unsigned                   attempts = 0;
    double                     started_utc_s = 0, seconds = 0;

    for (uint32_t k = 0; k < t->nstages; k++) {
        const struct mx_stage_run *run =
            &results->runs[results->plan->stage_of[t->first_stage + k]];

        if (!run->known)
            continue;
        last = run;
        attempts = run->attempts > attempts ? run->attempts : attempts;
        if (started_utc_s <= 0 || run->started_utc_s < started_utc_s)
            started_utc_s = run->started_utc_s;
        seconds += run->seconds;
    }
    if (!last) {
        for (int k = 0; k < 10; k++)
            mx_csv_text(csv, "");
        return;
    }
    mx_csv_uint(csv, attempts);
    mx_csv_text(csv, last->host);
    mx_csv_uint(csv, last->rank);
    mx_csv_uint(csv, last->executor);
    mx_csv_text(csv, last->device);
    mx_csv_utc(csv, started_utc_s);
    mx_csv_utc(csv, last->ended_utc_s);
    mx_csv_real(csv, seconds);
    mx_csv_real(csv, NAN); /* energy: no meter here */
    mx_csv_text(csv, last->text);
}

static void results_head(struct mx_csv *csv, const struct mx_results *results,
                         const struct columns *columns)
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
                        const struct columns *columns, uint32_t trial, struct axis_fields *fields)
{
    char name[MX_TRIAL_NAME_SIZE];

    mx_csv_plain(csv, mx_trial_name(&results->plan->trials[trial], name));
    cell_id(csv, results, trial);
    mx_csv_uint(csv, results->plan->trials[trial].repeat);
    mx_csv_plain(csv, mx_state_names[results->states[trial]]);
    mx_csv_plain(csv, mx_reason_names[results->reasons[trial]]);
    axis_values(csv, results, trial, fields);
    mx_csv_uint(csv, (uint64_t)results->config->base[KEY_SEED].integer);
    for (size_t k = 0; k < columns->count; k++) {
        double value = NAN;

        if (columns->list[k].at != SIZE_MAX)
            mx_results_value(results, trial, columns->list[k].at, &value);
        mx_csv_real(csv, value);
    }
    run_fields(csv, results, trial);
    mx_csv_end_line(csv);
}

static void cells_head(struct mx_csv *csv, const struct mx_results *results,
                       const struct columns *columns)
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
    uint64_t by_state[MX_STATES] = {0};

    for (uint32_t k = 0; k < cell.count; k++)
        by_state[results->states[cell.first + k]]++;
    mx_csv_uint(csv, cell.count);
    mx_csv_uint(csv, by_state[MX_STATE_DONE]);
    mx_csv_uint(csv, by_state[MX_STATE_FAILED]);
    mx_csv_uint(csv, by_state[MX_STATE_QUARANTINED]);
    mx_csv_uint(csv, by_state[MX_STATE_STOPPED]);
    /* What runs while this is written has not ended: pending, so that the sum is right. */
    mx_csv_uint(csv, by_state[MX_STATE_PENDING] + by_state[MX_STATE_RUNNING]);
}

static void cell_row(struct mx_csv *csv, const struct mx_results *results,
                     const struct columns *columns, struct mx_cell_trials cell, double *values,
                     struct mx_quantile *quantile, struct axis_fields *fields)
{
    cell_id(csv, results, cell.first);
    axis_values(csv, results, cell.first, fields);
    cell_states(csv, results, cell);
    for (size_t k = 0; k < columns->count; k++) {
        size_t                at = columns->list[k].at;
        size_t                n = at == SIZE_MAX ? 0 : mx_results_values(results, cell, at, values);
        struct reduce_summary s = reduce_summarise(values, n, mx_results_quantile(quantile, n));

        mx_csv_uint(csv, s.n);
        mx_csv_real(csv, s.mean);
        mx_csv_real(csv, s.sd);
        mx_csv_real(csv, s.low);
        mx_csv_real(csv, s.high);
    }
    mx_csv_end_line(csv);
}

static int put_cells(struct mx_csv *csv, const struct mx_results *results,
                     const struct columns *columns, struct axis_fields *fields, struct mx_err *err)
{
    struct mx_quantile quantile = {0};
    double            *values = NULL;
    uint32_t           room = 0;

    cells_head(csv, results, columns);
    for (uint32_t t = 0; t < results->plan->ntrials;) {
        struct mx_cell_trials cell = mx_results_cell(results, t);

        if (cell.count > room) {
            free(values);
            room = cell.count;
            if (!(values = calloc(room, sizeof values[0])))
                return mx_fail(err, MX_ENOMEM, "no memory for cells.csv");
        }
        cell_row(csv, results, columns, cell, values, &quantile, fields);
        t += cell.count;
    }
    free(values);
    return 0;
}

int mx_results_write(const struct mx_results *results, const char *directory, struct mx_err *err)
{
    struct columns     columns;
    struct axis_fields fields = {0};
    struct mx_buf      text = {0};
    struct mx_csv      csv = {.out = &text};
    int                rc = -1;

    if (find_columns(results, &columns, err))
        return -1;
    results_head(&csv, results, &columns);
    for (uint32_t t = 0; t < results->plan->ntrials; t++)
        results_row(&csv, results, &columns, t, &fields);
    if (mx_outdir_write(directory, "results.csv", &text, err))
        goto done;
    mx_buf_clear(&text);
    if (put_cells(&csv, results, &columns, &fields, err) ||
        mx_outdir_write(directory, "cells.csv", &text, err))
        goto done;
    rc = 0;
done:
    mx_buf_free(&text);
    mx_buf_free(&fields.text);
    mx_buf_free(&fields.scratch);
    free(columns.list);
    return rc;
}
