/* metric_bounds.h - between which values a metric can lie, for pictures and pages: Student's
 * interval of few repeats knows nothing of them.
 */
#ifndef MX_SWEEP_METRIC_BOUNDS_H
#define MX_SWEEP_METRIC_BOUNDS_H

struct mx_bounds {
    double low, high; /* an infinity where there is none */
};

/* Of a column of results.csv, "test.accuracy". A name that is none has no bounds. */
struct mx_bounds mx_metric_bounds(const char *metric);

/* The bounds of a difference between two values of it. */
struct mx_bounds mx_metric_difference_bounds(const char *metric);

#endif
