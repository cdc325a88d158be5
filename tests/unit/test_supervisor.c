/* Orders and answers, with real executor processes. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/supervisor_case.h"

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
        cr_assert_eq(worker_message_take(event.frame, event.frame_len, &again, NULL, NULL),
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
    snprintf(path, sizeof path, "%s/log/exec-5.log", folder);
    cr_expect(mx_file_exists(path));
    snprintf(path, sizeof path, "%s/log/exec-6.log", folder);
    cr_expect_not(mx_file_exists(path), "they share a file");
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
