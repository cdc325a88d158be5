/* plan_early.h - how early stopping judges the trainings of a plan. */
#ifndef MX_SWEEP_PLAN_EARLY_H
#define MX_SWEEP_PLAN_EARLY_H

#include "base/buf.h"
#include "sweep/early.h"
#include "sweep/plan.h"

/* The rule that a configuration asks for. */
struct mx_early_rule mx_plan_early_rule(const struct mx_config *config);

/* Note in the stages of a plan how many epochs trainings of cells take and which bracket
 * they are in, where the configuration has a rule. Bracket b of B gets a share
 * of the cells in proportion to r^(B - 1 - b) B / (B - b), as Hyperband has it, drawn by the
 * cell's name and the seed: the same whatever other cells there are. */
void mx_plan_early_mark(struct mx_plan *plan, const struct mx_config *config);

/* How many brackets there are, 1 or more, and which share of the cells each gets on average. */
uint32_t mx_plan_early_brackets(const struct mx_config *config);
double   mx_plan_early_share(const struct mx_config *config, uint32_t bracket);

/* For people: a line on when trainings are judged; nothing without a rule. */
void mx_plan_early_print(const struct mx_config *config, struct mx_buf *out);

/* Whether a metric is known of a training while it runs: "val.accuracy". */
bool mx_plan_early_metric(const char *name);

#endif
