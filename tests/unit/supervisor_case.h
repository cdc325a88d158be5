/* supervisor_case.h - a supervisor of real executors, and steps that must succeed. */
#ifndef MX_TESTS_SUPERVISOR_CASE_H
#define MX_TESTS_SUPERVISOR_CASE_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sweep/supervisor.h"
#include "tests/unit/tiny_job.h"

enum {
    FOREVER_S = 120 /* a generous deadline: reaching it is a failure */
};

static char folder[] = "/tmp/mixsweep-supervisor-XXXXXX";

static inline void make_folder(void)
{
    char log[64];

    cr_assert_not_null(mkdtemp(folder));
    snprintf(log, sizeof log, "%s/log", folder);
    cr_assert_eq(mx_dir_make(log, NULL), 0);
}

static inline struct mx_supervisor *open_program(const char *program, uint32_t first,
                                                 unsigned workers, double stall_timeout_s)
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

static inline struct mx_supervisor *open_supervisor(unsigned workers, double stall_timeout_s)
{
    make_folder();
    return open_program(MX_PROGRAM, 0, workers, stall_timeout_s);
}

static inline void close_supervisor(struct mx_supervisor *supervisor)
{
    mx_supervisor_close(supervisor);
    cr_assert_eq(mx_dir_remove(folder, NULL), 0);
}

/* Wait for the next event; -1 with *err if the supervisor gives up. */
static inline int next_or_error(struct mx_supervisor *supervisor, struct mx_supervisor_event *event,
                                struct mx_err *err)
{
    int rc;

    while ((rc = mx_supervisor_next(supervisor, event, err)) == 0)
        if (mx_supervisor_wait(supervisor, FOREVER_S, -1, err))
            return -1;
    return rc;
}

static inline struct mx_supervisor_event next_event(struct mx_supervisor *supervisor)
{
    struct mx_supervisor_event event;
    struct mx_err              err = {0};

    cr_assert_eq(next_or_error(supervisor, &event, &err), 1, "%s", err.text);
    return event;
}

static inline void put_order(struct mx_buf *orders, uint64_t lease, const struct worker_job *job)
{
    struct worker_message order = {
        .type = WORKER_MESSAGE_RUN, .lease = lease, .stage = 7, .job = job};

    worker_message_put(orders, &order);
}

static inline void give(struct mx_supervisor *supervisor, uint32_t executor, struct mx_buf *orders)
{
    struct mx_err err = {0};

    cr_assert(mx_buf_ok(orders));
    cr_assert_eq(mx_supervisor_order(supervisor, executor, orders->data, orders->len, &err), 0,
                 "%s", err.text);
    mx_buf_free(orders);
}

static inline void order(struct mx_supervisor *supervisor, uint32_t executor, uint64_t lease,
                         struct worker_job job)
{
    struct mx_buf orders = {0};

    put_order(&orders, lease, &job);
    give(supervisor, executor, &orders);
}

/* Children of this process, from /proc; the first one's number to *pid. */
static inline int count_children(pid_t *pid)
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

static inline pid_t only_child(void)
{
    pid_t pid = 0;

    cr_assert_eq(count_children(&pid), 1);
    return pid;
}

/* Open descriptors of a process ("self" or a number), without those above. */
static inline int count_descriptors(const char *process)
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

#endif
