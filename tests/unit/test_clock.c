#include <criterion/criterion.h>
#include <math.h>

#include "base/clock.h"

Test(clock, writes_utc_as_rfc_3339)
{
    static const struct {
        double      utc_s;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1769851800.125, "2026-01-31T09:30:00.125Z"},
        {1769851800.123, "2026-01-31T09:30:00.123Z"},
        {1769851799.9996, "2026-01-31T09:30:00.000Z"}, /* rounds into the next second */
        {1709164800, "2024-02-29T00:00:00.000Z"},
        {253402300798, "9999-12-31T23:59:58.000Z"},
    };
    char out[MX_UTC_SIZE];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_expect_str_eq(mx_clock_format_utc(rows[i].utc_s, out), rows[i].text, "%s", out);
}

Test(clock, a_time_that_is_none_is_empty)
{
    static const double bad[] = {NAN, INFINITY, -INFINITY, -1, 1e300, 253402300800};
    char                out[MX_UTC_SIZE];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_str_eq(mx_clock_format_utc(bad[i], out), "", "%g", bad[i]);
}

Test(clock, the_monotonic_clock_never_steps_back)
{
    double before = mx_clock_monotonic_s();

    for (int i = 0; i < 10000; i++) {
        double now = mx_clock_monotonic_s();

        cr_assert_geq(now, before);
        before = now;
    }
}

Test(clock, utc_is_after_this_was_written)
{
    cr_expect_gt(mx_clock_utc_s(), 1.7e9);
}
