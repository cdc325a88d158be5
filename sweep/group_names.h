/* group_names.h - what groups are called in tables: "waterbird on land".
 *
 * Waterbirds and CelebA have names of their own, dominoes are called by their classes, frozen
 * features by the group_names.txt beside them. Groups of other sets have numbers.
 */
#ifndef MX_SWEEP_GROUP_NAMES_H
#define MX_SWEEP_GROUP_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "sweep/plan.h"

/* The name of a group of the set that a trial is of, to be freed, or "group 2"; NULL without
 * memory. `groups`: how many there are. */
char *mx_group_name(const struct mx_plan *plan, uint32_t trial, size_t groups, size_t group);

/* Whether these groups have names that are no numbers. */
bool mx_group_has_name(const struct mx_plan *plan, uint32_t trial, size_t groups);

#endif
