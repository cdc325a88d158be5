/* results_core.h - inside the results: their state, shared by the results_*.c
 * files. */
#ifndef MX_SWEEP_RESULTS_CORE_H
#define MX_SWEEP_RESULTS_CORE_H

#include <stdbool.h>

#include "reduce/summary.h"
#include "reduce/table.h"
#include "sweep/results.h"
#include "sweep/texts.h"
#include "worker/map_scores.h"

enum {
    MX_METRIC_WORDS_ROOM = 64
};

/* The last attempt of a stage; texts are in the set. */
struct mx_stage_run {
    bool        known;
    unsigned    attempts;
    uint32_t    rank, executor;
    const char *host, *device, *text;
    double      started_utc_s, ended_utc_s, seconds;
    double      before_s; /* in seconds: of pieces of it that went before */

    struct mx_gpu_use gpu, gpu_before; /* likewise */
};

struct mx_results {
    const struct mx_config *config; /* lent, as is the plan */
    const struct mx_plan   *plan;
    struct reduce_table    *metrics; /* stages x names: numbers of a shared stage are kept once */
    struct mx_stage_run    *runs;    /* of stages */
    struct mx_texts         texts;
    enum mx_state          *states; /* of trials */
    enum mx_reason         *reasons;
    bool                    asked[MX_METRIC_WORDS_ROOM]; /* metric words of score.metrics */
};

/* Trials [first .. first + count) of one cell. */
struct mx_cell_trials {
    uint32_t first, count;
};

/* The cell that begins with trial `first`. */
struct mx_cell_trials mx_results_cell(const struct mx_results *results, uint32_t first);

/* By what a cell's head, and its epoch, were chosen on the validation split: by the worst
 * group, or without groups by the worst class. A network with its own head was not chosen. */
enum mx_results_rule {
    MX_RULE_NONE, /* or nothing is measured yet */
    MX_RULE_WORST_GROUP,
    MX_RULE_WORST_CLASS
};
enum mx_results_rule mx_results_rule(const struct mx_results *results, struct mx_cell_trials cell);

/* Whether some heads were chosen by groups and others by classes: no table takes both. */
bool mx_results_mix_rules(const struct mx_results *results);

/* Append a line with the test images of each group, as the cell's first trial has them; nothing
 * without. */
void mx_results_put_group_counts(const struct mx_results *results, struct mx_cell_trials cell,
                                 struct mx_buf *out);

/* The measured values of a cell's trials, in order, into values[0 .. count). */
size_t mx_results_values(const struct mx_results *results, struct mx_cell_trials cell,
                         size_t column, double *values);

/* The 0.975 quantile of Student's t for n values; the last one is remembered. */
struct mx_quantile {
    size_t n;
    double t;
};
double mx_results_quantile(struct mx_quantile *last, size_t n);

/* The word of SPLIT.WORD[...], or a word itself, as its number in mx_metric_words, or -1. */
int mx_metric_word(const char *name);
int mx_metric_word_of(const char *word);

/* The word of SPLIT.WORD_low[...] or _high, an end of the interval of a score of maps; or -1. */
int mx_metric_word_of_end(const char *name);

/* Tell the columns of scores of maps and of groups that the configuration promises as far as it is
 * known without a trial: the ones of a sweep of which none has been done. */
typedef void mx_promised_fn(void *user, const char *name);
void         mx_results_promised(const struct mx_results *results, mx_promised_fn *put, void *user);

/* Append what the cells have of the scores of maps; nothing where none is measured. Returns 0,
 * or -1 if there is no memory. */
int mx_results_print_scores(const struct mx_results *results, const struct mx_cell_trials *cells,
                            size_t ncells, unsigned width, struct mx_buf *out);

#endif
