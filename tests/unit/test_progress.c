#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "sweep/progress.h"

static struct mx_progress halfway(void)
{
    return (struct mx_progress){.ended = 12,
                                .planned = 24,
                                .ended_here = 6,
                                .running = 2,
                                .done_s = 1400,
                                .left_s = 2200,
                                .elapsed_s = 700};
}

Test(progress, rate_counts_this_incarnation_and_the_work_of_trials_that_have_not_ended)
{
    struct mx_progress progress = halfway();

    /* 18 trials were left at the start, of 3600 s; 1400 s are done in 700 s. */
    cr_expect(fabs(mx_progress_rate(&progress) - 36.0) <= 1e-9);
    cr_expect(fabs(mx_progress_eta_s(&progress) - 1100.0) <= 1e-9);
}

Test(progress, trials_that_all_wait_for_the_last_stage_do_not_hide_the_end)
{
    struct mx_progress progress = {
        .planned = 24, .running = 6, .done_s = 390, .left_s = 10, .elapsed_s = 200};
    char line[256];

    mx_progress_line(&progress, 0, line, sizeof line);
    cr_expect_str_eq(line, "0 of 24 trials ended, 6 running, 421/h, ETA 5s");
    mx_progress_bar(&progress, 0, 79, line, sizeof line);
    cr_expect_str_eq(
        line, "[=======================================>] 0/24 done, 6 running, 421/h, ETA 5s");
}

Test(progress, nothing_is_promised_before_anything_moved)
{
    struct mx_progress progress = {.planned = 24, .running = 2, .elapsed_s = 3};
    char               line[256];

    cr_expect(isnan(mx_progress_rate(&progress)));
    mx_progress_line(&progress, 0, line, sizeof line);
    cr_expect_str_eq(line, "0 of 24 trials ended, 2 running, ETA unknown");
}

Test(progress, bar_fits_every_width)
{
    struct mx_progress progress = halfway();
    char               line[256];

    for (unsigned width = 16; width <= 200; width++) {
        mx_progress_bar(&progress, 1, width, line, sizeof line);
        cr_assert(strlen(line) <= width, "%zu columns of %u: %s", strlen(line), width, line);
    }
    mx_progress_bar(&progress, 1, 79, line, sizeof line);
    cr_expect_str_eq(
        line, "[================>             ] 12/24 done, 1 failed, 2 running, 36/h, ETA 18m");
}
