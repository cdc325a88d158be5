/* report_tests.c - cells against their controls and against the first: Student's t
 * of differences within one repeat, adjusted by Holm for the whole table. */
#include <math.h>
#include <stdlib.h>

#include "sweep/report_tables.h"

uint64_t report_frame(struct report *r, struct mx_cell_trials cell)
{
    const enum mx_key_id *keys;
    const size_t          n = mx_grid_axis_keys(r->plan->grid, &keys);
    struct mx_buf         text = {0};
    struct mx_point       point;
    uint64_t              hash;

    report_point(r, cell, &point);
    for (size_t k = 0; k < n; k++)
        if (mx_keys[keys[k]].section != MX_SECTION_MIX &&
            mx_keys[keys[k]].section != MX_SECTION_HEAD) {
            mx_axis_text(&point, keys[k], &text);
            mx_buf_text(&text, "\n");
        }
    hash = mx_hash64(mx_buf_str(&text), text.len);
    r->out->failed |= text.failed;
    mx_buf_free(&text);
    return hash;
}

bool report_is_plain(const struct report *r, struct mx_cell_trials cell)
{
    struct mx_point point;

    report_point(r, cell, &point);
    return point.value[KEY_MIX_STRATEGY].choice == WORKER_MIX_NONE &&
           point.value[KEY_HEAD_METHOD].choice == WORKER_HEAD_ERM;
}

/* Differences of two cells in the repeats that have both; cell by cell repeats run from 0. */
static struct reduce_paired compare(const struct report_table *t, struct mx_cell_trials a,
                                    struct mx_cell_trials b, const char *metric)
{
    const struct report *r = t->r;
    const size_t         at = mx_metric_columns_place(&r->columns, metric);
    size_t               n = 0;

    for (uint32_t k = 0; at != SIZE_MAX && k < a.count && k < b.count; k++) {
        const double x = mx_metric_of(r->results, &r->columns.list[at], a.first + k);
        const double y = mx_metric_of(r->results, &r->columns.list[at], b.first + k);

        if (isfinite(x) && isfinite(y))
            t->differences[n++] = x - y;
    }
    return reduce_paired(t->differences, n);
}

/* The plain cell of the same frame that comes first in the grid. */
static void find_controls(struct report_table *t)
{
    const struct mx_ranking *ranking = t->ranking;

    for (size_t k = 0; k < ranking->ncells; k++) {
        t->frames[k] = report_frame(t->r, ranking->cells[k].cell);
        t->rows[k] =
            (struct report_row){.ranked = &ranking->cells[k],
                                .is_control = report_is_plain(t->r, ranking->cells[k].cell)};
        t->p[k] = NAN;
    }
    for (size_t c = 0; c < ranking->ncells; c++)
        for (size_t k = 0; t->rows[c].is_control && k < ranking->ncells; k++) {
            struct report_row *row = &t->rows[k];

            if (row->is_control || row->has_control || t->frames[k] != t->frames[c])
                continue;
            row->has_control = t->rows[c].is_compared = true;
            t->ncontrolled++;
            row->to_control = compare(t, row->ranked->cell, t->rows[c].ranked->cell, t->tested);
            if (row->to_control.n >= REDUCE_FEW_PAIRS) {
                t->p[k] = row->to_control.p;
                t->ntested++;
            }
        }
}

/* Whether the leader is told apart from every other complete cell. */
static void compare_with_leader(struct report_table *t)
{
    const struct mx_ranking *ranking = t->ranking;

    t->best = ranking->ncomplete > 1;
    for (size_t k = 1; k < ranking->ncomplete; k++) {
        const struct reduce_paired d =
            compare(t, ranking->cells[0].cell, ranking->cells[k].cell, ranking->metric);
        /* Differences that are all the same in few repeats are counts of few images, no interval. */
        const bool interval = d.low < d.high || d.n >= REDUCE_FEW_PAIRS;
        const bool apart = interval && (ranking->smaller ? d.high < 0 : d.low > 0);

        t->rows[k].near_leader = !apart;
        t->best &= apart;
    }
}

int report_tests_make(struct report_table *t)
{
    t->tested = report_measured(t->r, t->ranking->test) ? t->ranking->test : t->ranking->metric;
    find_controls(t);
    compare_with_leader(t);
    return reduce_holm(t->p, t->ranking->ncells);
}
