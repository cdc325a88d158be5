#include <criterion/criterion.h>
#include <math.h>

#include "sweep/log_limit.h"

static struct mx_log_limit make_limit(void)
{
    return (struct mx_log_limit){.rate = 4, .every_s = 1};
}

/* How many of n lines at one time are written. */
static unsigned take(struct mx_log_limit *limit, unsigned n, double now_s)
{
    unsigned written = 0;

    while (n-- > 0)
        written += mx_log_limit_take(limit, now_s);
    return written;
}

Test(log_limit, lets_as_many_through_at_once_as_in_a_second)
{
    struct mx_log_limit limit = make_limit();

    cr_expect_eq(take(&limit, 100, 1000), 4);
    cr_expect_eq(take(&limit, 100, 1000.24), 0);
    cr_expect_eq(take(&limit, 100, 1000.25), 1);
    cr_expect_eq(take(&limit, 100, 1001.25), 4);
}

Test(log_limit, never_lets_more_through_than_its_rate_allows)
{
    struct mx_log_limit limit = make_limit();
    unsigned            written = 0;

    for (int ms = 0; ms < 10000; ms++)
        written += take(&limit, 3, 50 + ms / 1000.0);
    cr_expect_geq(written, 42);
    cr_expect_leq(written, 44);
}

Test(log_limit, leaves_nothing_out_of_what_is_rare)
{
    struct mx_log_limit limit = make_limit();
    double              seconds;

    for (int k = 0; k < 100; k++) {
        cr_expect_eq(take(&limit, 1, 0.25 * k), 1);
        cr_expect_eq(mx_log_limit_due(&limit, 0.25 * k, &seconds), 0);
    }
    cr_expect_eq(mx_log_limit_due(&limit, INFINITY, &seconds), 0);
}

Test(log_limit, tells_what_it_left_out_after_a_while_and_once)
{
    struct mx_log_limit limit = make_limit();
    double              seconds = NAN;

    cr_assert_eq(take(&limit, 7, 10), 4);
    cr_expect_eq(mx_log_limit_due(&limit, 10.99, &seconds), 0);
    cr_expect_eq(mx_log_limit_due(&limit, 11.5, &seconds), 3);
    cr_expect_eq(seconds, 1.5);
    cr_expect_eq(mx_log_limit_due(&limit, 20, &seconds), 0);
}

Test(log_limit, tells_the_rest_at_the_end)
{
    struct mx_log_limit limit = make_limit();
    double              seconds = NAN;

    cr_assert_eq(take(&limit, 6, 10), 4);
    cr_assert_eq(take(&limit, 1, 10.125), 0);
    cr_expect_eq(mx_log_limit_due(&limit, INFINITY, &seconds), 3);
    cr_expect_eq(seconds, 0.125);
}

/* Time does not step back; if it seems to, nothing is given away. */
Test(log_limit, an_earlier_time_gives_no_more)
{
    struct mx_log_limit limit = make_limit();

    cr_assert_eq(take(&limit, 6, 10), 4);
    cr_expect_eq(take(&limit, 6, 9), 0);
}
