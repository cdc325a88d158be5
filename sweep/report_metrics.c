/* report_metrics.c - every metric of the first cells: which way is better, what is ours. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/report_files.h"

enum {
    METRIC_ROWS = 60,
    METRIC_COLUMNS = 60,
    COLUMNS_ABREAST = 6 /* of one table: what a page is wide */
};

/* Which way is better, "" where no ranking can be made of it; and whether no source has it so. */
static const char *direction_of(const char *metric, bool *ours)
{
    const char                    *way = mx_metric_better(metric);
    const int                      word = mx_metric_word(metric);
    const struct worker_map_score *score =
        word < 0 ? NULL : worker_map_score(mx_metric_words[word].word);

    *ours = score && (score->is & WORKER_SCORE_OURS);
    return !*way ? "" : *way == 'l' ? "lower is better" : "higher is better";
}

/* Whether a column is in the table: the first ones of the test split, then of validation. */
static size_t choose_columns(const struct report *r, size_t chosen[METRIC_COLUMNS], size_t *all)
{
    size_t n = 0;

    *all = 0;
    for (int turn = 0; turn < 2; turn++)
        for (size_t k = 0; k < r->columns.count; k++) {
            const bool test = strncmp(r->columns.list[k].name, "test.", 5) == 0;

            if (test != (turn == 0))
                continue;
            ++*all;
            if (n < METRIC_COLUMNS)
                chosen[n++] = k;
        }
    return n;
}

const char *report_metric_way(const char *metric)
{
    bool ours;

    return direction_of(metric, &ours);
}

static void put_head(struct report *r, const size_t *chosen, size_t n)
{
    mx_buf_text(r->out, "<thead><tr><th class=\"fixed\">cell</th>");
    for (size_t k = 0; k < n; k++) {
        const char *name = r->columns.list[chosen[k]].name;
        bool        ours;
        const char *way = direction_of(name, &ours);

        mx_buf_text(r->out, "<th>");
        report_name_put(r, name);
        if (*way || ours)
            mx_buf_printf(r->out, "<br><span class=\"note\">%s%s%s</span>", way,
                          *way && ours ? ", " : "", ours ? "ours" : "");
        mx_buf_text(r->out, "</th>");
    }
    mx_buf_text(r->out, "</tr></thead>\n");
}

static void put_row(struct report *r, struct mx_cell_trials cell, const size_t *chosen, size_t n)
{
    char *label = report_label_new(r, cell);
    char  hex[MX_HASH64_HEX];

    mx_buf_printf(r->out, "<tr data-cell=\"%s\"><th class=\"fixed\" scope=\"row\">",
                  mx_hash64_hex(r->plan->trials[cell.first].cell, hex));
    mx_html_text(r->out, label ? label : "");
    free(label);
    mx_buf_text(r->out, "</th>");
    for (size_t k = 0; k < n; k++) {
        const struct mx_metric_column *column = &r->columns.list[chosen[k]];
        const struct reduce_summary    s = mx_metric_summary(r->results, column, cell, &r->scratch);

        mx_buf_printf(r->out, "<td data-metric=\"%s\">", column->name);
        report_summary_put(r, &s, mx_metric_bounds(column->name));
        mx_buf_text(r->out, "</td>");
    }
    mx_buf_text(r->out, "</tr>\n");
}

/* Some columns of all rows: as many as there is room for. */
static void put_block(struct report *r, const size_t *chosen, size_t n, size_t rows)
{
    mx_buf_text(r->out, "<div class=\"scroll\"><table class=\"stack even\">");
    put_head(r, chosen, n);
    mx_buf_text(r->out, "<tbody>\n");
    for (size_t k = 0; k < rows; k++)
        put_row(r, r->ranking.cells[k].cell, chosen, n);
    mx_buf_text(r->out, "</tbody></table></div>\n");
}

/* Whether every image with a box or mask has a number of its own for a score. */
static bool has_all_marked(const struct worker_map_score *score)
{
    const ptrdiff_t which = score - worker_map_scores;

    return which == WORKER_SCORE_POINTING_GAME || which == WORKER_SCORE_ENERGY_POINTING_GAME ||
           which == WORKER_SCORE_ENERGY_POINTING_GAME_MINUS_AREA ||
           which == WORKER_SCORE_RELEVANCE_RANK;
}

/* How many images are behind the scores that need boxes or masks, by the first such file. */
static void put_marked(struct report *r, const char *metric)
{
    struct worker_npy_shape shape = {0};
    char                    name[WORKER_METRIC_NAME_SIZE + 8];
    double                 *values = NULL;
    uint64_t                marked = 0, images;

    snprintf(name, sizeof name, "%s.npy", metric + strlen("test."));
    for (size_t k = 0; k < r->ranking.ncells && !values; k++)
        values = report_npy(r, report_stage(r, r->ranking.cells[k].cell.first, WORKER_STAGE_SCORES),
                            name, &shape);
    if (!values)
        return;
    images = shape.rows * shape.row;
    for (uint64_t i = 0; i < images; i++)
        marked += isnan(values[i]) ? 0 : 1;
    mx_buf_printf(r->out,
                  "<p class=\"note\">%" PRIu64 " of %" PRIu64 " images have a box or mask: the "
                  "scores of pointing and overlap are of those, the others are skipped.</p>\n",
                  marked, images);
    free(values);
}

/* What is said of metrics that are there. */
static void put_notes(struct report *r, const size_t *chosen, size_t n)
{
    bool        any_ours = false, controls = false, curves = false, cut = false;
    const char *marks = NULL;

    for (size_t k = 0; k < n; k++) {
        const char                    *name = r->columns.list[chosen[k]].name;
        const int                      word = mx_metric_word(name);
        const struct worker_map_score *score =
            word < 0 ? NULL : worker_map_score(mx_metric_words[word].word);

        any_ours |= score && (score->is & WORKER_SCORE_OURS);
        controls |= report_is_control(name);
        curves |= score && (score->is & WORKER_SCORE_FILLED);
        if (!marks && score && has_all_marked(score) && strncmp(name, "test.", 5) == 0)
            marks = name;
        cut |= isfinite(mx_metric_bounds(name).low);
    }
    if (curves)
        report_curve_rule(r);
    if (marks)
        put_marked(r, marks);
    mx_buf_text(r->out, "<p class=\"note\">");
    if (cut && r->config->base[KEY_REPEATS].integer > 1)
        mx_buf_text(r->out, "Intervals end where a metric does (at 0, at 1); cells.csv has them as "
                            "Student's t gives them. ");
    if (any_ours)
        mx_buf_text(r->out, "\"Ours\": a definition of this program, where the source leaves it "
                            "open. ");
    if (controls)
        mx_buf_text(r->out, "The controls <b>random</b> and <b>centre</b> are maps that know "
                            "nothing of the network: a score that is no better than theirs says "
                            "nothing. ");
    mx_buf_text(r->out, "What scores mean, and what they do not: docs/what-scores-mean.md.</p>\n");
}

void report_metrics(struct report *r)
{
    size_t       chosen[METRIC_COLUMNS], all;
    const size_t n = choose_columns(r, chosen, &all);
    const size_t rows = r->ranking.ncells < METRIC_ROWS ? r->ranking.ncells : METRIC_ROWS;

    if (n == 0)
        return;
    mx_buf_printf(r->out, "<details><summary>%zu metric%s of %zu cell%s</summary>\n", n,
                  n == 1 ? "" : "s", rows, rows == 1 ? "" : "s");
    for (size_t k = 0; k < n; k += COLUMNS_ABREAST)
        put_block(r, chosen + k, n - k < COLUMNS_ABREAST ? n - k : COLUMNS_ABREAST, rows);
    mx_buf_text(r->out, "</details>\n");
    if (n < all || rows < r->ranking.ncells)
        mx_buf_printf(r->out,
                      "<p class=\"note\">Showing %zu of %zu metrics and %zu of %zu cells; "
                      "<a href=\"cells.csv\">cells.csv</a> has them all.</p>\n",
                      n, all, rows, r->ranking.ncells);
    put_notes(r, chosen, n);
}
