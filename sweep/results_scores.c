/* The scores of maps on the console: a row each, the controls behind the attributions, the way
 * that is better beside it, and a column for each network of the best cells: heads that share
 * one share its maps. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "sweep/results_core.h"
#include "sweep/text_table.h"
#include "worker/choices.h"

enum {
    MOST_CELLS = 6,
    MOST_ROWS = 60
};

static const char *const better_words[] = {
    [WORKER_BETTER_LOWER] = "lower",
    [WORKER_BETTER_HIGHER] = "higher",
    [WORKER_BETTER_NEITHER] = "",
};

/* What the table is filled from. */
struct scores {
    const struct mx_results *results;
    struct mx_cell_trials    cells[MOST_CELLS];
    size_t                   numbers[MOST_CELLS];                /* in the table above, from 1 */
    size_t                   ncells, nnetworks, nrows, left_out; /* rows */
    double                  *values;                             /* room for a cell's */
    struct mx_text_table    *table;
};

static bool same_network(const struct mx_results *results, struct mx_cell_trials a,
                         struct mx_cell_trials b)
{
    const struct mx_plan *plan = results->plan;

    return plan->stage_of[plan->trials[a.first].first_stage] ==
           plan->stage_of[plan->trials[b.first].first_stage];
}

/* Of the cells the first ones that have different networks. */
static void choose_cells(struct scores *s, const struct mx_cell_trials *cells, size_t ncells)
{
    for (size_t c = 0; c < ncells; c++) {
        size_t before = 0;

        while (before < c && !same_network(s->results, cells[before], cells[c]))
            before++;
        s->nnetworks += before == c;
        if (before < c || s->ncells == MOST_CELLS)
            continue;
        s->cells[s->ncells] = cells[c];
        s->numbers[s->ncells++] = c + 1;
    }
}

static double mean_of(const struct scores *s, size_t cell, size_t column)
{
    const size_t n = mx_results_values(s->results, s->cells[cell], column, s->values);

    return n > 0 ? reduce_summarise(s->values, n, 0).mean : NAN;
}

/* A row for a column of results.csv, if some cell has a number there. */
static void add_row(struct scores *s, enum worker_better better, const char *name)
{
    const size_t column = reduce_table_find(s->results->metrics, name);
    bool         any = false;

    for (size_t c = 0; column != SIZE_MAX && c < s->ncells; c++)
        any |= !isnan(mean_of(s, c, column));
    if (!any)
        return;
    if (s->nrows == MOST_ROWS) {
        s->left_out++;
        return;
    }
    s->nrows++;
    mx_text_table_add(s->table, name + strlen("test."));
    mx_text_table_add(s->table, better_words[better]);
    for (size_t c = 0; c < s->ncells; c++) {
        const double mean = mean_of(s, c, column);
        char         text[MX_NUM_SIZE];

        mx_text_table_add(s->table, isnan(mean) ? "" : mx_num_format_fixed(mean, 4, text));
    }
}

/* Comparisons by insertion: areas are the better the larger they are. */
static void add_insertions(struct scores *s, const struct worker_map_score *score)
{
    static const char *const variants[] = {"insertion_blur", "insertion_road"};
    const enum worker_better better =
        score->better == WORKER_BETTER_LOWER ? WORKER_BETTER_HIGHER : score->better;
    char name[WORKER_METRIC_NAME_SIZE];

    for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++)
        for (unsigned map = 0; map < WORKER_MAPS; map++) {
            snprintf(name, sizeof name, "test.%s.%s.%s", score->word, worker_attributions[map].word,
                     variants[v]);
            add_row(s, better, name);
        }
}

/* All columns of a score, those of one fill together. */
static void add_score(struct scores *s, const struct worker_map_score *score)
{
    static const char *const shares[] = {"10", "30", "50"};
    char                     name[WORKER_METRIC_NAME_SIZE];

    if (score->is & WORKER_SCORE_NO_MAP &&
        score != &worker_map_scores[WORKER_SCORE_OCCLUSION_ACCURACY]) {
        snprintf(name, sizeof name, "test.%s", score->word);
        add_row(s, score->better, name);
        return;
    }
    if (score->is & WORKER_SCORE_NO_MAP) {
        for (size_t k = 0; k < sizeof shares / sizeof shares[0]; k++) {
            snprintf(name, sizeof name, "test.%s.%s", score->word, shares[k]);
            add_row(s, score->better, name);
        }
        return;
    }
    for (unsigned fill = 0; fill < (score->is & WORKER_SCORE_FILLED ? WORKER_FILLS : 1u); fill++)
        for (unsigned map = 0; map < WORKER_MAPS; map++) {
            snprintf(name, sizeof name, "test.%s.%s%s%s", score->word,
                     worker_attributions[map].word, score->is & WORKER_SCORE_FILLED ? "." : "",
                     score->is & WORKER_SCORE_FILLED ? worker_fills[fill].word : "");
            add_row(s, score->better, name);
        }
    if (score->stage == WORKER_STAGE_INTER_MODEL)
        add_insertions(s, score);
}

/* What was asked for and is not there, where it could be. */
static void put_nowhere(const struct scores *s, const struct mx_buf *nowhere, struct mx_buf *out)
{
    bool any = false;

    for (size_t c = 0; c < s->ncells; c++)
        for (uint32_t t = 0; t < s->cells[c].count; t++)
            any |= s->results->states[s->cells[c].first + t] == MX_STATE_DONE;
    if (any && nowhere->len > 0)
        mx_buf_printf(out,
                      "no cell has a number of %s; mixsweep trial DIR ID tells of its stages\n",
                      nowhere->data);
}

/* "#1" ... where there is more than one cell. */
static struct mx_text_table *make_table(const struct scores *s)
{
    struct mx_text_column columns[MOST_CELLS + 2] = {{.head = "score"}, {.head = "better"}};
    char                  heads[MOST_CELLS][24];

    for (size_t c = 0; c < s->ncells; c++) {
        snprintf(heads[c], sizeof heads[c], "#%zu", s->numbers[c]);
        columns[c + 2] =
            (struct mx_text_column){.head = heads[c], .right = true, .optional = c > 0};
    }
    return mx_text_table_new(columns, s->ncells + 2);
}

/* A row for each column of each score that was asked for; the scores that have none. */
static void add_rows(struct scores *s, struct mx_buf *nowhere)
{
    for (unsigned k = 0; k < WORKER_SCORES; k++) {
        const struct worker_map_score *score = &worker_map_scores[k];
        const int                      word = mx_metric_word_of(score->word);
        const size_t                   rows = s->nrows + s->left_out;

        if (word < 0 || !s->results->asked[word] || score->is & WORKER_SCORE_ENDS)
            continue;
        add_score(s, score);
        if (s->nrows + s->left_out == rows)
            mx_buf_printf(nowhere, "%s%s", nowhere->len > 0 ? ", " : "", score->word);
    }
}

/* The table, and which cells its columns are. */
static void put_table(const struct scores *s, size_t ncells, unsigned width, struct mx_buf *out)
{
    size_t shown;

    mx_buf_text(out, "\nscores of maps, and which way is better; columns are the cells above\n");
    shown = mx_text_table_print(s->table, width, out) - 2;
    if (s->left_out > 0)
        mx_buf_printf(out, "showing %zu of %zu scores\n", s->nrows, s->nrows + s->left_out);
    if (s->nnetworks < ncells)
        mx_buf_text(out,
                    "of cells that share a network, and so its maps, the first one is shown\n");
    if (shown < s->nnetworks)
        mx_buf_printf(out, "showing the first %zu of %zu networks\n", shown, s->nnetworks);
}

int mx_results_print_scores(const struct mx_results *results, const struct mx_cell_trials *cells,
                            size_t ncells, unsigned width, struct mx_buf *out)
{
    struct scores s = {.results = results};
    struct mx_buf nowhere = {0};
    uint32_t      most = 1;

    choose_cells(&s, cells, ncells);
    for (size_t c = 0; c < s.ncells; c++)
        most = s.cells[c].count > most ? s.cells[c].count : most;
    s.values = malloc(most * sizeof *s.values);
    s.table = make_table(&s);
    if (!s.values || !s.table) {
        free(s.values);
        mx_text_table_free(s.table);
        return -1;
    }
    add_rows(&s, &nowhere);
    if (s.nrows > 0)
        put_table(&s, ncells, width, out);
    put_nowhere(&s, &nowhere, out);
    mx_buf_free(&nowhere);
    free(s.values);
    mx_text_table_free(s.table);
    return 0;
}
