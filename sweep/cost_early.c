#include "sweep/cost_early.h"

#include <math.h>

#include "sweep/plan_early.h"

enum {
    LEAST_MEDIAN = 4 /* trainings, for any to be stopped */
};

/* Where a part ends; the last one may be of any length. */
static double end_of(const struct mx_early_rule *rule, unsigned part)
{
    if (rule->rule == MX_EARLY_STOP_MEDIAN && part > 0)
        return INFINITY;
    return rule->min_epochs * pow(rule->reduction, part);
}

void mx_cost_early_take(struct mx_cost_early *early, const struct mx_config *config,
                        uint32_t epochs, double seconds)
{
    const struct mx_early_rule rule = mx_plan_early_rule(config);
    double                     from = 0;
    unsigned                   part = 0;

    if (rule.rule == MX_EARLY_STOP_NONE)
        return;
    for (; epochs > end_of(&rule, part) && part + 1 < MX_COST_EARLY_PARTS; part++) {
        early->seconds[part] += seconds * (end_of(&rule, part) - from) / epochs;
        from = end_of(&rule, part);
    }
    early->seconds[part] += epochs > 0 ? seconds * (epochs - from) / epochs : seconds;
    early->last[part]++;
}

/* What is left of the trainings of a bracket in each part. */
static void follow_bracket(const struct mx_cost_early *early, const struct mx_early_rule *rule,
                           unsigned bracket, double n, double left[MX_COST_EARLY_PARTS])
{
    double taken = 0, beyond;

    for (unsigned k = 0; k < MX_COST_EARLY_PARTS; k++)
        taken += early->last[k];
    beyond = taken;
    left[0] = 1;
    for (unsigned k = 0; k + 1 < MX_COST_EARLY_PARTS; k++) {
        beyond -= early->last[k];
        left[k + 1] = left[k];
        if (rule->rule == MX_EARLY_STOP_MEDIAN)
            left[k + 1] *= k == 0 && n * beyond / taken >= LEAST_MEDIAN ? 0.5 : 1;
        else if (k >= bracket && beyond > 0)
            left[k + 1] *= fmin(1, fmax(1.0 / rule->reduction, 1 / (n * beyond / taken * left[k])));
    }
}

struct mx_cost_early_shares mx_cost_early_shares(const struct mx_cost_early *early,
                                                 const struct mx_config *config, double n)
{
    const struct mx_early_rule  rule = mx_plan_early_rule(config);
    struct mx_cost_early_shares of = {0, 0};
    double                      seconds = 0, taken = 0;

    for (unsigned k = 0; k < MX_COST_EARLY_PARTS; k++) {
        seconds += early->seconds[k];
        taken += early->last[k];
    }
    if (!(seconds > 0))
        return (struct mx_cost_early_shares){1, 1};
    for (unsigned b = 0; b < mx_plan_early_brackets(config); b++) {
        const double share = mx_plan_early_share(config, b);
        double       left[MX_COST_EARLY_PARTS];

        follow_bracket(early, &rule, b, n * share, left);
        for (unsigned k = 0; k < MX_COST_EARLY_PARTS; k++) {
            of.seconds += share * left[k] * early->seconds[k] / seconds;
            of.ended += share * left[k] * early->last[k] / taken;
        }
    }
    return of;
}
