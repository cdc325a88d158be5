/* results_groups.c - what the table for the console says of groups. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/group_names.h"
#include "sweep/results_core.h"

static bool is_measured(const struct mx_results *results, struct mx_cell_trials cell,
                        const char *name)
{
    for (uint32_t k = 0; k < cell.count; k++)
        if (!isnan(mx_results_metric(results, cell.first + k, name)))
            return true;
    return false;
}

enum mx_results_rule mx_results_rule(const struct mx_results *results, struct mx_cell_trials cell)
{
    struct mx_point point;

    if (is_measured(results, cell, "val.worst_group_accuracy"))
        return MX_RULE_WORST_GROUP;
    mx_grid_point(results->plan->grid, results->plan->trials[cell.first].point, &point);
    return point.value[KEY_HEAD_METHOD].choice != WORKER_HEAD_ERM &&
                   is_measured(results, cell, "val.worst_class_accuracy")
               ? MX_RULE_WORST_CLASS
               : MX_RULE_NONE;
}

bool mx_results_mix_rules(const struct mx_results *results)
{
    unsigned found = 0;

    for (uint32_t t = 0; t < results->plan->ntrials;) {
        struct mx_cell_trials cell = mx_results_cell(results, t);
        struct mx_point       point;

        mx_grid_point(results->plan->grid, results->plan->trials[t].point, &point);
        if (point.value[KEY_HEAD_METHOD].choice != WORKER_HEAD_ERM)
            found |= 1u << mx_results_rule(results, cell);
        t += cell.count;
    }
    return found >> MX_RULE_WORST_GROUP & found >> MX_RULE_WORST_CLASS & 1u;
}

static double count_of(const struct mx_results *results, uint32_t trial, unsigned group)
{
    char name[WORKER_METRIC_NAME_SIZE];

    snprintf(name, sizeof name, "test.group_count.%u", group);
    return mx_results_metric(results, trial, name);
}

void mx_results_put_group_counts(const struct mx_results *results, struct mx_cell_trials cell,
                                 struct mx_buf *out)
{
    unsigned groups = 0;
    bool     named;

    while (!isnan(count_of(results, cell.first, groups)))
        groups++;
    if (groups == 0)
        return;
    named = mx_group_has_name(results->plan, cell.first, groups);
    mx_buf_text(out, named ? "test images of each group: " : "test images of each group, from 0: ");
    for (unsigned g = 0; g < groups; g++) {
        char *name = named ? mx_group_name(results->plan, cell.first, groups, g) : NULL;

        mx_buf_printf(out, "%s%s%s%.0f", g > 0 ? ", " : "", name ? name : "", name ? " " : "",
                      count_of(results, cell.first, g));
        free(name);
    }
    mx_buf_text(out, "\n");
}
