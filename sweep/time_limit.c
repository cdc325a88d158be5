#include "sweep/time_limit.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/num.h"

static const double most_kept_s = 60, share_kept = 0.2;

/* An end that lies further back is of another job, whose environment was kept. */
static const double stale_s = 3600;

/* Seconds until a job's end that work may take, 0 if it is over; NaN if the text
 * tells no such time. */
static double left_of_job(const char *job_end, double now_utc_s)
{
    int64_t end_s;
    double  left_s;

    if (!mx_num_parse_int(job_end, &end_s))
        return NAN;
    left_s = (double)end_s - now_utc_s;
    if (left_s <= 0)
        return left_s > -stale_s ? 0 : NAN;
    return left_s - fmin(most_kept_s, share_kept * left_s);
}

struct mx_time_limit mx_time_limit(double asked_at_s, const char *job_end, double now_monotonic_s,
                                   double now_utc_s, bool *ignored)
{
    struct mx_time_limit limit = {.at_s = asked_at_s};
    const double         left_s = job_end && *job_end ? left_of_job(job_end, now_utc_s) : INFINITY;
    char                 utc[MX_UTC_SIZE];

    *ignored = isnan(left_s);
    if (!(now_monotonic_s + left_s < limit.at_s))
        return limit;
    limit.at_s = now_monotonic_s + left_s;
    snprintf(limit.why, sizeof limit.why,
             "the job's time ends soon after %s (SLURM_JOB_END_TIME): the sweep stops then",
             mx_clock_format_utc(now_utc_s + left_s, utc));
    return limit;
}
