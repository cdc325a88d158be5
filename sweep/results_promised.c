/* results_promised.c - the columns that a configuration promises before any trial has been done,
 * and that a sweep has whose trials all failed. */
#include <stdio.h>
#include <stdlib.h>

#include "sweep/results_core.h"
#include "worker/explain.h"
#include "worker/inter_parts.h"

/* What columns are made from. */
struct promise {
    const struct mx_results    *results;
    const struct worker_params *params; /* of the first trial */
    mx_promised_fn             *put;
    void                       *user;
};

static void put(const struct promise *p, const char *split, const char *word, const char *map,
                const char *end)
{
    char name[WORKER_METRIC_NAME_SIZE];

    snprintf(name, sizeof name, "%s.%s%s%s%s%s", split, word, map ? "." : "", map ? map : "",
             end ? "." : "", end ? end : "");
    p->put(p->user, name);
}

static bool has_fill(const struct promise *p, unsigned fill)
{
    for (uint32_t k = 0; k < p->params->score_fills.count; k++)
        if ((unsigned)p->params->score_fills.items[k] == fill)
            return true;
    return false;
}

/* Under each fill; insertion from the blurred image, and with road where that was asked for. */
static void put_filled(const struct promise *p, enum worker_score score, const char *map)
{
    const bool insertion =
        score == WORKER_SCORE_INSERTION || score == WORKER_SCORE_INSERTION_NORMALISED;

    for (unsigned fill = 0; fill < WORKER_FILLS; fill++)
        if (insertion ? fill == WORKER_FILL_BLUR || (fill == WORKER_FILL_ROAD && has_fill(p, fill))
                      : has_fill(p, fill))
            put(p, "test", worker_map_scores[score].word, map, worker_fills[fill].word);
}

static void put_compared(const struct promise *p, enum worker_score score, const char *map)
{
    struct inter_variant variants[INTER_VARIANTS];
    const uint32_t       n = inter_variants(p->params, variants);
    const char          *reference = p->results->config->base[KEY_SCORE_INTER_MODEL_REFERENCE].text;

    if (score == WORKER_SCORE_INTER_MODEL_REFERENCE && !(reference && *reference))
        return;
    for (uint32_t v = 0; v < n; v++)
        put(p, "test", worker_map_scores[score].word, map, variants[v].word);
}

static bool is_made(const struct promise *p, unsigned map)
{
    const struct mx_value *maps = &p->results->config->base[KEY_SCORE_ATTRIBUTIONS];

    for (size_t k = 0; k < maps->list.count; k++)
        if (maps->list.items[k].choice == map)
            return true;
    return maps->list.count > 0 && worker_map_kinds[map].needs & WORKER_MAP_IS_CONTROL;
}

/* The numbers of one kind of map are of no other. */
static bool is_of(enum worker_score score, unsigned map)
{
    switch (score) {
    case WORKER_SCORE_COMPLETENESS_MEDIAN:
    case WORKER_SCORE_COMPLETENESS_P95:
        return map == WORKER_MAP_INTEGRATED_GRADIENTS;
    case WORKER_SCORE_RELEVANCE_SUM:
        return map == WORKER_MAP_LAYER_RELEVANCE;
    default:
        return true;
    }
}

static void put_score(const struct promise *p, enum worker_score score)
{
    static const char *const       shares[] = {"10", "30", "50"};
    const struct worker_map_score *row = &worker_map_scores[score];

    if (score == WORKER_SCORE_OCCLUSION_ACCURACY)
        for (size_t k = 0; k < sizeof shares / sizeof shares[0]; k++) {
            put(p, "val", row->word, NULL, shares[k]);
            put(p, "test", row->word, NULL, shares[k]);
        }
    else if (row->is & WORKER_SCORE_NO_MAP)
        put(p, "test", row->word, NULL, NULL);
    else if (!(row->is & WORKER_SCORE_ENDS))
        for (unsigned map = 0; map < WORKER_MAPS; map++) {
            if (!is_made(p, map) || !is_of(score, map))
                continue;
            if (row->stage == WORKER_STAGE_INTER_MODEL)
                put_compared(p, score, worker_attributions[map].word);
            else if (row->is & WORKER_SCORE_FILLED)
                put_filled(p, score, worker_attributions[map].word);
            else
                put(p, "test", row->word, worker_attributions[map].word, NULL);
        }
}

/* How many groups a set has by its nature; 0 of those that only their files tell of. */
static unsigned count_groups(const struct worker_params *params)
{
    switch (params->data_set) {
    case WORKER_DATA_WATERBIRDS:
    case WORKER_DATA_CELEBA:
        return 4;
    case WORKER_DATA_DOMINOES:
        return params->data_dominoes_top_classes.count * params->data_dominoes_bottom_classes.count;
    case WORKER_DATA_SYNTHETIC:
        return 2 * (unsigned)params->data_synthetic_classes;
    default:
        return 0;
    }
}

static void put_groups(const struct promise *p)
{
    static const int words[] = {MX_METRIC_WORST_GROUP_ACCURACY, MX_METRIC_ADJUSTED_AVERAGE_ACCURACY,
                                MX_METRIC_GROUP_GAP};
    const unsigned   n = count_groups(p->params);

    for (int s = 0; s < 2 && n > 0; s++) {
        const char *split = s ? "test" : "val";
        char        number[12];

        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
            if (p->results->asked[words[k]])
                put(p, split, mx_metric_words[words[k]].word, NULL, NULL);
        for (unsigned g = 0; g < n && p->results->asked[MX_METRIC_GROUP_ACCURACY]; g++) {
            snprintf(number, sizeof number, "%u", g);
            put(p, split, "group_accuracy", NULL, number);
        }
    }
}

void mx_results_promised(const struct mx_results *results, mx_promised_fn *put_name, void *user)
{
    struct worker_params *params = malloc(sizeof *params);
    struct promise        p = {results, params, put_name, user};
    struct mx_point       point;

    if (params && results->plan->ntrials > 0) {
        mx_grid_point(results->plan->grid, results->plan->trials[0].point, &point);
        if (mx_grid_params(results->plan->grid, &point, params, NULL) == 0) {
            for (enum worker_score score = 0; score < WORKER_SCORES; score++) {
                const int word = mx_metric_word_of(worker_map_scores[score].word);

                if (word >= 0 && results->asked[word])
                    put_score(&p, score);
            }
            put_groups(&p);
        }
    }
    free(params);
}
