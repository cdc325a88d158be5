#include <criterion/criterion.h>
#include <math.h>

#include "sweep/pace.h"

#define NEAR(a, b) (fabs((a) - (b)) <= 1e-9)

static double left_of(const struct mx_pace_kind *kinds, size_t n)
{
    double done_s, left_s;

    mx_pace(kinds, n, &done_s, &left_s);
    return left_s;
}

Test(pace, kinds_that_were_timed_count_as_they_took)
{
    const struct mx_pace_kind kinds[] = {
        {.open = 3, .timed = 2, .timed_s = 20, .expected_s = 1},
        {.open = 5, .timed = 1, .timed_s = 4, .expected_s = 7},
    };
    double done_s, left_s;

    mx_pace(kinds, 2, &done_s, &left_s);
    cr_expect(NEAR(done_s, 24));
    cr_expect(NEAR(left_s, 3 * 10 + 5 * 4));
}

Test(pace, the_share_of_a_running_stage_is_done)
{
    const struct mx_pace_kind kind = {.open = 2, .timed = 1, .timed_s = 10, .running_shares = 0.75};
    double                    done_s, left_s;

    mx_pace(&kind, 1, &done_s, &left_s);
    cr_expect(NEAR(done_s, 17.5));
    cr_expect(NEAR(left_s, 12.5));
}

Test(pace, kinds_that_come_later_are_as_much_slower_than_expected_as_those_before)
{
    const struct mx_pace_kind kinds[] = {
        {.open = 0, .timed = 4, .timed_s = 120, .expected_s = 10},
        {.open = 4, .expected_s = 2},
        {.open = 1}, /* nothing is expected of it */
    };

    cr_expect(NEAR(left_of(kinds, 3), 4 * 2 * 3));
}

Test(pace, before_anything_was_timed_kinds_count_as_expected)
{
    const struct mx_pace_kind kinds[] = {
        {.open = 2, .expected_s = 10, .running_shares = 0.5},
        {.open = 2, .expected_s = 30},
    };
    double done_s, left_s;

    mx_pace(kinds, 2, &done_s, &left_s);
    cr_expect(NEAR(done_s, 5));
    cr_expect(NEAR(left_s, 75));
}

Test(pace, where_nothing_is_expected_stages_are_alike)
{
    const struct mx_pace_kind fresh[] = {{.open = 3, .running_shares = 1}, {.open = 2}};
    const struct mx_pace_kind timed[] = {{.open = 1, .timed = 2, .timed_s = 8}, {.open = 2}};

    cr_expect(NEAR(left_of(fresh, 2), 4));
    cr_expect(NEAR(left_of(timed, 2), 12));
}

Test(pace, more_shares_than_stages_leave_nothing)
{
    const struct mx_pace_kind kind = {.open = 0, .timed = 1, .timed_s = 2, .running_shares = 1};

    cr_expect(NEAR(left_of(&kind, 1), 0));
}
