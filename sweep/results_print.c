#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "sweep/results_rank.h"
#include "sweep/text_table.h"

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

/* "0.9012 ± 0.0034"; "" of nothing. Values that are all the same make no interval: they say that few
 * images were counted, not that the next repeat would agree. */
static void put_summary(const struct reduce_summary *s, struct mx_buf *out)
{
    char text[MX_NUM_SIZE];

    if (s->n == 0)
        return;
    mx_buf_text(out, mx_num_format_fixed(s->mean, 4, text));
    if (s->sd > 0)
        mx_buf_printf(out, " \xC2\xB1 %s", mx_num_format_fixed(s->high - s->mean, 4, text));
}

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

static struct mx_text_table *make_table(const struct mx_ranking *ranking,
                                        const struct mx_axes *axes, bool remarks)
{
    size_t                 n = 0;
    struct mx_text_column *columns = calloc(axes->count + 5, sizeof columns[0]);
    struct mx_text_table  *table;
    char                   test[WORKER_METRIC_NAME_SIZE + 2];

    if (!columns)
        return NULL;
    columns[n++] = (struct mx_text_column){"#", NULL, true, false, false};
    for (size_t k = 0; k < axes->count; k++)
        columns[n++] = (struct mx_text_column){mx_keys[axes->keys[k]].name,
                                               mx_axes_short_name(axes, k), false, true, false};
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

static void add_row(const struct mx_results *results, const struct mx_ranking *ranking,
                    const struct mx_axes *axes, size_t k, bool remarks, struct mx_text_table *table)
{
    const struct mx_ranked *row = &ranking->cells[k];
    struct mx_buf           text = {0};
    struct mx_point         point;
    char                    number[48];

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
    mx_ranked_remark(results, row, &text);
    if (remarks)
        mx_text_table_add(table, mx_buf_str(&text));
    mx_buf_free(&text);
}

static int put_table(const struct mx_results *results, const struct mx_ranking *ranking,
                     size_t rows, unsigned width, struct mx_buf *out)
{
    bool                  remarks = rows > ranking->ncomplete;
    struct mx_axes        axes;
    struct mx_text_table *table;

    if (mx_axes_varying(results, ranking, &axes) ||
        !(table = make_table(ranking, &axes, remarks))) {
        mx_axes_free(&axes);
        return -1;
    }
    for (size_t k = 0; k < rows; k++)
        add_row(results, ranking, &axes, k, remarks, table);
    mx_text_table_print(table, width, out);
    mx_text_table_free(table);
    mx_axes_free(&axes);
    return 0;
}

static void put_head(const struct mx_ranking *ranking, struct mx_buf *out)
{
    mx_buf_printf(out, "\nbest cells by %s, %s is better%s\n", ranking->metric,
                  ranking->smaller ? "less" : "more", ranking->ncomplete == 0 ? ": none" : "");
}

/* By what rule heads were chosen, and how many images the groups have. */
static void put_groups(const struct mx_results *results, const struct mx_ranking *ranking,
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

/* What is below the table that begins at `table` in *out. */
static void put_foot(const struct mx_results *results, const struct mx_ranking *ranking,
                     size_t rows, size_t table, struct mx_buf *out)
{
    const bool intervals = strstr(mx_buf_str(out) + table, "\xC2\xB1 ") != NULL;

    if (rows < ranking->ncells)
        mx_buf_printf(out, "showing %zu of %zu cells\n", rows, ranking->ncells);
    if (ranking->test[0])
        mx_buf_text(out, "* not used for the ranking\n");
    mx_ranking_put_stopped(results, ranking, out);
    put_groups(results, ranking, out);
    if (intervals)
        mx_buf_text(out, "\xC2\xB1 half of the 95 % interval of the mean over repeats\n");
}

/* The scores of maps of the same cells. */
static int put_scores(const struct mx_results *results, const struct mx_ranking *ranking,
                      size_t rows, unsigned width, struct mx_buf *out)
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

static void print_ranking(const struct mx_results *results, struct mx_ranking ranking, size_t rows,
                          unsigned width, struct mx_buf *out)
{
    size_t table;

    if (mx_ranking_make(results, &ranking))
        goto fail;
    if (rows > ranking.ncells)
        rows = ranking.ncells;
    put_head(&ranking, out);
    table = out->len;
    if (put_table(results, &ranking, rows, width, out))
        goto fail;
    put_foot(results, &ranking, rows, table, out);
    if (put_scores(results, &ranking, rows, width, out))
        goto fail;
    mx_ranking_free(&ranking);
    return;
fail:
    out->failed = true;
    mx_ranking_free(&ranking);
}

void mx_results_print(const struct mx_results *results, const struct mx_sched_counts *counts,
                      size_t rows, unsigned width, struct mx_buf *out)
{
    put_counts(counts, out);
    if (!mx_results_mix_rules(results)) {
        print_ranking(results, (struct mx_ranking){0}, rows, width, out);
        return;
    }
    mx_buf_text(out,
                "\nsome heads were chosen by the worst group, others, of sets without groups, by "
                "the worst class: a table each\n");
    print_ranking(results, (struct mx_ranking){.only = true, .groups = true}, rows, width, out);
    print_ranking(results, (struct mx_ranking){.only = true, .groups = false}, rows, width, out);
}
