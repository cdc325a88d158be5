#include "sweep/plan_early.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "sweep/results_core.h"
#include "sweep/results_rank.h"

enum {
    SHOWN_RUNGS = 3
};

struct mx_early_rule mx_plan_early_rule(const struct mx_config *config)
{
    const struct mx_value *base = config->base;
    const unsigned         mode = base[KEY_SEARCH_MODE].choice;
    const char            *metric = base[KEY_SEARCH_METRIC].text;

    return (struct mx_early_rule){
        .rule = (enum mx_early_stop)base[KEY_SCHEDULE_EARLY_STOP].choice,
        .min_epochs = (uint32_t)base[KEY_SCHEDULE_MIN_EPOCHS].integer,
        .reduction = (uint32_t)base[KEY_SCHEDULE_REDUCTION_FACTOR].integer,
        .smaller = mode == MX_MODE_AUTO ? mx_metric_smaller_is_better(metric) : mode == MX_MODE_MIN,
    };
}

uint32_t mx_plan_early_brackets(const struct mx_config *config)
{
    const bool median = config->base[KEY_SCHEDULE_EARLY_STOP].choice == MX_EARLY_STOP_MEDIAN;

    return median ? 1 : (uint32_t)config->base[KEY_SCHEDULE_BRACKETS].integer;
}

/* A bracket's share, and that of all: not summed to 1. */
static double weight_of(const struct mx_config *config, uint32_t bracket)
{
    const double r = (double)config->base[KEY_SCHEDULE_REDUCTION_FACTOR].integer;
    const double n = mx_plan_early_brackets(config);

    return pow(r, -(double)bracket) * n / (n - bracket);
}

static double all_weights(const struct mx_config *config)
{
    double sum = 0;

    for (uint32_t b = 0; b < mx_plan_early_brackets(config); b++)
        sum += weight_of(config, b);
    return sum;
}

double mx_plan_early_share(const struct mx_config *config, uint32_t bracket)
{
    return weight_of(config, bracket) / all_weights(config);
}

/* The bracket of a cell: shares of [0, 1) one behind the other. */
static uint32_t bracket_of(const struct mx_config *config, uint64_t cell)
{
    const uint64_t name[] = {(uint64_t)config->base[KEY_SEED].integer, cell};
    double   at = (double)(mx_hash64(name, sizeof name) >> 11) * 0x1p-53 * all_weights(config);
    uint32_t b = 0;

    for (; b + 1 < mx_plan_early_brackets(config) && at >= weight_of(config, b); b++)
        at -= weight_of(config, b);
    return b;
}

void mx_plan_early_mark(struct mx_plan *plan, const struct mx_config *config)
{
    if (config->base[KEY_SCHEDULE_EARLY_STOP].choice == MX_EARLY_STOP_NONE)
        return;
    for (uint32_t s = 0; s < plan->nstages; s++) {
        struct mx_stage       *stage = &plan->stages[s];
        const struct mx_trial *trial = &plan->trials[stage->first_trial];
        struct mx_point        point;

        if (stage->kind != WORKER_STAGE_TRAIN || stage->of != MX_STAGE_OF_TRIAL)
            continue;
        mx_grid_point(plan->grid, trial->point, &point);
        stage->epochs = (uint32_t)point.value[KEY_TRAIN_EPOCHS].integer;
        stage->bracket = bracket_of(config, trial->cell);
    }
}

void mx_plan_early_print(const struct mx_config *config, struct mx_buf *out)
{
    const struct mx_early_rule rule = mx_plan_early_rule(config);
    const uint64_t             last =
        (uint64_t)rule.min_epochs *
        (rule.rule == MX_EARLY_STOP_MEDIAN ? SHOWN_RUNGS : rule.reduction * rule.reduction);
    const struct mx_early_training training = {.epochs = last < UINT32_MAX ? (uint32_t)last + 1
                                                                           : UINT32_MAX};
    uint32_t                       epochs[SHOWN_RUNGS], n;

    if (rule.rule == MX_EARLY_STOP_NONE)
        return;
    n = mx_early_rungs(&rule, &training, SHOWN_RUNGS, epochs);
    mx_buf_printf(out, "stopping   %s, by %s after", mx_early_stop_words[rule.rule].word,
                  config->base[KEY_SEARCH_METRIC].text);
    for (uint32_t k = 0; k < n && k < SHOWN_RUNGS; k++)
        mx_buf_printf(out, "%s %u", k > 0 ? "," : "", epochs[k]);
    if (rule.rule == MX_EARLY_STOP_MEDIAN)
        mx_buf_text(out, " ... epochs; the time assumes that half of them end at the first\n");
    else
        mx_buf_printf(out, " ... epochs; the time assumes that one in %u goes on at each\n",
                      rule.reduction);
}

bool mx_plan_early_metric(const char *name)
{
    static const unsigned words[] = {
        MX_METRIC_ACCURACY,
        MX_METRIC_TOP5_ACCURACY,
        MX_METRIC_CROSS_ENTROPY,
        MX_METRIC_CALIBRATION_ERROR,
        MX_METRIC_CONFIDENCE,
        MX_METRIC_WORST_GROUP_ACCURACY,
        MX_METRIC_ADJUSTED_AVERAGE_ACCURACY,
        MX_METRIC_GROUP_ACCURACY,
        MX_METRIC_WORST_CLASS_ACCURACY,
        MX_METRIC_GROUP_GAP,
    };
    const int word = mx_metric_word(name);

    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
        if (strncmp(name, "val.", 4) == 0 && word == (int)words[k])
            return true;
    return false;
}
