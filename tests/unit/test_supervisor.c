/* The supervisor with real executor processes, and with scripts that play bad ones. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/supervisor.h"
#include "tests/unit/tiny_job.h"

enum {
    FOREVER_S = 120 /* a generous deadline: reaching it is a failure */
};

static char folder[] = "/tmp/mixsweep-supervisor-XXXXXX";

static void make_folder(void)
{
    char log[64];

    cr_assert_not_null(mkdtemp(folder));
    snprintf(log, sizeof log, "%s/log", folder);
    cr_assert_eq(mx_dir_make(log, NULL), 0);
}

static struct mx_supervisor *open_program(const char *program, uint32_t first, unsigned workers,
                                          double stall_timeout_s)
{
    struct mx_supervisor_options options = {.program = program,
                                            .directory = folder,
                                            .first = first,
                                            .workers = workers,
                                            .stall_timeout_s = stall_timeout_s};
    struct mx_err                err = {0};
    struct mx_supervisor        *supervisor = mx_supervisor_open(&options, &err);

    cr_assert_not_null(supervisor, "%s", err.text);
    return supervisor;
}

static struct mx_supervisor *open_supervisor(unsigned workers, double stall_timeout_s)
{
    make_folder();
    return open_program(MX_PROGRAM, 0, workers, stall_timeout_s);
}

static void close_supervisor(struct mx_supervisor *supervisor)
{
    mx_supervisor_close(supervisor);
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

/* Wait for the next event; -1 with *err if the supervisor gives up. */
static int next_or_error(struct mx_supervisor *supervisor, struct mx_supervisor_event *event,
                         struct mx_err *err)
{
    int rc;

    while ((rc = mx_supervisor_next(supervisor, event, err)) == 0)
        if (mx_supervisor_wait(supervisor, FOREVER_S, -1, err))
            return -1;
    return rc;
}

static struct mx_supervisor_event next_event(struct mx_supervisor *supervisor)
{
    struct mx_supervisor_event event;
    struct mx_err              err = {0};

    cr_assert_eq(next_or_error(supervisor, &event, &err), 1, "%s", err.text);
    return event;
}

static void put_order(struct mx_buf *orders, uint64_t lease, const struct worker_job *job)
{
    struct worker_message order = {.type = WORKER_MESSAGE_RUN, .lease = lease, .stage = 7};

    order.job = *job;
    worker_message_put(orders, &order);
}

static void give(struct mx_supervisor *supervisor, uint32_t executor, struct mx_buf *orders)
{
    struct mx_err err = {0};

    cr_assert(mx_buf_ok(orders));
    cr_assert_eq(mx_supervisor_order(supervisor, executor, orders->data, orders->len, &err), 0,
                 "%s", err.text);
    mx_buf_free(orders);
}

static void order(struct mx_supervisor *supervisor, uint32_t executor, uint64_t lease,
                  struct worker_job job)
{
    struct mx_buf orders = {0};

    put_order(&orders, lease, &job);
    give(supervisor, executor, &orders);
}

static void order_empty(struct mx_supervisor *supervisor, uint32_t executor, uint64_t first,
                        uint64_t n)
{
    struct mx_buf     orders = {0};
    struct worker_job job = tiny_job(1);

    job.empty = true;
    for (uint64_t i = 0; i < n; i++) {
        job.repeat = (uint32_t)i;
        put_order(&orders, first + i, &job);
    }
    give(supervisor, executor, &orders);
}

/* Children of this process, from /proc; the first one's number to *pid. */
static int count_children(pid_t *pid)
{
    char  path[64];
    FILE *file;
    long  each;
    int   n = 0;

    snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
    cr_assert_not_null(file = fopen(path, "r"));
    while (fscanf(file, "%ld", &each) == 1)
        if (n++ == 0 && pid)
            *pid = (pid_t)each;
    fclose(file);
    return n;
}

static pid_t only_child(void)
{
    pid_t pid = 0;

    cr_assert_eq(count_children(&pid), 1);
    return pid;
}

/* Open descriptors of a process ("self" or a number), without those above. */
static int count_descriptors(const char *process)
{
    char path[64];
    DIR *dir;
    int  n = 0;

    snprintf(path, sizeof path, "/proc/%s/fd", process);
    cr_assert_not_null(dir = opendir(path));
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2 - (strcmp(process, "self") == 0);
}

Test(supervisor, a_stage_runs_in_an_executor_and_its_numbers_come_back)
{
    struct mx_supervisor      *supervisor = open_supervisor(1, 0);
    struct mx_supervisor_event event = next_event(supervisor);
    bool                       found = false;

    cr_assert_eq(event.kind, MX_SUPERVISOR_UP);
    cr_expect(strlen(event.device) > 0);
    cr_expect(isnan(mx_supervisor_progress(supervisor, 0)));
    order(supervisor, 0, 11, tiny_job(2));
    event = next_event(supervisor);
    cr_assert_eq(event.kind, MX_SUPERVISOR_DONE);
    cr_expect_eq(event.lease, 11);
    cr_expect_eq(event.message->stage, 7);
    cr_expect(event.message->seconds > 0);
    for (size_t i = 0; i < event.message->result.nmetrics; i++)
        if (strcmp(event.message->result.metrics[i].name, "val.accuracy") == 0)
            found = event.message->result.metrics[i].value >= 0 &&
                    event.message->result.metrics[i].value <= 1;
    cr_expect(found, "no val.accuracy between 0 and 1");
    close_supervisor(supervisor);
}

Test(supervisor, a_stage_that_cannot_read_its_data_fails_with_the_reason)
{
    struct mx_supervisor      *supervisor = open_supervisor(1, 0);
    struct mx_supervisor_event event = next_event(supervisor);
    struct worker_job          job = tiny_job(1);

    job.params.data_set = WORKER_DATA_MNIST;
    strcpy(job.params.data_path, "/nowhere/at/all");
    order(supervisor, 0, 3, job);
    event = next_event(supervisor);
    cr_assert_eq(event.kind, MX_SUPERVISOR_FAILED);
    cr_expect_eq(event.lease, 3);
    cr_expect_eq(event.message->code, MX_EDATA);
    cr_expect_not_null(strstr(event.message->text, "/nowhere/at/all"), "%s", event.message->text);
    close_supervisor(supervisor);
}

/* More bytes than a socket holds: the rest is sent while waiting. */
Test(supervisor, thousands_of_orders_are_answered_in_their_order_with_their_frames)
{
    enum {
        ORDERS = 3000
    };
    struct mx_supervisor *supervisor = open_supervisor(2, 0);
    uint64_t              next[2] = {100, 100};

    cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    for (uint32_t x = 0; x < 2; x++) {
        order_empty(supervisor, x, 100, 1);
        order_empty(supervisor, x, 101, ORDERS - 1);
    }
    while (next[0] + next[1] < 2 * (100 + ORDERS)) {
        struct mx_supervisor_event event = next_event(supervisor);
        struct worker_message      again;

        cr_assert_eq(event.kind, MX_SUPERVISOR_DONE);
        cr_assert_eq(event.lease, next[event.executor]++);
        cr_assert_eq(worker_message_take(event.frame, event.frame_len, &again, NULL),
                     (long)event.frame_len);
        cr_assert_eq(again.lease, event.lease);
        cr_assert_eq(again.result.nmetrics, 2);
        cr_assert_eq(again.result.metrics[0].value, event.message->result.metrics[0].value);
        worker_message_free(&again);
    }
    close_supervisor(supervisor);
}

Test(supervisor, numbers_are_those_of_the_whole_sweep)
{
    struct mx_supervisor      *supervisor;
    struct mx_supervisor_event event;
    char                       path[64];
    unsigned                   up = 0;

    make_folder();
    supervisor = open_program(MX_PROGRAM, 5, 2, 0);
    for (int i = 0; i < 2; i++) {
        event = next_event(supervisor);
        cr_assert_eq(event.kind, MX_SUPERVISOR_UP);
        up += event.executor;
    }
    cr_expect_eq(up, 5 + 6);
    order(supervisor, 6, 1, tiny_job(1));
    event = next_event(supervisor);
    cr_expect_eq(event.kind, MX_SUPERVISOR_DONE);
    cr_expect_eq(event.executor, 6);
    snprintf(path, sizeof path, "%s/log/exec-6.log", folder);
    cr_expect(mx_file_exists(path));
    close_supervisor(supervisor);
}

Test(supervisor, of_several_orders_the_one_that_ran_is_blamed_and_answers_count)
{
    struct mx_supervisor      *supervisor = open_supervisor(2, 0);
    struct mx_supervisor_event event;
    struct mx_buf              orders = {0};
    struct worker_job          quick = tiny_job(1), slow = tiny_job(1000000);

    cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    put_order(&orders, 41, &quick);
    put_order(&orders, 42, &slow);
    put_order(&orders, 43, &quick);
    give(supervisor, 1, &orders);
    event = next_event(supervisor); /* while the slow one runs */
    cr_assert_eq(event.kind, MX_SUPERVISOR_DONE);
    cr_expect_eq(event.lease, 41);
    while (!(mx_supervisor_progress(supervisor, 1) > 0))
        cr_assert_eq(mx_supervisor_wait(supervisor, 0.001, -1, NULL), 0);
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

Test(supervisor, nobody_is_blamed_for_the_death_of_an_idle_executor)
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

Test(supervisor, a_crash_is_blamed_on_its_signal)
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

Test(supervisor, an_executor_that_stands_still_is_ended_as_stalled)
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

Test(supervisor, a_readable_wake_descriptor_ends_a_wait)
{
    struct mx_supervisor      *supervisor = open_supervisor(0, 0);
    struct mx_supervisor_event event;
    int                        ends[2];

    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "x", 1), 1);
    cr_expect_eq(mx_supervisor_wait(supervisor, FOREVER_S, ends[0], NULL), 0);
    cr_expect_eq(mx_supervisor_next(supervisor, &event, NULL), 0);
    close(ends[0]);
    close(ends[1]);
    close_supervisor(supervisor);
}

Test(supervisor, orders_that_are_not_whole_are_refused)
{
    struct mx_supervisor *supervisor = open_supervisor(1, 0);
    struct worker_job     job = tiny_job(1);
    struct mx_buf         orders = {0};
    struct mx_err         err = {0};

    cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    put_order(&orders, 1, &job);
    cr_expect_eq(mx_supervisor_order(supervisor, 0, orders.data, orders.len - 1, &err), -1);
    cr_expect_eq(err.code, MX_EINTERNAL);
    cr_expect_str_eq(err.text, "orders that end in a frame");
    cr_expect_eq(mx_supervisor_order(supervisor, 0, "no frame at all", 15, &err), -1);
    mx_buf_free(&orders);
    order(supervisor, 0, 2, job);
    cr_expect_eq(next_event(supervisor).lease, 2);
    close_supervisor(supervisor);
}

Test(supervisor, close_leaves_nobody)
{
    struct mx_supervisor *supervisor = open_supervisor(3, 0);

    for (int i = 0; i < 3; i++)
        cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    order(supervisor, 0, 1, tiny_job(1000000));
    cr_assert_eq(count_children(NULL), 3);
    close_supervisor(supervisor);
    cr_expect_eq(count_children(NULL), 0);
}

Test(supervisor, descriptors_do_not_leak_over_many_replacements)
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

/* A stray descriptor, and what mpirun leaves in the environment of a rank. */
Test(supervisor, an_executor_inherits_nothing_of_an_mpi_job)
{
    static const char *const mpi[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK",   "PMI_FD",
                                      "PRTE_LAUNCHED",        "OPAL_PREFIX", "ORTE_X"};
    struct mx_supervisor    *supervisor;
    struct mx_buf            environment = {0};
    char                     process[32], path[64];
    int                      stray = dup(STDIN_FILENO);

    cr_assert(stray >= 0);
    setenv("MX_TEST_KEPT", "1", 1);
    for (size_t i = 0; i < sizeof mpi / sizeof mpi[0]; i++)
        setenv(mpi[i], "1", 1);
    supervisor = open_supervisor(1, 0);
    cr_assert_eq(next_event(supervisor).kind, MX_SUPERVISOR_UP);
    snprintf(process, sizeof process, "%ld", (long)only_child());
    cr_expect_eq(count_descriptors(process), 5);
    snprintf(path, sizeof path, "/proc/%s/environ", process);
    cr_assert_eq(mx_file_read(path, 1 << 20, &environment, NULL), 0);
    cr_expect_not_null(memmem(environment.data, environment.len, "MX_TEST_KEPT", 12));
    for (size_t i = 0; i < sizeof mpi / sizeof mpi[0]; i++)
        cr_expect_null(memmem(environment.data, environment.len, mpi[i], strlen(mpi[i])), "%s",
                       mpi[i]);
    mx_buf_free(&environment);
    close(stray);
    close_supervisor(supervisor);
}

Test(supervisor, a_program_that_is_not_there_is_an_error)
{
    struct mx_supervisor_options options = {
        .program = "/nowhere/mixsweep", .directory = folder, .workers = 1};
    struct mx_err err = {0};

    make_folder();
    cr_expect_null(mx_supervisor_open(&options, &err));
    cr_expect_eq(err.code, MX_EIO);
    cr_expect_str_eq(err.text,
                     "cannot start /nowhere/mixsweep as an executor: No such file or directory");
    close_supervisor(NULL);
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

Test(supervisor, an_executor_that_cannot_start_is_an_error_that_names_its_log)
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

Test(supervisor, one_that_sends_nonsense_is_ended)
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
Test(supervisor, all_that_a_dying_executor_says_is_in_its_log)
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
