/* time_limit.h - when a sweep has to have ended: what it was told, and what Slurm says. */
#ifndef MX_SWEEP_TIME_LIMIT_H
#define MX_SWEEP_TIME_LIMIT_H

#include <stdbool.h>

struct mx_time_limit {
    double at_s;     /* monotonic; INFINITY: never */
    char   why[128]; /* for the log; "" if there is none, or nobody needs to be told */
};

/* asked_at_s: what --time-limit makes of the start, monotonic; INFINITY = none. job_end: the
 * text of SLURM_JOB_END_TIME, seconds since 1970, or NULL; of it a minute, or a fifth of what is
 * left if that is less, is kept for checkpoints and the last files. The earlier one
 * counts. Text that is no time, or one of over an hour ago, is passed over, and
 * *ignored says so. */
struct mx_time_limit mx_time_limit(double asked_at_s, const char *job_end, double now_monotonic_s,
                                   double now_utc_s, bool *ignored);

#endif
