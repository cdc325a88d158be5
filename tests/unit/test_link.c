/* The link of a process that is alone: real executors and real, tiny stages. What
 * becomes of executors is tested in test_supervisor.c, other ranks in tests/e2e. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/link.h"
#include "tests/unit/tiny_job.h"
#include "worker/choices.h"

enum {
    FOREVER_S = 120 /* a generous deadline: reaching it is a failure */
};

static char folder[] = "/tmp/mixsweep-link-XXXXXX";

static struct mx_link *open_link(unsigned workers)
{
    struct mx_link_options options = {.program = MX_PROGRAM,
                                      .directory = folder,
                                      .share = {.asked = workers, .jobs = 100},
                                      .rank_timeout_s = 30};
    struct mx_err          err = {0};
    struct mx_buf          why = {0};
    struct mx_link        *link;
    char                   log[64];

    cr_assert_not_null(mkdtemp(folder));
    snprintf(log, sizeof log, "%s/log", folder);
    cr_assert_eq(mx_dir_make(log, NULL), 0);
    link = mx_link_open(&options, &why, &err);
    cr_assert_not_null(link, "%s", err.text);
    mx_buf_free(&why);
    return link;
}

static void close_link(struct mx_link *link)
{
    mx_link_close(link, 0);
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

static void start(struct mx_link *link, uint32_t executor, uint64_t lease, uint32_t stage,
                  struct worker_job job)
{
    struct mx_err err = {0};

    cr_assert_eq(mx_link_start(link, executor, lease, stage, &job, &err), 0, "%s", err.text);
}

/* The stages of the tests below as a journal would have them. */
static void note(struct worker_contributions *journal, const struct mx_link_event *event)
{
    cr_assert_eq(worker_contributions_add(journal, 0, event->stage, event->result->metrics,
                                          event->result->nmetrics, NULL),
                 0);
}

Test(link, stages_run_in_order_and_their_numbers_come_back)
{
    struct mx_link      *link = open_link(1);
    struct mx_link_event event = next_event(link);
    bool                 found = false;

    cr_assert_eq(event.kind, MX_LINK_UP);
    cr_expect(strlen(event.device) > 0);
    cr_expect(strlen(event.host) > 0);
    start(link, 0, 11, 7, tiny_job(2));
    start(link, 0, 12, 8, tiny_job(1));
    for (uint64_t lease = 11; lease <= 12; lease++) {
        event = next_event(link);
        cr_assert_eq(event.kind, MX_LINK_DONE, "%s", event.text);
        cr_expect_eq(event.lease, lease);
        cr_expect_eq(event.stage, lease - 4);
    }
    for (size_t i = 0; i < event.result->nmetrics; i++)
        if (strcmp(event.result->metrics[i].name, "val.accuracy") == 0)
            found = event.result->metrics[i].value >= 0 && event.result->metrics[i].value <= 1;
    cr_expect(found, "no val.accuracy between 0 and 1");
    close_link(link);
}

Test(link, a_stage_that_cannot_read_its_data_fails_with_the_reason)
{
    struct mx_link      *link = open_link(1);
    struct worker_job    job = tiny_job(1);
    struct mx_link_event event = next_event(link);

    job.params.data_set = WORKER_DATA_MNIST;
    strcpy(job.params.data_path, "/nowhere/at/all");
    start(link, 0, 3, 7, job);
    event = next_event(link);
    cr_assert_eq(event.kind, MX_LINK_FAILED);
    cr_expect_eq(event.code, MX_EDATA);
    cr_expect_not_null(strstr(event.text, "/nowhere/at/all"), "%s", event.text);
    close_link(link);
}

Test(link, an_executor_that_is_ended_is_told_and_replaced)
{
    struct mx_link      *link = open_link(2);
    struct mx_link_event event;

    cr_assert_eq(next_event(link).kind, MX_LINK_UP);
    cr_assert_eq(next_event(link).kind, MX_LINK_UP);
    mx_link_kill(link, 1, MX_REASON_TIMED_OUT);
    event = next_event(link);
    cr_assert_eq(event.kind, MX_LINK_LOST);
    cr_expect_eq(event.executor, 1);
    cr_expect_eq(event.reason, MX_REASON_TIMED_OUT);
    event = next_event(link);
    cr_expect_eq(event.kind, MX_LINK_UP);
    cr_expect_eq(event.executor, 1);
    start(link, 1, 43, 7, tiny_job(1));
    cr_expect_eq(next_event(link).kind, MX_LINK_DONE);
    close_link(link);
}

Test(link, there_are_as_many_executors_as_asked_for_and_one_rank)
{
    struct mx_link     *link = open_link(3);
    struct mx_link_rank rank = mx_link_rank(link, 0);

    cr_expect_eq(mx_link_workers(link), 3);
    cr_expect_eq(mx_link_ranks(link), 1);
    cr_expect_eq(rank.first, 0);
    cr_expect_eq(rank.workers, 3);
    cr_expect_not(rank.lost);
    cr_expect(isnan(mx_link_progress(link, 2)), "an idle executor is nowhere in a stage");
    close_link(link);
}

Test(link, the_sum_of_a_lone_process_equals_its_journal)
{
    struct mx_link              *link = open_link(1);
    struct worker_contributions *journal = worker_contributions_new(NULL);
    struct mx_link_maker         makers[4] = {{UINT32_MAX, 0}, {0, 1}, {0, 1}, {UINT32_MAX, 0}};
    struct mx_link_table         table = {journal, makers, 4};
    struct mx_link_reduced       reduced;
    struct worker_metric         before = {"val.accuracy", 0.5};
    struct mx_link_event         event;
    struct mx_err                err = {0};

    cr_assert_eq(next_event(link).kind, MX_LINK_UP);
    for (uint32_t stage = 1; stage <= 2; stage++) {
        start(link, 0, stage, stage, tiny_job(stage));
        event = next_event(link);
        cr_assert_eq(event.kind, MX_LINK_DONE);
        note(journal, &event);
    }
    /* Stage 0 was done by an earlier incarnation. */
    worker_contributions_add(journal, 0, 0, &before, 1, NULL);
    cr_assert_eq(mx_link_reduce(link, &table, &reduced, &err), 0, "%s", err.text);
    cr_expect(reduced.matches);
    cr_expect_eq(reduced.ranks, 1);
    cr_expect_gt(reduced.slots, 2);
    worker_contributions_free(journal);
    close_link(link);
}

Test(link, a_number_that_differs_from_the_journal_is_named)
{
    struct mx_link              *link = open_link(1);
    struct worker_contributions *journal = worker_contributions_new(NULL);
    struct mx_link_maker         makers[2] = {{UINT32_MAX, 0}, {0, 1}};
    struct mx_link_table         table = {journal, makers, 2};
    struct mx_link_reduced       reduced;
    struct worker_metric         wrong = {"val.accuracy", 2.0};
    struct mx_link_event         event;

    cr_assert_eq(next_event(link).kind, MX_LINK_UP);
    start(link, 0, 9, 1, tiny_job(1));
    event = next_event(link);
    cr_assert_eq(event.kind, MX_LINK_DONE);
    worker_contributions_add(journal, 0, 1, &wrong, 1, NULL);
    cr_assert_eq(mx_link_reduce(link, &table, &reduced, NULL), 0);
    cr_expect_not(reduced.matches);
    cr_expect_eq(reduced.stage, 1);
    cr_expect_str_eq(reduced.metric, "val.accuracy");
    cr_expect_eq(reduced.journal, 0x4000000000000000);
    cr_expect_eq(reduced.there, 3);
    worker_contributions_free(journal);
    close_link(link);
}

Test(link, a_result_that_is_rejected_is_not_contributed)
{
    struct mx_link              *link = open_link(1);
    struct worker_contributions *journal = worker_contributions_new(NULL);
    struct mx_link_maker         makers[1] = {{0, 1}};
    struct mx_link_table         table = {journal, makers, 1};
    struct mx_link_reduced       reduced;
    struct mx_link_event         event;

    cr_assert_eq(next_event(link).kind, MX_LINK_UP);
    for (uint64_t lease = 1; lease <= 2; lease++) {
        start(link, 0, lease, 0, tiny_job((int64_t)lease));
        event = next_event(link);
        cr_assert_eq(event.kind, MX_LINK_DONE);
        if (lease == 1)
            note(journal, &event); /* the one that counts */
        else
            cr_assert_eq(mx_link_reject(link, &event, NULL), 0);
    }
    cr_assert_eq(mx_link_reduce(link, &table, &reduced, NULL), 0);
    cr_expect(reduced.matches);
    worker_contributions_free(journal);
    close_link(link);
}
