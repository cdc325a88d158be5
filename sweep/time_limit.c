#include "sweep/time_limit.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/num.h"

static const double most_kept_s = 60, share_kept = 0.2;

/* Seconds until a job's end that work may take; NaN if the text tells no such time. */
static double left_of_job(const char *job_end, double now_utc_s)
{
    int64_t end_s;
    double  left_s;

    if (!mx_num_parse_int(job_end, &end_s))
        return NAN;
    left_s = (double)end_s - now_utc_s;
    return left_s > 0 ? left_s - fmin(most_kept_s, share_kept * left_s) : NAN;
}

struct mx_time_limit mx_time_limit(double asked_s, const char *job_end, double now_monotonic_s,
                                   double now_utc_s, bool *ignored)
{
    struct mx_time_limit limit = {.at_s = asked_s > 0 ? now_monotonic_s + asked_s : INFINITY};
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
