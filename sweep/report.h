/* report.h - report.html: what a reader understands of a sweep in five minutes.
 *
 * One file that needs nothing else: text, tables, pictures as SVG and PNG inside it, no
 * script, nothing fetched. What went wrong comes first. Numbers are those of cells.csv, with
 * the same digits in the `value` of each <data> element.
 */
#ifndef MX_SWEEP_REPORT_H
#define MX_SWEEP_REPORT_H

#include "base/err.h"
#include "sweep/config.h"
#include "sweep/plan.h"
#include "sweep/results.h"

/* A sweep in its directory; everything is lent. */
struct mx_report_sweep {
    const char              *directory;
    const struct mx_config  *config;
    const struct mx_plan    *plan;
    const struct mx_results *results;
    struct mx_gpu_use        used; /* of all attempts: sweep/replay.h */
};

/* Write DIR/report.html of a sweep, whole or as it was. What its stages left on disk is read
 * as far as it is there; what is missing or damaged is left out of the page. `other`, which
 * may be NULL, is a sweep that it is compared with, cell by cell. Returns 0, or -1 with
 * MX_ENOMEM or MX_EIO. */
int mx_report_write(const struct mx_report_sweep *sweep, const struct mx_report_sweep *other,
                    struct mx_err *err);

#endif
