#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <time.h>

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

/* Every day of the calendar, near its begin or its end. */
Test(clock, writes_the_date_that_the_c_library_writes)
{
    static const int last_day = 2932896;
    char             out[MX_UTC_SIZE], expected[MX_UTC_SIZE];

    for (int day = 0; day < last_day; day++) {
        time_t    t = (time_t)day * 86400 + (day % 2 ? 86399 - day % 1000 : day % 1000);
        struct tm tm;

        cr_assert(gmtime_r(&t, &tm));
        strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.000Z", &tm);
        mx_clock_format_utc((double)t, out);
        cr_assert(strcmp(out, expected) == 0, "%s, not %s", out, expected);
    }
}

Test(clock, reads_every_time_that_it_writes)
{
    char out[MX_UTC_SIZE], again[MX_UTC_SIZE];

    for (double t = 0; t < 253402300798; t += 86399.877 * 17) {
        double back = NAN;

        cr_assert(mx_clock_parse_utc(mx_clock_format_utc(t, out), &back), "%s", out);
        cr_assert(fabs(back - t) <= 0.00055, "%s", out);
        cr_assert_str_eq(mx_clock_format_utc(back, again), out);
    }
}

Test(clock, reads_nothing_that_it_would_not_write)
{
    static const char *const bad[] = {
        "2026-02-29T09:30:00.125Z",    "2026-00-10T09:30:00.125Z", "2026-13-01T09:30:00.125Z",
        "2026-01-00T09:30:00.125Z",    "2026-01-32T09:30:00.125Z", "2026-01-31T24:00:00.000Z",
        "2026-01-31T09:60:00.125Z",    "2026-01-31T09:30:60.125Z", "2026-01-31 09:30:00.125Z",
        "2026-01-31T09:30:00.125z",    "2026-01-31T09:30:00,125Z", "1969-12-31T23:59:59.999Z",
        "0000-01-01T00:00:00.000Z",    "+026-01-31T09:30:00.125Z", "2026-01-31T0x:30:00.125Z",
        "\xB2-26-01-31T09:30:00.125Z", "                        "};
    double x = 42;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_not(mx_clock_parse_utc(bad[i], &x), "%s", bad[i]);
    cr_expect_not(mx_clock_parse_utc((const char[MX_UTC_SIZE]){0}, &x));
    cr_expect_eq(x, 42);
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
