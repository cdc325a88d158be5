/* results_table.c - the columns of the tables, and what is in them. */
#include "sweep/results_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct mx_metric_column *)a)->name,
                  ((const struct mx_metric_column *)b)->name);
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
    const int   own = mx_metric_word(name);
    const bool  ends = own < 0 && results->asked[MX_METRIC_MAP_INTERVALS];
    const int   word = ends ? mx_metric_word_of_end(name) : own;
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

static void add_preset(const struct mx_results *results, struct mx_metric_columns *columns,
                       int word, const char *split)
{
    struct mx_metric_column *column = &columns->list[columns->count++];

    snprintf(column->name, sizeof column->name, "%s.%s", split, mx_metric_words[word].word);
    column->at = reduce_table_find(results->metrics, column->name);
}

static void add_late(const struct mx_results *results, struct mx_metric_columns *columns, size_t at)
{
    struct mx_metric_column *column = &columns->list[columns->count++];

    snprintf(column->name, sizeof column->name, "%s", reduce_table_name(results->metrics, at));
    column->at = at;
}

static bool is_preset(const struct mx_metric_columns *columns, size_t npresets, size_t at)
{
    for (size_t k = 0; k < npresets; k++)
        if (columns->list[k].at == at)
            return true;
    return false;
}

static bool any_done(const struct mx_results *results)
{
    for (uint32_t t = 0; t < results->plan->ntrials; t++)
        if (results->states[t] == MX_STATE_DONE)
            return true;
    return false;
}

/* Columns that are promised, and room for them. */
struct promised {
    struct mx_metric_columns *columns;
    size_t                    room;
    bool                      failed;
};

static void add_promised(void *user, const char *name)
{
    struct promised          *promised = user;
    struct mx_metric_columns *columns = promised->columns;

    if (mx_metric_columns_place(columns, name) != SIZE_MAX)
        return;
    if (columns->count == promised->room) {
        const size_t             room = 2 * promised->room + 16;
        struct mx_metric_column *grown = realloc(columns->list, room * sizeof *grown);

        promised->failed |= !grown;
        if (!grown)
            return;
        columns->list = grown;
        promised->room = room;
    }
    columns->list[columns->count] = (struct mx_metric_column){.at = SIZE_MAX};
    snprintf(columns->list[columns->count++].name, sizeof columns->list[0].name, "%s", name);
}

int mx_metric_columns_find(const struct mx_results *results, struct mx_metric_columns *columns,
                           struct mx_err *err)
{
    size_t          there = reduce_table_columns(results->metrics), npresets;
    struct promised promised = {columns, there + (size_t)2 * MX_METRIC_WORDS_ROOM, false};

    *columns = (struct mx_metric_columns){0};
    columns->list = calloc(promised.room, sizeof columns->list[0]);
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
    if (!any_done(results))
        mx_results_promised(results, add_promised, &promised);
    if (promised.failed) {
        mx_metric_columns_free(columns);
        return mx_fail(err, MX_ENOMEM, "no memory for the columns of results.csv");
    }
    qsort(columns->list, columns->count, sizeof columns->list[0], by_name);
    return 0;
}

void mx_metric_columns_free(struct mx_metric_columns *columns)
{
    free(columns->list);
    *columns = (struct mx_metric_columns){0};
}

size_t mx_metric_columns_place(const struct mx_metric_columns *columns, const char *name)
{
    for (size_t k = 0; k < columns->count; k++)
        if (strcmp(columns->list[k].name, name) == 0)
            return k;
    return SIZE_MAX;
}

double mx_metric_of(const struct mx_results *results, const struct mx_metric_column *column,
                    uint32_t trial)
{
    double value = NAN;

    if (column->at != SIZE_MAX)
        mx_results_value(results, trial, column->at, &value);
    return value;
}

struct reduce_summary mx_metric_summary(const struct mx_results       *results,
                                        const struct mx_metric_column *column,
                                        struct mx_cell_trials          cell,
                                        struct mx_metric_scratch      *scratch)
{
    size_t n = 0;

    if (cell.count > scratch->room) {
        free(scratch->values);
        scratch->values = calloc(cell.count, sizeof scratch->values[0]);
        scratch->room = scratch->values ? cell.count : 0;
        scratch->failed |= !scratch->values;
    }
    if (scratch->room >= cell.count && column->at != SIZE_MAX)
        n = mx_results_values(results, cell, column->at, scratch->values);
    return reduce_summarise(scratch->values, n, mx_results_quantile(&scratch->quantile, n));
}

void mx_metric_scratch_free(struct mx_metric_scratch *scratch)
{
    free(scratch->values);
    *scratch = (struct mx_metric_scratch){0};
}

void mx_axis_text(const struct mx_point *point, enum mx_key_id key, struct mx_buf *out)
{
    if (point->used[key])
        mx_value_format(key, &point->value[key], out);
}

void mx_cell_states(const struct mx_results *results, struct mx_cell_trials cell,
                    uint64_t by_state[MX_STATES])
{
    memset(by_state, 0, MX_STATES * sizeof by_state[0]);
    for (uint32_t k = 0; k < cell.count; k++) {
        const enum mx_state state = results->states[cell.first + k];

        by_state[state == MX_STATE_RUNNING ? MX_STATE_PENDING : state]++;
    }
}

bool mx_trial_run(const struct mx_results *results, uint32_t trial, struct mx_run_info *run)
{
    const struct mx_trial *t = &results->plan->trials[trial];
    bool                   any = false;

    *run = (struct mx_run_info){0};
    for (uint32_t k = 0; k < t->nstages; k++) {
        const struct mx_stage_run *stage =
            &results->runs[results->plan->stage_of[t->first_stage + k]];

        if (!stage->known)
            continue;
        any = true;
        run->host = stage->host;
        run->device = stage->device;
        run->text = stage->text;
        run->rank = stage->rank;
        run->executor = stage->executor;
        run->ended_utc_s = stage->ended_utc_s;
        run->attempts = stage->attempts > run->attempts ? stage->attempts : run->attempts;
        if (run->started_utc_s <= 0 || stage->started_utc_s < run->started_utc_s)
            run->started_utc_s = stage->started_utc_s;
        run->seconds += stage->seconds;
        mx_gpu_use_join(&run->gpu, &stage->gpu);
    }
    return any;
}
