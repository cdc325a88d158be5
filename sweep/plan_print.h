/* plan_print.h - an estimate as people and as programs read it. */
#ifndef MX_SWEEP_PLAN_PRINT_H
#define MX_SWEEP_PLAN_PRINT_H

#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "sweep/config.h"
#include "sweep/estimate.h"
#include "sweep/grid.h"

/* Where text goes: to memory or, if `file` is not NULL, there. A list of a
 * million cells is not held in memory. */
struct mx_sink {
    struct mx_buf buf; /* what is not written yet */
    FILE         *file;
};

/* Print the table for the terminal and the first `limit` cells. Returns 0, or
 * -1 with MX_ENOMEM or MX_EIO. */
int mx_plan_print_text(const struct mx_config *config, const struct mx_grid *grid,
                       const struct mx_estimate *estimate, uint64_t limit, struct mx_sink *sink,
                       struct mx_err *err);

/* Print the object of formats.md "plan"; numbers that are not known are null. */
int mx_plan_print_json(const struct mx_config *config, const struct mx_grid *grid,
                       const struct mx_estimate *estimate, uint64_t limit, struct mx_sink *sink,
                       struct mx_err *err);

/* Append the object "point" of formats.md: every key that a cell uses and that has
 * a value. */
void mx_plan_print_point(struct mx_json *json, const struct mx_point *point);

/* n with commas between thousands; returns out. */
enum {
    MX_GROUPED_SIZE = 32
};
const char *mx_print_grouped(uint64_t n, char out[MX_GROUPED_SIZE]);

#endif
