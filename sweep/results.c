#include "sweep/results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "sweep/results_core.h"

_Static_assert((int)MX_METRIC_MAP_INTERVALS < (int)MX_METRIC_WORDS_ROOM,
               "room for every metric word");

struct mx_results *mx_results_new(const struct mx_config *config, const struct mx_plan *plan,
                                  struct mx_err *err)
{
    struct mx_results     *results = calloc(1, sizeof *results);
    const struct mx_value *asked = &config->base[KEY_SCORE_METRICS];

    if (!results)
        goto nomem;
    results->config = config;
    results->plan = plan;
    for (size_t k = 0; k < asked->list.count; k++)
        results->asked[asked->list.items[k].choice] = true;
    results->runs = calloc((size_t)plan->nstages + 1, sizeof results->runs[0]);
    results->states = calloc((size_t)plan->ntrials + 1, sizeof results->states[0]);
    results->reasons = calloc((size_t)plan->ntrials + 1, sizeof results->reasons[0]);
    if (!results->runs || !results->states || !results->reasons)
        goto nomem;
    if (!(results->metrics = reduce_table_new(plan->nstages, err)))
        goto fail;
    return results;
nomem:
    mx_fail(err, MX_ENOMEM, "no memory for the results of %u trials", plan->ntrials);
fail:
    mx_results_free(results);
    return NULL;
}

void mx_results_free(struct mx_results *results)
{
    if (!results)
        return;
    reduce_table_free(results->metrics);
    mx_texts_free(&results->texts);
    free(results->runs);
    free(results->states);
    free(results->reasons);
    free(results);
}

static int keep_run(struct mx_results *results, uint32_t stage, const struct mx_run_info *run,
                    struct mx_err *err)
{
    struct mx_stage_run kept = {
        .known = true,
        .attempts = run->attempts,
        .rank = run->rank,
        .executor = run->executor,
        .host = mx_texts_keep(&results->texts, run->host),
        .device = mx_texts_keep(&results->texts, run->device),
        .text = mx_texts_keep(&results->texts, run->text),
        .started_utc_s = run->started_utc_s,
        .ended_utc_s = run->ended_utc_s,
        .seconds = results->runs[stage].before_s + run->seconds,
        .before_s = results->runs[stage].before_s + (run->goes_on ? run->seconds : 0),
    };

    if (!kept.host || !kept.device || !kept.text)
        return mx_fail(err, MX_ENOMEM, "no memory for the results of stage %u", stage);
    kept.gpu = kept.gpu_before = results->runs[stage].gpu_before;
    mx_gpu_use_join(&kept.gpu, &run->gpu);
    if (run->goes_on)
        kept.gpu_before = kept.gpu;
    results->runs[stage] = kept;
    return 0;
}

int mx_results_stage(struct mx_results *results, uint32_t stage,
                     const struct worker_metric *metrics, size_t nmetrics,
                     const struct mx_run_info *run, struct mx_err *err)
{
    for (size_t k = 0; k < nmetrics; k++) {
        size_t column;

        if (reduce_table_column(results->metrics, metrics[k].name, &column, err))
            return -1;
        reduce_table_set(results->metrics, stage, column, metrics[k].value);
    }
    return run ? keep_run(results, stage, run, err) : 0;
}

void mx_results_forget(struct mx_results *results, uint32_t stage)
{
    results->runs[stage] = (struct mx_stage_run){0};
}

void mx_results_trial(struct mx_results *results, uint32_t trial, enum mx_state state,
                      enum mx_reason reason)
{
    results->states[trial] = state;
    results->reasons[trial] = reason;
}

size_t mx_results_columns(const struct mx_results *results)
{
    return reduce_table_columns(results->metrics);
}

const char *mx_results_column_name(const struct mx_results *results, size_t column)
{
    return reduce_table_name(results->metrics, column);
}

/* What the last of its stages that has this metric says. What the stages of a
 * trial gave before its end depends on the order of things. */
bool mx_results_value(const struct mx_results *results, uint32_t trial, size_t column,
                      double *value)
{
    const struct mx_trial *t = &results->plan->trials[trial];

    if (results->states[trial] != MX_STATE_DONE)
        return false;
    for (uint32_t k = t->nstages; k-- > 0;)
        if (reduce_table_get(results->metrics, results->plan->stage_of[t->first_stage + k], column,
                             value))
            return true;
    return false;
}

double mx_results_metric(const struct mx_results *results, uint32_t trial, const char *name)
{
    size_t column = reduce_table_find(results->metrics, name);
    double value = NAN;

    if (column != SIZE_MAX)
        mx_results_value(results, trial, column, &value);
    return value;
}

struct mx_cell_trials mx_results_cell(const struct mx_results *results, uint32_t first)
{
    const struct mx_plan *plan = results->plan;
    uint32_t              end = first + 1;

    while (end < plan->ntrials && plan->trials[end].point == plan->trials[first].point)
        end++;
    return (struct mx_cell_trials){first, end - first};
}

size_t mx_results_values(const struct mx_results *results, struct mx_cell_trials cell,
                         size_t column, double *values)
{
    size_t n = 0;

    for (uint32_t k = 0; k < cell.count; k++)
        if (mx_results_value(results, cell.first + k, column, &values[n]) && !isnan(values[n]))
            n++;
    return n;
}

double mx_results_quantile(struct mx_quantile *last, size_t n)
{
    char text[MX_NUM_SIZE];

    if (n < 2 || last->n == n)
        return last->t;
    /* To ten digits, so that the tables are the same with every C library. */
    snprintf(text, sizeof text, "%.10g", reduce_student_quantile(0.975, (double)(n - 1)));
    *last = (struct mx_quantile){n, strtod(text, NULL)};
    return last->t;
}

static int find_word(const char *word, size_t len)
{
    for (int k = 0; mx_metric_words[k].word; k++)
        if (strlen(mx_metric_words[k].word) == len &&
            strncmp(mx_metric_words[k].word, word, len) == 0)
            return k;
    return -1;
}

int mx_metric_word(const char *name)
{
    const char *word = strchr(name, '.');

    return word ? find_word(word + 1, strcspn(word + 1, ".")) : -1;
}

int mx_metric_word_of_end(const char *name)
{
    static const char *const ends[] = {"_low", "_high"};
    const char              *word = strchr(name, '.');
    const size_t             length = word ? strcspn(word + 1, ".") : 0;

    for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++) {
        const size_t end = strlen(ends[k]);

        if (length > end && strncmp(word + 1 + length - end, ends[k], end) == 0)
            return find_word(word + 1, length - end);
    }
    return -1;
}

int mx_metric_word_of(const char *word)
{
    return find_word(word, strlen(word));
}
