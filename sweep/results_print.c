#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/results_core.h"
#include "sweep/text_table.h"

/* A cell with what it is ranked by. */
struct ranked {
    struct mx_cell_trials cell;
    bool                  complete; /* every trial done and measured: it takes part */
    struct reduce_summary value, test;
};

/* What the ranking goes by. */
struct ranking {
    bool           only;   /* cells of one kind: */
    bool           groups; /* those of sets with groups, or the others */
    char           metric[WORKER_METRIC_NAME_SIZE];
    char           test[WORKER_METRIC_NAME_SIZE]; /* the same of the test split, "" if none */
    bool           smaller;
    struct ranked *cells;
    size_t         ncells, ncomplete;
};

static bool smaller_is_better(const char *metric)
{
    const int                      word = mx_metric_word(metric);
    const struct worker_map_score *score =
        word < 0 ? NULL : worker_map_score(mx_metric_words[word].word);

    if (score)
        return score->better == WORKER_BETTER_LOWER;
    return word == MX_METRIC_CROSS_ENTROPY || word == MX_METRIC_CALIBRATION_ERROR ||
           word == MX_METRIC_GROUP_GAP;
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
static void choose_metric(const struct mx_results *results, struct ranking *ranking)
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
        mode == MX_MODE_AUTO ? smaller_is_better(ranking->metric) : mode == MX_MODE_MIN;
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

static int collect(const struct mx_results *results, struct ranking *ranking)
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
        struct ranked *row = &ranking->cells[ranking->ncells];

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
    const struct ranked *x = a, *y = b;

    if (x->complete != y->complete)
        return x->complete ? -1 : 1;
    if (x->complete && x->value.mean != y->value.mean)
        return x->value.mean > y->value.mean ? -1 : 1;
    return x->cell.first < y->cell.first ? -1 : 1;
}

static void sort(struct ranking *ranking)
{
    double sign = ranking->smaller ? -1 : 1;

    for (size_t k = 0; k < ranking->ncells; k++)
        ranking->cells[k].value.mean *= sign;
    if (ranking->ncells > 0)
        qsort(ranking->cells, ranking->ncells, sizeof ranking->cells[0], by_rank);
    for (size_t k = 0; k < ranking->ncells; k++)
        ranking->cells[k].value.mean *= sign;
}

static void put_counts(const struct mx_sched_counts *counts, struct mx_buf *out)
{
    static const enum mx_state order[] = {MX_STATE_DONE,    MX_STATE_FAILED,  MX_STATE_QUARANTINED,
                                          MX_STATE_STOPPED, MX_STATE_RUNNING, MX_STATE_PENDING};

    mx_buf_printf(out, "planned %" PRIu64, counts->planned);
    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++)
        if (order[k] == MX_STATE_DONE || counts->by_state[order[k]] > 0)
            mx_buf_printf(out, " \xC2\xB7 %s %" PRIu64, mx_state_names[order[k]],
                          counts->by_state[order[k]]);
    mx_buf_text(out, "\n");
}

/* "0.9012 ± 0.0034"; "" of nothing. */
static void put_summary(const struct reduce_summary *s, struct mx_buf *out)
{
    if (s->n == 0)
        return;
    mx_buf_printf(out, "%.4f", s->mean);
    if (!isnan(s->sd))
        mx_buf_printf(out, " \xC2\xB1 %.4f", s->high - s->mean);
}

/* Why a cell takes no part: "1 failed (diverged), 1 pending". */
static void put_remark(const struct mx_results *results, const struct ranked *row,
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

/* The axis keys whose value differs between cells, else a table of one cell
 * would say nothing: then all of them. */
struct axes {
    enum mx_key_id *keys;
    size_t          count;
};

/* Numbers in six digits. A blank would read as a value that is missing. */
static void value_text(const struct mx_point *point, enum mx_key_id key, struct mx_buf *out)
{
    mx_buf_clear(out);
    if (!point->used[key])
        mx_buf_text(out, "-");
    else if (mx_keys[key].type == MX_TYPE_REAL)
        mx_buf_printf(out, "%.6g", point->value[key].real);
    else
        mx_value_format(key, &point->value[key], out);
}

static bool key_varies(const struct mx_results *results, const struct ranking *ranking,
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

static int choose_axes(const struct mx_results *results, const struct ranking *ranking,
                       struct axes *axes)
{
    const enum mx_key_id *keys;
    size_t                n = mx_grid_axis_keys(results->plan->grid, &keys);

    *axes = (struct axes){calloc(n + 1, sizeof axes->keys[0]), 0};
    if (!axes->keys)
        return -1;
    for (size_t k = 0; k < n; k++)
        if (ranking->ncells == 1 || key_varies(results, ranking, keys[k]))
            axes->keys[axes->count++] = keys[k];
    return 0;
}

/* The last part of a key's name if no other axis ends in the same. */
static const char *short_name(const struct axes *axes, size_t k)
{
    const char *name = mx_keys[axes->keys[k]].name, *last = strrchr(name, '.');

    for (size_t other = 0; last && other < axes->count; other++) {
        const char *ending = strrchr(mx_keys[axes->keys[other]].name, '.');

        if (other != k && ending && strcmp(ending, last) == 0)
            return name;
    }
    return last ? last + 1 : name;
}

static struct mx_text_table *make_table(const struct ranking *ranking, const struct axes *axes,
                                        bool remarks)
{
    size_t                 n = 0;
    struct mx_text_column *columns = calloc(axes->count + 5, sizeof columns[0]);
    struct mx_text_table  *table;
    char                   test[WORKER_METRIC_NAME_SIZE + 2];

    if (!columns)
        return NULL;
    columns[n++] = (struct mx_text_column){"#", NULL, true, false, false};
    for (size_t k = 0; k < axes->count; k++)
        columns[n++] = (struct mx_text_column){mx_keys[axes->keys[k]].name, short_name(axes, k),
                                               false, true, false};
    columns[n++] = (struct mx_text_column){"n", NULL, true, false, false};
    columns[n++] = (struct mx_text_column){ranking->metric, NULL, false, false, false};
    snprintf(test, sizeof test, "%s*", ranking->test);
    if (ranking->test[0])
        columns[n++] = (struct mx_text_column){test, NULL, false, false, true};
    if (remarks)
        columns[n++] = (struct mx_text_column){"", NULL, false, true, true};
    table = mx_text_table_new(columns, n);
    free(columns);
    return table;
}

static void add_row(const struct mx_results *results, const struct ranking *ranking,
                    const struct axes *axes, size_t k, bool remarks, struct mx_text_table *table)
{
    const struct ranked *row = &ranking->cells[k];
    struct mx_buf        text = {0};
    struct mx_point      point;
    char                 number[48];

    snprintf(number, sizeof number, "%zu", k + 1);
    mx_text_table_add(table, row->complete ? number : "-");
    mx_grid_point(results->plan->grid, results->plan->trials[row->cell.first].point, &point);
    for (size_t a = 0; a < axes->count; a++) {
        value_text(&point, axes->keys[a], &text);
        mx_text_table_add(table, mx_buf_str(&text));
    }
    snprintf(number, sizeof number, "%zu/%u", row->value.n, row->cell.count);
    mx_text_table_add(table, number);
    mx_buf_clear(&text);
    put_summary(&row->value, &text);
    mx_text_table_add(table, mx_buf_str(&text));
    mx_buf_clear(&text);
    put_summary(&row->test, &text);
    if (ranking->test[0])
        mx_text_table_add(table, mx_buf_str(&text));
    mx_buf_clear(&text);
    put_remark(results, row, &text);
    if (remarks)
        mx_text_table_add(table, mx_buf_str(&text));
    mx_buf_free(&text);
}

static int put_table(const struct mx_results *results, const struct ranking *ranking, size_t rows,
                     unsigned width, struct mx_buf *out)
{
    bool                  remarks = rows > ranking->ncomplete;
    struct axes           axes;
    struct mx_text_table *table;

    if (choose_axes(results, ranking, &axes) || !(table = make_table(ranking, &axes, remarks))) {
        free(axes.keys);
        return -1;
    }
    for (size_t k = 0; k < rows; k++)
        add_row(results, ranking, &axes, k, remarks, table);
    mx_text_table_print(table, width, out);
    mx_text_table_free(table);
    free(axes.keys);
    return 0;
}

static void put_head(const struct ranking *ranking, struct mx_buf *out)
{
    mx_buf_printf(out, "\nbest cells by %s, %s is better%s\n", ranking->metric,
                  ranking->smaller ? "less" : "more", ranking->ncomplete == 0 ? ": none" : "");
}

/* By what rule heads were chosen, and how many images the groups have. */
static void put_groups(const struct mx_results *results, const struct ranking *ranking,
                       struct mx_buf *out)
{
    enum mx_results_rule rule = MX_RULE_NONE;
    bool                 heads = false;
    struct mx_point      point;

    for (size_t k = 0; k < ranking->ncells && (rule == MX_RULE_NONE || !heads); k++) {
        const struct mx_cell_trials cell = ranking->cells[k].cell;

        mx_grid_point(results->plan->grid, results->plan->trials[cell.first].point, &point);
        heads |= point.value[KEY_HEAD_METHOD].choice != WORKER_HEAD_ERM;
        if (rule == MX_RULE_NONE)
            rule = mx_results_rule(results, cell);
    }
    if (heads && rule != MX_RULE_NONE)
        mx_buf_printf(out, "heads were chosen by the worst %s of the validation split\n",
                      rule == MX_RULE_WORST_GROUP ? "group" : "class");
    if (rule == MX_RULE_WORST_GROUP)
        mx_results_put_group_counts(results, ranking->cells[0].cell, out);
}

static void put_foot(const struct mx_results *results, const struct ranking *ranking, size_t rows,
                     struct mx_buf *out)
{
    if (rows < ranking->ncells)
        mx_buf_printf(out, "showing %zu of %zu cells\n", rows, ranking->ncells);
    if (ranking->test[0])
        mx_buf_text(out, "* not used for the ranking\n");
    put_groups(results, ranking, out);
    if (results->config->base[KEY_REPEATS].integer > 1)
        mx_buf_text(out, "\xC2\xB1 half of the 95 % interval of the mean over repeats\n");
}

/* The scores of maps of the same cells. */
static int put_scores(const struct mx_results *results, const struct ranking *ranking, size_t rows,
                      unsigned width, struct mx_buf *out)
{
    struct mx_cell_trials *cells = calloc(rows + 1, sizeof *cells);
    int                    rc = -1;

    for (size_t k = 0; cells && k < rows; k++)
        cells[k] = ranking->cells[k].cell;
    if (cells)
        rc = mx_results_print_scores(results, cells, rows, width, out);
    free(cells);
    return rc;
}

static void print_ranking(const struct mx_results *results, struct ranking ranking, size_t rows,
                          unsigned width, struct mx_buf *out)
{
    choose_metric(results, &ranking);
    if (collect(results, &ranking))
        goto fail;
    sort(&ranking);
    if (rows > ranking.ncells)
        rows = ranking.ncells;
    put_head(&ranking, out);
    if (put_table(results, &ranking, rows, width, out))
        goto fail;
    put_foot(results, &ranking, rows, out);
    if (put_scores(results, &ranking, rows, width, out))
        goto fail;
    free(ranking.cells);
    return;
fail:
    out->failed = true;
    free(ranking.cells);
}

void mx_results_print(const struct mx_results *results, const struct mx_sched_counts *counts,
                      size_t rows, unsigned width, struct mx_buf *out)
{
    put_counts(counts, out);
    if (!mx_results_mix_rules(results)) {
        print_ranking(results, (struct ranking){0}, rows, width, out);
        return;
    }
    mx_buf_text(out,
                "\nsome heads were chosen by the worst group, others, of sets without groups, by "
                "the worst class: a table each\n");
    print_ranking(results, (struct ranking){.only = true, .groups = true}, rows, width, out);
    print_ranking(results, (struct ranking){.only = true, .groups = false}, rows, width, out);
}
