/* results_rank.h - cells in the order of the metric that the sweep chooses by: what tables
 * and reports begin with. Never by the test split.
 */
#ifndef MX_SWEEP_RESULTS_RANK_H
#define MX_SWEEP_RESULTS_RANK_H

#include "sweep/results_core.h"

/* A cell with what it is ranked by. */
struct mx_ranked {
    struct mx_cell_trials cell;
    bool                  complete; /* every trial done and measured: it takes part */
    struct reduce_summary value, test;
};

/* What the ranking goes by. */
struct mx_ranking {
    bool              only;   /* cells of one kind: */
    bool              groups; /* those of sets with groups, or the others */
    char              metric[WORKER_METRIC_NAME_SIZE];
    char              test[WORKER_METRIC_NAME_SIZE]; /* the same of the test split, "" if none */
    bool              smaller;
    struct mx_ranked *cells;
    size_t            ncells, ncomplete;
};

/* Rank the cells of a zeroed ranking, in which `only` and `groups` may be set: complete ones
 * first, best first; equal ones and the others in grid order. Returns 0, or -1 if there is no
 * memory; mx_ranking_free() is due either way. */
int  mx_ranking_make(const struct mx_results *results, struct mx_ranking *ranking);
void mx_ranking_free(struct mx_ranking *ranking);

/* Whether less of a metric, a column of results.csv, is better. */
bool mx_metric_smaller_is_better(const char *metric);

/* "lower" or "higher", "" of what only describes and of columns that are no metric. */
const char *mx_metric_better(const char *metric);

/* Append why a cell takes no part: "1 failed (diverged), 1 pending". Nothing if it does. */
void mx_ranked_remark(const struct mx_results *results, const struct mx_ranked *row,
                      struct mx_buf *out);

/* How many cells early stopping keeps out of the ranking though some repeats of theirs went to the
 * end: it judges each repeat by itself. */
size_t mx_ranking_partly_stopped(const struct mx_results *results,
                                 const struct mx_ranking *ranking);

/* Append what that means for whoever reads the table, in one paragraph; nothing where no cell is
 * partly stopped. */
void mx_ranking_put_stopped(const struct mx_results *results, const struct mx_ranking *ranking,
                            struct mx_buf *out);

/* The axis keys whose value differs between cells, else a table of one cell
 * would say nothing: then all of them. */
struct mx_axes {
    enum mx_key_id *keys;
    size_t          count;
};

int  mx_axes_varying(const struct mx_results *results, const struct mx_ranking *ranking,
                     struct mx_axes *axes); /* 0, or -1 if there is no memory */
void mx_axes_free(struct mx_axes *axes);

/* The last part of a key's name if no other axis ends in the same, else the whole. */
const char *mx_axes_short_name(const struct mx_axes *axes, size_t k);

#endif
