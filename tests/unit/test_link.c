/* The local link with real executor processes and real, tiny stages. */
#include <criterion/criterion.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/link.h"
#include "worker/choices.h"

enum {
    FOREVER_S = 120 /* a generous deadline: reaching it is a failure */
};

static char folder[] = "/tmp/mixsweep-link-XXXXXX";

static struct mx_link *open_link(unsigned workers, double stall_timeout_s)
{
    struct mx_link_options options = {.program = MX_PROGRAM,
                                      .directory = folder,
                                      .workers = workers,
                                      .stall_timeout_s = stall_timeout_s};
    struct mx_err          err = {0};
    struct mx_link        *link;
    char                   log[64];

    cr_assert_not_null(mkdtemp(folder));
    snprintf(log, sizeof log, "%s/log", folder);
    cr_assert_eq(mx_dir_make(log, NULL), 0);
    link = mx_link_open(&options, &err);
    cr_assert_not_null(link, "%s", err.text);
    return link;
}

static void close_link(struct mx_link *link)
{
    mx_link_close(link);
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

static struct mx_link_event next_event(struct mx_link *link)
{
    struct mx_link_event event;
    struct mx_err        err = {0};

    for (;;) {
        int rc = mx_link_poll(link, FOREVER_S, -1, &event, &err);

        cr_assert(rc >= 0, "%s", err.text);
        if (rc > 0)
            return event;
    }
}

/* A linear classifier on synthetic images: a stage of milliseconds an epoch. */
static struct worker_job tiny_job(int64_t epochs)
{
    struct worker_job job = {.kind = WORKER_STAGE_TRAIN, .seed = 1};

    job.params.data_set = WORKER_DATA_SYNTHETIC;
    job.params.data_size = 8;
    job.params.data_channels = 1;
    job.params.data_synthetic_n = 64;
    job.params.data_synthetic_classes = 2;
    job.params.data_val_fraction = 0.25;
    job.params.data_spurious_rate = 0.5;
    job.params.model_arch = WORKER_ARCH_LINEAR;
    job.params.train_epochs = epochs;
    job.params.train_batch_size = 16;
    job.params.train_lr = 0.01;
    job.params.train_threads = 1;
    job.params.mix_prob = 1;
    job.params.mix_alpha = 1;
    return job;
}

static void start(struct mx_link *link, uint32_t executor, uint64_t lease, struct worker_job job)
{
    struct mx_err err = {0};

    cr_assert_eq(mx_link_start(link, executor, lease, 7, &job, &err), 0, "%s", err.text);
}

Test(link, a_stage_runs_in_an_executor_and_its_numbers_come_back)
{
    struct mx_link      *link = open_link(1, 0);
    struct mx_link_event event = next_event(link);
    bool                 found = false;

    cr_assert_eq(event.kind, MX_LINK_UP);
    cr_expect(strlen(event.device) > 0);
    start(link, 0, 11, tiny_job(2));
    event = next_event(link);
    cr_assert_eq(event.kind, MX_LINK_DONE, "%s", event.text);
    cr_expect_eq(event.lease, 11);
    cr_expect_eq(event.stage, 7);
    for (size_t i = 0; i < event.result.nmetrics; i++)
        if (strcmp(event.result.metrics[i].name, "val.accuracy") == 0)
            found = event.result.metrics[i].value >= 0 && event.result.metrics[i].value <= 1;
    cr_expect(found, "no val.accuracy between 0 and 1");
    close_link(link);
}

Test(link, a_stage_that_cannot_read_its_data_fails_with_the_reason)
{
    struct mx_link      *link = open_link(1, 0);
    struct worker_job    job = tiny_job(1);
    struct mx_link_event event = next_event(link);

    job.params.data_set = WORKER_DATA_MNIST;
    strcpy(job.params.data_path, "/nowhere/at/all");
    start(link, 0, 3, job);
    event = next_event(link);
    cr_assert_eq(event.kind, MX_LINK_FAILED);
    cr_expect_eq(event.code, MX_EDATA);
    cr_expect_not_null(strstr(event.text, "/nowhere/at/all"), "%s", event.text);
    close_link(link);
}

Test(link, an_executor_that_dies_is_told_with_its_lease_and_replaced)
{
    struct mx_link      *link = open_link(2, 0);
    struct mx_link_event event;

    cr_assert_eq(next_event(link).kind, MX_LINK_UP);
    cr_assert_eq(next_event(link).kind, MX_LINK_UP);
    start(link, 1, 42, tiny_job(1000000));
    mx_link_kill(link, 1, MX_REASON_TIMED_OUT);
    event = next_event(link);
    cr_assert_eq(event.kind, MX_LINK_LOST);
    cr_expect_eq(event.executor, 1);
    cr_expect_eq(event.lease, 42);
    cr_expect_eq(event.reason, MX_REASON_TIMED_OUT);
    event = next_event(link);
    cr_expect_eq(event.kind, MX_LINK_UP);
    cr_expect_eq(event.executor, 1);
    start(link, 1, 43, tiny_job(1));
    cr_expect_eq(next_event(link).kind, MX_LINK_DONE);
    close_link(link);
}

/* The process ids of this process's children, from /proc. */
static pid_t only_child(void)
{
    char  path[64];
    FILE *file;
    long  pid = 0;

    snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
    file = fopen(path, "r");
    cr_assert_not_null(file);
    cr_assert_eq(fscanf(file, "%ld", &pid), 1);
    fclose(file);
    return (pid_t)pid;
}

Test(link, a_stage_that_stands_still_is_ended_as_stalled)
{
    struct mx_link      *link = open_link(1, 0.05);
    struct mx_link_event event;

    cr_assert_eq(next_event(link).kind, MX_LINK_UP);
    kill(only_child(), SIGSTOP);
    start(link, 0, 5, tiny_job(1));
    do {
        struct mx_err err = {0};

        cr_assert(mx_link_poll(link, 0.05, -1, &event, &err) >= 0, "%s", err.text);
    } while (event.executor == 0 && event.lease == 0);
    cr_expect_eq(event.kind, MX_LINK_LOST);
    cr_expect_eq(event.reason, MX_REASON_STALLED);
    close_link(link);
}

Test(link, a_crash_is_blamed_on_its_signal)
{
    struct mx_link      *link = open_link(1, 0);
    struct mx_link_event event;

    cr_assert_eq(next_event(link).kind, MX_LINK_UP);
    start(link, 0, 5, tiny_job(1000000));
    kill(only_child(), SIGABRT); /* sanitizers catch the others */
    event = next_event(link);
    cr_expect_eq(event.kind, MX_LINK_LOST);
    cr_expect_eq(event.reason, MX_REASON_CRASHED);
    cr_expect_str_eq(event.text, "the executor crashed with signal 6 (Aborted)");
    close_link(link);
}

Test(link, an_executor_that_cannot_start_ends_the_link_with_its_log)
{
    struct mx_link_options options = {.program = "/bin/false", .directory = folder, .workers = 1};
    struct mx_link_event   event;
    struct mx_err          err = {0};
    struct mx_link        *link;
    char                   log[64];
    int                    rc;

    cr_assert_not_null(mkdtemp(folder));
    snprintf(log, sizeof log, "%s/log", folder);
    cr_assert_eq(mx_dir_make(log, NULL), 0);
    cr_assert_not_null(link = mx_link_open(&options, &err));
    while ((rc = mx_link_poll(link, FOREVER_S, -1, &event, &err)) == 0)
        ;
    cr_expect_eq(rc, -1);
    cr_expect_eq(err.code, MX_EIO);
    cr_expect_not_null(strstr(err.text, "executor 0 cannot start (the executor ended with exit "
                                        "status 1)"),
                       "%s", err.text);
    close_link(link);
}
