/* results_rank.c - the order of cells. */
#include "sweep/results_rank.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool mx_metric_smaller_is_better(const char *metric)
{
    const int                      word = mx_metric_word(metric);
    const struct worker_map_score *score =
        word < 0 ? NULL : worker_map_score(mx_metric_words[word].word);

    if (score)
        return score->better == WORKER_BETTER_LOWER;
    return word == MX_METRIC_CROSS_ENTROPY || word == MX_METRIC_CALIBRATION_ERROR ||
           word == MX_METRIC_GROUP_GAP;
}

const char *mx_metric_better(const char *metric)
{
    const int                      word = mx_metric_word(metric);
    const struct worker_map_score *score =
        word < 0 ? NULL : worker_map_score(mx_metric_words[word].word);

    if ((score && score->better == WORKER_BETTER_NEITHER) || word < 0 ||
        word == MX_METRIC_GROUP_COUNT || word == MX_METRIC_CONFIDENCE ||
        word == MX_METRIC_COLLAPSED || word == MX_METRIC_ERROR_SET)
        return "";
    return mx_metric_smaller_is_better(metric) ? "lower" : "higher";
}

/* True if some trial that is done has a number there. */
static bool is_measured(const struct mx_results *results, const char *name)
{
    for (uint32_t t = 0; t < results->plan->ntrials; t++)
        if (!isnan(mx_results_metric(results, t, name)))
            return true;
    return false;
}

/* Never by the test split: a metric named so ranks by its validation twin. */
static void choose_metric(const struct mx_results *results, struct mx_ranking *ranking)
{
    const char *asked = results->config->base[KEY_SEARCH_METRIC].text;
    unsigned    mode = results->config->base[KEY_SEARCH_MODE].choice;

    if (asked && strncmp(asked, "test.", 5) == 0)
        snprintf(ranking->metric, sizeof ranking->metric, "val.%s", asked + 5);
    else if (asked && *asked)
        snprintf(ranking->metric, sizeof ranking->metric, "%s", asked);
    else if (is_measured(results, "val.worst_group_accuracy"))
        strcpy(ranking->metric, "val.worst_group_accuracy");
    else
        strcpy(ranking->metric, "val.accuracy");
    if (ranking->only && !ranking->groups &&
        strcmp(ranking->metric, "val.worst_group_accuracy") == 0)
        strcpy(ranking->metric, "val.worst_class_accuracy");
    if (strncmp(ranking->metric, "val.", 4) == 0)
        snprintf(ranking->test, sizeof ranking->test, "test.%.80s", ranking->metric + 4);
    ranking->smaller =
        mode == MX_MODE_AUTO ? mx_metric_smaller_is_better(ranking->metric) : mode == MX_MODE_MIN;
}

static struct reduce_summary summarise(const struct mx_results *results, struct mx_cell_trials cell,
                                       const char *name, double *values,
                                       struct mx_quantile *quantile)
{
    size_t column = reduce_table_find(results->metrics, name);
    size_t n = column == SIZE_MAX ? 0 : mx_results_values(results, cell, column, values);

    return reduce_summarise(values, n, mx_results_quantile(quantile, n));
}

static bool all_done(const struct mx_results *results, struct mx_cell_trials cell)
{
    for (uint32_t k = 0; k < cell.count; k++)
        if (results->states[cell.first + k] != MX_STATE_DONE)
            return false;
    return true;
}

static int collect(const struct mx_results *results, struct mx_ranking *ranking)
{
    const struct mx_plan *plan = results->plan;
    struct mx_quantile    quantile = {0};
    double               *values = calloc((size_t)plan->ntrials + 1, sizeof values[0]);

    ranking->cells = calloc((size_t)plan->ntrials + 1, sizeof ranking->cells[0]);
    if (!values || !ranking->cells) {
        free(values);
        return -1;
    }
    for (uint32_t t = 0; t < plan->ntrials;) {
        struct mx_ranked *row = &ranking->cells[ranking->ncells];

        row->cell = mx_results_cell(results, t);
        t += row->cell.count;
        if (ranking->only &&
            (mx_results_rule(results, row->cell) == MX_RULE_WORST_GROUP) != ranking->groups)
            continue;
        ranking->ncells++;
        row->value = summarise(results, row->cell, ranking->metric, values, &quantile);
        row->test = summarise(results, row->cell, ranking->test, values, &quantile);
        row->complete = all_done(results, row->cell) && row->value.n == row->cell.count &&
                        isfinite(row->value.mean);
        ranking->ncomplete += row->complete;
    }
    free(values);
    return 0;
}

/* Complete ones first, best first; equal ones and the others in grid order. The
 * sign of `value` was turned for metrics of which less is better. */
static int by_rank(const void *a, const void *b)
{
    const struct mx_ranked *x = a, *y = b;

    if (x->complete != y->complete)
        return x->complete ? -1 : 1;
    if (x->complete && x->value.mean != y->value.mean)
        return x->value.mean > y->value.mean ? -1 : 1;
    return x->cell.first < y->cell.first ? -1 : 1;
}

static void sort(struct mx_ranking *ranking)
{
    double sign = ranking->smaller ? -1 : 1;

    for (size_t k = 0; k < ranking->ncells; k++)
        ranking->cells[k].value.mean *= sign;
    if (ranking->ncells > 0)
        qsort(ranking->cells, ranking->ncells, sizeof ranking->cells[0], by_rank);
    for (size_t k = 0; k < ranking->ncells; k++)
        ranking->cells[k].value.mean *= sign;
}

int mx_ranking_make(const struct mx_results *results, struct mx_ranking *ranking)
{
    choose_metric(results, ranking);
    if (collect(results, ranking))
        return -1;
    sort(ranking);
    return 0;
}

void mx_ranking_free(struct mx_ranking *ranking)
{
    free(ranking->cells);
    *ranking = (struct mx_ranking){0};
}

static bool is_partly_stopped(const struct mx_results *results, struct mx_cell_trials cell)
{
    uint32_t done = 0, stopped = 0;

    for (uint32_t k = 0; k < cell.count; k++) {
        done += results->states[cell.first + k] == MX_STATE_DONE;
        stopped += results->states[cell.first + k] == MX_STATE_STOPPED;
    }
    return done > 0 && stopped > 0;
}

size_t mx_ranking_partly_stopped(const struct mx_results *results, const struct mx_ranking *ranking)
{
    size_t n = 0;

    for (size_t k = 0; k < ranking->ncells; k++)
        n += is_partly_stopped(results, ranking->cells[k].cell);
    return n;
}

void mx_ranking_put_stopped(const struct mx_results *results, const struct mx_ranking *ranking,
                            struct mx_buf *out)
{
    const size_t n = mx_ranking_partly_stopped(results, ranking);

    if (n == 0)
        return;
    mx_buf_printf(out,
                  "%zu cell%s not ranked: early stopping judges each repeat by itself and ended "
                  "only some of theirs; for means over all repeats run the cells that went far "
                  "without schedule.early_stop\n",
                  n, n == 1 ? " is" : "s are");
}

/* Why a cell takes no part: "1 failed (diverged), 1 pending". */
void mx_ranked_remark(const struct mx_results *results, const struct mx_ranked *row,
                      struct mx_buf *out)
{
    const char *between = "";

    if (row->complete)
        return;
    for (size_t state = 0; state < MX_STATES; state++) {
        enum mx_reason reason = MX_REASON_NONE;
        unsigned       n = 0;

        for (uint32_t k = 0; k < row->cell.count; k++)
            if (results->states[row->cell.first + k] == state) {
                n++;
                if (reason == MX_REASON_NONE)
                    reason = results->reasons[row->cell.first + k];
            }
        if (n == 0 || state == MX_STATE_DONE)
            continue;
        mx_buf_printf(out, "%s%u %s", between, n, mx_state_names[state]);
        if (reason != MX_REASON_NONE && reason != MX_REASON_CELL_QUARANTINED)
            mx_buf_printf(out, " (%s)", mx_reason_names[reason]);
        between = ", ";
    }
    if (!*between)
        mx_buf_text(out, "no finite value");
}

static bool key_varies(const struct mx_results *results, const struct mx_ranking *ranking,
                       enum mx_key_id key)
{
    struct mx_point first, other;

    for (size_t k = 0; k < ranking->ncells; k++) {
        uint32_t trial = ranking->cells[k].cell.first;

        mx_grid_point(results->plan->grid, results->plan->trials[trial].point,
                      k == 0 ? &first : &other);
        if (k > 0 &&
            (first.used[key] != other.used[key] ||
             (first.used[key] && !mx_value_equal(key, &first.value[key], &other.value[key]))))
            return true;
    }
    return false;
}

int mx_axes_varying(const struct mx_results *results, const struct mx_ranking *ranking,
                    struct mx_axes *axes)
{
    const enum mx_key_id *keys;
    size_t                n = mx_grid_axis_keys(results->plan->grid, &keys);

    *axes = (struct mx_axes){calloc(n + 1, sizeof axes->keys[0]), 0};
    if (!axes->keys)
        return -1;
    for (size_t k = 0; k < n; k++)
        if (ranking->ncells == 1 || key_varies(results, ranking, keys[k]))
            axes->keys[axes->count++] = keys[k];
    return 0;
}

const char *mx_axes_short_name(const struct mx_axes *axes, size_t k)
{
    const char *name = mx_keys[axes->keys[k]].name, *last = strrchr(name, '.');

    for (size_t other = 0; last && other < axes->count; other++) {
        const char *ending = strrchr(mx_keys[axes->keys[other]].name, '.');

        if (other != k && ending && strcmp(ending, last) == 0)
            return name;
    }
    return last ? last + 1 : name;
}

void mx_axes_free(struct mx_axes *axes)
{
    free(axes->keys);
    *axes = (struct mx_axes){0};
}
