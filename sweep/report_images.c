/* report_images.c - sweeps of one repeat: cells against their controls over the images that both
 * were scored on, by paired bootstrap. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/report_images.h"
#include "sweep/report_tables.h"
#include "worker/intervals.h"

enum {
    MOST_ROWS = 60,
    MOST_COLUMNS = 24,
    ABREAST = 6,          /* columns of one table */
    MOST_DRAWN = 1 << 26, /* bytes of resamples */
    MOST_STEPS = 1 << 28, /* images times resamples, of all pairs together */
    FEW_IMAGES = 20,
    FINE = 200 /* resamples for each comparison: p down to 0.01 */
};

/* A cell and its control. */
struct pair {
    struct mx_cell_trials cell, control;
};

/* What the tables are made from. */
struct tables {
    struct report             *r;
    struct pair                pairs[MOST_ROWS];
    struct report_image_column columns[MOST_COLUMNS];
    struct report_difference  *cells; /* (npairs, ncolumns) */
    double                    *p;     /* the same */
    size_t                     npairs, ncolumns, images;
    bool                       cut; /* there was no time for all of it */
    uint32_t                   resamples;
    uint8_t                   *drawn; /* (resamples, images): how often each image is in each */
};

/* The plain cell of the same frame that comes first. */
static void find_pairs(struct tables *t)
{
    const struct mx_ranking *ranking = &t->r->ranking;

    for (size_t k = 0; k < ranking->ncells && t->npairs < MOST_ROWS; k++) {
        const struct mx_cell_trials cell = ranking->cells[k].cell;
        uint64_t                    frame;

        if (report_is_plain(t->r, cell))
            continue;
        frame = report_frame(t->r, cell);
        for (size_t c = 0; c < ranking->ncells; c++)
            if (report_is_plain(t->r, ranking->cells[c].cell) &&
                report_frame(t->r, ranking->cells[c].cell) == frame) {
                t->pairs[t->npairs++] = (struct pair){cell, ranking->cells[c].cell};
                break;
            }
    }
}

static void draw_all(struct tables *t)
{
    const struct mx_stream stream =
        mx_stream_make((uint64_t)t->r->config->base[KEY_SEED].integer, 0, MX_PURPOSE_BOOTSTRAP, 0);

    t->drawn = malloc((size_t)t->resamples * t->images + 1);
    for (uint32_t k = 0; t->drawn && k < t->resamples; k++)
        worker_resample(stream, WORKER_FEATURES_TEST, k, (uint32_t)t->images,
                        t->drawn + (size_t)k * t->images);
    t->r->out->failed |= !t->drawn;
}

/* The resamples of the sweep's own intervals over images, and more of the same stream where Holm's
 * factor would leave no small p: the least that can come out is 2 times that factor over them. */
static void draw(struct tables *t)
{
    const size_t pairs = t->npairs * t->ncolumns;
    size_t       wanted = FINE * pairs;

    if (wanted > MOST_STEPS / (pairs * t->images))
        wanted = MOST_STEPS / (pairs * t->images);
    if (wanted > MOST_DRAWN / t->images)
        wanted = MOST_DRAWN / t->images;
    if (wanted > t->resamples)
        t->resamples = (uint32_t)wanted;
    draw_all(t);
}

/* Both cells' numbers of a column, if they are there and of the same images. */
static bool read_both(struct tables *t, size_t row, size_t column,
                      struct report_image_values both[2])
{
    const struct pair *pair = &t->pairs[row];

    both[0] = both[1] = (struct report_image_values){0};
    if (report_image_read(t->r, pair->cell.first, &t->columns[column], &both[0]) &&
        report_image_read(t->r, pair->control.first, &t->columns[column], &both[1]) &&
        both[0].n == both[1].n && both[0].n >= FEW_IMAGES &&
        (t->images == 0 || t->images == both[0].n))
        return true;
    report_image_free(&both[0]);
    report_image_free(&both[1]);
    return false;
}

/* Fill the table as far as its resamples take no longer than a page may. */
static bool compare_all(struct tables *t)
{
    const size_t size = t->npairs * t->ncolumns;
    size_t       steps = 0;
    bool         any = false;

    t->cells = calloc(size + 1, sizeof *t->cells);
    t->p = calloc(size + 1, sizeof *t->p);
    t->r->out->failed |= !t->cells || !t->p;
    for (size_t k = 0; t->cells && t->p && k < size; k++) {
        struct report_image_values both[2];

        t->p[k] = NAN;
        t->cells[k].value = NAN;
        t->cut |= steps > MOST_STEPS;
        if (steps > MOST_STEPS || !read_both(t, k / t->ncolumns, k % t->ncolumns, both))
            continue;
        t->images = both[0].n;
        if (!t->drawn && (size_t)t->resamples * t->images <= MOST_DRAWN)
            draw(t);
        if (t->drawn) {
            t->cells[k] = report_image_compare(&both[0], &both[1], t->drawn, t->resamples);
            t->p[k] = t->cells[k].p;
            steps += (size_t)t->resamples * t->images;
            any = true;
        }
        report_image_free(&both[0]);
        report_image_free(&both[1]);
    }
    return any && reduce_holm(t->p, size) == 0;
}

static void put_cell(struct tables *t, size_t row, size_t column)
{
    const size_t                    k = row * t->ncolumns + column;
    const struct report_difference *d = &t->cells[k];
    char                            text[MX_SHOWN_SIZE];

    mx_buf_text(t->r->out, "<td>");
    if (isfinite(d->value)) {
        const struct reduce_summary s = {.mean = d->value, .low = d->low, .high = d->high};

        report_summary_put(t->r, &s, (struct mx_bounds){-INFINITY, INFINITY});
        mx_buf_printf(t->r->out, " <span class=\"note\">p %s%s</span>",
                      t->p[k] < 1e-4 ? "&lt; " : "",
                      t->p[k] < 1e-4 ? "0.0001" : mx_html_shown(t->p[k], text));
    } else {
        mx_buf_text(t->r->out, "\xE2\x80\x93");
    }
    mx_buf_text(t->r->out, "</td>");
}

static void put_block(struct tables *t, size_t first, size_t n)
{
    struct report *r = t->r;

    mx_buf_text(r->out, "<div class=\"scroll\"><table class=\"stack even\"><thead><tr>"
                        "<th class=\"fixed\">cell</th>");
    for (size_t c = first; c < first + n; c++) {
        mx_buf_text(r->out, "<th>");
        report_name_put(r, t->columns[c].name);
        mx_buf_printf(r->out, "<br><span class=\"note\">%s</span></th>",
                      report_metric_way(t->columns[c].name));
    }
    mx_buf_text(r->out, "</tr></thead><tbody>\n");
    for (size_t row = 0; row < t->npairs; row++) {
        char *label = report_label_new(r, t->pairs[row].cell);

        mx_buf_text(r->out, "<tr><th class=\"fixed\" scope=\"row\">");
        mx_html_text(r->out, label ? label : "");
        mx_buf_text(r->out, "</th>");
        free(label);
        for (size_t c = first; c < first + n; c++)
            put_cell(t, row, c);
        mx_buf_text(r->out, "</tr>\n");
    }
    mx_buf_text(r->out, "</tbody></table></div>\n");
}

static void put_note(struct tables *t)
{
    char   least[MX_SHOWN_SIZE];
    size_t measured = 0;

    for (size_t k = 0; k < t->npairs * t->ncolumns; k++)
        measured += isnan(t->p[k]) ? 0 : 1;
    mx_buf_printf(
        t->r->out,
        "<p class=\"note\">Differences to the control (nothing mixed, the network's own head, all "
        "else being equal), on the same %zu test images: 95 %% interval and p by paired bootstrap "
        "over images (%u resamples), p adjusted by Holm for all columns together: here it cannot "
        "be "
        "below %s. What varies is the images. There is one network of each cell: whether another "
        "seed would give the same difference, only more repeats tell.</p>\n",
        t->images, (unsigned)t->resamples,
        mx_html_shown(fmin(1, 2.0 * (double)measured / (t->resamples + 1.0)), least));
    if (t->cut)
        mx_buf_text(t->r->out, "<p class=\"note\">The last of these cells are left empty: so many "
                               "images take too long for a page.</p>\n");
    report_curve_rule(t->r);
}

void report_images(struct report *r)
{
    struct tables *t;

    if (r->config->base[KEY_REPEATS].integer != 1)
        return;
    if (!(t = calloc(1, sizeof *t))) {
        r->out->failed = true;
        return;
    }
    t->r = r;
    t->resamples = (uint32_t)r->config->base[KEY_SCORE_BOOTSTRAP].integer;
    t->ncolumns = report_image_columns(r, t->columns, MOST_COLUMNS);
    if (t->ncolumns > 0 && t->resamples > 0)
        find_pairs(t);
    if (t->npairs > 0 && compare_all(t)) {
        for (size_t c = 0; c < t->ncolumns; c += ABREAST)
            put_block(t, c, t->ncolumns - c < ABREAST ? t->ncolumns - c : ABREAST);
        put_note(t);
    }
    free(t->cells);
    free(t->p);
    free(t->drawn);
    free(t);
}
