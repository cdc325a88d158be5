#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sweep/text_table.h"
#include "sweep/watch.h"

static const struct mx_status_node nodes[] = {
    {"n1", 0, 2, 2, 30, 1, 60, 7265, false, false, NULL, 0, {false, 0, 0}},
    {"n2", 1, 0, 0, 3, 0, NAN, 60, false, true, NULL, 0, {false, 0, 0}}};
static const struct mx_status_failing failing[] = {
    {"0b.r1", "the loss is not a number \xc3\xbc", 1, MX_REASON_DIVERGED}};

static struct mx_status_view example(void)
{
    return (struct mx_status_view){
        .status = {.name = "ratios",
                   .state = "running",
                   .incarnation = 3,
                   .updated_utc_s = 1764000000.125,
                   .counts = {.by_state = {[MX_STATE_PENDING] = 8,
                                           [MX_STATE_RUNNING] = 2,
                                           [MX_STATE_DONE] = 29,
                                           [MX_STATE_FAILED] = 1},
                              .planned = 40},
                   .rate_per_hour = 60,
                   .eta_s = 360,
                   .exit_code = -1,
                   .nodes = nodes,
                   .nnodes = 2,
                   .failing = failing,
                   .nfailing = 1},
        .owner = {.alive = true, .process = {.host = "here", .pid = 41}},
        .age_s = 3,
    };
}

static void expect_screen(unsigned width, unsigned height, unsigned scroll, const char *text)
{
    struct mx_status_view  view = example();
    struct mx_watch_screen screen;

    cr_assert_eq(mx_watch_fill(&view, "out", width, height, scroll, &screen, NULL), 0);
    cr_expect_str_eq(mx_buf_str(&screen.text), text, "is\n%s", mx_buf_str(&screen.text));
    mx_watch_free(&screen);
}

Test(watch, shows_counts_a_bar_the_tables_and_the_keys)
{
    expect_screen(60, 17, 0,
                  "ratios: running on here (process 41), incarnation 3, updated\n"
                  "  3s ago\n"
                  "40 trials: 29 done, 1 failed, 2 running, 8 pending\n"
                  "60/h, ETA 6m\n"
                  "[=======================================>             ]  75%\n"
                  "\n"
                  "nodes and their stages\n"
                  "node  rank  exec  run  done  fail  rate  worked\n"
                  "n2       1     0    0     3     0           60s  lost\n"
                  "n1       0     2    2    30     1  60/h   2h01m\n"
                  "\n"
                  "failed attempts, the last ones first\n"
                  "trial  attempts  reason    text\n"
                  "0b.r1         1  diverged  the loss is not a number \xc3\xbc\n"
                  "\n\n"
                  "q: quit   up, down, page up, page down: scroll\n");
}

Test(watch, leaves_out_what_is_least_needed_where_there_is_little_room)
{
    expect_screen(60, 1, 0, "40 trials: 29 done, 1 failed, 2 running, 8 pending\n");
    expect_screen(10, 1, 0, "40 trials:\n");
    expect_screen(60, 2, 0, "40 trials: 29 done, 1 failed, 2 running, 8 pending\n60/h, ETA 6m\n");
    expect_screen(20, 5, 0,
                  "ratios: running on h\n40 trials: 29 done, \n60/h, ETA 6m\n\n"
                  "q: quit   up, down, \n");
}

Test(watch, the_tables_move_and_stop_at_their_end)
{
    struct mx_status_view  view = example();
    struct mx_watch_screen screen;

    cr_assert_eq(mx_watch_fill(&view, "out", 60, 8, 5, &screen, NULL), 0);
    cr_expect_eq(screen.scroll, 5);
    cr_expect(strstr(mx_buf_str(&screen.text), "%\n\nfailed attempts"), "is\n%s",
              mx_buf_str(&screen.text));
    mx_watch_free(&screen);
    cr_assert_eq(mx_watch_fill(&view, "out", 60, 8, 1000, &screen, NULL), 0);
    cr_expect_eq(screen.scroll, 6);
    cr_expect(strstr(mx_buf_str(&screen.text), "\nfailed attempts"));
    cr_expect(strstr(mx_buf_str(&screen.text), "0b.r1"));
    mx_watch_free(&screen);
}

Test(watch, fits_every_screen)
{
    struct mx_status_view view = example();

    for (unsigned width = 1; width <= 90; width++)
        for (unsigned height = 1; height <= 30; height++) {
            struct mx_watch_screen screen;
            size_t                 lines = 0;

            cr_assert_eq(mx_watch_fill(&view, "out", width, height, 2, &screen, NULL), 0);
            for (char *at = screen.text.data; *at; lines++) {
                char *end = strchr(at, '\n');

                *end = '\0';
                cr_expect_leq(mx_text_width(at), width, "%u x %u: %s", width, height, at);
                at = end + 1;
            }
            cr_expect_eq(lines, height, "%u x %u has %zu lines", width, height, lines);
            cr_expect_eq(screen.lines, lines);
            mx_watch_free(&screen);
        }
}

Test(watch, what_is_bad_stands_out)
{
    struct mx_status_view  view = example();
    struct mx_watch_screen screen;

    cr_assert_eq(mx_watch_fill(&view, "out", 100, 17, 0, &screen, NULL), 0);
    cr_expect_eq(screen.styles[0], MX_WATCH_HEAD);
    cr_expect_eq(screen.styles[5], MX_WATCH_HEAD);
    cr_expect_eq(screen.styles[7], MX_WATCH_BAD); /* the lost node */
    cr_expect_eq(screen.styles[8], MX_WATCH_PLAIN);
    cr_expect_eq(screen.styles[10], MX_WATCH_BAD);
    cr_expect_eq(screen.styles[16], MX_WATCH_FOOT);
    mx_watch_free(&screen);
    view.status.state = "lost";
    cr_assert_eq(mx_watch_fill(&view, "out", 100, 17, 0, &screen, NULL), 0);
    cr_expect_eq(screen.styles[0], MX_WATCH_BAD);
    mx_watch_free(&screen);
    view.status.state = "finished";
    cr_assert_eq(mx_watch_fill(&view, "out", 100, 17, 0, &screen, NULL), 0);
    cr_expect_eq(screen.styles[0], MX_WATCH_GOOD);
    mx_watch_free(&screen);
}
