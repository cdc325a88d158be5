/* report_tables.h - between report_tables.c, which puts the table of results, and report_tests.c,
 * which compares its cells. Nobody else's. */
#ifndef MX_SWEEP_REPORT_TABLES_H
#define MX_SWEEP_REPORT_TABLES_H

#include "reduce/paired.h"
#include "sweep/report_parts.h"

/* A row of the table: what is compared with what. */
struct report_row {
    const struct mx_ranked *ranked;
    bool                    has_control, is_control;
    bool                    is_compared; /* a control that some row has */
    bool                    near_leader; /* the interval of the difference to it includes 0 */
    struct reduce_paired    to_control;  /* of the test metric */
};

/* One table. */
struct report_table {
    struct report           *r;
    const struct mx_ranking *ranking;
    struct mx_axes           axes;
    struct report_row       *rows; /* (ranking->ncells) */
    double                  *p;    /* (ranking->ncells): adjusted */
    uint64_t                *frames;
    double                  *differences;
    size_t                   ntested, ncontrolled, nshown; /* ncontrolled: rows with a control */
    const char              *tested;                       /* the metric of the tests */
    bool                     best;      /* the first row is better than every other */
    double                   low, high; /* of all intervals that are shown */
};

/* Both mixings and heads are compared with a network that has neither, all else being equal: what
 * else a cell is, as a number; and whether it is such a control. */
uint64_t report_frame(struct report *r, struct mx_cell_trials cell);
bool     report_is_plain(const struct report *r, struct mx_cell_trials cell);

/* Compare every cell with its control and the complete ones with the first. The table's ranking,
 * axes and arrays are there; `tested` is chosen here. Returns 0, or -1 without memory. */
int report_tests_make(struct report_table *t);

#endif
