#include <criterion/criterion.h>
#include <math.h>

#include "sweep/time_limit.h"

static const double now_s = 1000, utc_s = 1764000000;

static struct mx_time_limit limit(double asked_s, const char *job_end, bool *ignored)
{
    return mx_time_limit(asked_s > 0 ? now_s + asked_s : INFINITY, job_end, now_s, utc_s, ignored);
}

Test(time_limit, is_never_where_nobody_tells_one)
{
    bool ignored;

    cr_expect(isinf(limit(0, NULL, &ignored).at_s) && !ignored);
    cr_expect(isinf(limit(0, "", &ignored).at_s) && !ignored);
}

Test(time_limit, is_what_was_asked_for)
{
    bool                 ignored;
    struct mx_time_limit found = limit(90, NULL, &ignored);

    cr_expect_eq(found.at_s, 1090);
    cr_expect_str_eq(found.why, "");
}

Test(time_limit, leaves_a_minute_of_a_job_for_the_end)
{
    bool                 ignored;
    struct mx_time_limit found = limit(0, "1764003600", &ignored);

    cr_expect_eq(found.at_s, 1000 + 3600 - 60);
    cr_expect_str_eq(found.why, "the job's time ends soon after 2025-11-24T16:59:00.000Z "
                                "(SLURM_JOB_END_TIME): the sweep stops then");
}

Test(time_limit, leaves_a_fifth_of_a_short_job)
{
    bool ignored;

    cr_expect_float_eq(limit(0, "1764000100", &ignored).at_s, 1080, 1e-6);
}

/* What was to be done before has taken too long. */
Test(time_limit, is_now_when_the_job_is_over)
{
    bool ignored;

    cr_expect_eq(limit(0, "1764000000", &ignored).at_s, 1000);
    cr_expect_eq(limit(0, "1763999000", &ignored).at_s, 1000);
    cr_expect_not(ignored);
}

Test(time_limit, is_the_earlier_of_two)
{
    bool ignored;

    cr_expect_eq(limit(90, "1764003600", &ignored).at_s, 1090);
    cr_expect_eq(limit(1e5, "1764003600", &ignored).at_s, 4540);
}

Test(time_limit, passes_over_what_is_no_time_to_come)
{
    static const char *const odd[] = {"soon", "1763996400", "17640036x", "-1", "1e9"};

    for (size_t k = 0; k < sizeof odd / sizeof odd[0]; k++) {
        bool ignored = false;

        cr_expect(isinf(limit(0, odd[k], &ignored).at_s), "%s", odd[k]);
        cr_expect(ignored, "%s", odd[k]);
        cr_expect_eq(limit(90, odd[k], &ignored).at_s, 1090);
    }
}
