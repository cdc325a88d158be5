/* Executors that die, hang or never start; scripts play the worst ones. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/unit/supervisor_case.h"

Test(supervisor_deaths, of_several_orders_the_one_that_ran_is_blamed_and_answers_count)
{
    struct mx_supervisor      *supervisor = open_supervisor(2, 0);
    struct mx_supervisor_event event;
    struct mx_buf              orders = {0};
    struct worker_job          quick = tiny_job(1), slow = tiny_job(1000000);
    double                     progress;

    cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    put_order(&orders, 41, &quick);
    put_order(&orders, 42, &slow);
    put_order(&orders, 43, &quick);
    give(supervisor, 1, &orders);
    event = next_event(supervisor); /* while the slow one runs */
    cr_assert_eq(event.kind, MX_SUPERVISOR_DONE);
    cr_expect_eq(event.lease, 41);
    do { /* the end of the quick one may still be seen */
        cr_assert_eq(mx_supervisor_wait(supervisor, 0.001, -1, NULL), 0);
        progress = mx_supervisor_progress(supervisor, 1);
    } while (!(progress > 0 && progress < 0.5));
    mx_supervisor_kill(supervisor, 1, MX_REASON_TIMED_OUT);
    mx_supervisor_kill(supervisor, 1, MX_REASON_STALLED); /* the first reason is the reason */
    event = next_event(supervisor);
    cr_assert_eq(event.kind, MX_SUPERVISOR_LOST);
    cr_expect_eq(event.executor, 1);
    cr_expect_eq(event.lease, 42);
    cr_expect_eq(event.reason, MX_REASON_TIMED_OUT);
    cr_expect_str_eq(event.text, "the executor was ended: timed_out");
    order(supervisor, 1, 50, quick); /* nobody is up: dropped */
    event = next_event(supervisor);
    cr_expect_eq(event.kind, MX_SUPERVISOR_UP);
    cr_expect_eq(event.executor, 1);
    order(supervisor, 1, 51, quick);
    event = next_event(supervisor);
    cr_expect_eq(event.kind, MX_SUPERVISOR_DONE);
    cr_expect_eq(event.lease, 51);
    close_supervisor(supervisor);
}

Test(supervisor_deaths, nobody_is_blamed_for_the_death_of_an_idle_executor)
{
    struct mx_supervisor      *supervisor = open_supervisor(1, 0);
    struct mx_supervisor_event event;

    cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    order(supervisor, 0, 9, tiny_job(1));
    cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_DONE);
    kill(only_child(), SIGKILL);
    event = next_event(supervisor);
    cr_assert_eq(event.kind, MX_SUPERVISOR_LOST);
    cr_expect_eq(event.lease, 0);
    cr_expect_eq(event.reason, MX_REASON_CRASHED);
    cr_expect_str_eq(event.text, "the executor was killed (signal 9); if nobody did that, the "
                                 "machine ran out of memory");
    close_supervisor(supervisor);
}

Test(supervisor_deaths, a_limit_on_cpu_time_is_named_where_there_is_one)
{
    struct mx_supervisor      *supervisor = open_supervisor(1, 0);
    const struct rlimit        limit = {1000, 1000};
    struct mx_supervisor_event event;

    cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    cr_assert_eq(setrlimit(RLIMIT_CPU, &limit), 0); /* of this test's own process */
    kill(only_child(), SIGKILL);
    event = next_event(supervisor);
    cr_assert_eq(event.kind, MX_SUPERVISOR_LOST);
    cr_expect_str_eq(event.text, "the executor was killed (signal 9); if nobody did that, its CPU "
                                 "time was over (ulimit -t 1000), or the machine ran out of "
                                 "memory");
    close_supervisor(supervisor);
}

Test(supervisor_deaths, a_crash_is_blamed_on_its_signal)
{
    struct mx_supervisor      *supervisor = open_supervisor(1, 0);
    struct mx_supervisor_event event;

    cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    order(supervisor, 0, 5, tiny_job(1000000));
    kill(only_child(), SIGABRT); /* sanitizers catch the others */
    event = next_event(supervisor);
    cr_expect_eq(event.kind, MX_SUPERVISOR_LOST);
    cr_expect_eq(event.lease, 5);
    cr_expect_eq(event.reason, MX_REASON_CRASHED);
    cr_expect_str_eq(event.text, "the executor crashed with signal 6 (Aborted)");
    cr_expect(strlen(event.device) > 0);
    close_supervisor(supervisor);
}

Test(supervisor_deaths, an_executor_that_stands_still_is_ended_as_stalled)
{
    struct mx_supervisor      *supervisor = open_supervisor(1, 0.05);
    struct mx_supervisor_event event;

    cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    kill(only_child(), SIGSTOP);
    order(supervisor, 0, 5, tiny_job(1));
    event = next_event(supervisor);
    cr_expect_eq(event.kind, MX_SUPERVISOR_LOST);
    cr_expect_eq(event.lease, 5, "it was to begin with this one");
    cr_expect_eq(event.reason, MX_REASON_STALLED);
    close_supervisor(supervisor);
}

/* As when a whole job is suspended and goes on later. */
Test(supervisor_deaths, time_in_which_the_supervisor_did_not_look_is_nobodys_stall)
{
    struct mx_supervisor      *supervisor = open_supervisor(1, 2);
    struct mx_supervisor_event event;
    struct timespec            pause = {2, 200000000};
    pid_t                      pid;

    cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    kill(pid = only_child(), SIGSTOP);
    order(supervisor, 0, 5, tiny_job(1));
    nanosleep(&pause, NULL);
    cr_assert_eq(mx_supervisor_wait(supervisor, 0, -1, NULL), 0);
    kill(pid, SIGCONT);
    event = next_event(supervisor);
    cr_expect_eq(event.kind, MX_SUPERVISOR_DONE);
    cr_expect_eq(event.lease, 5);
    close_supervisor(supervisor);
}

Test(supervisor_deaths, descriptors_do_not_leak_over_many_replacements)
{
    struct mx_supervisor *supervisor = open_supervisor(1, 0);
    int                   before;

    cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    before = count_descriptors("self");
    for (int i = 0; i < 50; i++) {
        mx_supervisor_kill(supervisor, 0, MX_REASON_STALLED);
        cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_LOST);
        cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    }
    cr_expect_eq(count_descriptors("self"), before);
    close_supervisor(supervisor);
}

/* Supervise a script until it is given up for not starting; says why in *err. */
static void give_up_script(const char *text, struct mx_err *err)
{
    struct mx_supervisor      *supervisor;
    struct mx_supervisor_event event;
    char                       path[64];

    make_folder();
    snprintf(path, sizeof path, "%s/script", folder);
    cr_assert_eq(mx_file_write(path, text, strlen(text), NULL), 0);
    cr_assert_eq(chmod(path, 0755), 0);
    supervisor = open_program(path, 3, 1, 0);
    cr_expect_eq(next_or_error(supervisor, &event, err), -1);
    cr_expect_eq(err->code, MX_EIO);
    mx_supervisor_close(supervisor);
}

Test(supervisor_deaths, an_executor_that_cannot_start_is_an_error_that_names_its_log)
{
    struct mx_err err = {0};
    struct mx_buf log = {0};
    char          expected[256], path[64];

    give_up_script("#!/bin/sh\necho to output\necho \"it has no legs\" >&2\nexit 3\n", &err);
    snprintf(path, sizeof path, "%s/log/exec-3.log", folder);
    snprintf(expected, sizeof expected,
             "executor 3 cannot start (the executor ended with exit status 3; its last words: it "
             "has no legs); see %s",
             path);
    cr_expect_str_eq(err.text, expected);
    cr_assert_eq(mx_file_read(path, 1 << 20, &log, NULL), 0);
    cr_expect_str_eq(log.data, "to output\nit has no legs\nto output\nit has no legs\n"
                               "to output\nit has no legs\n");
    mx_buf_free(&log);
    close_supervisor(NULL);
}

Test(supervisor_deaths, one_that_sends_nonsense_is_ended)
{
    struct mx_err err = {0};

    give_up_script("#!/bin/sh\nprintf nonsense-of-some-length >&3\nexec sleep 1000\n", &err);
    cr_expect_eq(strncmp(err.text,
                         "executor 3 cannot start (the executor was ended: crashed: a message "
                         "does not start as ours do); see ",
                         98),
                 0, "%s", err.text);
    close_supervisor(NULL);
}

/* What the last one says may be all that a pipe holds. */
Test(supervisor_deaths, all_that_a_dying_executor_says_is_in_its_log)
{
    struct mx_err err = {0};
    struct mx_buf log = {0};
    char          path[64];

    give_up_script("#!/bin/sh\nhead -c 65526 /dev/zero | tr '\\0' x\necho; echo all said\n"
                   "kill -TERM $$\n",
                   &err);
    cr_expect_not_null(strstr(err.text, "crashed with signal 15 (Terminated); its last words: all "
                                        "said)"),
                       "%s", err.text);
    snprintf(path, sizeof path, "%s/log/exec-3.log", folder);
    cr_assert_eq(mx_file_read(path, 1 << 20, &log, NULL), 0);
    cr_expect_eq(log.len, 3 * 65536);
    mx_buf_free(&log);
    close_supervisor(NULL);
}
