/* The local link with real executor processes and real, tiny stages. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/link.h"
#include "tests/unit/tiny_job.h"

enum {
    FOREVER_S = 120 /* a generous deadline: reaching it is a failure */
};

static char folder[] = "/tmp/mixsweep-link-XXXXXX";

static struct mx_link *open_link(unsigned workers)
{
    struct mx_link_options options = {
        .program = MX_PROGRAM, .directory = folder, .workers = workers};
    struct mx_err   err = {0};
    struct mx_link *link;
    char            log[64];

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

static void start(struct mx_link *link, uint32_t executor, uint64_t lease, struct worker_job job)
{
    struct mx_err err = {0};

    cr_assert_eq(mx_link_start(link, executor, lease, 7, &job, &err), 0, "%s", err.text);
}

Test(link, a_stage_runs_in_an_executor_and_its_numbers_come_back)
{
    struct mx_link      *link = open_link(1);
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

Test(link, an_executor_that_dies_is_told_with_its_lease_and_replaced)
{
    struct mx_link      *link = open_link(2);
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
