/* report_inter.c - models compared with each other: the matrix beside its additive parts. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/csv_read.h"
#include "base/num.h"
#include "sweep/report_files.h"
#include "worker/inter_model.h"
#include "worker/inter_parts.h"

enum {
    MOST_CELLS = 30,   /* of a matrix that is drawn */
    COMPARISONS = 2,   /* groups of models of one kind of images */
    MATRICES = 6,      /* of one comparison */
    MOST_MODELS = 4000 /* rows of models.csv */
};

/* A comparison: its models as cells. */
struct comparison {
    struct report *r;
    uint32_t       stage;
    size_t         nmodels, *cell_of; /* (nmodels): by row of the matrix; SIZE_MAX: not shown */
    struct mx_cell_trials cells[MOST_CELLS];
    char                 *names[MOST_CELLS + 1]; /* "3 cutmix, 0.2"; the last is "own map" */
    size_t                ncells, left_out;      /* left_out: cells there is no room for */
};

static size_t place_of(struct comparison *c, struct mx_cell_trials cell)
{
    size_t at = 0;

    while (at < c->ncells && c->cells[at].first != cell.first)
        at++;
    if (at < c->ncells)
        return at;
    if (c->ncells == MOST_CELLS) {
        c->left_out++;
        return SIZE_MAX;
    }
    c->cells[c->ncells] = cell;
    return c->ncells++;
}

/* The cell that a trial is of. */
static struct mx_cell_trials cell_of_trial(const struct report *r, uint32_t trial)
{
    return mx_results_cell(r->results, trial - r->plan->trials[trial].repeat <= trial
                                           ? trial - r->plan->trials[trial].repeat
                                           : trial);
}

/* Rows of models.csv that have a place in the matrix. Returns whether there are any. */
static bool read_models(struct comparison *c)
{
    struct mx_table *table = report_table_open(c->r, c->stage, "models.csv");
    size_t           row = SIZE_MAX, trial = SIZE_MAX;

    if (!(c->cell_of = calloc(MOST_MODELS, sizeof c->cell_of[0])))
        c->r->out->failed = true;
    if (table && mx_table_next(table, NULL) == 1) {
        row = mx_table_find(table, "row");
        trial = mx_table_find(table, "trial");
    }
    while (c->cell_of && row != SIZE_MAX && trial != SIZE_MAX && c->nmodels < MOST_MODELS &&
           mx_table_next(table, NULL) == 1 && mx_table_fields(table) > trial) {
        uint32_t found;

        if (!*mx_table_field(table, row))
            continue; /* left out of the matrix */
        found = report_trial(c->r, mx_table_field(table, trial));
        c->cell_of[c->nmodels++] =
            found == UINT32_MAX ? SIZE_MAX : place_of(c, cell_of_trial(c->r, found));
    }
    mx_table_close(table);
    return c->nmodels > 0 && c->ncells > 0;
}

static void name_cells(struct comparison *c)
{
    for (size_t k = 0; k < c->ncells; k++) {
        struct mx_buf text = {0};

        mx_buf_printf(&text, "%zu ", k + 1);
        report_label(c->r, c->cells[k], &text);
        c->names[k] = text.data;
        c->r->out->failed |= !mx_buf_ok(&text);
    }
    c->names[c->ncells] = strdup("its own maps");
    c->r->out->failed |= !c->names[c->ncells];
}

/* From models to cells: the mean over pairs of different models, and in one more column the
 * diagonal. (cells, cells + 1), to be freed. */
static double *fold(const struct comparison *c, const double *matrix)
{
    const size_t n = c->ncells, columns = n + 1;
    double      *folded = calloc(n * columns, sizeof *folded);
    size_t      *counts = calloc(n * columns, sizeof *counts);

    for (size_t i = 0; folded && counts && i < c->nmodels; i++)
        for (size_t j = 0; j < c->nmodels; j++) {
            const size_t map = c->cell_of[i], scorer = i == j ? n : c->cell_of[j];
            const double area = matrix[i * c->nmodels + j];

            if (map == SIZE_MAX || scorer == SIZE_MAX || isnan(area))
                continue;
            folded[map * columns + scorer] += area;
            counts[map * columns + scorer]++;
        }
    for (size_t k = 0; folded && counts && k < n * columns; k++)
        folded[k] = counts[k] > 0 ? folded[k] / (double)counts[k] : NAN;
    free(counts);
    c->r->out->failed |= !folded;
    return folded;
}

static void put_matrix(struct comparison *c, const double *folded, const char *map,
                       const char *word)
{
    char           alt[300], numbers[MOST_CELLS][24], low[MX_SHOWN_SIZE], high[MX_SHOWN_SIZE];
    const char    *ticks[MOST_CELLS + 1];
    struct mx_heat heat = {.rows = c->ncells,
                           .columns = c->ncells + 1,
                           .values = folded,
                           .row_names = (const char *const *)c->names,
                           .column_names = (const char *const *)c->names,
                           .column_ticks = ticks,
                           .row_label = "maps of",
                           .column_label = "scored by",
                           .alt = alt,
                           .low = INFINITY,
                           .high = -INFINITY};

    for (size_t k = 0; k < c->ncells; k++) {
        snprintf(numbers[k], sizeof numbers[k], "%zu", k + 1);
        ticks[k] = numbers[k];
    }
    ticks[c->ncells] = "own";
    for (size_t k = 0; k < c->ncells * (c->ncells + 1); k++) {
        heat.low = fmin(heat.low, folded[k]);
        heat.high = fmax(heat.high, folded[k]);
    }
    snprintf(
        alt, sizeof alt,
        "areas below the curves of %zu cells' networks while pixels go in the order of the maps "
        "of each other, %s, %s",
        c->ncells, map, word);
    report_figure_begin(c->r);
    mx_heat_svg(&heat, c->r->out);
    report_figure_end(
        c->r,
        "The matrix: normalised areas, light %s to dark %s. On the diagonal, repeats of "
        "one cell score each other's maps; own: a network scores its own.",
        mx_html_shown(heat.low, low), mx_html_shown(heat.high, high));
}

/* One of the additive parts, as cells.csv has it. */
static bool put_part(struct comparison *c, const char *part, const char *means, const char *map,
                     const char *word)
{
    struct mx_plot_point  points[MOST_CELLS];
    struct mx_plot_series series = {
        .name = NULL, .points = points, .npoints = c->ncells, .form = MX_PLOT_DOTS};
    char           metric[WORKER_METRIC_NAME_SIZE], numbers[MOST_CELLS][24], alt[300];
    const char    *words[MOST_CELLS];
    struct mx_plot plot = {.x_label = "cell (numbers as in the matrix)",
                           .y_label = metric,
                           .alt = alt,
                           .x_axis = MX_PLOT_WORDS,
                           .words = words,
                           .nwords = c->ncells,
                           .y_low = NAN,
                           .y_high = NAN,
                           .series = &series,
                           .nseries = 1};
    bool           any = false;

    snprintf(metric, sizeof metric, "test.inter_model_%s.%s.%s", part, map, word);
    for (size_t k = 0; k < c->ncells; k++) {
        const struct reduce_summary s = report_summary(c->r, c->cells[k], metric);

        snprintf(numbers[k], sizeof numbers[k], "%zu", k + 1);
        words[k] = numbers[k];
        points[k] = report_plot_point((double)k, s, metric);
        any |= s.n > 0;
    }
    if (!any)
        return false;
    snprintf(alt, sizeof alt, "%s of %zu cells: %s", metric, c->ncells, means);
    report_figure_begin(c->r);
    mx_plot_svg(&plot, c->r->out);
    report_figure_end(c->r, "%s", means);
    return true;
}

static bool put_curve(struct comparison *c, const char *map, const char *word)
{
    char                    file[160];
    struct worker_npy_shape shape;
    double                 *matrix, *folded;
    const size_t            start = c->r->out->len;

    snprintf(file, sizeof file, "matrix.%s.%s.npy", map, word);
    matrix = report_npy(c->r, c->stage, file, &shape);
    if (!matrix || shape.rows != c->nmodels || shape.row != c->nmodels ||
        !(folded = fold(c, matrix))) {
        free(matrix);
        report_undo(c->r, start);
        return false;
    }
    mx_buf_text(c->r->out, "<h3>");
    mx_html_text(c->r->out, map);
    mx_buf_text(c->r->out, ", ");
    mx_html_text(c->r->out, word);
    mx_buf_text(c->r->out, "</h3>\n<div class=\"figures four\">");
    put_matrix(c, folded, map, word);
    put_part(c, "map", "what its maps carry for every network (higher is better)", map, word);
    put_part(c, "scorer", "how it fares whatever the maps: robustness to occlusion", map, word);
    put_part(c, "self", "what its maps carry for itself alone", map, word);
    mx_buf_text(c->r->out, "</div>\n");
    free(folded);
    free(matrix);
    return true;
}

static size_t count_rows(struct comparison *c, const char *name)
{
    struct mx_table *table = report_table_open(c->r, c->stage, name);
    size_t           n = 0;

    while (table && mx_table_next(table, NULL) == 1)
        n++;
    mx_table_close(table);
    return n > 0 ? n - 1 : 0;
}

/* models.csv as it is: what each model costs the others. */
static void put_models(struct comparison *c)
{
    struct mx_table *table = report_table_open(c->r, c->stage, "models.csv");

    mx_buf_text(c->r->out,
                "<details><summary>The models, and how many images each costs</summary>\n"
                "<div class=\"scroll\"><table>\n");
    for (size_t n = 0; table && n < REPORT_ROWS && mx_table_next(table, NULL) == 1; n++) {
        mx_buf_text(c->r->out, "<tr>");
        for (size_t k = 0; k < mx_table_fields(table); k++)
            report_element(c->r, n == 0 ? "th" : "td", mx_table_field(table, k));
        mx_buf_text(c->r->out, "</tr>\n");
    }
    mx_table_close(table);
    mx_buf_text(c->r->out, "</table></div></details>\n");
}

static void put_comparison(struct report *r, uint32_t stage)
{
    struct comparison        c = {.r = r, .stage = stage};
    const struct mx_value   *maps = &r->config->base[KEY_SCORE_ATTRIBUTIONS];
    static const char *const words[] = {"zero", "blur", "road", "insertion_blur", "insertion_road"};
    size_t                   n = 0, images;

    if (read_models(&c)) {
        name_cells(&c);
        images = count_rows(&c, "images.csv");
        mx_buf_printf(r->out,
                      "<p>%zu models, compared on the %zu images that all of them get right.",
                      c.nmodels, images);
        mx_buf_text(r->out, images < WORKER_INTER_FEW_IMAGES
                                ? " <span class=\"tag bad\">few: below 100</span></p>\n"
                                : "</p>\n");
        if (images == 0)
            mx_buf_text(r->out, "<p class=\"warn\">Without a common image nothing can be compared. "
                                "The list below says what each model costs; a higher "
                                "<code>score.inter_model.min_accuracy</code> leaves out the worst, "
                                "and <code>score.inter_model.images</code> gives more to choose "
                                "from.</p>\n");
        for (size_t m = 0; m < maps->list.count; m++)
            for (size_t w = 0; w < sizeof words / sizeof words[0] && n < MATRICES; w++)
                n += put_curve(&c, worker_attributions[maps->list.items[m].choice].word, words[w]);
        if (c.left_out > 0)
            mx_buf_printf(r->out, "<p class=\"note\">Showing the first %d cells.</p>\n",
                          MOST_CELLS);
        put_models(&c);
    }
    for (size_t k = 0; k <= c.ncells && c.ncells > 0; k++)
        free(c.names[k]);
    free(c.cell_of);
}

void report_inter(struct report *r)
{
    size_t n = 0;

    for (uint32_t s = 0; s < r->plan->nstages && n < COMPARISONS; s++)
        if (r->plan->stages[s].kind == WORKER_STAGE_INTER_MODEL) {
            const size_t before = r->out->len;

            put_comparison(r, s);
            n += r->out->len > before;
        }
    if (n > 0)
        mx_buf_text(r->out,
                    "<p class=\"note\">Ours: the paper's purpose, whose exact formula is not "
                    "public. A(i, j) = mean + map(i) + scorer(j) + rest, fitted over i &ne; j: "
                    "the scorers' own robustness is taken out of what maps carry. Intervals: "
                    "95 %, over repeats.</p>\n");
    if (n > 0)
        report_curve_rule(r);
}
